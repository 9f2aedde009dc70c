import Foundation

/// How often each policy wins over each other, as a table whose cells have the winner's colour.
struct WinMatrix {
    /// A rate with its interval.
    struct Rate {
        var rate: Double
        var low: Double
        var high: Double
        /// What it rests on, for the one who points at it.
        var note: String

        /// The same from the other side.
        var reversed: Rate { Rate(rate: 1 - rate, low: 1 - high, high: 1 - low, note: note) }
    }

    let policies: [String]
    let palette: Palette
    /// By policy and by whom it is compared with; one of the two directions is enough.
    let rates: [String: [String: Rate]]

    var markup: Markup {
        let head = policies.map { other -> Markup in
            "<th scope=\"col\">\(Markup.key(other, palette.color(other)))</th>"
        }
        let rows = policies.map { policy -> Markup in
            let cells = policies.map { other in policy == other ? Self.none : cell(policy, other) }
            return "<tr><th scope=\"row\">\(Markup.key(policy, palette.color(policy)))</th>\(cells)</tr>\n"
        }
        return """
            <div class="scroll"><table class="matrix"><thead><tr><td class="none" style="background:none"></td>\(head)</tr></thead>
            <tbody>\(rows)</tbody></table></div>
            """
    }

    private static let none: Markup = "<td class=\"none\">–</td>"

    private func cell(_ policy: String, _ other: String) -> Markup {
        guard let rate = rates[policy]?[other] ?? rates[other]?[policy]?.reversed else { return Self.none }
        let winner = rate.rate >= 0.5 ? policy : other
        // From no colour at one half to most of it at a rate of one.
        let weight = Int((abs(rate.rate - 0.5) * 110).rounded())
        return """
            <td style="--c:\(palette.color(winner));--w:\(weight)%" title="\(rate.note)"><b>\(Self.percent(rate.rate)) %</b>\
            <small>\(Self.percent(rate.low))–\(Self.percent(rate.high))</small></td>
            """
    }

    private static func percent(_ rate: Double) -> String { String(format: "%.1f", 100 * rate) }
}

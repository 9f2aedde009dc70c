import Foundation

/// One line of text on a stage's progress.
package enum ProgressLine {
    /// `[4/6] dpo  ━━━━━┄┄  31/50 steps  1.8/s  eta 11s  loss 0.6712  accuracies 0.5800`, no wider than `width`:
    /// the bar shrinks first, then metrics are left out, the least telling first.
    package static func bar(_ progress: StageProgress, rate: Double?, elapsed: Double, width: Int) -> String {
        let head = "[\(progress.position)/\(progress.stages)] \(progress.name)"
        let facts = facts(progress, rate: rate, elapsed: elapsed)
        var figures = figures(progress)
        while true {
            let tail = (facts + figures).joined(separator: "  ")
            let room = width - head.count - tail.count - 4
            if let total = progress.total, total > 0, room >= 6 {
                let share = min(1, Double(progress.step) / Double(total))
                return "\(head)  \(gauge(share, width: min(24, room)))  \(tail)"
            }
            if progress.total == nil || figures.isEmpty, room >= -2 || figures.isEmpty {
                return String("\(head)  \(tail)".prefix(max(0, width)))
            }
            figures.removeLast()
        }
    }

    /// The same facts without a bar, for logs.
    package static func plain(_ progress: StageProgress, rate: Double?, elapsed: Double) -> String {
        let head = "[\(progress.position)/\(progress.stages)] \(progress.name)"
        return ([head] + facts(progress, rate: rate, elapsed: elapsed) + figures(progress)).joined(separator: "  ")
    }

    private static func facts(_ progress: StageProgress, rate: Double?, elapsed: Double) -> [String] {
        let of = progress.total.map { _ in "\(progress.step)/" } ?? ""
        var facts = [of + HumanFormat.counted(progress.total ?? progress.step, progress.unit)]
        if let rate {
            facts.append(
                rate >= 1 || rate <= 0
                    ? "\(HumanFormat.metric((rate * 100).rounded() / 100))/s"
                    : "\(HumanFormat.duration(seconds: 1 / rate)) each")
        }
        if let total = progress.total, progress.step >= total {
            facts.append("in \(HumanFormat.duration(seconds: elapsed))")
        } else if let total = progress.total, let rate, rate > 0 {
            facts.append("eta \(HumanFormat.duration(seconds: Double(total - progress.step) / rate))")
        } else {
            facts.append("for \(HumanFormat.duration(seconds: elapsed))")
        }
        return facts
    }

    private static func figures(_ progress: StageProgress) -> [String] {
        progress.keyMetrics.compactMap { name in
            progress.metrics[name].map { "\(name.split(separator: "/").last ?? "") \(HumanFormat.metric($0))" }
        }
    }

    private static func gauge(_ share: Double, width: Int) -> String {
        let filled = Int(share * Double(width))
        return String(repeating: "━", count: filled) + String(repeating: "┄", count: width - filled)
    }
}

import PreferenceData

/// Two responses to a prompt, of which one may be the better one.
package struct Comparison: Sendable {
    package var prompt: Content
    package var first: String
    package var second: String

    package init(prompt: Content, first: String, second: String) {
        (self.prompt, self.first, self.second) = (prompt, first, second)
    }
}

/// What comes of a comparison.
package struct PairVerdict: Sendable, Codable, Equatable {
    /// 1 where the first response is better, 0 where the second is, one half where neither is.
    package var value: Double
    /// Whether the judge said the same in both orders; `nil` where it was not asked, as of equal responses.
    package var agrees: Bool?

    package init(value: Double, agrees: Bool? = nil) { (self.value, self.agrees) = (value, agrees) }
}

/// What says which of two responses to a prompt is the better one.
package protocol PairJudge: AnyObject {
    /// One verdict a comparison, in their order.
    func verdicts(_ comparisons: [Comparison]) throws -> [PairVerdict]
}

/// A model behind a server that is shown two responses in both orders: where it says another one each time, or that neither is
/// better, neither is (Zheng et al., arXiv 2306.05685).
package final class ChatPairJudge: PairJudge {
    private let judge: Judge<PairWinner>

    package init(_ judge: Judge<PairWinner>) { self.judge = judge }

    package func verdicts(_ comparisons: [Comparison]) throws -> [PairVerdict] {
        let asked = comparisons.indices.filter { comparisons[$0].first != comparisons[$0].second }
        let winners = try judge.answers(
            about: asked.flatMap { index in
                let (prompt, first, second) = (
                    comparisons[index].prompt, comparisons[index].first, comparisons[index].second
                )
                return [(prompt, [first, second]), (prompt, [second, first])]
            })
        var verdicts = comparisons.map { _ in PairVerdict(value: 0.5) }
        for (number, index) in asked.enumerated() {
            verdicts[index] = PairVerdict(winners[2 * number], swapped: winners[2 * number + 1])
        }
        return verdicts
    }
}

extension PairVerdict {
    /// What two answers make, the second about the responses in the other order.
    package init(_ answer: PairWinner, swapped: PairWinner) {
        let back: PairWinner =
            switch swapped {
            case .first: .second
            case .second: .first
            case .tie: .tie
            }
        let value = answer == back ? (answer == .first ? 1 : answer == .second ? 0 : 0.5) : 0.5
        self.init(value: value, agrees: answer == back)
    }
}

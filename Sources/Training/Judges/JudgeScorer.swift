/// Rewards by a model behind a server that is asked for a number.
package final class JudgeScorer: Scorer {
    private let judge: Judge<Double>

    package init(_ judge: Judge<Double>) { self.judge = judge }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        try judge.answers(about: items.map { ($0.promptContent, [$0.completion]) })
    }
}

/// Rewards of responses that are compared with the others to their prompt: the share of comparisons that each wins, a tie being half
/// of one.
package final class PairwiseScorer: Scorer {
    private let judge: any PairJudge
    private let groupSize: Int

    /// - Parameter groupSize: How many responses each prompt has; they come one after another.
    package init(_ judge: any PairJudge, groupSize: Int) {
        precondition(groupSize > 1, "a response alone is compared with nothing")
        (self.judge, self.groupSize) = (judge, groupSize)
    }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        precondition(items.count.isMultiple(of: groupSize), "\(items.count) responses in groups of \(groupSize)")
        var pairs: [(first: Int, second: Int)] = []
        for start in stride(from: 0, to: items.count, by: groupSize) {
            for first in start..<start + groupSize {
                precondition(items[first].prompt == items[start].prompt, "responses to two prompts in one group")
                for second in first + 1..<start + groupSize { pairs.append((first, second)) }
            }
        }
        let verdicts = try judge.verdicts(
            pairs.map { pair in
                Comparison(
                    prompt: items[pair.first].promptContent, first: items[pair.first].completion,
                    second: items[pair.second].completion)
            })
        var scores = [Double](repeating: 0, count: items.count)
        for (pair, verdict) in zip(pairs, verdicts) {
            scores[pair.first] += verdict.value
            scores[pair.second] += 1 - verdict.value
        }
        return scores.map { $0 / Double(groupSize - 1) }
    }
}

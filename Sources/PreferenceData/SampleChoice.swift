/// One of several responses that were drawn to a prompt and scored.
package struct ScoredSample: Sendable {
    /// Names the prompt: the same where the prompt is.
    package var prompt: Int
    package var text: String
    package var score: Double

    package init(prompt: Int, text: String, score: Double) {
        (self.prompt, self.text, self.score) = (prompt, text, score)
    }
}

/// What expert iteration learns from (Havrilla et al., arXiv 2403.04642): samples that reach a score, each text once a prompt.
package struct CorrectSamples: Sendable {
    /// Indices of those that are kept, in order.
    package private(set) var kept: [Int] = []
    /// How many reach the score, and say what one before them says, white space around it aside.
    package private(set) var duplicates = 0

    package init(_ samples: [ScoredSample], threshold: Double) {
        var seen: Set<[UInt8]> = []
        for (index, sample) in samples.enumerated() where sample.score >= threshold {
            if seen.insert(Array("\(sample.prompt) \(sample.text.trimmed)".utf8)).inserted {
                kept.append(index)
            } else {
                duplicates += 1
            }
        }
    }
}

/// What samples of one prompt agree on.
package struct AgreeingSamples: Sendable, Equatable {
    /// Indices of the largest group of equal answers, that of the first sample among groups of one size.
    package let largest: [Int]
    /// Those of all others.
    package let rest: [Int]

    /// - Parameter answers: The answer of each sample; none is empty of samples.
    package init(_ answers: [some Hashable]) {
        let groups = Dictionary(grouping: answers.indices) { answers[$0] }
        largest = groups.values.min { ($1.count, $0[0]) < ($0.count, $1[0]) } ?? []
        let agreeing = Set(largest)
        rest = answers.indices.filter { !agreeing.contains($0) }
    }

    /// The share of the samples that agree.
    package var confidence: Double { Double(largest.count) / Double(max(1, largest.count + rest.count)) }

    /// RLP's selective pair (arXiv 2403.19279): the best of the largest group over one of the others.
    ///
    /// - Parameters:
    ///   - scores: Of all samples; of equal ones the first is the best.
    ///   - uniform: A number from 0 to below 1 that chooses the other.
    /// - Returns: Indices; `nil` where fewer than `threshold` agree, all do, or none does with another.
    package func pair(scores: [Double], threshold: Double, uniform: Double) -> (chosen: Int, rejected: Int)? {
        guard largest.count > 1, confidence >= threshold, !rest.isEmpty else { return nil }
        guard let best = largest.min(by: { (scores[$1], $0) < (scores[$0], $1) }) else { return nil }
        return (best, rest[min(rest.count - 1, Int(uniform * Double(rest.count)))])
    }
}

import Configuration

/// Which of a prompt's responses become preference pairs, by their scores.
package enum PairRule: String, Sendable, ConfigurationWord {
    /// The one with the highest score and the one with the lowest.
    case bestWorst = "best_worst"
    /// Any two.
    case all
    /// The best and the worst where their scores are far enough apart.
    case confident

    /// The pairs of a group, winner first, as places in it. Responses of equal scores make none; of equal ones the first counts.
    ///
    /// - Parameter confidence: How far apart scores have to be in a pair that is ``confident``.
    package func pairs(ofScores scores: [Double], confidence: Double) -> [(chosen: Int, rejected: Int)] {
        switch self {
        case .all:
            return scores.indices.flatMap { first in
                (first + 1..<scores.count).compactMap { second in
                    guard scores[first] != scores[second] else { return nil }
                    return scores[first] > scores[second] ? (first, second) : (second, first)
                }
            }
        case .bestWorst, .confident:
            guard let best = scores.indices.max(by: { (scores[$0], -$0) < (scores[$1], -$1) }),
                let worst = scores.indices.min(by: { (scores[$0], $0) < (scores[$1], $1) }),
                scores[best] > scores[worst]
            else { return [] }
            if self == .confident, scores[best] - scores[worst] < confidence { return [] }
            return [(best, worst)]
        }
    }
}

/// Who says which response of a drawn pair is the better one.
package enum PairLabels: String, Sendable, ConfigurationWord {
    /// The reward.
    case reward
    /// The policy: by its implicit reward against the reference, drawn with the probability that it gives the pair.
    case policy
    /// The data: its own answer to the prompt is better than each response that is drawn (SPIN, arXiv 2401.01335; IRFT, arXiv
    /// 2405.17888).
    case demonstrations
}

/// Who says which response of a pair of the data is the better one.
package enum DataLabels: String, Sendable, ConfigurationWord {
    /// The data, as a reward or a person has labelled it.
    case reward
    /// The policy, as of pairs that are drawn.
    case policy
}

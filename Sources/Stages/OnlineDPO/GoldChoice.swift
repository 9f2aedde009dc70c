import Configuration
import PreferenceData

/// Which of the pairs that a reward model has labelled are shown to a gold source, where not all can be (D2PO's discriminator,
/// arXiv 2405.01511).
package enum GoldChoice: String, Sendable, ConfigurationWord {
    /// Any, drawn without replacement.
    case random
    /// Those of whose label the reward model is least sure: the ones with the smallest gaps.
    case confidence

    /// The pairs that are asked for, as places in `gaps`, in the order in which they are: all where there are no more of them.
    ///
    /// - Parameters:
    ///   - gaps: How far apart the reward model's scores of each pair's responses are; of equal ones the first counts. One that
    ///     is no number is the least sure of all.
    ///   - count: How many are asked for at most.
    ///   - step: With the seed it names the draw.
    package func asked(gaps: [Double], count: Int, seed: UInt64, step: Int) -> [Int] {
        let order: [Int]
        switch self {
        case .random:
            order = permutation(count: gaps.count, seed: seed &+ UInt64(step), epoch: Self.stream)
        case .confidence:
            let sizes = gaps.map { $0.isNaN ? -1 : abs($0) }
            order = gaps.indices.sorted { (sizes[$0], $0) < (sizes[$1], $1) }
        }
        return Array(order.prefix(max(0, count)))
    }

    /// Tells this draw from others of the same seed.
    private static let stream = 0x601D
}

import Configuration
import Torch

/// `Σ log p_t` over as many tokens of each response as the shorter one has, drawn without replacement: a longer response
/// weighs no more for its length (SamPO, arXiv 2406.10957).
///
/// Policy and references are summed over one draw, which is a function of pair and epoch.
package struct SampledTokens: WeightedSum {
    package static let name = "sampo"

    /// The positions, from 0, of `count` of so many tokens.
    package typealias Draw = @Sendable (_ response: Int, _ count: Int, _ tokens: Int, _ batch: PairBatch) -> [Int]

    private let draw: Draw

    package init(_: NoLossOptions) { self.init(draw: Self.draw) }

    /// - Parameter draw: The draw for a response longer than the other; responses are numbered as in
    ///   ``PairLogps/Tokens/responses``.
    package init(draw: @escaping Draw) { self.draw = draw }

    package func weights(of tokens: PairLogps.Tokens, in batch: PairBatch) -> Tensor {
        let (chosen, rejected) = (batch.policy.chosenLengths, batch.policy.rejectedLengths)
        let taken = (0..<2 * batch.count).map { response -> Set<Int>? in
            let (own, other) = (chosen[response / 2], rejected[response / 2])
            let (length, count) = (response.isMultiple(of: 2) ? own : other, min(own, other))
            return length > count ? Set(draw(response, count, length, batch)) : nil
        }
        return tokens.constants { response, position in
            taken[response].map { $0.contains(position - 1) ? 1 : 0 } ?? 1
        }
    }

    package func counts(in batch: PairBatch) -> (chosen: [Int], rejected: [Int]) {
        let counts = zip(batch.policy.chosenLengths, batch.policy.rejectedLengths).map(min)
        return (counts, counts)
    }

    /// The first places of a shuffle by a generator that pair, epoch and side seed.
    private static func draw(_ response: Int, _ count: Int, _ tokens: Int, _ batch: PairBatch) -> [Int] {
        var generator = SplitMix64(
            seeds: [batch.indices[response / 2], batch.epoch, response % 2].map { UInt64(bitPattern: Int64($0)) })
        var places = Array(0..<tokens)
        for place in 0..<count { places.swapAt(place, Int.random(in: place..<tokens, using: &generator)) }
        return Array(places.prefix(count))
    }
}

/// `Σ_t log p_t · T̄ / T`, T̄ the mean length of the pair's responses: what ``SampledTokens`` is on average, but for a factor
/// (SamPO's second variant).
package struct LengthBalancedSum: Reduction {
    package static let name = "sampo_average"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        let lengths = Array(zip(batch.policy.chosenLengths, batch.policy.rejectedLengths))
        let factors = { (own: [Int]) in
            Tensor(zip(lengths, own).map { Double($0.0 + $0.1) / 2 / Double(max(1, $1)) }).converted(
                to: logps.chosen.type)
        }
        return PairNumbers(
            chosen: logps.chosen * factors(lengths.map(\.0)), rejected: logps.rejected * factors(lengths.map(\.1)))
    }
}

/// Steele, Lea and Flood's generator, begun from several numbers.
private struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64 = 0

    init(seeds: [UInt64]) {
        for seed in seeds { state = next() ^ seed }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

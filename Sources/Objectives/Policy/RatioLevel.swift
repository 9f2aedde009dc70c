import Torch

/// What a ratio of new to old probability is of (`importance_sampling_level`).
package enum RatioLevel: String, Sendable, CaseIterable {
    /// A token.
    case token
    /// A response, to the power of one over its tokens: GSPO's (arXiv 2507.18071).
    case sequence
    /// A response as a whole: RLOO's (arXiv 2402.14740).
    case response

    /// For each token the ratio of its response, `[n]`, with gradient.
    func ratios(_ batch: PolicyBatch) -> Tensor {
        let logRatios = batch.tokens.logps - batch.oldLogps.detached()
        guard self != .token else { return logRatios.clamped(-20, 20).exp() }
        let groups = Tensor(batch.responses.map { Int64($0) }, on: logRatios.placement.device)
        let count = (batch.responses.max() ?? -1) + 1
        var sums = logRatios.summed(intoGroups: groups, count: count)
        if self == .sequence {
            let lengths = batch.responses.reduce(into: [Float](repeating: 0, count: count)) { $0[$1] += 1 }
            sums = sums / Tensor(lengths.map { max(1, $0) }, on: logRatios.placement.device)
        }
        return sums.clamped(-20, 20).exp().selecting(groups)
    }
}

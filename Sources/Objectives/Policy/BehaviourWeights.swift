import Torch

/// Importance weights of tokens that an older policy drew, `exp(old - sampled)`, bounded and without gradient (TRL's
/// `vllm_importance_sampling_mode`).
package struct BehaviourWeights: Sendable, Equatable {
    /// What a weight is of, and what becomes of one above the bound.
    package enum Mode: String, Sendable, CaseIterable {
        case tokenTruncate = "token_truncate"
        case tokenMask = "token_mask"
        case sequenceTruncate = "sequence_truncate"
        case sequenceMask = "sequence_mask"
    }

    package var mode: Mode
    /// The largest weight: larger ones become it, or 0.
    package var cap: Double

    package init(_ mode: Mode = .tokenTruncate, cap: Double = 2) { (self.mode, self.cap) = (mode, cap) }

    /// The weights, `[n]`.
    ///
    /// - Parameters:
    ///   - oldLogps: Log-probabilities under the policy that is being improved, before its first update on the step.
    ///   - sampledLogps: Those under the policy that drew the tokens.
    ///   - responses: The response that each token is of, from 0.
    package func callAsFunction(oldLogps: Tensor, sampledLogps: Tensor, responses: [Int]) -> Tensor {
        withoutGradients {
            var logRatios = oldLogps - sampledLogps
            if mode == .sequenceTruncate || mode == .sequenceMask {
                let groups = Tensor(responses.map { Int64($0) }, on: logRatios.placement.device)
                logRatios = logRatios.summed(intoGroups: groups, count: (responses.max() ?? -1) + 1).selecting(groups)
            }
            let weights = logRatios.exp()
            guard mode == .tokenMask || mode == .sequenceMask else { return weights.clamped(0, cap) }
            return weights.isGreater(than: cap).select(.zeros(weights.shape, weights.placement), weights)
        }
    }
}

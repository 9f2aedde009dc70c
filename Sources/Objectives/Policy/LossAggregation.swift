import Torch

/// How the losses of response tokens make one number, over all micro-batches and ranks of an optimizer step.
package enum LossAggregation: Sendable, Equatable {
    /// A mean over all tokens: PPO's, and `dapo` and `bnpo` of GRPO's relatives (TRL's `bnpo` takes it over a process's
    /// micro-batch, which no division of the work may change here).
    case tokens
    /// A mean over responses of means over their tokens: `grpo`.
    case responses
    /// A sum over tokens, divided by responses times a constant, so that a long response counts as it is long: `dr_grpo`.
    case constant(Int)

    /// What the sum is divided by.
    func divisor(_ counts: PolicyCounts) -> Double {
        switch self {
        case .tokens: Double(max(1, counts.tokens))
        case .responses: Double(max(1, counts.responses))
        case .constant(let length): Double(max(1, counts.responses)) * Double(length)
        }
    }

    /// What each token's loss is multiplied by, `[n]`; `nil` where that is 1.
    func shares(_ batch: PolicyBatch) -> Tensor? {
        guard case .responses = self else { return nil }
        let lengths = batch.responses.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        let placement = batch.oldLogps.placement
        return Tensor(batch.responses.map { 1 / Double(lengths[$0] ?? 1) }, on: placement.device)
            .converted(to: placement.type)
    }
}

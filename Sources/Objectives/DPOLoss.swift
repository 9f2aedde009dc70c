import Torch

/// Direct preference optimisation (Rafailov et al. 2023) and its next of kin, means over pairs.
///
/// With `h` the policy's log-ratio to the reference on the chosen response minus that on the rejected one.
public struct DPOLoss: Sendable, Equatable {
    /// What becomes of `h`; the raw values are TRL's `loss_type`.
    public enum Form: String, Sendable, CaseIterable, Codable {
        /// `-(1 - ε) log σ(β h) - ε log σ(-β h)`, `ε` being the label smoothing (conservative DPO).
        case sigmoid
        /// `(h̄ - 1 / (2 β))²` (Azar et al. 2023), where `h̄` is of log-ratios divided by their response's length, as
        /// TRL has it.
        case ipo
        /// `(h - 1 / (2 β))²`, as in the paper's formula.
        case ipoSum = "ipo_sum"
        /// `max(0, 1 - β h)` (Zhao et al. 2023).
        case hinge

        /// Whether label smoothing changes anything.
        public var takesLabelSmoothing: Bool { self == .sigmoid }
    }

    /// What becomes of `h`.
    public var form: Form
    /// Strength of the pull to the reference.
    public var beta: Double
    /// The probability that a label is flipped; read where ``Form/takesLabelSmoothing``.
    public var labelSmoothing: Double

    /// A loss with these settings.
    public init(_ form: Form = .sigmoid, beta: Double = 0.1, labelSmoothing: Double = 0) {
        precondition(beta > 0 && (0...1).contains(labelSmoothing), "beta \(beta), label smoothing \(labelSmoothing)")
        self.form = form
        self.beta = beta
        self.labelSmoothing = labelSmoothing
    }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - policy: log-probabilities under the policy, with gradient.
    ///   - reference: the same responses' under the reference.
    ///   - globalPairs: how many pairs the whole optimizer step has.
    public func callAsFunction(
        policy: PairLogps, reference: PairLogps, globalPairs: Int
    ) -> LossTerm<DPOMetrics> {
        precondition(
            policy.chosenLengths == reference.chosenLengths && policy.rejectedLengths == reference.rejectedLengths,
            "policy and reference saw other responses")
        let chosen = policy.chosen - reference.chosen.detached()
        let rejected = policy.rejected - reference.rejected.detached()
        let losses = losses(chosen: chosen, rejected: rejected, policy: policy)
        return LossTerm(
            value: losses.sum() * (1 / Double(globalPairs)),
            metrics: DPOMetrics(
                losses: losses.numbers, chosenRewards: (chosen * beta).numbers,
                rejectedRewards: (rejected * beta).numbers, policy: policy))
    }

    /// Losses `[n]` from log-ratios `[n]`.
    private func losses(chosen: Tensor, rejected: Tensor, policy: PairLogps) -> Tensor {
        let h = chosen - rejected
        switch form {
        case .sigmoid:
            let asLabelled = -(h * beta).logSigmoid()
            if labelSmoothing == 0 { return asLabelled }
            return asLabelled * (1 - labelSmoothing) - (h * -beta).logSigmoid() * labelSmoothing
        case .ipo:
            let average = { (ratios: Tensor, lengths: [Int]) in ratios / Tensor(lengths.map { Float(max(1, $0)) }) }
            let mean = average(chosen, policy.chosenLengths) - average(rejected, policy.rejectedLengths)
            return (mean - 1 / (2 * beta)).square()
        case .ipoSum:
            return (h - 1 / (2 * beta)).square()
        case .hinge:
            return (1 - h * beta).relu()
        }
    }
}

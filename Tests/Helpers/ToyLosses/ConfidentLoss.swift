import Objectives
import Torch

extension PreferenceLossForm {
    /// DPO whose pairs count as much as the policy would have drawn them (WPO's weights).
    static let confident = PreferenceLossForm("toy_confident", Sum.self, LogRatio.self, Confidence.self)
}

/// `-w_chosen w_rejected log σ(β h)` with `w = exp(mean_t(log p_t - log Σ_v p_v²))`, without gradient through w.
struct Confidence: Link {
    init(_: NoLossOptions) {}

    var needs: LossNeeds { LossNeeds(tokenLogps: true, logSumSquares: true) }

    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        guard let tokens = batch.policy.tokens else { preconditionFailure("no tokens") }
        let sums = batch.policy.sums(of: tokens.logps.detached() - batch.logSumSquares)
        let lengths = { (lengths: [Int]) in Tensor(lengths.map { Float(max(1, $0)) }) }
        let weights =
            (sums.chosen / lengths(batch.policy.chosenLengths) + sums.rejected / lengths(batch.policy.rejectedLengths))
            .exp()
        return -(scores.margin * beta).logSigmoid() * weights
    }
}

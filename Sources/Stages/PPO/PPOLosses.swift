import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// The clipped losses of one mini-batch, policy and critic apart.
package struct PPOLosses {
    private let policy: DecoderModel
    private let critic: DecoderModel?
    private let options: PPOOptions
    private let rollouts: [Rollout]
    private let globalTokens: Int
    private let algorithm: PolicyGradient

    /// - Parameters:
    ///   - rollouts: The learner's share of a step, shaped.
    ///   - globalTokens: Response tokens of the mini-batch over all learners.
    package init(
        policy: DecoderModel, critic: DecoderModel?, _ options: PPOOptions,
        _ algorithm: PolicyGradient, _ rollouts: [Rollout], globalTokens: Int
    ) {
        (self.policy, self.critic, self.options) = (policy, critic, options)
        (self.algorithm, self.rollouts, self.globalTokens) = (algorithm, rollouts, globalTokens)
    }

    /// The policy's share of the loss on a micro-batch.
    package func policyTerm(_ batch: ResponseBatch) -> LossTerm<PPOPolicyMetrics> {
        let oldLogps = flat(batch, \.oldLogps)
        // On-policy samples need no correction; those of an older policy are weighed by what it made of them.
        let weights =
            options.rollouts.maxStaleness == 0
            ? nil
            : ClippedPolicyLoss.behaviourWeights(
                oldLogps: oldLogps, sampledLogps: flat(batch) { $0.sampledLogps.map(Double.init) })
        let loss = algorithm.policyLoss(options)
        return loss(
            policy.responseLogps(batch, temperature: options.sampling.temperature), oldLogps: oldLogps,
            advantages: flat(batch, \.advantages), behaviourWeights: weights, globalTokens: globalTokens)
    }

    /// The critic's share, not weighed by `vf_coef`; `nil` without a critic.
    package var valueTerm: ((ResponseBatch) -> LossTerm<PPOValueMetrics>)? {
        guard let critic else { return nil }
        let loss = ClippedValueLoss(clipRange: options.loss.cliprangeValue)
        return { batch in
            loss(
                critic.scores(batch.rows, at: batch.predictions.rows), oldValues: flat(batch, \.values),
                returns: flat(batch, \.returns), globalTokens: globalTokens)
        }
    }

    /// A figure of each response token, in the order of the batch.
    private func flat(_ batch: ResponseBatch, _ values: (Rollout) -> [Double]) -> Tensor {
        Tensor(batch.indices.flatMap { values(rollouts[$0]).map { Float($0) } })
    }
}

extension DecoderModel {
    /// Log-probabilities of a batch's response tokens at the temperature that they were drawn at.
    package func responseLogps(_ batch: ResponseBatch, temperature: Double) -> TokenLogps {
        tokenLogps(batch.rows, predictions: batch.predictions, temperature: temperature)
    }
}

import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// The losses of one mini-batch, policy and critic apart.
package struct MiniBatchLosses {
    private let policy: DecoderModel
    private let critic: DecoderModel?
    private let options: PolicyGradientOptions
    private let rollouts: [Rollout]
    private let counts: PolicyCounts
    private let algorithm: PolicyGradientParts

    /// - Parameters:
    ///   - rollouts: The learner's share of a step, shaped.
    ///   - counts: What the mini-batch has over all learners.
    package init(
        policy: DecoderModel, critic: DecoderModel?, _ options: PolicyGradientOptions,
        _ algorithm: PolicyGradientParts, _ rollouts: [Rollout], of counts: PolicyCounts
    ) {
        (self.policy, self.critic, self.options) = (policy, critic, options)
        (self.algorithm, self.rollouts, self.counts) = (algorithm, rollouts, counts)
    }

    /// The policy's share of the loss on a micro-batch.
    package func policyTerm(_ batch: ResponseBatch) -> LossTerm<PolicyMetrics> {
        let oldLogps = flat(batch, \.oldLogps)
        let responses = batch.predictions.sequences.map(Int.init)
        // On-policy samples need no correction; those of an older policy are weighed by what it made of them.
        let weights =
            options.rollouts.maxStaleness == 0
            ? nil
            : options.loss.behaviourWeights(
                oldLogps: oldLogps, sampledLogps: flat(batch) { $0.sampledLogps.map(Double.init) },
                responses: responses)
        let loss = algorithm.policyLoss(options)
        return loss(
            PolicyBatch(
                tokens: policy.responseLogps(batch, temperature: options.sampling.temperature), responses: responses,
                responseCount: batch.indices.count { !rollouts[$0].isLeftOut }, oldLogps: oldLogps,
                advantages: flat(batch, \.advantages),
                referenceLogps: loss.needsReference ? flat(batch) { $0.referenceLogps.map(Double.init) } : nil,
                behaviourWeights: weights,
                countsResponse: batch.indices.map { options.loss.countsTokens(of: rollouts[$0]) }),
            of: counts)
    }

    /// The critic's share, not weighed by `vf_coef`; `nil` without a critic.
    package var valueTerm: ((ResponseBatch) -> LossTerm<ValueMetrics>)? {
        guard let critic else { return nil }
        let loss = ClippedValueLoss(clipRange: options.loss.cliprangeValue)
        return { batch in
            loss(
                critic.scores(batch.rows, at: batch.predictions.rows), oldValues: flat(batch, \.values),
                returns: flat(batch, \.returns), globalTokens: counts.tokens)
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

extension PolicyGradientOptions {
    /// Why a step may have no token that counts.
    package var reasonForNoToken: String {
        let reasons = [
            rollouts.equalGroups == .keep
                ? nil : "equal_groups \(rollouts.equalGroups.rawValue) leaves out those whose prompt has one score",
            loss.masksTruncated ? "mask_truncated_completions those without an end" : nil,
        ].compactMap(\.self)
        return "no response is left" + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: ", "))
    }
}

extension PolicyLossOptions {
    /// Whether the tokens of a response count in the loss.
    package func countsTokens(of rollout: Rollout) -> Bool {
        !rollout.isLeftOut && (!masksTruncated || rollout.isFinished)
    }
}

import Objectives
import Runs
import Training

/// Figures of a step's responses, over all learners.
package struct RolloutMetrics: AdditiveMetrics {
    package var responses = 0.0
    package var tokens = 0.0
    package var scores = 0.0
    /// Responses that were compared with a reference.
    package var compared = 0.0
    /// Sum over those of the log-ratio to the reference summed over tokens.
    package var kl = 0.0
    /// The same by the estimator that is never negative.
    package var klK3 = 0.0
    /// Sum over responses of minus the log-probability of their tokens.
    package var surprise = 0.0
    /// Sum over responses of the KL penalty.
    package var penalty = 0.0
    /// Sum over responses of all rewards.
    package var rewards = 0.0
    package var finished = 0.0
    /// Groups of responses to one prompt, where they are compared.
    package var groups = 0.0
    /// Sum over groups of the deviation of their scores.
    package var groupDeviations = 0.0
    /// Groups whose scores are all the same, which teach nothing.
    package var equalGroups = 0.0
    /// Sum over tokens of |old - sampled| log-probability.
    package var mismatch = 0.0
    package var largestMismatch = -Double.infinity
    package var longest = -Double.infinity
    package var negatedShortest = -Double.infinity

    package init() {}

    package static var additive: [WritableKeyPath<Self, Double>] {
        [
            \.responses, \.tokens, \.scores, \.kl, \.klK3, \.surprise, \.penalty, \.rewards, \.finished, \.mismatch,
            \.compared, \.groups, \.groupDeviations, \.equalGroups,
        ]
    }

    package static var extreme: [WritableKeyPath<Self, Double>] { [\.largestMismatch, \.longest, \.negatedShortest] }

    /// Takes in one response, whose rewards a token are `rewards`.
    ///
    /// - Parameters:
    ///   - score: with the penalty for one without its end, as TRL tells it.
    ///   - finalScore: what of `rewards` is its score, bounded and scaled.
    package mutating func add(
        _ rollout: Rollout, score: Double, rewards tokenRewards: [Double], finalScore: Double
    ) {
        let length = Double(rollout.response.count)
        responses += 1
        tokens += length
        scores += score
        if !rollout.referenceLogps.isEmpty {
            compared += 1
            kl += KLEstimator.k1(rollout).reduce(0, +)
            klK3 += KLEstimator.k3(rollout).reduce(0, +)
        }
        surprise -= rollout.oldLogps.reduce(0, +)
        let total = tokenRewards.reduce(0, +)
        rewards += total
        penalty += total - finalScore
        finished += rollout.isFinished ? 1 : 0
        for (old, sampled) in zip(rollout.oldLogps, rollout.sampledLogps) {
            let difference = abs(old - Double(sampled))
            mismatch += difference
            largestMismatch = max(largestMismatch, difference)
        }
        longest = max(longest, length)
        negatedShortest = max(negatedShortest, -length)
    }

    /// Takes in the scores of a group.
    ///
    /// - Parameter isEqual: Whether all of them count alike.
    package mutating func add(group: Moments, isEqual: Bool) {
        groups += 1
        groupDeviations += group.sampleDeviation
        equalGroups += isEqual ? 1 : 0
    }

    /// TRL's names; means over responses, and over groups.
    package var report: [String: Double] {
        guard responses > 0 else { return [:] }
        var report = [
            "objective/entropy": surprise / responses,
            "objective/non_score_reward": penalty / responses,
            "objective/rlhf_reward": rewards / responses,
            "objective/scores": scores / responses,
            "val/num_eos_tokens": finished,
            "completions/mean_length": tokens / responses,
            "completions/max_length": longest,
            "completions/min_length": -negatedShortest,
            "completions/clipped_ratio": 1 - finished / responses,
            "sampling/sampling_logp_difference/mean": mismatch / max(1, tokens),
            "sampling/sampling_logp_difference/max": largestMismatch,
        ]
        if compared > 0 {
            report["objective/kl"] = kl / compared
            report["objective/kl_k3"] = klK3 / compared
        }
        if groups > 0 {
            report["reward_std"] = groupDeviations / groups
            report["frac_reward_zero_std"] = equalGroups / groups
        }
        return report
    }
}

extension KLEstimator {
    /// How far the policy is from the reference, by token.
    fileprivate func callAsFunction(_ rollout: Rollout) -> [Double] {
        self(logps: rollout.oldLogps, referenceLogps: rollout.referenceLogps.map(Double.init))
    }
}

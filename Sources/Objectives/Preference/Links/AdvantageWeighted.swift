import Configuration
import Torch

/// `-Σ_y min(e^{(R(y) - V)/τ}, w_max) log π(y)` over both responses: likelihood weighted by the advantage of a reward beside the
/// preference (HPO, arXiv 2405.17956; the weights are constant, V is a running expectile of the rewards).
package struct AdvantageWeighted: Link {
    private let options: AuxiliaryLikelihood

    package init(_ options: AuxiliaryLikelihood) { self.options = options }

    package var needs: LossNeeds { LossNeeds(auxiliaryRewards: true) }

    /// V, which is 0 for rewards that are standardised.
    package var initialState: [Double] { [0] }
    package var observationCount: Int { 2 }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let (rewards, value) = (batch.auxiliaryRewards, batch.state[0])
        let weights = { (rewards: Tensor) in
            let weights = ((rewards - value) * (1 / options.temperature)).exp()
            return weights.minimum(.full(options.largestWeight, weights.shape, weights.placement))
        }
        return -(weights(rewards.chosen) * scores.chosen + weights(rewards.rejected) * scores.rejected)
    }

    package func observations(of scores: PairScores, in batch: PairBatch) -> [Double] {
        let (rewards, loss) = (batch.auxiliaryRewards, ExpectileLoss(options.expectile))
        let values = Tensor.full(batch.state[0], rewards.chosen.shape, rewards.chosen.placement)
        let slopes = loss.slopes(rewards.chosen, values) + loss.slopes(rewards.rejected, values)
        return [slopes.sum().item(), Double(2 * batch.count)]
    }

    package func state(after observations: [Double], from state: [Double]) -> [Double] {
        [state[0] - options.valueRate * observations[0] / max(1, observations[1])]
    }
}

/// HPO's term, beside any preference loss: whether it is there is said by the reward that the stage is given.
package struct AuxiliaryLikelihood: LossModifier {
    package static let block: String? = "hpo"

    /// Whether there is a reward.
    package var isUsed = false
    /// γ.
    package var gamma = 0.1
    /// τ.
    package var temperature = 1.0
    /// w_max.
    package var largestWeight = 20.0
    /// κ of V.
    package var expectile = 0.5
    /// How far V moves at a step.
    package var valueRate = 0.1

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "gamma", \.gamma, .atLeast(0), "What the advantage-weighted likelihood is multiplied by before it is added."
        )
        Field("tau", \.temperature, .greaterThan(0), "Temperature of its weights.")
        Field("max_weight", \.largestWeight, .aboveZero(upTo: 1e6), "The most that a response weighs.")
        Field(
            "expectile", \.expectile, .openUnit, "Which expectile of the rewards so far is the value; 0.5 is the mean.")
        Field("value_rate", \.valueRate, .aboveZero(upTo: 1), "How far the value moves to that of a step's rewards.")
    }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard isUsed else {
            guard self == Self() else {
                throw LossConflict(
                    "hpo", "has no meaning without a reward", "give hpo.reward, or leave its other keys out")
            }
            return
        }
        guard gamma > 0 else { return }
        let none = NoLossOptions()
        terms.terms.append(
            LossTerms.Named(
                loss: "hpo",
                term: PreferenceLoss.Term(
                    reduction: Sum(none), score: Likelihood(none), link: AdvantageWeighted(self), weight: gamma,
                    isOfPreference: false)))
    }
}

/// `|κ - 1[u < 0]| u²` with `u = R - V`, least where V is the κ-expectile of R (IQL, arXiv 2110.06169).
package struct ExpectileLoss {
    private let expectile: Double

    package init(_ expectile: Double) { self.expectile = expectile }

    /// Of each reward and value.
    package func callAsFunction(_ rewards: Tensor, _ values: Tensor) -> Tensor {
        let gaps = rewards - values
        return sides(gaps) * gaps.square()
    }

    /// Its slope in each value.
    package func slopes(_ rewards: Tensor, _ values: Tensor) -> Tensor {
        let gaps = rewards - values
        return sides(gaps) * gaps * -2
    }

    private func sides(_ gaps: Tensor) -> Tensor {
        let (above, below) = (
            Tensor.full(expectile, gaps.shape, gaps.placement), Tensor.full(1 - expectile, gaps.shape, gaps.placement)
        )
        return gaps.isLess(than: 0).select(below, above)
    }
}

extension Constraint where Value == Double {
    fileprivate static var openUnit: Self { Self(description: "greater than 0 and less than 1") { $0 > 0 && $0 < 1 } }
}

import Torch

/// The ranking loss of a reward model, `-log σ(chosen - rejected)` (Bradley & Terry 1952), with TRL's option to keep
/// scores centred: `+ coefficient (chosen + rejected)²` (Eisenstein et al. 2023). Both are means over pairs.
public struct BradleyTerryLoss: Sendable, Equatable {
    /// Weight of the centring term; 0 leaves it out.
    public var centeringCoefficient: Double

    /// A loss with that weight of the centring term.
    public init(centeringCoefficient: Double = 0) {
        self.centeringCoefficient = centeringCoefficient
    }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - chosen: scores `[n]` of the better responses.
    ///   - rejected: scores `[n]` of the worse ones.
    ///   - globalPairs: how many pairs the whole optimizer step has.
    public func callAsFunction(
        chosen: Tensor, rejected: Tensor, globalPairs: Int
    ) -> LossTerm<BradleyTerryMetrics> {
        precondition(chosen.shape == rejected.shape && chosen.rank == 1, "scores \(chosen.shape), \(rejected.shape)")
        let ranking = -(chosen - rejected).logSigmoid()
        let centering = (chosen + rejected).square() * centeringCoefficient
        let losses = centeringCoefficient == 0 ? ranking : ranking + centering
        return LossTerm(
            value: losses.sum() * (1 / Double(globalPairs)), figures: [chosen, rejected, losses]
        ) { BradleyTerryMetrics(chosen: $0[0], rejected: $0[1], losses: $0[2]) }
    }
}

/// Sums of reward modelling over pairs.
public struct BradleyTerryMetrics: AdditiveMetrics {
    /// Pairs.
    public var pairs = 0.0
    /// Sum of their losses.
    public var loss = 0.0
    /// Pairs whose chosen response scores higher.
    public var correct = 0.0
    /// Sum of chosen minus rejected scores.
    public var margin = 0.0
    /// Sum of the scores of both.
    public var rewards = 0.0
    /// The highest score.
    public var highest = -Double.infinity
    /// The negative of the lowest score.
    public var negatedLowest = -Double.infinity
    /// Those of the pairs that are a demonstration before a sample.
    package var demonstrations = 0.0
    /// Those of them that score so.
    package var correctDemonstrations = 0.0
    /// Sum of their margins.
    package var demonstrationMargin = 0.0
    /// Those of the pairs that have a multi-view term.
    package var views = 0.0
    /// Sum of these terms, without their weight.
    package var viewLoss = 0.0

    /// Nothing counted.
    public init() {}

    init(chosen: [Double], rejected: [Double], losses: [Double], kinds: [PairKind] = []) {
        pairs = Double(chosen.count)
        loss = losses.reduce(0, +)
        for (chosen, rejected) in zip(chosen, rejected) {
            correct += chosen > rejected ? 1 : 0
            margin += chosen - rejected
            rewards += chosen + rejected
            highest = max(highest, chosen, rejected)
            negatedLowest = max(negatedLowest, -chosen, -rejected)
        }
        for (index, kind) in kinds.enumerated() where kind == .demonstration {
            demonstrations += 1
            correctDemonstrations += chosen[index] > rejected[index] ? 1 : 0
            demonstrationMargin += chosen[index] - rejected[index]
        }
    }

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] {
        [
            \.pairs, \.loss, \.correct, \.margin, \.rewards, \.demonstrations, \.correctDemonstrations,
            \.demonstrationMargin, \.views, \.viewLoss,
        ]
    }

    /// See ``AdditiveMetrics``.
    public static var extreme: [WritableKeyPath<Self, Double>] { [\.highest, \.negatedLowest] }

    /// The names of what every evaluation measures.
    package static var evaluated: [String] { names.filter { !$0.contains("/") } }

    /// `loss`, `accuracy`, `margin`, and `mean_reward`, `min_reward`, `max_reward` over chosen and rejected alike; and, where there
    /// are demonstrations, accuracy and margin over these, and the multi-view term where there is one.
    public var report: [String: Double] {
        guard pairs > 0 else { return [:] }
        var all = [
            "loss": loss / pairs, "accuracy": correct / pairs, "margin": margin / pairs,
            "mean_reward": rewards / (2 * pairs), "min_reward": -negatedLowest, "max_reward": highest,
        ]
        if demonstrations > 0 {
            all["demonstrations/accuracy"] = correctDemonstrations / demonstrations
            all["demonstrations/margin"] = demonstrationMargin / demonstrations
        }
        if views > 0 { all["multi_view/loss"] = viewLoss / views }
        return all
    }
}

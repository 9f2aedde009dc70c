import Configuration
import Objectives
import Runs
import Training

/// Direct Preference Optimization and its relatives on preference pairs.
package struct DPOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    package var initial = ArtifactReference.base
    /// The frozen policies that log-probabilities are compared with.
    package var compared = ComparedPolicies()
    /// Preference pairs.
    package var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The loss of a pair.
    package var choice: LossChoice
    /// A reward of the same responses, whose advantage weighs a likelihood term; `nil` for none.
    package var auxiliaryReward: ArtifactReference?
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 1e-6)
    /// Steps and batches.
    package var loop = TrainingLoopOptions()
    /// How long an example may be.
    package var lengths = LengthOptions()
    /// How a judge behind a server is asked.
    package var judging = JudgeOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()
    /// Whether an adapter is trained.
    package var adapter = AdapterOptions()

    /// The defaults.
    package init() { self.init(losses: .standard) }

    /// The defaults, with other losses to choose from.
    package init(losses: PreferenceLosses) { choice = LossChoice(of: losses) }

    /// The loss as these options have it.
    ///
    /// - Precondition: ``checkLoss(_:)`` has passed.
    package var loss: PreferenceLoss {
        do { return try usedChoice.loss() } catch { preconditionFailure("\(error.key) \(error.problem)") }
    }

    /// The choice as the stage's other keys have it.
    private var usedChoice: LossChoice {
        var choice = choice
        choice.settings[AuxiliaryLikelihood.self].isUsed = auxiliaryReward != nil
        return choice
    }
}

extension DPOOptions: KeyedOptions {
    package static var fields: [Field<Self>] { fields(of: .standard) }

    package var fields: [Field<Self>] { Self.fields(of: choice.losses) }

    /// The keys of a stage that has these losses to choose from.
    package static func fields(of losses: PreferenceLosses) -> [Field<Self>] {
        Field<Self>.list {
            Field.input(
                "init", \.initial, .policy, startsModel: true, default: "the sft stage, else base",
                "Policy that training starts from.")
            embed(\.compared, ComparedPolicies.fields(of: losses))
            Field.input(
                "pairs", \.pairs, .rows(.predictedPairs),
                default:
                    "the bridge stage, else the easy part of the split stage, else the sample stage, else dataset.train",
                "Preference pairs to train on.")
            embed(\.choice, LossChoice.fields(of: losses))
            losses.modifiers.contains { $0 == AuxiliaryLikelihood.self }
                ? [rewardField] + JudgeOptions.block(\.judging) : []
            embed(\.optimizer)
            embed(\.loop, TrainingLoopOptions.fields(evaluating: .predictedPairs))
            embed(\.lengths, default: "the dataset's")
            embed(\.compute, default: "the run's")
            embed(\.adapter)
        }
    }

    private static var rewardField: Field<Self> {
        Field.input(
            "hpo.reward", \.auxiliaryReward, .rowReward, isOptional: true, default: "none",
            "Reward of the same responses, of which a term of likelihood weighted by advantage is added to the loss (HPO), also as column:NAME, which reads the data's NAME_chosen and NAME_rejected; null for none."
        )
    }
}

// MARK: Checks

extension DPOOptions {
    /// Checks that the options of the loss go together, and that there are as many references as it compares with.
    ///
    /// - Throws: ``ConfigurationError``
    package mutating func checkLoss(_ scope: StageScope) throws {
        try compared.resolve(for: usedChoice, initial: initial, scope)
    }
}

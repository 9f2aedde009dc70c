import Configuration
import Objectives
import Runs
import Training

/// Direct Preference Optimization and its relatives on preference pairs.
package struct DPOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    package var initial = ArtifactReference.base
    /// The frozen policy that log-probabilities are compared with, of a loss that compares with one.
    package var reference: ArtifactReference?
    /// The frozen policies of a loss that compares with several; empty for others.
    package var references: [ArtifactReference] = []
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

    /// The frozen policies that the loss compares with, in its order.
    package var frozen: [ArtifactReference] { references.isEmpty ? [reference].compactMap(\.self) : references }

    /// One that is listed twice; `nil` where there is none.
    package var repeatedReference: ArtifactReference? {
        references.indices.first { references[..<$0].contains(references[$0]) }.map { references[$0] }
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
            Field.input(
                "reference", \.reference, .policy, isOptional: true,
                default: "the same as init, where the loss compares with one",
                "Frozen policy that log-probabilities are compared with; null for the default.")
            losses.mostReferences > 1 ? [referencesField] : []
            Field.input(
                "pairs", \.pairs, .rows(.predictedPairs),
                default:
                    "the bridge stage, else the easy part of the split stage, else the sample stage, else dataset.train",
                "Preference pairs to train on.")
            embed(\.choice, LossChoice.fields(of: losses))
            losses.modifiers.contains { $0 == AuxiliaryLikelihood.self } ? [rewardField] : []
            embed(\.optimizer)
            embed(\.loop, TrainingLoopOptions.fields(evaluating: .predictedPairs))
            embed(\.lengths, default: "the dataset's")
        }
    }

    private static var rewardField: Field<Self> {
        Field.input(
            "hpo.reward", \.auxiliaryReward, .rowReward, isOptional: true, default: "none",
            "Reward of the same responses, of which a term of likelihood weighted by advantage is added to the loss (HPO), also as column:NAME, which reads the data's NAME_chosen and NAME_rejected; null for none."
        )
    }

    private static var referencesField: Field<Self> {
        Field.input(
            "references", \.references, .policy, isOptional: true, default: "none",
            "Frozen policies of a loss that compares with several, in its order.")
    }
}

// MARK: Checks

extension DPOOptions {
    /// Checks that the options of the loss go together, and that there are as many references as it compares with.
    ///
    /// - Throws: ``ConfigurationError``
    package mutating func checkLoss(_ scope: StageScope) throws {
        let loss: PreferenceLoss
        do { loss = try usedChoice.loss() } catch {
            throw scope.error("\(scope.name).\(error.key)", error.problem, error.remedy)
        }
        let count = loss.needs.references
        guard count > 1 || references.isEmpty else {
            throw scope.error(
                "references",
                "has no meaning for \(choice.described), which compares with "
                    + (count == 0 ? "no reference" : "one reference"),
                count == 0 ? "leave it out" : "give reference")
        }
        switch count {
        case 0:
            guard reference == nil else {
                throw scope.error(
                    "reference", "has no meaning for \(choice.described), which compares with no reference",
                    "leave it out")
            }
        case 1:
            reference = reference ?? initial
        default:
            guard references.count == count else {
                throw scope.error(
                    "references",
                    "loss_type \(choice.name) compares with \(count) references, and \(references.count) are given",
                    "list \(count), as in references: [\(initial), DIRECTORY]")
            }
            guard reference == nil else {
                throw scope.error(
                    "reference", "given beside references, whose first is \(references[0])", "leave it out")
            }
        }
    }
}

import Configuration
import Objectives
import Runs
import Training

/// Direct Preference Optimization and its relatives on preference pairs.
package struct DPOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    package var initial = ArtifactReference.base
    /// The frozen policy that log-probabilities are compared with.
    package var reference = ArtifactReference.base
    /// Preference pairs.
    package var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The strength of the tie to the reference.
    package var beta = 0.1
    /// The loss on the difference of the log-ratios.
    package var lossType = PreferenceLossForm.sigmoid.name
    /// The options of the losses' parts.
    package var settings = LossSettings()
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 1e-6)
    /// Steps and batches.
    package var loop = TrainingLoopOptions()
    /// How long an example may be.
    package var lengths = LengthOptions()

    /// The frozen policies of a loss that compares with several; empty for others.
    package var references: [ArtifactReference] = []
    /// The losses that there are.
    package let losses: PreferenceLosses

    /// The defaults.
    package init() { self.init(losses: .standard) }

    /// The defaults, with other losses to choose from.
    package init(losses: PreferenceLosses) {
        self.losses = losses
        lossType = losses.names.first ?? lossType
    }

    /// The loss as these options have it.
    ///
    /// - Precondition: ``lossType`` is one of ``losses``, as reading them makes sure.
    package var loss: PreferenceLoss {
        guard let form = losses[lossType] else { preconditionFailure("no loss is named \(lossType)") }
        return form.loss(beta: beta, settings)
    }

    /// The frozen policies that the loss compares with, in its order.
    package var frozen: [ArtifactReference] {
        switch loss.needs.references {
        case 0: []
        case 1: [reference]
        default: references
        }
    }
}

extension DPOOptions: KeyedOptions {
    package static var fields: [Field<Self>] { fields(of: .standard) }

    package var fields: [Field<Self>] { Self.fields(of: losses) }

    /// The keys of a stage that has these losses to choose from.
    package static func fields(of losses: PreferenceLosses) -> [Field<Self>] {
        Field<Self>.list {
            Field.input(
                "init", \.initial, .policy, startsModel: true, default: "the sft stage, else base",
                "Policy that training starts from.")
            Field.input(
                "reference", \.reference, .policy, default: "the same as init",
                "Frozen policy that log-probabilities are compared with.")
            losses.mostReferences > 1 ? [referencesField] : []
            Field.input(
                "pairs", \.pairs, .rows(.predictedPairs),
                default: "the easy part of the split stage, else the sample stage, else dataset.train",
                "Preference pairs to train on.")
            Field("beta", \.beta, .greaterThan(0), "Strength of the tie to the reference.")
            lossTypeField(losses)
            losses.fields(at: \.settings)
            embed(\.optimizer)
            embed(\.loop, TrainingLoopOptions.fields(evaluating: .predictedPairs))
            embed(\.lengths, default: "the dataset's")
        }
    }

    private static var referencesField: Field<Self> {
        Field.input(
            "references", \.references, .policy, isOptional: true, default: "reference alone",
            "Frozen policies of a loss that compares with several, in its order.")
    }

    private static func lossTypeField(_ losses: PreferenceLosses) -> Field<Self> {
        Field(
            key: "loss_type",
            summary: "Loss on the difference of log-ratios; ipo averages log-probabilities over tokens, ipo_sum sums "
                + "them.",
            kind: "one of \(losses.names.joined(separator: ", "))",
            read: { options, node in
                guard let name = String(node), losses[name] != nil else { return false }
                options.lossType = name
                return true
            },
            write: { $0.lossType.node })
    }
}

// MARK: Checks

extension DPOOptions {
    /// Checks that no option of another loss is given, and that there are as many references as the loss compares with.
    ///
    /// - Throws: ``ConfigurationError``
    package mutating func checkLoss(_ scope: StageScope) throws {
        if let idle = losses.idleOption(of: lossType, in: settings) {
            throw scope.error(
                idle.key, "has no meaning for loss_type \(lossType)",
                "use \(idle.readers.joined(separator: " or ")), or leave it at \(idle.standard)")
        }
        let count = loss.needs.references
        if count == 0, reference != initial {
            throw scope.error(
                "reference", "has no meaning for loss_type \(lossType), which compares with no reference",
                "leave it out")
        }
        guard count > 1 else {
            guard references.isEmpty else {
                throw scope.error(
                    "references",
                    "has no meaning for loss_type \(lossType), which compares with "
                        + (count == 0 ? "no reference" : "one reference"),
                    count == 0 ? "leave it out" : "give reference")
            }
            return
        }
        guard references.count == count else {
            throw scope.error(
                "references",
                "loss_type \(lossType) compares with \(count) references, and \(references.count) are given",
                "list \(count), as in references: [\(initial), DIRECTORY]")
        }
        // A resolved configuration gives every key.
        guard !scope.given.contains("reference") || reference == references[0] else {
            throw scope.error(
                "reference", "given beside references, whose first is \(references[0])", "leave it out")
        }
        reference = references[0]
    }
}

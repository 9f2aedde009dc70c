import Configuration
import Objectives
import Runs
import Training

/// Learning from answers that are desirable or are not.
package struct KTOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    package var initial = ArtifactReference.base
    /// The frozen policy that log-probabilities are compared with.
    package var reference = ArtifactReference.base
    /// Answers with a label, or pairs, which are taken apart.
    package var data: [ArtifactReference] = [.dataset(.train)]
    /// What log-ratios are compared with.
    package var lossType = UnpairedLoss.Kind.kto
    /// The strength of the tie to the reference.
    package var beta = 0.1
    /// What losses of desirable answers are multiplied by.
    package var desirableWeight = 1.0
    /// What losses of other answers are multiplied by.
    package var undesirableWeight = 1.0
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 1e-6)
    /// Steps and batches.
    package var loop = TrainingLoopOptions()
    /// How long an example may be.
    package var lengths = LengthOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()
    /// Whether an adapter is trained.
    package var adapter = AdapterOptions()

    /// The defaults.
    package init() {}

    /// The loss as these options have it.
    package var loss: UnpairedLoss {
        UnpairedLoss(lossType, beta: beta, desirableWeight: desirableWeight, undesirableWeight: undesirableWeight)
    }
}

extension KTOOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "init", \.initial, .policy, startsModel: true, default: "the sft stage, else base",
            "Policy that training starts from.")
        Field.input(
            "reference", \.reference, .policy, default: "the same as init",
            "Frozen policy that log-probabilities are compared with.")
        Field.input(
            "data", \.data, .rows(.labeledCompletions),
            default:
                "the bridge stage, else the easy part of the split stage, else the sample stage, else dataset.train",
            "Prompts with a completion and a label, or pairs, of which each is a desirable and an undesirable one.")
        Field("beta", \.beta, .strength, "Strength of the tie to the reference.")
        Field(
            "loss_type", \.lossType,
            "Loss of an answer: kto compares its log-ratio with the policy's divergence, apo_zero_unpaired with 0.")
        Field(
            "desirable_weight", \.desirableWeight, .atLeast(0),
            "What losses of desirable answers are multiplied by, against unequal numbers of both.")
        Field(
            "undesirable_weight", \.undesirableWeight, .atLeast(0),
            "What losses of undesirable answers are multiplied by.")
        embed(\.optimizer)
        embed(\.loop, TrainingLoopOptions.fields(evaluating: .labeledCompletions))
        embed(\.lengths, default: "the dataset's")
        embed(\.compute, default: "the run's")
        embed(\.adapter)
    }
}

// MARK: Checks

extension KTOOptions {
    /// Checks that something is left to learn.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkWeights(_ scope: StageScope) throws {
        guard desirableWeight == 0, undesirableWeight == 0 else { return }
        throw scope.error(
            "undesirable_weight", "is 0, as desirable_weight is, so that nothing would be learned",
            "give one of them a weight")
    }

    /// What keeps answers with these labels from being learned from or, held out, from being evaluated on.
    package func problem(of labels: LabelCounts, isHeldOut: Bool) -> (problem: String, remedy: String)? {
        if loss.needsDivergence, labels.count < 2 {
            return (
                "has one answer, and the divergence is taken from completions that answer other prompts",
                "give two or more, or choose loss_type apo_zero_unpaired"
            )
        }
        guard !isHeldOut else { return nil }
        if labels.undesirable == 0, desirableWeight == 0 {
            return (
                "has desirable answers alone, which desirable_weight 0 leaves out",
                "give desirable_weight a number above 0"
            )
        }
        if labels.desirable == 0, undesirableWeight == 0 {
            return (
                "has undesirable answers alone, which undesirable_weight 0 leaves out",
                "give undesirable_weight a number above 0"
            )
        }
        return nil
    }
}

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
    package var lossType: DPOLoss.Form = .sigmoid
    /// The share of labels taken to be wrong.
    package var labelSmoothing = 0.0
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 1e-6)
    /// Steps and batches.
    package var loop = TrainingLoopOptions()
    /// How long an example may be.
    package var lengths = LengthOptions()

    /// The defaults.
    package init() {}
}

extension DPOOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "init", \.initial, .policy, startsModel: true, default: "the sft stage, else base",
            "Policy that training starts from.")
        Field.input(
            "reference", \.reference, .policy, default: "the same as init",
            "Frozen policy that log-probabilities are compared with.")
        Field.input(
            "pairs", \.pairs, .rows(.predictedPairs),
            default: "the easy part of the split stage, else the sample stage, else dataset.train",
            "Preference pairs to train on.")
        Field("beta", \.beta, .greaterThan(0), "Strength of the tie to the reference.")
        Field(
            "loss_type", \.lossType,
            "Loss on the difference of log-ratios; ipo averages log-probabilities over tokens, ipo_sum sums them.")
        Field("label_smoothing", \.labelSmoothing, .between(0, 0.5), "Share of labels taken to be wrong, for sigmoid.")
        embed(\.optimizer)
        embed(\.loop, TrainingLoopOptions.fields(evaluating: .predictedPairs))
        embed(\.lengths, default: "the dataset's")
    }
}

extension DPOLoss.Form: ConfigurationWord {}

import Configuration
import Objectives

/// Direct Preference Optimization and its relatives on preference pairs.
public struct DPOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    public var initial = ArtifactReference.base
    /// The frozen policy that log-probabilities are compared with.
    public var reference = ArtifactReference.base
    /// Preference pairs.
    public var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The strength of the tie to the reference.
    public var beta = 0.1
    /// The loss on the difference of the log-ratios.
    public var lossType: DPOLoss.Form = .sigmoid
    /// The share of labels taken to be wrong.
    public var labelSmoothing = 0.0
    /// AdamW.
    public var optimizer = OptimizerOptions(learningRate: 1e-6)
    /// Steps and batches.
    public var loop = TrainingLoopOptions()
    /// How long an example may be.
    public var lengths = LengthOptions()

    /// The defaults.
    public init() {}
}

extension DPOOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field("init", \.initial, default: "the sft stage, else base", "Policy that training starts from.")
        Field(
            "reference", \.reference, default: "the same as init",
            "Frozen policy that log-probabilities are compared with.")
        Field(
            "pairs", \.pairs, default: "the easy part of the split stage, else the sample stage, else dataset.train",
            "Preference pairs to train on.")
        Field("beta", \.beta, .greaterThan(0), "Strength of the tie to the reference.")
        Field(
            "loss_type", \.lossType,
            "Loss on the difference of log-ratios; ipo averages log-probabilities over tokens, ipo_sum sums them.")
        Field("label_smoothing", \.labelSmoothing, .between(0, 0.5), "Share of labels taken to be wrong, for sigmoid.")
        embed(\.optimizer)
        embed(\.loop)
        embed(\.lengths, default: "the dataset's")
    }

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("init") { initial = try scope.policy(from: [.sft], for: "init") }
        if !scope.given.contains("reference") { reference = initial }
        if !scope.given.contains("pairs") { pairs = try scope.rows(part: "easy", for: "pairs") }
        try scope.check(initial, is: .policy, for: "init")
        try scope.check(reference, is: .policy, for: "reference")
        try scope.check(pairs, is: .rows, for: "pairs")
        guard labelSmoothing == 0 || lossType == .sigmoid else {
            throw scope.error(
                "label_smoothing", "has no meaning for loss_type \(lossType.rawValue)",
                "use sigmoid, or leave it at 0.0")
        }
        try optimizer.check(scope)
        try loop.inherit(scope, data: pairs, metrics: DPOMetrics.names)
        try lengths.inherit(scope)
    }

    package var asStageOptions: StageOptions { .dpo(self) }
}

import Configuration
import Objectives

/// Supervised fine-tuning: next-token loss on the response only.
public struct SFTOptions: Sendable, Equatable {
    /// The model that training starts from.
    public var initial = ArtifactReference.base
    /// Prompts with completions, or pairs, whose chosen response is taken.
    public var data: [ArtifactReference] = [.dataset(.train)]
    /// AdamW.
    public var optimizer = OptimizerOptions(learningRate: 2e-5)
    /// Steps and batches.
    public var loop = TrainingLoopOptions()
    /// How long an example may be.
    public var lengths = LengthOptions()

    /// The defaults.
    public init() {}
}

extension SFTOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field("init", \.initial, "Model that training starts from.")
        Field("data", \.data, "Prompts with completions, or pairs, of which the chosen response is taken.")
        embed(\.optimizer)
        embed(\.loop)
        embed(\.lengths, default: "the dataset's")
    }

    package mutating func resolve(in scope: StageScope) throws {
        try scope.check(initial, is: .policy, for: "init")
        try scope.check(data, is: .rows, for: "data")
        try optimizer.check(scope)
        try loop.inherit(scope, data: data, metrics: SupervisedMetrics.names)
        try lengths.inherit(scope)
    }

    package var asStageOptions: StageOptions { .sft(self) }
}

/// Length, batches and rhythm of training on a fixed set of examples.
public struct TrainingLoopOptions: Sendable, Equatable {
    /// Passes over the data.
    public var numTrainEpochs = 1.0
    /// Optimizer steps, in place of the epochs.
    public var maxSteps: Int?
    /// Examples an optimizer step over all ranks together.
    public var trainBatchSize = 64
    /// Most tokens in one forward and backward pass of a rank.
    public var maxTokensPerMicroBatch = 4096
    /// Whether the data is put into a random order, or taken as it comes.
    public var shuffle = true
    /// Held-out data.
    public var evalData: [ArtifactReference] = [.dataset(.eval)]
    /// Steps between evaluations; `nil` for one at the end.
    public var evalSteps: Int?
    /// Steps between checkpoints.
    public var saveSteps = 500

    /// The defaults.
    public init() {}

    /// Takes what was not given from the run; data in an order of its own is not shuffled.
    mutating func inherit(_ scope: StageScope, data: [ArtifactReference]) throws {
        if !scope.given.contains("save_steps") { saveSteps = scope.run.saveSteps }
        if !scope.given.contains("shuffle") { shuffle = !scope.isOrdered(data) }
        for reference in evalData { try scope.check(reference, is: .rows, for: "eval_data") }
    }
}

extension TrainingLoopOptions: OptionGroup {
    static let fields = Field<Self>.list {
        Field("num_train_epochs", \.numTrainEpochs, .greaterThan(0), "Passes over the data.")
        Field("max_steps", \.maxSteps, .atLeast(1), "Optimizer steps, in place of num_train_epochs.")
        Field("train_batch_size", \.trainBatchSize, .atLeast(1), "Examples an optimizer step, over all ranks together.")
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1),
            "Most tokens of one forward and backward pass on a rank; bounds memory, not the result.")
        Field(
            "shuffle", \.shuffle, default: "true, unless the data comes from a split ordered easy_to_hard",
            "Whether each epoch has a random order, or the data's own.")
        Field("eval_data", \.evalData, "Held-out data, evaluated at the end and every eval_steps; [] for none.")
        Field("eval_steps", \.evalSteps, .atLeast(1), "Optimizer steps between evaluations; null for one at the end.")
        Field(
            "save_steps", \.saveSteps, .atLeast(1), default: "the run's save_steps",
            "Optimizer steps between checkpoints.")
    }
}

extension StageScope {
    /// Whether the data comes from one part of a split that put it in order.
    func isOrdered(_ data: [ArtifactReference]) -> Bool {
        guard data.count == 1, case .stage(let name, _) = data[0],
            case .split(let split)? = run.stages.first(where: { $0.name == name })?.options
        else { return false }
        return split.order == .easyToHard
    }
}

/// How far a stage has come.
public struct StageProgress: Sendable, Equatable {
    /// The stage's name.
    public var name: String
    /// What it does; decides which metrics are shown.
    public var type: StageType
    /// Its place in the run, counted from one.
    public var position: Int
    /// How many stages the run has.
    public var stages: Int
    /// Steps of the whole stage; `nil` where that is not known.
    public var total: Int?
    /// What a step is called: `step`, `pair`, `prompt`.
    public var unit: String
    /// Steps done, those before a resume included.
    public var step: Int
    /// The latest metrics.
    public var metrics: MetricValues = [:]

    /// A stage at its start, or at the step that a resume goes on from.
    public init(
        name: String, type: StageType, position: Int, of stages: Int, total: Int?, unit: String = "step", step: Int = 0
    ) {
        self.name = name
        self.type = type
        self.position = position
        self.stages = stages
        self.total = total
        self.unit = unit
        self.step = step
    }
}

extension StageType {
    /// The metrics that tell how a stage is doing, most telling first.
    public var keyMetrics: [String] {
        switch self {
        case .sft: ["loss", "mean_token_accuracy", "eval_loss", "learning_rate"]
        case .reward: ["loss", "accuracy", "margin", "eval_accuracy", "learning_rate"]
        case .sample: ["mean_reward", "completions/mean_length"]
        case .split: ["accuracy", "gap", "easy"]
        case .dpo: ["loss", "rewards/accuracies", "rewards/margins", "logps/chosen", "learning_rate"]
        case .ppo:
            ["objective/scores", "objective/kl", "policy/clipfrac_avg", "completions/mean_length", "loss/value_avg"]
        case .evaluate: ["mean_reward", "win_rate", "completions/mean_length"]
        }
    }
}

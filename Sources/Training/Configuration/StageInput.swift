/// One thing that a stage reads.
public struct StageInput: Sendable, Equatable {
    /// The key of the stage's block that names it.
    public var key: String
    /// What it is.
    public var reference: ArtifactReference
    /// Whether it is rows of data, in place of a model or reward.
    public var isData: Bool

    /// Whether it is asked for scores.
    package var isReward: Bool { key == "reward" || key == "judge" }
}

extension StageConfiguration {
    /// Everything that the stage reads, with a critic or reference that is the same as another input under its own key.
    public var inputs: [StageInput] {
        switch options {
        case .sft(let options):
            models("init", [options.initial]) + data("data", options.data) + data("eval_data", options.loop.evalData)
        case .reward(let options):
            models("init", [options.initial]) + data("pairs", options.pairs) + data("eval_data", options.loop.evalData)
        case .sample(let options):
            models("policy", [options.policy]) + models("reward", [options.reward]) + data("prompts", options.prompts)
        case .split(let options):
            models("reward", [options.reward]) + data("pairs", options.pairs)
        case .dpo(let options):
            models("init", [options.initial]) + models("reference", [options.reference]) + data("pairs", options.pairs)
                + data("eval_data", options.loop.evalData)
        case .ppo(let options):
            models("init", [options.initial]) + models("reference", [options.reference])
                + models("reward", [options.reward]) + models("critic_init", [options.criticInitial])
                + data("prompts", options.prompts)
        case .evaluate(let options):
            models("policies", options.policies) + models("judge", [options.judge]) + data("prompts", options.prompts)
        }
    }

    private func models(_ key: String, _ references: [ArtifactReference]) -> [StageInput] {
        references.map { StageInput(key: key, reference: $0, isData: false) }
    }

    private func data(_ key: String, _ references: [ArtifactReference]) -> [StageInput] {
        references.map { StageInput(key: key, reference: $0, isData: true) }
    }
}

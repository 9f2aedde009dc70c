/// What a stage does.
public enum StageType: String, Sendable, CaseIterable {
    /// Supervised fine-tuning on responses.
    case sft
    /// Bradley-Terry training of a reward model.
    case reward
    /// Drawing responses and labelling them by reward.
    case sample
    /// Splitting pairs by reward gap into easy and difficult.
    case split
    /// Direct Preference Optimization.
    case dpo
    /// Proximal Policy Optimization.
    case ppo
    /// Sampling from policies and comparing them under a judge.
    case evaluate

    /// What a stage of this type leaves for later ones; `nil` for nothing that they can read.
    public var output: Output? {
        switch self {
        case .sft, .dpo, .ppo: .policy
        case .reward: .rewardModel
        case .sample: .pairs
        case .split: .splitPairs
        case .evaluate: nil
        }
    }

    /// The kinds of thing that a stage leaves.
    public enum Output: Sendable {
        /// A language model.
        case policy
        /// A model with a score head.
        case rewardModel
        /// Preference pairs, whose prompts serve as prompts too.
        case pairs
        /// Pairs in two named parts, `easy` and `difficult`.
        case splitPairs
    }
}

/// What an input of a stage has to be.
package enum InputKind {
    case policy
    /// A model directory to start from, with whichever head.
    case model
    /// A reward model, a rule or a command.
    case reward
    /// Examples, pairs or prompts: rows with at least a prompt.
    case rows

    /// The kind in the words of an error message.
    package var noun: String {
        switch self {
        case .policy: "policy"
        case .model: "model"
        case .reward: "reward"
        case .rows: "data"
        }
    }

    /// The noun with its article.
    package var description: String { self == .rows ? noun : "a \(noun)" }

    /// Whether a stage of this type leaves such a thing.
    package func accepts(_ type: StageType) -> Bool {
        switch (self, type.output) {
        case (.policy, .policy), (.model, .policy), (.model, .rewardModel), (.reward, .rewardModel), (.rows, .pairs),
            (.rows, .splitPairs):
            true
        default: false
        }
    }
}

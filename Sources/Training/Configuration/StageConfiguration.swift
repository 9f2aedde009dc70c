import Configuration

/// One stage of a run, with every input and option resolved.
public struct StageConfiguration: Sendable, Equatable {
    /// The name, unique in the run.
    public var name: String
    /// The options of the stage's type.
    public var options: StageOptions

    /// What the stage does.
    public var type: StageType { options.type }

    /// Whether held-out data decides which of its models the stage leaves.
    package var leavesBestModel: Bool {
        switch options {
        case .sft(let options): options.loop.loadBestModelAtEnd
        case .reward(let options): options.loop.loadBestModelAtEnd
        case .dpo(let options): options.loop.loadBestModelAtEnd
        case .sample, .split, .ppo, .evaluate: false
        }
    }

    /// A stage.
    public init(name: String, options: StageOptions) {
        self.name = name
        self.options = options
    }
}

/// The options of a stage, by its type.
public enum StageOptions: Sendable, Equatable {
    /// Options of an `sft` stage.
    case sft(SFTOptions)
    /// Options of a `reward` stage.
    case reward(RewardOptions)
    /// Options of a `sample` stage.
    case sample(SampleOptions)
    /// Options of a `split` stage.
    case split(SplitOptions)
    /// Options of a `dpo` stage.
    case dpo(DPOOptions)
    /// Options of a `ppo` stage.
    case ppo(PPOOptions)
    /// Options of an `evaluate` stage.
    case evaluate(EvaluateOptions)

    /// The type whose options these are.
    public var type: StageType {
        switch self {
        case .sft: .sft
        case .reward: .reward
        case .sample: .sample
        case .split: .split
        case .dpo: .dpo
        case .ppo: .ppo
        case .evaluate: .evaluate
        }
    }

    /// The options as the struct of their type.
    package var group: any StageOptionGroup {
        switch self {
        case .sft(let options): options
        case .reward(let options): options
        case .sample(let options): options
        case .split(let options): options
        case .dpo(let options): options
        case .ppo(let options): options
        case .evaluate(let options): options
        }
    }
}

/// The options of one stage type.
package protocol StageOptionGroup: KeyedOptions {
    /// Fills what was not given from the run and the stages before, and checks what was.
    mutating func resolve(in scope: StageScope) throws
    /// These options as one case of ``StageOptions``.
    var asStageOptions: StageOptions { get }
}

extension StageType {
    /// The defaults of the type's options.
    package var defaults: any StageOptionGroup {
        switch self {
        case .sft: SFTOptions()
        case .reward: RewardOptions()
        case .sample: SampleOptions()
        case .split: SplitOptions()
        case .dpo: DPOOptions()
        case .ppo: PPOOptions()
        case .evaluate: EvaluateOptions()
        }
    }

    /// The keys that a block of this type knows.
    package var keys: [String] { defaults.keys }
}

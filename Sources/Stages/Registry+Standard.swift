import Runs
import Training

extension Registry {
    /// What this program knows: a line a stage type, in the order of the reference.
    package static let standard = Registry(
        stages: [
            SFTStage(),
            RewardStage(),
            SampleStage(),
            SplitStage(),
            BridgeStage(),
            DPOStage(),
            KTOStage(),
            OnlineDPOStage(),
            PPOStage(),
            GRPOStage(),
            RLOOStage(),
            MergeStage(),
            EvaluateStage(),
        ],
        // The method, start to end.
        recipe: ["sft", "reward", "split", "dpo", "ppo", "evaluate"])
}

extension RunConfiguration {
    /// Reads a YAML file and applies overrides of the form `ppo.kl_coef=0.1`, in order.
    ///
    /// - Throws: ``ConfigurationError``
    package init(contentsOf path: String, overrides: [String] = []) throws {
        try self.init(contentsOf: path, overrides: overrides, registry: .standard)
    }

    /// Reads YAML text, which error messages call `name`.
    ///
    /// - Throws: ``ConfigurationError``
    package init(yaml: String, name: String, overrides: [String] = []) throws {
        try self.init(yaml: yaml, name: name, overrides: overrides, registry: .standard)
    }
}

import Runs
import Stages

/// What of a stage's keys tells it from others of its type.
struct StageDescription {
    let stage: StageRecord

    /// The keys that name what it reads, with what they name; those of datasets come last.
    var inputs: [(key: String, value: String)] {
        let keys = stage.type.flatMap { Registry.standard.stage(ofType: $0) }.map { Self.inputKeys($0) } ?? []
        return keys.compactMap { key in
            let value = stage.settings[key].map(SettingText.list)?.joined(separator: ", ") ?? ""
            // A critic or reference that is what another key names is not said twice.
            return value.isEmpty || key.hasPrefix("eval_") ? nil : (key, value)
        }
    }

    /// The keys that people vary, with their values.
    var choices: [(key: String, value: String)] {
        Self.telling.compactMap { key in
            guard let value = stage.settings[key].flatMap(SettingText.plain), value != Self.usual[key] else {
                return nil
            }
            return (key, value)
        }
    }

    /// As far as a stage has them; what is null is left out.
    private static let telling = [
        "loss_type", "beta", "quantile", "gamma", "method", "alpha", "keep", "learning_rate",
        "critic_learning_rate", "lr_scheduler_type", "train_batch_size", "rollout_batch_size", "num_train_epochs",
        "max_steps",
        "num_ppo_epochs", "n_samples_per_prompt", "kl_coef", "temperature", "response_length", "lora_r", "zero",
        "dtype",
    ]

    /// Values that say nothing.
    private static let usual = ["zero": "0", "dtype": "float32", "n_samples_per_prompt": "1"]

    private static func inputKeys(_ stage: some Stage) -> [String] {
        stage.fields.filter { $0.role is InputRole }.map(\.key)
    }
}

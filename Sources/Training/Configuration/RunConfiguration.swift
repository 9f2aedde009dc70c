import Configuration
import Foundation

/// A whole run as its YAML file and overrides resolve it: every default filled in, every stage's inputs known.
public struct RunConfiguration: Sendable {
    /// The run directory.
    public var outputDir = ""
    /// The seed of every random stream.
    public var seed = 42
    /// The directory of the base model.
    public var modelNameOrPath = ""
    /// Whether the base model's weights are drawn at random by its `config.json`, in place of read.
    public var randomInit = false
    /// The directory of the tokenizer; `nil` for the model's own.
    public var tokenizerNameOrPath: String?
    /// The name of the chat template; `nil` for the one that the tokenizer's directory has.
    public var chatTemplate: String?
    /// The text of the token that ends a response; `nil` for the tokenizer's own.
    public var eosToken: String?
    /// Threads of each rank; `nil` for its share of the node's cores.
    public var threadsPerRank: Int?
    /// How PPO's workers share learning and rollouts, where the stage does not say.
    public var placement = PlacementOptions()
    /// Steps between lines of metrics.
    public var loggingSteps = 1
    /// Where metrics go besides `metrics.jsonl`.
    public var reportTo: [MetricsSink] = [.tensorboard]
    /// Steps between checkpoints, where the stage does not say.
    public var saveSteps = 500
    /// How many checkpoints of a stage are kept; `nil` for all.
    public var saveTotalLimit: Int? = 2
    /// Seconds without a report from any worker after which rank zero says whom it waits for.
    public var stallWarningSeconds = 300
    /// Seconds without progress, or without a sign of life from a host, after which the run is ended.
    public var stallTimeoutSeconds = 600
    /// Data.
    public var dataset = DatasetOptions()
    /// The stages, in order.
    public var stages: [StageConfiguration] = []

    /// Where each given key was written, by dotted name.
    package var origins: [String: ConfigurationOrigin] = [:]
    /// The file as a whole.
    package var file: ConfigurationOrigin = .none

    package init() {}

    /// The file that it was read from; `nil` where it was not read from one.
    package var fileURL: URL? {
        if case .file(let path, _) = file { URL(filePath: path) } else { nil }
    }

    /// The stage of this name.
    public func stage(named name: String) -> StageConfiguration? {
        stages.first { $0.name == name }
    }

    /// An error about a key, at the place where the key was written, or else its block or the file.
    ///
    /// For what only shows once models and data are looked at, such as a vocabulary that does not fit.
    public func error(at key: String, _ problem: String, remedy: String) -> ConfigurationError {
        let block = key.split(separator: ".").first.map(String.init) ?? key
        return ConfigurationError(origins[key] ?? origins[block] ?? file, key: key, problem: problem, remedy: remedy)
    }
}

/// Where metrics go besides `metrics.jsonl`.
public enum MetricsSink: String, Sendable, ConfigurationWord {
    /// TensorBoard event files.
    case tensorboard
    /// Nowhere.
    case none
}

extension RunConfiguration: KeyedOptions {
    /// The keys of the top level, but for `dataset`, `stages` and the stages' blocks.
    package static let fields = Field<Self>.list {
        Field(
            "output_dir", \.outputDir, .notEmpty, default: "required",
            "Run directory, on a file system that all ranks see.")
        Field("seed", \.seed, .atLeast(0), "Seed of data order, initialisation and sampling.")
        Field(
            "model_name_or_path", \.modelNameOrPath, .notEmpty, default: "required",
            "Directory of the base model in Hugging Face layout; stages call it base.")
        Field("random_init", \.randomInit, "Whether the base model is initialised at random from its config.json.")
        Field(
            "tokenizer_name_or_path", \.tokenizerNameOrPath, .notEmpty,
            "Directory of the tokenizer; null for the model's.")
        Field(
            "chat_template", \.chatTemplate, .notEmpty,
            "Name of the chat template, which saved models keep; null for the tokenizer's own.")
        Field(
            "eos_token", \.eosToken, .notEmpty,
            "Text of the token that ends a response, which saved models keep; null for the tokenizer's own.")
        Field(
            "threads_per_rank", \.threadsPerRank, .between(1, 4096),
            "Threads of a rank; null for its share of the node.")
        embed(\.placement)
        Field(
            "logging_steps", \.loggingSteps, .atLeast(1),
            "Steps between lines of metrics, which have means over the steps since the line before; a stage's last step "
                + "has one.")
        Field("report_to", \.reportTo, "Where metrics go besides metrics.jsonl.")
        Field("save_steps", \.saveSteps, .atLeast(1), "Steps between checkpoints.")
        Field("save_total_limit", \.saveTotalLimit, .atLeast(1), "Checkpoints kept of a stage; null for all.")
        Field(
            "stall_warning_seconds", \.stallWarningSeconds, .atLeast(1),
            "Seconds without a report from any worker after which a line says which ranks are at work and which wait.")
        Field(
            "stall_timeout_seconds", \.stallTimeoutSeconds, .between(2, 1_000_000),
            """
            Seconds after which the run is ended if no rank reports, computes, reads, writes or has an answer of its reward \
            program, or if a host gives no sign of life.
            """)
    }
}

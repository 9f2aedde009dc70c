import Configuration
import Foundation
import JSON
import Transformers

/// A whole run as its YAML file and overrides resolve it: every default filled in, every stage's inputs known.
package struct RunConfiguration: Sendable {
    /// The run directory.
    package var outputDir = ""
    /// The seed of every random stream.
    package var seed = 42
    /// The directory of the base model.
    package var modelNameOrPath = ""
    /// Whether the base model's weights are drawn at random by its `config.json`, in place of read.
    package var randomInit = false
    /// The directory of the tokenizer; `nil` for the model's own.
    package var tokenizerNameOrPath: String?
    /// The chat template's name, its file or its Jinja text; `nil` for the one that the tokenizer's directory has.
    package var chatTemplate: String?
    /// The file that its text was read from, for messages; `nil` where it came otherwise.
    package var chatTemplateFile: String?
    /// What it is told beside the conversation; `date` is what it writes as today's.
    package var chatTemplateKwargs = JSONObject()
    /// The text of the token that ends a response; `nil` for the tokenizer's own.
    package var eosToken: String?
    /// Threads of each rank; `nil` for its share of the node's cores.
    package var threadsPerRank: Int?
    /// Where models lie and what they compute in, where the stage does not say.
    package var compute = ComputeOptions()
    /// Whether stages train adapters, and which, where the stage does not say.
    package var adapter = AdapterOptions()
    /// Whether cards compute with the same bits each time, as CPUs do in any case.
    package var fullDeterminism = true
    /// How PPO's workers share learning and rollouts, where the stage does not say.
    package var placement = PlacementOptions()
    /// Steps between lines of metrics.
    package var loggingSteps = 1
    /// Where metrics go besides `metrics.jsonl`.
    package var reportTo: [MetricsSink] = [.tensorboard]
    /// Steps between checkpoints, where the stage does not say.
    package var saveSteps = 500
    /// How many checkpoints of a stage are kept; `nil` for all.
    package var saveTotalLimit: Int? = 2
    /// Seconds without a report from any worker after which rank zero says whom it waits for.
    package var stallWarningSeconds = 300
    /// Seconds without progress, or without a sign of life from a host, after which the run is ended.
    package var stallTimeoutSeconds = 600
    /// Data.
    package var dataset = DatasetOptions()
    /// The stages, in order.
    package var stages: [StageConfiguration] = []

    /// Where each given key was written, by dotted name.
    package var origins: [String: ConfigurationOrigin] = [:]
    /// The file as a whole.
    package var file: ConfigurationOrigin = .none

    /// What the configuration can name.
    package var registry = Registry(stages: [])

    package init() {}

    /// A run without stages.
    package init(registry: Registry) { self.registry = registry }

    /// The file that it was read from; `nil` where it was not read from one.
    package var fileURL: URL? {
        if case .file(let path, _) = file { URL(filePath: path) } else { nil }
    }

    /// Where the run's tokenizer lies.
    package var tokenizerDirectory: URL {
        tokenizerNameOrPath.map { URL(filePath: $0) } ?? ModelDirectory.tokenizer(of: URL(filePath: modelNameOrPath))
    }

    /// The stage of this name.
    package func stage(named name: String) -> StageConfiguration? {
        stages.first { $0.name == name }
    }

    /// An error about a key, at the place where the key was written, or else its block or the file.
    ///
    /// For what only shows once models and data are looked at, such as a vocabulary that does not fit.
    package func error(at key: String, _ problem: String, remedy: String) -> ConfigurationError {
        let block = key.split(separator: ".").first.map(String.init) ?? key
        return ConfigurationError(origins[key] ?? origins[block] ?? file, key: key, problem: problem, remedy: remedy)
    }
}

/// Where metrics go besides `metrics.jsonl`.
package enum MetricsSink: String, Sendable, ConfigurationWord {
    /// TensorBoard event files.
    case tensorboard
    /// Nowhere.
    case none
}

extension RunConfiguration: KeyedOptions {
    /// The keys of the top level, but for `dataset`, `stages` and the stages' blocks.
    package static let fields = Field<Self>.list {
        Field(
            "output_dir", \.outputDir, .notEmpty, default: "required", effect: .free,
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
            "The chat template of every row, which saved models keep: the name of one that the model brings, else chatml, llama2, "
                + "llama3, zephyr, mistral, anthropic or plain; a file; or Jinja text. Null for the tokenizer's own: of several "
                + "tool_use where a row brings tools, else default.")
        Field(
            "chat_template_kwargs", \.chatTemplateKwargs,
            "What the template is told beside the conversation, such as enable_thinking; date, as in 2026-11-27, is what it "
                + "writes as today's: without it the day on which the run began.")
        Field(
            "eos_token", \.eosToken, .notEmpty,
            "Text of the token that ends a response, which saved models keep; null for the tokenizer's own.")
        Field(
            "threads_per_rank", \.threadsPerRank, .between(1, 4096), effect: .free,
            "Threads of a rank; null for its share of the node.")
        // Stages take them over, where they are compared.
        embed(\.compute, effect: .free)
        embed(\.adapter, effect: .free)
        Field(
            "full_determinism", \.fullDeterminism, effect: .rounding,
            "Whether a card computes with the same bits each time, so that a run that is resumed ends in the bytes of one that "
                + "never stopped; CPUs do in any case.")
        embed(\.placement)
        Field(
            "logging_steps", \.loggingSteps, .atLeast(1), effect: .watching,
            "Steps between lines of metrics, which have means over the steps since the line before; a stage's last step "
                + "has one.")
        Field("report_to", \.reportTo, effect: .watching, "Where metrics go besides metrics.jsonl.")
        Field("save_steps", \.saveSteps, .atLeast(1), effect: .watching, "Steps between checkpoints.")
        Field(
            "save_total_limit", \.saveTotalLimit, .atLeast(1), effect: .watching,
            "Checkpoints kept of a stage; null for all.")
        Field(
            "stall_warning_seconds", \.stallWarningSeconds, .atLeast(1), effect: .free,
            "Seconds without a report from any worker after which a line says which ranks are at work and which wait.")
        Field(
            "stall_timeout_seconds", \.stallTimeoutSeconds, .between(2, 1_000_000), effect: .free,
            """
            Seconds after which the run is ended if no rank reports, computes, reads, writes or has an answer of its reward \
            program, or if a host gives no sign of life.
            """)
    }
}

extension RunConfiguration {
    /// What a change of a key of the top level or of `dataset` means for a run that is resumed.
    package static func effect(ofKey key: String) -> ResumeEffect {
        guard key.hasPrefix("dataset.") else { return fields.first { $0.key == key }?.effect ?? .numerics }
        return DatasetOptions.fields.first { "dataset.\($0.key)" == key }?.effect ?? .numerics
    }

    /// The model whose shape a model has: of one that a stage leaves that which the stage starts from, as far back as stages go.
    package func origin(ofModel reference: ArtifactReference) -> ArtifactReference {
        guard case .stage(let name, _) = reference, let initial = stage(named: name)?.initialModel else {
            return reference
        }
        return origin(ofModel: initial)
    }

    /// The first key, as `ppo.prompts`, that reads one part of what a stage leaves and nothing else; `nil` where that part may be
    /// empty.
    package func reader(ofPart part: String, of name: String) -> String? {
        let reference = ArtifactReference.stage(name, part: part)
        for stage in stages {
            let data = stage.inputs.filter(\.isData)
            for input in data where input.reference == reference {
                if data.allSatisfy({ $0.key != input.key || $0.reference == reference }) {
                    return "\(stage.name).\(input.key)"
                }
            }
        }
        return nil
    }
}

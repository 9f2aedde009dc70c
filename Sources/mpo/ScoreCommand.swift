import ArgumentParser
import Commands
import PreferenceData
import Runs
import Stages
import Torch
import Training

struct ScoreCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Add log-probabilities, and rewards, of both responses to preference pairs.",
        discussion: """
            Writes the lines of the data with chosen_logps and rejected_logps: sums over the response with its end \
            token. With a reward model also chosen_reward and rejected_reward, its scores as they are.

            Example: mpo score --model models/sft --data pairs.jsonl --output scored.jsonl
            """)

    @OptionGroup var text: TextArguments

    @Option(
        help: ArgumentHelp("A reward model's directory.", valueName: "dir"),
        transform: \.expandingHome)
    var reward: String?

    @Option(
        help: ArgumentHelp("A file or directory of preference pairs; may be repeated.", valueName: "file"),
        transform: \.expandingHome)
    var data: [String]

    @Option(
        help: ArgumentHelp("Where the scored pairs go.", valueName: "file"),
        transform: \.expandingHome)
    var output: String

    @Option(help: "Most tokens of prompt and response. (default: no limit)")
    var maxLength: Int?

    @Option(help: "Most tokens of the prompt. (default: no limit)")
    var maxPromptLength: Int?

    @Option(help: "What gives way where an example is too long.")
    var truncationMode = TruncationMode.keepStart

    @Option(help: "Most tokens of one forward pass.")
    var maxTokensPerMicroBatch = 4096

    func validate() throws {
        guard maxTokensPerMicroBatch >= 1 else {
            throw ValidationError("--max-tokens-per-micro-batch takes a number from 1 on")
        }
    }

    func work() throws {
        var scoring = PairScoring(text.settings, data: data, output: output)
        scoring.reward = reward
        scoring.limits = try OptionNames.naming {
            try LengthLimits(maxLength: maxLength, maxPromptLength: maxPromptLength, mode: truncationMode)
        }
        scoring.maxTokensPerMicroBatch = maxTokensPerMicroBatch
        try scoring.run(progress: .standardError())
    }
}

extension TruncationMode: ExpressibleByArgument {}
extension DeviceChoice: ExpressibleByArgument {}
extension ComputeType: ExpressibleByArgument {}

/// A model with its text pipeline as command lines name it.
struct TextArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("A model's directory in Hugging Face layout, with its tokenizer.", valueName: "dir"),
        transform: \.expandingHome)
    var model: String

    @Option(help: "Name of the chat template. (default: the tokenizer's own)")
    var chatTemplate: String?

    @Option(help: "Text of the token that ends a response. (default: the tokenizer's own)")
    var eosToken: String?

    @Option(help: "Where the model lies: auto, cpu or cuda.")
    var device = DeviceChoice.auto

    @Option(help: "Type of what it computes: float32 or bfloat16.")
    var dtype = ComputeType.float32

    var settings: TextSettings {
        var settings = TextSettings(model: model, chatTemplate: chatTemplate, eosToken: eosToken)
        (settings.device, settings.dtype) = (device, dtype)
        return settings
    }
}

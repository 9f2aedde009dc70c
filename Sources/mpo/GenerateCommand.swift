import ArgumentParser
import Commands
import Runs
import Stages
import Training

struct GenerateCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Draw responses to prompts from a model.",
        discussion: """
            Writes a JSON object a response: prompt, sample, completion, tokens, logps (of each token, at the sampling \
            temperature) and finish_reason (stop or length).

            Example: mpo generate --model models/sft --prompt 'Once upon a time' --response-length 40
            """)

    @OptionGroup var text: TextArguments

    @Option(
        help: ArgumentHelp("A file or directory whose prompts are answered; may be repeated.", valueName: "file"),
        transform: \.expandingHome)
    var prompts: [String] = []

    @Option(help: ArgumentHelp("A prompt to answer; may be repeated.", valueName: "text"))
    var prompt: [String] = []

    @Option(
        help: ArgumentHelp(
            "What the model sees in front of each prompt, or of a conversation's last question.", valueName: "text"))
    var promptPrefix = ""

    @Option(help: "What logits are divided by; 0 takes the likeliest token.")
    var temperature = 1.0

    @Option(help: "Number of likeliest tokens that are drawn from; 0 for all.")
    var topK = 0

    @Option(help: "Smallest set of likeliest tokens with this probability is drawn from.")
    var topP = 1.0

    @Option(help: "Most tokens of a response.")
    var responseLength = 128

    @Option(name: [.customShort("n"), .long], help: "Responses drawn for each prompt.")
    var samples = 1

    @Option(help: "Responses that are drawn at a time.")
    var generationBatchSize = 32

    @Option(help: "Seed of the random streams, one a response.")
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp("Where responses go. (default: standard output)", valueName: "file"),
        transform: \.expandingHome)
    var output: String?

    func validate() throws {
        guard !prompts.isEmpty || !prompt.isEmpty else { throw ValidationError("Give --prompts or --prompt.") }
        guard prompts.isEmpty || prompt.isEmpty else { throw ValidationError("Give --prompts or --prompt, not both.") }
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature takes a number from 0 on")
        }
        guard topK >= 0 else { throw ValidationError("--top-k takes a number from 0 on") }
        guard topP > 0, topP <= 1 else { throw ValidationError("--top-p takes a number above 0, up to 1") }
        guard responseLength >= 1 else { throw ValidationError("--response-length takes a number from 1 on") }
        guard generationBatchSize >= 1 else {
            throw ValidationError("--generation-batch-size takes a number from 1 on")
        }
        guard samples >= 1 else { throw ValidationError("-n takes a number from 1 on") }
    }

    func work() throws {
        var generation = ResponseGeneration(
            text.settings, prompts: prompts.isEmpty ? .texts(prompt) : .files(prompts))
        generation.promptPrefix = promptPrefix
        generation.sampling.temperature = temperature
        generation.sampling.topK = topK
        generation.sampling.topP = topP
        generation.sampling.responseLength = responseLength
        generation.sampling.generationBatchSize = generationBatchSize
        generation.samplesPerPrompt = samples
        generation.seed = seed
        generation.output = output
        try generation.run()
    }
}

import ArgumentParser
import Benchmarks
import Commands
import Configuration
import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Stages
import Torch
import Training

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure training, scoring and sampling, against what the machine could do.",
        discussion: """
            Arithmetic that is needed (no padding, no recomputation) is counted and held against the peak of matrix \
            products. All ranks that are started learn and sample. Each repeat of a training item is an optimizer \
            step on a batch of its own.

            Example: mpo bench --model models/SmolLM2-135M --only dpo,decode
            """)

    @Option(
        help: ArgumentHelp("A model's directory in Hugging Face layout.", valueName: "dir"),
        transform: \.expandingHome)
    var model: String?

    @Option(
        help: ArgumentHelp("A directory with config.json, for a model of random weights.", valueName: "dir"),
        transform: \.expandingHome)
    var randomInit: String?

    @Option(help: ArgumentHelp("What is measured, from: \(Self.itemNames). (default: all)", valueName: "items"))
    var only: String?

    @Option(
        help: ArgumentHelp(
            "A file or directory of preference pairs; may be repeated. (default: pairs of made-up tokens)",
            valueName: "file"),
        transform: \.expandingHome)
    var data: [String] = []

    @Option(help: "Threads of a rank. (default: its share of the cores)")
    var threads: Int?

    @Option(help: "Where the model lies: auto, cpu or cuda.")
    var device = DeviceChoice.auto

    @Option(help: "Type of what it computes: float32 or bfloat16.")
    var dtype = ComputeType.float32

    @Option(help: "Measured repeats of each item, of which the median counts.")
    var repeats = 5

    @Option(help: "Pairs of an optimizer step, over all ranks.")
    var trainBatchSize = 8

    @Option(help: ArgumentHelp("Preference losses of dpo, by name.", valueName: "names"))
    var lossType: String?

    @Option(
        help: ArgumentHelp(
            "Other keys of dpo's loss as YAML, such as 'use_weighting: true'.", valueName: "keys"))
    var lossKeys: String?

    @Option(help: "Most tokens of one forward and backward pass.")
    var maxTokensPerMicroBatch = 4096

    @Option(help: "Most tokens of prompt and response in --data.")
    var maxLength = 512

    @Option(help: "Tokens of a drawn response.")
    var responseLength = 64

    @Option(help: ArgumentHelp("Numbers of responses that are drawn side by side.", valueName: "sizes"))
    var generationBatchSizes = "1,8,32,64"

    @Option(help: "Prompts of a PPO update, over all ranks.")
    var rolloutBatchSize = 16

    @Option(help: "Passes over the responses of a PPO update.")
    var numPpoEpochs = 4

    @Option(
        help: ArgumentHelp("Where all repeats go as JSON.", valueName: "file"),
        transform: \.expandingHome)
    var json: String?

    func validate() throws { _ = try options() }

    func run() {
        runJob(named: "mpo") { runtime in
            if let json, runtime.world.rank == 0 {
                try OutputFile.check(URL(filePath: json), sparing: data.map { URL(filePath: $0) })
            }
            let report = try Benchmark(try options(), on: runtime)() { item in
                StandardError.write("mpo: measuring \(item)\n")
            }
            if let report {
                try StandardOutput.write(report.text)
                if let json { try report.write(to: URL(filePath: json)) }
            }
            return 0
        }
    }

    private func options() throws -> BenchmarkOptions {
        var options: BenchmarkOptions
        switch (model, randomInit) {
        case (let model?, nil): options = BenchmarkOptions(.directory(model))
        case (nil, let shape?): options = BenchmarkOptions(.random(shape))
        default: throw ValidationError("Give --model or --random-init, one of the two.")
        }
        if let only {
            options.items = try Self.list(only).map { name in
                guard let item = BenchmarkItem(rawValue: name) else {
                    throw ValidationError("--only takes some of \(Self.itemNames), not '\(name)'")
                }
                return item
            }
        }
        if !options.items.contains(.dpo),
            let option = lossType != nil ? "loss-type" : lossKeys.map({ _ in "loss-keys" })
        {
            throw ValidationError("--\(option) has no meaning without dpo in --only; leave it out, or add dpo")
        }
        options.generationBatchSizes = try Self.list(generationBatchSizes).map { size in
            guard let size = Int(size), size >= 1 else {
                throw ValidationError("--generation-batch-sizes takes numbers from 1 on, such as 8,32")
            }
            return size
        }
        for (name, value) in [
            ("threads", threads ?? 1), ("repeats", repeats), ("train-batch-size", trainBatchSize),
            ("max-tokens-per-micro-batch", maxTokensPerMicroBatch), ("max-length", maxLength),
            ("response-length", responseLength), ("rollout-batch-size", rolloutBatchSize),
            ("num-ppo-epochs", numPpoEpochs),
        ] where value < 1 {
            throw ValidationError("--\(name) takes a number from 1 on")
        }
        (options.data, options.threads, options.repeats) = (data, threads, repeats)
        (options.compute.device, options.compute.dtype) = (device, dtype)
        (options.trainBatchSize, options.maxTokensPerMicroBatch) = (trainBatchSize, maxTokensPerMicroBatch)
        (options.maxLength, options.responseLength) = (maxLength, responseLength)
        (options.rolloutBatchSize, options.numPPOEpochs) = (rolloutBatchSize, numPpoEpochs)
        (options.loss, options.namesLoss) = (try loss(), lossType != nil || lossKeys != nil)
        return options
    }

    /// The loss as a `dpo` stage with these keys has it.
    private func loss() throws -> LossChoice {
        var choice = LossChoice()
        if let lossKeys {
            var reader = ConfigurationReader(file: .none)
            try reader.read(&choice, from: try ConfigurationNode(yaml: lossKeys) { _ in .none }, block: "--loss-keys")
        }
        if let lossType { choice.types = Self.list(lossType) }
        do { _ = try choice.loss() } catch {
            throw ValidationError("--loss-type: \(error.key) \(error.problem); \(error.remedy)")
        }
        return choice
    }

    private static let itemNames = BenchmarkItem.allCases.map(\.rawValue).joined(separator: ",")

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

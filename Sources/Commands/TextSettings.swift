import Foundation
import MPI
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A model with its tokenizer and chat template, as commands outside a run name them.
package struct TextSettings: Sendable {
    /// The directory of the model and its tokenizer.
    package var model: String
    /// The name of the chat template; `nil` for the tokenizer's own.
    package var chatTemplate: String?
    /// The text of the token that ends a response; `nil` for the tokenizer's own.
    package var eosToken: String?
    /// The device it computes on.
    package var device = DeviceChoice.auto
    /// The type of what it computes.
    package var dtype = ComputeType.float32
    /// The families of models that are known.
    package var families = ModelFamilies.standard

    /// The model in a directory.
    package init(model: String, chatTemplate: String? = nil, eosToken: String? = nil) {
        self.model = model
        self.chatTemplate = chatTemplate
        self.eosToken = eosToken
    }

    /// From text to ids and back, as a run on this model has it.
    package func pipeline() throws -> TextPipeline {
        var configuration = RunConfiguration()
        configuration.modelNameOrPath = model
        configuration.chatTemplate = chatTemplate
        configuration.eosToken = eosToken
        try configuration.fixTemplate()
        return try TextPipeline(configuration)
    }

    /// Preference pairs of files in token ids, in order.
    package func pairs(_ files: [String], limits: LengthLimits) throws -> [TokenizedPair] {
        try OptionNames.naming {
            let data = try Self.read(PreferencePair.self, files)
            return try Self.exampleTokenizer(pipeline(), limits).tokenize(data.records).examples
        }
    }

    /// Records of files that a command names, where no key lets bad rows be skipped.
    package static func read<Record: DatasetRecord>(_: Record.Type, _ files: [String]) throws -> Dataset<Record> {
        try Dataset(reading: files.map { URL(filePath: $0) }, advisesSkipping: false)
    }

    /// Tokenizes records of such files.
    package static func exampleTokenizer(_ text: TextPipeline, _ limits: LengthLimits) throws -> ExampleTokenizer {
        var tokenizer = try text.exampleTokenizer(limits)
        tokenizer.advisesSkipping = false
        return tokenizer
    }

    /// Loads the model, whose vocabulary must hold the tokens of `text`.
    package func load(head: ModelHead, text: TextPipeline) throws -> DecoderModel {
        let directory = try ModelDirectory(URL(filePath: model), families: families)
        if let (problem, remedy) = text.tokensWithoutRow(in: directory.configuration, model) {
            throw RunError.other("\(model): \(problem); \(remedy)")
        }
        // A policy that has a score head is a reward model; what a score head is missing from says so when it is read.
        if head == .languageModel, try !directory.has(head) {
            throw RunError.other("\(model) is no policy: it is a reward model; give the directory of a language model")
        }
        if let (problem, remedy) = try AdapterBase.problem(of: directory) {
            throw RunError.other("\(problem); \(remedy)")
        }
        for part in [directory, directory.base] {
            guard let problem = try part.problemOfNumbers() else { continue }
            throw RunError.other(
                "\(part.url.relativePath): \(problem); a training that diverged leaves such weights, so use an earlier checkpoint"
            )
        }
        let finding = try TorchRuntime.device(device)
        if let note = finding.note { StandardError.write("mpo: warning: \(note)\n") }
        let placement = Placement(dtype.type, on: finding.device)
        return try directory.decoder(head: head, trainable: false, placement: placement)
    }
}

extension TorchRuntime {
    /// Starts the runtime of a process that works alone: on all cores it may use, unless `OMP_NUM_THREADS` says
    /// otherwise.
    ///
    /// - Throws: as ``start(threads:)``.
    package static func startAlone() throws {
        let asked = ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].flatMap { Int($0) }
        let threads = max(1, asked ?? LaunchEnvironment.availableCores)
        try start(threads: threads)
        if let warning = warning(threads: threads) {
            StandardError.write("mpo: warning: \(warning)\n")
        }
    }
}

extension DecoderModel {
    /// Checks that sequences of `length` tokens are not longer than the model can compute.
    ///
    /// - Throws: ``RunError/other(_:)``, with `remedy` behind what is wrong.
    package func check(length: Int, remedy: String) throws {
        if let maximumLength, length > maximumLength {
            throw RunError.other(
                "a sequence has \(length) tokens, but the model computes at most \(maximumLength): "
                    + "\(configuration.lengthReason); \(remedy)")
        }
    }
}

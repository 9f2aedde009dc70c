import Foundation
import JSON
import MPI
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// Responses that a model draws to prompts, as JSON lines.
package struct ResponseGeneration {
    /// Where prompts come from.
    package enum Prompts: Sendable {
        /// Files or directories of prompts, pairs or conversations.
        case files([String])
        /// The prompts themselves.
        case texts([String])
    }

    /// The model.
    package var text: TextSettings
    /// What is answered.
    package var prompts: Prompts
    /// What the model sees in front of each prompt; what is written has the prompt without it.
    package var promptPrefix = ""
    /// How responses are drawn.
    package var sampling = SamplingOptions(responseLength: 128)
    /// Responses drawn for each prompt.
    package var samplesPerPrompt = 1
    /// Seed of the random streams; each response has its own.
    package var seed: UInt64 = 42
    /// The file that is written; `nil` for standard output.
    package var output: String?

    /// Responses of the model of `text`, drawn from its own distribution.
    package init(_ text: TextSettings, prompts: Prompts) {
        self.text = text
        self.prompts = prompts
    }

    /// Draws the responses and writes them in the order of prompts: `prompt`, `sample`, `completion` (text without
    /// special tokens), `tokens`, `logps` (of each token under the full softmax at the sampling temperature) and
    /// `finish_reason`, `stop` or `length`.
    package func run() throws {
        try TorchRuntime.startAlone()
        let records = try self.records()
        let pipeline = try text.pipeline()
        let model = try text.load(head: .languageModel, text: pipeline)
        let data = try TextSettings.exampleTokenizer(pipeline, .none).tokenize(
            records.map { $0.prefixed(by: promptPrefix) })
        let room = "shorten prompts or --response-length"
        try model.check(length: data.summary.longest + sampling.responseLength, remedy: room)
        let sink = try LineSink(output, sparing: files)
        let engine = RolloutEngine(
            model, samples: samplesPerPrompt, sampling, stopTokens: pipeline.endTokens, seed: seed)
        var waiting: [Int: Rollout] = [:]
        var next = 0
        try engine.draw(data.examples, step: 0) { index, rollout in
            waiting[index] = rollout
            while let rollout = waiting.removeValue(forKey: next) {
                var object = JSONObject()
                object["prompt"] = records[rollout.promptIndex].prompt.json
                object["sample"] = .number(rollout.sample)
                object["completion"] = .string(pipeline.text(of: rollout.response))
                object["tokens"] = JSON(ids: rollout.response)
                object["logps"] = .array(rollout.sampledLogps.map { JSON(shortest: $0) })
                object["finish_reason"] = .string(
                    (rollout.isFinished ? Completion.FinishReason.stop : .length).rawValue)
                try sink.write(object)
                next += 1
            }
        }
        try sink.finish()
    }

    /// The files that prompts come from.
    private var files: [URL] {
        if case .files(let files) = prompts { files.map { URL(filePath: $0) } } else { [] }
    }

    private func records() throws -> [Prompt] {
        switch prompts {
        case .files(let files):
            return try OptionNames.naming { try TextSettings.read(Prompt.self, files).records }
        case .texts(let texts):
            return texts.enumerated().map { index, text in
                Prompt(
                    index: index, source: RecordSource(file: "--prompt", line: index + 1), prompt: .text(text))
            }
        }
    }
}

/// Lines that go to a file, which appears when it is whole, or to standard output.
private struct LineSink {
    private let writer: JSONLWriter?

    init(_ file: String?, sparing inputs: [URL]) throws {
        writer = try file.map { try JSONLWriter(URL(filePath: $0), sparing: inputs) }
    }

    func write(_ object: JSONObject) throws {
        if let writer {
            try writer.write(object)
        } else {
            try StandardOutput.write(JSON.object(object).line + "\n")
        }
    }

    func finish() throws { try writer?.finish() }
}

extension JSON {
    /// A number in the fewest digits that read back to the same `Float`; `null` where it is not finite.
    fileprivate init(shortest value: Float) { self = value.isFinite ? .number("\(value)") : .null }
}

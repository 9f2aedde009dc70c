import Foundation
import PreferenceData
import Runs
import Training

extension SyntheticTask {
    /// Writes the task of `seed` into `directory`, which is made where it does not exist.
    ///
    /// `sft.jsonl` (prompt, completion), `pairs.jsonl` and `pairs-eval.jsonl` (prompt, chosen, rejected),
    /// `prompts-eval.jsonl` (prompt), and `model/` with `config.json`, `tokenizer.json` and `tokenizer_config.json` of
    /// a small Llama decoder without weights. The same seed writes the same bytes.
    ///
    /// - Throws: `SyntheticTaskError.cannotWrite` with the path, or `DataError`.
    package static func write(to directory: URL, seed: UInt64) throws {
        try SyntheticTask(seed: seed).write(to: directory)
    }

    /// Writes this task's files into `directory`; see `write(to:seed:)`.
    package func write(to directory: URL) throws {
        let model = directory.appending(path: "model")
        try writing(model) { try FileManager.default.createDirectory(at: $0, withIntermediateDirectories: true) }
        try writeLines(demonstrations(), to: directory.appending(path: "sft.jsonl"))
        try writeLines(pairs(), to: directory.appending(path: "pairs.jsonl"))
        try writeLines(evaluationPairs(), to: directory.appending(path: "pairs-eval.jsonl"))
        try writeLines(evaluationPrompts(), to: directory.appending(path: "prompts-eval.jsonl"))
        let texts = SyntheticModel()
        try write(Data(texts.configuration.utf8), to: model.appending(path: "config.json"))
        try write(Data(texts.tokenizer.utf8), to: model.appending(path: "tokenizer.json"))
        try write(Data(texts.tokenizerConfiguration.utf8), to: model.appending(path: "tokenizer_config.json"))
    }

    private func writeLines<Row: Encodable>(_ rows: [Row], to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = Data()
        for row in rows {
            data += try encoder.encode(row)
            data.append(UInt8(ascii: "\n"))
        }
        try write(data, to: file)
    }

    private func write(_ data: Data, to file: URL) throws {
        try OutputFile.write(data, to: file)
    }

    private func writing(_ url: URL, _ body: (URL) throws -> Void) throws {
        do {
            try body(url)
        } catch {
            throw SyntheticTaskError.cannotWrite(path: url.path, reason: SystemError.reason(error))
        }
    }
}

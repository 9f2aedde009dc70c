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
        try SyntheticModel().write(to: directory.appending(path: "model"))
        try writeLines(demonstrations(), to: directory.appending(path: "sft.jsonl"))
        try writeLines(pairs(), to: directory.appending(path: "pairs.jsonl"))
        try writeLines(evaluationPairs(), to: directory.appending(path: "pairs-eval.jsonl"))
        try writeLines(evaluationPrompts(), to: directory.appending(path: "prompts-eval.jsonl"))
    }

    private func writeLines<Row: Encodable>(_ rows: [Row], to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = Data()
        for row in rows {
            data += try encoder.encode(row)
            data.append(UInt8(ascii: "\n"))
        }
        try OutputFile.write(data, to: file)
    }
}

extension SyntheticModel {
    /// Writes `config.json`, `tokenizer.json` and `tokenizer_config.json` into `directory`, which is made where it does not exist.
    ///
    /// - Throws: `SyntheticTaskError.cannotWrite` with the path, or `DataError`.
    func write(to directory: URL) throws {
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw SyntheticTaskError.cannotWrite(path: directory.path, reason: SystemError.reason(error))
        }
        for (name, text) in [
            ("config", configuration), ("tokenizer", tokenizer), ("tokenizer_config", tokenizerConfiguration),
        ] {
            try OutputFile.write(Data(text.utf8), to: directory.appending(path: "\(name).json"))
        }
    }
}

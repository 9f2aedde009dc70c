import Foundation
import Transformers

/// Files that a run reads from outside its directory, under the key of the configuration that names them.
struct RunInput: Codable, Equatable {
    /// A dotted key, such as `dataset.train` or `dpo.reference`.
    var key: String
    var files: [FileIdentity]

    /// The data, models and tokenizer of a run.
    ///
    /// - Parameter known: What an earlier start has found, so that large files need not be read again.
    static func all(of configuration: RunConfiguration, knowing known: [RunInput]) throws -> [RunInput] {
        let known = Dictionary(
            known.flatMap(\.files).map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        return try paths(of: configuration).map { key, paths in
            RunInput(key: key, files: try paths.map { try FileIdentity(path: $0, knowing: known[$0]) })
        }
    }

    /// How the files differ from what they were; `nil` where they hold the same, wherever they lie.
    func difference(from earlier: RunInput) -> String? {
        guard files.count == earlier.files.count else {
            return "\(key): \(earlier.files.count) files then, \(files.count) now"
        }
        let differences = zip(files, earlier.files).compactMap { $0.difference(from: $1) }
        return differences.first.map { "\(key): \($0)" }
    }

    private static func paths(of configuration: RunConfiguration) throws -> [(key: String, paths: [String])] {
        var found: [(key: String, paths: [String])] = []
        func add(_ key: String, _ paths: [String]) {
            if let index = found.firstIndex(where: { $0.key == key }) {
                found[index].paths += paths
            } else {
                found.append((key, paths))
            }
        }
        let references = configuration.stages.flatMap(\.inputs).map(\.reference)
        let readsBase = references.contains(.base) && !configuration.randomInit
        add("model_name_or_path", try modelFiles(configuration.modelNameOrPath, withWeights: readsBase))
        let tokenizer = configuration.tokenizerNameOrPath ?? configuration.modelNameOrPath
        add("tokenizer_name_or_path", present(ModelDirectory.tokenizerFiles, in: tokenizer))
        if references.contains(.dataset(.train)) { add("dataset.train", configuration.dataset.train) }
        if references.contains(.dataset(.eval)) { add("dataset.eval", configuration.dataset.eval) }
        for stage in configuration.stages {
            for input in stage.inputs {
                guard case .path(let path) = input.reference else { continue }
                add("\(stage.name).\(input.key)", input.isData ? [path] : try modelFiles(path, withWeights: true))
            }
        }
        return found
    }

    private static func modelFiles(_ directory: String, withWeights: Bool) throws -> [String] {
        let settings = present(["config.json", "generation_config.json", RewardStatistics.fileName], in: directory)
        guard withWeights else { return settings }
        let weights = try ModelDirectory(URL(filePath: directory)).weightFiles()
        return settings + present(weights.map(\.lastPathComponent), in: directory)
    }

    private static func present(_ names: [String], in directory: String) -> [String] {
        names.map { "\(directory)/\($0)" }.filter { FileManager.default.fileExists(atPath: $0) }
    }
}

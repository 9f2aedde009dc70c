import Foundation
import Tokenizers
import Transformers

/// Files that stages read: from outside the run under the key of the configuration that names them, or what an earlier
/// stage has left.
package struct RunInput: Codable, Equatable {
    /// A dotted key, such as `dataset.train` or `dpo.reference`, or the name of the stage that left the files.
    package var key: String
    package var files: [FileIdentity]

    /// The data, models and tokenizer of a run, and what stages have left that are done.
    ///
    /// - Parameter state: What an earlier start has left; large files that it knows need not be read again.
    package static func all(of plan: RunPlan, after state: RunState?) throws -> [RunInput] {
        let known = state?.identity.inputs.flatMap(\.files) ?? []
        let files = Dictionary(known.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let outside = try paths(of: plan.configuration).map { key, paths in
            RunInput(key: key, files: try paths.map { try FileIdentity(path: $0, knowing: files[$0]) })
        }
        let done = plan.stages.filter { state?.isDone($0) ?? false }
        return try outside + done.map { try RunInput(leftBy: $0, plan.configuration, knowing: files) }
    }

    /// The data and the model that a stage has left.
    ///
    /// - Parameter justWritten: Whether the stage has this moment ended, so that the model's manifest says what its files
    ///   hold, and they need not be read.
    package init(
        leftBy stage: PlannedStage, _ configuration: RunConfiguration, knowing known: [String: FileIdentity] = [:],
        justWritten: Bool = false
    ) throws {
        var paths: [String] = []
        let leaves = stage.configuration.stage.leaves
        switch leaves {
        case .pairs, .completions: paths = Self.present(leaves?.fileNames ?? [], in: stage.directory.path)
        case .policy, .rewardModel: paths = try Self.modelFiles(stage.final.path, withWeights: true, configuration)
        case nil: break
        }
        key = stage.name
        let written = justWritten ? Manifest.entries(of: stage.final) : [:]
        files = try paths.map { path in
            try FileIdentity(path: path, knowing: known[path], written: written[path])
        }
    }

    private init(key: String, files: [FileIdentity]) { (self.key, self.files) = (key, files) }

    /// How the files differ from what they were; `nil` where they hold the same, wherever they lie.
    package func difference(from earlier: RunInput) -> String? {
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
        add("model_name_or_path", try modelFiles(configuration.modelNameOrPath, withWeights: readsBase, configuration))
        let tokenizer = configuration.tokenizerDirectory.path
        let templates = ChatTemplateSource.files(in: configuration.tokenizerDirectory).map(\.path)
        let others = templates.filter { !ModelDirectory.tokenizerFiles.contains($0) }
        add("tokenizer_name_or_path", present(ModelDirectory.tokenizerFiles + others, in: tokenizer))
        func data(_ reference: ArtifactReference) throws -> [String] {
            try configuration.dataset.paths(reference).flatMap { path in
                try configuration.dataset.files(at: path, for: reference).map(\.relativePath)
            }
        }
        for part in ArtifactReference.DatasetPart.allCases where references.contains(.dataset(part)) {
            add("dataset.\(part.rawValue)", try data(.dataset(part)))
        }
        for stage in configuration.stages {
            for input in stage.inputs {
                guard case .path(let path) = input.reference else { continue }
                let files =
                    input.isData ? try data(input.reference) : try modelFiles(path, withWeights: true, configuration)
                add("\(stage.name).\(input.key)", files)
            }
        }
        return found
    }

    private static func modelFiles(
        _ directory: String, withWeights: Bool, _ configuration: RunConfiguration
    ) throws -> [String] {
        let names = ["config.json", "generation_config.json", RewardStatistics.fileName, AdapterDirectory.fileNames[0]]
        let settings = present(names, in: directory)
        guard withWeights else { return settings }
        let model = try ModelDirectory(
            URL(filePath: directory), families: configuration.registry.families, adapterBase: configuration.adapterBase)
        let weights = try model.weightFiles()
        guard model.adapter != nil else { return settings + present(weights.map(\.lastPathComponent), in: directory) }
        return settings + present(names, in: model.base.url.path) + weights.map(\.path)
    }

    private static func present(_ names: [String], in directory: String) -> [String] {
        names.map { "\(directory)/\($0)" }.filter { FileManager.default.fileExists(atPath: $0) }
    }
}

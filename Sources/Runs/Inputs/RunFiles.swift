import Foundation
import PreferenceData

/// Where the things that a configuration names lie on disk.
package struct RunFiles {
    private let plan: RunPlan

    package init(_ plan: RunPlan) {
        self.plan = plan
    }

    /// The data files that references stand for.
    ///
    /// - Throws: ``PreferenceData/DataError`` for a directory that does not say which it stands for.
    package func data(_ references: [ArtifactReference]) throws -> [URL] {
        try references.flatMap { reference -> [URL] in
            switch reference {
            case .dataset, .path:
                let dataset = plan.configuration.dataset
                return try dataset.paths(reference).flatMap { try dataset.files(at: $0, for: reference) }
            case .stage(let name, let part):
                let stage = plan.stage(named: name)
                let files = part.map { ["\($0).jsonl"] } ?? stage.configuration.stage.leaves?.fileNames ?? []
                return files.map { stage.directory.appending(path: $0) }
            case .base, .rule, .command, .column, .openai: preconditionFailure("\(reference) is not data")
            }
        }
    }

    /// The directory of a model.
    package func model(_ reference: ArtifactReference) -> URL {
        switch reference {
        case .base: URL(filePath: plan.configuration.modelNameOrPath)
        case .path(let path): URL(filePath: path)
        case .stage(let name, _): plan.stage(named: name).final
        case .dataset, .rule, .command, .column, .openai: preconditionFailure("\(reference) is not a model")
        }
    }
}

extension DatasetOptions {
    /// The paths that a reference to data from outside the run names.
    package func paths(_ reference: ArtifactReference) -> [String] {
        switch reference {
        case .dataset(.train): train
        case .dataset(.eval): eval
        case .path(let path): [path]
        default: []
        }
    }

    /// The files at one of these paths: itself, or those of the directory there that the keys of the block choose.
    ///
    /// - Throws: ``PreferenceData/DataError`` for a directory that they choose nothing of.
    package func files(at path: String, for reference: ArtifactReference) throws(DataError) -> [URL] {
        let url = URL(filePath: path)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
            return [url]
        }
        let isEval = reference == .dataset(.eval)
        guard case .dataset = reference else {
            // A data set that a stage names itself need not have what the run's has, and which of its splits is meant is not known.
            return try DataDirectory(url).files(DataDirectory.Choice(configuration: config, isStrict: false))
        }
        return try DataDirectory(url).files(
            DataDirectory.Choice(
                configuration: config, split: isEval ? evalSplit : trainSplit,
                keys: (configuration: "dataset.config", split: isEval ? "dataset.eval_split" : "dataset.train_split")))
    }
}

import Foundation
import PreferenceData
import Transformers

extension RunConfiguration {
    /// Checks that every file and directory that the run reads is there.
    ///
    /// - Throws: ``ConfigurationError`` with the key that names what is missing.
    package func checkFiles() throws {
        try checkModel(
            modelNameOrPath,
            hasWeights: !randomInit && stages.contains { $0.inputs.contains { $0.reference == .base } },
            key: "model_name_or_path")
        if let tokenizerNameOrPath {
            try checkDirectory(tokenizerNameOrPath, holds: "tokenizer.json", key: "tokenizer_name_or_path")
        }
        try checkChoices()
        for part in ArtifactReference.DatasetPart.allCases {
            let reference = ArtifactReference.dataset(part)
            for path in dataset.paths(reference) { try checkData(path, reference, key: "dataset.\(part.rawValue)") }
        }
        for stage in stages {
            for input in stage.inputs {
                guard case .path(let path) = input.reference else { continue }
                let key = "\(stage.name).\(input.key)"
                try input.isData
                    ? checkData(path, input.reference, key: key) : checkModel(path, hasWeights: true, key: key)
            }
        }
    }

    /// Checks that keys which choose among what directories hold have one to choose of.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkChoices() throws {
        let inputs = stages.flatMap(\.inputs).filter(\.isData).flatMap { dataset.paths($0.reference) }
        let choices = [
            ("dataset.config", dataset.config, "a configuration", "data", dataset.train + dataset.eval + inputs),
            ("dataset.train_split", dataset.trainSplit, "a split", "dataset.train", dataset.train),
            ("dataset.eval_split", dataset.evalSplit, "a split", "dataset.eval", dataset.eval),
        ]
        for (key, value, what, place, paths) in choices where value != nil && !paths.contains(where: isDirectory) {
            // Of a path that is not there it is not known.
            guard paths.allSatisfy({ FileManager.default.fileExists(atPath: $0) }) else { continue }
            throw error(
                at: key,
                "chooses \(what) of a directory, and \(place) names \(paths.isEmpty ? "nothing" : "files alone")",
                remedy: "take it out, or name the directory")
        }
    }

    private func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private func checkData(_ path: String, _ reference: ArtifactReference, key: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw error(
                at: key, "no such file: \(path)",
                remedy: "data is not downloaded; paths count from the current directory, \(Self.here)")
        }
        let files: [URL]
        do throws(DataError) {
            files = try dataset.files(at: path, for: reference)
        } catch .unusable(let path, let problem, let remedy) {
            throw self.error(at: key, "\(path): \(problem)", remedy: remedy)
        }
        for file in files where !FileManager.default.isReadableFile(atPath: file.path) {
            throw error(at: key, "\(file.relativePath) cannot be read", remedy: "check its permissions")
        }
    }

    private func checkModel(_ path: String, hasWeights: Bool, key: String) throws {
        // What it lacks is said where it is read.
        if AdapterDirectory.isThere(URL(filePath: path)) { return }
        try checkDirectory(path, holds: "config.json", key: key)
        let files = ["model.safetensors", "model.safetensors.index.json"]
        guard !hasWeights || files.contains(where: { FileManager.default.fileExists(atPath: "\(path)/\($0)") }) else {
            throw error(
                at: key, "\(path) has neither \(files[0]) nor \(files[1])",
                remedy: key == "model_name_or_path"
                    ? "give a directory that has its weights, or random_init: true to draw them"
                    : "give a directory that has its weights")
        }
    }

    private func checkDirectory(_ path: String, holds file: String, key: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw error(
                at: key, "no such directory: \(path)",
                remedy: "models are not downloaded; paths count from the current directory, \(Self.here)")
        }
        guard FileManager.default.fileExists(atPath: path + "/" + file) else {
            throw error(at: key, "\(path) has no \(file)", remedy: "give a directory in Hugging Face layout")
        }
    }

    private static var here: String { FileManager.default.currentDirectoryPath }
}

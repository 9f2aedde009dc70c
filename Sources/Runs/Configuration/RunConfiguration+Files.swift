import Foundation

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
        for path in dataset.train { try checkFile(path, key: "dataset.train") }
        for path in dataset.eval { try checkFile(path, key: "dataset.eval") }
        for stage in stages {
            for input in stage.inputs {
                guard case .path(let path) = input.reference else { continue }
                let key = "\(stage.name).\(input.key)"
                try input.isData ? checkFile(path, key: key) : checkModel(path, hasWeights: true, key: key)
            }
        }
    }

    private func checkFile(_ path: String, key: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw error(
                at: key, "no such file: \(path)", remedy: "paths count from the current directory, \(Self.here)")
        }
        guard !isDirectory.boolValue else {
            throw error(at: key, "\(path) is a directory", remedy: "name the JSONL files in it")
        }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw error(at: key, "\(path) cannot be read", remedy: "check its permissions")
        }
    }

    private func checkModel(_ path: String, hasWeights: Bool, key: String) throws {
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

import Configuration
import Foundation

extension RunConfiguration {
    /// Reads a YAML file and applies overrides of the form `ppo.kl_coef=0.1`, in order.
    ///
    /// - Throws: ``ConfigurationError``
    package init(contentsOf path: String, overrides: [String] = [], registry: Registry) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw ConfigurationError(
                .file(path, line: nil), key: nil, problem: exists ? "cannot be read" : "no such file",
                remedy: exists ? "check that it is a file and its permissions" : "give the path of a YAML file")
        }
        guard let yaml = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(
                .file(path, line: nil), key: nil, problem: "is not UTF-8 text", remedy: "save it as UTF-8")
        }
        try self.init(yaml: yaml, name: path, overrides: overrides, registry: registry)
        try fixTemplate()
    }

    /// Reads YAML text, which error messages call `name`.
    ///
    /// - Throws: ``ConfigurationError``
    package init(yaml: String, name: String, overrides: [String] = [], registry: Registry) throws {
        var root = try ConfigurationNode(yaml: yaml) { .file(name, line: $0) }
        for override in overrides { try root.apply(override: override) }
        try self.init(root, file: .file(name, line: nil), registry)
    }

    private init(_ root: ConfigurationNode, file: ConfigurationOrigin, _ registry: Registry) throws {
        let list = try StageList(root, file: file, registry)
        let root = list.root
        var reader = ConfigurationReader(file: file, foreignKeys: .trainers)
        var run = RunConfiguration(registry: registry)
        run.file = file
        let blocks = list.blocks()
        try reader.read(
            &run, from: root, block: "", others: ["dataset", "stages"] + list.blockNames + blocks.map(\.key),
            elsewhere: { list.blocks(knowing: $0) })
        run.expandHome()
        try run.checkRequired()
        if let node = root.value(of: "dataset") { try run.readDataset(node, list, with: &reader) }
        for block in blocks where !list.names.contains(block.key) {
            _ = try Self.read(block.type, name: block.key, from: block.node, list, with: &reader)
        }
        for (name, type) in list.stages {
            let node = root.value(of: name) ?? ConfigurationNode(.null, origin: file)
            var (stage, given) = try Self.read(type, name: name, from: node, list, with: &reader)
            try stage.resolve(
                in: StageScope(
                    run: run, stageNames: list.names, name: name, given: given, origins: reader.origins, file: file,
                    view: list.view(of: name), namesInRounds: list.namesInRounds))
            run.stages.append(StageConfiguration(name: name, stage: stage))
        }
        run.origins = reader.origins
        try run.adapter.checkIsUsed(in: run)
        for stage in run.stages { try stage.stage.check(in: run, name: stage.name) }
        self = run
    }

    private mutating func expandHome() {
        outputDir = outputDir.expandingHome
        modelNameOrPath = modelNameOrPath.expandingHome
        tokenizerNameOrPath = tokenizerNameOrPath?.expandingHome
    }

    private mutating func readDataset(
        _ node: ConfigurationNode, _ list: StageList, with reader: inout ConfigurationReader
    ) throws {
        let given = try reader.read(&dataset, from: node, block: "dataset") { list.blocks(knowing: $0) }
        (dataset.train, dataset.eval) = (dataset.train.map(\.expandingHome), dataset.eval.map(\.expandingHome))
        let lengths = dataset.lengths
        if !given.contains("max_prompt_length") {
            dataset.lengths.prompt.maxPromptLength = min(lengths.prompt.maxPromptLength, lengths.maxLength / 2)
        } else if lengths.prompt.maxPromptLength >= lengths.maxLength {
            let key = "dataset.max_prompt_length"
            throw ConfigurationError(
                reader.origins[key] ?? file, key: key,
                problem: lengths.noRoom.problem, remedy: lengths.noRoom.remedy)
        }
    }

    private static func read(
        _ type: any Stage, name: String, from node: ConfigurationNode, _ list: StageList,
        with reader: inout ConfigurationReader
    ) throws -> (stage: any Stage, given: Set<String>) {
        try type.reading(node, name: name, with: &reader) { list.blocks(knowing: $0, except: type.type) }
    }

    private func checkRequired() throws {
        guard !outputDir.isEmpty else {
            throw error(at: "output_dir", "missing", remedy: "say where the run goes, as in output_dir: runs/first")
        }
        guard !modelNameOrPath.isEmpty else {
            throw error(
                at: "model_name_or_path", "missing", remedy: "give the directory of a model in Hugging Face layout")
        }
    }
}

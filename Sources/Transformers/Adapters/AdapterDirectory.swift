import Foundation
import JSON
import Torch

/// A directory that holds an adapter, as PEFT writes it: `adapter_config.json` and `adapter_model.safetensors`. The model that
/// it stands for is its base with that.
public struct AdapterDirectory: Sendable {
    /// The directory.
    public let url: URL
    /// The directory of the base.
    public let base: URL
    /// Where its matrices stand.
    public let layout: AdapterLayout

    /// The names of its files.
    public static let fileNames = [AdapterConfiguration.fileName, weightsName]
    private static let weightsName = "adapter_model.safetensors"
    /// What says, beside them, where the base lies from there, and what it was.
    public static let baseFileName = "base_model.json"

    /// Whether a directory holds an adapter, and no whole model.
    public static func isThere(_ directory: URL) -> Bool {
        let has = { (name: String) in FileManager.default.fileExists(atPath: directory.appending(path: name).path) }
        return has(AdapterConfiguration.fileName) && !has("model.safetensors") && !has("model.safetensors.index.json")
    }

    /// The file that makes a directory of whole weights an adapter's, where it has one.
    static func besideWeights(in directory: URL) -> String? {
        let file = directory.appending(path: AdapterConfiguration.fileName)
        return FileManager.default.fileExists(atPath: file.path) ? AdapterConfiguration.fileName : nil
    }

    /// The base of an adapter: the directory that it names, by its path, or by its path from the adapter's; that which lies where
    /// it lay from there when the adapter was written; else `fallback`.
    ///
    /// - Throws: ``ModelError`` where there is none.
    static func base(of directory: URL, fallback: URL?) throws(ModelError) -> URL {
        let file = directory.appending(path: AdapterConfiguration.fileName)
        let named = try AdapterConfiguration.read(file).base
        let moved = try? JSONObject(modelFile: directory.appending(path: baseFileName))["relative_path"]?.text
        let candidates =
            (named.map { [URL(filePath: $0), directory.appending(path: $0)] } ?? [])
            + [moved.map { directory.appending(path: $0) }, fallback].compactMap(\.self)
        let found = candidates.first {
            FileManager.default.fileExists(atPath: $0.appending(path: "config.json").path)
        }
        guard let found else {
            throw ModelError(
                file,
                "base_model_name_or_path is \(named.map { "'\($0)'" } ?? "not given"), which is no model directory here; name "
                    + "that of the model that the adapter was trained on")
        }
        guard !isThere(found) else {
            throw ModelError(file, "the base \(found.path) is an adapter itself; merge that first")
        }
        return found.standardizedFileURL
    }

    /// Reads an adapter's configuration, for a base.
    ///
    /// - Throws: ``ModelError``, naming file and key.
    init(_ url: URL, base: URL, _ configuration: ModelConfiguration) throws(ModelError) {
        let file = url.appending(path: AdapterConfiguration.fileName)
        let adapter = try AdapterConfiguration.read(file).configuration
        do {
            layout = try AdapterLayout(
                adapter, for: configuration,
                from: .file(separatesExperts: Self.separatesExperts(url, configuration.specification.names)))
        } catch {
            throw ModelError(file, "\(error)")
        }
        (self.url, self.base) = (url, base)
    }

    /// Whether it has a score head.
    func hasScoreHead() throws -> Bool {
        try file().entries[Self.name(of: ParameterNames.score)] != nil
    }

    /// Its file of weights.
    var weightsURL: URL { url.appending(path: Self.weightsName) }

    /// Checks, without reading them, that all weights are there, of the right shapes, and nothing else.
    ///
    /// - Throws: ``ModelError`` or `SafetensorsError`, naming file and tensor.
    func check(_ specification: DecoderSpecification) throws {
        let file = try file()
        let declarations = layout.declarations(specification, head: .languageModel)
        for declaration in declarations { try check(declaration, in: file) }
        let known = Set((declarations.map(\.name) + [ParameterNames.score]).map(Self.name))
        if let other = file.entries.keys.filter({ !known.contains($0) }).min() {
            throw ModelError(
                weightsURL,
                "tensor \(other) belongs to no module that \(AdapterConfiguration.fileName) names and that can have matrices here: "
                    + "a linear layer, not the embedding table or the head; merge the adapter with PEFT")
        }
    }

    /// Reads the weights into the adapter of a decoder that has the same; converted to float32.
    ///
    /// - Parameter scoreSeed: As for ``readScoreHead(into:scoreSeed:)``.
    func load(into decoder: DecoderModel, scoreSeed: UInt64?) throws {
        try check(decoder.specification)
        let file = try file()
        let layout = layout.ending(in: decoder.head, decoder.specification)
        for declaration in layout.declarations(decoder.specification, head: decoder.head) {
            if declaration.name == ParameterNames.score {
                try readScoreHead(into: decoder, scoreSeed: scoreSeed)
                continue
            }
            let (name, parameter) = (Self.name(of: declaration.name), decoder.parameters[declaration.name])
            if let stack = layout.stack(declaration.name) {
                parameter.copy(from: stack.read(try file.tensor(name)))
            } else {
                try file.read(name, into: parameter)
            }
        }
    }

    /// Reads the adapter's score head, or else its base's.
    ///
    /// - Parameter scoreSeed: Draws one where neither has; `nil` makes that an error.
    func readScoreHead(into decoder: DecoderModel, scoreSeed: UInt64?) throws {
        let name = ParameterNames.score
        if try hasScoreHead() {
            return try decoder.parameters.set(name) { try file().read(Self.name(of: name), into: $0) }
        }
        let weights = try WeightFiles(base)
        if weights.contains(name) { return try decoder.parameters.set(name) { try weights.read(name, into: $0) } }
        guard let scoreSeed else {
            throw ModelError(weightsURL, "tensor \(Self.name(of: name)) is missing")
        }
        decoder.initializeScoreHead(seed: scoreSeed)
    }

    /// What merges it into its base's parameters.
    func merger() throws -> AdapterMerger { AdapterMerger(layout, try file()) }

    /// Says which tensor is the first, by name, that holds something else than finite numbers; `nil` for none.
    func problemOfNumbers() throws -> String? {
        let file = try file()
        let name = try file.entries.keys.sorted().first { try !file.isFinite($0) }
        return name.map { "tensor \($0) holds numbers that are not finite (NaN or infinity)" }
    }

    /// Writes the adapter of a decoder.
    ///
    /// - Parameter base: The base as it is named.
    static func save(_ decoder: DecoderModel, base: String, to directory: URL) throws {
        guard let layout = decoder.adapter else { preconditionFailure("a model without an adapter") }
        let specification = decoder.specification
        let configuration = layout.configuration.json(
            base: base, isScored: decoder.head == .score,
            isTransposed: layout.modules.contains(where: \.isTransposedLayer),
            names: layout.targetNames)
        try configuration.write(toModelFile: directory.appending(path: AdapterConfiguration.fileName))
        let tensors = layout.declarations(specification, head: decoder.head).map { declaration in
            let tensor = decoder.parameters[declaration.name].detached()
            return (name(of: declaration.name), layout.stack(declaration.name)?.written(tensor) ?? tensor)
        }
        try SafetensorsWriter.write(tensors, to: directory.appending(path: weightsName))
    }

    private func check(_ declaration: ParameterGroup.Declaration, in file: SafetensorsFile) throws(ModelError) {
        let name = Self.name(of: declaration.name)
        guard let shape = file.entries[name]?.shape else {
            throw ModelError(weightsURL, "tensor \(name) is missing")
        }
        let expected = layout.stack(declaration.name)?.fileShape ?? declaration.shape
        guard shape == expected else {
            throw ModelError(
                weightsURL,
                "tensor \(name) has shape \(shape), but \(AdapterConfiguration.fileName) and the base \(base.path) make it "
                    + "\(expected)")
        }
    }

    /// Whether the tensors of an adapter's file are of single experts. A file that cannot be read is told of when it is.
    private static func separatesExperts(_ url: URL, _ names: ParameterNames) -> Bool {
        guard let experts = names.experts,
            let file = try? SafetensorsFile(url.appending(path: weightsName))
        else { return false }
        return file.entries.keys.contains { name in
            if experts.router != experts.routerModule, name.contains(".\(experts.router).") { return true }
            guard let place = name.range(of: ".\(experts.prefix)") else { return false }
            return name[place.upperBound...].first?.isNumber ?? false
        }
    }

    private func file() throws -> SafetensorsFile {
        guard FileManager.default.fileExists(atPath: weightsURL.path) else {
            let hasOther = FileManager.default.fileExists(atPath: url.appending(path: "adapter_model.bin").path)
            throw ModelError(
                url,
                "there is no \(Self.weightsName)"
                    + (hasOther ? ", only adapter_model.bin; save it anew with PEFT, which writes safetensors" : ""))
        }
        return try SafetensorsFile(weightsURL)
    }

    /// What PEFT calls a parameter.
    static func name(of parameter: String) -> String { "base_model.model.\(parameter)" }
}

extension AdapterLayout.Module {
    fileprivate var isTransposedLayer: Bool { isTransposed && !isParameter }
}

extension AdapterLayout {
    /// The last parts of its modules' names, as PEFT matches them.
    fileprivate var targetNames: [String] {
        modules.filter { !$0.isParameter }.map { String($0.path.split(separator: ".").last ?? "") }.distinct
    }
}

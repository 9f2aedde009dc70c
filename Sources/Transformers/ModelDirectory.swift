import Foundation
import JSON
import Torch

/// A Hugging Face model directory: `config.json` and weights in one safetensors file or several.
public struct ModelDirectory: Sendable {
    /// The directory.
    public let url: URL
    /// Its configuration.
    public let configuration: ModelConfiguration

    /// Reads the configuration; weights are read by ``load(into:scoreSeed:)``.
    ///
    /// - Parameter families: the families that are known.
    package init(_ url: URL, families: ModelFamilies = .standard) throws(ModelError) {
        self.url = url
        configuration = try ModelConfiguration(directory: url, families: families)
    }

    /// A decoder with the directory's weights.
    ///
    /// - Parameter scoreSeed: draws a fresh score head where the directory has none; `nil` makes that an error.
    public func decoder(head: DecoderHead, trainable: Bool, scoreSeed: UInt64? = nil) throws -> DecoderModel {
        // Before memory is taken for what the configuration asks.
        try check()
        let decoder = DecoderModel(configuration, head: head, trainable: trainable)
        try load(into: decoder, scoreSeed: scoreSeed)
        if head == .score { decoder.padTokenID = try scoredPadTokenID() }
        return decoder
    }

    /// The token that a reward model's sequences are padded with: as in transformers, its score is that of the last token
    /// that is another one. Where it is the end token, too, that is the token before the end.
    ///
    /// - Returns: `pad_token_id` of `config.json`; `nil` where that is none, and for a directory without a score head, whose
    ///   new head is trained at the last token.
    /// - Throws: as ``load(into:scoreSeed:)``.
    public func scoredPadTokenID() throws -> Int32? {
        try WeightFiles(url).contains(ParameterNames.score) ? configuration.padTokenID : nil
    }

    /// Reads the directory's weights into a decoder, converted to float32.
    ///
    /// A score head is left aside where the decoder has a language-model head and the weights hold that, and the other way
    /// round: so a reward model starts from a policy, and a critic from a reward model.
    ///
    /// - Parameter scoreSeed: draws a fresh score head where the directory has none; `nil` makes that an error.
    /// - Throws: ``ModelError`` or `SafetensorsError`, naming file and tensor: one that is missing, left over, of another
    ///   shape, or of a type that cannot be read.
    public func load(into decoder: DecoderModel, scoreSeed: UInt64? = nil) throws {
        let weights = try WeightFiles(url)
        let names = decoder.specification.names
        var unread = Set(weights.names.filter { !ParameterNames.isBuffer($0) })
        for declaration in decoder.parameters.declarations {
            if let name = Self.candidates(declaration.name, names).first(where: weights.contains) {
                try weights.read(name, into: decoder.parameters[declaration.name])
                unread.remove(name)
            } else if declaration.name == ParameterNames.score, let scoreSeed {
                decoder.initializeScoreHead(seed: scoreSeed)
            } else {
                throw ModelError(
                    weights.url, "tensor \(declaration.name) is missing" + Self.hint(declaration.name, names))
            }
        }
        if decoder.head == .languageModel { try Self.checkTiedHead(in: weights, decoder.specification) }
        // The other head, or the copy of tied embeddings that some checkpoints hold: it was compared.
        unread.subtract([ParameterNames.score, names.head])
        if let name = unread.min() {
            throw ModelError(
                weights.url, "tensor \(name) belongs to no parameter of a \(configuration.modelType) model")
        }
    }

    /// Checks, without reading them, that the weights are there, whole and of the configuration's shapes; heads aside, but
    /// for a copy of tied embeddings, which has to be one.
    ///
    /// - Throws: as ``load(into:scoreSeed:)``.
    public func check() throws {
        let weights = try WeightFiles(url)
        let specification = configuration.specification
        let names = specification.names
        for declaration in specification.declarations(head: .languageModel) where declaration.name != names.head {
            guard let name = Self.candidates(declaration.name, names).first(where: weights.contains) else {
                throw ModelError(weights.url, "tensor \(declaration.name) is missing")
            }
            guard let shape = weights.shape(name), shape == declaration.shape else {
                throw ModelError(
                    weights.url,
                    "tensor \(name) has shape \(weights.shape(name) ?? []), but config.json makes it \(declaration.shape)"
                        + Self.hint(rows: weights.shape(name) ?? [], of: declaration, names))
            }
        }
        if !configuration.hasScoreHead { try Self.checkTiedHead(in: weights, specification) }
    }

    /// Checks that a score head of one number is there.
    ///
    /// - Throws: as ``load(into:scoreSeed:)``.
    public func checkScoreHead() throws {
        let weights = try WeightFiles(url)
        let names = configuration.specification.names
        guard let shape = weights.shape(ParameterNames.score) else {
            throw ModelError(
                weights.url, "tensor \(ParameterNames.score) is missing" + Self.hint(ParameterNames.score, names))
        }
        guard shape == [1, configuration.specification.width] else {
            throw ModelError(
                weights.url,
                "tensor \(ParameterNames.score) has shape \(shape), but a reward is one number: "
                    + "[1, \(configuration.specification.width)]")
        }
    }

    /// Refuses a head beside the embedding table that the configuration ties to it, where it is not the same:
    /// transformers unties such a model.
    private static func checkTiedHead(in weights: WeightFiles, _ specification: DecoderSpecification) throws {
        let names = specification.names
        guard specification.tiesEmbeddings, weights.contains(names.head),
            let table = candidates(names.embedding, names).first(where: weights.contains),
            !(try weights.isSame(names.head, as: table))
        else { return }
        throw ModelError(
            weights.url,
            "tensor \(names.head) is not \(table), to which tie_word_embeddings in config.json ties it; "
                + "set that to false to have both, or remove the tensor")
    }

    /// Reads the weights through, and says which tensor is the first, by name, that holds something else than finite
    /// numbers; `nil` for none.
    public func problemOfNumbers() throws -> String? {
        let weights = try WeightFiles(url)
        let name = try weights.names.sorted().first { try !ParameterNames.isBuffer($0) && !weights.isFinite($0) }
        return name.map { "tensor \($0) holds numbers that are not finite (NaN or infinity)" }
    }

    /// Whether the weights have a head, or make up one as tied embeddings do.
    public func has(_ head: DecoderHead) throws -> Bool {
        let (weights, specification) = (try WeightFiles(url), configuration.specification)
        let name = head == .score ? ParameterNames.score : specification.names.head
        return weights.contains(name) || !specification.declarations(head: head).contains { $0.name == name }
    }

    /// The files that hold the weights, with the index where there are several.
    ///
    /// - Throws: ``ModelError`` or `SafetensorsError` where they are not there or not whole.
    public func weightFiles() throws -> [URL] { try WeightFiles(url).all }

    /// Files beside the weights that a tokenizer needs.
    public static let tokenizerFiles = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "tokenizer.model", "chat_template.jinja", "chat_template.json",
    ]

    /// The names under which a checkpoint may hold a parameter: with the base model's prefix or without.
    private static func candidates(_ name: String, _ names: ParameterNames) -> [String] {
        name.hasPrefix(names.base) ? [name, String(name.dropFirst(names.base.count))] : [name]
    }

    private static func hint(_ name: String, _ names: ParameterNames) -> String {
        switch name {
        case ParameterNames.score: "; this is not a reward model"
        case names.head: "; where it is the embedding table, set tie_word_embeddings to true in config.json"
        default: ""
        }
    }

    /// The way out where an embedding table has more or fewer rows than the configuration says.
    private static func hint(
        rows shape: [Int], of declaration: ParameterGroup.Declaration, _ names: ParameterNames
    ) -> String {
        guard declaration.name == names.embedding, shape.count == 2, shape[1] == declaration.shape[1] else { return "" }
        return
            "; set vocab_size in config.json to \(shape[0]), the rows that there are: it counts those, too, that stand "
            + "for no token"
    }
}

/// The tensors of `model.safetensors`, or of the files that `model.safetensors.index.json` lists.
private struct WeightFiles {
    /// The file that says which tensors there are.
    let url: URL
    private let files: [String: SafetensorsFile]

    init(_ directory: URL) throws {
        let single = directory.appending(path: "model.safetensors")
        let index = directory.appending(path: "model.safetensors.index.json")
        if FileManager.default.fileExists(atPath: single.path) {
            let file = try SafetensorsFile(single)
            url = single
            files = file.entries.mapValues { _ in file }
        } else if FileManager.default.fileExists(atPath: index.path) {
            url = index
            files = try Self.shards(index, directory)
        } else {
            throw ModelError(directory, "there is neither model.safetensors nor model.safetensors.index.json")
        }
    }

    var names: some Collection<String> { files.keys }

    /// The index, and every file of weights in order of name.
    var all: [URL] {
        let weights = Set(files.values.map(\.url.path)).sorted().map { URL(filePath: $0) }
        return weights.count == 1 && weights[0].path == url.path ? weights : [url] + weights
    }

    func contains(_ name: String) -> Bool { files[name] != nil }

    func shape(_ name: String) -> [Int]? { files[name]?.entries[name]?.shape }

    func isFinite(_ name: String) throws -> Bool { try files[name]?.isFinite(name) ?? true }

    func read(_ name: String, into parameter: Tensor) throws {
        guard let file = files[name] else { throw ModelError(url, "tensor \(name) is missing") }
        try file.read(name, into: parameter)
    }

    /// Whether two tensors hold the same numbers, element by element.
    func isSame(_ name: String, as other: String) throws -> Bool {
        guard let file = files[name], let otherFile = files[other] else { return false }
        guard shape(name) == shape(other) else { return false }
        return try file.holds(name, sameAs: other, of: otherFile)
    }

    private static func shards(_ index: URL, _ directory: URL) throws -> [String: SafetensorsFile] {
        guard case .object(let map)? = try JSONObject(modelFile: index)["weight_map"] else {
            throw ModelError(index, "weight_map is missing")
        }
        var opened: [String: SafetensorsFile] = [:]
        var files: [String: SafetensorsFile] = [:]
        for (tensor, value) in map.entries.map({ ($0.key, $0.value) }) {
            guard case .string(let name) = value, !name.contains("/") else {
                throw ModelError(index, "weight_map names no file of this directory for tensor \(tensor)")
            }
            let file = try opened[name] ?? SafetensorsFile(directory.appending(path: name))
            opened[name] = file
            guard file.entries[tensor] != nil else {
                throw ModelError(file.url, "tensor \(tensor), which the index places here, is missing")
            }
            files[tensor] = file
        }
        return files
    }
}

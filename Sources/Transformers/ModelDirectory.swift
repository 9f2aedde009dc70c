import Foundation
import Torch

/// A Hugging Face model directory: `config.json` and weights in one safetensors file or several; or an adapter of PEFT's, which
/// stands for its base with that.
public struct ModelDirectory: Sendable {
    /// The directory.
    public let url: URL
    /// Its configuration, or its base's.
    public let configuration: ModelConfiguration
    /// The adapter, where it holds one.
    public let adapter: AdapterDirectory?

    /// Reads the configuration; weights are read by ``load(into:scoreSeed:)``.
    ///
    /// - Parameters:
    ///   - families: the families that are known.
    ///   - fallback: the base of an adapter that names none which is there.
    package init(
        _ url: URL, families: ModelFamilies = .standard, adapterBase fallback: URL? = nil
    ) throws(ModelError) {
        self.url = url
        guard AdapterDirectory.isThere(url) else {
            if let adapter = AdapterDirectory.besideWeights(in: url) {
                throw ModelError(
                    url, "it has \(adapter) beside whole weights, and which of them is meant is not said: take one away"
                )
            }
            configuration = try ModelConfiguration(directory: url, families: families)
            adapter = nil
            return
        }
        let base = try AdapterDirectory.base(of: url, fallback: fallback)
        configuration = try ModelConfiguration(directory: base, families: families)
        adapter = try AdapterDirectory(url, base: base, configuration)
    }

    private init(baseOf adapter: AdapterDirectory, _ configuration: ModelConfiguration) {
        (url, self.configuration, self.adapter) = (adapter.base, configuration, nil)
    }

    /// The directory of the base's weights; itself where it holds no adapter.
    public var base: ModelDirectory { adapter.map { ModelDirectory(baseOf: $0, configuration) } ?? self }

    /// A decoder with the directory's weights.
    ///
    /// - Parameters:
    ///   - scoreSeed: draws a fresh score head where the directory has none; `nil` makes that an error.
    ///   - storage: how its weights are held.
    ///   - placement: where it computes, and in which type.
    public func decoder(
        head: DecoderHead, auxiliaryHead: AuxiliaryHead? = nil, trainable: Bool, scoreSeed: UInt64? = nil,
        storage: WeightStorage = .wide, placement: Placement = .float32
    ) throws -> DecoderModel {
        // Before memory is taken for what the configuration asks.
        try check()
        if let adapter {
            return try merged(
                adapter, head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, scoreSeed: scoreSeed, storage,
                placement)
        }
        let decoder = DecoderModel(
            configuration, head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, storage: storage,
            placement: placement)
        try load(into: decoder, scoreSeed: scoreSeed)
        if head == .score { decoder.padTokenID = try scoredPadTokenID() }
        return decoder
    }

    /// A decoder on a base that this directory is, or is an adapter of.
    ///
    /// - Parameters:
    ///   - adapter: what is trained beside the weights of a directory that holds no adapter; `nil` for nothing, or for what the
    ///     directory holds.
    ///   - dropout: the adapter's share, in the place of the one that it has.
    ///   - seed: draws a fresh adapter and, where the directory has none, a score head.
    public func decoder(
        on base: FrozenBase, head: DecoderHead, auxiliaryHead: AuxiliaryHead? = nil, adding fresh: AdapterLayout? = nil,
        dropout: Double? = nil, trainable: Bool, seed: UInt64? = nil
    ) throws -> DecoderModel {
        let layout = (adapter?.layout ?? fresh)?.droppingOut(dropout).ending(in: head, configuration.specification)
        let decoder = try DecoderModel(
            on: base, head: head, auxiliaryHead: auxiliaryHead, adapter: layout, trainable: trainable)
        if let adapter {
            try adapter.load(into: decoder, scoreSeed: seed)
        } else if layout != nil {
            decoder.initializeAdapter(seed: seed ?? 0)
            // A reward model goes on from its own head.
            let weights = try WeightFiles(url)
            if head == .score, weights.contains(ParameterNames.score) {
                try weights.read(ParameterNames.score, into: decoder.parameters[ParameterNames.score])
            }
        }
        if head == .score {
            // An adapter's directory cannot say another one than its base's, by which it will be scored.
            decoder.padTokenID = decoder.adapter == nil ? try scoredPadTokenID() : configuration.padTokenID
        }
        return decoder
    }

    /// A decoder with the weights of the base, the adapter merged into them one parameter at a time.
    private func merged(
        _ adapter: AdapterDirectory, head: DecoderHead, auxiliaryHead: AuxiliaryHead?, trainable: Bool,
        scoreSeed: UInt64?, _ storage: WeightStorage, _ placement: Placement
    ) throws -> DecoderModel {
        let decoder = DecoderModel(
            configuration, head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, storage: storage,
            placement: placement)
        let (weights, merger) = (try WeightFiles(base.url), try adapter.merger())
        let names = configuration.specification.names
        for declaration in configuration.specification.declarations(head: head) {
            let name = declaration.name
            if name == ParameterNames.score {
                try adapter.readScoreHead(into: decoder, scoreSeed: scoreSeed)
            } else if let found = weights.name(of: name, names) {
                try decoder.parameters.set(name) { $0.copy(from: try merger.merged(name, weights.tensor(found))) }
            } else {
                throw Self.missing(name, in: weights, names)
            }
        }
        if head == .score { decoder.padTokenID = try scoredPadTokenID() }
        return decoder
    }

    /// The token that a reward model's sequences are padded with: as in transformers, its score is that of the last token
    /// that is another one. Where it is the end token, too, that is the token before the end.
    ///
    /// - Returns: `pad_token_id` of `config.json`; `nil` where that is none, and for a directory without a score head, whose
    ///   new head is trained at the last token; that of an adapter where transformers reads it, on its base.
    /// - Throws: as ``load(into:scoreSeed:)``.
    public func scoredPadTokenID() throws -> Int32? {
        if let adapter, try adapter.hasScoreHead() { return configuration.padTokenID }
        return try WeightFiles(base.url).contains(ParameterNames.score) ? configuration.padTokenID : nil
    }

    /// Reads the directory's weights into a decoder, converted to float32; an auxiliary head stays as it is.
    ///
    /// A score head is left aside where the decoder has a language-model head and the weights hold that, and the other way
    /// round: so a reward model starts from a policy, and a critic from a reward model.
    ///
    /// - Parameter scoreSeed: draws a fresh score head where the directory has none; `nil` makes that an error.
    /// - Throws: ``ModelError`` or `SafetensorsError`, naming file and tensor: one that is missing, left over, of another
    ///   shape, or of a type that cannot be read.
    public func load(into decoder: DecoderModel, scoreSeed: UInt64? = nil) throws {
        if let adapter {
            precondition(
                decoder.adapter?.hasShape(of: adapter.layout.ending(in: decoder.head, decoder.specification)) ?? false,
                "an adapter of another shape is read into a model")
            return try adapter.load(into: decoder, scoreSeed: scoreSeed)
        }
        let weights = try WeightFiles(url)
        let names = decoder.specification.names
        var read: Set<String> = []
        for declaration in decoder.parameters.declarations
        where declaration.name != decoder.auxiliaryHead?.parameterName {
            if let name = weights.name(of: declaration.name, names) {
                try decoder.parameters.set(declaration.name) { try weights.read(name, into: $0) }
                read.insert(name)
            } else if declaration.name == ParameterNames.score, let scoreSeed {
                decoder.initializeScoreHead(seed: scoreSeed)
            } else {
                throw Self.missing(declaration.name, in: weights, names)
            }
        }
        if decoder.head == .languageModel { try Self.checkTiedHead(in: weights, decoder.specification) }
        try checkNothingElse(in: weights, than: read)
    }

    /// Checks, without reading them, that the weights are there, whole and of the configuration's shapes; heads aside, but
    /// for a copy of tied embeddings, which has to be one.
    ///
    /// - Throws: as ``load(into:scoreSeed:)``.
    public func check() throws {
        if let adapter {
            try base.check()
            return try adapter.check(configuration.specification)
        }
        let weights = try WeightFiles(url)
        let specification = configuration.specification
        let names = specification.names
        for declaration in specification.declarations(head: .languageModel) where declaration.name != names.head {
            guard let name = weights.name(of: declaration.name, names) else {
                throw Self.missing(declaration.name, in: weights, names)
            }
            try Self.checkShape(of: name, in: weights, declaration, names)
        }
        if !configuration.hasScoreHead { try Self.checkTiedHead(in: weights, specification) }
    }

    /// Checks that a score head of one number is there.
    ///
    /// - Throws: as ``load(into:scoreSeed:)``.
    public func checkScoreHead() throws {
        if let adapter {
            if try !adapter.hasScoreHead() { try base.checkScoreHead() }
            return
        }
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

    /// Reads parameters into a group, converted to its type.
    func read(into group: ParameterGroup) throws {
        let (weights, names) = (try WeightFiles(url), configuration.specification.names)
        for name in group.entries.map(\.declaration.name) {
            guard let found = weights.name(of: name, names) else { throw Self.missing(name, in: weights, names) }
            try weights.read(found, into: group[name])
        }
    }

    /// Refuses weights that are no parameter of such a model, either head aside.
    func checkNothingElse(in weights: WeightFiles, than read: Set<String>) throws(ModelError) {
        // The other head, or the copy of tied embeddings that some checkpoints hold: it was compared.
        let known = read.union([ParameterNames.score, configuration.specification.names.head])
        let others = weights.names.filter { !known.contains($0) && !ParameterNames.isBuffer($0) }
        guard let name = others.min() else { return }
        throw ModelError(weights.url, "tensor \(name) belongs to no parameter of a \(configuration.modelType) model")
    }

    static func checkShape(
        of name: String, in weights: WeightFiles, _ declaration: ParameterGroup.Declaration, _ names: ParameterNames
    ) throws(ModelError) {
        let shape = weights.shape(name) ?? []
        guard shape != declaration.shape else { return }
        throw ModelError(
            weights.url,
            "tensor \(name) has shape \(shape), but config.json makes it \(declaration.shape)"
                + hint(rows: shape, of: declaration, names))
    }

    static func missing(_ name: String, in weights: WeightFiles, _ names: ParameterNames) -> ModelError {
        let blocks = "\(name)_blocks"
        let packed =
            weights.contains(blocks)
            ? "; \(blocks) is there: these weights are mxfp4, which is not supported; train a copy in bfloat16" : ""
        return ModelError(weights.url, "tensor \(name) is missing" + hint(name, names) + packed)
    }

    /// Refuses a head beside the embedding table that the configuration ties to it, where it is not the same:
    /// transformers unties such a model.
    private static func checkTiedHead(in weights: WeightFiles, _ specification: DecoderSpecification) throws {
        let names = specification.names
        guard specification.tiesEmbeddings, weights.contains(names.head),
            let table = weights.name(of: names.embedding, names),
            !(try weights.isSame(names.head, as: table))
        else { return }
        throw ModelError(
            weights.url,
            "tensor \(names.head) is not \(table), to which tie_word_embeddings in config.json ties it; "
                + "set that to false to have both, or remove the tensor")
    }

    /// Reads the weights through, of an adapter its own alone, and says which tensor is the first, by name, that holds something
    /// else than finite numbers; `nil` for none.
    public func problemOfNumbers() throws -> String? {
        if let adapter { return try adapter.problemOfNumbers() }
        let weights = try WeightFiles(url)
        let name = try weights.names.sorted().first { try !ParameterNames.isBuffer($0) && !weights.isFinite($0) }
        return name.map { "tensor \($0) holds numbers that are not finite (NaN or infinity)" }
    }

    /// Whether the weights have a head, or make up one as tied embeddings do.
    public func has(_ head: DecoderHead) throws -> Bool {
        if let adapter, try adapter.hasScoreHead() { return head == .score }
        if adapter != nil { return try base.has(head) }
        let (weights, specification) = (try WeightFiles(url), configuration.specification)
        // The tied embeddings of a reward model are no head that was trained.
        if head == .languageModel, specification.tiesEmbeddings, weights.contains(ParameterNames.score) { return false }
        let name = head == .score ? ParameterNames.score : specification.names.head
        return weights.contains(name) || !specification.declarations(head: head).contains { $0.name == name }
    }

    /// The files that hold the weights, with the index where there are several; of an adapter its base's and its own.
    ///
    /// - Throws: ``ModelError`` or `SafetensorsError` where they are not there or not whole.
    public func weightFiles() throws -> [URL] {
        try WeightFiles(base.url).all + (adapter.map { [$0.weightsURL] } ?? [])
    }

    /// Where the tokenizer of a model's directory lies: there, or with the base of an adapter that PEFT wrote without one.
    package static func tokenizer(of directory: URL) -> URL {
        let file = directory.appending(path: "tokenizer.json")
        guard AdapterDirectory.isThere(directory), !FileManager.default.fileExists(atPath: file.path) else {
            return directory
        }
        // An adapter without a base is told of where it is read.
        return (try? AdapterDirectory.base(of: directory, fallback: nil)) ?? directory
    }

    /// Files beside the weights that a tokenizer needs.
    public static let tokenizerFiles = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "tokenizer.model", "chat_template.jinja", "chat_template.json",
    ]

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

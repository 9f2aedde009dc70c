import Foundation
import JSON

/// What a Hugging Face `config.json` says of a model.
public struct ModelConfiguration: Sendable, Equatable {
    /// The families of models that are supported, by their `model_type`.
    public enum Family: String, Sendable, CaseIterable {
        case llama, mistral, gpt2, qwen2, qwen3
        case gptNeoX = "gpt_neox"
    }

    /// The model's family.
    public let family: Family
    /// Rows of the embedding table.
    public let vocabularySize: Int
    /// Channels of the residual stream.
    public let hiddenSize: Int
    /// Channels inside the feed-forward network.
    public let intermediateSize: Int
    /// How many blocks.
    public let layerCount: Int
    /// Query heads.
    public let attentionHeads: Int
    /// Key and value heads; query heads share them in equal groups.
    public let keyValueHeads: Int
    /// Channels of a head.
    public let headDimension: Int
    /// The context the model was made for.
    public let maximumPositions: Int
    /// Added to the variance in norms.
    public let normEpsilon: Double
    /// The activation of the feed-forward network.
    public let activation: Activation
    /// Whether the language-model head is the embedding table.
    public let tiesEmbeddings: Bool
    /// Whether attention projections have biases (Qwen2: those of queries, keys and values alone).
    public let attentionBias: Bool
    /// Whether feed-forward projections have biases.
    public let feedForwardBias: Bool
    /// Whether attention and feed-forward network read the same input (GPT-NeoX).
    public let parallelResidual: Bool
    /// Rotary position embedding; `nil` for learned positions.
    public let rotary: RotaryEmbedding?
    /// The window of sliding-window attention; `nil` where all layers see everything.
    public let slidingWindow: Int?
    /// The deviation of freshly drawn weights.
    public let initializerRange: Double
    /// The token that starts a text.
    public let bosTokenID: Int32?
    /// Tokens that end a text: those of `config.json`, then further ones of `generation_config.json`.
    public let eosTokenIDs: [Int32]
    /// The token that transformers pads with; nothing is padded here.
    public let padTokenID: Int32?
    /// Whether this is the directory of a model with a score head (`...ForSequenceClassification`).
    public let hasScoreHead: Bool
    /// The file as it was read, to be written back with a saved model.
    let original: JSONObject
    /// `generation_config.json` as it was read.
    let generation: JSONObject

    /// Activations of the feed-forward network.
    public enum Activation: Sendable, Equatable {
        case silu, gelu, geluTanh, relu
    }

    /// The longest sequence the model can compute; `nil` where positions have no bound.
    ///
    /// Learned positions end with their table. A sliding window is not implemented: up to its length it makes no
    /// difference.
    public var maximumLength: Int? {
        let table = rotary == nil ? maximumPositions : nil
        return [table, slidingWindow].compactMap { $0 }.min()
    }

    /// Why sequences longer than ``maximumLength`` cannot be computed, for a message.
    public var lengthReason: String {
        if let slidingWindow, slidingWindow == maximumLength {
            return "each of its tokens sees the last \(slidingWindow) alone (sliding_window in config.json), "
                + "which is supported where no sequence is longer"
        }
        return "it has learned positions for no more"
    }

    /// The largest token id that is not among `used`: a padding id for reward models, which transformers scores at the
    /// last token that is not padding. `nil` where all ids are used.
    public func unusedTokenID(besides used: Set<Int32>) -> Int32? {
        (0..<Int32(vocabularySize)).last { !used.contains($0) }
    }

    /// Reads `config.json`, and `generation_config.json` where there is one, in a directory.
    public init(directory: URL) throws(ModelError) {
        let generation = directory.appending(path: "generation_config.json")
        let there = FileManager.default.fileExists(atPath: generation.path)
        try self.init(
            file: directory.appending(path: "config.json"), generation: there ? generation : nil)
    }

    /// Reads a configuration file.
    public init(file: URL, generation: URL? = nil) throws(ModelError) {
        let reader = ModelFileReader(url: file, values: try JSONObject(modelFile: file))
        let further: JSONObject =
            if let generation { try JSONObject(modelFile: generation) } else { JSONObject() }
        let name = try reader.string("model_type")
        guard let family = Family(rawValue: name) else {
            let known = Family.allCases.map(\.rawValue).sorted().joined(separator: ", ")
            throw reader.error("model_type", "is \(name), which is not supported; supported are \(known)")
        }
        self.family = family
        original = reader.values
        self.generation = further

        vocabularySize = try reader.integer("vocab_size", in: 1...1 << 24)
        hiddenSize = try reader.integer(family == .gpt2 ? "n_embd" : "hidden_size", in: 1...1 << 17)
        layerCount = try reader.integer(family == .gpt2 ? "n_layer" : "num_hidden_layers", in: 1...1024)
        attentionHeads = try reader.integer(family == .gpt2 ? "n_head" : "num_attention_heads", in: 1...4096)
        maximumPositions = try reader.integer(
            family == .gpt2 ? "n_positions" : "max_position_embeddings", in: 1...1 << 28, default: family.positions)
        intermediateSize = try reader.integer(
            family == .gpt2 ? "n_inner" : "intermediate_size", in: 1...1 << 20,
            default: family == .gpt2 ? 4 * hiddenSize : nil)
        (keyValueHeads, headDimension) = try Self.heads(reader, family, hiddenSize, attentionHeads)

        normEpsilon = try reader.number(family.epsilonKey, in: 0...1, default: family.usesLayerNorm ? 1e-5 : 1e-6)
        activation = try Self.activation(reader, family)
        tiesEmbeddings = try reader.bool("tie_word_embeddings", default: family == .gpt2)
        attentionBias =
            switch family {
            case .gpt2, .qwen2: true
            case .mistral: false
            case .llama, .qwen3: try reader.bool("attention_bias", default: false)
            case .gptNeoX: try reader.bool("attention_bias", default: true)
            }
        feedForwardBias = family == .llama ? try reader.bool("mlp_bias", default: false) : family.usesLayerNorm
        parallelResidual = family == .gptNeoX ? try reader.bool("use_parallel_residual", default: true) : false
        try Self.refuseVariants(reader, family)
        rotary = family == .gpt2 ? nil : try RotaryEmbedding(reader, family, headDimension: headDimension)
        slidingWindow = try Self.slidingWindow(reader, family, layers: layerCount)
        initializerRange = try reader.number("initializer_range", in: 0...1, default: 0.02)

        bosTokenID = try reader.tokens("bos_token_id", vocabularySize: vocabularySize).first
        var ends = try reader.tokens("eos_token_id", vocabularySize: vocabularySize)
        if let generation {
            let reader = ModelFileReader(url: generation, values: further)
            for id in try reader.tokens("eos_token_id", vocabularySize: vocabularySize) where !ends.contains(id) {
                ends.append(id)
            }
        }
        eosTokenIDs = ends
        // Some checkpoints name a padding id outside their vocabulary; nothing is padded here.
        padTokenID = try? reader.tokens("pad_token_id", vocabularySize: vocabularySize).first
        hasScoreHead = original["architectures"] == .array([.string(family.architecture(.score))])
    }
}

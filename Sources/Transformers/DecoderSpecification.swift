import Torch

/// What a decoder ends in.
public enum DecoderHead: Sendable, Equatable {
    /// Logits over the vocabulary.
    case languageModel
    /// One number a row: a reward, or a critic's value.
    case score
}

/// How a decoder computes: what its one block function is driven by.
public struct DecoderSpecification: Sendable, Equatable {
    /// The kind of normalisation.
    public enum Norm: Sendable, Equatable {
        case rootMeanSquare, layer
    }

    /// How queries, keys and values are projected.
    public enum Projection: Sendable, Equatable {
        /// Three matrices `[out, in]`.
        case separate
        /// One matrix `[out, in]`, query, key and value interleaved a head at a time (GPT-NeoX).
        case interleaved
        /// One matrix `[in, out]`, queries then keys then values (GPT-2), whose other matrices are `[in, out]` too.
        case concatenated
    }

    /// How a token's position enters.
    public enum Positions: Sendable, Equatable {
        /// Queries and keys are rotated.
        case rotary(RotaryEmbedding)
        /// A table of so many rows is added to the embeddings.
        case learned(Int)
    }

    /// Rows of the embedding table.
    public let vocabularySize: Int
    /// Channels of the residual stream.
    public let width: Int
    /// Channels inside the feed-forward network.
    public let innerWidth: Int
    /// How many blocks.
    public let layers: Int
    /// Query heads.
    public let heads: Int
    /// Key and value heads.
    public let keyValueHeads: Int
    /// Channels of a head.
    public let channels: Int
    /// The kind of norm.
    public let norm: Norm
    /// Added to the variance in norms.
    public let epsilon: Double
    /// How positions enter.
    public let positions: Positions
    /// How queries, keys and values are stored.
    public let projection: Projection
    /// Whether the projections of queries, keys and values have biases.
    public let inputBias: Bool
    /// Whether the projection after attention has a bias.
    public let outputBias: Bool
    /// Whether feed-forward projections have biases.
    public let feedForwardBias: Bool
    /// Whether the activation multiplies a second projection (SwiGLU).
    public let gated: Bool
    /// The activation of the feed-forward network.
    public let activation: ModelConfiguration.Activation
    /// Whether attention and feed-forward network read the same input.
    public let parallelResidual: Bool
    /// Whether queries and keys are normalised a head at a time (Qwen3).
    public let normalizesHeads: Bool
    /// Whether the language-model head is the embedding table.
    public let tiesEmbeddings: Bool
    /// The names of parameters in a checkpoint.
    public let names: ParameterNames

    /// What the family and the sizes of a configuration mean.
    public init(_ configuration: ModelConfiguration) {
        let family = configuration.family
        vocabularySize = configuration.vocabularySize
        width = configuration.hiddenSize
        innerWidth = configuration.intermediateSize
        layers = configuration.layerCount
        heads = configuration.attentionHeads
        keyValueHeads = configuration.keyValueHeads
        channels = configuration.headDimension
        norm = family.usesLayerNorm ? .layer : .rootMeanSquare
        epsilon = configuration.normEpsilon
        positions = configuration.rotary.map(Positions.rotary) ?? .learned(configuration.maximumPositions)
        projection =
            switch family {
            case .gpt2: .concatenated
            case .gptNeoX: .interleaved
            case .llama, .mistral, .qwen2, .qwen3: .separate
            }
        inputBias = configuration.attentionBias
        outputBias = configuration.attentionBias && family != .qwen2
        feedForwardBias = configuration.feedForwardBias
        gated = !family.usesLayerNorm
        activation = configuration.activation
        parallelResidual = configuration.parallelResidual
        normalizesHeads = family == .qwen3
        tiesEmbeddings = configuration.tiesEmbeddings
        names = ParameterNames(family)
    }
}

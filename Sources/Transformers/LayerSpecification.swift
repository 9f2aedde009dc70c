/// How one block of a decoder computes.
package struct LayerSpecification: Sendable, Equatable {
    /// How queries, keys and values are projected.
    package enum Projection: Sendable {
        /// Three matrices `[out, in]`.
        case separate
        /// One matrix `[out, in]`, query, key and value interleaved a head at a time (GPT-NeoX).
        case interleaved
        /// One matrix `[in, out]`, queries then keys then values (GPT-2), whose other matrices are `[in, out]` too.
        case concatenated
    }

    /// Activations of the feed-forward network.
    package enum Activation: Sendable {
        case silu, gelu, geluTanh, relu
    }

    /// Where the norms of attention and of the feed-forward network stand.
    package enum NormPlacement: Sendable {
        /// In front of them, on what they read.
        case before
        /// Behind them, on what they add to the residual stream (OLMo 2).
        case after
    }

    /// How rows see one another.
    package struct Attention: Sendable, Equatable {
        /// Query heads.
        package var heads: Int
        /// Key and value heads; query heads share them in equal groups.
        package var keyValueHeads: Int
        /// Channels of a head.
        package var channels: Int
        /// How queries, keys and values are stored.
        package var projection: Projection
        /// Whether the projections of queries, keys and values have biases.
        package var inputBias: Bool
        /// Whether the projection after attention has a bias.
        package var outputBias: Bool
        /// Whether queries and keys are normalised a head at a time (Qwen3).
        package var normalizesHeads: Bool
        /// How queries and keys are rotated; `nil` where they are not.
        package var rotary: RotaryEmbedding?
        /// How many of the last tokens a token sees, itself among them; `nil` for all.
        package var window: Int?

        package init(
            heads: Int, keyValueHeads: Int, channels: Int, projection: Projection, inputBias: Bool = false,
            outputBias: Bool = false, normalizesHeads: Bool = false, rotary: RotaryEmbedding? = nil, window: Int? = nil
        ) {
            self.heads = heads
            self.keyValueHeads = keyValueHeads
            self.channels = channels
            self.projection = projection
            self.inputBias = inputBias
            self.outputBias = outputBias
            self.normalizesHeads = normalizesHeads
            self.rotary = rotary
            self.window = window
        }

        /// Channels of all query heads together.
        package var queryWidth: Int { heads * channels }
        /// Channels of all key heads together, and of all value heads.
        package var keyWidth: Int { keyValueHeads * channels }
        /// What products of queries and keys are multiplied with.
        package var scale: Double { 1 / Double(channels).squareRoot() }
    }

    /// The network of each row by itself.
    package struct FeedForward: Sendable, Equatable {
        /// Channels inside.
        package var width: Int
        /// Whether the activation multiplies a second projection (SwiGLU).
        package var isGated: Bool
        /// The activation.
        package var activation: Activation
        /// Whether its projections have biases.
        package var hasBias: Bool

        package init(width: Int, isGated: Bool, activation: Activation, hasBias: Bool = false) {
            self.width = width
            self.isGated = isGated
            self.activation = activation
            self.hasBias = hasBias
        }
    }

    /// Attention.
    package var attention: Attention
    /// The feed-forward network.
    package var feedForward: FeedForward
    /// The norms of both, and of heads where those are normalised.
    package var norm: DecoderSpecification.Norm
    /// Where the norms of both stand.
    package var normPlacement: NormPlacement
    /// Whether both read the same residual stream (GPT-NeoX), and not the second one what the first has added.
    package var isParallel: Bool

    package init(
        attention: Attention, feedForward: FeedForward, norm: DecoderSpecification.Norm,
        normPlacement: NormPlacement = .before, isParallel: Bool = false
    ) {
        self.attention = attention
        self.feedForward = feedForward
        self.norm = norm
        self.normPlacement = normPlacement
        self.isParallel = isParallel
    }
}

import Torch

/// How one block of a decoder computes.
package struct LayerSpecification: Sendable, Equatable {
    /// How queries, keys and values are projected.
    package enum Projection: Sendable {
        /// Three matrices `[out, in]`.
        case separate
        /// One matrix `[out, in]`, query, key and value interleaved a head at a time (GPT-NeoX).
        case interleaved
        /// One matrix `[out, in]`, queries then keys then values (Phi-3).
        case stacked
        /// One matrix `[in, out]`, queries then keys then values (GPT-2), whose other matrices are `[in, out]` too.
        case concatenated
    }

    /// Activations of the feed-forward network.
    package enum Activation: Sendable, Equatable {
        case silu, gelu, geluTanh, relu
        /// `x σ(slope x)` of an x that is at most `limit`. Gated, it multiplies one more than the other half, which is kept within
        /// ± `limit` (gpt-oss).
        case clampedSwish(slope: Double, limit: Double)
    }

    /// How the activated half and the other one of a gated network are stored.
    package enum Halves: Sendable {
        /// A matrix each.
        case separate
        /// One matrix, the activated half first (Phi-3).
        case stacked
        /// One matrix, a row of the activated half and one of the other in turn (gpt-oss).
        case interleaved
    }

    /// Where the norms of attention and of the feed-forward network stand.
    package enum NormPlacement: Sendable {
        /// In front of them, on what they read.
        case before
        /// Behind them, on what they add to the residual stream (OLMo 2).
        case after
        /// One in front and one behind (Gemma 2).
        case around
    }

    /// Which norm queries and keys get before they are rotated.
    package enum HeadNorm: Sendable {
        case none
        /// Of each head by itself (Qwen 3).
        case each
        /// Of all heads together (OLMo 2).
        case together
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
        /// How queries and keys are normalised.
        package var headNorm: HeadNorm
        /// How queries and keys are rotated; `nil` where they are not.
        package var rotary: RotaryEmbedding?
        /// How many of the last tokens a token sees, itself among them; `nil` for all.
        package var window: Int?
        /// What products of queries and keys are multiplied with.
        package var scale: Double
        /// Such products s become `cap tanh(s / cap)` (Gemma 2); `nil` where they stay.
        package var scoreCap: Double?
        /// Whether each query head has a learned score that takes part in its softmax and leads nowhere (gpt-oss).
        package var hasSinks = false

        /// Attention; without a `scale` that is one over the root of `channels`.
        package init(
            heads: Int, keyValueHeads: Int, channels: Int, projection: Projection, inputBias: Bool = false,
            outputBias: Bool = false, headNorm: HeadNorm = .none, rotary: RotaryEmbedding? = nil, window: Int? = nil,
            scale: Double? = nil, scoreCap: Double? = nil
        ) {
            self.heads = heads
            self.keyValueHeads = keyValueHeads
            self.channels = channels
            self.projection = projection
            self.inputBias = inputBias
            self.outputBias = outputBias
            self.headNorm = headNorm
            self.rotary = rotary
            self.window = window
            self.scale = scale ?? 1 / Double(channels).squareRoot()
            self.scoreCap = scoreCap
        }

        /// Channels of all query heads together.
        package var queryWidth: Int { heads * channels }
        /// Channels of all key heads together, and of all value heads.
        package var keyWidth: Int { keyValueHeads * channels }
        /// What the operator of attention is told.
        var options: AttentionOptions { AttentionOptions(scale: scale, cap: scoreCap, window: window) }
    }

    /// The network of each row by itself.
    package struct FeedForward: Sendable, Equatable {
        /// Channels inside.
        package var width: Int
        /// Whether the activation multiplies a second projection (SwiGLU).
        package var isGated: Bool
        /// How the two projections of a gated network are stored.
        package var halves = Halves.separate
        /// The activation.
        package var activation: Activation
        /// Whether its projections have biases.
        package var hasBias: Bool
        /// How many such networks there are, of which each row goes through some; `nil` for the one that all go through.
        package var experts: Experts?

        /// Channels inside of all networks that a row goes through.
        package var widthOfRow: Int { width * (experts?.perToken ?? 1) }

        package init(width: Int, isGated: Bool, activation: Activation, hasBias: Bool = false) {
            self.width = width
            self.isGated = isGated
            self.activation = activation
            self.hasBias = hasBias
        }
    }

    /// Feed-forward networks of which a router chooses some for each row.
    package struct Experts: Sendable, Equatable {
        /// How many there are.
        package var count: Int
        /// How many a row goes through.
        package var perToken: Int
        /// Whether the probabilities of the chosen ones, which weigh their outputs, are scaled to the sum 1.
        package var normalizes: Bool
        /// Whether the router has a bias.
        package var routerBias = false
        /// Whether a parameter is one tensor `[experts, in, out]`, not one `[out, in]` for each expert.
        package var isFused = false
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
    /// What their outputs are multiplied with before they are added (Granite).
    package var residualScale = 1.0

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

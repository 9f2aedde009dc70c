import Torch

/// One block of a decoder: attention and a feed-forward network, each added to the residual stream.
struct DecoderLayer {
    /// Computes attention from queries `[rows, heads, channels]` and keys and values `[rows, kv heads, channels]`: over
    /// packed segments, or over a cache.
    typealias Attention = (_ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor

    let specification: LayerSpecification
    let attentionNorms: Norms
    let input: InputProjection
    let headNorms: (query: Normalization, key: Normalization)?
    /// Scores of query heads that lead nowhere, `[heads]`.
    let sinks: Tensor?
    let attentionOutput: Linear
    let feedForwardNorms: Norms
    let feedForward: FeedForwardNetwork

    /// What stands in front of attention or the feed-forward network, and behind it.
    struct Norms {
        let before: Normalization?
        let after: Normalization?
    }

    /// Where the rows of a pass stand, and which of them go on.
    struct Rows {
        /// Cosine and sine `[rows, half]` of their positions.
        var rotation: (cosine: Tensor, sine: Tensor)?
        /// Indices `[selected]` of the rows that a block returns; all where it is `nil`. Others are still attended to.
        var selected: Tensor?
        /// How routers of experts are watched, where they are.
        var routing: RoutedRows?
        /// What adapters leave out of their inputs, where they do.
        var dropout: LowRankDropout?
    }

    /// The residual stream `[rows or selected, width]` after this block, from that of all rows before it.
    func callAsFunction(_ stream: Tensor, _ rows: Rows, attention: Attention) -> Tensor {
        var (stream, attended) = (stream, attend(attentionNorms.read(stream), rows, attention))
        var dropout = rows.dropout
        if let selected = rows.selected {
            (stream, attended) = (stream.selecting(selected), attended.selecting(selected))
            dropout = dropout?.selecting(selected)
        }
        let between = stream + added(attentionNorms, attentionOutput(attended, dropout))
        let fed = feedForward(
            feedForwardNorms.read(specification.isParallel ? stream : between), rows.routing, dropout)
        return between + added(feedForwardNorms, fed)
    }

    /// What attention or the feed-forward network adds to the residual stream.
    private func added(_ norms: Norms, _ output: Tensor) -> Tensor {
        let output = norms.after?(output) ?? output
        return specification.residualScale == 1 ? output : output * specification.residualScale
    }

    /// What the heads have attended to, `[rows, heads x channels]`.
    private func attend(_ hidden: Tensor, _ rows: Rows, _ attention: Attention) -> Tensor {
        var (query, key, value) = input(hidden, specification.attention, rows.dropout)
        if let headNorms {
            let norm = { (norm: Normalization, heads: Tensor) in
                specification.attention.headNorm == .each
                    ? norm(heads) : norm(heads.reshaped([heads.shape[0], -1])).reshaped(heads.shape)
            }
            (query, key) = (norm(headNorms.query, query), norm(headNorms.key, key))
        }
        if let rotation = rows.rotation {
            query = query.rotated(cosine: rotation.cosine, sine: rotation.sine)
            key = key.rotated(cosine: rotation.cosine, sine: rotation.sine)
        }
        return attention(query, key, value).reshaped([-1, specification.attention.queryWidth])
    }
}

extension DecoderLayer.Norms {
    /// What is read of the residual stream.
    fileprivate func read(_ stream: Tensor) -> Tensor { before?(stream) ?? stream }
}

/// A norm over the last dimension.
struct Normalization {
    let weight: Tensor
    /// Present in layer norms alone.
    let bias: Tensor?
    let specification: DecoderSpecification.Norm

    func callAsFunction(_ input: Tensor) -> Tensor {
        let factor = specification.isOffset ? weight + 1 : weight
        return switch specification.kind {
        case .rootMeanSquare: input.rmsNorm(factor, epsilon: specification.epsilon)
        case .layer: input.layerNorm(factor, bias: bias, epsilon: specification.epsilon)
        }
    }
}

/// The projection to queries, keys and values.
enum InputProjection {
    case separate(query: Linear, key: Linear, value: Linear)
    case interleaved(Linear)
    case concatenated(Linear)

    /// Queries `[rows, heads, channels]`, keys and values `[rows, kv heads, channels]`.
    func callAsFunction(
        _ hidden: Tensor, _ specification: LayerSpecification.Attention, _ dropout: LowRankDropout?
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let (heads, keyHeads, channels) = (specification.heads, specification.keyValueHeads, specification.channels)
        switch self {
        case .separate(let query, let key, let value):
            return (
                query(hidden, dropout).reshaped([-1, heads, channels]),
                key(hidden, dropout).reshaped([-1, keyHeads, channels]),
                value(hidden, dropout).reshaped([-1, keyHeads, channels])
            )
        case .interleaved(let fused):
            // [rows, heads, (query, key, value) x channels]
            let all = fused(hidden, dropout).reshaped([-1, heads, 3 * channels])
            let part = { (index: Int) in all.narrowed(2, index * channels..<(index + 1) * channels) }
            return (part(0), part(1), part(2))
        case .concatenated(let fused):
            // [rows, query heads then key heads then value heads, channels]
            let all = fused(hidden, dropout).reshaped([-1, heads + 2 * keyHeads, channels])
            return (
                all.narrowed(1, 0..<heads), all.narrowed(1, heads..<heads + keyHeads),
                all.narrowed(1, heads + keyHeads..<heads + 2 * keyHeads)
            )
        }
    }
}

extension Tensor {
    /// `self σ(slope self)`.
    fileprivate func swish(_ slope: Double) -> Tensor { self * (self * slope).sigmoid() }
}

extension LayerSpecification.Activation {
    func callAsFunction(_ input: Tensor) -> Tensor {
        switch self {
        case .silu: input.silu()
        case .gelu: input.gelu()
        case .geluTanh: input.geluTanh()
        case .relu: input.relu()
        case .clampedSwish(let slope, let limit): input.clamped(-.infinity, limit).swish(slope)
        }
    }
}

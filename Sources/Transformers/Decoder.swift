import Torch

/// A decoder-only transformer over packed rows, driven by a ``DecoderSpecification``.
///
/// It computes rows of tokens without padding: which row sees which follows from the segments of ``PackedRows``. All
/// parameters lie in one ``ParameterBuffer`` under the names and in the layouts of Hugging Face checkpoints.
public final class Decoder {
    /// The configuration it was made from.
    public let configuration: ModelConfiguration
    /// How it computes.
    public let specification: DecoderSpecification
    /// What it ends in.
    public let head: DecoderHead
    /// Its parameters.
    public let parameters: ParameterBuffer

    /// Whether the backward pass computes each layer's inner activations anew, of which the forward pass then keeps only
    /// the layer's input: more work, less memory, the same bits.
    public var recomputesActivations = false

    let layers: [DecoderLayer]
    let finalNorm: Normalization
    private let rotary: RotaryTable?

    /// A decoder whose parameters are all zero: fill them by ``initialize(seed:)``, from a ``ModelDirectory``, or by
    /// copying those of another one.
    public init(_ configuration: ModelConfiguration, head: DecoderHead, trainable: Bool) {
        let specification = DecoderSpecification(configuration)
        let parameters = ParameterBuffer(specification.declarations(head: head), trainable: trainable)
        let parts = DecoderParts(specification, parameters)
        self.configuration = configuration
        self.specification = specification
        self.head = head
        self.parameters = parameters
        layers = (0..<specification.layers).map(parts.layer)
        finalNorm = parts.normalization(specification.names.finalNorm)
        rotary = if case .rotary(let embedding) = specification.positions { RotaryTable(embedding) } else { nil }
    }

    /// The longest sequence it can compute; `nil` where positions have no bound. Callers check their data against it.
    public var maximumLength: Int? { configuration.maximumLength }

    /// The final hidden states `[rows, width]` of a batch, after the last norm.
    public func hiddenStates(_ rows: PackedRows) -> Tensor {
        let segments = rows.segments.map { AttentionSegment(rows: $0.rows, prefix: $0.prefix) }
        let attention: DecoderLayer.Attention = { [scale] in $0.attention($1, $2, segments: segments, scale: scale) }
        return hiddenStates(rows.tokens, rows.positions, layers) { [recomputesActivations] _, layer, stream, rotation in
            guard recomputesActivations else { return layer(stream, rotation: rotation, attention: attention) }
            return stream.recomputing { layer($0, rotation: rotation, attention: attention) }
        }
    }

    /// Log-probabilities of the tokens that `predictions` names, under softmax(logits / temperature).
    public func tokenLogps(
        _ rows: PackedRows, predictions: PredictedTokens, temperature: Double = 1
    ) -> TokenLogps {
        tokenLogps(hiddenStates(rows), predictions: predictions, temperature: temperature)
    }

    /// Log-probabilities of the tokens that `predictions` names, from the hidden states of their batch.
    public func tokenLogps(
        _ hidden: Tensor, predictions: PredictedTokens, temperature: Double = 1
    ) -> TokenLogps {
        hidden.selecting(Tensor(indices: predictions.rows)).logps(
            ofTargets: Tensor(indices: predictions.tokens), vocabulary: vocabulary, temperature: temperature)
    }

    /// The score head's output at given rows of a batch, `[n]`: rewards, or a critic's values.
    public func scores(_ rows: PackedRows, at indices: [Int32]) -> Tensor {
        precondition(head == .score, "a language model has no scores")
        // Row by row, for the last bits of a matrix product depend on the rows beside.
        let hidden = hiddenStates(rows).selecting(Tensor(indices: indices))
        return (hidden * parameters[ParameterNames.score]).sum(1)
    }

    /// Logits over the vocabulary, `[n, vocabulary]`, of hidden states `[n, width]`.
    public func logits(_ hidden: Tensor) -> Tensor { hidden.linear(vocabulary) }

    /// Hidden states of rows whose attention the caller computes: over segments, or over a cache; through the decoder's
    /// own layers, or others that compute the same.
    func hiddenStates(
        tokens: [Int32], positions: [Int32], through layers: [DecoderLayer]? = nil,
        attention: (_ layer: Int, _ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor
    ) -> Tensor {
        hiddenStates(tokens, positions, layers ?? self.layers) { index, layer, stream, rotation in
            layer(stream, rotation: rotation) { attention(index, $0, $1, $2) }
        }
    }

    private func hiddenStates(
        _ tokens: [Int32], _ positions: [Int32], _ layers: [DecoderLayer],
        through: (Int, DecoderLayer, _ stream: Tensor, _ rotation: (cosine: Tensor, sine: Tensor)?) -> Tensor
    ) -> Tensor {
        let rotation = rotary.map { $0(positions) }
        var stream = embedded(tokens, positions)
        for (index, layer) in layers.enumerated() { stream = through(index, layer, stream, rotation) }
        return finalNorm(stream)
    }

    /// What attention multiplies products of queries and keys with.
    var scale: Double { 1 / Double(specification.channels).squareRoot() }

    private func embedded(_ tokens: [Int32], _ positions: [Int32]) -> Tensor {
        let names = specification.names
        let embeddings = parameters[names.embedding].embedding(Tensor(indices: tokens))
        guard case .learned(let count) = specification.positions else { return embeddings }
        precondition(positions.allSatisfy { $0 < count }, "a position past the \(count) that the model has")
        return embeddings + parameters[names.positions].embedding(Tensor(indices: positions))
    }

    /// The weight of the projection to the vocabulary.
    var vocabulary: Tensor {
        precondition(head == .languageModel, "a score model has no logits")
        return parameters[specification.tiesEmbeddings ? specification.names.embedding : specification.names.head]
    }
}

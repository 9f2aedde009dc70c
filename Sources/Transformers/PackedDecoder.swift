import Torch

/// A language model whose projections are packed for passes without gradients over any number of rows.
///
/// Its bits for a row do not depend on the other rows of a pass, nor on how many there are. It holds copies of the
/// weights, and does not follow their changes.
struct PackedDecoder {
    private let decoder: Decoder
    private let layers: [DecoderLayer]
    private let vocabulary: PackedWeight

    init(_ decoder: Decoder) {
        self.decoder = decoder
        layers = decoder.layers.map { $0.packing() }
        vocabulary = PackedWeight(decoder.vocabulary)
    }

    /// As ``Decoder/hiddenStates(tokens:positions:through:attention:)``.
    func hiddenStates(
        tokens: [Int32], positions: [Int32],
        attention: (_ layer: Int, _ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor
    ) -> Tensor {
        decoder.hiddenStates(tokens: tokens, positions: positions, through: layers, attention: attention)
    }

    /// Logits over the vocabulary, `[n, vocabulary]`, of hidden states `[n, width]`.
    func logits(_ hidden: Tensor) -> Tensor { hidden.linear(vocabulary) }
}

extension DecoderLayer {
    /// This block with packed projections.
    fileprivate func packing() -> DecoderLayer {
        DecoderLayer(
            specification: specification, attentionNorm: attentionNorm, input: input.packing(), headNorms: headNorms,
            attentionOutput: attentionOutput.packing(), feedForwardNorm: feedForwardNorm, gate: gate?.packing(),
            up: up.packing(), down: down.packing())
    }
}

extension InputProjection {
    fileprivate func packing() -> InputProjection {
        switch self {
        case .separate(let query, let key, let value):
            .separate(query: query.packing(), key: key.packing(), value: value.packing())
        case .interleaved(let fused): .interleaved(fused.packing())
        case .concatenated(let fused): .concatenated(fused.packing())
        }
    }
}

extension Linear {
    fileprivate func packing() -> Linear {
        var copy = self
        copy.packed = PackedWeight(transposed ? weight.transposed(0, 1) : weight)
        return copy
    }
}

import Torch

/// A language model whose projections are packed for passes without gradients over any number of rows.
///
/// Its bits for a row do not depend on the other rows of a pass, nor on how many there are. It holds copies of the
/// weights, and does not follow their changes.
struct PackedDecoder {
    private let decoder: DecoderModel
    private let layers: [DecoderLayer]
    private let vocabulary: PackedWeight

    init(_ decoder: DecoderModel) {
        self.decoder = decoder
        let parts = decoder.layers.map { layer in { layer.projections.map(\.matrix) } } + [{ [decoder.vocabulary] }]
        let pack = { (weights: [Tensor]) in PackedWeight.pack(weights.map { $0.converted(to: decoder.placement.type) })
        }
        // Merged weights are copies, of which one layer's are there at a time; others are views, which lie better together.
        let all = decoder.adapter == nil ? pack(parts.flatMap { $0() }) : parts.flatMap { pack($0()) }
        var packed = all[...]
        layers = decoder.layers.map { layer in layer.packing(decoder.placement.type) { packed.removeFirst() } }
        vocabulary = packed.removeFirst()
    }

    /// As ``DecoderModel/hiddenStates(tokens:_:at:through:attention:)``.
    func hiddenStates(
        tokens: [Int32], _ places: RowPlaces, at selected: [Int32]? = nil,
        attention: (_ layer: Int, _ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor
    ) -> Tensor {
        decoder.hiddenStates(tokens: tokens, places, at: selected, through: layers, attention: attention)
    }

    /// Logits over the vocabulary, `[n, vocabulary]`, of hidden states `[n, width]`.
    func logits(_ hidden: Tensor) -> Tensor { decoder.specification.logits(hidden.logits(vocabulary)) }
}

extension DecoderLayer {
    /// In the order in which ``packing(_:)`` asks for them.
    var projections: [Linear] {
        input.projections + [attentionOutput] + feedForward.projections
    }

    /// This block with packed projections, and all else in the type that it computes in.
    fileprivate func packing(_ type: ScalarType, _ next: () -> PackedWeight) -> DecoderLayer {
        let input = input.packing(type, next)
        let attentionOutput = attentionOutput.packing(type, next)
        let feedForward = feedForward.packing(type, next)
        return DecoderLayer(
            specification: specification, attentionNorms: attentionNorms.converted(to: type), input: input,
            headNorms: headNorms.map { ($0.query.converted(to: type), $0.key.converted(to: type)) }, sinks: sinks,
            attentionOutput: attentionOutput, feedForwardNorms: feedForwardNorms.converted(to: type),
            feedForward: feedForward)
    }
}

extension DecoderLayer.Norms {
    fileprivate func converted(to type: ScalarType) -> DecoderLayer.Norms {
        DecoderLayer.Norms(before: before?.converted(to: type), after: after?.converted(to: type))
    }
}

extension FeedForwardNetwork {
    fileprivate var projections: [Linear] {
        switch self {
        case .dense(let network): network.projections
        case .experts(let network): [network.router] + network.experts.flatMap(\.projections)
        }
    }

    fileprivate func packing(_ type: ScalarType, _ next: () -> PackedWeight) -> FeedForwardNetwork {
        switch self {
        case .dense(let network): return .dense(network.packing(type, next))
        case .experts(let network):
            let router = network.router.packing(type, next)
            return .experts(
                ExpertNetwork(
                    specification: network.specification, router: router,
                    experts: network.experts.map { $0.packing(type, next) }))
        }
    }
}

extension DenseNetwork {
    fileprivate var projections: [Linear] { (gate.map { [$0] } ?? []) + [up, down] }

    fileprivate func packing(_ type: ScalarType, _ next: () -> PackedWeight) -> DenseNetwork {
        let (gate, up, down) = (gate?.packing(type, next), up.packing(type, next), down.packing(type, next))
        return DenseNetwork(specification: specification, gate: gate, up: up, down: down)
    }
}

extension InputProjection {
    fileprivate var projections: [Linear] {
        switch self {
        case .separate(let query, let key, let value): [query, key, value]
        case .interleaved(let fused), .concatenated(let fused): [fused]
        }
    }

    fileprivate func packing(_ type: ScalarType, _ next: () -> PackedWeight) -> InputProjection {
        switch self {
        case .separate(let query, let key, let value):
            .separate(
                query: query.packing(type, next), key: key.packing(type, next), value: value.packing(type, next))
        case .interleaved(let fused): .interleaved(fused.packing(type, next))
        case .concatenated(let fused): .concatenated(fused.packing(type, next))
        }
    }
}

extension Linear {
    /// The weight as `[outputs, inputs]`, what is trained beside it added.
    fileprivate var matrix: Tensor { adapter?.merged(into: weight.matrix) ?? weight.matrix }

    fileprivate func packing(_ type: ScalarType, _ next: () -> PackedWeight) -> Linear {
        var copy = Linear(weight: weight, bias: bias?.converted(to: type))
        copy.packed = next()
        return copy
    }
}

extension Normalization {
    fileprivate func converted(to type: ScalarType) -> Normalization {
        // One more than a weight has fewer digits than it in half precision.
        if specification.isOffset { return self }
        return Normalization(
            weight: weight.converted(to: type), bias: bias?.converted(to: type), specification: specification)
    }
}

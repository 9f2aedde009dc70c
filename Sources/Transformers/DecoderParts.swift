import Torch

/// Assembles a decoder's blocks from parameters, by their names.
struct DecoderParts {
    private let specification: DecoderSpecification
    private let parameters: ParameterStore
    private let adapter: AdapterLayout?
    /// The weights that lie in 8 bits, by the paths of their layers.
    private let quantized: [String: QuantizedWeight]

    init(
        _ specification: DecoderSpecification, _ parameters: ParameterStore, _ adapter: AdapterLayout?,
        _ quantized: [String: QuantizedWeight]
    ) {
        (self.specification, self.parameters) = (specification, parameters)
        (self.adapter, self.quantized) = (adapter, quantized)
    }

    func layer(_ index: Int) -> DecoderLayer {
        let (names, layer) = (specification.names, specification.layers[index])
        let name = { names.layer(index, $0) }
        let linear = { (part: String) in self.linear(name(part), layer) }
        let norm = { (part: String) in normalization(name(part), layer.norm) }
        let norms = { (before: String, after: String) in
            DecoderLayer.Norms(
                before: layer.normPlacement == .after ? nil : norm(before),
                after: layer.normPlacement == .before ? nil : norm(after))
        }
        let input: InputProjection =
            switch layer.attention.projection {
            case .separate: .separate(query: linear(names.query), key: linear(names.key), value: linear(names.value))
            case .interleaved: .interleaved(linear(names.fused))
            case .stacked, .concatenated: .concatenated(linear(names.fused))
            }
        return DecoderLayer(
            specification: layer, attentionNorms: norms(names.attentionNorm, names.attentionPostNorm), input: input,
            headNorms: layer.attention.headNorm == .none ? nil : (norm(names.queryNorm), norm(names.keyNorm)),
            sinks: layer.attention.hasSinks ? parameters[name(names.sinks)] : nil,
            attentionOutput: linear(names.attentionOutput),
            feedForwardNorms: norms(names.feedForwardNorm, names.feedForwardPostNorm),
            feedForward: feedForward(layer, name))
    }

    private func feedForward(_ layer: LayerSpecification, _ name: @escaping (String) -> String) -> FeedForwardNetwork {
        let names = specification.names
        func dense(_ prefix: String, _ names: FeedForwardNames) -> DenseNetwork {
            let linear = { (part: String) in self.linear(name(prefix + part), layer) }
            return DenseNetwork(
                specification: layer.feedForward, gate: layer.feedForward.hasGateMatrix ? linear(names.gate) : nil,
                up: linear(names.up), down: linear(names.down))
        }
        guard let experts = layer.feedForward.experts, let ofExperts = names.experts else {
            return .dense(dense("", names.feedForward))
        }
        func part(_ index: Int) -> DenseNetwork {
            guard experts.isFused else { return dense(ofExperts.prefix(index), ofExperts.parts) }
            let linear = { (part: String) in
                let (weights, biases) = (
                    name(ofExperts.prefix + part), name(ofExperts.prefix + ExpertNames.bias(of: part))
                )
                return Linear(
                    weight: .whole(parameters.part(of: weights, at: index), transposed: true),
                    bias: layer.feedForward.hasBias ? parameters.part(of: biases, at: index) : nil,
                    adapter: adapter?.linear(weights, at: index, parameters))
            }
            return DenseNetwork(
                specification: layer.feedForward, gate: nil, up: linear(ofExperts.parts.up),
                down: linear(ofExperts.parts.down))
        }
        return .experts(
            ExpertNetwork(
                specification: experts, router: linear(name(ofExperts.router), layer),
                experts: (0..<experts.count).map(part)))
    }

    func finalNorm() -> Normalization { normalization(specification.names.finalNorm, specification.finalNorm) }

    private func normalization(_ name: String, _ norm: DecoderSpecification.Norm) -> Normalization {
        Normalization(weight: parameters["\(name).weight"], bias: optional("\(name).bias"), specification: norm)
    }

    private func linear(_ name: String, _ layer: LayerSpecification) -> Linear {
        let isTransposed = layer.attention.projection == .concatenated
        return Linear(
            weight: quantized[name].map { .quantized($0) }
                ?? .whole(parameters["\(name).weight"], transposed: isTransposed),
            bias: optional("\(name).bias"), adapter: adapter?.linear(name, parameters))
    }

    private func optional(_ name: String) -> Tensor? { parameters.contains(name) ? parameters[name] : nil }
}

import Torch

/// Assembles a decoder's blocks from parameters, by the names of the family.
struct DecoderParts {
    private let specification: DecoderSpecification
    private let parameters: ParameterBuffer

    init(_ specification: DecoderSpecification, _ parameters: ParameterBuffer) {
        self.specification = specification
        self.parameters = parameters
    }

    func layer(_ index: Int) -> DecoderLayer {
        let names = specification.names
        let name = { names.layer(index, $0) }
        let norms =
            specification.normalizesHeads
            ? (normalization(name(names.queryNorm)), normalization(name(names.keyNorm))) : nil
        return DecoderLayer(
            specification: specification, attentionNorm: normalization(name(names.attentionNorm)), input: input(index),
            headNorms: norms, attentionOutput: linear(name(names.attentionOutput)),
            feedForwardNorm: normalization(name(names.feedForwardNorm)),
            gate: specification.gated ? linear(name(names.gate)) : nil, up: linear(name(names.up)),
            down: linear(name(names.down)))
    }

    func normalization(_ name: String) -> Normalization {
        Normalization(
            weight: parameters["\(name).weight"], bias: optional("\(name).bias"), kind: specification.norm,
            epsilon: specification.epsilon)
    }

    private func input(_ index: Int) -> InputProjection {
        let names = specification.names
        let part = { linear(names.layer(index, $0)) }
        return switch specification.projection {
        case .separate: .separate(query: part(names.query), key: part(names.key), value: part(names.value))
        case .interleaved: .interleaved(part(names.fused))
        case .concatenated: .concatenated(part(names.fused))
        }
    }

    private func linear(_ name: String) -> Linear {
        Linear(
            weight: parameters["\(name).weight"], bias: optional("\(name).bias"),
            transposed: specification.projection == .concatenated)
    }

    private func optional(_ name: String) -> Tensor? { parameters.contains(name) ? parameters[name] : nil }
}

import Torch

/// Numbers that a loss is differentiated by, and the gradients it leaves.
struct Inputs {
    private let buffer: ParameterGroup

    init(_ inputs: [String: [Double]]) {
        buffer = ParameterGroup(
            "model",
            inputs.sorted { $0.key < $1.key }.map {
                ParameterGroup.Declaration(name: $0.key, shape: [$0.value.count], decays: false)
            }, trainable: true)
        withoutGradients {
            for (name, values) in inputs { buffer[name].copy(from: Tensor(values)) }
        }
    }

    subscript(_ name: String) -> Tensor { buffer[name] }

    func gradient(_ name: String) -> [Double] {
        guard let placement = buffer.entries.first(where: { $0.declaration.name == name }),
            let gradients = buffer.gradients
        else { return [] }
        return Array(gradients.doubles()[placement.range])
    }
}

/// Numbers in [-1, 1) that look random, from a seed.
struct NumberSource {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int64(bitPattern: state) >> 11) / 0x1p52
    }

    mutating func list(_ count: Int, scale: Double = 1, offset: Double = 0) -> [Double] {
        (0..<count).map { _ in offset + scale * next() }
    }
}

/// The largest difference, relative to the largest reference (at least 1e-3).
func difference(_ left: [Double], _ right: [Double]) -> Double {
    guard left.count == right.count else { return .infinity }
    let largest = right.map(abs).max() ?? 0
    return (zip(left, right).map { abs($0 - $1) }.max() ?? 0) / max(largest, 1e-3)
}

func difference(_ left: Double, _ right: Double) -> Double { difference([left], [right]) }

extension TokenLogps {
    /// Log-probabilities with statistics of zero.
    init(_ logps: Tensor) { self.init(logps: logps, statistics: .zeros([logps.count, 3])) }
}

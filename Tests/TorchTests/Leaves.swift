import Torch

/// Tensors that take gradients, and the gradients they were given.
struct Leaves {
    let buffer: ParameterGroup

    init(_ leaves: [(values: [Float], shape: [Int])]) {
        buffer = ParameterGroup(
            "model",
            leaves.indices.map {
                ParameterGroup.Declaration(name: String($0), shape: leaves[$0].shape, decays: false)
            }, trainable: true)
        for (index, leaf) in leaves.enumerated() {
            buffer[String(index)].detached().copy(from: Tensor(leaf.values, shape: leaf.shape))
        }
    }

    subscript(_ index: Int) -> Tensor { buffer[String(index)] }

    func gradient(_ index: Int) -> [Float] {
        guard let gradients = buffer.gradients else { return [] }
        return gradients.narrowed(0, buffer.entries[index].range).floats()
    }
}

/// What an operator gave for some leaves, and the gradients of the result weighted by fixed numbers.
struct Evaluation {
    var value: [Float]
    var gradients: [[Float]]

    /// Evaluates `body`, and the gradients of `sum(weights * result)` with weights that differ element by element.
    init(_ leaves: [(values: [Float], shape: [Int])], _ body: (Leaves) -> Tensor) {
        let inputs = Leaves(leaves)
        let result = body(inputs)
        var source = NumberSource(99)
        let weights = Tensor(source.floats(result.count), shape: result.shape)
        (result * weights).sum().backward()
        value = result.floats()
        gradients = leaves.indices.map { inputs.gradient($0) }
    }

    /// The largest difference in norm of value or any gradient, relative to the other's; a gradient that is zero in
    /// exact arithmetic counts by its size.
    func difference(to other: Evaluation) -> Double {
        zip([value] + gradients, [other.value] + other.gradients)
            .map { relativeDifference($0, $1, leastNorm: 0.1) }.max() ?? 0
    }
}

/// `norm(a - b) / norm(b)`, infinite where lengths differ.
func relativeDifference(
    _ a: [some BinaryFloatingPoint], _ b: [some BinaryFloatingPoint], leastNorm: Double = 0
) -> Double {
    guard a.count == b.count else { return .infinity }
    let error = zip(a, b).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    let norm = b.reduce(0.0) { $0 + Double($1) * Double($1) }
    return error == 0 ? 0 : error.squareRoot() / max(leastNorm, norm.squareRoot())
}

/// Numbers in [-1, 1) that look random, from a seed.
struct NumberSource {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int64(bitPattern: state) >> 11) / 0x1p52
    }

    mutating func floats(_ count: Int, scale: Double = 1, offset: Double = 0) -> [Float] {
        (0..<count).map { _ in Float(offset + scale * next()) }
    }

    mutating func leaf(_ shape: [Int], scale: Double = 1, offset: Double = 0) -> (values: [Float], shape: [Int]) {
        (floats(shape.reduce(1, *), scale: scale, offset: offset), shape)
    }
}

/// Runs `body` with each number of threads and puts back what was.
func withThreads<Result>(_ counts: [Int], _ body: () throws -> Result) rethrows -> [Result] {
    let before = TorchRuntime.threadCount
    defer { TorchRuntime.setThreads(before) }
    return try counts.map {
        TorchRuntime.setThreads($0)
        return try body()
    }
}

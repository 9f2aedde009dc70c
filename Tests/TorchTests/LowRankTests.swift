import Testing
import Torch

/// Products by a frozen weight and two thin matrices beside it.
@Suite struct LowRankTests {
    static let shapes = [(1, 5, 3, 2), (33, 576, 192, 16), (450, 80, 17, 7)]

    @Test("values and gradients are those of the sum in float64, in both layouts and with a bias", arguments: shapes)
    func againstDefinition(rows: Int, inputs: Int, outputs: Int, rank: Int) {
        var source = NumberSource(91)
        let leaves = [source.leaf([rows, inputs]), source.leaf([rank, inputs]), source.leaf([outputs, rank])]
        let bias = Tensor(source.floats(outputs), shape: [outputs])
        let weight = Tensor(source.floats(outputs * inputs), shape: [outputs, inputs])
        let exact = Evaluation(leaves) { leaves in
            let (x, down, up) = (0..<3).map { leaves[$0].converted(to: .float64) }.triple
            return x.matmul((weight.converted(to: .float64) + up.matmul(down) * 0.5).transposed(0, 1)) + bias
        }
        for transposed in [false, true] {
            let frozen = transposed ? weight.transposed(0, 1).contiguous() : weight
            for kernels in KernelSet.allCases {
                let found = withKernels(kernels) {
                    Evaluation(leaves) {
                        $0[0].linear(
                            frozen, bias: bias, transposed: transposed,
                            adding: LowRankFactors(down: $0[1], up: $0[2], scale: 0.5))
                    }
                }
                #expect(found.difference(to: exact) < 1e-6)
            }
        }
    }

    @Test("thin matrices of which one is zero change no bit")
    func zeroAddsNothing() {
        var source = NumberSource(92)
        let input = Tensor(source.floats(70 * 96), shape: [70, 96])
        let weight = Tensor(source.floats(40 * 96), shape: [40, 96])
        let factors = LowRankFactors(
            down: Tensor(source.floats(8 * 96), shape: [8, 96]), up: .zeros([40, 8]), scale: 2)
        #expect(
            input.linear(weight, bias: nil, transposed: false, adding: factors).floats()
                == input.linear(weight).floats())
    }

    @Test("dropout leaves out its share, the same inputs of a row wherever it stands, and grows the others")
    func dropout() {
        let (rows, inputs) = (200, 300)
        let input = Tensor([Float](repeating: 1, count: rows * inputs), shape: [rows, inputs])
        // The thin product copies what it is given.
        let factors = LowRankFactors(down: .identity(inputs), up: .identity(inputs), scale: 1)
        let weight = Tensor.zeros([inputs, inputs])
        func kept(_ streams: [Int64]) -> [Float] {
            let dropout = LowRankDropout(share: 0.2, streams: Tensor(streams, shape: [streams.count]))
            return input.narrowed(0, 0..<streams.count)
                .linear(weight, bias: nil, transposed: false, adding: factors, dropout: dropout).floats()
        }
        let streams = (0..<Int64(rows)).map { $0 &* 7_919 &- 3 }
        let all = kept(streams)
        #expect(Set(all) == [0, 1.25])
        let share = Double(all.count { $0 == 0 }) / Double(all.count)
        #expect(abs(share - 0.2) < 0.01)
        #expect(
            kept([streams[17], streams[3]]) == Array(all[17 * inputs..<18 * inputs] + all[3 * inputs..<4 * inputs]))
        #expect(withKernels(.aten) { kept(streams) } == all)
    }

    @Test("gradients under dropout are those of the same inputs left out, by both kernels")
    func dropoutGradients() {
        var source = NumberSource(93)
        let leaves = [source.leaf([50, 64]), source.leaf([4, 64]), source.leaf([20, 4])]
        let weight = Tensor(source.floats(20 * 64), shape: [20, 64])
        let dropout = LowRankDropout(share: 0.3, streams: Tensor((0..<50).map { Int64($0) * 31 }, shape: [50]))
        let product = { (leaves: Leaves) in
            leaves[0].linear(
                weight, bias: nil, transposed: false,
                adding: LowRankFactors(down: leaves[1], up: leaves[2], scale: 1.5), dropout: dropout)
        }
        let composed = withKernels(.aten) { Evaluation(leaves, product) }
        #expect(Evaluation(leaves, product).difference(to: composed) < 1e-6)
    }
}

extension [Tensor] {
    fileprivate var triple: (Tensor, Tensor, Tensor) { (self[0], self[1], self[2]) }
}

extension Tensor {
    fileprivate static func identity(_ count: Int) -> Tensor {
        var values = [Float](repeating: 0, count: count * count)
        for index in 0..<count { values[index * count + index] = 1 }
        return Tensor(values, shape: [count, count])
    }
}

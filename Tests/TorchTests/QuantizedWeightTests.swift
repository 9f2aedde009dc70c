import Testing
import Torch

/// Frozen weights in 8 bits.
@Suite struct QuantizedWeightTests {
    @Test("A weight is rounded to 127 steps of the largest number of its row, and a row of zeros stays zeros")
    func rounding() {
        var source = NumberSource(95)
        var values = source.floats(40 * 70)
        for index in 70..<140 { values[index] = 0 }
        let matrix = Tensor(values, shape: [40, 70])
        let numbers = QuantizedWeight(matrix).numbers().floats()
        for row in 0..<40 {
            let part = row * 70..<(row + 1) * 70
            let step = (values[part].map(abs).max() ?? 0) / 127
            for index in part { #expect(abs(numbers[index] - values[index]) <= step * 0.5001) }
        }
        #expect(numbers[70..<140].allSatisfy { $0 == 0 })
    }

    @Test(
        "Products and gradients are those by the numbers that it stands for, with thin matrices and without, by all kernels"
    )
    func products() {
        var source = NumberSource(96)
        let leaves = [source.leaf([33, 96]), source.leaf([4, 96]), source.leaf([50, 4])]
        let weight = QuantizedWeight(Tensor(source.floats(50 * 96), shape: [50, 96]))
        let bias = Tensor(source.floats(50), shape: [50])
        let whole = weight.numbers()
        for kernels in KernelSet.allCases {
            withKernels(kernels) {
                let thin = { (leaves: Leaves) in LowRankFactors(down: leaves[1], up: leaves[2], scale: 0.5) }
                let added = Evaluation(leaves) { $0[0].linear(weight, bias: bias, adding: thin($0)) }
                let expected = Evaluation(leaves) {
                    $0[0].linear(whole, bias: bias, transposed: false, adding: thin($0))
                }
                #expect(added.difference(to: expected) < 1e-6)
                let plain = Evaluation([leaves[0]]) { $0[0].linear(weight, bias: bias) }
                #expect(plain.difference(to: Evaluation([leaves[0]]) { $0[0].linear(whole, bias: bias) }) < 1e-6)
            }
        }
    }
}

import Testing
import Torch

/// Linear layers against matrix products in float64.
@Suite struct LinearTests {
    /// Rows, inputs and outputs: fewer than a panel, ragged ones, several blocks of rows and of inputs.
    static let shapes = [(1, 5, 3), (7, 300, 50), (33, 576, 192), (450, 800, 17), (900, 40, 130)]

    @Test("values and gradients are those of float64, with a bias and without, in both layouts", arguments: shapes)
    func againstDefinition(rows: Int, inputs: Int, outputs: Int) {
        var source = NumberSource(81)
        let input = source.leaf([rows, inputs])
        let bias = source.leaf([outputs])
        for transposed in [false, true] {
            let weight = source.leaf(transposed ? [inputs, outputs] : [outputs, inputs])
            let exact = { (leaves: Leaves) in
                let weight = leaves[1].converted(to: .float64)
                return leaves[0].converted(to: .float64).matmul(transposed ? weight : weight.transposed(0, 1))
            }
            let product = { (leaves: Leaves, bias: Tensor?) in
                transposed
                    ? leaves[0].linearTransposed(leaves[1], bias: bias) : leaves[0].linear(leaves[1], bias: bias)
            }
            let plain = Evaluation([input, weight]) { product($0, nil) }
            #expect(plain.difference(to: Evaluation([input, weight], exact)) < 1e-6)
            let shifted = Evaluation([input, weight, bias]) { product($0, $0[2]) }
            #expect(shifted.difference(to: Evaluation([input, weight, bias]) { exact($0) + $0[2] }) < 1e-6)
        }
    }

    @Test("a row's product has the same bits alone, among any number of rows, on any number of threads, and packed")
    func independence() {
        var source = NumberSource(82)
        let (rows, inputs, outputs) = (1000, 900, 70)
        let input = Tensor(source.floats(rows * inputs), shape: [rows, inputs])
        let weight = Tensor(source.floats(outputs * inputs), shape: [outputs, inputs])
        let wholes = withThreads([1, 2, 3]) { input.linear(weight).floats() }
        #expect(wholes[1] == wholes[0] && wholes[2] == wholes[0])
        #expect(input.linear(PackedWeight.pack([weight])[0]).floats() == wholes[0])
        for range in [0..<1, 3..<5, 190..<198, 150..<210, 500..<1000] {
            let part = input.narrowed(0, range).linear(weight).floats()
            #expect(part == Array(wholes[0][range.lowerBound * outputs..<range.upperBound * outputs]))
        }
    }

    @Test("no rows give no rows, and gradients of zero")
    func noRows() {
        var source = NumberSource(83)
        let empty = Evaluation([([], [0, 8]), source.leaf([5, 8])]) { $0[0].linear($0[1]) }
        #expect(empty.value.isEmpty && empty.gradients[1] == [Float](repeating: 0, count: 40))
    }
}

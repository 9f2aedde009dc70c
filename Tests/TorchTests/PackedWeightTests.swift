import Testing
import Torch

/// Products with packed weights against the general matrix product.
@Suite struct PackedWeightTests {
    @Test(
        "a product with a packed weight is the plain one, whatever its rows, inputs and outputs",
        arguments: [(1, 5, 16), (7, 300, 50), (33, 576, 192), (200, 513, 17)])
    func product(rows: Int, inputs: Int, outputs: Int) {
        var source = NumberSource(71)
        let input = Tensor(source.floats(rows * inputs), shape: [rows, inputs])
        let weight = Tensor(source.floats(outputs * inputs), shape: [outputs, inputs])
        let bias = Tensor(source.floats(outputs))
        let exact = input.converted(to: .float64).matmul(weight.converted(to: .float64).transposed(0, 1))
        let packed = PackedWeight.pack([Tensor.full(7, [3, 4]), weight])[1]
        #expect(relativeDifference(input.linear(packed).floats(), exact.floats()) < 1e-6)
        let shifted = (exact + bias).floats()
        #expect(relativeDifference(input.linear(packed, bias: bias).floats(), shifted) < 1e-6)
    }

    @Test("a transposed weight is packed like a copy of it")
    func transposed() {
        var source = NumberSource(72)
        let weight = Tensor(source.floats(40 * 30), shape: [40, 30])
        let input = Tensor(source.floats(3 * 40), shape: [3, 40])
        let product = input.linear(PackedWeight.pack([weight.transposed(0, 1)])[0])
        #expect(relativeDifference(product.floats(), input.matmul(weight).floats()) < 1e-6)
    }

    @Test("a row's product has the same bits alone, among any number of rows, and on any number of threads")
    func independence() {
        var source = NumberSource(73)
        let (rows, inputs, outputs) = (210, 576, 200)
        let input = Tensor(source.floats(rows * inputs), shape: [rows, inputs])
        let packed = PackedWeight.pack([Tensor(source.floats(outputs * inputs), shape: [outputs, inputs])])[0]
        let wholes = withThreads([1, 2, 3]) { input.linear(packed).floats() }
        #expect(wholes[1] == wholes[0] && wholes[2] == wholes[0])
        for range in [0..<1, 3..<5, 3..<6, 10..<17, 190..<198, 150..<210] {
            let part = input.narrowed(0, range).linear(packed).floats()
            #expect(part == Array(wholes[0][range.lowerBound * outputs..<range.upperBound * outputs]))
        }
    }
}

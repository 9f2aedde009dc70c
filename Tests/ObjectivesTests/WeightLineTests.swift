import Objectives
import Testing
import Torch

@Suite("Points on the line through two sets of weights")
struct WeightLineTests {
    private let first: [Float] = [0.25, -3, 1e-30, -0.0, 7, 1e30]
    private let second: [Float] = [1, -3, 1e-8, 0.0, -0.0, -1e-30]

    private func merged(_ line: WeightLine) -> Tensor { line(from: Tensor(first), to: Tensor(second)) }

    @Test("Both ends are the policies' own bits, in their own type")
    func ends() {
        func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
        #expect(bits(merged(.extrapolation(alpha: 0)).floats()) == bits(second))
        #expect(bits(merged(.extrapolation(alpha: -1)).floats()) == bits(first))
        #expect(bits(merged(.interpolation(alpha: 1)).floats()) == bits(second))
        #expect(bits(merged(.interpolation(alpha: 0)).floats()) == bits(first))
        let half = Tensor(second).converted(to: .bfloat16)
        #expect(WeightLine.extrapolation(alpha: 0)(from: half, to: half).type == .bfloat16)
    }

    @Test("Extrapolation counts from the second policy, interpolation from the first, on one line")
    func between() {
        let pairs = zip(first.map(Double.init), second.map(Double.init))
        for alpha in [-2, -0.75, 0.3, 0.5, 4] {
            let expected = pairs.map { $1 + alpha * ($1 - $0) }
            let values = merged(.extrapolation(alpha: alpha)).doubles()
            for (value, number) in zip(values, expected) { #expect(abs(value - number) <= 1e-12 * (1 + abs(number))) }
            #expect(merged(.interpolation(alpha: 1 + alpha)).doubles() == values)
        }
    }

    @Test("What both have stays as it is, however far the point", arguments: [-7.3, 0.1, 0.3, 1e6])
    func equalNumbers(alpha: Double) {
        let same = Tensor([0.1, -3e-12, 12345.678, 3e38] as [Float])
        #expect(
            WeightLine.extrapolation(alpha: alpha)(from: same, to: same).converted(to: .float32).floats()
                == same.floats())
    }
}

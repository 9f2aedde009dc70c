import Testing
import Torch

@Suite struct TensorTests {
    @Test("elements go in and come out in order, whatever the view")
    func roundTrip() {
        let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(tensor.shape == [2, 3] && tensor.rank == 2 && tensor.count == 6)
        #expect(tensor.transposed(0, 1).floats() == [1, 4, 2, 5, 3, 6])
        #expect(tensor.narrowed(1, 1..<3).doubles() == [2, 3, 5, 6])
        #expect(tensor.converted(to: .int64).integers() == [1, 2, 3, 4, 5, 6])
        #expect(tensor.selecting(Tensor([1, 0, 1] as [Int64])).floats() == [4, 5, 6, 1, 2, 3, 4, 5, 6])
        #expect(Tensor(indices: [3, 1] as [Int32]).integers() == [3, 1])
        #expect(Tensor([] as [Float], shape: [0, 4]).floats().isEmpty)
    }

    @Test("sums into groups gather rows and their gradients")
    func groups() {
        let evaluation = Evaluation([([1, 2, 3, 4, 5], [5])]) {
            $0[0].summed(intoGroups: Tensor([2, 0, 2, 2, 0] as [Int64]), count: 4)
        }
        #expect(evaluation.value == [7, 0, 8, 0])
        let gradient = evaluation.gradients[0]
        #expect(gradient[0] == gradient[2] && gradient[2] == gradient[3] && gradient[1] == gradient[4])
        #expect(gradient[0] != gradient[1])
    }

    @Test("nothing is recorded inside withoutGradients, nor after detaching, and recording comes back")
    func recording() {
        let leaves = Leaves([([1, 2], [2])])
        #expect(withoutGradients { leaves[0] * 2 }.requiresGradient == false)
        #expect(leaves[0].detached().requiresGradient == false)
        #expect((leaves[0] * 2).requiresGradient)
    }

    @Test("normal variates depend on the seed alone")
    func normal() {
        let draw = { (seed: UInt64) -> [Float] in
            let tensor = Tensor.zeros([10_000])
            tensor.fillNormal(mean: 1, deviation: 0.5, seed: seed)
            return tensor.floats()
        }
        let values = draw(3)
        #expect(values == draw(3) && values != draw(4))
        let mean = values.reduce(0.0) { $0 + Double($1) } / 10_000
        let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 10_000
        #expect(abs(mean - 1) < 0.02 && abs(variance.squareRoot() - 0.5) < 0.02)
    }
}

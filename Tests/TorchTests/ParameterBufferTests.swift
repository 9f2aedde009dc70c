import Testing
import Torch

@Suite struct ParameterBufferTests {
    private func declared(_ name: String, _ shape: [Int], decays: Bool) -> ParameterBuffer.Declaration {
        ParameterBuffer.Declaration(name: name, shape: shape, decays: decays)
    }

    @Test("parameters with decay come first, on 64-byte boundaries, and padding is not counted")
    func layout() {
        let buffer = ParameterBuffer(
            [
                declared("norm", [3], decays: false), declared("matrix", [4, 5], decays: true),
                declared("other", [16], decays: true),
            ], trainable: true)
        #expect(buffer.placements.map(\.declaration.name) == ["matrix", "other", "norm"])
        #expect(buffer.placements.map(\.offset) == [0, 32, 48])
        #expect(buffer.decayedCount == 48 && buffer.count == 64 && buffer.parameterCount == 39)
    }

    @Test("parameters are views: a change of the flat values is a change of the parameter")
    func views() {
        let buffer = ParameterBuffer([declared("a", [2, 2], decays: true)], trainable: false)
        buffer.values.narrowed(0, 1..<3).fill(7)
        #expect(buffer["a"].floats() == [0, 7, 7, 0])
        #expect(!buffer["a"].requiresGradient && buffer.gradients == nil)
    }

    @Test("gradients of several backward passes, and of a parameter used twice, add up in the flat buffer")
    func gradientsInPlace() {
        let buffer = ParameterBuffer(
            [declared("table", [3, 2], decays: true), declared("bias", [3], decays: false)], trainable: true)
        buffer["table"].detached().copy(from: Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]))
        let loss = { () -> Tensor in
            // Tied: the table embeds and is the output projection. Row 1 in, all logits out, summed.
            let hidden = buffer["table"].embedding(Tensor([1] as [Int64]))
            return hidden.linear(buffer["table"], bias: buffer["bias"]).sum()
        }
        // d sum_j (e_1 · e_j) = for every row e_1, plus for row 1 the sum of all rows.
        let table: [Float] = [3, 4, 3 + 9, 4 + 12, 3, 4]
        let flat = buffer.gradients
        loss().backward()
        #expect(flat?.narrowed(0, 0..<6).floats() == table)
        #expect(flat?.narrowed(0, 16..<19).floats() == [1, 1, 1])
        loss().backward()
        #expect(flat?.narrowed(0, 0..<6).floats() == table.map { 2 * $0 })
        #expect(flat?.narrowed(0, 6..<16).floats() == [Float](repeating: 0, count: 10))
        buffer.clearGradients()
        #expect(flat?.norm() == 0)
        loss().backward()
        #expect(flat?.narrowed(0, 0..<6).floats() == table)
    }

    @Test("a tied table gathers gradients of the fused log-probabilities and of the embedding")
    func tiedThroughLogps() {
        var source = NumberSource(41)
        let table = source.leaf([12, 6])
        let targets = Tensor([3, 4, 3] as [Int64])
        let tied = Evaluation([table]) {
            $0[0].embedding(Tensor([1, 2, 3] as [Int64])).logps(ofTargets: targets, vocabulary: $0[0]).logps
        }
        let untied = Evaluation([table, table]) {
            $0[0].embedding(Tensor([1, 2, 3] as [Int64])).logps(ofTargets: targets, vocabulary: $0[1]).logps
        }
        #expect(relativeDifference(tied.gradients[0], zip(untied.gradients[0], untied.gradients[1]).map(+)) < 1e-6)
    }

    @Test("clipping scales gradients to the largest norm, leaves smaller ones, and is judged by the norm of all")
    func clipping() {
        let buffer = ParameterBuffer(
            [declared("a", [2], decays: true), declared("b", [1], decays: false)], trainable: true)
        let set = { (a: [Float], b: Float) in
            buffer.gradients?.narrowed(0, 0..<2).copy(from: Tensor(a))
            buffer.gradients?.narrowed(0, 16..<17).fill(Double(b))
        }
        set([2, 3], 6)
        #expect(buffer.gradientNorm() == 7)
        let factor = buffer.clipGradients(maxNorm: 3.5, norm: 7)
        #expect(abs(factor - 3.5 / 7.000001) < 1e-12)
        #expect(abs(buffer.gradientNorm() - 3.5) < 1e-5)
        set([2, 3], 6)
        #expect(buffer.clipGradients(maxNorm: 8, norm: 7) == 1)
        #expect(buffer.gradientNorm() == 7)
        set([2, .nan], 6)
        #expect(!buffer.gradientNorm().isFinite)
        set([2, .infinity], 6)
        #expect(!buffer.gradientNorm().isFinite)
    }
}

import Testing
import Torch

@Suite struct ParameterGroupTests {
    private func declared(_ name: String, _ shape: [Int], decays: Bool) -> ParameterGroup.Declaration {
        ParameterGroup.Declaration(name: name, shape: shape, decays: decays)
    }

    @Test("parameters with decay come first, on 64-byte boundaries, and padding is not counted")
    func layout() {
        let group = ParameterGroup(
            "model",
            [
                declared("norm", [3], decays: false), declared("matrix", [4, 5], decays: true),
                declared("other", [16], decays: true),
            ], trainable: true)
        #expect(group.entries.map(\.declaration.name) == ["matrix", "other", "norm"])
        #expect(group.entries.map(\.offset) == [0, 32, 48])
        #expect(group.decayedCount == 48 && group.count == 64 && group.parameterCount == 39)
    }

    @Test("parameters are views: a change of the flat values is a change of the parameter")
    func views() {
        let group = ParameterGroup("model", [declared("a", [2, 2], decays: true)], trainable: false)
        group.values.narrowed(0, 1..<3).fill(7)
        #expect(group["a"].floats() == [0, 7, 7, 0])
        #expect(!group["a"].requiresGradient && group.gradients == nil)
    }

    @Test("gradients of several backward passes, and of a parameter used twice, add up in the flat buffer")
    func gradientsInPlace() {
        let group = ParameterGroup(
            "model",
            [declared("table", [3, 2], decays: true), declared("bias", [3], decays: false)], trainable: true)
        group["table"].detached().copy(from: Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]))
        let loss = { () -> Tensor in
            // Tied: the table embeds and is the output projection. Row 1 in, all logits out, summed.
            let hidden = group["table"].embedding(Tensor([1] as [Int64]))
            return hidden.linear(group["table"], bias: group["bias"]).sum()
        }
        // d sum_j (e_1 · e_j) = for every row e_1, plus for row 1 the sum of all rows.
        let table: [Float] = [3, 4, 3 + 9, 4 + 12, 3, 4]
        let flat = group.gradients
        loss().backward()
        #expect(flat?.narrowed(0, 0..<6).floats() == table)
        #expect(flat?.narrowed(0, 16..<19).floats() == [1, 1, 1])
        loss().backward()
        #expect(flat?.narrowed(0, 0..<6).floats() == table.map { 2 * $0 })
        #expect(flat?.narrowed(0, 6..<16).floats() == [Float](repeating: 0, count: 10))
        ParameterStore([group]).clearGradients()
        #expect(flat?.norm() == 0)
        loss().backward()
        #expect(flat?.narrowed(0, 0..<6).floats() == table)
    }

    @Test("a part of a parameter is a view, and its gradient goes to that part alone")
    func parts() {
        let group = ParameterGroup(
            "model", [declared("a", [3], decays: true), declared("b", [3, 2, 2], decays: true)], trainable: true)
        let part = group.part(of: "b", at: 1)
        group.values.narrowed(0, 20..<24).fill(7)
        #expect(part.shape == [2, 2] && part.floats() == [7, 7, 7, 7])
        #expect(group["b"].floats() == [Float](repeating: 0, count: 4) + part.floats() + [0, 0, 0, 0])
        (part * 3).sum().backward()
        #expect(group.gradients?.narrowed(0, 16..<28).floats() == [0, 0, 0, 0, 3, 3, 3, 3, 0, 0, 0, 0])
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
}

import Testing
import Torch

@Suite struct SlicedOptimizerTests {
    private func store() -> ParameterStore {
        let group = ParameterGroup(
            "model",
            [.init(name: "matrix", shape: [13, 7], decays: true), .init(name: "bias", shape: [50], decays: false)],
            trainable: true)
        var source = NumberSource(61)
        group.values.copy(from: Tensor(source.floats(group.count)))
        return ParameterStore([group])
    }

    @Test("slices lie side by side on 64-byte boundaries and cover the buffer", arguments: [1, 2, 3, 5, 40])
    func slices(count: Int) {
        let store = store()
        let slices = store.slices(count)
        #expect(slices.count == count)
        #expect(slices.flatMap { Array($0) } == Array(0..<store.trainedCount))
        #expect(slices.allSatisfy { $0.lowerBound.isMultiple(of: 16) })
        #expect((slices.map(\.count).max() ?? 0) - (slices.map(\.count).min() ?? 0) <= 16)
    }

    @Test("optimizers of slices together make the bits of one that has all, and leave the rest alone")
    func sameBits() {
        let (whole, sliced) = (store(), store())
        let options = AdamW.Options(weightDecay: 0.1)
        let optimizer = AdamW(whole, options: options)
        let parts = sliced.slices(3).map { AdamW(sliced, options: options, slice: $0) }
        var source = NumberSource(62)
        for _ in 0..<4 {
            let gradients = Tensor(source.floats(whole.trainedCount))
            whole.groups[0].gradients?.copy(from: gradients)
            sliced.groups[0].gradients?.copy(from: gradients)
            optimizer.update(learningRate: 0.01)
            let before = sliced.groups[0].values.floats()
            for part in parts { part.update(learningRate: 0.01) }
            #expect(before != sliced.groups[0].values.floats())
            #expect(sliced.groups[0].values.floats() == whole.groups[0].values.floats())
        }
        #expect(parts.flatMap { $0.firstMoments.floats() } == optimizer.firstMoments.floats())
        #expect(parts.flatMap { $0.secondMoments.floats() } == optimizer.secondMoments.floats())
        let before = sliced.groups[0].values.floats()
        parts[1].update(learningRate: 0.01)
        let changed = zip(before, sliced.groups[0].values.floats()).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        #expect(!changed.isEmpty && changed.allSatisfy(parts[1].slice.contains))
    }
}

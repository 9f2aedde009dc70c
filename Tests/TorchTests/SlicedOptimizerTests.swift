import Testing
import Torch

@Suite struct SlicedOptimizerTests {
    private func buffer() -> ParameterBuffer {
        let buffer = ParameterBuffer(
            [.init(name: "matrix", shape: [13, 7], decays: true), .init(name: "bias", shape: [50], decays: false)],
            trainable: true)
        var source = NumberSource(61)
        buffer.values.copy(from: Tensor(source.floats(buffer.count)))
        return buffer
    }

    @Test("slices lie side by side on 64-byte boundaries and cover the buffer", arguments: [1, 2, 3, 5, 40])
    func slices(count: Int) {
        let buffer = buffer()
        let slices = buffer.slices(count)
        #expect(slices.count == count)
        #expect(slices.flatMap { Array($0) } == Array(0..<buffer.count))
        #expect(slices.allSatisfy { $0.lowerBound.isMultiple(of: 16) })
        #expect((slices.map(\.count).max() ?? 0) - (slices.map(\.count).min() ?? 0) <= 16)
    }

    @Test("optimizers of slices together make the bits of one that has all, and leave the rest alone")
    func sameBits() {
        let (whole, sliced) = (buffer(), buffer())
        let options = AdamW.Options(weightDecay: 0.1)
        let optimizer = AdamW(whole, options: options)
        let parts = sliced.slices(3).map { AdamW(sliced, options: options, slice: $0) }
        var source = NumberSource(62)
        for _ in 0..<4 {
            let gradients = Tensor(source.floats(whole.count))
            whole.gradients?.copy(from: gradients)
            sliced.gradients?.copy(from: gradients)
            optimizer.update(learningRate: 0.01)
            let before = sliced.values.floats()
            for part in parts { part.update(learningRate: 0.01) }
            #expect(before != sliced.values.floats())
            #expect(sliced.values.floats() == whole.values.floats())
        }
        #expect(parts.flatMap { $0.firstMoments.floats() } == optimizer.firstMoments.floats())
        #expect(parts.flatMap { $0.secondMoments.floats() } == optimizer.secondMoments.floats())
        let before = sliced.values.floats()
        parts[1].update(learningRate: 0.01)
        let changed = zip(before, sliced.values.floats()).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        #expect(!changed.isEmpty && changed.allSatisfy(parts[1].slice.contains))
    }
}

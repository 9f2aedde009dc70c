import Foundation
import Testing
import Torch

@Suite struct ThreadTests {
    @Test("pieces of work are handed to all threads, each once", arguments: [1, 2, 3])
    func allThreads(count: Int) {
        let begun = Begun()
        let taken = withThreads([count]) {
            TorchRuntime.threadsTakingPart(count: 12) {
                begun.add($0)
                // Pieces last until as many have begun as there are threads; one that is missing lets time run out.
                let end = Date(timeIntervalSinceNow: 2)
                while begun.indices.count < count, Date() < end { Thread.sleep(forTimeInterval: 0.001) }
            }
        }
        #expect(taken == [count])
        #expect(begun.indices.sorted() == Array(0..<12))
    }

    @Test("fused operators give the same bits on one thread and on two")
    func sameBits() {
        var source = NumberSource(31)
        let norm = [source.leaf([500, 64]), source.leaf([64])]
        let gate = [source.leaf([70_000]), source.leaf([70_000])]
        let attention = [source.leaf([1400, 4, 16]), source.leaf([1400, 2, 16]), source.leaf([1400, 2, 16])]
        let segments = [
            AttentionSegment(rows: 0..<600), AttentionSegment(rows: 600..<1200, prefix: 0..<600),
            AttentionSegment(rows: 1200..<1400),
        ]
        let results = withThreads([1, 2]) {
            [
                Evaluation(norm) { $0[0].rmsNorm($0[1], epsilon: 1e-5) },
                Evaluation(gate) { $0[0].siluGate($0[1]) },
                Evaluation(attention) { $0[0].attention($0[1], $0[2], segments: segments, .init(scale: 0.25)) },
            ]
        }
        for (one, two) in zip(results[0], results[1]) {
            #expect(one.value == two.value)
            #expect(one.gradients == two.gradients)
        }
    }

    @Test("log-probabilities have the same bits on one thread and on two; the library sums up the weight's gradient")
    func logps() {
        var source = NumberSource(32)
        let leaves = [source.leaf([100, 16]), source.leaf([3000, 16])]
        let targets = Tensor((0..<100).map { Int64($0 * 7) })
        let results = withThreads([1, 2]) {
            Evaluation(leaves) { $0[0].logps(ofTargets: targets, vocabulary: $0[1]).logps }
        }
        #expect(results[0].value == results[1].value && results[0].gradients[0] == results[1].gradients[0])
        #expect(results[1].difference(to: results[0]) < 1e-6)
    }

    @Test("a norm has the same bits on any number of threads, and is exact where float32 sums are not")
    func norm() {
        let large = Tensor.full(1, [1 << 25])
        #expect(withThreads([1, 2, 3]) { large.norm() } == [Double](repeating: 5792.618751480198, count: 3))
        var source = NumberSource(33)
        let values = source.floats(200_001)
        let exact = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let norms = withThreads([1, 2]) { Tensor(values).norm() }
        #expect(norms[0] == norms[1] && abs(norms[0] - exact) < 1e-12 * exact)
        #expect(!Tensor([1, .infinity] as [Float]).norm().isFinite)
        #expect(!Tensor([1, .nan] as [Float]).norm().isFinite)
    }

    @Test("the library's threads are found, and where they are not, more than one thread is warned about")
    func warning() {
        #expect(TorchRuntime.warning(threads: 2) == nil)
        #expect(TorchRuntime.warning(threads: 1, findsThreads: false) == nil)
        #expect(TorchRuntime.warning(threads: 2, findsThreads: false)?.contains("one thread of 2") == true)
    }

    @Test("a checksum tells one bit, two numbers in each other's place and a length, on any number of threads")
    func checksum() {
        let buffer = ParameterGroup("model", [.init(name: "a", shape: [600_000], decays: true)], trainable: false)
        buffer.values.withStagedFloats(for: .updating) { floats in
            for index in floats.indices { floats[index] = Float(index % 1013) * 0.37 }
        }
        let sums = withThreads([1, 2]) { buffer.checksum }
        #expect(sums[0] == sums[1])
        let shorter = ParameterGroup("model", [.init(name: "a", shape: [599_984], decays: true)], trainable: false)
        #expect(shorter.checksum != buffer.checksum)
        for (first, second) in [(0, 32), (5, 6), (100, 300_000), (262_143, 262_144), (599_998, 599_999)] {
            let changed = buffer.values.withStagedFloats(for: .updating) { floats in
                floats.swapAt(first, second)
                defer { floats.swapAt(first, second) }
                return buffer.checksum
            }
            #expect(changed != sums[0], "\(first), \(second)")
            let flipped = buffer.values.withStagedFloats(for: .updating) { floats in
                let value = floats[first]
                floats[first] = Float(bitPattern: value.bitPattern ^ 1)
                defer { floats[first] = value }
                return buffer.checksum
            }
            #expect(flipped != sums[0], "\(first)")
        }
        #expect(buffer.checksum == sums[0])
    }

    private final class Begun: @unchecked Sendable {
        private let lock = NSLock()
        private var seen: [Int] = []
        func add(_ index: Int) { lock.withLock { seen.append(index) } }
        var indices: [Int] { lock.withLock { seen } }
    }
}

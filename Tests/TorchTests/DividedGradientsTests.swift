import Testing
import Torch

@Suite("Gradients by blocks and buckets")
struct DividedGradientsTests {
    private typealias Declaration = ParameterGroup.Declaration

    /// Two trained groups of several blocks, of which the last ones are short.
    private func store() -> ParameterStore {
        ParameterStore([
            ParameterGroup(
                "body",
                [
                    Declaration(name: "embedding", shape: [600, 256], decays: true),
                    Declaration(name: "layers.0.norm", shape: [20], decays: false),
                    Declaration(name: "layers.0.matrix", shape: [30, 10], decays: true),
                    Declaration(name: "layers.1.norm", shape: [20], decays: false),
                    Declaration(name: "layers.1.experts.2.matrix", shape: [30, 10], decays: true),
                    Declaration(name: "layers.1.experts.3.matrix", shape: [30, 10], decays: true),
                    Declaration(name: "norm", shape: [20], decays: false),
                ], trainable: true),
            ParameterGroup("head", [Declaration(name: "head", shape: [70, 1000], decays: true)], trainable: true),
        ])
    }

    @Test(
        "Sums of squares of blocks make the bits of the norm, however the blocks are divided", arguments: [1, 2, 3, 9])
    func norm(parts: Int) throws {
        let store = store()
        for (index, group) in store.trained.enumerated() {
            try #require(group.gradients).fillNormal(deviation: 1, seed: UInt64(index))
        }
        let row = try Tensor(store.trained.flatMap { try #require($0.gradients).floats() })
        let slices = store.slicesOfBlocks(parts)
        #expect(slices.flatMap { Array($0) } == Array(0..<store.trainedCount))
        let edges = Set(store.squareBlocks.map(\.lowerBound) + [store.trainedCount])
        #expect(slices.allSatisfy { edges.contains($0.lowerBound) && edges.contains($0.upperBound) })
        let sums = slices.flatMap { store.squareSums(of: row.narrowed(0, $0), in: $0) }
        #expect(sums.count == store.squareBlocks.count && sums.count == 5)
        #expect(store.gradientNorm(squareSums: sums) == store.gradientNorm())
    }

    @Test("Slices of blocks are of nearly one length")
    func evenSlices() {
        let group = ParameterGroup(
            "body", [Declaration(name: "matrix", shape: [64, 65536], decays: true)], trainable: true)
        let counts = ParameterStore([group]).slicesOfBlocks(3).map { $0.count >> 16 }
        #expect(counts.sorted() == [21, 21, 22])
    }

    @Test("Buckets have whole layers in the order of a backward pass, and are joined while they are small")
    func buckets() {
        let store = store()
        let names = { (bucket: [Range<Int>]) -> [String] in
            store.trained[0].entries.filter { entry in bucket.contains { $0.contains(entry.offset) } }
                .map(\.declaration.name)
        }
        let apart = store.gradientBuckets(joinedUpTo: 0)
        #expect(
            apart.map(names) == [
                [], ["norm"], ["layers.1.experts.2.matrix", "layers.1.experts.3.matrix", "layers.1.norm"],
                ["layers.0.matrix", "layers.0.norm"], ["embedding"],
            ])
        #expect(apart.flatMap { $0.flatMap { Array($0) } }.sorted() == Array(0..<store.trainedCount))
        let joined = store.gradientBuckets(joinedUpTo: 1000)
        #expect(joined.map { names($0).count } == [0, 4, 2, 1])
    }

    @Test("Gradients that are handed on come as they are found, of parameters and their parts, and none is kept")
    func handedOn() {
        let group = ParameterGroup(
            "body",
            [
                Declaration(name: "a", shape: [3], decays: true), Declaration(name: "b", shape: [2, 2], decays: true),
                Declaration(name: "c", shape: [2], decays: true),
            ], trainable: true)
        let part = group.part(of: "b", at: 1)
        var found: [(elements: Range<Int>, gradient: [Float])] = []
        group.handOnGradients { found.append(($1, $0.floats())) }
        #expect(group.takesGradients && group.gradients == nil)
        for _ in 0..<2 {
            let first = group["a"] * Tensor([1, 2, 3] as [Float])
            let second = part * Tensor([4, 5] as [Float])
            (first.sum() + second.sum()).backward()
        }
        // What was computed last comes first.
        #expect(found.map(\.elements) == [18..<20, 0..<3, 18..<20, 0..<3])
        #expect(found.map(\.gradient) == [[4, 5], [1, 2, 3], [4, 5], [1, 2, 3]])
    }
}

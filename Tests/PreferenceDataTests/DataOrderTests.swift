import PreferenceData
import Testing

@Suite("Data order")
struct DataOrderTests {
    @Test("The generator is SplitMix64, and permutations are what an independent implementation in Python gives")
    func golden() {
        var random = SplitMix64()
        #expect(
            [random.next(), random.next(), random.next()] == [
                0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F,
            ])
        #expect(permutation(count: 10, seed: 42, epoch: 0) == [5, 1, 9, 6, 7, 2, 4, 0, 8, 3])
        #expect(permutation(count: 10, seed: 42, epoch: 1) == [6, 2, 0, 7, 8, 3, 9, 5, 4, 1])
        #expect(permutation(count: 10, seed: 43, epoch: 0) == [1, 5, 4, 3, 6, 9, 0, 7, 8, 2])
        #expect(permutation(count: 0, seed: 1, epoch: 0) == [])
    }

    @Test("Every permutation of four comes up about equally often")
    func uniform() {
        var counts: [[Int]: Int] = [:]
        for seed in 0..<24_000 { counts[permutation(count: 4, seed: UInt64(seed), epoch: 0), default: 0] += 1 }
        #expect(counts.count == 24)
        // Chi-square with 23 degrees of freedom; 49.7 is its 99.9 % point.
        let chiSquare = counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        #expect(chiSquare < 49.7)
    }

    @Test("An epoch's batches are every example once, the last one smaller unless it is dropped")
    func epochs() throws {
        for (count, size) in [(10, 3), (9, 3), (1, 1), (2, 5), (101, 16)] {
            let order = try DataOrder(count: count, batchSize: size, seed: 5)
            let given = order.batches
            #expect(order.stepsPerEpoch == (count + size - 1) / size)
            for epoch in 0..<3 {
                let batches = (0..<order.stepsPerEpoch).map { given.batch(atStep: epoch * order.stepsPerEpoch + $0) }
                #expect(batches.flatMap(\.self) == permutation(count: count, seed: 5, epoch: epoch))
                #expect(batches.dropLast().allSatisfy { $0.count == size })
            }
        }
        let dropping = try DataOrder(count: 10, batchSize: 3, seed: 5, dropsLast: true)
        #expect(dropping.stepsPerEpoch == 3 && dropping.batches.batch(atStep: 2).count == 3)
        #expect(dropping.position(ofStep: 7) == DataOrder.Position(epoch: 2, step: 1))
        let plain = try DataOrder(count: 5, batchSize: 2, seed: 5, shuffles: false)
        #expect((0..<4).map { plain.batches.batch(atStep: $0) } == [[0, 1], [2, 3], [4], [0, 1]])
    }

    @Test("A batch is the same whichever steps were asked for before, as after a resume or a step back")
    func anyOrder() throws {
        let order = try DataOrder(count: 20, batchSize: 6, seed: 9)
        let given = order.batches
        for step in [0, 9, 3, 4, 3, 0] { #expect(given.batch(atStep: step) == order.batches.batch(atStep: step)) }
    }

    @Test("All steps of a long epoch take no longer than a few permutations")
    func longEpoch() throws {
        let order = try DataOrder(count: 100_000, batchSize: 8, seed: 9)
        let clock = ContinuousClock()
        let one = clock.measure { #expect(permutation(count: order.count, seed: 9, epoch: 0).count == order.count) }
        let given = order.batches
        let all = clock.measure {
            #expect((0..<order.stepsPerEpoch).reduce(0) { $0 + given.batch(atStep: $1).count } == order.count)
        }
        // A permutation a step would make it 12,500 of them.
        #expect(all < one * 100)
    }

    @Test("What steps take together is counted as it is, short batches too", arguments: [false, true])
    func taken(dropsLast: Bool) throws {
        for (count, size) in [(10, 3), (9, 3), (5, 5), (101, 16)] + (dropsLast ? [] : [(2, 5)]) {
            let order = try DataOrder(count: count, batchSize: size, seed: 5, dropsLast: dropsLast)
            let batches = order.batches
            var taken = 0
            for step in 0..<3 * order.stepsPerEpoch {
                #expect(order.examplesTaken(by: step) == taken)
                taken += batches.batch(atStep: step).count
            }
        }
    }

    @Test("Batch sizes that give no step are refused")
    func refused() {
        #expect(
            message { _ = try DataOrder(count: 5, batchSize: 0, seed: 0) }
                == "train_batch_size: 0 is not a positive number")
        #expect(
            message { _ = try DataOrder(count: 5, batchSize: 6, seed: 0, dropsLast: true) }
                .hasPrefix("train_batch_size: 6 is more than the 5 examples there are"))
    }
}

import Foundation
import MPI
import Runs
import TestSupport
import Testing
import Torch
import Training

@Suite("Updates of parameters in several groups")
struct ParameterUpdaterTests {
    /// A frozen base and two trained groups, with the same numbers each time.
    private func store() -> ParameterStore {
        let groups = ["base", "adapters", "head"].map { name in
            ParameterGroup(
                name,
                [
                    .init(name: "\(name).matrix", shape: [3, 7], decays: true),
                    .init(name: "\(name).bias", shape: [5], decays: false),
                ], isFrozen: name == "base", trainable: true)
        }
        for (index, group) in groups.enumerated() {
            for placement in group.entries {
                group[placement.declaration.name].detached().fillNormal(deviation: 1, seed: UInt64(index))
            }
        }
        return ParameterStore(groups)
    }

    private func updater(_ store: ParameterStore, zero: Int) throws -> ParameterUpdater {
        var options = OptimizerOptions(learningRate: 0.01)
        (options.weightDecay, options.maxGradNorm, options.zero) = (0.1, 0.5, zero)
        return ParameterUpdater(store, options, totalSteps: 8, communicator: try MPIRuntime().world)
    }

    /// A loss whose gradients depend on the step alone.
    private func loss(_ store: ParameterStore, _ number: Int) -> Tensor {
        let terms = store.trained.flatMap(\.entries).enumerated().map { index, entry in
            let slopes = Tensor.zeros(entry.declaration.shape)
            slopes.fillNormal(deviation: 1, seed: UInt64(100 * number + index))
            return (store[entry.declaration.name] * slopes).sum()
        }
        return terms.dropFirst().reduce(terms[0], +)
    }

    /// Adds the gradients of a step, and lets the updater go down them.
    private func step(_ updater: ParameterUpdater, _ number: Int) throws -> ParameterUpdater.Update {
        try updater.backward(loss(updater.parameters, number))
        try updater.finishBackward()
        return try #require(try updater.step(at: number))
    }

    @Test(
        "A step that is left out leaves no gradient to the next, on a rank without a micro-batch too",
        arguments: [0, 2])
    func leftOut(zero: Int) throws {
        let updater = try updater(store(), zero: zero)
        try updater.backward(loss(updater.parameters, 0))
        try updater.finishBackward()
        #expect(try updater.reduceGradients() > 0)
        let search = NonFiniteSearch(updaters: [updater], communicator: updater.communicator)
        _ = try search.cause(in: [], examples: "pairs", losses: { _ in [] }, name: { "\($0)" })
        #expect(try updater.reduceGradients() == 0)
    }

    @Test(
        "The frozen group keeps its bits, the others learn, and divided moments and gradients make the same ones",
        arguments: [0, 1, 2])
    func steps(zero: Int) throws {
        let (start, whole, store) = (store(), store(), store())
        let (updater, reference) = (try updater(store, zero: zero), try updater(whole, zero: 0))
        for number in 0..<3 {
            let (update, expected) = (try step(updater, number), try step(reference, number))
            #expect(update.gradientNorm == expected.gradientNorm && update.gradientNorm > 0.5)
            #expect(try updater.reduceGradients() == 0)
        }
        for (index, group) in store.groups.enumerated() {
            let values = group.values.floats()
            #expect((values == start.groups[index].values.floats()) == group.isFrozen, "\(group.name)")
            #expect(values == whole.groups[index].values.floats(), "\(group.name)")
        }
        #expect(store.isFinite && store.checksum == whole.checksum && store.checksum != start.checksum)
        // Two moments of two groups, and the values of three.
        #expect(updater.stateBytes == 4 * (3 * 48 + 2 * 2 * 48))
    }

    @Test("A step whose gradient is not finite in any group changes nothing", arguments: [0, 2])
    func notFinite(zero: Int) throws {
        let store = store()
        let updater = try updater(store, zero: zero)
        let before = store.groups.map { $0.values.floats() }
        let bad = (store["head.bias"] * Tensor([0, .nan, 0, 0, 0] as [Float])).sum()
        #expect(!updater.areGradientsFinite { bad.backward() })
        #expect(updater.areGradientsFinite { loss(store, 0).backward() })
        try updater.backward(loss(store, 0))
        try updater.backward((store["head.bias"] * Tensor([0, .nan, 0, 0, 0] as [Float])).sum())
        #expect(try updater.step(at: 0) == nil)
        #expect(try store.groups.map { $0.values.floats() } == before && updater.reduceGradients() == 0)
    }

    @Test("Divided gradients are sums over passes, and those that come again in a pass are not lost")
    func repeated() throws {
        let plain = store(), store = store()
        let world = try MPIRuntime().world
        let divided = DividedGradients(store, over: world, tracer: Tracer(), bucketSize: 0)
        /// Each of two stretches, whose gradients come apart, reads the head, and the adapters lie between them.
        func pass(_ store: ParameterStore) {
            let head: (Tensor) -> Tensor = { ($0 * store["head.matrix"]) }
            let middle = Tensor.full(2, [3, 7]).recomputing(head) * store["adapters.matrix"]
            middle.recomputing(head).sum().backward()
        }
        for _ in 0..<2 {
            pass(plain)
            try divided.reduce { pass(store) }
        }
        #expect(divided.isHolding)
        try divided.reduce()
        #expect(!divided.isHolding)
        let expected = plain.trained.flatMap { $0.gradients?.floats() ?? [] }
        #expect(expected.contains { $0 != 0 } && zip(divided.sum.floats(), expected).allSatisfy { abs($0 - $1) < 1e-5 })
        divided.clear()
        #expect(try divided.norm() == 0)
    }

    @Test("Moments that are written and read again go on with the same bits", arguments: [0, 1, 2])
    func resumes(zero: Int) throws {
        let store = store()
        let updater = try updater(store, zero: zero)
        for number in 0..<2 { _ = try step(updater, number) }
        try TestSupport.withTemporaryDirectory { directory in
            try OptimizerFile.write(["model": updater], to: directory)
            let resumed = self.store()
            for (group, source) in zip(resumed.groups, store.groups) { group.values.copy(from: source.values) }
            let other = try self.updater(resumed, zero: zero)
            try OptimizerFile.read(["model": other.optimizer], from: directory)
            _ = (try step(updater, 2), try step(other, 2))
            #expect(resumed.groups.map { $0.values.floats() } == store.groups.map { $0.values.floats() })
        }
    }
}

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

    /// Leaves gradients that depend on the step, and lets the updater go down them.
    private func step(_ updater: ParameterUpdater, _ number: Int) throws -> ParameterUpdater.Update {
        for (index, group) in updater.parameters.trained.enumerated() {
            for (part, placement) in group.entries.enumerated() {
                group.gradients?.narrowed(0, placement.range)
                    .fillNormal(deviation: 1, seed: UInt64(100 * number + 10 * index + part))
            }
        }
        return try #require(try updater.step(at: number))
    }

    @Test(
        "The frozen group keeps its bits, the others learn, and divided moments make the same ones", arguments: [0, 1])
    func steps(zero: Int) throws {
        let (start, whole, store) = (store(), store(), store())
        let (updater, reference) = (try updater(store, zero: zero), try updater(whole, zero: 0))
        for number in 0..<3 {
            let (update, expected) = (try step(updater, number), try step(reference, number))
            #expect(update.gradientNorm == expected.gradientNorm && update.gradientNorm > 0.5)
            #expect(store.gradientNorm() == 0)
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

    @Test("A step whose gradient is not finite in any group changes nothing")
    func notFinite() throws {
        let store = store()
        let updater = try updater(store, zero: 0)
        let before = store.groups.map { $0.values.floats() }
        store.trained[1].gradients?.narrowed(0, 3..<4).fill(.nan)
        #expect(try updater.step(at: 0) == nil)
        #expect(store.groups.map { $0.values.floats() } == before && store.gradientNorm() == 0)
    }

    @Test("Moments that are written and read again go on with the same bits", arguments: [0, 1])
    func resumes(zero: Int) throws {
        let store = store()
        let updater = try updater(store, zero: zero)
        for number in 0..<2 { _ = try step(updater, number) }
        try TestSupport.withTemporaryDirectory { directory in
            let state = try #require(try updater.gatherState())
            #expect(state.firstMoments.count == 96 && state.step == 2)
            try OptimizerFile.write(["model": state], to: directory)
            let resumed = self.store()
            for (group, source) in zip(resumed.groups, store.groups) { group.values.copy(from: source.values) }
            let other = try self.updater(resumed, zero: zero)
            try OptimizerFile.read(["model": other.optimizer], from: directory)
            _ = (try step(updater, 2), try step(other, 2))
            #expect(resumed.groups.map { $0.values.floats() } == store.groups.map { $0.values.floats() })
        }
    }
}

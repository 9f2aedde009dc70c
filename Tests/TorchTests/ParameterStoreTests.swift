import Testing
import Torch

@Suite("A store of parameters in groups")
struct ParameterStoreTests {
    private typealias Declaration = ParameterGroup.Declaration

    /// A frozen base, and two trained groups on top of it, each with decayed and other parameters.
    private func store(trainable: Bool = true, order: [Int] = [0, 1, 2]) -> ParameterStore {
        let declarations = [
            [Declaration(name: "base", shape: [6, 4], decays: true), .init(name: "norm", shape: [4], decays: false)],
            [Declaration(name: "down", shape: [3, 6], decays: true), .init(name: "scale", shape: [3], decays: false)],
            [Declaration(name: "head", shape: [5, 7], decays: true), .init(name: "bias", shape: [20], decays: false)],
        ]
        var source = NumberSource(71)
        let groups = declarations.enumerated().map { index, declarations in
            let group = ParameterGroup(
                ["base", "adapters", "head"][index], declarations, isFrozen: index == 0, trainable: trainable)
            for entry in group.entries {
                let values = Tensor(source.floats(entry.count))
                group.values.narrowed(0, entry.range).copy(from: values)
            }
            return group
        }
        return ParameterStore(order.map { groups[$0] })
    }

    /// A store that holds the trained groups' parameters in a single group, in an order of its own.
    private func single(_ store: ParameterStore) -> ParameterStore {
        let group = ParameterGroup(
            "model", store.trained.flatMap { $0.entries.map(\.declaration) }, trainable: true)
        copy(from: store, to: group, \.values)
        return ParameterStore([group])
    }

    private func copy(
        from store: ParameterStore, to target: ParameterGroup, _ part: (ParameterGroup) -> Tensor?
    ) {
        for group in store.trained {
            for entry in group.entries {
                guard
                    let own = target.entries.first(where: { $0.declaration == entry.declaration }),
                    let source = part(group), let destination = part(target)
                else { continue }
                destination.narrowed(0, own.range).copy(from: source.narrowed(0, entry.range))
            }
        }
    }

    private func fillGradients(_ store: ParameterStore, _ source: inout NumberSource) {
        for group in store.trained {
            for entry in group.entries {
                group.gradients?.narrowed(0, entry.range).copy(from: Tensor(source.floats(entry.count)))
            }
        }
    }

    @Test("parameters are found by name in any group, and only those of trained groups take gradients")
    func groups() {
        let store = store()
        #expect(store.declarations.map(\.name) == ["base", "norm", "down", "scale", "head", "bias"])
        #expect(store.parameterCount == 28 + 21 + 55 && store.count == 48 + 48 + 80 && store.trainedCount == 128)
        #expect(store.trained.map(\.name) == ["adapters", "head"])
        #expect(store.groups[0].gradients == nil && !store["base"].requiresGradient && store["down"].requiresGradient)
        #expect(store.contains("bias") && !store.contains("adapters"))
        // Input [1, 4] through the base, a trained matrix and the head's first columns.
        let hidden = Tensor([1, 2, 3, 4] as [Float], shape: [1, 4]).linear(store["base"], bias: nil)
        hidden.linear(store["down"], bias: store["scale"]).sum().backward()
        let flat = store.trained[0].gradients
        #expect(flat?.narrowed(0, 0..<18).floats() == [[Float]](repeating: hidden.floats(), count: 3).flatMap(\.self))
        #expect(flat?.narrowed(0, 32..<35).floats() == [1, 1, 1])
        store.clearGradients()
        #expect(store.gradientNorm() == 0)
    }

    @Test("an optimizer step changes the trained groups, as if they were one, and no bit of a frozen one")
    func optimizer() throws {
        let store = store()
        let single = single(store)
        let options = AdamW.Options(weightDecay: 0.2)
        let (grouped, whole) = (AdamW(store, options: options), AdamW(single, options: options))
        #expect(grouped.firstMoments.count == 128 && grouped.slice == 0..<128)
        let frozen = store.groups[0].values.floats()
        var source = NumberSource(72)
        for _ in 0..<3 {
            fillGradients(store, &source)
            copy(from: store, to: single.groups[0]) { $0.gradients }
            let before = store.trained.map { $0.values.floats() }
            grouped.update(learningRate: 0.05)
            whole.update(learningRate: 0.05)
            #expect(zip(before, store.trained).allSatisfy { $0 != $1.values.floats() })
        }
        for name in ["down", "scale", "head", "bias"] {
            #expect(store[name].floats() == single[name].floats(), "\(name)")
        }
        #expect(store.groups[0].values.floats() == frozen && frozen.contains { $0 != 0 })
        // Moments lie group after group.
        let place = try #require(single.groups[0].entries.first { $0.declaration.name == "head" })
        #expect(
            grouped.firstMoments.narrowed(0, 48..<48 + 35).floats()
                == whole.firstMoments.narrowed(0, place.range).floats())
    }

    @Test("optimizers of slices that cross groups make the bits of one that has all", arguments: [2, 3, 4])
    func slices(count: Int) {
        let (whole, sliced) = (store(), store())
        let options = AdamW.Options(weightDecay: 0.1)
        let optimizer = AdamW(whole, options: options)
        let slices = sliced.slices(count)
        #expect(slices.flatMap { Array($0) } == Array(0..<128) && slices.allSatisfy { $0.lowerBound % 16 == 0 })
        #expect(slices.contains { sliced.parts(of: $0).count == 2 }, "a slice crosses groups")
        let parts = slices.map { AdamW(sliced, options: options, slice: $0) }
        var (first, second) = (NumberSource(73), NumberSource(73))
        for _ in 0..<3 {
            fillGradients(whole, &first)
            fillGradients(sliced, &second)
            optimizer.update(learningRate: 0.01)
            for part in parts { part.update(learningRate: 0.01) }
        }
        for (left, right) in zip(whole.groups, sliced.groups) { #expect(left.values.floats() == right.values.floats()) }
        #expect(parts.flatMap { $0.firstMoments.floats() } == optimizer.firstMoments.floats())
        #expect(parts.flatMap { $0.secondMoments.floats() } == optimizer.secondMoments.floats())
    }

    @Test("a slice's parts name each group that it meets and the elements there, and skip frozen groups")
    func parts() {
        let store = store(order: [1, 0, 2])
        let parts = store.parts(of: 32..<64)
        #expect(parts.map(\.group.name) == ["adapters", "head"] && parts.map(\.elements) == [32..<48, 0..<16])
        #expect(store.parts(of: 48..<48).isEmpty)
    }

    @Test("clipping scales gradients to the largest norm, leaves smaller ones, and is judged by the norm of all groups")
    func clipping() {
        let store = store()
        let set = { (scale: [Float], bias: Double) in
            store.trained[0].gradients?.narrowed(0, 32..<34).copy(from: Tensor(scale))
            store.trained[1].gradients?.narrowed(0, 48..<49).fill(bias)
        }
        set([2, 3], 6)
        #expect(abs(store.gradientNorm() - 7) < 1e-6)
        let factor = store.clipGradients(maxNorm: 3.5, norm: 7)
        #expect(abs(factor - 3.5 / 7.000001) < 1e-12)
        #expect(abs(store.gradientNorm() - 3.5) < 1e-5)
        set([2, 3], 6)
        #expect(store.clipGradients(maxNorm: 8, norm: 7) == 1)
        #expect(abs(store.gradientNorm() - 7) < 1e-6)
        for bad in [Float.nan, .infinity] {
            set([2, bad], 6)
            #expect(!store.gradientNorm().isFinite)
        }
        // One group alone has its own norm, to the bit.
        let one = ParameterStore([store.trained[1]])
        #expect(one.gradientNorm() == store.trained[1].gradients?.norm())
    }

    @Test("a checksum covers trained groups in their order, trained here or not, and no frozen one")
    func checksum() {
        let (store, other) = (store(), store(trainable: false))
        #expect(store.checksum == other.checksum)
        #expect(other.trained.count == 2 && other.trained.allSatisfy { $0.gradients == nil })
        #expect(store.checksum != self.store(order: [0, 2, 1]).checksum)
        #expect(store.checksum == self.store(order: [1, 2, 0]).checksum)
        other.groups[0].values.fill(3)
        #expect(store.checksum == other.checksum)
        other["bias"].fill(3)
        #expect(store.checksum != other.checksum)
        #expect(ParameterStore([store.trained[0]]).checksum == store.trained[0].checksum)
    }

    @Test("weights that are not finite are found in trained groups")
    func finiteness() {
        let store = store()
        #expect(store.isFinite)
        store.trained[1].values.narrowed(0, 50..<51).fill(.nan)
        #expect(!store.isFinite)
    }
}

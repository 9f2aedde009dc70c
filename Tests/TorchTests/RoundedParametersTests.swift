import Testing
import Torch

@Suite("Parameters that are rounded, and shares of what they are rounded from")
struct RoundedParametersTests {
    /// Two matrices of which one is rounded between others, and a bias.
    private func store(rounds: Bool = true, masters: WeightStorage.Share? = nil) -> ParameterStore {
        let group = ParameterGroup(
            "model",
            [
                .init(name: "table", shape: [7, 30], decays: true),
                .init(name: "matrix", shape: [300, 700], decays: true),
                .init(name: "head", shape: [3, 5], decays: true), .init(name: "bias", shape: [50], decays: false),
            ], trainable: true, rounding: rounds ? .init(["matrix"], to: .bfloat16) : nil)
        let store = ParameterStore([group], masters: masters)
        var source = NumberSource(61)
        for entry in group.entries {
            let numbers = Tensor(source.floats(entry.count), shape: entry.declaration.shape)
            store.set(entry.declaration.name) { $0.copy(from: numbers) }
        }
        return store
    }

    @Test("neighbours of one type share a buffer, and elements are counted through all")
    func runs() {
        let (group, whole) = (store().groups[0], store(rounds: false).groups[0])
        #expect(group.runs.map(\.values.type) == [.float32, .bfloat16, .float32])
        #expect(group.entries == whole.entries && group.count == whole.count)
        #expect(group.runs.flatMap { Array($0.elements) } == Array(0..<group.count))
        let across = group.entry("matrix").offset - 5..<group.entry("head").offset + 5
        let parts = group.values(of: across)
        #expect(parts.map(\.elements.count) == [5, across.count - 10, 5])
        #expect(
            parts[0].values.floats() + parts[2].values.floats()
                == whole.values.narrowed(0, across.lowerBound..<across.lowerBound + 5).floats()
                + whole.values.narrowed(0, across.upperBound - 5..<across.upperBound).floats())
    }

    @Test("a checksum tells one bit of any buffer")
    func checksum() {
        let store = store()
        var sums = [store.checksum]
        for name in ["table", "matrix", "bias"] {
            store[name].detached().reshaped([-1]).narrowed(0, 3..<4).fill(2)
            sums.append(store.checksum)
        }
        #expect(Set(sums).count == sums.count && store.isFinite)
        store["matrix"].detached().reshaped([-1]).narrowed(0, 3..<4).fill(.nan)
        #expect(!store.isFinite)
    }

    @Test("optimizers of shares make the numbers of one that has all in float32, and round them", arguments: [1, 2, 3])
    func updates(shares: Int) {
        let whole = store(rounds: false)
        let options = AdamW.Options(weightDecay: 0.1)
        let optimizer = AdamW(whole, options: options)
        let stores = (0..<shares).map { store(masters: .init($0, of: shares)) }
        let parts = stores.map { AdamW($0, options: options, slice: $0.masters?.slice) }
        var source = NumberSource(62)
        for _ in 0..<3 {
            let gradients = Tensor(source.floats(whole.trainedCount))
            whole.groups[0].gradients?.copy(from: gradients)
            optimizer.update(learningRate: 0.01)
            for part in parts { part.update(learningRate: 0.01, gradients: gradients.narrowed(0, part.slice)) }
        }
        #expect(stores.flatMap { $0.masters?.values.floats() ?? [] } == whole.groups[0].values.floats())
        for (store, part) in zip(stores, parts) {
            for run in store.groups[0].values(of: part.slice) {
                let numbers = whole.groups[0].values.narrowed(0, run.elements)
                #expect(run.values.floats() == numbers.converted(to: run.values.type).floats())
            }
        }
        if shares > 1 { #expect(parts.count { !$0.slice.isEmpty } > 1) }
    }

    @Test(
        "gradients of rounded parameters come in float32, summed over uses, and each bit of a row that is read often counts"
    )
    func gradients() {
        let store = store()
        var found: [Int: [Float]] = [:]
        store.groups[0].handOnGradients { gradient, elements in
            #expect(gradient.type == .float32)
            found[elements.lowerBound] = gradient.floats()
        }
        let rows = Tensor(indices: [Int32](repeating: 2, count: 300))
        let read = store["matrix"].embedding(rows)
        #expect(read.type == .bfloat16)
        let input = Tensor.full(1, [3, 700], .bfloat16)
        (read.converted(to: .float32).sum() + input.linear(store["matrix"]).converted(to: .float32).sum()).backward()
        let slopes = found[store.groups[0].entry("matrix").offset] ?? []
        // bfloat16 has no 303.
        #expect(slopes.count == 300 * 700 && slopes[2 * 700] == 303 && slopes[0] == 3)
    }
}

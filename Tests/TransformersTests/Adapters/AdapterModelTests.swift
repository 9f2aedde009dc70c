import TestSupport
import Testing
import Torch
import Transformers

@Suite("Models that are an adapter on a frozen base")
struct AdapterModelTests {
    private static let models = ["llama", "gpt2", "qwen2", "gemma2", "mixtral", "qwen3_moe", "gpt_oss"]
    private let rows: [[Int32]] = [[1, 7, 19, 34, 60, 2], [1, 9, 9, 100, 3, 44, 80, 21, 2]]

    private func fresh(
        _ name: String, dropout: Double = 0, trainable: Bool = false, on base: FrozenBase? = nil,
        _ change: (inout AdapterConfiguration) -> Void = { _ in }
    ) throws -> DecoderModel {
        let model = try ModelDirectory(TestSupport.fixture("models/\(name)"))
        var adapter = AdapterConfiguration()
        adapter.dropout = dropout
        change(&adapter)
        return try model.decoder(
            on: base ?? FrozenBase(model, placement: .float32), head: .languageModel,
            adding: AdapterLayout(adapter, for: model.configuration), trainable: trainable, seed: 3)
    }

    @Test(
        "A fresh adapter changes no bit of what its base says or draws; once it has changed it does", arguments: models)
    func freshAdapter(name: String) throws {
        let adapted = try fresh(name)
        let base = try ModelDirectory(TestSupport.fixture("models/\(name)"))
        let whole = try base.decoder(on: FrozenBase(base, placement: .float32), head: .languageModel, trainable: false)
        let requests = (0..<5).map { GenerationRequest(prompt: [1, 5, 9], stream: UInt64($0), maxNewTokens: 12) }
        func drawn(_ model: DecoderModel) throws -> [Completion] {
            try Generator(model, slots: 3).generate(requests, options: GenerationOptions(eosTokenIDs: [2]))
        }
        func said(_ model: DecoderModel) -> [[Float]] { model.outputs(of: rows).map { $0.floats() } }
        #expect(said(adapted) == said(whole))
        #expect(try drawn(adapted) == drawn(whole))
        adapted.adapterGroup.values.fillNormal(deviation: 0.2, seed: 9)
        #expect(said(adapted) != said(whole))
        #expect(try drawn(adapted).map(\.tokens) != drawn(whole).map(\.tokens))
    }

    @Test(
        "A fresh adapter that scales rows changes what its base says by rounding alone",
        arguments: ["llama", "gpt2", "qwen2"])
    func freshScaledRows(name: String) throws {
        let adapted = try fresh(name) { $0.isWeightDecomposed = true }
        let whole = try ModelDirectory(TestSupport.fixture("models/\(name)"))
            .decoder(head: .languageModel, trainable: false)
        #expect(largestDifference(adapted.outputs(of: rows), whole.outputs(of: rows)) < 1e-6)
    }

    @Test(
        "Models on one base share its tensors, and learn as those that have one each", arguments: ["llama", "mixtral"])
    func sharedBase(name: String) throws {
        let base = try FrozenBase(ModelDirectory(TestSupport.fixture("models/\(name)")), placement: .float32)
        let (first, second) = (
            try fresh(name, trainable: true, on: base), try fresh(name, trainable: true, on: base) { $0.rank = 3 }
        )
        let frozen = { (model: DecoderModel) in model.parameters.groups.filter(\.isFrozen).map(ObjectIdentifier.init) }
        #expect(frozen(first) == frozen(second))
        #expect(first.parameters.trained.map(\.name) == ["adapter"])
        let apart = try fresh(name, trainable: true)
        #expect(frozen(first) != frozen(apart))
        for model in [first, second, apart] {
            model.adapterGroup.values.fillNormal(deviation: 0.1, seed: 4)
            model.total(of: rows).backward()
        }
        #expect(try #require(first.adapterGroup.gradients).floats() == #require(apart.adapterGroup.gradients).floats())
        let untouched = try FrozenBase(ModelDirectory(TestSupport.fixture("models/\(name)")), placement: .float32)
        let values = { (base: FrozenBase) in try self.fresh(name, on: base).parameters.groups[0].values.floats() }
        #expect(try values(base) == values(untouched))
    }

    @Test(
        "Layers that are recomputed give the same bits of every gradient, the first one's and under dropout too",
        arguments: models)
    func recomputed(name: String) throws {
        let drops = name != "mixtral" && name != "qwen3_moe"
        func gradients(_ recomputes: Bool) throws -> (all: [Float], first: [Double]) {
            let model = try fresh(name, dropout: drops ? 0.2 : 0, trainable: true)
            model.adapterGroup.values.fillNormal(deviation: 0.1, seed: 4)
            model.dropoutSeed = 11
            model.recomputesActivations = recomputes
            model.total(of: rows).backward()
            let gradients = try #require(model.adapterGroup.gradients)
            let first = model.adapterGroup.entries.filter { $0.declaration.name.contains(".0.") }
            return (gradients.floats(), first.map { gradients.narrowed(0, $0.range).norm() })
        }
        let (kept, anew) = (try gradients(false), try gradients(true))
        #expect(kept.all == anew.all)
        #expect(!kept.first.isEmpty && kept.first.allSatisfy { $0 > 0 })
    }

    @Test(
        "What dropout leaves out follows from tokens and seed, not from the rows beside or where they lie",
        arguments: ["llama", "gpt2"])
    func dropout(name: String) throws {
        let model = try fresh(name, dropout: 0.3)
        model.adapterGroup.values.fillNormal(deviation: 0.1, seed: 4)
        func logps(_ sequences: [[Int32]], seed: UInt64?, sharing prefix: Int = 0) -> [[Float]] {
            model.dropoutSeed = seed
            var (packed, predictions) = (PackedRows(), PredictedTokens())
            let shared = packed.append(sequences[0].prefix(prefix))
            for (index, tokens) in sequences.enumerated() {
                let range = packed.append(tokens.dropFirst(prefix), after: shared)
                let start = prefix == 0 ? range.lowerBound : range.lowerBound - 1
                if prefix == 0 {
                    predictions.append(tokens.dropFirst(), in: range.dropFirst(), promptEnd: start, sequence: index)
                } else {
                    predictions.append(
                        tokens.dropFirst(prefix), in: range, promptEnd: shared.upperBound - 1, sequence: index)
                }
            }
            let all = withoutGradients { model.tokenLogps(packed, predictions: predictions).logps.floats() }
            return sequences.indices.map { index in
                zip(all, predictions.sequences).filter { $1 == index }.map(\.0)
            }
        }
        let together = logps(rows, seed: 5)
        #expect(logps([rows[1]], seed: 5)[0] == together[1])
        #expect(logps([rows[1], rows[0]], seed: 5)[1] == together[0])
        #expect(logps(rows, seed: 6) != together)
        // A prompt that two answers share is computed once, and is left out of as in each of them.
        let pair: [[Int32]] = [[1, 7, 19, 34, 60, 2], [1, 7, 19, 80, 81, 82, 2]]
        let apart = logps(pair, seed: 5)
        for (shared, whole) in zip(logps(pair, seed: 5, sharing: 3), apart) {
            #expect(zip(shared, whole.dropFirst(2)).allSatisfy { abs($0 - $1) < 1e-5 })
        }
        // Without a seed, as in evaluation, nothing is.
        let still = try fresh(name)
        still.adapterGroup.values.copy(from: model.adapterGroup.values)
        let whole = zip(rows, logps(rows, seed: nil)).map { tokens, logps in
            var (packed, predictions) = (PackedRows(), PredictedTokens())
            let range = packed.append(tokens)
            predictions.append(tokens.dropFirst(), in: range.dropFirst(), promptEnd: range.lowerBound, sequence: 0)
            return withoutGradients { still.tokenLogps(packed, predictions: predictions).logps.floats() } == logps
        }
        #expect(whole == [true, true])
    }

    @Test(
        "On a base in bfloat16 an adapter errs about as far as merged into it",
        arguments: ["llama-plain", "qwen2-plain", "gpt_oss-parameters", "mixtral-plain"])
    func half(name: String) throws {
        let fixture = try AdapterFixture(name)
        let exact = try fixture.outputs()
        let half = try fixture.decoder(Placement(.bfloat16)).outputs(of: fixture.rows)
        let merged = try fixture.directory.decoder(
            head: .languageModel, trainable: false, placement: Placement(.bfloat16)
        ).outputs(of: fixture.rows)
        // The middle one of all tokens: of a few, rounding changes the experts that are chosen.
        let error = { (found: [Tensor]) in
            let errors = zip(found, exact).flatMap { ($0 - $1).square().sum(1).floats() }.sorted()
            return Double(errors[errors.count / 2]).squareRoot()
        }
        #expect(error(half) < 2 * error(merged), "\(error(half)), \(error(merged))")
    }
}

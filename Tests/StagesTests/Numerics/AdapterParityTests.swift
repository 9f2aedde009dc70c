import PreferenceData
import Runs
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `adapters/dpo`: TRL 1.16 with a `peft_config`, from an adapter that is given; the reference is its base.
private struct AdapterTraining: Decodable {
    var adapter: String
    var pairs: [DPOFixture.Pair]
    var training: DPOFixture.Training
}

@Suite("DPO of adapters against TRL and PEFT on small models")
struct AdapterParityTests {
    private static let models = ["llama", "gpt2", "qwen3", "qwen3_moe"]

    private func run(
        _ name: String, learningRate: Double? = nil
    ) throws -> (
        fixture: AdapterTraining, steps: [(loss: Double, gradNorm: Double)], update: (name: String, error: Double)
    ) {
        let fixture = try decodeFixture(AdapterTraining.self, "adapters/dpo/\(name).json")
        let tensors = try SafetensorsFile(TestSupport.fixture("adapters/dpo/\(name).safetensors"))
        let directory = try ModelDirectory(TestSupport.fixture(fixture.adapter))
        let base = try FrozenBase(directory.base, placement: .float32)
        let model = try directory.decoder(on: base, head: .languageModel, trainable: true)
        let reference = try directory.base.decoder(on: base, head: .languageModel, trainable: false)
        let examples = fixture.pairs.enumerated().map {
            TokenizedPair(index: $0, prompt: $1.promptIds, chosen: $1.chosenIds, rejected: $1.rejectedIds)
        }
        // Their files are in PEFT's order of experts' matrices, as what is saved is.
        let start = try saved(model)
        let steps = try fixture.training.run(
            model, examples,
            reference: ReferenceTable(ReferenceLogps.sums(of: examples, under: reference, maxTokens: 100)),
            learningRate: learningRate, maxTokens: 100)
        let update = try saved(model).merging(start) { zip($0, $1).map { $0 - $1 } }
        #expect(Set(update.keys) == Set(tensors.entries.keys))
        return (fixture, steps, try largestError(update) { try tensors.tensor($0).floats() })
    }

    private func saved(_ model: DecoderModel) throws -> [String: [Float]] {
        try TestSupport.withTemporaryDirectory { directory in
            try model.saveAdapter(to: directory)
            let file = try SafetensorsFile(directory.appending(path: "adapter_model.safetensors"))
            return try file.entries.mapValues { try file.tensor($0.name).floats() }
        }
    }

    @Test("Losses of three steps and the updates that they make are TRL's", arguments: models)
    func updates(name: String) throws {
        let (fixture, steps, update) = try run(name)
        for (actual, expected) in zip(steps, fixture.training.steps) {
            #expect(relativeError(actual.loss, expected.loss) < 1e-4)
            #expect(relativeError(actual.gradNorm, expected.gradNorm) < 1e-4)
        }
        #expect(steps.count == 3)
        #expect(update.error <= 1e-3, "\(update.name)")
    }

    @Test("The comparison of updates fails where the optimizer is half as fast")
    func comparisonFails() throws {
        #expect(try run("llama", learningRate: 5e-4).update.error > 0.1)
    }
}

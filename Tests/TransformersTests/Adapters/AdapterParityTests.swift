import Foundation
import TestSupport
import Testing
import Torch
import Transformers

@Suite("Adapters against PEFT")
struct AdapterParityTests {
    private static let all = AdapterFixture.causal + AdapterFixture.experts + AdapterFixture.reward

    @Test("An adapter of PEFT's gives its logits and scores, beside its base and merged into it", arguments: all)
    func outputs(name: String) throws {
        let fixture = try AdapterFixture(name)
        let expected = try fixture.outputs()
        let beside = try fixture.decoder().outputs(of: fixture.rows)
        #expect(largestDifference(beside, expected) < 1e-4)
        let merged = try fixture.directory.decoder(head: fixture.head, trainable: false).outputs(of: fixture.rows)
        #expect(largestDifference(merged, expected) < 1e-4)
        #expect(largestDifference(merged, beside) < 1e-5)
        // The base by itself says something else, or nothing was compared.
        let base = try fixture.directory.base.decoder(head: fixture.head, trainable: false, scoreSeed: 1)
        #expect(largestDifference(base.outputs(of: fixture.rows), expected) > 1e-2)
    }

    @Test(
        "Parameters of a merged model that are read one at a time are those of the merged model",
        arguments: AdapterFixture.experts + ["gpt2-dora", "llama-saved"])
    func parameters(name: String) throws {
        let fixture = try AdapterFixture(name)
        let merged = try fixture.directory.decoder(head: .languageModel, trainable: false)
        let parameters = try ModelParameters(fixture.directory)
        for declaration in parameters.declarations {
            let parameter = try parameters(declaration.name).converted(to: .float32)
            #expect(
                largestDifference(parameter, merged.parameters[declaration.name]) < 1e-6, "\(declaration.name)")
        }
    }

    @Test(
        "What is drawn through a cache and packed weights has the log-probabilities of passes beside the base",
        arguments: ["llama-plain", "llama-dora", "gpt2-dora", "gemma2-dora"] + AdapterFixture.experts)
    func drawn(name: String) throws {
        let decoder = try AdapterFixture(name).decoder()
        let requests = (0..<6).map {
            GenerationRequest(prompt: [1, 5, Int32(9 + $0), 20], stream: UInt64($0), maxNewTokens: 10)
        }
        let options = GenerationOptions(sampling: TokenSampling(temperature: 0.8), eosTokenIDs: [2])
        for (request, completion) in zip(
            requests, try Generator(decoder, slots: 4).generate(requests, options: options))
        {
            var (rows, predictions) = (PackedRows(), PredictedTokens())
            let prompt = rows.append(request.prompt)
            let response = rows.append(completion.tokens, after: prompt)
            predictions.append(completion.tokens, in: response, promptEnd: prompt.upperBound - 1, sequence: 0)
            let whole = withoutGradients { decoder.tokenLogps(rows, predictions: predictions, temperature: 0.8) }
            #expect(largestDifference(whole.logps, Tensor(completion.logps)) < 1e-4)
        }
    }

    @Test(
        "The gradient of each of an adapter's parameters has PEFT's norm", arguments: AdapterFixture.withGradients,
        [false, true])
    func gradients(name: String, recomputes: Bool) throws {
        let fixture = try AdapterFixture(name)
        let decoder = try fixture.decoder(trainable: true)
        decoder.recomputesActivations = recomputes
        decoder.total(of: fixture.rows).backward()
        let group = decoder.adapterGroup
        let gradients = try #require(group.gradients)
        #expect(Set(fixture.norms.keys) == Set(group.entries.map { "base_model.model.\($0.declaration.name)" }))
        for entry in group.entries {
            let name = entry.declaration.name
            let norm = gradients.narrowed(0, entry.range).norm()
            let wanted = try #require(fixture.norms["base_model.model.\(name)"])
            #expect(abs(norm - wanted) <= 1e-4 * wanted + 1e-7, "\(name): \(norm), \(wanted)")
        }
    }

    @Test("An adapter that is written and read again has the same bits, in a file of the same tensors", arguments: all)
    func rewritten(name: String) throws {
        let fixture = try AdapterFixture(name)
        let decoder = try fixture.decoder()
        try TestSupport.withTemporaryDirectory { directory in
            try decoder.saveAdapter(to: directory)
            let file = "adapter_model.safetensors"
            let (old, new) = (
                try SafetensorsFile(fixture.directory.url.appending(path: file)),
                try SafetensorsFile(directory.appending(path: file))
            )
            #expect(old.entries.mapValues(\.shape) == new.entries.mapValues(\.shape))
            for name in old.entries.keys {
                #expect(try old.tensor(name).floats() == new.tensor(name).floats(), "\(name)")
            }
            let again = try ModelDirectory(directory)
            let read = try again.decoder(
                on: FrozenBase(again.base, placement: .float32), head: fixture.head, trainable: false)
            #expect(read.adapterGroup.values.floats() == decoder.adapterGroup.values.floats())
            #expect(read.adapter == decoder.adapter)
        }
    }

    @Test(
        "What is written here is read by PEFT, with equal outputs",
        .enabled(if: TestSupport.peftPython != nil, "no Python with PEFT here"))
    func readByPEFT() throws {
        try TestSupport.withTemporaryDirectory { directory in
            var cases: [Case] = []
            func add(_ decoder: DecoderModel, _ rows: [[Int32]], _ name: String) throws {
                let own = directory.appending(path: name)
                try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
                try decoder.saveAdapter(to: own)
                for (tokens, output) in zip(rows, decoder.outputs(of: rows)) {
                    cases.append(Case(directory: own.path, tokens: tokens, output: output.doubles()))
                }
            }
            for name in Self.all {
                let fixture = try AdapterFixture(name)
                try add(fixture.decoder(), fixture.rows, name)
            }
            for name in ["llama", "gpt2", "mixtral", "qwen3_moe", "gpt_oss"] {
                let model = try ModelDirectory(TestSupport.fixture("models/\(name)"))
                let decoder = try model.decoder(
                    on: FrozenBase(model, placement: .float32), head: .languageModel,
                    adding: AdapterLayout(AdapterConfiguration(), for: model.configuration), trainable: false, seed: 1)
                decoder.adapterGroup.values.fillNormal(deviation: 0.1, seed: 2)
                try add(decoder, try AdapterFixture("llama-plain").rows, "\(name)-fresh")
            }
            let file = directory.appending(path: "cases.json")
            try JSONEncoder().encode(["cases": cases]).write(to: file)
            let python = try #require(TestSupport.peftPython)
            let script = TestSupport.fixture("check_export.py").path
            let result = try Job(python, [script, "adapters", directory.path, file.path], timeLimit: 300).run()
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }
    }

    private struct Case: Encodable {
        let directory: String
        let tokens: [Int32]
        let output: [Double]
    }
}

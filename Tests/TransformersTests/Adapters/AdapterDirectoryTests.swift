import Foundation
import JSON
import TestSupport
import Testing
import Torch
import Transformers

@Suite("Directories of adapters")
struct AdapterDirectoryTests {
    /// A copy of an adapter of PEFT's with other keys, on the small Llama or another model.
    private func changed<Result>(
        _ name: String = "llama-plain", base: String = "llama", keys: [String: String],
        _ body: (URL) throws -> Result
    ) throws -> Result {
        try TestSupport.withTemporaryDirectory { directory in
            let copy = directory.appending(path: "adapter")
            try FileManager.default.copyItem(at: AdapterFixture.url(name), to: copy)
            let file = copy.appending(path: "adapter_config.json")
            guard case .object(var object) = try JSON(parsing: String(contentsOf: file, encoding: .utf8)) else {
                throw MissingObject()
            }
            object["base_model_name_or_path"] = .string(TestSupport.fixture("models/\(base)").path)
            for (key, text) in keys { object[key] = try JSON(parsing: text) }
            try Data(JSON.object(object).compact.utf8).write(to: file)
            return try body(copy)
        }
    }

    private struct MissingObject: Error {}

    @Test(
        "A key that changes what an adapter computes is refused by its name",
        arguments: [
            "alora_invocation_tokens": "[5]", "arrow_config": "{\"top_k\": 2}", "bias": "\"lora_only\"",
            "kasa_config": "{\"a\": 1}", "layer_replication": "[[0, 2]]", "lora_bias": "true",
            "megatron_config": "{\"a\": 1}", "trainable_token_indices": "[3]", "use_bdlora": "{\"a\": 1}",
            "use_qalora": "true", "velora_config": "{\"a\": 1}", "monteclora_config": "{\"a\": 1}",
            "init_lora_weights": "\"pissa\"", "peft_type": "\"LOHA\"", "some_new_key": "true", "r": "0",
            "rank_pattern": "{\"q_proj\": 0}", "alpha_pattern": "{\"q_proj\": \"x\"}", "target_modules": "\"(\"",
            "layers_to_transform": "[\"a\"]", "use_dora": "2", "target_parameters": "3",
        ])
    func refusedKeys(key: String, value: String) throws {
        try changed(keys: [key: value]) { directory in
            let told = try #require(message { _ = try ModelDirectory(directory) })
            #expect(told.contains("adapter_config.json") && told.contains(key), "\(told)")
            #expect(!told.contains("\n"))
        }
    }

    @Test(
        "Keys that change nothing, or say what is so anyway, are read",
        arguments: [
            "init_lora_weights": "\"gaussian\"", "revision": "\"main\"", "megatron_core": "\"x\"", "lora_bias": "false",
            "layers_to_transform": "[]", "target_parameters": "[]", "exclude_modules": "[]", "peft_version": "\"0.9\"",
        ])
    func harmlessKeys(key: String, value: String) throws {
        try changed(keys: [key: value]) { directory in
            let model = try ModelDirectory(directory)
            let decoder = try model.decoder(head: .languageModel, trainable: false)
            let fixture = try AdapterFixture("llama-plain")
            #expect(try largestDifference(decoder.outputs(of: fixture.rows), fixture.outputs()) < 1e-4)
        }
    }

    @Test("Weights that do not fit the configuration are told of by tensor")
    func shapes() throws {
        for (keys, clue) in [
            (["r": "5"], "lora_A.weight has shape [4, 32]"),
            (["exclude_modules": "[\"up_proj\"]"], "belongs to no module"),
            (["use_dora": "true"], "lora_magnitude_vector is missing"),
            (["modules_to_save": "[\"norm\"]"], "norm.weight is missing"),
        ] {
            try changed(keys: keys) { directory in
                let model = try ModelDirectory(directory)
                let told = try #require(message { try model.check() })
                #expect(told.contains(clue) && told.contains("adapter_model.safetensors"), "\(told)")
            }
        }
        // Of experts by the shape in the file.
        try changed("mixtral-plain", base: "mixtral", keys: ["rank_pattern": "{}"]) { directory in
            let told = try #require(message { try ModelDirectory(directory).check() })
            #expect(told.contains("experts.base_layer.lora_A.weight has shape [24, 32]"), "\(told)")
            #expect(told.contains("make it [12, 32]"), "\(told)")
        }
    }

    @Test("A base that is not there, or is an adapter itself, is told of with a way out")
    func bases() throws {
        try changed(keys: ["base_model_name_or_path": "\"nobody/nothing\""]) { directory in
            let told = try #require(message { _ = try ModelDirectory(directory) })
            #expect(told.contains("'nobody/nothing'") && told.contains("name that of the model"))
        }
        try changed(keys: ["base_model_name_or_path": "\"\(AdapterFixture.url("llama-plain").path)\""]) { directory in
            #expect(message { _ = try ModelDirectory(directory) } != nil)
        }
    }

    @Test(
        "What parameters of experts cannot have is refused by its key, in a file and in a new adapter",
        arguments: ["lora_dropout": "0.1", "use_dora": "true"])
    func expertsOnly(key: String, value: String) throws {
        try changed("mixtral-plain", base: "mixtral", keys: [key: value]) { directory in
            let told = try #require(message { _ = try ModelDirectory(directory) })
            #expect(told.contains(key) && told.contains("PEFT"), "\(told)")
        }
        let model = try ModelConfiguration(directory: TestSupport.fixture("models/mixtral"))
        var adapter = AdapterConfiguration()
        if key == "use_dora" { adapter.isWeightDecomposed = true } else { adapter.dropout = 0.1 }
        #expect(message { _ = try AdapterLayout(adapter, for: model) }?.contains(key) == true)
    }

    @Test(
        "A reward adapter is scored where transformers scores its base: at the last token that is not the base's padding",
        arguments: [false, true])
    func padding(isFresh: Bool) throws {
        let name = "reward-llama"
        let base = try ModelDirectory(TestSupport.fixture("models/\(name)"))
        let frozen = try FrozenBase(base, placement: .float32)
        let padded = try #require(base.configuration.padTokenID)
        if isFresh {
            let layout = try AdapterLayout(AdapterConfiguration(), for: base.configuration)
            let model = try base.decoder(on: frozen, head: .score, adding: layout, trainable: false, seed: 1)
            #expect(model.padTokenID == padded)
        } else {
            let adapter = try AdapterFixture("reward-llama-plain").directory
            #expect(try adapter.scoredPadTokenID() == padded)
            #expect(try adapter.decoder(on: frozen, head: .score, trainable: false).padTokenID == padded)
            #expect(try adapter.decoder(head: .score, trainable: false).padTokenID == padded)
        }
    }

    @Test("An adapter without a score head on a reward model has that one's")
    func headOfBase() throws {
        try changed(base: "reward-llama", keys: [:]) { directory in
            let adapter = try ModelDirectory(directory)
            let decoder = try adapter.decoder(
                on: FrozenBase(adapter.base, placement: .float32), head: .score, trainable: false)
            let base = try adapter.base.decoder(head: .score, trainable: false)
            #expect(decoder.parameters["score.weight"].floats() == base.parameters["score.weight"].floats())
        }
    }

    @Test("The tokenizer of an adapter that brings none is its base's")
    func tokenizer() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let base = directory.appending(path: "base")
            try FileManager.default.copyItem(at: TestSupport.fixture("models/llama"), to: base)
            try changed(keys: ["base_model_name_or_path": "\"\(base.path)\""]) { adapter in
                #expect(ModelDirectory.tokenizer(of: adapter).path == base.path)
                #expect(ModelDirectory.tokenizer(of: base).path == base.path)
                try Data("{}".utf8).write(to: adapter.appending(path: "tokenizer.json"))
                #expect(ModelDirectory.tokenizer(of: adapter).path == adapter.path)
            }
        }
    }

    @Test("A directory that is an adapter's and a whole model's is refused, and a score head makes no policy")
    func ambiguous() throws {
        try changed(keys: [:]) { directory in
            let weights = TestSupport.fixture("models/llama").appending(path: "model.safetensors")
            try FileManager.default.copyItem(at: weights, to: directory.appending(path: "model.safetensors"))
            let told = try #require(message { _ = try ModelDirectory(directory) })
            #expect(told.contains("adapter_config.json beside whole weights"), "\(told)")
        }
        for (directory, head) in [
            (try AdapterFixture("reward-llama-plain").directory, DecoderHead.score),
            (try AdapterFixture("llama-plain").directory, .languageModel),
            (try ModelDirectory(TestSupport.fixture("models/reward-llama")), .score),
            (try ModelDirectory(TestSupport.fixture("models/llama")), .languageModel),
        ] {
            #expect(try directory.has(head) && !directory.has(head == .score ? .languageModel : .score))
        }
    }
}

import TestSupport
import Testing
import Torch
import Transformers

@Suite("Where an adapter's matrices stand")
struct AdapterLayoutTests {
    private func names(
        _ model: String, _ change: (inout AdapterConfiguration) -> Void
    ) throws -> [String: [Int]] {
        let configuration = try ModelConfiguration(directory: TestSupport.fixture("models/\(model)"))
        var adapter = AdapterConfiguration()
        adapter.rank = 4
        change(&adapter)
        let declarations = try AdapterLayout(adapter, for: configuration)
            .declarations(configuration.specification, head: .languageModel)
        return Dictionary(uniqueKeysWithValues: declarations.map { ($0.name, $0.shape) })
    }

    @Test("A list means the ends of names, an expression whole names, as Python's fullmatch has it")
    func targets() throws {
        let count = { (targets: AdapterTargets) in
            try self.names("llama") { $0.targets = targets }.count / 2
        }
        #expect(try count(.allLinear) == 14)
        #expect(try count(.names(["q_proj", "mlp.up_proj"])) == 4)
        #expect(try count(.names(["model.layers.1.mlp.up_proj"])) == 1)
        #expect(try count(.pattern(#".*\.1\..*"#)) == 7)
        #expect(try count(.pattern(#"model\.layers\.\d+\.self_attn\.(q|v)_proj"#)) == 4)
        #expect(try count(.pattern(#"(?P<body>.*)\.(?=q_)q_proj\Z"#)) == 2)
        #expect(try count(.pattern(#"(?i).*\.Q_PROJ$"#)) == 2)
        for (targets, name) in [
            (AdapterTargets.names(["proj"]), "'proj'"), (.names(["q_proj", "c_attn"]), "'c_attn'"),
            (.pattern("q_proj"), "no linear layer"), (.names(["lm_head"]), "'lm_head'"),
            (.names(["embed_tokens"]), "'embed_tokens'"),
        ] {
            let told = try #require(message { _ = try count(targets) })
            #expect(told.contains(name) && told.contains("gate_proj"), "\(told)")
        }
    }

    @Test("An expression that means something else here than in Python, or cannot be read, is refused")
    func expressions() throws {
        for (pattern, clue) in [("(?<=q_)proj", "lookbehind"), ("[a&&b]", "&&"), ("(", "no regular expression")] {
            let told = try #require(message { _ = try names("llama") { $0.targets = .pattern(pattern) } })
            #expect(told.contains(clue) && told.contains(pattern) && !told.contains("\n"), "\(told)")
        }
    }

    @Test(
        "All linear layers of a model of experts are those that PEFT adapts",
        arguments: ["mixtral", "qwen3_moe", "gpt_oss"])
    func allLinear(model: String) throws {
        let fixture = try AdapterFixture("\(model)-plain").directory
        let file = try SafetensorsFile(fixture.url.appending(path: "adapter_model.safetensors"))
        let prefixed = Set(try names(model) { $0.alpha = 6 }.keys.map { "base_model.model.\($0)" })
        #expect(prefixed == Set(file.entries.keys))
    }

    @Test("Experts named as layers become their parameters, whole, with the rank of both halves")
    func experts() throws {
        let stacked = try names("mixtral") { $0.targets = .names(["w1", "w3"]) }
        #expect(stacked["model.layers.0.mlp.experts.lora_A.weight"] == [3, 8, 32])
        #expect(stacked["model.layers.0.mlp.experts.lora_B.weight"] == [6, 56, 8])
        let both = try names("mixtral") { $0.targets = .names(["w1", "w2", "w3"]) }
        #expect(both["model.layers.0.mlp.experts.base_layer.lora_A.weight"] == [3, 8, 32])
        #expect(both["model.layers.0.mlp.experts.lora_A.weight"] == [3, 4, 56])
        let parameters = try names("gpt_oss") {
            ($0.targets, $0.parameters) = (.names([]), ["mlp.experts.down_proj", "router.weight"])
        }
        #expect(
            Set(parameters.keys)
                == Set(
                    (0..<2).flatMap { layer in
                        ["experts", "router"].flatMap { module in
                            ["A", "B"].map { "model.layers.\(layer).mlp.\(module).lora_\($0).weight" }
                        }
                    }))
        for (model, change, clue) in [
            ("mixtral", { $0.targets = .names(["w1"]) }, "w3"),
            ("mixtral", { $0.targets = .names(["layers.0.block_sparse_moe.experts.1.w2"]) }, "not named apart"),
            ("mixtral", { $0.targets = .pattern(".*w2") }, "not named apart"),
            ("gpt_oss", { $0.targets = .names(["gate_up_proj"]) }, "'gate_up_proj'"),
            ("gpt_oss", { $0.parameters = ["experts.gate_up_proj_bias"] }, "'experts.gate_up_proj_bias'"),
            ("gpt2", { $0.parameters = ["c_attn.weight"] }, "[inputs, outputs]"),
            ("llama", { ($0.targets, $0.parameters) = (.allLinear, ["q_proj.weight"]) }, "q_proj.weight"),
        ] as [(String, (inout AdapterConfiguration) -> Void, String)] {
            let told = try #require(message { _ = try names(model, change) })
            #expect(told.contains(clue), "\(told)")
        }
        // Attention can be named in any way; it is written by its paths.
        #expect(try names("mixtral") { $0.targets = .pattern(#".*\.1\..*q_proj"#) }.count == 2)
    }

    @Test("Modules that are trained whole are those whose names end so; what others share is refused")
    func saved() throws {
        let whole = try names("llama") {
            ($0.targets, $0.modulesToSave) = (.names(["q_proj"]), ["norm", "lm_head"])
        }
        #expect(Set(whole.keys).isSuperset(of: ["model.norm.weight", "lm_head.weight"]))
        for (model, module) in [
            ("llama-tied", "lm_head"), ("llama-tied", "embed_tokens"), ("llama", "up_proj"), ("llama", "nothing"),
        ] {
            let told = try #require(message { _ = try names(model) { $0.modulesToSave = [module] } })
            #expect(told.contains("'\(module)'"), "\(told)")
        }
    }
}

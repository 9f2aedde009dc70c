import Runs
import TestSupport
import Testing
import Transformers

@Suite("Options of adapters")
struct AdapterOptionsTests {
    private func options(_ targets: [String]? = nil, parameters: [String]? = nil) -> AdapterOptions {
        var options = AdapterOptions()
        (options.usesAdapter, options.targetModules, options.targetParameters) = (true, targets, parameters)
        return options
    }

    private func model(_ name: String) throws -> ModelConfiguration {
        try ModelConfiguration(directory: TestSupport.fixture("models/\(name)"))
    }

    @Test("All linear layers of a model of experts are PEFT's parameters, without the dropout that those cannot have")
    func experts() throws {
        let adapter = try options(["all-linear"]).new(for: model("mixtral"))
        #expect(adapter.targets == .names(["q_proj", "k_proj", "v_proj", "o_proj"]))
        #expect(adapter.parameters == ["down_proj", "gate.weight", "gate_up_proj"])
        #expect(adapter.rankPattern == [.init(".*\\.gate_up_proj", 32)])
        #expect(adapter.alphaPattern == [.init(".*\\.gate_up_proj", 64)])
        #expect(adapter.dropout == 0)
        #expect(try options(["all-linear"]).new(for: model("llama")).dropout == 0.05)
        #expect(try options().new(for: model("mixtral")).dropout == 0.05)
    }

    @Test("Parameters alone are all that is adapted")
    func parameters() throws {
        let adapter = try options(parameters: ["mlp.experts.down_proj"]).new(for: model("gpt_oss"))
        #expect(adapter.targets == .names([]) && adapter.parameters == ["mlp.experts.down_proj"])
    }

    @Test("Training goes on with an adapter of the same layers, in whichever order and by whichever names")
    func sameLayers() throws {
        let mixtral = try model("mixtral")
        let adapter = try AdapterLayout(options(["w1", "q_proj", "w3"]).new(for: mixtral), for: mixtral)
        for same in [options(["q_proj", "w3", "w1"]), options()] {
            #expect(try same.difference(from: adapter, of: mixtral) == nil)
        }
        let llama = try model("llama")
        let pattern = try AdapterLayout(options([".*(q|v)_proj"]).new(for: llama), for: llama)
        #expect(try options(["v_proj", "q_proj"]).difference(from: pattern, of: llama) == nil)
        for (other, key) in [
            (options(["q_proj"]), "lora_target_modules"), (options(["v_proj", "w1", "w3"]), "lora_target_modules"),
            (options(["all-linear"]), "lora_target_modules"),
            (options(parameters: ["experts.down_proj"]), "lora_target_parameters"),
        ] {
            #expect(try other.difference(from: adapter, of: mixtral)?.key == key)
        }
        var dropping = options()
        dropping.dropout = 0.1
        #expect(try dropping.difference(from: adapter, of: mixtral)?.key == "lora_dropout")
    }
}

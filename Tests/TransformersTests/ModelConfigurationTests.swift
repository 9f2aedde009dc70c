import Foundation
import TestSupport
import Testing
import Transformers

@Suite("Model configurations")
struct ModelConfigurationTests {
    @Test(
        "A value that cannot be is refused with file and key",
        arguments: [
            (
                #""model_type": "bert""#,
                "model_type is bert, which is not supported; supported are gemma, gemma2, gemma3_text, gpt2"
            ),
            (#""hidden_size": -4"#, "hidden_size must be a whole number from 1 to 131072, not -4"),
            (#""hidden_size": 0"#, "hidden_size must be"), (#""hidden_size": "32""#, "hidden_size must be"),
            (#""hidden_size": 32.5"#, "hidden_size must be"), (#""hidden_size": null"#, "hidden_size is missing"),
            (#""num_hidden_layers": 9223372036854775807"#, "num_hidden_layers must be"),
            (#""vocab_size": 1e30"#, "vocab_size must be"), (#""vocab_size": true"#, "vocab_size must be"),
            (#""num_key_value_heads": 3"#, "num_key_value_heads is 3, which does not divide num_attention_heads, 4"),
            (#""hidden_act": "mish""#, "hidden_act is mish"), (#""rms_norm_eps": -1"#, "rms_norm_eps must be"),
            (#""tie_word_embeddings": 1"#, "tie_word_embeddings must be true or false, not 1"),
            (#""eos_token_id": [2, 160]"#, "eos_token_id must hold token ids from 0 to 159, not 160"),
            (#""head_dim": 7"#, "7 of 7 channels"),
            (#""rope_parameters": {"rope_type": "ntk"}"#, "rope_type is ntk, which is not supported"),
            (#""rope_parameters": {"rope_type": "linear", "factor": 0}"#, "factor must be"),
            (#""rope_parameters": {"rope_type": "llama3", "factor": 2}"#, "low_freq_factor is missing"),
            (#""rope_parameters": 3"#, "rope_parameters must be an object"),
            (#""quantization_config": {"quant_method": "fp8"}"#, "quantization_config asks for quantised weights"),
            (
                #""quantization_config": {"quant_method": "mxfp4"}"#,
                "quantization_config.quant_method is mxfp4, which is not supported; train a copy in bfloat16"
            ),
            (#""model_type": "gpt_oss", "num_experts_per_tok": 9, "num_local_experts": 8"#, "num_experts_per_tok is 9"),
            (#""model_type": "mistral", "layer_types": ["chunked_attention"]"#, "layer_types may hold"),
            (#""layer_types": ["sliding_attention"]"#, "layer_types lists 1 layers, but num_hidden_layers is 2"),
            (
                #""layer_types": ["sliding_attention", "full_attention"]"#,
                "layer_types asks for sliding_attention, but no other key"
            ),
            (
                #""model_type": "gemma3_text""#,
                "rope_parameters must hold full_attention and sliding_attention, a block each, for a gemma3_text model"
            ),
            (#""model_type": "gemma2", "use_bidirectional_attention": true"#, "use_bidirectional_attention is true"),
            (#""model_type": "smollm3", "no_rope_layers": [1]"#, "no_rope_layers must list a 0 or a 1"),
            (
                #""model_type": "phi3", "rope_scaling": {"type": "longrope", "short_factor": [1], "original_max_position_embeddings": 64}"#,
                "short_factor must list a number for each of the 4 pairs"
            ),
            (
                #""model_type": "phi3", "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "original_max_position_embeddings": 64}"#,
                "long_factor must list a number for each of the 4 pairs"
            ),
            (
                #""model_type": "qwen2", "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]"#,
                "layer_types asks for sliding_attention"
            ),
        ])
    func refused(change: String, problem: String) throws {
        let text = message { _ = try configuration(changing: change) }
        #expect(text?.contains("config.json: \(problem)") == true, "\(text ?? "no error")")
    }

    @Test("Layers have the windows that their family gives them")
    func windows() throws {
        let windows = { (keys: String) in
            try configuration(changing: keys).specification.layers.map(\.attention.window)
        }
        #expect(try windows(#""model_type": "mistral", "sliding_window": 64"#) == [64, 64])
        #expect(try windows(#""model_type": "mistral""#) == [4096, 4096])
        #expect(try windows(#""model_type": "mistral", "sliding_window": null"#) == [nil, nil])
        #expect(try windows(#""model_type": "qwen2", "sliding_window": 64"#) == [nil, nil])
        #expect(try windows(#""model_type": "gemma2""#) == [4096, nil])
        #expect(try windows(#""model_type": "gpt_oss""#) == [128, nil])
        #expect(
            try windows(
                #""model_type": "gemma2", "sliding_window": 8, "layer_types": ["full_attention", "sliding_attention"]"#)
                == [nil, 8])
        // Of Qwen's layers those slide that layer_types or max_window_layers, 28 by default, say.
        let qwen = { (keys: String) in
            try windows(#""model_type": "qwen3", "use_sliding_window": true, "sliding_window": 64"# + keys)
        }
        #expect(try qwen("") == [nil, nil] && qwen(#", "max_window_layers": 2"#) == [nil, nil])
        #expect(try qwen(#", "max_window_layers": 1"#) == [nil, 64])
        #expect(
            try qwen(#", "max_window_layers": 0, "layer_types": ["full_attention", "full_attention"]"#) == [nil, nil])
        #expect(try qwen(#", "layer_types": ["full_attention", "sliding_attention"]"#) == [nil, 64])
    }

    @Test("A table of positions bounds the length, and other positions do not")
    func maximumLength() throws {
        #expect(try ModelConfiguration(directory: ModelFixture("gpt2").url).maximumLength == 128)
        #expect(try configuration(changing: #""model_type": "mistral", "sliding_window": 64"#).maximumLength == nil)
        let dynamic = try configuration(changing: #""rope_scaling": {"rope_type": "dynamic", "factor": 4}"#)
        #expect(dynamic.maximumLength == nil && dynamic.specification.rotaryContext == 128)
    }

    @Test("GPT-2's other names of a value are refused where they say something else")
    func otherNames() throws {
        let attempt = { (change: String) in
            message { _ = try configuration("gpt2", changing: change) }
        }
        #expect(
            attempt(#""num_attention_heads": 2"#)?.contains("num_attention_heads is another name of n_head") == true)
        #expect(attempt(#""num_attention_heads": 4, "hidden_size": null"#) == nil)
    }

    @Test("Ends of text are those of config.json and of generation_config.json; unused ids are found from the top")
    func tokens() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let config = try ModelFixture("llama").url.appending(path: "config.json")
            try FileManager.default.copyItem(at: config, to: directory.appending(path: "config.json"))
            try Data(#"{"eos_token_id": [7, 2]}"#.utf8).write(to: directory.appending(path: "generation_config.json"))
            let configuration = try ModelConfiguration(directory: directory)
            #expect(configuration.eosTokenIDs == [2, 7] && configuration.bosTokenID == 1)
            #expect(configuration.unusedTokenID(besides: [159, 157]) == 158)
        }
    }

    /// A small model's configuration with keys changed.
    private func configuration(
        _ model: String = "llama", changing change: String
    ) throws -> ModelConfiguration {
        let source = try ModelFixture(model).url.appending(path: "config.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: source)) as? [String: Any])
        let changes = try JSONSerialization.jsonObject(with: Data("{\(change)}".utf8)) as? [String: Any]
        object.merge(try #require(changes)) { $1 }
        return try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "config.json")
            try JSONSerialization.data(withJSONObject: object).write(to: url)
            return try ModelConfiguration(file: url)
        }
    }
}

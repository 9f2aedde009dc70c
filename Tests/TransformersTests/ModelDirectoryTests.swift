import Foundation
import TestSupport
import Testing
import Torch
import Transformers

@Suite("Model directories")
struct ModelDirectoryTests {
    @Test(
        "What is saved and loaded again is saved with the same bytes, in one file or in several",
        arguments: ["llama-tied", "gpt2", "mistral", "gpt_oss"])
    func roundTrip(name: String) throws {
        let decoder = try ModelFixture(name).decoder()
        for limit in [5_000_000_000, 20_000] {
            try TestSupport.withTemporaryDirectory { directory in
                let (first, second) = (directory.appending(path: "a"), directory.appending(path: "b"))
                for url in [first, second] {
                    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
                }
                try decoder.save(to: first, shardBytes: limit)
                let again = try ModelDirectory(first).decoder(head: .languageModel, trainable: false)
                #expect(again.parameters.groups[0].values.floats() == decoder.parameters.groups[0].values.floats())
                try again.save(to: second, shardBytes: limit)
                let files = try FileManager.default.contentsOfDirectory(atPath: first.path)
                #expect(files.contains("model.safetensors") == (limit > 1_000_000))
                for file in files {
                    #expect(
                        try Data(contentsOf: first.appending(path: file))
                            == Data(contentsOf: second.appending(path: file)))
                }
            }
        }
    }

    @Test("A configuration is written back with sorted keys, and numbers as transformers writes them")
    func writtenConfiguration() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let (model, saved) = (directory.appending(path: "model"), directory.appending(path: "saved"))
            try FileManager.default.copyItem(at: ModelFixture("llama-tied").url, to: model)
            try FileManager.default.createDirectory(at: saved, withIntermediateDirectories: true)
            let file = model.appending(path: "generation_config.json")
            let text =
                #"{"z": [1E-5, 10000.0, -0, 1.50, {"b": 12345678901234567890, "a": "\n\u00e9/"}], "top": {}, "y": [], "a": "#
            let rest = #"[true, null, 1e-05, 0.1, 1e16, 123456789]}"#
            try (Data([0xEF, 0xBB, 0xBF]) + Data((text + rest).utf8)).write(to: file)
            try ModelDirectory(model).decoder(head: .languageModel, trainable: false).save(to: saved)
            #expect(
                try String(contentsOf: saved.appending(path: "generation_config.json"), encoding: .utf8) == #"""
                    {
                      "a": [
                        true,
                        null,
                        1e-05,
                        0.1,
                        1e+16,
                        123456789
                      ],
                      "top": {},
                      "y": [],
                      "z": [
                        1e-05,
                        10000.0,
                        0,
                        1.5,
                        {
                          "a": "\u000aé/",
                          "b": 1.2345678901234567e+19
                        }
                      ]
                    }

                    """#)
            try Data((text + rest.dropLast()).utf8).write(to: file)
            #expect(
                message { _ = try ModelDirectory(model) } == "\(file.path): this is not a JSON object")
        }
    }

    @Test("A policy gives a reward model with a fresh score head when asked, and a reward model gives a critic")
    func bodies() throws {
        let fixture = try ModelFixture("llama")
        #expect(
            message { _ = try fixture.decoder(.score) }?.contains("score.weight is missing; this is not a reward model")
                == true)
        let reward = try ModelDirectory(fixture.url).decoder(head: .score, trainable: false, scoreSeed: 4)
        let policy = try fixture.decoder()
        for entry in policy.parameters.groups[0].entries where entry.declaration.name != "lm_head.weight" {
            let name = entry.declaration.name
            #expect(reward.parameters[name].floats() == policy.parameters[name].floats())
        }
        #expect(reward.parameters["score.weight"].norm() > 0)
        try TestSupport.withTemporaryDirectory { directory in
            try reward.save(to: directory, padTokenID: 159)
            let saved = try ModelDirectory(directory)
            #expect(saved.configuration.hasScoreHead && saved.configuration.padTokenID == 159)
            let critic = try saved.decoder(head: .score, trainable: true)
            #expect(critic.parameters.groups[0].values.floats() == reward.parameters.groups[0].values.floats())
            #expect(
                message { _ = try saved.decoder(head: .languageModel, trainable: false) }?.contains(
                    "lm_head.weight is missing") == true)
        }
    }

    @Test("Names without the base model's prefix and the masks of old checkpoints are understood")
    func oldNames() throws {
        let fixture = try ModelFixture("gpt2")
        let decoder = try fixture.decoder()
        try TestSupport.withTemporaryDirectory { directory in
            var tensors = decoder.parameters.groups[0].entries.map { entry in
                let name = entry.declaration.name
                return (String(name.dropFirst("transformer.".count)), decoder.parameters[name])
            }
            tensors.append(("h.0.attn.bias", Tensor.zeros([1, 1, 4, 4])))
            tensors.append(("h.0.attn.masked_bias", Tensor.zeros([])))
            tensors.append(("lm_head.weight", decoder.parameters["transformer.wte.weight"]))
            try SafetensorsWriter.write(tensors, to: directory.appending(path: "model.safetensors"))
            try FileManager.default.copyItem(
                at: fixture.url.appending(path: "config.json"), to: directory.appending(path: "config.json"))
            let old = try ModelDirectory(directory).decoder(head: .languageModel, trainable: false)
            #expect(old.parameters.groups[0].values.floats() == decoder.parameters.groups[0].values.floats())
        }
    }

    @Test("A tensor that is missing, left over or of another shape is an error that names it and its file")
    func wrongTensors() throws {
        let fixture = try ModelFixture("qwen3")
        let decoder = try fixture.decoder()
        let all = decoder.parameters.groups[0].entries.map {
            ($0.declaration.name, decoder.parameters[$0.declaration.name])
        }
        let attempt = { (tensors: [(String, Tensor)]) in
            try TestSupport.withTemporaryDirectory { directory in
                try SafetensorsWriter.write(tensors, to: directory.appending(path: "model.safetensors"))
                try FileManager.default.copyItem(
                    at: fixture.url.appending(path: "config.json"), to: directory.appending(path: "config.json"))
                return message { _ = try ModelDirectory(directory).decoder(head: .languageModel, trainable: false) }
            }
        }
        let name = "model.layers.1.self_attn.q_norm.weight"
        let missing = try attempt(all.filter { $0.0 != name })
        #expect(missing?.hasSuffix("model.safetensors: tensor \(name) is missing") == true)
        let extra = try attempt(all + [("model.layers.2.mlp.up_proj.weight", .zeros([2]))])
        #expect(
            extra?.contains("tensor model.layers.2.mlp.up_proj.weight belongs to no parameter of a qwen3 model") == true
        )
        let shaped = try attempt(all.map { $0.0 == name ? (name, .zeros([8])) : $0 })
        #expect(shaped?.contains("tensor \(name) has shape [8], but config.json makes it [16]") == true)
        #expect(try attempt(all) == nil)
        let packed = try attempt(all.map { ($0.0 == name ? "\(name)_blocks" : $0.0, $0.1) })
        #expect(packed?.contains("tensor \(name) is missing; \(name)_blocks is there: these weights are mxfp4") == true)
    }

    @Test("A head beside the table that it is tied to is taken where both are the same, and refused where not")
    func tiedHead() throws {
        let fixture = try ModelFixture("llama-tied")
        let decoder = try fixture.decoder()
        let all = decoder.parameters.groups[0].entries.map {
            ($0.declaration.name, decoder.parameters[$0.declaration.name])
        }
        let table = decoder.parameters["model.embed_tokens.weight"]
        let attempt = { (head: Tensor, ties: Bool) in
            try TestSupport.withTemporaryDirectory { directory in
                try SafetensorsWriter.write(
                    all + [("lm_head.weight", head)], to: directory.appending(path: "model.safetensors"))
                let config = try String(contentsOf: fixture.url.appending(path: "config.json"), encoding: .utf8)
                try Data(
                    config.replacingOccurrences(
                        of: "\"tie_word_embeddings\": true", with: "\"tie_word_embeddings\": \(ties)"
                    ).utf8
                ).write(to: directory.appending(path: "config.json"))
                let directory = try ModelDirectory(directory)
                let problem = message { try directory.check() }
                #expect(problem == message { _ = try directory.decoder(head: .languageModel, trainable: false) })
                return problem
            }
        }
        #expect(try attempt(table, true) == nil && attempt(Tensor.zeros(table.shape), false) == nil)
        let problem = try attempt(Tensor.zeros(table.shape), true)
        #expect(
            problem?.contains("lm_head.weight is not model.embed_tokens.weight, to which tie_word_embeddings") == true)
    }

    @Test("What gives rewards has a score of one number; a table of other rows says which vocab_size there is")
    func headAndRows() throws {
        let reward = try ModelDirectory(try ModelFixture("reward-llama").url)
        try reward.checkScoreHead()
        #expect(
            message { try ModelDirectory(try ModelFixture("llama").url).checkScoreHead() }?
                .hasSuffix("score.weight is missing; this is not a reward model") == true)
        let decoder = try ModelFixture("reward-llama").decoder(.score)
        try TestSupport.withTemporaryDirectory { directory in
            let tensors = decoder.parameters.groups[0].entries.map { entry in
                let name = entry.declaration.name
                return (name, name == "score.weight" ? Tensor.zeros([2, 32]) : decoder.parameters[name])
            }
            try SafetensorsWriter.write(tensors, to: directory.appending(path: "model.safetensors"))
            let config = try String(
                contentsOf: try ModelFixture("reward-llama").url.appending(path: "config.json"), encoding: .utf8)
            let url = directory.appending(path: "config.json")
            try Data(config.utf8).write(to: url)
            #expect(
                message { try ModelDirectory(directory).checkScoreHead() }?.contains("a reward is one number") == true)
            try Data(config.replacingOccurrences(of: "\"vocab_size\": 160", with: "\"vocab_size\": 150").utf8).write(
                to: url)
            #expect(
                message { try ModelDirectory(directory).check() }?.contains("set vocab_size in config.json to 160")
                    == true)
        }
    }

    @Test("A directory without weights, and an index that names a file that is not there, are errors")
    func missingFiles() throws {
        let fixture = try ModelFixture("mistral")
        try TestSupport.withTemporaryDirectory { directory in
            let load = { _ = try ModelDirectory(directory).decoder(head: .languageModel, trainable: false) }
            #expect(message(load)?.hasSuffix("config.json: there is no such file") == true)
            try FileManager.default.copyItem(
                at: fixture.url.appending(path: "config.json"), to: directory.appending(path: "config.json"))
            #expect(message(load)?.contains("neither model.safetensors nor model.safetensors.index.json") == true)
            let index = "model.safetensors.index.json"
            try FileManager.default.copyItem(
                at: fixture.url.appending(path: index), to: directory.appending(path: index))
            #expect(message(load)?.contains("of-00003.safetensors: No such file") == true)
        }
    }

    @Test(
        "A saved policy loads in AutoModelForCausalLM with equal logits",
        .enabled(if: TestSupport.transformersPython != nil, "no Python with transformers here"),
        arguments: ["llama-tied", "mistral", "gpt_neox", "gpt2", "qwen2", "qwen3", "mixtral", "qwen3_moe", "gpt_oss"])
    func exportedPolicy(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = DecoderModel(
            try ModelConfiguration(directory: fixture.url), head: .languageModel, trainable: false)
        decoder.initialize(seed: 17)
        let cases = fixture.expected.cases.prefix(3).map { expected in
            var rows = PackedRows()
            rows.append(expected.tokens)
            let logits = withoutGradients { decoder.logits(decoder.hiddenStates(rows)) }
            let size = decoder.configuration.vocabularySize
            let flat = logits.doubles()
            return ExportCase(
                tokens: expected.tokens,
                logits: expected.tokens.indices.map { Array(flat[$0 * size..<($0 + 1) * size]) })
        }
        try check("causal", decoder, cases, padTokenID: nil)
    }

    @Test(
        "A saved reward model loads in AutoModelForSequenceClassification with equal scores in one batch",
        .enabled(if: TestSupport.transformersPython != nil, "no Python with transformers here"),
        arguments: ["llama-tied", "gpt_neox", "gpt2", "qwen3", "gpt_oss"])
    func exportedReward(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try ModelDirectory(fixture.url).decoder(head: .score, trainable: false, scoreSeed: 3)
        var rows = PackedRows()
        let ends = fixture.expected.cases.map { Int32(rows.append($0.tokens).upperBound - 1) }
        let scores = withoutGradients { decoder.scores(rows, at: ends) }.doubles()
        let cases = zip(fixture.expected.cases, scores).map { ExportCase(tokens: $0.tokens, score: $1) }
        let used = Set(fixture.expected.cases.flatMap(\.tokens))
        try check("reward", decoder, cases, padTokenID: decoder.configuration.unusedTokenID(besides: used))
    }

    private struct ExportCase: Encodable {
        let tokens: [Int32]
        var logits: [[Double]]?
        var score: Double?
    }

    private func check(_ kind: String, _ decoder: DecoderModel, _ cases: [ExportCase], padTokenID: Int32?) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let model = directory.appending(path: "model")
            try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
            try decoder.save(to: model, padTokenID: padTokenID)
            let file = directory.appending(path: "cases.json")
            try JSONEncoder().encode(["cases": cases]).write(to: file)
            let python = try #require(TestSupport.transformersPython)
            let script = TestSupport.fixture("check_export.py").path
            let result = try Job(python, [script, kind, model.path, file.path], timeLimit: 300).run()
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }
    }
}

import Foundation
import TestSupport
import Testing
import Torch
import Transformers

@Suite("Parameters one at a time")
struct ModelParametersTests {
    /// Writes a model's weights, changed, beside its configuration.
    private func directory(
        _ fixture: ModelFixture, in place: URL, files: Int = 1, head: DecoderHead = .languageModel,
        _ change: (String, Tensor) -> Tensor? = { $1 }
    ) throws -> ModelDirectory {
        let decoder = try fixture.decoder()
        let tensors = decoder.parameters.declarations.compactMap { declaration in
            change(declaration.name, decoder.parameters[declaration.name]).map { (declaration.name, $0) }
        }
        try FileManager.default.copyItem(
            at: fixture.url.appending(path: "config.json"), to: place.appending(path: "config.json"))
        guard files > 1 else {
            try SafetensorsWriter.write(tensors, to: place.appending(path: "model.safetensors"))
            return try ModelDirectory(place)
        }
        var map: [String: String] = [:]
        for file in 0..<files {
            let part = tensors.enumerated().filter { $0.offset % files == file }.map(\.element)
            try SafetensorsWriter.write(part, to: place.appending(path: "part-\(file).safetensors"))
            for (name, _) in part { map[name] = "part-\(file).safetensors" }
        }
        try JSONSerialization.data(withJSONObject: ["weight_map": map]).write(
            to: place.appending(path: "model.safetensors.index.json"))
        return try ModelDirectory(place)
    }

    @Test("Each is read by its name, of one file or several and of any type", arguments: ["llama-tied", "gpt2"])
    func reading(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        for (files, type) in [(1, ScalarType.float32), (3, .bfloat16), (2, .float64)] {
            try TestSupport.withTemporaryDirectory { place in
                let parameters = try ModelParameters(
                    directory(fixture, in: place, files: files) { $1.converted(to: type) })
                #expect(
                    parameters.declarations.map(\.name).sorted() == decoder.parameters.declarations.map(\.name).sorted()
                )
                for declaration in parameters.declarations {
                    let parameter = try parameters(declaration.name)
                    #expect(parameter.type == type && parameter.shape == declaration.shape)
                    #expect(
                        parameter.floats() == decoder.parameters[declaration.name].converted(to: type).floats())
                }
            }
        }
    }

    @Test("A model that is saved from them is the model, in one file or in several")
    func saving() throws {
        let fixture = try ModelFixture("llama-tied")
        let decoder = try fixture.decoder()
        for limit in [5_000_000_000, 20_000] {
            try TestSupport.withTemporaryDirectory { place in
                let (whole, parts) = (place.appending(path: "whole"), place.appending(path: "parts"))
                for url in [whole, parts] {
                    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
                }
                try decoder.save(to: whole, endTokenID: 2, shardBytes: limit)
                let parameters = try ModelParameters(ModelDirectory(fixture.url))
                try parameters.configuration.save(
                    head: .languageModel, to: parts, endTokenID: 2, shardBytes: limit
                ) { try parameters($0).converted(to: .float32) }
                for file in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
                    #expect(
                        try Data(contentsOf: whole.appending(path: file))
                            == Data(contentsOf: parts.appending(path: file)), "\(file)")
                }
            }
        }
    }

    @Test("One that is missing, of another shape, of a type nobody reads, or left over is refused by name")
    func refusals() throws {
        let fixture = try ModelFixture("llama")
        let norm = "model.norm.weight"
        func problem(_ change: (String, Tensor) -> Tensor?) throws -> String? {
            try TestSupport.withTemporaryDirectory { place in
                let model = try directory(fixture, in: place, change)
                return message { _ = try ModelParameters(model) }
            }
        }
        #expect(try problem { $1 } == nil)
        #expect(try problem { $0 == norm ? nil : $1 }?.hasSuffix("tensor \(norm) is missing") == true)
        #expect(
            try problem { $0 == "lm_head.weight" ? nil : $1 }?.contains("tensor lm_head.weight is missing; where it is")
                == true)
        #expect(
            try problem { $0 == "lm_head.weight" ? .zeros([3, 32]) : $1 }?.contains(
                "lm_head.weight has shape [3, 32], but config.json makes it") == true)
        try TestSupport.withTemporaryDirectory { place in
            let model = try directory(fixture, in: place)
            let file = place.appending(path: "model.safetensors")
            let whole = try Data(contentsOf: file)
            func altered(_ text: String, _ other: String) throws -> String? {
                var bytes = whole
                // Of the same length, so that the header stays whole.
                let range = try #require(bytes.range(of: Data(text.utf8)))
                bytes.replaceSubrange(range, with: Data(other.utf8))
                try bytes.write(to: file)
                return message { _ = try ModelParameters(model) }
            }
            #expect(
                try altered("\"dtype\":\"F32\"", "\"dtype\":\"U32\"")?.contains(
                    "has elements of type U32, which cannot")
                    == true)
        }
    }

    @Test("Configurations differ by family, tensor or key; the length of the context is no difference")
    func differences() throws {
        func configuration(_ name: String, _ key: String = "", _ value: String = "") throws -> ModelConfiguration {
            let url = try ModelFixture(name).url
            return try TestSupport.withTemporaryDirectory { place in
                let text = try String(contentsOf: url.appending(path: "config.json"), encoding: .utf8)
                let pattern = try Regex("\"\(key)\": [^,\n]+")
                let changed = key.isEmpty ? text : text.replacing(pattern, with: "\"\(key)\": \(value)")
                #expect(key.isEmpty || changed != text)
                try Data(changed.utf8).write(to: place.appending(path: "config.json"))
                return try ModelConfiguration(directory: place)
            }
        }
        let llama = try configuration("llama")
        func difference(_ other: ModelConfiguration) -> String? {
            llama.difference(from: other, named: ("sft", "./b"), families: .standard)
        }
        #expect(difference(llama) == nil)
        #expect(difference(try configuration("llama", "max_position_embeddings", "4096")) == nil)
        #expect(difference(try configuration("llama", "bos_token_id", "5")) == nil)
        #expect(difference(try configuration("gpt2")) == "sft is a llama model, ./b a gpt2 model")
        #expect(
            difference(try configuration("llama", "vocab_size", "170"))
                == "tensor model.embed_tokens.weight has shape [160, 32] in sft, [170, 32] in ./b")
        #expect(
            difference(try configuration("llama", "num_hidden_layers", "1"))?.hasPrefix(
                "./b has no tensor model.layers.1.")
                == true)
        #expect(
            difference(try configuration("llama", "num_hidden_layers", "3"))?.hasPrefix(
                "sft has no tensor model.layers.2.")
                == true)
        #expect(
            difference(try configuration("llama", "rms_norm_eps", "0.5"))?.hasPrefix("rms_norm_eps is ") == true)
    }
}

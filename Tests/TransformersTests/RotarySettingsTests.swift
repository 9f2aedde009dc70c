import Foundation
import TestSupport
import Testing
import Transformers

@Suite("Rotary positions against transformers, wherever config.json says them")
struct RotarySettingsTests {
    /// `configurations.json`, which `make_configurations.py` writes.
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var model: String
            var name: String
            /// Keys in place of `rope_parameters`, as JSON.
            var changes: String
            var computed: Bool
            var frequencies: [Float]?
        }
        var rotary: [Case]
    }

    @Test("What transformers reads is read so; what it passes over although it says something else is refused")
    func places() throws {
        let data = try Data(contentsOf: TestSupport.fixture("configurations.json"))
        let cases = try JSONDecoder().decode(Fixture.self, from: data).rotary
        #expect(cases.count { $0.computed } > 30 && cases.count { !$0.computed } > 30)
        for expected in cases {
            let name: Comment = "\(expected.model): \(expected.name)"
            do {
                let configuration = try configuration(expected.model, changing: expected.changes)
                let frequencies = try #require(configuration.specification.layers[0].attention.rotary?.frequencies)
                let wanted = try #require(expected.frequencies)
                #expect(expected.computed, name)
                #expect(frequencies.count == wanted.count, name)
                #expect(zip(frequencies, wanted).allSatisfy { abs($0 - $1) <= 1e-6 * $1 }, name)
            } catch let error as ModelError {
                #expect(!expected.computed, "\(expected.model): \(expected.name): \(error)")
                #expect(error.description.contains("config.json: "))
            }
        }
    }

    @Test("A refusal names the key that would be passed over, and the one that counts")
    func message() throws {
        let changes = #"{"rope_parameters": {"rope_theta": 500.0}, "rope_scaling": {"type": "linear", "factor": 2}}"#
        let error = try #require(throws: ModelError.self) { try configuration("llama", changing: changes) }
        #expect(
            error.description.hasSuffix(
                "rope_parameters.rope_theta is 500.0, but rope_scaling.rope_theta makes it 10000.0, which counts; "
                    + "remove the former, or write it as the latter"))
        let half = try #require(throws: ModelError.self) {
            try configuration("qwen2", changing: #"{"partial_rotary_factor": 0.5}"#)
        }
        #expect(half.description.contains("a qwen2 model rotates all channels of its heads; remove it"))
    }

    private func configuration(_ model: String, changing changes: String) throws -> ModelConfiguration {
        let source = TestSupport.fixture("models/\(model)/config.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: source)) as? [String: Any])
        object["rope_parameters"] = nil
        let changed = try JSONSerialization.jsonObject(with: Data(changes.utf8)) as? [String: Any]
        object.merge(try #require(changed)) { $1 }
        return try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "config.json")
            try JSONSerialization.data(withJSONObject: object).write(to: url)
            return try ModelConfiguration(file: url)
        }
    }
}

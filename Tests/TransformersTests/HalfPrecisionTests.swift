import Foundation
import TestSupport
import Testing
import Torch
import Transformers

/// Models that compute in bfloat16 on weights in float32.
@Suite struct HalfPrecisionTests {
    private static func rows(_ fixture: ModelFixture) -> (rows: PackedRows, predictions: PredictedTokens) {
        var rows = PackedRows()
        var predictions = PredictedTokens()
        for tokens in fixture.expected.cases.map(\.tokens) where tokens.count > 1 {
            let place = rows.append(tokens)
            predictions.append(
                tokens.dropFirst(), in: place.lowerBound + 1..<place.upperBound, promptEnd: place.lowerBound,
                sequence: 0)
        }
        return (rows, predictions)
    }

    @Test(
        "Log-probabilities and gradients are near those of float32, and every gradient is float32",
        arguments: ["llama", "gpt2", "gpt_neox", "qwen3"])
    func logps(of name: String) throws {
        let fixture = try ModelFixture(name)
        let (rows, predictions) = Self.rows(fixture)
        let directory = try ModelDirectory(fixture.url)
        var logps: [[Float]] = []
        var gradients: [[Float]] = []
        for type in [ScalarType.float32, .bfloat16] {
            let model = try directory.decoder(head: .languageModel, trainable: true, placement: Placement(type))
            let found = model.tokenLogps(rows, predictions: predictions).logps
            found.mean().backward()
            logps.append(found.detached().floats())
            gradients += try model.parameters.trained.map { try #require($0.gradients).floats() }
            #expect(found.type == .float32 && model.parameters.trained.allSatisfy { $0.gradients?.type == .float32 })
        }
        let difference = zip(logps[0], logps[1]).map { abs($0 - $1) }.max() ?? 0
        #expect(difference > 0 && difference < 0.1)
        let norm = { (numbers: [Float]) in numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        #expect(norm(zip(gradients[0], gradients[1]).map { $0 - $1 }) < 0.05 * norm(gradients[0]))
    }

    private struct Errors: Decodable {
        let logps: Double
        let gradients: [String: Double]
    }
    private struct Peer: Decodable { let errors: [String: Errors] }

    @Test(
        "Errors of log-probabilities and of every gradient are at most twice those of transformers",
        arguments: ["llama", "gpt2", "gpt_neox", "qwen2", "qwen3"])
    func errors(of name: String) throws {
        let file = TestSupport.fixture("bfloat16.json")
        let allowed = try #require(try JSONDecoder().decode(Peer.self, from: Data(contentsOf: file)).errors[name])
        let fixture = try ModelFixture(name)
        let (rows, predictions) = Self.rows(fixture)
        var found: [[String: [Float]]] = []
        for type in [ScalarType.float32, .bfloat16] {
            let model = try ModelDirectory(fixture.url).decoder(
                head: .languageModel, trainable: true, placement: Placement(type))
            let logps = model.tokenLogps(rows, predictions: predictions).logps
            logps.mean().backward()
            var parts = ["": logps.detached().floats()]
            for group in model.parameters.trained {
                let gradients = try #require(group.gradients).floats()
                for entry in group.entries {
                    parts[entry.declaration.name] = Array(gradients[entry.offset..<entry.offset + entry.count])
                }
            }
            found.append(parts)
        }
        func error(_ name: String) throws -> Double {
            let (wanted, actual) = (try #require(found[0][name]), try #require(found[1][name]))
            let norm = { (numbers: [Float]) in numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
            return norm(zip(actual, wanted).map { $0 - $1 }) / norm(wanted)
        }
        #expect(try error("") <= 2 * allowed.logps)
        for (name, bound) in allowed.gradients {
            let error = try error(name)
            #expect(error <= 2 * bound, "\(name): \(error), \(bound) by transformers")
        }
    }

    @Test("Tokens that are drawn in bfloat16 have the log-probabilities that a pass over them finds")
    func draws() throws {
        let directory = try ModelDirectory(ModelFixture("llama").url)
        let model = try directory.decoder(head: .languageModel, trainable: false, placement: .bfloat16)
        let request = GenerationRequest(prompt: [5, 6, 7], stream: 3, maxNewTokens: 12)
        let completion = try Generator(model).generate([request], options: GenerationOptions(eosTokenIDs: []))[0]
        var rows = PackedRows()
        rows.append(request.prompt + completion.tokens)
        var predictions = PredictedTokens()
        predictions.append(completion.tokens, in: 3..<15, promptEnd: 2, sequence: 0)
        let found = withoutGradients { model.tokenLogps(rows, predictions: predictions).logps.floats() }
        #expect(found.count == 12)
        // Products of other sizes round otherwise.
        let differences = zip(found, completion.logps).map { abs($0 - $1) }
        #expect(differences.reduce(0, +) / 12 < 0.03, "\(differences)")
    }
}

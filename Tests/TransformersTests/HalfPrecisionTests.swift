import Testing
import Torch

@testable import Transformers

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

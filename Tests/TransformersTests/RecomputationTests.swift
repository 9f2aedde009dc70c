import Testing
import Torch
import Transformers

@Suite("Activations that are computed anew")
struct RecomputationTests {
    @Test("Log-probabilities and the gradient of every parameter have the same bits", arguments: ModelFixture.causal)
    func sameBits(name: String) throws {
        let fixture = try ModelFixture(name)
        func evaluate(_ recomputes: Bool) throws -> (logps: [Float], gradients: [Float]) {
            let decoder = try fixture.decoder(trainable: true)
            decoder.recomputesActivations = recomputes
            var (rows, predictions) = (PackedRows(), PredictedTokens())
            let shared = rows.append(fixture.expected.cases[3].tokens)
            for index in [1, 2] {
                let tokens = fixture.expected.cases[index].tokens
                let response = rows.append(tokens, after: shared)
                predictions.append(tokens, in: response, promptEnd: shared.upperBound - 1, sequence: index - 1)
            }
            let logps = decoder.tokenLogps(rows, predictions: predictions).logps
            logps.sum().backward()
            return (logps.floats(), try #require(decoder.parameters.groups[0].gradients).floats())
        }
        let (plain, anew) = (try evaluate(false), try evaluate(true))
        #expect(anew.logps == plain.logps)
        #expect(anew.gradients == plain.gradients)
        #expect(plain.gradients.contains { $0 != 0 })
    }
}

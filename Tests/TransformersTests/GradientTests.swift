import Testing
import Torch
import Transformers

@Suite("Gradients against transformers")
struct GradientTests {
    @Test(
        "The gradient of all tokens' log-probabilities has transformers' norm in each parameter",
        arguments: ModelFixture.causal + ModelFixture.stretched, [false, true])
    func languageModel(name: String, recomputes: Bool) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder(trainable: true)
        decoder.recomputesActivations = recomputes
        var (rows, predictions) = (PackedRows(), PredictedTokens())
        for (index, tokens) in fixture.expected.cases.map(\.tokens).enumerated() {
            let range = rows.append(tokens)
            predictions.append(
                tokens.dropFirst(), in: range.dropFirst(), promptEnd: range.lowerBound, sequence: index)
        }
        decoder.tokenLogps(rows, predictions: predictions).logps.sum().backward()
        try compare(decoder, fixture)
    }

    @Test("The gradient of all scores has transformers' norm in each parameter", arguments: ModelFixture.reward)
    func reward(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder(.score, trainable: true)
        var rows = PackedRows()
        let ends = fixture.expected.cases.map { Int32(rows.append($0.tokens).upperBound - 1) }
        decoder.scores(rows, at: ends).sum().backward()
        try compare(decoder, fixture)
    }

    private func compare(_ decoder: DecoderModel, _ fixture: ModelFixture) throws {
        let group = decoder.parameters.groups[0]
        let (gradients, expected) = (try #require(group.gradients), try fixture.gradientNorms())
        #expect(Set(expected.keys) == Set(group.entries.map(\.declaration.name)))
        for entry in group.entries {
            let (name, norm) = (entry.declaration.name, gradients.narrowed(0, entry.range).norm())
            let wanted = try #require(expected[name])
            #expect(abs(norm - wanted) <= 1e-4 * wanted, "\(name): \(norm), \(wanted)")
        }
    }
}

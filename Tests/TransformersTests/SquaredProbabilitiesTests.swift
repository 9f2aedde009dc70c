import TestSupport
import Testing
import Torch
import Transformers

@Suite("Sums of squared probabilities")
struct SquaredProbabilitiesTests {
    @Test("They are those of the softmax over all logits, beside the log-probabilities that are known")
    func softmax() throws {
        let model = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: false)
        var rows = PackedRows()
        var predictions = PredictedTokens()
        let prompt = rows.append([1, 17, 44])
        for (sequence, response) in [[33, 121, 2], [5, 9, 8, 7, 2]].enumerated() as EnumeratedSequence<[[Int32]]> {
            predictions.append(
                response, in: rows.append(response, after: prompt), promptEnd: prompt.upperBound - 1, sequence: sequence
            )
        }
        let reading = withoutGradients { model.reading(rows, predictions: predictions, squares: true) }
        let squares = try #require(reading.logSumSquares)
        let logps = withoutGradients {
            model.logits(model.hiddenStates(rows, at: predictions.rows)).logSoftmax(1)
        }
        let expected = (logps * 2).exp().sum(1).log().doubles()
        #expect(squares.shape == [8])
        for (actual, expected) in zip(squares.doubles(), expected) { #expect(abs(actual - expected) < 1e-5) }
        let plain = withoutGradients { model.tokenLogps(rows, predictions: predictions) }
        #expect(reading.tokens.logps.floats() == plain.logps.floats())
    }
}

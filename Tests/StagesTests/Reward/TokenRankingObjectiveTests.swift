import Foundation
import Objectives
import PreferenceData
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

@Suite("Rewards of tokens")
struct TokenRankingObjectiveTests {
    private static let pairs = [
        TokenizedPair(index: 0, prompt: [5, 6], chosen: [7, 8, 9, 10], rejected: [7, 11]),
        TokenizedPair(index: -1, prompt: [12], chosen: [13, 14], rejected: [15, 16, 17]),
    ]

    @Test(
        "The loss is that of every response by itself, its score standing behind it, from where responses part on",
        arguments: [1, 100_000])
    func loss(maxTokens: Int) throws {
        let model = try trainable("models/reward-llama", head: .score)
        let weights = [0.5, 2.0]
        let losses = zip(Self.pairs, weights).enumerated().map { place, pair in
            let sides = pair.0.responses.map { response -> [Double] in
                let batch = ResponseBatch([TokenizedPrompt(index: 0, prompt: pair.0.prompt + response)])
                let rows = (0..<response.count).map { Int32(pair.0.prompt.count + $0) }
                return withoutGradients { model.scores(batch.rows, at: rows).doubles() }
            }
            let length = max(sides[0].count, sides[1].count)
            let divergence = place == 0 ? 1 : 0
            let terms = (divergence..<length).map { token -> Double in
                let (better, worse) = (
                    sides[0][min(token, sides[0].count - 1)], sides[1][min(token, sides[1].count - 1)]
                )
                return log(1 + exp(worse - better))
            }
            return pair.1 * terms.reduce(0, +) / Double(terms.count)
        }
        let objective = RewardObjective(
            loss: BradleyTerryLoss(), ranking: TokenRankingLoss(preferenceWeight: 0.5, demonstrationWeight: 2))
        let found = objective.accumulate(model, Self.pairs, maxTokens: maxTokens)
        #expect(abs(found - losses.reduce(0, +) / 2) < 1e-5, "\(found), \(losses)")
        #expect(try #require(model.parameters.trained.first?.gradients).norm() > 0)
    }

    @Test("Centring adds the squared sum of both scores")
    func centring() throws {
        let model = try trainable("models/reward-llama", head: .score)
        let (plain, centred) = (BradleyTerryLoss(), BradleyTerryLoss(centeringCoefficient: 0.1))
        let losses = [plain, centred].map { loss in
            RewardObjective(loss: loss, ranking: TokenRankingLoss()).accumulate(model, Self.pairs, maxTokens: 100)
        }
        let squares = Self.pairs.map { pair in
            let batch = ResponseBatch([pair])
            let scores = withoutGradients { model.scores(batch.rows, at: batch.lastRows).doubles() }
            return pow(scores[0] + scores[1], 2)
        }
        #expect(abs(losses[1] - losses[0] - 0.05 * squares.reduce(0, +)) < 1e-5)
    }
}

import Foundation
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

@Suite("Scores of reward models against transformers")
struct ModelScorerTests {
    /// `configurations.json`, which `make_configurations.py` writes.
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var model: String
            var name: String
            var padTokenId: Int?
            var prompt: [Int32]
            var response: [Int32]
            var score: Double
        }
        var padding: [Case]
    }

    @Test("The last token that is not the padding of config.json is scored, alone and packed with others")
    func padding() throws {
        let cases = try decodeFixture(Fixture.self, "configurations.json").padding
        for (key, group) in Dictionary(grouping: cases, by: { Key(model: $0.model, pad: $0.padTokenId) }) {
            let scorer = ModelScorer(try rewardModel(key), maxTokens: 4096)
            let items = group.map {
                ScoredItem(prompt: $0.prompt, response: $0.response, promptContent: .text(""), completion: "")
            }
            for (expected, score) in zip(group, try scorer.scores(items)) {
                #expect(abs(score - expected.score) < 1e-5, "\(key): \(expected.name)")
            }
        }
        let ends = cases.filter { $0.padTokenId == 2 && $0.name == "ends in the end token" }
        #expect(ends.count == 3)
        #expect(ends.allSatisfy { end in cases.contains { $0.model == end.model && $0.score != end.score } })
    }

    @Test("Training from such a model goes by the same token, and a fresh head by the last one")
    func training() throws {
        let objective = RewardObjective(loss: .init(centeringCoefficient: 0))
        let pair = TokenizedPair(index: 0, prompt: [1, 17, 44], chosen: [33, 121, 2], rejected: [5, 2])
        let short = TokenizedPair(index: 0, prompt: [1, 17, 44], chosen: [33, 121], rejected: [5])
        let loss = { (model: DecoderModel, pair: TokenizedPair) in
            withoutGradients {
                objective.loss(model, ResponseBatch([pair]), of: OfflineStep(weights: [1])).value.doubles()[0]
            }
        }
        let model = try rewardModel(Key(model: "reward-llama", pad: 2))
        #expect(model.padTokenID == 2)
        #expect(abs(loss(model, pair) - loss(model, short)) < 1e-6)
        let other = try rewardModel(Key(model: "reward-llama", pad: 159))
        #expect(abs(loss(other, pair) - loss(other, short)) > 1e-3)
        let policy = try ModelDirectory(TestSupport.fixture("models/llama"))
        #expect(try policy.decoder(head: .score, trainable: false, scoreSeed: 1).padTokenID == nil)
    }

    private struct Key: Hashable {
        var model: String
        var pad: Int?
    }

    /// The fixture's model with another `pad_token_id`.
    private func rewardModel(_ key: Key) throws -> DecoderModel {
        let source = TestSupport.fixture("models/\(key.model)")
        return try TestSupport.withTemporaryDirectory { directory in
            let config = try Data(contentsOf: source.appending(path: "config.json"))
            var object = try #require(try JSONSerialization.jsonObject(with: config) as? [String: Any])
            object["pad_token_id"] = key.pad
            try JSONSerialization.data(withJSONObject: object).write(to: directory.appending(path: "config.json"))
            try FileManager.default.copyItem(
                at: source.appending(path: "model.safetensors"), to: directory.appending(path: "model.safetensors"))
            return try ModelDirectory(directory).decoder(head: .score, trainable: false)
        }
    }
}

import Commands
import Foundation
import Objectives
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `sft/tiny.json`: TRL's completion-only loss on every causal model.
private struct SFTFixture: Decodable {
    struct Row: Decodable {
        var tokens: [Int32]
        var completionStart: Int
    }
    struct Model: Decodable {
        var loss: Double
        var sumPerRow: [Double]
    }
    var rows: [Row]
    var models: [String: Model]
}

/// `reward/tiny.json`: TRL's reward loss, centred and not.
private struct RewardFixture: Decodable {
    struct Pair: Decodable {
        var chosenIds: [Int32]
        var rejectedIds: [Int32]
    }
    struct Model: Decodable {
        var lossWithoutCentering: Double
        var loss: Double
        var chosenRewards: [Double]
        var rejectedRewards: [Double]
    }
    var centerRewardsCoefficient: Double
    var pairs: [Pair]
    var models: [String: Model]

    /// Pairs with the tokens that both responses start with as their prompt.
    var examples: [TokenizedPair] {
        pairs.enumerated().map { index, pair in
            let shared = zip(pair.chosenIds.dropLast(), pair.rejectedIds.dropLast()).prefix { $0 == $1 }.count
            return TokenizedPair(
                index: index, prompt: Array(pair.chosenIds.prefix(shared)),
                chosen: Array(pair.chosenIds.dropFirst(shared)), rejected: Array(pair.rejectedIds.dropFirst(shared)))
        }
    }
}

@Suite("Supervised and reward losses against TRL")
struct SupervisedParityTests {
    static let causal = [
        "llama", "llama-tied", "llama-rope3", "mistral", "gpt_neox", "gpt_neox-sequential", "gpt2", "qwen2", "qwen3",
    ]

    @Test("SFT: the loss and every gradient are TRL's, however the rows are packed", arguments: causal, [1, 100_000])
    func supervised(name: String, maxTokens: Int) throws {
        let fixture = try decodeFixture(SFTFixture.self, "sft/tiny.json")
        let expected = try #require(fixture.models[name])
        let examples = fixture.rows.enumerated().map { index, row in
            TokenizedCompletion(
                index: index, prompt: Array(row.tokens[..<row.completionStart]),
                completion: Array(row.tokens[row.completionStart...]))
        }
        let model = try trainable("models/\(name)")
        for (example, sum) in zip(examples, expected.sumPerRow) {
            let loss = SFTObjective().accumulate(model, [example], maxTokens: maxTokens)
            #expect(relativeError(loss * Double(example.completion.count), sum) < 1e-4)
        }
        model.parameters.clearGradients()
        let loss = SFTObjective().accumulate(model, examples, maxTokens: maxTokens)
        #expect(relativeError(loss, expected.loss) < 1e-4)
        let tensors = try SafetensorsFile(TestSupport.fixture("sft/\(name).safetensors"))
        let worst = try largestError(model.parameters.gradientsByName()) {
            // Checkpoints of GPT-NeoX have another name for the head than the module that TRL trains.
            try tensors.tensor($0 == "embed_out.weight" ? "lm_head.weight" : $0).floats()
        }
        #expect(worst.error <= 1e-4, "\(worst.name)")
    }

    @Test(
        "Reward: scores, the loss and every gradient are TRL's, the shared prompt computed once",
        arguments: ["reward-llama", "reward-gpt_neox", "reward-gpt2"], [1, 100_000])
    func reward(name: String, maxTokens: Int) throws {
        let fixture = try decodeFixture(RewardFixture.self, "reward/tiny.json")
        let expected = try #require(fixture.models[name])
        let examples = fixture.examples
        #expect(examples.contains { !$0.prompt.isEmpty })
        let model = try trainable("models/\(name)", head: .score)
        for (pair, rewards) in zip(examples, zip(expected.chosenRewards, expected.rejectedRewards)) {
            let batch = ResponseBatch([pair])
            let scores = withoutGradients { model.scores(batch.rows, at: batch.lastRows).doubles() }
            #expect(abs(scores[0] - rewards.0) < 1e-4 && abs(scores[1] - rewards.1) < 1e-4)
        }
        let plain = RewardObjective(loss: BradleyTerryLoss())
        #expect(
            relativeError(plain.accumulate(model, examples, maxTokens: maxTokens), expected.lossWithoutCentering)
                < 1e-4)
        model.parameters.clearGradients()
        let centred = RewardObjective(
            loss: BradleyTerryLoss(centeringCoefficient: fixture.centerRewardsCoefficient))
        #expect(relativeError(centred.accumulate(model, examples, maxTokens: maxTokens), expected.loss) < 1e-4)
        let tensors = try SafetensorsFile(TestSupport.fixture("reward/\(name).safetensors"))
        let worst = try largestError(model.parameters.gradientsByName()) { try tensors.tensor($0).floats() }
        #expect(worst.error <= 1e-4, "\(worst.name)")
    }
}

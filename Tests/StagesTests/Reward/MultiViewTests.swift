import Foundation
import Objectives
import PreferenceData
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

@Suite("The multi-view term of a reward model")
struct MultiViewTests {
    private static let pairs = [
        TokenizedPair(index: 0, prompt: [5, 6], chosen: [7, 8, 9, 10], rejected: [7, 11]),
        TokenizedPair(index: 1, prompt: [5, 6], chosen: [18, 19], rejected: [8, 21, 22]),
        TokenizedPair(index: 2, prompt: [12], chosen: [13, 14], rejected: [15, 16, 17]),
        TokenizedPair(index: -1, prompt: [23, 24], chosen: [25], rejected: [26, 27]),
    ]

    private func model(_ placement: Placement = .float32) throws -> DecoderModel {
        let directory = TestSupport.fixture("models/reward-llama")
        let width = try ModelConfiguration(directory: directory).specification.width
        let model = try ModelDirectory(directory).decoder(
            head: .score, auxiliaryHead: MultiViewHead.auxiliaryHead(width: width), trainable: true,
            placement: placement)
        model.initializeAuxiliaryHead(seed: 3)
        return model
    }

    private func objective(_ model: DecoderModel, weight: Double = 0.5, tokens: Bool = false) -> RewardObjective {
        RewardObjective(
            loss: BradleyTerryLoss(), ranking: tokens ? TokenRankingLoss() : nil,
            views: MultiViewHead(
                weight: weight, width: model.specification.width, seed: 7, prompts: [0: 0, 1: 0, 2: 1, -1: 2]))
    }

    @Test("It adds to either loss the same, however the step is divided", arguments: [false, true])
    func division(tokens: Bool) throws {
        var found: [(loss: Double, gradients: [Float])] = []
        for maxTokens in [1, 100_000] {
            let model = try model()
            let loss = objective(model, tokens: tokens).accumulate(model, Self.pairs, maxTokens: maxTokens)
            found.append((loss, model.parameters.gradientsByName().sorted { $0.key < $1.key }.flatMap(\.value)))
        }
        #expect(relativeError(found[0].loss, found[1].loss) < 1e-4)
        #expect(relativeError(found[0].gradients, found[1].gradients) < 1e-3)
        let model = try model()
        let plain = RewardObjective(loss: BradleyTerryLoss(), ranking: tokens ? TokenRankingLoss() : nil)
        let without = plain.accumulate(model, Self.pairs, maxTokens: 100)
        let twice = objective(model, weight: 1, tokens: tokens).accumulate(model, Self.pairs, maxTokens: 100)
        #expect(abs(found[1].loss - without) > 1e-3)
        #expect(abs(twice - without - 2 * (found[1].loss - without)) < 1e-4)
    }

    @Test("The gradient is that of the whole step, encodings that other pairs were given included")
    func gradient() throws {
        let model = try model()
        let objective = objective(model, weight: 3)
        _ = objective.accumulate(model, Self.pairs, maxTokens: 1)
        // Of the same weights, before any is moved.
        let directions = try model.parameters.trained.map { try #require($0.gradients).copy() }
        for (group, direction) in zip(model.parameters.trained, directions) {
            let (norm, start) = (direction.norm(), group.values.copy())
            #expect(norm > 1e-3)
            let losses = [1.0, -1.0].map { sign -> Double in
                withoutGradients { group.values.copy(from: start + direction * (sign * 3e-4 / norm)) }
                model.parameters.clearGradients()
                return objective.accumulate(model, Self.pairs, maxTokens: 100_000)
            }
            withoutGradients { group.values.copy(from: start) }
            let slope = (losses[0] - losses[1]) / 6e-4
            #expect(abs(slope - norm) < 0.005 * norm, "\(slope), \(norm)")
        }
    }

    @Test("Of a model that computes in bfloat16 it is near that of float32")
    func halfPrecision() throws {
        let models = try [Placement.float32, .bfloat16].map(model)
        let losses = models.map { objective($0, weight: 3).accumulate($0, Self.pairs, maxTokens: 100) }
        let gradients = models.map { $0.parameters.gradientsByName().sorted { $0.key < $1.key }.flatMap(\.value) }
        #expect(losses[0] != losses[1] && relativeError(losses[1], losses[0]) < 0.05, "\(losses)")
        #expect(relativeError(gradients[1], gradients[0]) < 0.1)
    }

    @Test("A step of one prompt has no such term")
    func onePrompt() throws {
        let model = try model()
        let pairs = Array(Self.pairs.prefix(2))
        let plain = RewardObjective(loss: BradleyTerryLoss()).accumulate(model, pairs, maxTokens: 100)
        #expect(abs(objective(model).accumulate(model, pairs, maxTokens: 100) - plain) < 1e-6)
    }
}

@Suite(
    "Reward models with the multi-view term, in runs", .serialized,
    .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct MultiViewRunTests {
    @Test("It is learned, reported and planned; ranks and kills change no byte, and without weight nothing is new")
    func runs() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 16, eval: 4)
            try workspace.configure(
                """
                dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 128, max_prompt_length: 100}
                stages: [reward]
                save_steps: 1
                reward: {max_steps: 6, train_batch_size: 8, learning_rate: 1.0e-3, multi_view: {weight: 0.5}}
                """)
            try workspace.train(["output_dir=one"])
            let metrics = try workspace.metrics("one").map(\.values)
            let terms = metrics.compactMap { $0["multi_view/loss"] }
            #expect(terms.count == 6 && terms[5] < terms[0], "\(terms)")
            #expect(metrics[5]["eval_multi_view/loss"] != nil)
            #expect(try !String(decoding: workspace.weights("one", "01-reward"), as: UTF8.self).contains("auxiliary"))
            try workspace.train(ranks: 2, ["output_dir=two"])
            #expect(try workspace.weights("two", "01-reward") == workspace.weights("one", "01-reward"))
            try workspace.train(ranks: 3, ["output_dir=whole"])
            let result = try workspace.end(try workspace.job(ranks: 3), at: Moment(lines: 3)) { _ in
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(result.status == 128 + SIGKILL, "\(result.errors)")
            try workspace.train(ranks: 3, resume: true)
            try workspace.expectSame()
            #expect(
                abs(try #require(try workspace.metrics("whole")[0].values["loss"]) - metrics[0]["loss", default: 0])
                    < 1e-4)

            try workspace.train(["output_dir=none", "reward.multi_view.weight=0"])
            #expect(try workspace.metrics("none").allSatisfy { $0.values["multi_view/loss"] == nil })
            #expect(try workspace.weights("none", "01-reward") != workspace.weights("one", "01-reward"))
            let refused = try workspace.train(status: 2, ["reward.train_batch_size=1", "output_dir=again"])
            #expect(
                refused.errors.contains("reward.train_batch_size: 1 leaves multi_view no pair"), "\(refused.errors)")
            let row = "{\"prompt\": \"One\", \"chosen\": \" day\", \"rejected\": \" dog\"}\n"
            try workspace.write(row + row, to: "alike.jsonl")
            let alike = try workspace.train(
                ranks: 3, status: 2, ["dataset.train=alike.jsonl", "output_dir=alike"])
            #expect(alike.errors.contains("the pairs are all of one prompt"), "\(alike.errors)")
        }
    }
}

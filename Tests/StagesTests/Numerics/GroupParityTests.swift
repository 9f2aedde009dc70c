import Configuration
import MPI
import Objectives
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `grpo/updates.json`: three updates by TRL 1.16's GRPO and RLOO on given responses and scores.
private struct GroupFixture: Decodable {
    struct Response: Decodable {
        var prompt: Int
        var promptIds: [Int32]
        var responseIds: [Int32]
        var isFinished: Bool
        var score: Double
    }

    struct Case: Decodable, CustomStringConvertible {
        var stage: String
        var configuration: String
        var losses: [Double]
        var gradNorms: [Double]
        var update: SignProjections.Summary

        var description: String { "\(stage) \(configuration)" }
    }

    var learningRate: Double
    var adamEpsilon: Double
    var samples: Int
    var responseLength: Int
    var projections: SignProjections
    var responses: [Response]
    var cases: [Case]

    static let all: GroupFixture? = try? decodeFixture(GroupFixture.self, "grpo/updates.json")
}

@Suite("GRPO and RLOO against TRL on a small model")
struct GroupParityTests {
    private let fixture: GroupFixture

    init() throws { fixture = try #require(GroupFixture.all) }

    @Test("Losses, gradients' norms and three updates are TRL's", arguments: GroupFixture.all?.cases ?? [])
    private func updates(expected: GroupFixture.Case) throws {
        let (losses, norms, error) = try learn(expected)
        for (update, (loss, norm)) in zip(expected.losses, expected.gradNorms).enumerated() {
            // Advantages sum to nothing, so the first loss may be 0.
            #expect(abs(losses[update] - loss) <= 1e-4 * max(0.1, abs(loss)), "loss \(losses[update]) for \(loss)")
            #expect(abs(norms[update] - norm) <= 1e-3 * max(0.1, norm), "norm \(norms[update]) for \(norm)")
        }
        #expect(error.ofNorm <= 1e-3 && error.ofProjections <= 1e-3, "\(error)")
    }

    @Test("The comparison of updates fails where the optimizer is switched off, or the loss is another")
    func comparisonFails() throws {
        let grpo = try #require(fixture.cases.first { $0.configuration == "loss_type: grpo" })
        #expect(try learn(grpo, learningRate: 0).error.ofProjections > 0.1)
        #expect(try learn(grpo, as: "loss_type: dapo").error.ofProjections > 0.01)
        let rloo = try #require(fixture.cases.first { $0.configuration == "beta: 0.05" })
        #expect(try learn(rloo, as: "{beta: 0.05, reward_clip: 0.5}").error.ofProjections > 0.01)
    }

    private func learn(
        _ expected: GroupFixture.Case, as configuration: String? = nil, learningRate: Double? = nil
    ) throws -> (losses: [Double], norms: [Double], error: (ofNorm: Double, ofProjections: Double)) {
        switch expected.stage {
        case "grpo": try learn(GRPORecipe.self, expected, configuration, learningRate)
        default: try learn(RLOORecipe.self, expected, configuration, learningRate)
        }
    }

    private func learn<Recipe: PolicyGradientRecipe>(
        _: Recipe.Type, _ expected: GroupFixture.Case, _ configuration: String?, _ learningRate: Double?
    ) throws -> (losses: [Double], norms: [Double], error: (ofNorm: Double, ofProjections: Double)) {
        var options = Recipe.options
        var reader = ConfigurationReader(file: .none)
        let text = configuration ?? expected.configuration
        try reader.read(
            &options, fields: Recipe.fields, defaults: options,
            from: try ConfigurationNode(yaml: text) { _ in .none }, block: expected.stage)
        options.rollouts.nSamplesPerPrompt = fixture.samples
        options.rollouts.rolloutBatchSize = fixture.responses.count / fixture.samples
        options.sampling.responseLength = fixture.responseLength
        options.optimizer = OptimizerOptions(
            learningRate: learningRate ?? fixture.learningRate, adamEpsilon: fixture.adamEpsilon)
        options.optimizer.adamBeta2 = 0.999
        options.optimizer.weightDecay = 0.1
        options.optimizer.maxGradNorm = 1
        options.optimizer.schedule = .constant
        options.maxTokensPerMicroBatch = 100_000

        let model = try trainable("dpo/policy")
        let start = model.parameters.valuesByName()
        let rollouts = try rollouts(comparing: Recipe.needsReference(options))
        var (losses, norms): ([Double], [Double]) = ([], [])
        // Metrics are means over a step's updates: one more of them tells what it adds.
        for updates in 1...expected.losses.count {
            for (name, values) in start {
                model.parameters[name].copy(from: Tensor(values, shape: model.parameters[name].shape))
            }
            options.rollouts.numPPOEpochs = updates
            let learner = PolicyLearner(
                policy: model, critic: nil, options, Recipe.parts, totalSteps: 1, learners: try MPIRuntime().world,
                seed: 7)
            let metrics = try learner.learn(step: 0, from: RolloutBatch(total: rollouts.count, rollouts: rollouts))
            let total = { (name: String) in (metrics[name] ?? .nan) * Double(updates) }
            losses.append(total("loss") - losses.reduce(0, +))
            norms.append(total("grad_norm") - norms.reduce(0, +))
        }
        let update = model.parameters.valuesByName().merging(start) { zip($0, $1).map { $0 - $1 } }
        let flat = update.keys.sorted().flatMap { update[$0] ?? [] }
        return (losses, norms, fixture.projections.error(of: flat, expected.update))
    }

    /// The responses, as a sampler that is the policy would have sent them.
    private func rollouts(comparing: Bool) throws -> [Rollout] {
        let policy = try ModelDirectory(TestSupport.fixture("dpo/policy")).decoder(
            head: .languageModel, trainable: false)
        let reference = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: false)
        var rollouts = fixture.responses.enumerated().map { number, response in
            let batch = ResponseBatch([
                TokenizedCompletion(index: 0, prompt: response.promptIds, completion: response.responseIds)
            ])
            let logps = withoutGradients { policy.tokenLogps(batch.rows, predictions: batch.predictions).logps }
            return Rollout(
                promptIndex: response.prompt, sample: number % fixture.samples, stepIndex: number,
                prompt: response.promptIds, response: response.responseIds, sampledLogps: logps.floats(),
                isFinished: response.isFinished, score: response.score)
        }
        if comparing {
            try rollouts.compareWithReference(reference, named: "llama", temperature: 1, maxTokens: 100_000)
        }
        return rollouts
    }
}

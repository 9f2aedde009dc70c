import PreferenceData
import Runs
import Stages
import Torch
import Training
import Transformers

extension Bench {
    /// Updates of PPO by ranks that all learn and sample: responses, frozen models, old values, and every pass of
    /// learning.
    func ppo() throws -> Measurement {
        let policy = try model(.languageModel, trainable: true)
        let learner = PolicyLearner(
            policy: policy, critic: try model(.score, trainable: true), settings, totalSteps: options.repeats + 1,
            learners: ranks, seed: 1, tracer: tracer)
        let reference = try model(.languageModel, trainable: false)
        let scorer = ModelScorer(try model(.score, trainable: false), maxTokens: options.maxTokensPerMicroBatch)
        return try measure("ppo", unit: "responses", phases: .ppo) { number in
            let size = options.rolloutBatchSize
            let prompts = workload.prompts(size, from: number * size)
            let mine = share(of: Array(prompts.indices)) { prompts[$0].count }
            let engine = RolloutEngine(
                policy, samples: 1, settings.sampling, stopTokens: [], seed: UInt64(number + 1))
            let examples = mine.map { TokenizedPrompt(index: $0, prompt: prompts[$0]) }
            var rollouts = try tracer.measure(.generation) { try engine.draw(examples, step: number) }
            for index in rollouts.indices { rollouts[index].stepIndex = rollouts[index].promptIndex }
            try tracer.measure(.scoring) {
                try rollouts.score(by: scorer, []) { _ in "" }
                try rollouts.compareWithReference(
                    reference, named: "of the bench", temperature: 1, maxTokens: options.maxTokensPerMicroBatch)
            }
            _ = try learner.learn(step: number, from: RolloutBatch(total: size, rollouts: rollouts))
            return (mine.count, rollouts.reduce(0) { $0 + operations(of: $1) })
        }
    }

    private var settings: PolicyGradientOptions {
        var settings = PolicyGradientOptions()
        settings.rollouts.rolloutBatchSize = options.rolloutBatchSize
        settings.rollouts.numPPOEpochs = options.numPPOEpochs
        settings.sampling = SamplingOptions(responseLength: options.responseLength)
        settings.optimizer = OptimizerOptions(learningRate: 1e-6, adamEpsilon: 1e-5)
        settings.criticLearningRate = 1e-6
        settings.maxTokensPerMicroBatch = options.maxTokensPerMicroBatch
        return settings
    }

    /// The response is drawn; reference, reward model, and old policy and critic run once; policy and critic learn.
    private func operations(of rollout: Rollout) -> Double {
        let batch = ResponseBatch([rollout.example(index: 0)])
        let language = FLOPCount(specification, head: .languageModel)
        let score = FLOPCount(specification, head: .score)
        let values = score.forward(batch.rows, predicting: batch.predictions.rows)
        let passes = 1 + 3 * Double(options.numPPOEpochs)
        return language.generation(prompt: rollout.prompt.count, count: rollout.response.count)
            + language.forward(batch) + score.forward(batch) + passes * (language.forward(batch) + values)
    }
}

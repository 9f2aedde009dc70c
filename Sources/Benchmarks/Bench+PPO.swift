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
        let learner = PPOLearner(
            policy: policy, critic: try model(.score, trainable: true), settings, totalSteps: options.repeats + 1,
            learners: ranks, seed: 1, tracer: tracer)
        let reference = try model(.languageModel, trainable: false)
        let scorer = ModelScorer(try model(.score, trainable: false), maxTokens: options.maxTokensPerMicroBatch)
        return try measure("ppo", unit: "responses", phases: .ppo) { number in
            let size = options.rolloutBatchSize
            let prompts = workload.prompts(size, from: number * size)
            let mine = share(of: Array(prompts.indices)) { prompts[$0].count }
            let generator = Generator(policy, slots: settings.sampling.generationBatchSize)
            let experiences = try experiences(
                mine.map { (place: $0, prompt: prompts[$0]) }, step: number, generator, reference, scorer)
            let batch = ExperienceBatch(total: size, experiences: experiences)
            _ = try learner.learn(step: number, from: batch)
            return (mine.count, experiences.reduce(0) { $0 + operations(of: $1) })
        }
    }

    private var settings: PPOOptions {
        var settings = PPOOptions()
        settings.rollouts.rolloutBatchSize = options.rolloutBatchSize
        settings.rollouts.numPPOEpochs = options.numPPOEpochs
        settings.sampling = SamplingOptions(responseLength: options.responseLength)
        settings.optimizer = OptimizerOptions(learningRate: 1e-6, adamEpsilon: 1e-5)
        settings.criticLearningRate = 1e-6
        settings.maxTokensPerMicroBatch = options.maxTokensPerMicroBatch
        return settings
    }

    /// What a sampler sends to learners.
    private func experiences(
        _ prompts: [(place: Int, prompt: [Int32])], step: Int, _ generator: Generator, _ reference: DecoderModel,
        _ scorer: ModelScorer
    ) throws -> [Experience] {
        let requests = prompts.map {
            GenerationRequest(
                prompt: $0.prompt, stream: UInt64(step * options.rolloutBatchSize + $0.place),
                maxNewTokens: options.responseLength)
        }
        let completions = try tracer.measure(.generation) {
            try generator.generate(requests, options: GenerationOptions(eosTokenIDs: []))
        }
        let pairs = zip(requests, completions).map { ($0.prompt, $1.tokens) }
        let (scores, logps) = try tracer.measure(.scoring) {
            (
                try scorer.scores(
                    pairs.map { ScoredItem(prompt: $0, response: $1, promptContent: .text(""), completion: "") }),
                ResponseLogps.all(
                    of: pairs, under: reference, temperature: 1, maxTokens: options.maxTokensPerMicroBatch)
            )
        }
        return prompts.indices.map { index in
            Experience(
                place: prompts[index].place, version: step, prompt: prompts[index].prompt,
                response: completions[index].tokens, sampledLogps: completions[index].logps,
                referenceLogps: logps[index], score: scores[index], isFinished: false)
        }
    }

    /// The response is drawn; reference, reward model, and old policy and critic run once; policy and critic learn.
    private func operations(of experience: Experience) -> Double {
        let batch = ResponseBatch([
            TokenizedCompletion(index: 0, prompt: experience.prompt, completion: experience.response)
        ])
        let language = FLOPCount(specification, head: .languageModel)
        let score = FLOPCount(specification, head: .score)
        let values = score.forward(batch.rows, predicting: batch.predictions.rows)
        let passes = 1 + 3 * Double(options.numPPOEpochs)
        return language.generation(prompt: experience.prompt.count, count: experience.response.count)
            + language.forward(batch) + score.forward(batch) + passes * (language.forward(batch) + values)
    }
}

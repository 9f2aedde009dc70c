import Foundation
import PreferenceData
import Torch
import Transformers

/// A response that was drawn, with the log-probability of each of its tokens.
struct Response {
    /// The prompt's place in what was asked for.
    var place: Int
    /// Which of the prompt's responses it is.
    var sample: Int
    var tokens: [Int32]
    var logps: [Float]
    /// Whether it ended by itself, not at the length limit.
    var isFinished: Bool
}

extension StageContext {
    /// Draws responses to prompts; each from a random stream of its own, named by (seed, step, prompt, sample).
    func sample(
        _ generator: Generator, _ prompts: [TokenizedPrompt], samples: Int, step: Int,
        _ options: SamplingOptions
    ) throws -> [Response] {
        let stop = try text.stopTokens(options.stopToken, key: stage.name, configuration)
        let requests = prompts.flatMap { prompt in
            (0..<samples).map { sample in
                GenerationRequest(
                    prompt: prompt.prompt,
                    stream: StreamKey(seed: seed, step: step, prompt: prompt.index, sample: sample).value,
                    maxNewTokens: options.responseLength)
            }
        }
        let completions = try generator.generate(
            requests,
            options: GenerationOptions(
                sampling: Torch.SamplingOptions(
                    temperature: options.temperature, topK: options.topK, topP: options.topP), eosTokenIDs: stop))
        return completions.enumerated().map { index, completion in
            Response(
                place: index / samples, sample: index % samples, tokens: completion.tokens, logps: completion.logps,
                isFinished: completion.finishReason == .stop)
        }
    }

    /// The scores of responses to prompts.
    func score(
        _ responses: [Response], to prompts: [TokenizedPrompt], records: [Prompt], by scorer: any Scorer
    ) throws -> [Double] {
        try scorer.scores(
            responses.map { response in
                let prompt = prompts[response.place]
                return ScoredItem(
                    prompt: prompt.prompt, response: response.tokens, promptContent: records[prompt.index].prompt,
                    completion: text.text(of: response.tokens))
            })
    }

    /// What gives scores for a reward as the configuration names it.
    func scorer(_ reference: ArtifactReference, maxTokens: Int) throws -> any Scorer {
        switch reference {
        case .rule(let rule): return try RuleScorer(rule)
        case .command(let line): return CommandScorer(line)
        case .base, .stage, .path, .dataset:
            let statistics = try RewardStatistics.read(from: models.directory(of: reference))
            let model = try models.load(reference, head: .score, trainable: false, seed: seed)
            return ModelScorer(
                model, maxTokens: maxTokens, offset: statistics.flatMap { $0.isSubtracted ? $0.mean : nil } ?? 0)
        }
    }

    /// Draws and scores responses of several policies to this worker's share of the prompts, and reports them.
    func sampleAndReport(
        policies: [ArtifactReference], prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, samples: Int,
        _ options: SamplingOptions, reward: ArtifactReference, maxTokens: Int
    ) throws {
        let mine = workers.share(of: prompts.examples) { $0 }
        let scorer = try scorer(reward, maxTokens: maxTokens)
        try begin(total: prompts.examples.count * policies.count, unit: "prompt", step: done.count)
        for (number, policy) in policies.enumerated() {
            let left = mine.filter { !done.contains(ItemKey(index: $0.index, policy: number)) }
            guard !left.isEmpty else { continue }
            let model = try models.load(policy, head: .languageModel, trainable: false, seed: seed)
            let generator = Generator(model, slots: options.generationBatchSize)
            for start in stride(from: 0, to: left.count, by: options.generationBatchSize) {
                try stopAlone()
                let part = Array(left[start..<min(left.count, start + options.generationBatchSize)])
                let responses = try sample(generator, part, samples: samples, step: 0, options)
                let scores = try score(responses, to: part, records: prompts.records, by: scorer)
                try link.report(
                    .samples(
                        zip(responses, scores).map { response, score in
                            SampledResponse(
                                policy: number, index: part[response.place].index, sample: response.sample,
                                text: text.text(of: response.tokens), length: response.tokens.count,
                                isFinished: response.isFinished, score: score)
                        }))
                try link.report(.advanced(part.count))
            }
        }
    }
}

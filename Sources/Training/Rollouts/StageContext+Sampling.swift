import Foundation
import PreferenceData
import Runs
import Torch
import Transformers

/// A response that was drawn, with the log-probability of each of its tokens.
package struct Response {
    /// The prompt's place in what was asked for.
    package var place: Int
    /// Which of the prompt's responses it is.
    package var sample: Int
    package var tokens: [Int32]
    package var logps: [Float]
    /// Whether it ended by itself, not at the length limit.
    package var isFinished: Bool
}

extension StageContext {
    /// Draws responses to prompts, in their order; each from a random stream of its own, named by (seed, step, prompt,
    /// sample).
    package func sample(
        _ generator: Generator, _ prompts: [TokenizedPrompt], samples: Int, step: Int,
        _ options: SamplingOptions
    ) throws -> [Response] {
        let completions = try generator.generate(
            requests(to: prompts, samples: samples, step: step, options), options: generationOptions(options))
        return completions.enumerated().map { Response($1, index: $0, samples: samples) }
    }

    /// Draws responses to prompts and hands over those of `count` prompts together, all that a prompt has. Which prompts
    /// come together depends on whose responses end first; the last are fewer. Where the run is to stop, those on their way are
    /// left.
    package func sample(
        _ generator: Generator, _ prompts: [TokenizedPrompt], samples: Int, step: Int,
        _ options: SamplingOptions, groupsOf count: Int, completed: ([Response]) throws -> Void
    ) throws {
        var unfinished: [Int: [Response]] = [:]
        var group: [Response] = []
        try generator.generate(
            requests(to: prompts, samples: samples, step: step, options), options: generationOptions(options),
            while: { stopMonitor.wish() == nil }
        ) { index, completion in
            let response = Response(completion, index: index, samples: samples)
            unfinished[response.place, default: []].append(response)
            guard unfinished[response.place]?.count == samples else { return }
            group += unfinished.removeValue(forKey: response.place) ?? []
            if group.count >= count * samples {
                try completed(group)
                group = []
            }
        }
        if !group.isEmpty { try completed(group) }
    }

    private func requests(
        to prompts: [TokenizedPrompt], samples: Int, step: Int, _ options: SamplingOptions
    ) -> [GenerationRequest] {
        prompts.flatMap { prompt in
            (0..<samples).map { sample in
                GenerationRequest(
                    prompt: prompt.prompt,
                    stream: StreamKey(seed: seed, step: step, prompt: prompt.index, sample: sample).value,
                    maxNewTokens: options.responseLength)
            }
        }
    }

    private func generationOptions(_ options: SamplingOptions) throws -> GenerationOptions {
        GenerationOptions(
            sampling: TokenSampling(
                temperature: options.temperature, topK: options.topK, topP: options.topP),
            eosTokenIDs: try text.stopTokens(options.stopToken, key: stage.name, configuration))
    }

    /// Checks that a policy gave its responses log-probabilities: one whose weights are not numbers draws tokens all the
    /// same.
    package func check(_ responses: [Response], of policy: String) throws(ModelOutputError) {
        for response in responses {
            guard let logp = response.logps.first(where: \.isNaN) else { continue }
            throw ModelOutputError("\(policy): the log-probability of a token", Double(logp))
        }
    }

    /// The scores of responses to prompts.
    ///
    /// - Parameter records: All prompts as they were read; may be empty where `scorer` reads none of them.
    package func score(
        _ responses: [Response], to prompts: [TokenizedPrompt], records: [Prompt], by scorer: any Scorer
    ) throws -> [Double] {
        try scorer.scores(
            responses.map { response in
                let prompt = prompts[response.place]
                return ScoredItem(
                    prompt: prompt.prompt, response: response.tokens,
                    promptContent: records.isEmpty ? .text("") : records[prompt.index].prompt,
                    completion: text.text(of: response.tokens))
            })
    }

    /// What gives scores for a reward as the configuration names it.
    ///
    /// - Parameter isLeft: Whether the stage may be left, for the run to stop, between two answers of a program.
    package func scorer(_ reference: ArtifactReference, maxTokens: Int, isLeft: Bool) throws -> any Scorer {
        switch reference {
        case .rule(let rule): return try RuleScorer(rule)
        case .command(let line):
            return CommandScorer(line) {
                workers.noteProgress()
                if isLeft { try stopAlone() }
            }
        case .base, .stage, .path, .dataset:
            let statistics = try RewardStatistics.read(from: models.directory(of: reference))
            let model = try models.loadReward(reference)
            return ModelScorer(
                model, named: reference.description, maxTokens: maxTokens,
                offset: statistics.flatMap { $0.isSubtracted ? $0.mean : nil } ?? 0)
        }
    }

    /// Draws and scores responses of several policies to this worker's share of the prompts, and reports them in groups
    /// as they come, so that a stopped run has them.
    package func sampleAndReport(
        policies: [ArtifactReference], prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, samples: Int,
        _ options: SamplingOptions, reward: ArtifactReference, maxTokens: Int
    ) throws {
        let mine = workers.share(of: prompts.examples) { $0 }
        let scorer = try scorer(reward, maxTokens: maxTokens, isLeft: true)
        try begin(total: prompts.examples.count * policies.count, unit: "prompt", step: done.count)
        for (number, policy) in policies.enumerated() {
            let left = mine.filter { !done.contains(ItemKey(index: $0.index, policy: number)) }
            guard !left.isEmpty else { continue }
            let model = try models.load(policy, head: .languageModel, trainable: false, seed: seed)
            let generator = Generator(model, slots: options.generationBatchSize)
            try stopAlone()
            try sample(
                generator, left, samples: samples, step: 0, options, groupsOf: options.generationBatchSize
            ) { responses in
                try check(responses, of: "policy \(policy)")
                let scores = try score(responses, to: left, records: prompts.records, by: scorer)
                try link.send(
                    SampledResponsesMessage(
                        zip(responses, scores).map { response, score in
                            SampledResponse(
                                policy: number, index: left[response.place].index, sample: response.sample,
                                text: text.text(of: response.tokens), length: response.tokens.count,
                                isFinished: response.isFinished, score: score)
                        }))
                try link.report(.advanced(responses.count / samples))
                try stopAlone()
            }
            try stopAlone()
        }
    }
}

extension Response {
    /// One of `samples` completions of each prompt, the completions of a prompt one after another.
    fileprivate init(_ completion: Completion, index: Int, samples: Int) {
        self.init(
            place: index / samples, sample: index % samples, tokens: completion.tokens, logps: completion.logps,
            isFinished: completion.finishReason == .stop)
    }
}

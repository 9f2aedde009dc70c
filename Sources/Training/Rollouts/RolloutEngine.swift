import PreferenceData
import Runs
import Torch
import Transformers

/// Draws responses of a policy to prompts: each from a random stream of its own, named by (seed, step, prompt, sample), so
/// that a response depends neither on its neighbours nor on who draws it.
package struct RolloutEngine {
    private let generator: Generator
    private let seed: UInt64
    private let samples: Int
    private let responseLength: Int
    private let options: GenerationOptions

    /// - Parameters:
    ///   - policy: What is drawn from, as it is at the time of each call.
    ///   - samples: Responses for each prompt.
    ///   - stopTokens: What ends a response.
    ///   - seed: Of the random streams.
    package init(
        _ policy: DecoderModel, samples: Int, _ sampling: SamplingOptions, stopTokens: [Int32], seed: UInt64
    ) {
        generator = Generator(policy, slots: sampling.generationBatchSize)
        (self.samples, self.seed, responseLength) = (samples, seed, sampling.responseLength)
        options = GenerationOptions(
            sampling: TokenSampling(temperature: sampling.temperature, topK: sampling.topK, topP: sampling.topP),
            eosTokenIDs: stopTokens)
    }

    /// Responses to prompts, in their order, the samples of each one after another.
    ///
    /// - Parameter attempt: Names other streams than those of attempts before.
    package func draw(_ prompts: [TokenizedPrompt], step: Int, attempt: Int = 0) throws -> [Rollout] {
        let completions = try generator.generate(
            requests(to: prompts, step: step, attempt: attempt), options: options)
        return completions.enumerated().map { rollout($1, index: $0, of: prompts) }
    }

    /// Hands over each response when it is drawn, with its index among all: which come first depends on how long they are.
    ///
    /// - Parameter goesOn: Asked now and then; `false` leaves those on their way.
    package func draw(
        _ prompts: [TokenizedPrompt], step: Int, while goesOn: () -> Bool = { true },
        drawn: (_ index: Int, Rollout) throws -> Void
    ) throws {
        try generator.generate(requests(to: prompts, step: step), options: options, while: goesOn) {
            index, completion in
            try drawn(index, rollout(completion, index: index, of: prompts))
        }
    }

    /// Hands over the responses of `count` prompts together, all that a prompt has; the last are fewer.
    package func draw(
        _ prompts: [TokenizedPrompt], step: Int, groupsOf count: Int, while goesOn: () -> Bool,
        drawn: ([Rollout]) throws -> Void
    ) throws {
        var unfinished: [Int: [Rollout]] = [:]
        var group: [Rollout] = []
        try draw(prompts, step: step, while: goesOn) { index, rollout in
            let number = index / samples
            unfinished[number, default: []].append(rollout)
            guard unfinished[number]?.count == samples else { return }
            group += unfinished.removeValue(forKey: number) ?? []
            if group.count >= count * samples {
                try drawn(group)
                group = []
            }
        }
        if !group.isEmpty { try drawn(group) }
    }

    private func requests(to prompts: [TokenizedPrompt], step: Int, attempt: Int = 0) -> [GenerationRequest] {
        prompts.flatMap { prompt in
            (0..<samples).map { sample in
                GenerationRequest(
                    prompt: prompt.prompt,
                    stream: StreamKey(seed: seed, step: step, prompt: prompt.index, sample: attempt * samples + sample)
                        .value,
                    maxNewTokens: responseLength)
            }
        }
    }

    private func rollout(_ completion: Completion, index: Int, of prompts: [TokenizedPrompt]) -> Rollout {
        let prompt = prompts[index / samples]
        return Rollout(
            promptIndex: prompt.index, sample: index % samples, prompt: prompt.prompt, response: completion.tokens,
            sampledLogps: completion.logps, isFinished: completion.finishReason == .stop)
    }
}

extension [Rollout] {
    /// Checks that a policy gave its responses log-probabilities: one whose weights are not numbers draws tokens all the
    /// same.
    package func check(of policy: String) throws(ModelOutputError) {
        for rollout in self {
            guard let logp = rollout.sampledLogps.first(where: \.isNaN) else { continue }
            throw ModelOutputError("\(policy): the log-probability of a token", Double(logp))
        }
    }

    /// Takes the scores of a source of reward.
    ///
    /// - Parameters:
    ///   - records: All prompts as they were read; may be empty where `scorer` reads none of them.
    ///   - text: From tokens to text.
    package mutating func score(by scorer: any Scorer, _ records: [Prompt], text: ([Int32]) -> String) throws {
        let items = map { rollout in
            ScoredItem(
                prompt: rollout.prompt, response: rollout.response,
                row: records.isEmpty ? nil : records[rollout.promptIndex],
                completion: text(rollout.response))
        }
        guard let mixed = scorer as? MixedScorer else {
            let scores = try scorer.scores(items)
            for index in indices { self[index].score = scores[index] }
            return
        }
        for (index, parts) in try mixed.parts(items).enumerated() {
            (self[index].score, self[index].scoreParts) = (mixed.sum(parts), parts)
        }
    }

    /// Takes the log-probabilities of each token under a frozen model, by packed forward passes.
    ///
    /// - Parameters:
    ///   - name: What messages call the model.
    ///   - maxTokens: Most tokens of one pass.
    /// - Throws: ``ModelOutputError`` for one that is not finite.
    package mutating func compareWithReference(
        _ model: DecoderModel, named name: String, temperature: Double, maxTokens: Int
    ) throws(ModelOutputError) {
        let examples = enumerated().map { $1.example(index: $0) }
        withoutGradients {
            for batch in ResponseBatch.microBatches(examples, maxTokens: maxTokens) {
                let logps = model.tokenLogps(batch.rows, predictions: batch.predictions, temperature: temperature).logps
                var flat = logps.floats()[...]
                for index in batch.indices {
                    let count = self[index].response.count
                    self[index].referenceLogps = [Float](flat.prefix(count))
                    flat = flat.dropFirst(count)
                }
            }
        }
        for rollout in self {
            guard let logp = rollout.referenceLogps.first(where: { !$0.isFinite }) else { continue }
            throw ModelOutputError("reference \(name): the log-probability of a token", Double(logp))
        }
    }
}

import PreferenceData
import Runs
import Transformers

extension StageContext {
    /// What draws a policy's responses in this stage.
    package func rolloutEngine(_ policy: DecoderModel, samples: Int, _ options: SamplingOptions) throws -> RolloutEngine
    {
        RolloutEngine(
            policy, samples: samples, options,
            stopTokens: try text.stopTokens(options.stopToken, key: stage.name, configuration), seed: seed)
    }

    /// Seconds that a program may take for an answer: less than what ends a run in which nothing moves, so that it is named.
    package var programTimeout: Double { Double(max(1, configuration.stallTimeoutSeconds - 1)) }

    /// What gives scores for a reward as the configuration names it.
    ///
    /// - Parameters:
    ///   - isLeft: Whether the stage may be left, for the run to stop, between two answers of a program.
    ///   - groupSize: How many responses each prompt has, which come one after another, where they may be compared.
    package func scorer(
        _ reference: ArtifactReference, maxTokens: Int, isLeft: Bool, groupSize: Int = 1
    ) throws -> any Scorer {
        switch reference {
        case .rule(let rule): return try RuleScorer(rule)
        case .command(let line):
            return CommandScorer(line, timeout: programTimeout) {
                workers.noteProgress()
                if isLeft { try stopAlone() }
            }
        case .openai(let text): return try judgeScorer(text, isLeft: isLeft, groupSize: groupSize)
        case .column: preconditionFailure("\(reference) scores no samples")
        case .base, .stage, .path, .dataset:
            let statistics = try RewardStatistics.read(from: models.directory(of: reference))
            let model = try models.loadReward(reference)
            return ModelScorer(
                model, named: reference.description, maxTokens: maxTokens,
                offset: statistics?.offset ?? 0)
        }
    }

    /// Draws and scores responses of several policies to this worker's share of the prompts, and reports them in groups
    /// as they come, so that a stopped run has them.
    ///
    /// - Parameters:
    ///   - reward: What scores them; `nil` for responses that are compared later.
    ///   - other: What scores them too, for comparison.
    ///   - later: How much work the stage has after this, as prompts of all workers.
    ///   - reported: Has each group of this worker once it is reported.
    package func sampleAndReport(
        policies: [ArtifactReference], prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, samples: Int,
        _ options: SamplingOptions, reward: ArtifactReference?, other: ArtifactReference? = nil, maxTokens: Int,
        later: Int = 0, reported: ([SampledResponse]) -> Void = { _ in }
    ) throws {
        let sampled = policies.map { policy in
            SampledPolicy(name: "policy \(policy)") {
                try models.load(policy, head: .languageModel, training: .none, seed: seed)
            }
        }
        try sampleAndReport(
            sampled, prompts: prompts, samples: samples, options, reward: reward, other: other, maxTokens: maxTokens,
            later: later, reported: reported)
    }

    /// The same of policies that are made where they are needed. The streams of responses know nothing of the policy, so that
    /// several draw with the same luck.
    package func sampleAndReport(
        _ policies: [SampledPolicy], prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, samples: Int,
        _ options: SamplingOptions, reward: ArtifactReference?, other: ArtifactReference? = nil, maxTokens: Int,
        later: Int = 0, reported: ([SampledResponse]) -> Void = { _ in }
    ) throws {
        let mine = workers.share(of: prompts.examples) { $0 }
        let scorers = try [reward, other].map {
            try $0.map { try scorer($0, maxTokens: maxTokens, isLeft: true, groupSize: samples) }
        }
        try begin(total: prompts.examples.count * policies.count + later, unit: "prompt", step: done.count)
        for (number, policy) in policies.enumerated() {
            let left = mine.filter { !done.contains(ItemKey(index: $0.index, policy: number)) }
            guard !left.isEmpty else { continue }
            let engine = try rolloutEngine(policy.model(), samples: samples, options)
            try stopAlone()
            try engine.draw(
                left, step: 0, groupsOf: options.generationBatchSize, while: { stopMonitor.wish() == nil }
            ) { rollouts in
                var rollouts = rollouts
                try rollouts.check(of: policy.name)
                if let scorer = scorers[0] { try rollouts.score(by: scorer, prompts.records, text: text.text(of:)) }
                var responses = rollouts.map {
                    SampledResponse($0, policy: number, text: text.text(of: $0.response))
                }
                if let other = scorers[1] {
                    try rollouts.score(by: other, prompts.records, text: text.text(of:))
                    for index in responses.indices { responses[index].otherScore = rollouts[index].score }
                }
                try link.send(SampledResponsesMessage(responses))
                reported(responses)
                try link.report(.advanced(rollouts.count / samples))
                try stopAlone()
            }
            try stopAlone()
        }
    }
}

/// A policy that responses are drawn from.
package struct SampledPolicy {
    /// What messages call it.
    package let name: String
    /// Loads or makes it.
    package let model: () throws -> DecoderModel

    package init(name: String, model: @escaping () throws -> DecoderModel) { (self.name, self.model) = (name, model) }
}

extension SampledResponse {
    fileprivate init(_ rollout: Rollout, policy: Int, text: String) {
        self.init(
            policy: policy, index: rollout.promptIndex, sample: rollout.sample, text: text,
            length: rollout.response.count, isFinished: rollout.isFinished, score: rollout.score)
    }
}

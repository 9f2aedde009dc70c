import PreferenceData
import Runs
import Torch
import Transformers

/// A sampler: draws responses to its share of a step's prompts, and runs the frozen models on them.
package struct RolloutSampler {
    package let context: StageContext
    package let settings: Settings
    package let prompts: DataStore.Loaded<Prompt, TokenizedPrompt>
    /// The prompts of a step.
    package let batches: (Int) -> [Int]
    package let policy: DecoderModel
    /// The frozen policy, where one is read.
    package let reference: DecoderModel?
    /// What scores; responses have the score 0 where there is none.
    package let scorer: (any Scorer)?
    /// The model that scores, where it is trained in the loop.
    package let scoringModel: DecoderModel?
    /// Which of the samplers it is.
    package let number: Int
    /// How many there are.
    package let count: Int

    /// What it reads of a stage's options.
    package struct Settings {
        /// Responses to a prompt.
        package var samples: Int
        package var sampling: SamplingOptions
        /// What messages call the reference.
        package var reference: String
        /// Most tokens of a frozen model's pass.
        package var maxTokens: Int
        /// How the reference follows the policy.
        package var referenceSync = ReferenceSync()
        /// How often responses to a prompt are drawn again while they all have one score.
        package var resamples: Int
        /// A response's score as it counts.
        package var finalScore: (Rollout) -> Double = \.score

        package init(
            samples: Int, _ sampling: SamplingOptions, reference: String = "", maxTokens: Int, resamples: Int = 0
        ) {
            (self.samples, self.sampling, self.reference) = (samples, sampling, reference)
            (self.maxTokens, self.resamples) = (maxTokens, resamples)
        }
    }

    package init(
        _ context: StageContext, _ settings: Settings, _ prompts: DataStore.Loaded<Prompt, TokenizedPrompt>,
        in batches: @escaping (Int) -> [Int], policy: DecoderModel, reference: DecoderModel? = nil,
        scorer: (any Scorer)?,
        scoringModel: DecoderModel? = nil, number: Int, of count: Int
    ) {
        (self.context, self.settings, self.prompts, self.batches) = (context, settings, prompts, batches)
        (self.policy, self.reference, self.scorer) = (policy, reference, scorer)
        (self.scoringModel, self.number, self.count) = (scoringModel, number, count)
    }

    /// Moves the reference where it follows the policy, whose version this is.
    package func follow(version: Int) {
        if let reference { settings.referenceSync.follow(policy, with: reference, afterStep: version) }
    }

    /// Samples, scores and reports this worker's share of a step.
    ///
    /// - Parameters:
    ///   - version: The version of the policy as it is now.
    ///   - scoreVersion: That of the model that scores.
    package func produce(step: Int, version: Int, scoreVersion: Int) throws {
        let batch = batches(step).map { prompts.examples[$0] }
        let samples = settings.samples
        let share = TokenBalancer.share(batch.map(\.tokenCount), over: count)[number]
        let asked = share.map { batch[$0] }
        var rollouts = try drawn(asked, step: step, attempt: 0)
        for attempt in 0..<settings.resamples {
            let equal = asked.indices.filter { group in
                let scores = rollouts[group * samples..<(group + 1) * samples].map(settings.finalScore)
                return scores.allSatisfy { $0 == scores[0] }
            }
            guard !equal.isEmpty else { break }
            let again = try drawn(equal.map { asked[$0] }, step: step, attempt: attempt + 1)
            for (row, group) in equal.enumerated() {
                rollouts.replaceSubrange(
                    group * samples..<(group + 1) * samples, with: again[row * samples..<(row + 1) * samples])
            }
        }
        for index in rollouts.indices {
            let (prompt, sample) = index.quotientAndRemainder(dividingBy: samples)
            rollouts[index].stepIndex = share[prompt] * samples + sample
            (rollouts[index].version, rollouts[index].scoreVersion) = (version, scoreVersion)
        }
        try context.link.send(
            RolloutMessage(step: step), bulk: RolloutBatch(total: batch.count * samples, rollouts: rollouts).bytes)
    }

    /// Responses to prompts with what scores and frozen models say of them.
    private func drawn(_ asked: [TokenizedPrompt], step: Int, attempt: Int) throws -> [Rollout] {
        var rollouts = try context.tracer.measure(.generation, number: step + 1) {
            try context.rolloutEngine(policy, samples: settings.samples, settings.sampling).draw(
                asked, step: step, attempt: attempt)
        }
        try rollouts.check(of: "policy of \(context.stage.name)")
        try context.tracer.measure(.scoring, number: step + 1) {
            if let scorer { try rollouts.score(by: scorer, prompts.records, text: context.text.text(of:)) }
            if let reference {
                try rollouts.compareWithReference(
                    reference, named: settings.reference, temperature: settings.sampling.temperature,
                    maxTokens: settings.maxTokens)
            }
        }
        return rollouts
    }
}

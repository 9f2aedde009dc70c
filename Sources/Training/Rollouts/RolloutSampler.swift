import PreferenceData
import Runs
import Torch
import Transformers

/// A sampler: draws responses to its share of a step's prompts, and runs the frozen models on them.
package struct RolloutSampler {
    package let context: StageContext
    package let settings: Settings
    package let prompts: DataStore.Loaded<Prompt, TokenizedPrompt>
    package let batches: StepBatches
    package let policy: DecoderModel
    /// The frozen policy, where one is read.
    package let reference: DecoderModel?
    package let scorer: any Scorer
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

        package init(samples: Int, _ sampling: SamplingOptions, reference: String = "", maxTokens: Int) {
            (self.samples, self.sampling, self.reference, self.maxTokens) = (samples, sampling, reference, maxTokens)
        }
    }

    package init(
        _ context: StageContext, _ settings: Settings, _ prompts: DataStore.Loaded<Prompt, TokenizedPrompt>,
        in batches: StepBatches, policy: DecoderModel, reference: DecoderModel? = nil, scorer: any Scorer,
        number: Int, of count: Int
    ) {
        (self.context, self.settings, self.prompts, self.batches) = (context, settings, prompts, batches)
        (self.policy, self.reference, self.scorer) = (policy, reference, scorer)
        (self.number, self.count) = (number, count)
    }

    /// Samples, scores and reports this worker's share of a step.
    ///
    /// - Parameter version: The version of the policy as it is now.
    package func produce(step: Int, version: Int) throws {
        let batch = batches.batch(atStep: step).map { prompts.examples[$0] }
        let samples = settings.samples
        let share = TokenBalancer.share(batch.map(\.tokenCount), over: count)[number]
        var rollouts = try context.tracer.measure(.generation, number: step + 1) {
            try context.rolloutEngine(policy, samples: samples, settings.sampling).draw(
                share.map { batch[$0] }, step: step)
        }
        try rollouts.check(of: "policy of \(context.stage.name)")
        for index in rollouts.indices {
            let (prompt, sample) = index.quotientAndRemainder(dividingBy: samples)
            rollouts[index].stepIndex = share[prompt] * samples + sample
            rollouts[index].version = version
        }
        try context.tracer.measure(.scoring, number: step + 1) {
            try rollouts.score(by: scorer, prompts.records, text: context.text.text(of:))
            if let reference {
                try rollouts.compareWithReference(
                    reference, named: settings.reference, temperature: settings.sampling.temperature,
                    maxTokens: settings.maxTokens)
            }
        }
        try context.link.send(
            RolloutMessage(step: step), bulk: RolloutBatch(total: batch.count * samples, rollouts: rollouts).bytes)
    }
}

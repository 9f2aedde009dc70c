import Foundation
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A sampler of PPO: draws responses to its share of a step's prompts, and runs the frozen models on them.
package struct RolloutWorker {
    package let context: StageContext
    package let options: PPOOptions
    package let prompts: DataStore.Loaded<Prompt, TokenizedPrompt>
    package let batches: StepBatches
    package let policy: DecoderModel
    package let reference: DecoderModel
    package let scorer: any Scorer
    /// Which of the samplers it is.
    package let sampler: Int
    /// How many there are.
    package let samplerCount: Int

    /// Samples, scores and reports this worker's share of a step.
    ///
    /// - Parameter version: The version of the policy as it is now.
    package func produce(step: Int, version: Int) throws {
        let batch = batches.batch(atStep: step).map { prompts.examples[$0] }
        let samples = options.rollouts.nSamplesPerPrompt
        let share = TokenBalancer.share(batch.map(\.tokenCount), over: samplerCount)[sampler]
        var rollouts = try context.tracer.measure(.generation, number: step + 1) {
            try context.rolloutEngine(policy, samples: samples, options.sampling).draw(
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
            try rollouts.compareWithReference(
                reference, named: options.reference.description, temperature: options.sampling.temperature,
                maxTokens: options.maxTokensPerMicroBatch)
        }
        try context.link.send(
            RolloutMessage(step: step), bulk: RolloutBatch(total: batch.count * samples, rollouts: rollouts).bytes)
    }
}

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
    /// Its place among the samplers, and how many there are.
    package let place: (index: Int, count: Int)

    /// Samples, scores and reports this worker's share of a step.
    ///
    /// - Parameter version: The version of the policy as it is now.
    package func produce(step: Int, version: Int) throws {
        let batch = batches.batch(atStep: step).map { prompts.examples[$0] }
        let samples = options.rollouts.nSamplesPerPrompt
        let share = TokenBalancer.share(batch.map(\.tokenCount), over: place.count)[place.index]
        let mine = share.map { batch[$0] }
        let responses = try context.tracer.measure(.generation, number: step + 1) {
            let generator = Generator(policy, slots: options.sampling.generationBatchSize)
            return try context.sample(generator, mine, samples: samples, step: step, options.sampling)
        }
        try context.check(responses, of: "policy of \(context.stage.name)")
        let (scores, referenceLogps) = try context.tracer.measure(.scoring, number: step + 1) {
            (
                try context.score(responses, to: mine, records: prompts.records, by: scorer),
                ResponseLogps.all(
                    of: responses.map { (mine[$0.place].prompt, $0.tokens) }, under: reference,
                    temperature: options.sampling.temperature, maxTokens: options.maxTokensPerMicroBatch)
            )
        }
        if let logp = referenceLogps.joined().first(where: { !$0.isFinite }) {
            throw ModelOutputError("reference \(options.reference): the log-probability of a token", Double(logp))
        }
        let experiences = responses.indices.map { index in
            let response = responses[index]
            return Experience(
                place: share[response.place] * samples + response.sample, version: version,
                prompt: mine[response.place].prompt, response: response.tokens, sampledLogps: response.logps,
                referenceLogps: referenceLogps[index], score: scores[index], isFinished: response.isFinished)
        }
        try context.link.send(
            ExperienceMessage(step: step),
            bulk: ExperienceBatch(total: batch.count * samples, experiences: experiences).bytes)
    }
}

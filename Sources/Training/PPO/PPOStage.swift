import PreferenceData
import Transformers

extension StageContext {
    func runPPO(_ options: PPOOptions) throws {
        let prompts = try data.prompts(options.prompts, options.prompt)
        try note(prompts.summary)
        let order = try DataOrder(
            count: prompts.examples.count, batchSize: options.rollouts.rolloutBatchSize, seed: seed,
            shuffles: options.rollouts.shuffle)
        try PPOWorker(self, options, prompts, order).run()
    }

    /// A model of PPO, from the stage's checkpoint where there is one.
    func ppoModel(
        _ initial: ArtifactReference, _ head: ModelHead, trainable: Bool, part: String? = nil
    ) throws -> Transformers.Decoder {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            return try models.load(
                part.map { directory.appending(path: $0) } ?? directory, head: head, trainable: trainable)
        }
        return try models.load(initial, head: head, trainable: trainable, seed: seed)
    }
}

import PreferenceData
import Transformers

extension StageContext {
    package func runPPO(_ options: PPOOptions) throws {
        let prompts = try data.prompts(
            options.prompts, options.prompt, keepsRecords: options.reward.readsPrompts)
        try note(prompts.summary)
        let order = try DataOrder(
            count: prompts.examples.count, batchSize: options.rollouts.rolloutBatchSize, seed: seed,
            shuffles: options.rollouts.shuffle)
        let model = try ModelConfiguration(directory: models.directory(of: options.initial))
        for line in options.warnings(order, vocabularySize: model.vocabularySize) { try note(line) }
        try PPOWorker(self, options, prompts, order).run()
    }

    /// A model of PPO, from the stage's checkpoint where there is one.
    package func ppoModel(
        _ initial: ArtifactReference, _ head: ModelHead, trainable: Bool, part: String? = nil
    ) throws -> DecoderModel {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            return try models.load(
                part.map { directory.appending(path: $0) } ?? directory, head: head, trainable: trainable)
        }
        return try models.load(initial, head: head, trainable: trainable, seed: seed)
    }
}

extension PPOOptions {
    /// What a person should know before the first step.
    ///
    /// - Parameter vocabularySize: How many tokens the policy knows.
    fileprivate func warnings(_ order: DataOrder, vocabularySize: Int) -> [String] {
        var lines = [sampling.truncationWarning(vocabularySize: vocabularySize)].compactMap(\.self)
        let fewest = order.examplesTaken(by: order.stepsPerEpoch) - order.examplesTaken(by: order.stepsPerEpoch - 1)
        let responses = fewest * rollouts.nSamplesPerPrompt
        if responses < rollouts.numMiniBatches {
            lines.append(
                "the last step of each epoch has \(responses) of \(responsesPerStep) responses, fewer than its "
                    + "\(rollouts.numMiniBatches) mini-batches; those without a response make no update")
        }
        return lines
    }
}

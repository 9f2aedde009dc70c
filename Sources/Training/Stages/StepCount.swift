import PreferenceData

extension TrainingLoopOptions {
    /// Optimizer steps of a stage whose data goes in `order`.
    func steps(in order: DataOrder) -> Int {
        maxSteps ?? max(1, Int((Double(order.stepsPerEpoch) * numTrainEpochs).rounded(.up)))
    }
}

extension PPORolloutOptions {
    /// Steps of a stage where `max_steps` or `total_episodes` gives them, whatever the prompts.
    var fixedSteps: Int? {
        maxSteps ?? totalEpisodes.map { max(1, $0 / (rolloutBatchSize * nSamplesPerPrompt)) }
    }

    /// Steps of a stage whose prompts go in `order`.
    func steps(in order: DataOrder) -> Int {
        fixedSteps ?? max(1, Int((Double(order.stepsPerEpoch) * numTrainEpochs).rounded(.up)))
    }
}

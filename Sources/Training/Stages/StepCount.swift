import PreferenceData

extension TrainingLoopOptions {
    /// Optimizer steps of a stage whose data goes in `order`.
    package func steps(in order: DataOrder) -> Int {
        maxSteps ?? order.steps(inEpochs: numTrainEpochs)
    }
}

extension PPORolloutOptions {
    /// Steps of a stage where `max_steps` or `total_episodes` gives them, whatever the prompts: as in TRL, as many as have
    /// at least those episodes if every step is full.
    package var fixedSteps: Int? {
        maxSteps
            ?? totalEpisodes.map {
                let (steps, rest) = $0.quotientAndRemainder(dividingBy: rolloutBatchSize * nSamplesPerPrompt)
                return steps + (rest > 0 ? 1 : 0)
            }
    }

    /// Steps of a stage whose prompts go in `order`.
    package func steps(in order: DataOrder) -> Int {
        fixedSteps ?? order.steps(inEpochs: numTrainEpochs)
    }
}

extension DataOrder {
    /// Steps of so many passes over the data, at least one and no more than a double counts exactly.
    fileprivate func steps(inEpochs epochs: Double) -> Int {
        max(1, Int(min(0x1p53, (Double(stepsPerEpoch) * epochs).rounded(.up))))
    }
}

import PreferenceData
import Runs

extension TrainingLoopOptions {
    /// Optimizer steps of a stage whose data goes in `order`.
    package func steps(in order: DataOrder) -> Int {
        maxSteps ?? order.steps(inEpochs: numTrainEpochs)
    }
}

extension DataOrder {
    /// Steps of so many passes over the data, at least one and no more than a double counts exactly.
    package func steps(inEpochs epochs: Double) -> Int {
        max(1, Int(min(0x1p53, (Double(stepsPerEpoch) * epochs).rounded(.up))))
    }
}

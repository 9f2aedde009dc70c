import Foundation
import Runs
import Transformers

/// The state of an online stage on disk: its models, their optimizers, where it stands, and responses that were drawn ahead.
///
/// The policy lies in the directory itself, other models each in one of its own.
package struct OnlineCheckpoint {
    package let learner: any OnlineLearner
    package let models: ModelStore
    package let text: TextPipeline

    package init(_ learner: any OnlineLearner, models: ModelStore, text: TextPipeline) {
        (self.learner, self.models, self.text) = (learner, models, text)
    }

    /// - Parameters:
    ///   - optimizers: The optimizers' state, from ``gatherOptimizers()``.
    ///   - inFlight: The next step's responses, where they were drawn before the update that this state is after.
    package func write(
        to directory: URL, _ state: TrainerState, _ optimizers: [String: OptimizerState], inFlight: RolloutBatch?
    ) throws {
        for (name, model) in learner.trainees.map({ ($0.name, $0.model) }) + learner.moving {
            let place = name == Trainee.policy ? directory : directory.appending(path: name)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try models.save(model, to: place, text: text)
        }
        try OptimizerFile.write(optimizers, to: directory)
        try learner.write(to: directory)
        try inFlight?.write(to: directory)
        try state.write(to: directory)
    }

    /// The state of the optimizers on the first learner, `nil` on the others; all learners call this.
    package func gatherOptimizers() throws -> [String: OptimizerState]? {
        var states: [String: OptimizerState] = [:]
        for trainee in learner.trainees { states[trainee.name] = try trainee.updater.gatherState() }
        return states.isEmpty ? nil : states
    }

    /// Takes over optimizers and what else the learner knows; the models were loaded from the same directory.
    package func restore(from directory: URL) throws {
        let optimizers = learner.trainees.map { ($0.name, $0.updater.optimizer) }
        try OptimizerFile.read(Dictionary(uniqueKeysWithValues: optimizers), from: directory)
        learner.restore(try TrainerState.read(from: directory))
        try learner.restore(from: directory)
    }
}

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

    /// Writes it on the first learner, while the others ``send()``.
    ///
    /// - Parameter inFlight: The next step's responses, where they were drawn before the update that this state is after.
    package func write(to directory: URL, _ state: TrainerState, inFlight: RolloutBatch?) throws {
        let trained = learner.trainees.map { ($0.name, $0.model, $0.updater.savedMasters) }
        for (name, model, weights) in trained + learner.moving.map({ ($0, $1, SavedWeights(as: .float32)) }) {
            let place = name == Trainee.policy ? directory : directory.appending(path: name)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try models.save(model, to: place, weights, text: text)
        }
        try OptimizerFile.write(updaters, to: directory)
        try learner.write(to: directory)
        try inFlight?.write(to: directory)
        try state.write(to: directory)
    }

    /// Sends what the first learner writes of this one's.
    package func send() throws {
        for trainee in learner.trainees { try trainee.updater.sendMasters() }
        try OptimizerFile.send(updaters)
    }

    private var updaters: [String: ParameterUpdater] {
        Dictionary(uniqueKeysWithValues: learner.trainees.map { ($0.name, $0.updater) })
    }

    /// Takes over optimizers and what else the learner knows; the models were loaded from the same directory.
    package func restore(from directory: URL) throws {
        try OptimizerFile.read(updaters.mapValues(\.optimizer), from: directory)
        learner.restore(try TrainerState.read(from: directory))
        try learner.restore(from: directory)
    }
}

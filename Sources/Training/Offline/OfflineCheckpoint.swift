import Foundation
import Runs

/// The state of offline training on disk: the model's own directory, the optimizer's moments, and where it stands.
package struct OfflineCheckpoint {
    package let updater: ParameterUpdater
    /// Writes the model.
    package let save: (URL) throws -> Void

    /// Writes it on the first worker, while the others ``send()``.
    package func write(to directory: URL, _ state: TrainerState) throws {
        try save(directory)
        try OptimizerFile.write(["model": updater], to: directory)
        try state.write(to: directory)
    }

    /// Sends what the first worker writes of this one's.
    package func send() throws {
        try updater.sendMasters()
        try OptimizerFile.send(["model": updater])
    }

    /// Takes over moments; the model was loaded from the same directory. Returns where training stands.
    package func restore(from directory: URL) throws -> TrainerState {
        try OptimizerFile.read(["model": updater.optimizer], from: directory)
        return try TrainerState.read(from: directory)
    }
}

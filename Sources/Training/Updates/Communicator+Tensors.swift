import MPI
import Torch

extension Communicator {
    /// Overwrites every rank's tensor with that of rank `root`, bit by bit.
    package func broadcast(_ tensor: Tensor, root: Int) throws {
        try tensor.withStagedBytes(for: rank == root ? .reading : .overwriting) {
            try broadcast($0.bindMemory(to: UInt8.self), root: root)
        }
    }

    /// Overwrites every rank's trained parameters with those of rank `root`.
    package func broadcast(_ parameters: ParameterStore, root: Int) throws {
        for run in parameters.trained.flatMap(\.runs) { try broadcast(run.values, root: root) }
    }
}

import MPI
import Runs
import Torch

/// Carries models' weights from the first learner to the samplers, each time with the model's name, its version and a checksum. Both
/// hold them alike.
package final class WeightChannel {
    private let communicator: Communicator
    private let tracer: Tracer

    /// - Parameter communicator: The first learner and the samplers, in this order.
    package init(_ communicator: Communicator, tracer: Tracer) {
        self.communicator = communicator
        self.tracer = tracer
    }

    /// Hands over the weights as they are after `version` updates; all members call it for the same versions in turn.
    ///
    /// - Parameters:
    ///   - model: What the model is called, the same on all members.
    ///   - stop: Why the run stops here, where it does. Then samplers get this in the place of weights.
    /// - Returns: What the first learner gave for `stop`.
    /// - Throws: ``RunError`` where a sampler got other bits than were sent.
    package func transfer(
        _ parameters: ParameterStore, of model: String, version: Int, stop: StopReason? = nil
    ) throws -> StopReason? {
        // Whoever comes first waits asleep; the broadcast itself would keep a core busy.
        try tracer.measure(.waiting) { try communicator.quietBarrier() }
        return try tracer.measure(.communication, number: version) {
            try carry(parameters, model, version, stop)
        }
    }

    private func carry(
        _ parameters: ParameterStore, _ model: String, _ version: Int, _ stop: StopReason?
    ) throws -> StopReason? {
        let sends = communicator.rank == 0
        let name = Int64(bitPattern: FNV1a.hash(model.utf8))
        var header = [Int64(version), Int64(bitPattern: sends ? parameters.checksum : 0), stop?.code ?? 0, name]
        try header.withUnsafeMutableBufferPointer { try communicator.broadcast($0, root: 0) }
        if let stop = StopReason(code: header[2]) { return stop }
        precondition(header[3] == name, "weights of another model came in the place of \(model)'s")
        try communicator.broadcast(parameters, root: 0)
        guard header[0] == Int64(version), sends || parameters.checksum == UInt64(bitPattern: header[1]) else {
            throw RunError.other(
                "weights of \(model), version \(version), arrived damaged (version \(header[0])); do all ranks run the same "
                    + "build?"
            )
        }
        return nil
    }
}

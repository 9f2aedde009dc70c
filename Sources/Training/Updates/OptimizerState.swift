import MPI
import Runs
import Torch

/// An optimizer's whole state, wherever its moments lie during training.
package struct OptimizerState {
    /// Steps taken.
    package let step: Int
    /// Laid out as the parameters' trained groups, one after another.
    package let firstMoments: Tensor
    package let secondMoments: Tensor
}

extension ParameterUpdater {
    /// The state of the optimizer on the first rank, `nil` on the others; all ranks call this together.
    ///
    /// Slices of sharded moments are copied; whole moments are those of the optimizer itself.
    package func gatherState() throws -> OptimizerState? {
        guard let slices else {
            guard communicator.rank == 0 else { return nil }
            return OptimizerState(
                step: optimizer.step, firstMoments: optimizer.firstMoments, secondMoments: optimizer.secondMoments)
        }
        let first = try gather(optimizer.firstMoments, slices), second = try gather(optimizer.secondMoments, slices)
        guard let first, let second else { return nil }
        return OptimizerState(step: optimizer.step, firstMoments: first, secondMoments: second)
    }

    /// Puts the ranks' slices together on the first rank, some megabytes at a time.
    private func gather(_ slice: Tensor, _ slices: [Range<Int>]) throws -> Tensor? {
        let whole = communicator.rank == 0 ? Tensor.zeros([parameters.trainedCount]) : nil
        let piece = Communicator.chunkBytes / MemoryLayout<Float>.size
        for start in stride(from: 0, to: slices.map(\.count).max() ?? 0, by: piece) {
            let own = slice.narrowed(0, (0..<slice.count).dropFirst(start).prefix(piece))
                .withStagedFloats(for: .reading) { Array(UnsafeRawBufferPointer($0)) }
            guard let pieces = try communicator.gather(own, root: 0) else { continue }
            for (slice, bytes) in zip(slices, pieces) {
                whole?.narrowed(0, slice.dropFirst(start).prefix(piece)).withStagedFloats(for: .overwriting) {
                    UnsafeMutableRawBufferPointer($0).copyBytes(from: bytes)
                }
            }
        }
        return whole
    }
}

import MPI
import Torch

/// An optimizer's whole moments for a checkpoint, wherever they lie during training: the ranks' slices come one after another and
/// some megabytes at a time, so that no rank ever has them together.
extension ParameterUpdater {
    /// On the first rank: what each of the optimizer's moments is made of, in order, laid out as the parameters' trained groups.
    ///
    /// Others call ``sendMoments()`` meanwhile.
    package func collectMoments(_ take: (_ part: Tensor) throws -> Void) throws {
        precondition(communicator.rank == 0, "the first rank collects moments")
        for moments in moments {
            try take(moments)
            for (rank, slice) in (slices ?? []).enumerated().dropFirst() {
                for piece in Self.pieces(of: slice.count) {
                    let received = Tensor.empty([piece.count])
                    try received.withStagedFloats(for: .overwriting) {
                        try communicator.receive(into: $0, from: rank, tag: Self.tag)
                    }
                    try take(received)
                }
            }
        }
    }

    /// Sends this rank's moments to the first one, which writes a checkpoint; nothing where they are not divided.
    package func sendMoments() throws {
        guard slices != nil, communicator.rank > 0 else { return }
        for moments in moments {
            for piece in Self.pieces(of: moments.count) {
                try moments.narrowed(0, piece).withStagedFloats(for: .reading) {
                    try communicator.send(UnsafeBufferPointer($0), to: 0, tag: Self.tag)
                }
            }
        }
    }

    private var moments: [Tensor] { [optimizer.firstMoments, optimizer.secondMoments] }

    private static func pieces(of count: Int) -> [Range<Int>] {
        let length = Communicator.chunkBytes / MemoryLayout<Float>.size
        return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
    }

    /// Of the messages that moments travel in.
    private static let tag = 1
}

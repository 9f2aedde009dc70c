import MPI
import Torch
import Transformers

/// What is divided over the ranks during training, brought together for a checkpoint: the ranks' slices come one after another and
/// some megabytes at a time, so that no rank ever has all of it.
extension ParameterUpdater {
    /// On the first rank: what each of the optimizer's moments is made of, in order, laid out as the parameters' trained groups.
    ///
    /// Others call ``sendMoments()`` meanwhile.
    package func collectMoments(_ take: (_ part: Tensor) throws -> Void) throws {
        for moments in moments { try collect(moments, 0..<parameters.trainedCount, take) }
    }

    /// Sends this rank's moments to the first one, which writes a checkpoint; nothing where they are not divided.
    package func sendMoments() throws {
        for moments in moments { try send(moments, 0..<parameters.trainedCount) }
    }

    /// The weights in float32, as training goes on from them: on the first rank, which writes them all in turn. Of those that are
    /// rounded others send what they are rounded from by ``sendMasters()``.
    package var savedMasters: SavedWeights {
        guard let masters = parameters.masters else { return SavedWeights(as: .float32) }
        return SavedWeights(as: .float32) { [self] name, take in
            guard let elements = roundedElements(of: name) else { return try take(parameters[name]) }
            try collect(masters.values, elements, take)
        }
    }

    /// Sends what this rank has of the numbers that weights are rounded from to the first one; nothing where none are.
    package func sendMasters() throws {
        guard let masters = parameters.masters else { return }
        for name in parameters.trained.flatMap(\.declarationOrder) {
            if let elements = roundedElements(of: name) { try send(masters.values, elements) }
        }
    }

    private func roundedElements(of name: String) -> Range<Int>? {
        parameters[name].type == .float32 ? nil : parameters.elements(of: name)
    }

    private var moments: [Tensor] { [optimizer.firstMoments, optimizer.secondMoments] }

    /// Collects some elements of what is laid out as this rank's slice, or whole where there are no slices.
    private func collect(
        _ own: Tensor, _ elements: Range<Int>, _ take: (_ part: Tensor) throws -> Void
    ) throws {
        precondition(communicator.rank == 0, "the first rank collects what is divided")
        for (rank, slice) in (slices ?? [0..<parameters.trainedCount]).enumerated() {
            let met = elements.clamped(to: slice)
            if rank == 0 {
                if !met.isEmpty { try take(own.narrowed(0, met)) }
                continue
            }
            for piece in Self.pieces(of: met) {
                let received = Tensor.empty([piece.count])
                try received.withStagedFloats(for: .overwriting) {
                    try communicator.receive(into: $0, from: rank, tag: Self.tag)
                }
                try take(received)
            }
        }
    }

    private func send(_ own: Tensor, _ elements: Range<Int>) throws {
        guard let slice = slices?[communicator.rank], communicator.rank > 0 else { return }
        for piece in Self.pieces(of: elements.clamped(to: slice)) {
            let part = own.narrowed(0, piece.lowerBound - slice.lowerBound..<piece.upperBound - slice.lowerBound)
            try part.withStagedFloats(for: .reading) {
                try communicator.send(UnsafeBufferPointer($0), to: 0, tag: Self.tag)
            }
        }
    }

    private static func pieces(of elements: Range<Int>) -> [Range<Int>] {
        let length = Communicator.chunkBytes / MemoryLayout<Float>.size
        return stride(from: elements.lowerBound, to: elements.upperBound, by: length).map {
            $0..<min($0 + length, elements.upperBound)
        }
    }

    /// Of the messages that parts travel in.
    private static let tag = 1
}

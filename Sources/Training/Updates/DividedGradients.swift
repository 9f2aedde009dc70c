import MPI
import Runs
import Torch

/// Gradients that are divided over ranks with the moments (stage 2 of ZeRO, Rajbhandari et al. 2020).
///
/// What a rank holds of them:
///
/// | when | what |
/// |---|---|
/// | always | its slice of the sum over ranks and micro-batches |
/// | in a backward pass | the gradients of one bucket, such as a layer, and the one that has just been found |
/// | while a bucket is summed | a piece of ``Communicator/chunkBytes`` |
///
/// A backward pass finds gradients layer by layer from the last one on. As soon as it comes to the next bucket, all ranks sum
/// the one before, each piece to the rank whose slice it is, and let it go. That happens in every micro-batch: a learner with
/// several sends its gradients several times, where whole ones would be summed once a step.
package final class DividedGradients {
    /// Whose update needs which elements.
    package let slices: [Range<Int>]
    /// This rank's slice of the gradients, summed over ranks and passes.
    package let sum: Tensor
    private let parameters: ParameterStore
    private let communicator: Communicator
    private let tracer: Tracer
    /// In the order in which passes come to them, and with it all ranks sum them.
    private let buckets: [[Range<Int>]]
    /// Where buckets' ranges begin, ascending, and which bucket that is.
    private let starts: [(start: Int, bucket: Int)]
    /// Gradients that were found and are not summed over ranks yet, bucket by bucket.
    private var found: [[Found]]
    /// What a piece of a bucket is put together in.
    private let piece: Tensor
    private var state = State.idle

    private enum State {
        /// No backward pass is under way.
        case idle
        /// A backward pass has come to a bucket; those before it are summed.
        case summing(bucket: Int)
        /// The same, but an error has come up that the pass cannot throw.
        case failed(any Error)
        /// A backward pass whose gradients are looked at and let go.
        case probing(isFinite: Bool)
    }

    private struct Found {
        let gradient: Tensor
        let elements: Range<Int>
    }

    /// Takes over the gradients of a store.
    ///
    /// - Parameter bucketSize: Elements up to which buckets are joined.
    package init(
        _ parameters: ParameterStore, over communicator: Communicator, tracer: Tracer,
        bucketSize: Int = 1 << 16
    ) {
        (self.parameters, self.communicator, self.tracer) = (parameters, communicator, tracer)
        slices = parameters.slicesOfBlocks(communicator.size)
        buckets = parameters.gradientBuckets(joinedUpTo: bucketSize)
        found = buckets.map { _ in [] }
        starts = buckets.enumerated().flatMap { bucket, ranges in ranges.map { ($0.lowerBound, bucket) } }
            .sorted { $0.0 < $1.0 }
        let placement = Placement(.float32, on: parameters.trained.first?.device ?? .cpu)
        sum = .zeros([slices[communicator.rank].count], placement)
        piece = .zeros([min(Self.pieceCount, parameters.trainedCount)], placement)
        var offset = 0
        for group in parameters.trained {
            let start = offset
            group.handOnGradients { [weak self] gradient, elements in
                guard let self else { preconditionFailure("gradients that nobody updates by") }
                receive(gradient, start + elements.lowerBound..<start + elements.upperBound)
            }
            offset += group.count
        }
    }

    /// Elements of a piece.
    private static let pieceCount = Communicator.chunkBytes / MemoryLayout<Float>.size

    /// Whether gradients were found that are not summed yet: those that came again after their bucket's turn.
    package var isHolding: Bool { found.contains { !$0.isEmpty } }

    /// Sums the gradients of a backward pass of this rank with what others find, or hold; all ranks call this together.
    ///
    /// - Parameter pass: The backward pass; a rank that has none joins with what it holds.
    package func reduce(_ pass: () -> Void = {}) throws {
        state = .summing(bucket: 0)
        defer { state = .idle }
        pass()
        advance(to: buckets.count)
        if case .failed(let error) = state { throw error }
    }

    /// Runs backward passes of this rank alone and says whether all their gradients are finite; none is kept.
    package func areFinite(after passes: () -> Void) -> Bool {
        state = .probing(isFinite: true)
        defer { state = .idle }
        passes()
        guard case .probing(let isFinite) = state else { return false }
        return isFinite
    }

    /// Lets all go that was summed or found.
    package func clear() {
        sum.fill(0)
        for bucket in found.indices { found[bucket] = [] }
    }

    /// The norm of the whole sum, on all ranks, which call this together: with the bits that ``ParameterStore/gradientNorm()``
    /// would have of it on the CPU, for any number of ranks.
    package func norm() throws -> Double {
        let own = parameters.squareSums(of: sum, in: slices[communicator.rank])
        let all = try communicator.allGather(own.withUnsafeBytes { Array($0) })
        return parameters.gradientNorm(
            squareSums: all.flatMap { bytes in
                bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
            })
    }

    private func receive(_ gradient: Tensor, _ elements: Range<Int>) {
        switch state {
        case .idle: preconditionFailure("a backward pass that other ranks do not know of")
        case .failed: break
        case .probing(let isFinite): state = .probing(isFinite: isFinite && gradient.norm().isFinite)
        case .summing(let current):
            let bucket = bucket(of: elements.lowerBound)
            if bucket > current { advance(to: bucket) }
            found[bucket].append(Found(gradient: gradient.reshaped([-1]), elements: elements))
        }
    }

    private func bucket(of element: Int) -> Int {
        guard let next = starts.lastIndex(where: { $0.start <= element }) else {
            preconditionFailure("element \(element) is in no bucket")
        }
        return starts[next].bucket
    }

    /// Sums the buckets before one that a pass has come to.
    private func advance(to next: Int) {
        guard case .summing(let current) = state else { return }
        do {
            for bucket in current..<next { try reduce(bucket: bucket) }
            state = .summing(bucket: next)
        } catch {
            state = .failed(error)
        }
    }

    /// Sums what all ranks have found of a bucket; nothing of it is left.
    private func reduce(bucket: Int) throws {
        let own = found[bucket]
        found[bucket] = []
        for range in buckets[bucket] {
            for (owner, slice) in slices.enumerated() {
                let met = range.clamped(to: slice)
                for start in stride(from: met.lowerBound, to: met.upperBound, by: Self.pieceCount) {
                    try reduce(own, start..<min(start + Self.pieceCount, met.upperBound), to: owner)
                }
            }
        }
    }

    private func reduce(_ own: [Found], _ elements: Range<Int>, to owner: Int) throws {
        let piece = piece.narrowed(0, 0..<elements.count)
        piece.fill(0)
        for found in own {
            let met = elements.clamped(to: found.elements)
            if met.isEmpty { continue }
            piece.narrowed(0, met.shifted(by: -elements.lowerBound)).add(
                found.gradient.narrowed(0, met.shifted(by: -found.elements.lowerBound)))
        }
        let isOwner = owner == communicator.rank
        if communicator.size > 1 {
            try tracer.measure(.communication) {
                try piece.withStagedFloats(for: isOwner ? .updating : .reading) {
                    try communicator.reduce($0, root: owner)
                }
            }
        }
        guard isOwner else { return }
        sum.narrowed(0, elements.shifted(by: -slices[owner].lowerBound)).add(piece)
    }
}

extension Range<Int> {
    fileprivate func shifted(by count: Int) -> Range { lowerBound + count..<upperBound + count }
}

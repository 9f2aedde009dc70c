/// A permutation of `0 ..< count` that is a function of seed and epoch alone: Fisher-Yates over ``SplitMix64``.
public func permutation(count: Int, seed: UInt64, epoch: Int) -> [Int] {
    var random = SplitMix64(seed, UInt64(epoch))
    var order = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) { order.swapAt(index, random.next(below: index + 1)) }
    return order
}

/// Which examples each optimizer step takes: a function of seed and step, never of rank count or of what ran before.
///
/// So a checkpoint stores a step and nothing else.
public struct DataOrder: Sendable, Equatable {
    /// A step as (epoch, step within the epoch), both from 0.
    public struct Position: Sendable, Equatable, Codable {
        /// The epoch.
        public var epoch: Int
        /// The step within the epoch.
        public var step: Int

        /// The step `step` of epoch `epoch`.
        public init(epoch: Int, step: Int) {
            self.epoch = epoch
            self.step = step
        }
    }

    /// How many examples there are.
    public let count: Int
    /// Examples of one step, over all ranks (`train_batch_size`).
    public let batchSize: Int
    /// The seed of the permutations.
    public let seed: UInt64
    /// Whether each epoch has its own permutation; else all go in the order of the data.
    public let shuffles: Bool
    /// Whether the examples behind the last full batch are left out. Else they make a smaller batch, whose loss is
    /// divided by its true count.
    public let dropsLast: Bool

    /// An order over `count` examples.
    /// - Throws: ``DataError/configuration(key:reason:)`` for a batch size that gives no step.
    public init(count: Int, batchSize: Int, seed: UInt64, shuffles: Bool = true, dropsLast: Bool = false) throws {
        guard batchSize > 0 else {
            throw DataError.configuration(key: "train_batch_size", reason: "\(batchSize) is not a positive number")
        }
        guard count > 0, !dropsLast || count >= batchSize else {
            throw DataError.configuration(
                key: "train_batch_size",
                reason:
                    "\(batchSize) is more than the \(count) examples there are, and the last partial batch is dropped")
        }
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        self.shuffles = shuffles
        self.dropsLast = dropsLast
    }

    /// Steps of one epoch.
    public var stepsPerEpoch: Int { dropsLast ? count / batchSize : (count + batchSize - 1) / batchSize }

    /// Where the `step`-th step of the whole run stands, from 0.
    public func position(ofStep step: Int) -> Position {
        Position(epoch: step / stepsPerEpoch, step: step % stepsPerEpoch)
    }

    /// Examples that the first `steps` steps of the whole run take together; the last step of an epoch may have fewer.
    public func examplesTaken(by steps: Int) -> Int {
        let (epochs, step) = steps.quotientAndRemainder(dividingBy: stepsPerEpoch)
        let ofEpoch = dropsLast ? stepsPerEpoch * batchSize : count
        return epochs * ofEpoch + min(ofEpoch, step * batchSize)
    }

    /// The batches of steps that mostly follow each other.
    public var batches: StepBatches { StepBatches(self) }

    /// What one step takes of its epoch's order.
    fileprivate func range(ofStep step: Int) -> Range<Int> { step * batchSize..<min(count, (step + 1) * batchSize) }
}

/// Gives the batches of a ``DataOrder``, and keeps the permutation of the epoch it is in: making one takes time that grows
/// with the data, not with the batch.
public final class StepBatches {
    private let order: DataOrder
    private var epoch: (number: Int, permutation: [Int])?

    fileprivate init(_ order: DataOrder) { self.order = order }

    /// The examples of one step of the whole run, from 0.
    public func batch(atStep step: Int) -> [Int] {
        let position = order.position(ofStep: step)
        let range = order.range(ofStep: position.step)
        return order.shuffles ? Array(permutation(ofEpoch: position.epoch)[range]) : Array(range)
    }

    private func permutation(ofEpoch number: Int) -> [Int] {
        if let epoch, epoch.number == number { return epoch.permutation }
        let made = PreferenceData.permutation(count: order.count, seed: order.seed, epoch: number)
        epoch = (number, made)
        return made
    }
}

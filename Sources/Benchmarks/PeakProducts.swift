import MPI
import Runs
import Stages
import Torch

/// The machine's peak in matrix products of the type that models compute in, which what is measured is held against. It is taken
/// in turns with the repeats, since the speed of a machine that is shared changes from one minute to the next.
struct PeakProducts {
    private let ranks: Communicator
    private let placement: Placement
    var device: Device { placement.device }
    private let size: Int
    private let (left, right): (Tensor, Tensor)

    /// How long a turn lasts.
    private static let turn = Duration.milliseconds(100)

    init(over ranks: Communicator, _ placement: Placement) {
        (self.ranks, self.placement) = (ranks, placement)
        // Square products of so many rows are large enough to be at their best, and short enough that some of many are not
        // disturbed.
        size = placement.device == .cpu ? 1024 : 8192
        let shape = [size, size]
        guard placement.device != .cpu else {
            (left, right) = (Tensor.full(0.5, shape, placement), Tensor.full(0.25, shape, placement))
            return
        }
        // A card that multiplies the same numbers over and over is faster than one that does work.
        let random = (0..<2).map { seed in
            let tensor = Tensor.empty(shape)
            tensor.fillNormal(mean: 0, deviation: 1, seed: UInt64(seed))
            return tensor.placed(placement)
        }
        (left, right) = (random[0], random[1])
    }

    /// What products are of.
    var text: String { "\(placement.type)" }

    /// Billions of operations a second, all ranks at once, summed: the best of some products by the library's kernel and
    /// by our own in turn. All ranks call it together.
    func peak() throws -> Double {
        try ranks.barrier()
        let (clock, start) = (ContinuousClock(), ContinuousClock.now)
        let operations = 2 * Double(size * size * size)
        let wait = { TorchRuntime.synchronize(placement.device) }
        wait()
        var best = 0.0
        repeat {
            withoutGradients {
                let times = [
                    clock.measure {
                        _ = left.matmul(right); wait()
                    },
                    clock.measure {
                        _ = left.linear(right); wait()
                    },
                ]
                for time in times {
                    best = max(best, operations / (time / .seconds(1)) * 1e-9)
                }
            }
        } while start.duration(to: .now) < Self.turn
        return try ranks.allReduce(best)
    }
}

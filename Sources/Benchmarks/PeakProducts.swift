import MPI
import Runs
import Stages
import Torch

/// The machine's peak in float32 matrix products, which what is measured is held against. It is taken in turns with the
/// repeats, since the speed of a machine that is shared changes from one minute to the next.
struct PeakProducts {
    private let ranks: Communicator
    private let left = Tensor.full(0.5, [size, size])
    private let right = Tensor.full(0.25, [size, size])

    /// Square products of so many rows are large enough to be at their best, and short enough that some of many are not
    /// disturbed.
    private static let size = 1024
    /// How long a turn lasts.
    private static let turn = Duration.milliseconds(100)

    init(over ranks: Communicator) { self.ranks = ranks }

    /// Billions of operations a second, all ranks at once, summed: the best of some products by the library's kernel and
    /// by our own in turn. All ranks call it together.
    func peak() throws -> Double {
        try ranks.barrier()
        let (clock, start) = (ContinuousClock(), ContinuousClock.now)
        let operations = 2 * Double(Self.size * Self.size * Self.size)
        var best = 0.0
        repeat {
            withoutGradients {
                for time in [clock.measure { _ = left.matmul(right) }, clock.measure { _ = left.linear(right) }] {
                    best = max(best, operations / (time / .seconds(1)) * 1e-9)
                }
            }
        } while start.duration(to: .now) < Self.turn
        return try ranks.allReduce(best)
    }
}

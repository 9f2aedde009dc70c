import Dispatch
import MPI
import Runs
import Stages
import Torch

/// What a machine could do at best: what measurements are held against.
package struct MachineLimits: Codable {
    /// Billions of operations a second in matrix products of the type that models compute in, all ranks at once, summed: the best of all turns.
    var gigaflops: Double
    /// Bytes a second of copying memory, read and written, all ranks at once, summed.
    var memoryBandwidth: Double
    /// Bytes of gradients a second that all ranks sum up; `nil` for one rank.
    var allReduceBandwidth: Double?

    package init(gigaflops: Double, memoryBandwidth: Double, allReduceBandwidth: Double? = nil) {
        (self.gigaflops, self.memoryBandwidth) = (gigaflops, memoryBandwidth)
        self.allReduceBandwidth = allReduceBandwidth
    }
}

extension MachineLimits {
    /// Measures; all ranks call it together.
    init(over ranks: Communicator, _ products: PeakProducts) throws {
        gigaflops = try products.peak()
        memoryBandwidth = try ranks.allReduce(try Self.best(over: ranks, Self.copy(on: products.device)))
        allReduceBandwidth = ranks.size > 1 ? try Self.best(over: ranks, Self.allReduce(ranks)) : nil
    }

    /// The best of several rates that `work`, which returns how much it did, had.
    private static func best(
        over ranks: Communicator, _ work: () throws -> Double
    ) throws -> Double {
        var best = 0.0
        for _ in 0..<15 {
            try ranks.barrier()
            let start = DispatchTime.now().uptimeNanoseconds
            let amount = try work()
            best = max(best, amount / (Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9))
        }
        return best
    }

    private static func copy(on device: Device) -> () -> Double {
        let count = 1 << 26
        let placement = Placement(.float32, on: device)
        let (source, target) = (Tensor.full(1, [count], placement), Tensor.full(0, [count], placement))
        TorchRuntime.synchronize(device)
        return {
            target.copy(from: source)
            TorchRuntime.synchronize(device)
            return Double(2 * 4 * count)
        }
    }

    private static func allReduce(_ ranks: Communicator) -> () throws -> Double {
        let count = 1 << 24
        let buffer = Tensor.full(0, [count])
        return {
            try buffer.withStagedFloats(for: .updating) { try ranks.allReduce($0, .sum) }
            return Double(4 * count)
        }
    }
}

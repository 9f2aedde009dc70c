import Foundation
import MPI
import Runs
import Stages
import Torch
import Training

/// Measures what this machine does with a model, and what it could do at best.
package struct Benchmark {
    private let options: BenchmarkOptions
    private let runtime: MPIRuntime

    /// Measurements on the ranks of `runtime`, all of which learn and sample.
    package init(_ options: BenchmarkOptions, on runtime: MPIRuntime) {
        self.options = options
        self.runtime = runtime
    }

    /// Measures and returns a report on rank zero, `nil` on the others; all ranks call it together.
    ///
    /// - Parameter progress: Is told what is measured next, on rank zero.
    package func callAsFunction(progress: @escaping (String) -> Void) throws -> BenchmarkReport? {
        let threads = threads
        let ranks = runtime.world
        try TorchRuntime.check()
        let (device, share) = try DeviceShare.find(
            options.compute.device, localRank: runtime.environment.localRank ?? 0, isDeterministic: true, over: ranks)
        try TorchRuntime.start(threads: threads)
        let bench = try Bench(options, over: ranks, placement: options.compute.placement(own: device))
        let tell = { (text: String) in if ranks.rank == 0 { progress(text) } }
        if let warning = TorchRuntime.warning(threads: threads) { tell("warning: \(warning)") }
        for line in share.lines { tell(line) }
        tell("limits of the machine")
        var limits = try MachineLimits(over: ranks, bench.products)
        var measurements: [Measurement] = []
        for item in options.items {
            tell(item.rawValue)
            measurements += try bench.measurements(of: item)
        }
        limits.gigaflops = measurements.flatMap(\.peaks).reduce(limits.gigaflops, max)
        guard ranks.rank == 0 else { return nil }
        return BenchmarkReport(
            host: LaunchEnvironment.hostName, model: options.model.url.path,
            parameters: bench.specification.parameterCount(head: .languageModel), ranks: ranks.size, threads: threads,
            torch: TorchRuntime.version, products: bench.products.text, limits: limits, measurements: measurements)
    }

    private var threads: Int {
        let asked = options.threads ?? ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].flatMap { Int($0) }
        let ranksHere = runtime.environment.localSize ?? 1
        return max(
            1, asked ?? min(ProcessInfo.processInfo.processorCount / ranksHere, LaunchEnvironment.availableCores))
    }
}

extension Bench {
    fileprivate func measurements(of item: BenchmarkItem) throws -> [Measurement] {
        switch item {
        case .sft: [try sft()]
        case .reward: [try reward()]
        case .dpo: [try dpo()]
        case .scoring: [try scoring()]
        case .decode: try decode()
        case .uneven: [try uneven()]
        case .ppo: [try ppo()]
        }
    }
}

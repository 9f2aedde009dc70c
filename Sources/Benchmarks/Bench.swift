import Foundation
import MPI
import PreferenceData
import Runs
import Stages
import Torch
import Training
import Transformers

/// What all measurements have in common: ranks, model and data, and how a repeat is timed.
struct Bench {
    let options: BenchmarkOptions
    let ranks: Communicator
    let configuration: ModelConfiguration
    private let placement: Placement
    let workload: Workload
    let tracer = Tracer()
    let products: PeakProducts

    /// - Parameter placement: Where models compute, and in which type.
    init(_ options: BenchmarkOptions, over ranks: Communicator, placement: Placement = .float32) throws {
        self.options = options
        self.ranks = ranks
        self.placement = placement
        products = PeakProducts(over: ranks, placement)
        configuration = try ModelConfiguration(directory: options.model.url)
        let limit = min(options.maxLength, configuration.maximumLength ?? .max)
        workload =
            options.data.isEmpty
            ? Workload(count: 256, for: configuration)
            : try Workload(options.data, model: options.model.url.path, maxLength: limit)
    }

    var specification: DecoderSpecification { configuration.specification }

    /// A model with the weights that were asked for.
    func model(_ head: DecoderHead, auxiliaryHead: AuxiliaryHead? = nil, trainable: Bool) throws -> DecoderModel {
        switch options.model {
        case .directory(let path):
            let model = try ModelDirectory(URL(filePath: path)).decoder(
                head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, scoreSeed: 1,
                placement: placement)
            model.initializeAuxiliaryHead(seed: 1)
            return model
        case .random:
            let model = DecoderModel(
                configuration, head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, placement: placement)
            model.initialize(seed: 1)
            return model
        }
    }

    /// What a rank did in a repeat, in the item's unit and in needed operations.
    typealias Work = (count: Int, operations: Double)

    /// Times `body` on all ranks at once: a call to warm up, then those that count.
    func measure(
        _ name: String, unit: String, phases: [Phase] = [], _ body: (_ number: Int) throws -> Work
    ) throws -> Measurement {
        try measure([(name, unit)], phases: phases) { number, _ in [try body(number)] }[0]
    }

    /// Times parts of `body` that follow each other, on all ranks at once.
    ///
    /// - Parameter body: calls the function that it is given between two parts, and returns what was done in each.
    func measure(
        _ parts: [(name: String, unit: String)], phases: [Phase] = [],
        _ body: (_ number: Int, _ next: () throws -> Void) throws -> [Work]
    ) throws -> [Measurement] {
        PeakMemory.reset(on: placement.device)
        var measurements = parts.map { Measurement(name: $0.name, unit: $0.unit, samples: [], peakMemory: 0) }
        var peaks: [Double] = []
        var timings: [MetricValues] = []
        for number in 0...options.repeats {
            peaks.append(try products.peak())
            _ = tracer.takeTimings(phases)
            var stamps: [(time: ContinuousClock.Instant, processor: Double)] = []
            func stamp() throws {
                TorchRuntime.synchronize(placement.device)
                try ranks.barrier()
                stamps.append((.now, ProcessorTime.now))
            }
            try stamp()
            let work = try body(number, stamp)
            try stamp()
            precondition(work.count == parts.count && stamps.count == parts.count + 1, "\(work.count) parts")
            let phaseTimings = tracer.takeTimings(phases)
            if number > 0 { timings.append(phaseTimings) }
            for (part, work) in work.enumerated() {
                let (start, end) = (stamps[part], stamps[part + 1])
                let sums = try ranks.allReduce(
                    [Double(work.count), work.operations, end.processor - start.processor], .sum)
                guard number > 0 else { continue }
                measurements[part].samples.append(
                    Measurement.Sample(
                        seconds: start.time.duration(to: end.time) / .seconds(1), processorSeconds: sums[2],
                        count: sums[0], operations: sums[1]))
            }
        }
        peaks.append(try products.peak())
        let memory = try ranks.allReduce(Int64(PeakMemory.bytes(on: placement.device)), .max)
        for part in measurements.indices {
            (measurements[part].peaks, measurements[part].peakMemory) = (peaks, Int(memory))
        }
        measurements[0].add(timings)
        return measurements
    }

    /// This rank's part of some work.
    func share<Item>(of items: [Item], size: (Item) -> Int) -> [Item] {
        TokenBalancer.share(items.map(size), over: ranks.size)[ranks.rank].map { items[$0] }
    }
}

extension Measurement {
    /// Adds where the time of each repeat went.
    fileprivate mutating func add(_ timings: [MetricValues]) {
        let names = timings[0].names
        guard !names.isEmpty else { return }
        for name in names { phases[name] = median(timings.compactMap { $0[name] }) }
        otherSeconds = median(
            zip(samples, timings).map { sample, timing in
                names.reduce(sample.seconds) { $0 - (timing[$1] ?? 0) }
            })
    }
}

extension BenchmarkOptions.Model {
    /// The directory with `config.json`.
    var url: URL {
        switch self {
        case .directory(let path), .random(let path): URL(filePath: path)
        }
    }
}

import Foundation
import MPI
import PreferenceData
import Training
import Transformers

/// What all measurements have in common: ranks, model and data, and how a repeat is timed.
struct Bench {
    let options: BenchmarkOptions
    let ranks: Communicator
    let configuration: ModelConfiguration
    let workload: Workload
    let tracer = Tracer()

    init(_ options: BenchmarkOptions, over ranks: Communicator) throws {
        self.options = options
        self.ranks = ranks
        configuration = try ModelConfiguration(directory: options.model.url)
        let limit = min(options.maxLength, configuration.maximumLength ?? .max)
        workload =
            options.data.isEmpty
            ? Workload(count: 256, for: configuration)
            : try Workload(options.data, model: options.model.url.path, maxLength: limit)
    }

    var specification: DecoderSpecification { DecoderSpecification(configuration) }

    /// A model with the weights that were asked for.
    func model(_ head: DecoderHead, trainable: Bool) throws -> Decoder {
        switch options.model {
        case .directory(let path):
            return try ModelDirectory(URL(filePath: path)).decoder(head: head, trainable: trainable, scoreSeed: 1)
        case .random:
            let model = Decoder(configuration, head: head, trainable: trainable)
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
        PeakMemory.reset()
        var samples: [Measurement.Sample] = []
        var timings: [MetricValues] = []
        for number in 0...options.repeats {
            _ = tracer.takeTimings(phases)
            try ranks.barrier()
            let (start, processorStart) = (ContinuousClock.now, ProcessorTime.now)
            let work = try body(number)
            try ranks.barrier()
            let time = start.duration(to: .now)
            let sums = try ranks.allReduce(
                [Double(work.count), work.operations, ProcessorTime.now - processorStart], .sum)
            guard number > 0 else { continue }
            timings.append(tracer.takeTimings(phases))
            samples.append(
                Measurement.Sample(
                    seconds: time / .seconds(1), processorSeconds: sums[2], count: sums[0], operations: sums[1]))
        }
        let memory = try ranks.allReduce(Int64(PeakMemory.bytes), .max)
        var measurement = Measurement(name: name, unit: unit, samples: samples, peakMemory: Int(memory))
        for name in timings[0].names { measurement.phases[name] = median(timings.compactMap { $0[name] }) }
        return measurement
    }

    /// This rank's part of some work.
    func share<Item>(of items: [Item], size: (Item) -> Int) -> [Item] {
        TokenBalancer.share(items.map(size), over: ranks.size)[ranks.rank].map { items[$0] }
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

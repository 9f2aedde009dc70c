import Foundation
import PreferenceData
import Runs
import Stages
import Training

/// What was measured, as a table and as JSON.
package struct BenchmarkReport {
    let host: String
    let model: String
    let parameters: Int
    let ranks: Int
    /// Threads of a rank.
    let threads: Int
    /// The version of LibTorch.
    let torch: String
    /// The type of the products that are the peak.
    let products: String
    let limits: MachineLimits
    let measurements: [Measurement]

    package init(
        host: String, model: String, parameters: Int, ranks: Int, threads: Int, torch: String,
        products: String = "float32", limits: MachineLimits, measurements: [Measurement]
    ) {
        (self.host, self.model, self.parameters) = (host, model, parameters)
        (self.ranks, self.threads, self.torch, self.products) = (ranks, threads, torch, products)
        (self.limits, self.measurements) = (limits, measurements)
    }

    /// Tables for people: the machine, then a row a measurement, then where the time of a step goes.
    package var text: String {
        var table = TextTable(["item", "rate", "spread", "a repeat", "GFLOP/s", "of peak", "cores", "memory"])
        for measurement in measurements {
            table.add([
                measurement.title, "\(HumanFormat.metric(measurement.rate)) \(measurement.unit)/s",
                measurement.spread.map(percent) ?? "",
                HumanFormat.duration(seconds: measurement.seconds), HumanFormat.metric(measurement.gigaflops),
                measurement.fractionOfPeak > 1 ? "noise" : percent(measurement.fractionOfPeak),
                HumanFormat.metric(measurement.processors),
                HumanFormat.bytes(measurement.peakMemory),
            ])
        }
        return heading + "\n" + table.render() + noise + phaseTables
    }

    /// Which figures say little.
    private var noise: String {
        let names = measurements.filter(\.isNoise).map(\.title)
        guard !names.isEmpty else { return "" }
        return
            "noise: the machine's speed changed too much during \(names.joined(separator: ", ")); measure again when it is "
            + "quiet, or with more --repeats\n"
    }

    /// The same with every repeat, for programs.
    package func write(to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try OutputFile.write(try encoder.encode(self), to: file)
    }

    private var heading: String {
        var machine = [
            "\(HumanFormat.metric(limits.gigaflops)) GFLOP/s in \(products == "float32" ? "" : "\(products) ")matrix products",
            "\(HumanFormat.metric(limits.memoryBandwidth * 1e-9)) GB/s of memory",
        ]
        if let bandwidth = limits.allReduceBandwidth {
            machine.append("\(HumanFormat.metric(bandwidth * 1e-9)) GB/s of gradients summed")
        }
        return """
            \(host): \(ranks) \(ranks == 1 ? "rank" : "ranks"), \(threads) \(threads == 1 ? "thread" : "threads") each, \
            LibTorch \(torch): \(machine.joined(separator: ", "))
            \(model): \(HumanFormat.count(parameters)) parameters

            """
    }

    /// Where the time of a step goes, in percent of the whole.
    private var phaseTables: String {
        let divided = measurements.filter { !$0.phases.isEmpty }
        guard !divided.isEmpty else { return "" }
        let names = [Phase].ppo.map { "timing/\($0.rawValue)" }
        var table = TextTable(["of a step"] + [Phase].ppo.map(\.rawValue) + ["other"])
        for measurement in divided {
            let parts = names.map { measurement.phases[$0].map { $0 / measurement.seconds } }
            let rest = measurement.otherSeconds.map { $0 / measurement.seconds }
            table.add([measurement.title] + (parts + [rest]).map { $0.map(percent) ?? "" })
        }
        return "\n" + table.render()
    }

    private func percent(_ fraction: Double) -> String { String(format: "%.1f %%", 100 * fraction) }
}

extension BenchmarkReport: Encodable {
    private enum Key: CodingKey {
        case host, model, parameters, ranks, threads, torch, limits, measurements
    }

    /// Writes every figure of the table and all repeats.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(host, forKey: .host)
        try container.encode(model, forKey: .model)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(ranks, forKey: .ranks)
        try container.encode(threads, forKey: .threads)
        try container.encode(torch, forKey: .torch)
        try container.encode(limits, forKey: .limits)
        try container.encode(
            measurements.map { Row(measurement: $0) }, forKey: .measurements)
    }

    /// A measurement with what follows from it.
    private struct Row: Encodable {
        let measurement: Measurement

        private enum Key: CodingKey {
            case rate, seconds, processors, gigaflops, fractionOfPeak, spread, isNoise
        }

        func encode(to encoder: any Encoder) throws {
            try measurement.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(measurement.rate, forKey: .rate)
            try container.encode(measurement.seconds, forKey: .seconds)
            try container.encode(measurement.processors, forKey: .processors)
            try container.encode(measurement.gigaflops, forKey: .gigaflops)
            try container.encode(measurement.fractionOfPeak, forKey: .fractionOfPeak)
            try container.encodeIfPresent(measurement.spread, forKey: .spread)
            try container.encode(measurement.isNoise, forKey: .isNoise)
        }
    }
}

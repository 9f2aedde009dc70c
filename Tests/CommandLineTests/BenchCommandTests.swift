import Foundation
import TestSupport
import Testing

@Suite("mpo bench")
struct BenchCommandTests {
    private struct Report: Decodable {
        var ranks: Int
        var threads: Int
        var limits: Limits
        var measurements: [Measurement]

        struct Limits: Decodable {
            var gigaflops: Double
            var allReduceBandwidth: Double?
        }

        struct Measurement: Decodable {
            var name: String
            var unit: String
            var seconds: Double
            var rate: Double
            var gigaflops: Double
            var fractionOfPeak: Double
            var peakMemory: Double
            var samples: [[String: Double]]
            var peaks: [Double]
            var isNoise: Bool
            var phases: [String: Double]
            var values: [String: [Double]]
        }
    }

    private func bench(_ workspace: Workspace, ranks: Int? = nil, _ arguments: [String]) throws -> Report {
        let small = [
            "--repeats", "2", "--train-batch-size", "4", "--rollout-batch-size", "4", "--response-length", "6",
            "--num-ppo-epochs", "2", "--json", "bench.json", "--threads", "1",
        ]
        let result = try workspace.mpo(["bench"] + small + arguments, ranks: ranks)
        #expect(result.output.contains("GFLOP/s"))
        #expect(result.output.contains("dpo (hinge)") == arguments.contains("hinge"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Report.self, from: Data(workspace.read("bench.json").utf8))
    }

    @Test("Every item is measured on a model of random weights, with rates, needed arithmetic, memory and phases")
    func allItems() throws {
        try Workspace.with { workspace in
            let report = try bench(
                workspace, ["--random-init", "policy", "--generation-batch-sizes", "1,16"])
            #expect(
                report.measurements.map(\.name) == [
                    "sft", "reward", "dpo", "scoring", "sampling 1", "decode 1", "prefill 16", "sampling 16",
                    "decode 16", "uneven 32", "ppo",
                ])
            #expect(report.limits.gigaflops > 1)
            for measurement in report.measurements {
                #expect(measurement.samples.count == 2 && measurement.peaks.count == 4)
                // Decoding too is timed by itself, so that no noise makes it negative.
                #expect(measurement.samples.allSatisfy { ($0["seconds"] ?? 0) > 0 })
                #expect(measurement.rate > 0 && measurement.gigaflops > 0 && measurement.peakMemory > 1e7)
                #expect(measurement.fractionOfPeak < 1 || measurement.isNoise)
                #expect((measurement.peaks.max() ?? 0) <= report.limits.gigaflops)
            }
            let named = Dictionary(uniqueKeysWithValues: report.measurements.map { ($0.name, $0) })
            for (index, sampling) in (named["sampling 16"]?.samples ?? []).enumerated() {
                let parts = ["prefill 16", "decode 16"].compactMap { named[$0]?.samples[index]["seconds"] }
                #expect(abs(parts.reduce(0, +) - (sampling["seconds"] ?? 0)) < 1e-9)
            }
            let ppo = try #require(report.measurements.last)
            #expect(ppo.phases.values.reduce(0, +) <= 1.2 * ppo.seconds)
            for phase in ["generation", "scoring", "forward", "backward", "optimizer"] {
                #expect((ppo.phases["timing/\(phase)"] ?? 0) > 0, "\(phase)")
            }
        }
    }

    @Test("Two ranks share pairs that are read from a file: same losses, same arithmetic, other times")
    func ranks() throws {
        try Workspace.with { workspace in
            let arguments = [
                "--model", "policy", "--data", "pairs.jsonl", "--only", "dpo,scoring", "--max-length", "64",
                "--loss-type", "hinge",
            ]
            let one = try bench(workspace, arguments)
            let two = try bench(workspace, ranks: 2, arguments)
            #expect(two.ranks == 2)
            #expect((two.limits.allReduceBandwidth ?? 0) > 0)
            for (alone, shared) in zip(one.measurements, two.measurements) {
                #expect(alone.samples.map { $0["count"] } == shared.samples.map { $0["count"] })
                #expect(alone.samples.map { $0["operations"] } == shared.samples.map { $0["operations"] })
            }
            let losses = [one, two].map { $0.measurements[0].values["loss"] ?? [] }
            #expect(losses[0].count == 3)
            #expect(zip(losses[0], losses[1]).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }
}

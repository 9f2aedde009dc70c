import Benchmarks
import Testing

@Suite("Reports of measurements")
struct BenchmarkReportTests {
    private func measurement(_ name: String, seconds: [Double], peaks: [Double]) -> Measurement {
        Measurement(
            name: name, unit: "tokens",
            samples: seconds.map {
                Measurement.Sample(seconds: $0, processorSeconds: $0, count: 100, operations: 50e9)
            },
            peaks: peaks, peakMemory: 1 << 30)
    }

    private func lines(_ measurements: [Measurement]) -> [String] {
        BenchmarkReport(
            host: "host", model: "model", parameters: 1, ranks: 1, threads: 1, torch: "2.13.0",
            limits: MachineLimits(gigaflops: 200, memoryBandwidth: 1e9), measurements: measurements
        ).text.split(separator: "\n").map(String.init)
    }

    @Test("A share is of the peak that was measured beside it, and one past the whole is said to be noise, not shown")
    func shares() throws {
        let lines = lines([
            measurement("quiet", seconds: [1, 1, 1.1], peaks: [90, 100]),
            measurement("burst", seconds: [1, 1, 1.1], peaks: [20, 40]),
        ])
        #expect(try #require(lines.first { $0.hasPrefix("quiet") }).contains("50.0 %"))
        let burst = try #require(lines.first { $0.hasPrefix("burst") })
        #expect(burst.contains("noise") && !burst.contains("125"))
        #expect(try #require(lines.first { $0.hasPrefix("noise") }).contains("during burst;"))
    }

    @Test("Repeats that differ by more than half are said to be noise; one repeat has no spread")
    func spread() throws {
        let lines = lines([
            measurement("steady", seconds: [1, 1.2, 1.4], peaks: [100]),
            measurement("shaken", seconds: [1, 1, 1.6], peaks: [100]),
            measurement("single", seconds: [1], peaks: [100]),
        ])
        #expect(try #require(lines.first { $0.hasPrefix("steady") }).contains("33.3 %"))
        #expect(try #require(lines.first { $0.hasPrefix("shaken") }).contains("60.0 %"))
        #expect(try #require(lines.first { $0.hasPrefix("noise") }).contains("during shaken;"))
    }
}

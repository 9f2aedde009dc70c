import Foundation
import Objectives
import TestSupport
import Testing
import Torch

/// Where the numbers are: `MPO_GOLDEN`, else `golden.json` among the shared files.
private enum GoldenWeights {
    static let file: URL? = {
        let named = ProcessInfo.processInfo.environment["MPO_GOLDEN"].map { URL(filePath: $0) }
        let file = named ?? TestSupport.shared?.appending(path: "golden.json")
        return file.flatMap { FileManager.default.fileExists(atPath: $0.path) ? $0 : nil }
    }()
}

/// Arithmetic on weights against numbers of the formulas, in float64.
@Suite("GoldenWeights", .enabled(if: GoldenWeights.file != nil, "needs golden.json (MPO_GOLDEN or MPO_SHARED)"))
struct GoldenWeightTests {
    private let inputs: [String: [Double]]
    private let entries: [[String: Any]]

    init() throws {
        let data = try Data(contentsOf: #require(GoldenWeights.file))
        let golden = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let all = try #require(golden["inputs"] as? [String: Any])
        inputs = try #require(all["weights"] as? [String: [Double]])
        entries = try #require(golden["entries"] as? [[String: Any]])
    }

    @Test("expo")
    func expo() throws {
        let (alpha, expected) = try entry("expo", [Double].self)
        try expectGolden(merged(alpha, from: "w0", to: "trained1"), expected)
    }

    @Test("apo_extrapolation")
    func apo() throws {
        let (alpha, expected) = try entry("apo_extrapolation", [[Double]].self)
        let names = ["w0", "trained1", "trained2", "trained3"]
        try #require(expected.count == names.count - 1)
        for (round, weights) in expected.enumerated() {
            try expectGolden(merged(alpha, from: names[round], to: names[round + 1]), weights)
        }
    }

    private func entry<Weights>(_ id: String, _: Weights.Type) throws -> (alpha: Double, expected: Weights) {
        let entry = try #require(entries.first { $0["id"] as? String == id })
        let (parameters, expected) = (entry["params"] as? [String: Any], entry["expected"] as? [String: Any])
        return (try #require(parameters?["alpha"] as? Double), try #require(expected?["weights"] as? Weights))
    }

    private func merged(_ alpha: Double, from first: String, to second: String) throws -> [Double] {
        WeightLine.extrapolation(alpha: alpha)(
            from: Tensor(try #require(inputs[first])), to: Tensor(try #require(inputs[second]))
        ).doubles()
    }

    private func expectGolden(_ values: [Double], _ expected: [Double]) throws {
        try #require(values.count == expected.count)
        for (value, golden) in zip(values, expected) { #expect(abs(value - golden) <= 1e-9 * (1 + abs(golden))) }
    }
}

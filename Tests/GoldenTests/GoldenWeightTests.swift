import JSON
import Objectives
import Testing
import Torch

@Suite("Golden weights")
struct GoldenWeightTests {
    static let ids: Set<String> = ["expo", "apo_extrapolation"]

    @Test("ExPO moves on along the line from the first policy to the second")
    func expo() throws {
        let entry = try #require(GoldenFile.standard["expo"])
        let expected = try #require(entry.expected["weights"]).numbers
        #expect(distance(try merged(entry.number("alpha"), from: "w0", to: "trained1"), expected) < 1e-9)
    }

    @Test("APO does so from each round's trained weights to the next's")
    func apo() throws {
        let entry = try #require(GoldenFile.standard["apo_extrapolation"])
        let names = ["w0", "trained1", "trained2", "trained3"]
        for (round, expected) in try #require(entry.expected["weights"]?.elements).enumerated() {
            let found = try merged(entry.number("alpha"), from: names[round], to: names[round + 1])
            #expect(distance(found, expected.numbers) < 1e-9)
        }
    }

    private func merged(_ alpha: Double, from first: String, to second: String) throws -> [Double] {
        let weights = { (name: String) in
            Tensor(try #require(GoldenFile.standard.inputs["weights"]?[name]).numbers)
        }
        return WeightLine.extrapolation(alpha: alpha)(from: try weights(first), to: try weights(second)).doubles()
    }
}

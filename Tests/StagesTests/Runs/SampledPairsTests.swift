import Foundation
import TestSupport
import Testing

@Suite("Pairs of sampled responses", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct SampledPairsTests {
    /// A line of `pairs.jsonl`.
    private struct Pair: Decodable {
        var prompt: String
        var chosen: String
        var rejected: String
        var chosenReward: Double
        var rejectedReward: Double
    }

    /// Responses of many lengths, which end at a full stop.
    private static let stages = """
        dataset: {train: prompts.jsonl}
        stages: [sample]
        sample: {policy: base, prompts: ./prompts.jsonl, reward: "rule:count:the", n_samples_per_prompt: 3, \
        response_length: 40, stop_token: "."}
        """

    @Test("A prompt's best response is chosen and its worst rejected, by the reward of each")
    func bestAndWorst() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let pairs = try pairs(workspace, "three")
            // Responses of equal scores make no pair.
            #expect((2..<16).contains(pairs.count))
            for pair in pairs {
                #expect(pair.chosenReward == Double(pair.chosen.lowercased().matches(of: /\bthe\b/).count))
                #expect(pair.rejectedReward == Double(pair.rejected.lowercased().matches(of: /\bthe\b/).count))
                #expect(pair.chosenReward > pair.rejectedReward)
            }
            // The first two of three responses are those that are drawn when two are asked for.
            let ofTwo = try self.pairs(workspace, "two", "sample.n_samples_per_prompt=2")
            #expect(!ofTwo.isEmpty && ofTwo.count < pairs.count)
            let ofThree = Dictionary(uniqueKeysWithValues: pairs.map { ($0.prompt, $0) })
            for two in ofTwo {
                let three = try #require(ofThree[two.prompt])
                #expect(three.chosenReward >= two.chosenReward)
                #expect(three.rejectedReward <= two.rejectedReward)
            }
        }
    }

    @Test("Pairs are the same bytes on any number of ranks and slots, whose responses end in another order")
    func ranksAndSlots() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let whole = try bytes(workspace, "whole")
            #expect(!whole.isEmpty)
            for (ranks, slots) in [(1, 1), (1, 5), (3, 2), (4, 32)] {
                let run = "on\(ranks)-\(slots)"
                #expect(try bytes(workspace, run, ranks: ranks, "sample.generation_batch_size=\(slots)") == whole)
            }
        }
    }

    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addOpenings()
        try workspace.configure(Self.stages)
    }

    private func bytes(_ workspace: RunWorkspace, _ run: String, ranks: Int = 1, _ options: String...) throws -> Data {
        try workspace.train(ranks: ranks, ["output_dir=\(run)"] + options)
        return try workspace.data("\(run)/stages/01-sample/pairs.jsonl")
    }

    private func pairs(_ workspace: RunWorkspace, _ run: String, _ options: String...) throws -> [Pair] {
        try workspace.train(["output_dir=\(run)"] + options)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try workspace.data("\(run)/stages/01-sample/pairs.jsonl").split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(Pair.self, from: $0)
        }
    }
}

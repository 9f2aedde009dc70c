import Foundation
import TestSupport
import Testing

/// The main job on the synthetic task, as `launch/quickstart` starts it.
@Suite("The quickstart", .serialized, .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"))
struct QuickstartTests {
    @Test("On one seed the gold score rises from SFT to DPO to MPO")
    func oneSeed() throws {
        let evaluation = try Self.evaluation(seed: 10)
        let scores = Dictionary(uniqueKeysWithValues: evaluation.policies.map { ($0.name, $0.meanScore) })
        let (sft, dpo, mpo) = (try #require(scores["sft"]), try #require(scores["dpo"]), try #require(scores["ppo"]))
        #expect(sft + 0.3 < dpo && dpo + 0.2 < mpo, "sft \(sft), dpo \(dpo), mpo \(mpo)")
    }

    @Test(
        "Over three seeds MPO wins against DPO and SFT, with 95 % certainty",
        .enabled(if: TestSupport.runsLongTests, "set MPO_LONG_TESTS=1"))
    func threeSeeds() throws {
        let matches = try [20, 21, 22].flatMap { try Self.evaluation(seed: $0).matches }
        for other in ["dpo", "sft"] {
            let pooled = matches.filter { $0.policy == "ppo" && $0.against == other }
            let rate = pooled.map(\.winRate).reduce(0, +) / Double(pooled.count)
            // Equal numbers of prompts, so the pooled error is the mean of the squares.
            let errors = pooled.map { ($0.high - $0.low) / 2 / Double(pooled.count) }
            let margin = errors.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(rate - margin > 0.5, "win rate over \(other): \(rate) ± \(margin)")
        }
    }

    private struct Evaluation: Decodable {
        struct Policy: Decodable {
            let name: String
            let meanScore: Double
        }
        struct Match: Decodable {
            let policy: String
            let against: String
            let winRate: Double
            let low: Double
            let high: Double
        }
        let policies: [Policy]
        let matches: [Match]
    }

    private static func evaluation(seed: Int) throws -> Evaluation {
        try TestSupport.withTemporaryDirectory { directory in
            let mpo = TestSupport.product("mpo")
            let written = try Job(mpo, ["synthesize", "--output", "task", "--seed", "\(seed)"], directory: directory)
                .run()
            #expect(written.status == 0, "\(written.errors)")
            let recipe = TestSupport.repository.appending(path: "launch/recipes/quickstart.yaml")
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let result = try Job.mpirun(
                ranks: 3, mpo, ["train", recipe.path, "--set", "seed=\(seed)"], options: ["--bind-to", "none"],
                environment: ["OMP_NUM_THREADS": "1", "PATH": "\(mpo.deletingLastPathComponent().path):\(path)"],
                directory: directory, timeLimit: 900
            ).run()
            #expect(result.status == 0, "\(result.errors)")
            let file = directory.appending(path: "run/stages/06-evaluate/evaluation.json")
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Evaluation.self, from: Data(contentsOf: file))
        }
    }
}

import Commands
import Foundation
import JSON
import Stages
import TestSupport
import Testing

@Suite("Recipes of reasoning", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ReasoningRecipeTests {
    @Test(
        "The recipes on sums run as they stand",
        arguments: [("expert-iteration", 1), ("expert-iteration", 3), ("rcrl", 3)])
    func recipe(name: String, ranks: Int) throws {
        try RunWorkspace.with { workspace in
            let mpo = TestSupport.product("mpo")
            let directory = workspace.directory
            let task = try Job(
                mpo, ["synthesize", "--task", "arithmetic", "--output", "sums"], directory: directory
            ).run()
            #expect(task.status == 0, "\(task.errors)")
            for (file, count) in [("prompts", 60), ("prompts-eval", 20)] {
                let rows = try workspace.rows("sums/\(file).jsonl").prefix(count)
                try workspace.write(rows.map { JSON.object($0).line + "\n" }.joined(), to: "sums/\(file).jsonl")
            }
            let recipe = TestSupport.repository.appending(path: "launch/recipes/\(name).yaml").path
            let words = [
                "train", recipe, "--set", "output_dir=out", "--set", "start.max_steps=120", "--set",
                "learn.max_steps=3",
                // After few steps few are right.
                "--set", "sample.n_samples_per_prompt=24", "--set", "round-2-sample.reward=rule:regex:[0-9]",
            ]
            let environment = ["OMP_NUM_THREADS": "1"]
            let job =
                ranks == 1
                ? Job(mpo, words, environment: environment, directory: directory)
                : try Job.mpirun(ranks: ranks, mpo, words, environment: environment, directory: directory)
            let result = try job.run()
            #expect(result.status == 0, "\(result.errors)")
            for stage in ["02-round-1-sample", "04-round-2-sample"] {
                #expect(try !workspace.rows("out/stages/\(stage)/completions.jsonl").isEmpty)
            }
            #expect(workspace.has("out/stages/06-\(name == "rcrl" ? "before" : "evaluate")/evaluation.json"))
            #expect(result.errors.contains("maj@8"), "\(result.errors)")
        }
    }
}

@Suite(
    "Claims of reasoning", .serialized,
    .enabled(if: RunWorkspace.hasNeeds && TestSupport.runsLongTests, "a long test: MPO_LONG_TESTS=1"))
struct ReasoningClaimTests {
    /// Seeds that no setting was chosen on.
    private static let seeds = 11...15

    @Test("Expert iteration raises maj@1 every round and pass@8 does not fall; RCRL raises maj@1, and not by more")
    func claims() throws {
        let found = try Self.seeds.map { seed in
            try RunWorkspace.with { workspace in
                try run(["synthesize", "--task", "arithmetic", "--output", "sums", "--seed", "\(seed)"], in: workspace)
                return try ["expert-iteration", "rcrl"].map { name in
                    let recipe = TestSupport.repository.appending(path: "launch/recipes/\(name).yaml").path
                    try run(["train", recipe, "--set", "seed=\(seed)"], in: workspace)
                    let files = name == "rcrl" ? ["06-before", "07-after"] : ["06-evaluate"]
                    return try files.flatMap { file in
                        try JSONDecoder().decode(
                            Evaluation.self,
                            from: workspace.data("runs/\(name)/stages/\(file)/evaluation.json")
                        ).policies.compactMap(\.accuracy)
                    }
                }
            }
        }
        func differences(_ rate: String, _ first: (Int, Int), _ second: (Int, Int)) -> [Double] {
            found.map { seed in
                let rates = [first, second].map { seed[$0.0][$0.1].rates[rate]?.rate ?? .nan }
                return rates[0] - rates[1]
            }
        }
        #expect(TTest(differences("maj@1", (0, 1), (0, 0))).low > 0)
        #expect(differences("maj@1", (0, 2), (0, 1)).allSatisfy { $0 > 0 })
        for round in 1...2 { #expect(TTest(differences("pass@8", (0, round), (0, round - 1))).high >= 0) }
        // Seeds differ widely in what return tokens teach.
        #expect(TTest(differences("maj@1", (1, 1), (1, 0))).mean > 0)
        #expect(TTest(differences("maj@1", (0, 2), (1, 1))).low > 0)
    }

    private func run(_ words: [String], in workspace: RunWorkspace) throws {
        let job = Job(
            TestSupport.product("mpo"), words, environment: ["OMP_NUM_THREADS": "1"], directory: workspace.directory,
            timeLimit: 1200)
        let result = try job.run()
        #expect(result.status == 0, "\(result.errors)")
    }
}

import Foundation
import TestSupport
import Testing

@Suite("Runs of rounds", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct RoundsRunTests {
    /// Iterative DPO on beginnings of stories.
    private static let stages = """
        dataset: {train: prompts.jsonl, max_length: 64, max_prompt_length: 24}
        save_steps: 1
        sample: {policy: previous.dpo, prompts: ./prompts.jsonl, reward: "rule:count:the", response_length: 12}
        dpo: {init: previous.dpo, max_steps: 4, train_batch_size: 4, learning_rate: 1.0e-3, eval_data: []}
        evaluate: {prompts: ./prompts.jsonl, judge: "rule:count:the", response_length: 8, num_prompts: 2}
        stages: [{rounds: 2, of: [sample, dpo]}]
        """
    private static func rounds(_ count: Int, then later: String = "") -> String {
        "stages=[{rounds: \(count), of: [sample, dpo]}\(later)]"
    }

    @Test(
        "A run that is killed in its second round, resumed, and given one more has the bytes of three rounds left alone",
        arguments: [1, 3])
    func killed(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(Self.stages)
            try workspace.train(ranks: ranks, ["output_dir=whole", Self.rounds(3)])
            // Four lines are of the first round.
            let result = try workspace.end(try workspace.job(ranks: ranks), at: Moment(lines: 5)) { _ in
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(result.status == 128 + SIGKILL, "\(result.errors)")
            #expect(!workspace.has("out/stages/04-round-2-dpo/final"))
            try workspace.train(ranks: ranks, resume: true)
            if ranks == 1 {
                let asked = try workspace.train(resume: true, status: 2, [Self.rounds(3)])
                #expect(asked.errors.contains("or go on with it by --allow-config-change"), "\(asked.errors)")
                let fewer = try workspace.train(
                    resume: true, status: 2, [Self.rounds(1)], flags: ["--allow-config-change"])
                #expect(fewer.errors.contains("the run has begun with something else: stages: "), "\(fewer.errors)")
            }
            try workspace.train(ranks: ranks, resume: true, [Self.rounds(3)], flags: ["--allow-config-change"])
            try workspace.expectSame()
            for stage in ["01-round-1-sample", "03-round-2-sample", "05-round-3-sample"] {
                let path = "stages/\(stage)/pairs.jsonl"
                #expect(try workspace.data("out/\(path)") == workspace.data("whole/\(path)"))
            }
        }
    }

    @Test("More rounds are let through while no later stage has begun, and not behind one that has")
    func moreRounds() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(Self.stages)
            try workspace.train([Self.rounds(1, then: ", evaluate")])
            // As it was when the stage had begun and was not done.
            let state = String(decoding: try workspace.data("out/run.json"), as: UTF8.self)
            try workspace.write(state.replacing(/,\s*"03-evaluate"/, with: ""), to: "out/run.json")
            let more = [Self.rounds(2, then: ", evaluate")]
            let refused = try workspace.train(resume: true, status: 2, more, flags: ["--allow-config-change"])
            #expect(
                refused.errors.contains("; stages: [round-1-sample, round-1-dpo, evaluate] then, "), "\(refused.errors)"
            )
            try FileManager.default.removeItem(at: workspace.url("out/stages/03-evaluate"))
            try workspace.train(resume: true, more, flags: ["--allow-config-change"])
            #expect(workspace.has("out/stages/04-round-2-dpo/final"))
            #expect(workspace.has("out/stages/05-evaluate/evaluation.json"))
        }
    }

    @Test("The recipe of iterative DPO runs as it stands", arguments: [1, 3])
    func recipe(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            let mpo = TestSupport.product("mpo")
            let task = try Job(mpo, ["synthesize", "--output", "task"], directory: workspace.directory).run()
            #expect(task.status == 0, "\(task.errors)")
            // Fewer of everything.
            try workspace.first(24, ofFiles: ["sft", "pairs", "pairs-eval", "prompts-eval"])
            let few = [("sft", 40), ("reward", 2), ("dpo", 2)].flatMap { stage, steps in
                ["--set", "\(stage).max_steps=\(steps)", "--set", "\(stage).train_batch_size=4"]
            }
            let recipe = TestSupport.repository.appending(path: "launch/recipes/iterative-dpo.yaml").path
            // The judge is the program itself.
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let environment = [
                "OMP_NUM_THREADS": "1", "PATH": "\(mpo.deletingLastPathComponent().path):\(path)",
            ]
            func run(_ words: [String], ranks: Int = 1) throws -> Job.Result {
                let job =
                    ranks == 1
                    ? Job(mpo, words, environment: environment, directory: workspace.directory)
                    : try Job.mpirun(ranks: ranks, mpo, words, environment: environment, directory: workspace.directory)
                let result = try job.run()
                #expect(result.status == 0, "\(result.errors)")
                return result
            }
            _ = try run(["train", recipe, "--set", "output_dir=out"] + few, ranks: ranks)
            let stages = try FileManager.default.contentsOfDirectory(atPath: workspace.url("out/stages").path)
            #expect(
                stages.sorted() == [
                    "01-sft", "02-reward", "03-round-1-sample", "04-round-1-dpo", "05-round-2-sample", "06-round-2-dpo",
                    "07-round-3-sample", "08-round-3-dpo", "09-evaluate",
                ])
            let plan = try run(["plan", recipe, "-n", "3"])
            // Each round's policy takes the room of the SFT model: 142 thousand numbers of four bytes.
            let disk =
                plan.output.components(separatedBy: "\nDisk\n").last?.components(separatedBy: "\nMemory").first ?? ""
            let rows = disk.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            for stage in ["sft", "round-1-dpo", "round-2-dpo", "round-3-dpo"] {
                #expect(rows.contains { $0.starts(with: [stage, "556", "KiB"]) }, "\(disk)")
            }
            #expect(!rows.contains { $0.first == "round-1-sample" })
        }
    }

    @Test(
        "The recipes of rewards learned on the way, and of APO, run as they stand",
        arguments: [("rft", 3), ("rlp", 1), ("apo", 3)])
    func recipe(name: String, ranks: Int) throws {
        try RunWorkspace.with { workspace in
            let mpo = TestSupport.product("mpo")
            let task = try Job(mpo, ["synthesize", "--output", "task"], directory: workspace.directory).run()
            #expect(task.status == 0, "\(task.errors)")
            try workspace.first(24, ofFiles: ["sft", "pairs", "pairs-eval", "prompts-eval"])
            let settings: [String: [String]] = [
                "rft": ["reward.max_steps=2", "ppo.max_steps=2", "ppo.rollout_batch_size=4"],
                "rlp": [
                    // Where no two answers agree, each is its own group.
                    "reward.max_steps=2", "retrained.max_steps=2", "sample.keep_threshold=0.1", "ppo.max_steps=2",
                    "again.max_steps=2", "ppo.rollout_batch_size=4", "again.rollout_batch_size=4",
                ],
                "apo": ["reward.max_steps=2", "dpo.max_steps=2", "dpo.train_batch_size=4"],
            ]
            let words = (["output_dir=out", "sft.max_steps=40"] + (settings[name] ?? [])).flatMap { ["--set", $0] }
            let recipe = TestSupport.repository.appending(path: "launch/recipes/\(name).yaml").path
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let environment = [
                "OMP_NUM_THREADS": "1", "PATH": "\(mpo.deletingLastPathComponent().path):\(path)",
            ]
            let job =
                ranks == 1
                ? Job(mpo, ["train", recipe] + words, environment: environment, directory: workspace.directory)
                : try Job.mpirun(
                    ranks: ranks, mpo, ["train", recipe] + words, environment: environment,
                    directory: workspace.directory)
            let result = try job.run()
            #expect(result.status == 0, "\(result.errors)")
            let last = ["rft": "08-evaluate", "rlp": "07-evaluate", "apo": "12-evaluate"][name] ?? ""
            #expect(workspace.has("out/stages/\(last)/evaluation.json"))
            let plan = try Job(
                mpo, ["plan", recipe, "-n", "3"], environment: environment, directory: workspace.directory
            ).run()
            #expect(plan.status == 0 && plan.output.contains("evaluate"), "\(plan.errors)")
        }
    }
}

extension RunWorkspace {
    /// Cuts files of the task to their first lines.
    fileprivate func first(_ count: Int, ofFiles names: [String]) throws {
        for name in names {
            let lines = String(decoding: try data("task/\(name).jsonl"), as: UTF8.self).split(separator: "\n")
            try write(lines.prefix(count).joined(separator: "\n") + "\n", to: "task/\(name).jsonl")
        }
    }
}

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
        dpo: {init: previous.dpo, max_steps: 6, train_batch_size: 4, learning_rate: 1.0e-3, eval_data: []}
        evaluate: {prompts: ./prompts.jsonl, judge: "rule:count:the", response_length: 8, num_prompts: 2}
        stages: [{rounds: 2, of: [sample, dpo]}]
        """
    private static func rounds(_ count: Int, then later: String = "") -> String {
        "stages=[{rounds: \(count), of: [sample, dpo]}\(later)]"
    }

    @Test(
        "A run that is killed in its second round ends as one left alone, and one more round is as if it had been asked for",
        arguments: [1, 3])
    func killed(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(Self.stages)
            try workspace.train(ranks: ranks, ["output_dir=whole"])
            try workspace.train(ranks: ranks, ["output_dir=three", Self.rounds(3)])
            // Six lines are of the first round.
            let result = try workspace.end(try workspace.job(ranks: ranks), at: Moment(lines: 7)) { _ in
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(result.status == 128 + SIGKILL, "\(result.errors)")
            #expect(!workspace.has("out/stages/04-round-2-dpo/final"))
            try workspace.train(ranks: ranks, resume: true)
            try expectSame(workspace, as: "whole", rounds: 2)

            let asked = try workspace.train(ranks: ranks, resume: true, status: 2, [Self.rounds(3)])
            #expect(asked.errors.contains("or go on with it by --allow-config-change"), "\(asked.errors)")
            let fewer = try workspace.train(
                ranks: ranks, resume: true, status: 2, [Self.rounds(1)], flags: ["--allow-config-change"])
            #expect(fewer.errors.contains("the run has begun with something else: stages: "), "\(fewer.errors)")
            try workspace.train(ranks: ranks, resume: true, [Self.rounds(3)], flags: ["--allow-config-change"])
            try expectSame(workspace, as: "three", rounds: 3)
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
            #expect(refused.errors.contains("something else: stages: "), "\(refused.errors)")
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
            let recipe = TestSupport.repository.appending(path: "launch/recipes/iterative-dpo.yaml")
            try FileManager.default.copyItem(at: recipe, to: workspace.url("run.yaml"))
            // Fewer of everything, and a judge without a search for the program.
            try workspace.first(24, ofFiles: ["sft", "pairs", "pairs-eval", "prompts-eval"])
            let few = ["sft", "reward", "dpo"].flatMap { ["\($0).max_steps=2", "\($0).train_batch_size=4"] }
            try workspace.train(ranks: ranks, few + ["output_dir=out", "evaluate.judge=rule:length:9"])
            let stages = try FileManager.default.contentsOfDirectory(atPath: workspace.url("out/stages").path)
            #expect(
                stages.sorted() == [
                    "01-sft", "02-reward", "03-round-1-sample", "04-round-1-dpo", "05-round-2-sample", "06-round-2-dpo",
                    "07-round-3-sample", "08-round-3-dpo", "09-evaluate",
                ])
            let plan = try Job(mpo, ["plan", "run.yaml", "-n", "3"], directory: workspace.directory).run()
            #expect(plan.status == 0, "\(plan.errors)")
            // Each round's policy takes the room of the SFT model.
            let rows = plan.output.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count == 4 }
            let models = rows.filter { $0.last == "-" }.map { "\($0[0]) \($0[1]) \($0[2])" }
            let size = try #require(models.first { $0.hasPrefix("sft ") }?.dropFirst(3))
            #expect((1...3).allSatisfy { models.contains("round-\($0)-dpo\(size)") }, "\(plan.output)")
        }
    }

    private func expectSame(_ workspace: RunWorkspace, as whole: String, rounds: Int) throws {
        try workspace.expectSame(as: whole)
        for round in 1...rounds {
            let path = "stages/0\(2 * round - 1)-round-\(round)-sample/pairs.jsonl"
            #expect(try workspace.data("out/\(path)") == workspace.data("\(whole)/\(path)"))
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

import Foundation
import TestSupport
import Testing

@Suite("Runs that are stopped and resumed", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct StoppingTests {
    /// PPO alone, with all the state that it can have.
    private static let ppo = """
        dataset: {train: train.jsonl, max_prompt_length: 128, truncation_mode: drop_turns}
        save_steps: 3
        stages: [ppo]
        ppo: {reward: "rule:length:9", max_steps: 8, rollout_batch_size: 6, n_samples_per_prompt: 2, \
        response_length: 12, num_ppo_epochs: 2, num_mini_batches: 2, kl_target: 1.0, kl_horizon: 100, \
        learning_rate: 1.0e-4, max_staleness: 1}
        """

    @Test("On SIGUSR1 to mpirun all ranks save and exit 75, in every stage, and the end is as if nothing had been")
    func everyStage() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(RecipeTests.recipe.replacing("max_steps: 2", with: "max_steps: 5"))
            try workspace.train(ranks: 3, ["output_dir=whole"])
            var stages: Set<Substring> = []
            var stops = 0
            while true {
                let job = try workspace.job(ranks: 3, resume: stops > 0)
                let result = try workspace.end(job, at: Moment(lines: 3)) { kill($0, SIGUSR1) }
                guard result.status != 0 else { break }
                stages.insert(try expectStopped(result, by: "by SIGUSR1").stage)
                stops += 1
                try #require(stops < 20)
            }
            #expect(stages.count >= 3, "\(stages)")
            try workspace.expectSame()
        }
    }

    @Test("A stage of items that is stopped goes on with the items that are left")
    func items() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(
                """
                dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 192, max_prompt_length: 128}
                stages: [evaluate]
                evaluate: {policies: [base], prompts: ./train.jsonl, judge: "rule:length:9", response_length: 60, \
                generation_batch_size: 4}
                """)
            try workspace.train(["output_dir=whole"])
            let stage = "out/stages/01-evaluate"
            let first = try workspace.end(try workspace.job(ranks: 1), at: Moment()) { process in
                while (try? workspace.data("\(stage)/progress.jsonl"))?.isEmpty ?? true { usleep(1000) }
                kill(process, SIGTERM)
            }
            let stop = try expectStopped(first, by: "by SIGTERM")
            #expect(stop.stage == "01-evaluate" && stop.step == nil)
            let second = try workspace.train(resume: true)
            #expect(second.errors.contains(/evaluate: [0-9]+ prompts, from [0-9]+ on/), "\(second.errors)")
            for file in ["evaluation.json", "samples.jsonl"] {
                #expect(try workspace.data("\(stage)/\(file)") == workspace.data("whole/stages/01-evaluate/\(file)"))
            }
        }
    }

    @Test("A stage of items is left between two answers of its program")
    func answers() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(
                """
                dataset: {train: train.jsonl, max_length: 192, max_prompt_length: 128}
                stages: [split]
                split: {quantile: 0.5, reward: "command:sh slow.sh"}
                """)
            try workspace.write(
                #"touch asked; while read -r line; do sleep 1; echo '{"score": 1}'; done"#, to: "slow.sh")
            let start = Date()
            var asked = start
            let result = try workspace.end(try workspace.job(ranks: 3), at: Moment()) { process in
                while !workspace.has("asked"), Date().timeIntervalSince(start) < 60 { usleep(1000) }
                usleep(500_000)
                asked = Date()
                kill(process, SIGUSR1)
            }
            // A part is 32 answers, and after a stop the program has three seconds to end.
            #expect(Date().timeIntervalSince(asked) < 15)
            #expect(try expectStopped(result, by: "by SIGUSR1").stage == "01-split")
        }
    }

    @Test("A run is stopped within an evaluation, whose step is saved, and within the last pass over held-out pairs")
    func evaluations() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(eval: 400)
            try workspace.configure(
                """
                dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 512, max_prompt_length: 384}
                stages: [reward]
                reward: {max_steps: 3, train_batch_size: 4, eval_steps: 2, max_tokens_per_micro_batch: 256}
                """)
            try workspace.train(ranks: 3, ["output_dir=whole"])
            // After the line of a step comes, soon, the next evaluation: that of step 2, of step 3, and the last pass.
            for (start, step) in [2, 3, 3].enumerated() {
                let job = try workspace.job(ranks: 3, resume: start > 0)
                let result = try workspace.end(job, at: Moment(lines: 1, seconds: 0.1)) { kill($0, SIGUSR1) }
                #expect(try expectStopped(result, by: "by SIGUSR1").step == step)
                let state = try workspace.data("out/stages/01-reward/checkpoint-0000000\(step)/trainer_state.json")
                #expect(String(decoding: state, as: UTF8.self).contains("unevaluated_metrics") == (start < 2))
                #expect(try workspace.metrics().map(\.step) == Array(1...[1, 2, 3][start]))
            }
            try workspace.train(ranks: 3, resume: true)
            try workspace.expectSame()
        }
    }

    @Test("Responses drawn ahead are kept: a run with max_staleness 1, stopped and killed, ends with the same bytes")
    func drawnAhead() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.ppo)
            try workspace.train(ranks: 3, ["output_dir=whole"])
            let job = try workspace.job(ranks: 3)
            try stopAndKill(workspace, try workspace.end(job, at: Moment(lines: 2)) { kill($0, SIGUSR1) })
        }
    }

    @Test("launch/run passes SIGTERM on as a stop, and its status 75; colocated workers keep what they drew ahead too")
    func script() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.ppo)
            let options = ["placement=colocated"]
            try workspace.train(ranks: 3, options + ["output_dir=whole"])
            let job = workspace.script(["--workers", "2", "--threads", "1"])
            try stopAndKill(workspace, try workspace.end(job, at: Moment(lines: 2)) { kill($0, SIGTERM) }, options)
        }
    }

    /// Takes a PPO run that has been stopped, resumes and kills it, and lets it end.
    private func stopAndKill(_ workspace: RunWorkspace, _ stopped: Job.Result, _ options: [String] = []) throws {
        let step = try #require(try expectStopped(stopped, by: "by SIGUSR1").step)
        #expect(workspace.has("out/stages/01-ppo/checkpoint-0000000\(step)/rollouts.bin"))
        let job = try workspace.job(ranks: 3, resume: true, options)
        let killed = try workspace.end(job, at: Moment(lines: 2, seconds: 0.1)) { _ in
            for process in workspace.processes { kill(process, SIGKILL) }
        }
        #expect(killed.status != 75)
        try workspace.train(ranks: 3, resume: true, options)
        try workspace.expectSame()
    }

    @Test("--stop-before ends a run in time, saved")
    func timeLimit() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(
                "dataset: {train: train.jsonl}\nstages: [sft]\nsft: {max_steps: 100000, train_batch_size: 4}")
            let result = try workspace.train(ranks: 2, status: 75, flags: ["--stop-before", "20s"])
            // The limit is for saving; that a loaded machine takes its time to start and end processes is another matter.
            #expect(result.seconds < 30)
            let step = try #require(try expectStopped(result, by: "for its time limit").step)
            #expect(step > 1)
            #expect(try workspace.metrics().map(\.step) == Array(1...step))
        }
    }

    @Test("A second SIGINT ends a process that is busy at once")
    func secondInterrupt() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.ppo)
            // A reward that never comes.
            let job = try workspace.job(ranks: 1, ["ppo.reward=command:touch asked; exec sleep 9"])
            let result = try workspace.end(job, at: Moment()) { process in
                while !workspace.has("asked") { usleep(1000) }
                kill(process, SIGINT)
                usleep(300_000)
                #expect(workspace.processes == [process])
                kill(process, SIGINT)
            }
            #expect(result.status == 130)
        }
    }

    /// Expects that a job stopped as it should, and gives the place that its last line names.
    @discardableResult
    private func expectStopped(
        _ result: Job.Result, by reason: String, location: SourceLocation = #_sourceLocation
    ) throws -> (stage: Substring, step: Int?) {
        #expect(result.status == 75, "\(result.errors)", sourceLocation: location)
        let last = result.errors.split(separator: "\n").last ?? ""
        let line = /mpo: stopped (?:at step (\d+) of|in) (\S+) (.+); go on with --resume/
        let match = try #require(last.wholeMatch(of: line), "\(result.errors)", sourceLocation: location)
        #expect(match.3 == reason, sourceLocation: location)
        return (match.2, match.1.flatMap { Int($0) })
    }
}

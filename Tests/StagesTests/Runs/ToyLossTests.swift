import Foundation
import TestSupport
import Testing
import Torch

/// Losses that `Tests/Helpers/ToyLosses` adds, a file each, with what is below them as it is.
@Suite("Losses added from outside", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ToyLossTests {
    private static let names = [
        "toy_decayed", "toy_confident", "toy_panel", "toy_likelihood", "toy_ranked", "toy_shifted",
    ]
    /// All in the long form, else those that ask for most: entropies of two references, and state that is carried.
    private static let trainedInCI = TestSupport.runsLongTests ? names : ["toy_panel", "toy_shifted"]
    /// All in the long form, else those of the whole step and of state.
    private static let killedInCI = TestSupport.runsLongTests ? names : ["toy_ranked", "toy_shifted"]

    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 128, max_prompt_length: 96, \
        truncation_mode: drop_turns}
        save_steps: 2
        stages: [sft, dpo]
        sft: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3}
        dpo: {max_steps: 5, train_batch_size: 6, learning_rate: 1.0e-3, max_tokens_per_micro_batch: 400, eval_steps: 5}
        """

    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addPairs(train: 24, eval: 6)
        try workspace.configure(Self.stages)
    }

    @discardableResult
    private func train(
        _ workspace: RunWorkspace, _ loss: String, _ settings: [String] = [], to output: String, ranks: Int = 1,
        status: Int32 = 0
    ) throws -> Job.Result {
        let result = try job(workspace, loss, settings, to: output, ranks: ranks).run()
        guard result.status == status else { throw UnexpectedEnd(ranks: ranks, overrides: settings, result: result) }
        return result
    }

    private func job(
        _ workspace: RunWorkspace, _ loss: String, _ settings: [String] = [], to output: String, ranks: Int = 1,
        resume: Bool = false
    ) throws -> Job {
        let isGiven = settings.contains { $0.hasPrefix("references=") }
        let references = loss == "toy_panel" && !isGiven ? ["references=[base, sft]"] : []
        let words =
            ["run.yaml"] + (resume ? ["--resume"] : []) + ["loss_type=\(loss)", "output_dir=\(output)"] + references
            + settings
        let (program, environment) = (
            TestSupport.product("toy-losses"), ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"]
        )
        return ranks == 1
            ? Job(program, words, environment: environment, directory: workspace.directory, timeLimit: 120)
            : try Job.mpirun(
                ranks: ranks, program, words, environment: environment, directory: workspace.directory, timeLimit: 120)
    }

    @Test("Each trains, and two workers and other micro-batches make the same of it", arguments: trainedInCI)
    func trained(loss: String) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try train(workspace, loss, to: "one")
            try train(workspace, loss, ["max_tokens_per_micro_batch=200"], to: "small")
            try train(workspace, loss, to: "three", ranks: 3)
            let one = try weights(workspace, "one")
            let start = try floats(workspace.url("one/stages/01-sft/final/model.safetensors"))
            let update = norm(zip(one, start).map { $0 - $1 })
            for run in ["small", "three"] {
                let difference = norm(zip(try weights(workspace, run), one).map { $0 - $1 })
                #expect(difference / update < 1e-3, "\(run): \(difference / update)")
            }
            let metrics = try workspace.metrics("one").filter { $0.stage == "02-dpo" }
            #expect(metrics.count == 5 && metrics.allSatisfy { $0.values["loss"]?.isFinite ?? false })
            #expect(metrics.last?.values["eval_loss"]?.isFinite ?? false)
            #expect(update > 1e-3, "nothing was learned")
        }
    }

    @Test("Each that is killed and resumed ends with the bytes of one that was not", arguments: killedInCI)
    func resumed(loss: String) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let settings = ["max_steps=9"]
            try train(workspace, loss, settings, to: "whole", ranks: 3)
            let killed = try job(workspace, loss, settings, to: "out", ranks: 3).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/02-dpo/checkpoint-00000004"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("out/stages/02-dpo/final"))
            let resumed = try job(workspace, loss, settings, to: "out", ranks: 3, resume: true).run()
            #expect(resumed.status == 0, "\(resumed.errors)")
            let references = loss == "toy_panel" ? 2 : loss == "toy_likelihood" ? 0 : 1
            let read = resumed.errors.split(separator: "\n").filter {
                $0.contains("are read from stages/02-dpo/reference-")
            }
            #expect(read.count == 2 * references, "\(resumed.errors)")
            #expect(try workspace.weights("out", "02-dpo") == workspace.weights("whole", "02-dpo"))
            #expect(
                try workspace.metrics("out").map(\.timeless).suffix(3)
                    == workspace.metrics("whole").map(\.timeless).suffix(3))
        }
    }

    @Test("What a loss carries from step to step stands in its checkpoints, and a checkpoint without it is refused")
    func state() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try train(workspace, "toy_shifted", ["toy_momentum=0.5"], to: "out")
            let file = "out/stages/02-dpo/checkpoint-00000004/trainer_state.json"
            let state = try JSONSerialization.jsonObject(with: workspace.data(file)) as? [String: Any]
            let carried = try #require(state?["loss_state"] as? [Double])
            #expect(carried.count == 2 && carried[0] != 0 && carried[1] == 4)
            try train(workspace, "toy_decayed", to: "other")
            let others =
                try JSONSerialization.jsonObject(
                    with: workspace.data("other/stages/02-dpo/checkpoint-00000004/trainer_state.json"))
                as? [String: Any]
            #expect(others != nil && others?["loss_state"] == nil)
        }
    }

    @Test("Their options are keys that change the loss, and are kept in the run's configuration")
    func options() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try train(workspace, "toy_decayed", ["toy_rate=1"], to: "neutral")
            try train(workspace, "sigmoid", to: "dpo")
            try train(workspace, "toy_decayed", ["toy_rate=0.5"], to: "half")
            let (neutral, dpo) = (try weights(workspace, "neutral"), try weights(workspace, "dpo"))
            let start = try floats(workspace.url("dpo/stages/01-sft/final/model.safetensors"))
            let update = norm(zip(dpo, start).map { $0 - $1 })
            #expect(norm(zip(neutral, dpo).map { $0 - $1 }) / update < 1e-3)
            #expect(norm(zip(try weights(workspace, "half"), dpo).map { $0 - $1 }) / update > 0.05)
            let written = String(decoding: try workspace.data("half/config.yaml"), as: UTF8.self)
            #expect(written.contains("  toy_rate: 0.5\n") && written.contains("  toy_momentum: 0.9\n"))
            let wrong = try train(workspace, "toy_decayed", ["toy_rate=2"], to: "wrong", status: 2)
            #expect(
                wrong.errors.contains("dpo.toy_rate: expected a number, greater than 0 and at most 1"),
                "\(wrong.errors)")
        }
    }

    @Test(
        "What means nothing for a loss, or lacks for it, is refused with a way out",
        arguments: [
            (
                "sigmoid", ["toy_rate=0.5"],
                "dpo.toy_rate: has no meaning for loss_type sigmoid; use toy_decayed, or leave it at 0.98"
            ),
            (
                "sigmoid", ["references=[base]"],
                "dpo.references: has no meaning for loss_type sigmoid, which compares with one reference; give reference"
            ),
            (
                "toy_likelihood", ["reference=base"],
                "dpo.reference: has no meaning for loss_type toy_likelihood, which compares with no reference; leave it out"
            ),
            (
                "toy_panel", ["references=[base]"],
                "dpo.references: loss_type toy_panel compares with 2 references, and 1 are given; list 2"
            ),
            (
                "toy_panel", ["references=[]"],
                "dpo.references: loss_type toy_panel compares with 2 references, and 0 are given; list 2"
            ),
            (
                "toy_panel", ["reference=sft"],
                "dpo.reference: given beside references, whose first is base; leave it out"
            ),
            ("toy_panel", ["references=[base, other]"], "dpo.references: no stage 'other' in stages"),
        ])
    func refused(loss: String, settings: [String], message: String) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let result = try train(workspace, loss, settings, to: "out", status: 2)
            #expect(result.errors.contains(message), "\(result.errors)")
        }
    }

    private func weights(_ workspace: RunWorkspace, _ run: String) throws -> [Float] {
        try floats(workspace.url("\(run)/stages/02-dpo/final/model.safetensors"))
    }

    private func floats(_ url: URL) throws -> [Float] {
        let file = try SafetensorsFile(url)
        return try file.entries.keys.sorted().flatMap { try file.tensor($0).floats() }
    }

    private func norm(_ numbers: [Float]) -> Double {
        numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
}

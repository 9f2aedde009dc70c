import Foundation
import TestSupport
import Testing
import Torch

/// Short runs of `dpo` by one loss or several, from the same data and the same supervised start.
struct LossRuns {
    /// `mpo`, or a program that adds losses of its own.
    let program: String

    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 128, max_prompt_length: 96, \
        truncation_mode: drop_turns}
        save_steps: 2
        stages: [sft, dpo]
        sft: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3}
        dpo: {max_steps: 5, train_batch_size: 6, learning_rate: 1.0e-3, max_tokens_per_micro_batch: 400, eval_steps: 5}
        """

    func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addPairs(train: 24, eval: 6)
        try workspace.configure(Self.stages)
    }

    /// - Parameter settings: Keys of `dpo` with their values, and others that are dotted.
    @discardableResult
    func train(
        _ workspace: RunWorkspace, _ settings: [String], to output: String, ranks: Int = 1, status: Int32 = 0
    ) throws -> Job.Result {
        let result = try job(workspace, settings, to: output, ranks: ranks).run()
        guard result.status == status else { throw UnexpectedEnd(ranks: ranks, overrides: settings, result: result) }
        return result
    }

    private func job(
        _ workspace: RunWorkspace, _ settings: [String], to output: String, ranks: Int = 1, resume: Bool = false
    ) throws -> Job {
        let resumes = resume ? ["--resume"] : []
        let words =
            program == "mpo"
            ? ["train", "run.yaml"] + resumes + ["--set", "output_dir=\(output)"]
                + settings.flatMap { ["--set", "dpo.\($0)"] }
            : ["run.yaml"] + resumes + ["output_dir=\(output)"] + settings
        let environment = ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"]
        let program = TestSupport.product(program)
        return ranks == 1
            ? Job(program, words, environment: environment, directory: workspace.directory, timeLimit: 120)
            : try Job.mpirun(
                ranks: ranks, program, words, environment: environment, directory: workspace.directory, timeLimit: 120)
    }

    /// Expects that a run learns, and that two workers and other micro-batches make the same of it.
    func expectSameOfAnyDivision(_ settings: [String]) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try train(workspace, settings, to: "one")
            try train(workspace, settings + ["max_tokens_per_micro_batch=200"], to: "small")
            try train(workspace, settings, to: "three", ranks: 3)
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

    /// Expects that a run which is killed and resumed ends with the bytes of one that was not, and asks its references
    /// nothing again.
    func expectSameOfResumed(_ settings: [String], references: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let settings = settings + ["max_steps=9"]
            try train(workspace, settings, to: "whole", ranks: 3)
            let killed = try job(workspace, settings, to: "out", ranks: 3).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/02-dpo/checkpoint-00000004"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("out/stages/02-dpo/final"))
            let resumed = try job(workspace, settings, to: "out", ranks: 3, resume: true).run()
            #expect(resumed.status == 0, "\(resumed.errors)")
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

    func weights(_ workspace: RunWorkspace, _ run: String) throws -> [Float] {
        try floats(workspace.url("\(run)/stages/02-dpo/final/model.safetensors"))
    }

    func floats(_ url: URL) throws -> [Float] {
        let file = try SafetensorsFile(url)
        return try file.entries.keys.sorted().flatMap { try file.tensor($0).floats() }
    }

    func norm(_ numbers: [Float]) -> Double {
        numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
}

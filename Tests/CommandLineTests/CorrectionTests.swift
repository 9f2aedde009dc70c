import Foundation
import TestSupport
import Testing

@Suite("A stage that failed is corrected, and what is done before it stays", .serialized)
struct CorrectionTests {
    @Test(
        "With nothing done, or where the change does not enter what is done, --allow-config-change goes on",
        arguments: [
            ("split", "split: {reward: ./reward-model, gamma: 1.0e+9}", ["split.gamma=null", "split.quantile=0.5"]),
            ("split", "split: {reward: 'command:exit 3', quantile: 0.5}", ["split.reward=rule:length:9"]),
            (
                "sample", "sample: {reward: 'command:exit 3', response_length: 4, keep: above, keep_threshold: -10}",
                ["sample.reward=rule:length:9"]
            ),
            (
                "evaluate", "evaluate: {judge: 'command:exit 3', response_length: 4, policies: [base, sft]}",
                ["evaluate.judge=rule:length:9", "evaluate.response_length=5"]
            ),
        ])
    func corrected(stage: String, options: String, changes: [String]) throws {
        try Workspace.with { workspace in
            // That no pair is easy is a mistake where a stage reads those.
            let (stages, count) = options.contains("gamma") ? ("[sft, split, dpo]", 3) : ("[sft, \(stage)]", 2)
            let steps = "{max_steps: 1, train_batch_size: 2}"
            try workspace.configure(
                stages: stages, "sft: \(steps)\n\(options)" + (count == 3 ? "\ndpo: \(steps)" : ""))
            let failed = try workspace.mpo("train", "run.yaml", status: options.contains("gamma") ? 2 : 1)
            #expect(workspace.has("out/stages/01-sft/final/model.safetensors"))
            if options.contains("gamma") { #expect(failed.lastError.contains("null and split.quantile, such as 0.5")) }
            let overrides = changes.flatMap { ["--set", $0] }
            let asked = try workspace.mpo(["train", "run.yaml", "--resume"] + overrides, status: 2)
            #expect(asked.lastError.contains("or go on with it by --allow-config-change"), "\(asked.lastError)")
            let resumed = try workspace.mpo(
                ["train", "run.yaml", "--resume", "--allow-config-change"] + overrides, status: 0)
            #expect(resumed.errors.contains("mpo: goes on with \(changes[0].split(separator: "=")[0]): "))
            #expect(!resumed.errors.contains("[1/\(count)]"))
            let pairs = options.contains("gamma") ? "[2/3] split: 5 pairs, from 5 on" : "[2/2] \(stage): "
            #expect(resumed.errors.contains(pairs), "\(resumed.errors)")
        }
    }

    @Test("What enters the items that are done is refused, with the directory whose removal begins the stage anew")
    func entered() throws {
        try Workspace.with { workspace in
            // The judge scores the first policy's answers and fails at the second's.
            let judge = "command:for i in 1 2 3 4 5 6 7; do read l && echo '{\\\"score\\\": 1}'; done; exit 3"
            try workspace.configure(
                stages: "[sft, evaluate]",
                """
                sft: {max_steps: 1, train_batch_size: 2}
                evaluate: {judge: "\(judge)", response_length: 4, \
                policies: [base, sft]}
                """)
            try workspace.mpo("train", "run.yaml", status: 1)
            #expect(try workspace.read("out/stages/02-evaluate/progress.jsonl").contains("\n"))
            let change = [
                "train", "run.yaml", "--resume", "--allow-config-change", "--set", "evaluate.judge=rule:length:9",
            ]
            let refused = try workspace.mpo(change, status: 2).lastError
            #expect(
                refused.contains("out/stages/02-evaluate to begin that stage anew, or choose another"), "\(refused)")
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "out/stages/02-evaluate"))
            _ = try workspace.mpo(change, status: 0)
        }
    }
}

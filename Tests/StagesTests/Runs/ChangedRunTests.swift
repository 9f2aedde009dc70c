import Foundation
import TestSupport
import Testing

@Suite(
    "Runs that are resumed as something else", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ChangedRunTests {
    private static let stages = """
        dataset: {train: train.jsonl, max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
        save_steps: 1
        stages: [sft, ppo]
        sft: {max_steps: 2, train_batch_size: 4}
        ppo: {reward: "rule:length:9", max_steps: 3, rollout_batch_size: 6, response_length: 8, learning_rate: 1.0e-4}
        """

    /// A run that was cut off in `ppo` behind its first step.
    private func withRun(ranks: Int = 1, _ body: (RunWorkspace) throws -> Void) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 32, eval: 1)
            // By content alone: the model may be another user's and closed to changes.
            let copy = Job(
                URL(filePath: "/bin/cp"),
                ["-r", "--no-preserve=mode", "--", workspace.base.path, workspace.url("model").path])
            #expect(try copy.run().status == 0)
            try workspace.write("output_dir: out\nmodel_name_or_path: model\n" + Self.stages, to: "run.yaml")
            try workspace.train(ranks: ranks)
            try workspace.forget("02-ppo", behind: 1)
            try body(workspace)
        }
    }

    @Test("A changed key is refused with both values, and later stages' keys need a flag", arguments: [1, 2, 3])
    func key(ranks: Int) throws {
        try withRun(ranks: ranks) { workspace in
            let state = try workspace.data("out/run.json")
            let refused = try workspace.train(
                ranks: ranks, resume: true, status: 2, ["sft.learning_rate=0.5"], flags: ["--allow-config-change"])
            #expect(refused.errors.contains("sft.learning_rate: "))
            #expect(refused.errors.contains(" then, 0.5 now; change it back, or choose another output_dir"))
            let safe = try workspace.train(ranks: ranks, resume: true, status: 2, ["logging_steps=3"])
            #expect(safe.errors.contains("logging_steps: 1 then, 3 now; change it back, or go on with it by "))
            #expect(try workspace.data("out/run.json") == state)
            #expect(!workspace.has("out/run.lock"))
            let allowed = try workspace.train(
                ranks: ranks, resume: true, ["logging_steps=3"], flags: ["--allow-config-change"])
            #expect(allowed.errors.contains("mpo: goes on with logging_steps: 1 then, 3 now"))
            #expect(String(decoding: try workspace.data("out/config.yaml"), as: UTF8.self).contains("logging_steps: 3"))
        }
    }

    @Test("A changed byte of data, of a model or of what a stage has left is refused with the file's name")
    func bytes() throws {
        try withRun { workspace in
            let files = [
                ("train.jsonl", "dataset.train"), ("model/model.safetensors", "model_name_or_path"),
                ("out/stages/01-sft/final/model.safetensors", "sft"),
            ]
            for (file, key) in files {
                var data = try workspace.data(file)
                let whole = data
                let place = data.count - (file == "train.jsonl" ? 5 : 2)
                data[place] = data[place] == 0x61 ? 0x62 : 0x61
                try data.write(to: workspace.url(file))
                let result = try workspace.train(resume: true, status: 2, flags: ["--allow-config-change"])
                #expect(result.errors.contains(": \(key): "), "\(result.errors)")
                #expect(result.errors.contains("\(file): CRC-32 "), "\(result.errors)")
                try whole.write(to: workspace.url(file))
            }
            // The same bytes, written anew and elsewhere, are the same model.
            try FileManager.default.moveItem(at: workspace.url("model"), to: workspace.url("moved"))
            try workspace.train(
                resume: true, ["model_name_or_path=moved"], flags: ["--allow-config-change"])
        }
    }

    @Test("Other threads are refused by name, and go on inexactly with a flag", arguments: [1, 3])
    func threads(ranks: Int) throws {
        try withRun(ranks: ranks) { workspace in
            let refused = try workspace.train(ranks: ranks, resume: true, status: 2, threads: 2)
            #expect(
                refused.errors.contains(
                    "threads a rank: 1 then, 2 now (ppo); start it as before, or give --allow-inexact"))
            let allowed = try workspace.train(ranks: ranks, resume: true, flags: ["--allow-inexact"], threads: 2)
            #expect(
                allowed.errors.contains("warning: goes on with other rounding: threads a rank: 1 then, 2 now (ppo)"))
        }
    }

    @Test("PPO goes on to the same bytes with other rollout workers and with colocated roles, without a flag")
    func samplers() throws {
        try withRun(ranks: 3) { workspace in
            try workspace.train(ranks: 3, resume: true)
            let weights = try workspace.weights("out", "02-ppo")
            for (ranks, placement) in [(5, "split"), (1, "split"), (2, "colocated")] {
                try workspace.forget("02-ppo", behind: 1)
                let resumed = try workspace.train(ranks: ranks, resume: true, ["placement=\(placement)"])
                #expect(resumed.errors.contains(" ranks then, \(ranks) now, to the same bytes"), "\(resumed.errors)")
                #expect(try workspace.weights("out", "02-ppo") == weights)
            }
            try workspace.forget("02-ppo", behind: 1)
            let learners = try workspace.train(ranks: 4, resume: true, status: 2, ["learners=2"])
            #expect(learners.errors.contains("learners: 1 then, 2 now (ppo)"))
            try workspace.forget("01-sft", behind: 1)
            let offline = try workspace.train(ranks: 3, resume: true, status: 2)
            #expect(offline.errors.contains("learners: 1 then, 2 now (sft)"))
        }
    }

    @Test("A finished run says so and ends well, on any number of ranks", arguments: [1, 2, 3])
    func finished(ranks: Int) throws {
        try withRun { workspace in
            try workspace.train(resume: true)
            let state = try workspace.data("out/run.json")
            try FileManager.default.removeItem(at: workspace.url("train.jsonl"))
            let result = try workspace.train(ranks: ranks, resume: true)
            #expect(result.errors == "mpo: out: the run is finished; nothing is left to do\n")
            #expect(try workspace.data("out/run.json") == state)
        }
    }
}

extension RunWorkspace {
    /// Makes `out` what it was when the checkpoint of a step of one stage had been written, and nothing after it.
    fileprivate func forget(_ stage: String, behind step: Int) throws {
        let directory = url("out/stages/\(stage)")
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path)
        where name != "checkpoint-0000000\(step)" {
            try FileManager.default.removeItem(at: directory.appending(path: name))
        }
        var state = try #require(
            try JSONSerialization.jsonObject(with: data("out/run.json")) as? [String: Any])
        state["done"] = (state["done"] as? [String])?.prefix { $0 != stage }.map(\.self)
        if state["done"] as? [String] == [] { state["position"] = 0 }
        try JSONSerialization.data(withJSONObject: state).write(to: url("out/run.json"))
    }
}

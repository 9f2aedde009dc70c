import Foundation
import JSON
import PreferenceData
import TestSupport
import Testing
import Torch

@Suite("Reference tables of runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ReferenceTableTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 128, max_prompt_length: 96, \
        truncation_mode: drop_turns}
        stages: [dpo]
        dpo: {max_steps: 2, train_batch_size: 6, learning_rate: 1.0e-3}
        """

    private func prepare(_ workspace: RunWorkspace, _ stages: String = stages) throws {
        try workspace.addPairs(train: 24, eval: 6)
        try workspace.configure(stages)
    }

    /// The tables of a stage, as the bytes of each by its name.
    private func tables(_ workspace: RunWorkspace, _ stage: String) throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: workspace.url(stage).path)
        return Dictionary(
            uniqueKeysWithValues: try names.filter { $0.hasPrefix("reference-") }.map {
                ($0, try workspace.data("\(stage)/\($0)/shard-00000.safetensors"))
            })
    }

    @Test("They are the same, to the byte, on any number of ranks")
    func ranks() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            for ranks in [1, 3, 5] {
                try workspace.train(ranks: ranks, ["output_dir=on\(ranks)", "dpo.max_tokens_per_micro_batch=300"])
            }
            let alone = try tables(workspace, "on1/stages/01-dpo")
            #expect(alone.count == 2)
            #expect(try tables(workspace, "on3/stages/01-dpo") == alone)
            #expect(try tables(workspace, "on5/stages/01-dpo") == alone)
        }
    }

    @Test(
        "A later stage reads that of an earlier one with the same model, data and lengths, and makes its own of others")
    func laterStages() throws {
        try RunWorkspace.with { workspace in
            try prepare(
                workspace,
                Self.stages.replacing("stages: [dpo]", with: "stages: [dpo, again, shorter]") + """

                    again: {type: dpo, init: dpo, reference: base, max_steps: 1, train_batch_size: 6, loss_type: ipo}
                    shorter: {type: dpo, init: dpo, reference: base, max_length: 120, max_steps: 1, train_batch_size: 6}
                    """)
            let result = try workspace.train(ranks: 3)
            let read = result.errors.split(separator: "\n").filter { $0.contains("are read from") }
            #expect(read.count == 2, "\(result.errors)")
            #expect(
                read.allSatisfy {
                    $0.contains("again: log-probabilities under reference base are read from stages/01-dpo/")
                })
            #expect(try tables(workspace, "out/stages/01-dpo").count == 2)
            #expect(try tables(workspace, "out/stages/02-again").isEmpty)
            let shorter = try tables(workspace, "out/stages/03-shorter")
            #expect(Set(shorter.keys).isDisjoint(with: try tables(workspace, "out/stages/01-dpo").keys))
        }
    }

    @Test(
        "Columns of the data are taken in place of a pass, give the same weights, and are not checked again on a resume"
    )
    func given() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.train(["output_dir=computed"])
            try addColumns(workspace, of: "computed/stages/01-dpo")
            let options = ["dataset.train=given.jsonl", "dataset.eval=[]"]
            let result = try workspace.train(options)
            #expect(result.errors.contains("dpo: log-probabilities under reference base are taken from the data"))
            #expect(try workspace.weights("out", "01-dpo") == workspace.weights("computed", "01-dpo"))
            try takeBack(workspace)
            let resumed = try workspace.train(resume: true, options)
            #expect(resumed.errors.contains("under reference base are read from stages/01-dpo/reference-"))
            #expect(!resumed.errors.contains("taken from the data"))
            #expect(try workspace.weights("out", "01-dpo") == workspace.weights("computed", "01-dpo"))
        }
    }

    @Test("Columns of another model, and rows without them, are refused with file and line, on every number of ranks")
    func refused() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.train(["output_dir=computed"])
            let lines = try addColumns(workspace, of: "computed/stages/01-dpo")
            let options = ["dataset.train=given.jsonl", "dataset.eval=[]"]
            for ranks in [1, 3] {
                var other = lines
                other[0]["ref_rejected_logps"] = JSON(-1000)
                try write(other, workspace)
                let wrong = try workspace.train(ranks: ranks, status: 2, options + ["output_dir=wrong\(ranks)"])
                #expect(
                    wrong.errors.contains("given.jsonl:1: 'ref_rejected_logps' is -1000, but under reference base"),
                    "\(wrong.errors)")
                other = lines
                other[7]["ref_chosen_logps"] = .null
                try write(other, workspace)
                let missing = try workspace.train(ranks: ranks, status: 2, options + ["output_dir=null\(ranks)"])
                #expect(missing.errors.contains("given.jsonl:8: 'ref_chosen_logps' is null"), "\(missing.errors)")
                #expect(!workspace.has("null\(ranks)"), "found when the stage began")
                other = lines
                (other[0]["ref_chosen_logps"], other[0]["ref_rejected_logps"]) = (nil, nil)
                try write(other, workspace)
                let first = try workspace.train(ranks: ranks, status: 2, options + ["output_dir=first\(ranks)"])
                let told = first.errors.split(separator: "\n").filter {
                    $0.contains("given.jsonl:1: 'ref_chosen_logps'")
                }
                #expect(told.count == 1, "\(first.errors)")
            }
        }
    }

    @Test("Pairs of 450 tokens, 160,000 of them in the long form, are asked once; a resume asks nothing again")
    func manyPairs() throws {
        let count = TestSupport.runsLongTests ? 160_000 : 40
        try RunWorkspace.with { workspace in
            let script = TestSupport.repository.appending(path: "Tests/Helpers/long-pairs").path
            let made = try Job(
                URL(filePath: "/bin/sh"), ["-c", "'\(script)' \(count) > '\(workspace.url("train.jsonl").path)'"],
                timeLimit: 600
            ).run()
            #expect(made.status == 0, "\(made.errors)")
            try workspace.configure(
                """
                dataset: {train: train.jsonl, max_length: 512, max_prompt_length: 256}
                stages: [dpo]
                dpo: {max_steps: 2, train_batch_size: 4}
                """)
            let (ranks, limit) = (TestSupport.runsLongTests ? 3 : 1, 6.0 * 3600)
            let first = try workspace.train(ranks: ranks, timeLimit: limit)
            #expect(first.errors.contains("dpo: \(count) of \(count) examples"), "\(first.errors)")
            let weights = try workspace.weights("out", "01-dpo")
            let (before, names) = (try shardTimes(workspace), try tables(workspace, "out/stages/01-dpo").keys)
            #expect(names.count == 1 && before.count >= max(1, (count * 440) >> 19))
            try takeBack(workspace)
            let resumed = try workspace.train(ranks: ranks, resume: true, timeLimit: limit)
            #expect(resumed.errors.contains("under reference base are read from stages/01-dpo/"), "\(resumed.errors)")
            #expect(try shardTimes(workspace) == before)
            #expect(try workspace.weights("out", "01-dpo") == weights)
        }
    }

    /// When each shard of the training data was written.
    private func shardTimes(_ workspace: RunWorkspace) throws -> [String: Date] {
        let stage = workspace.url("out/stages/01-dpo")
        let names = try FileManager.default.subpathsOfDirectory(atPath: stage.path)
        return Dictionary(
            uniqueKeysWithValues: try names.filter { $0.hasPrefix("reference-") && $0.hasSuffix(".safetensors") }.map {
                let attributes = try FileManager.default.attributesOfItem(atPath: stage.appending(path: $0).path)
                return ($0, try #require(attributes[.modificationDate] as? Date))
            })
    }

    /// Leaves of a run what one has that was ended before its first checkpoint.
    private func takeBack(_ workspace: RunWorkspace) throws {
        try FileManager.default.removeItem(at: workspace.url("out/stages/01-dpo/final"))
        var state = try #require(
            try JSONSerialization.jsonObject(with: workspace.data("out/run.json")) as? [String: Any])
        (state["done"], state["position"]) = ([String](), 0)
        try JSONSerialization.data(withJSONObject: state).write(to: workspace.url("out/run.json"))
    }

    /// Writes `given.jsonl`: the training data with the sums of a table beside each pair.
    @discardableResult
    private func addColumns(_ workspace: RunWorkspace, of stage: String) throws -> [JSONObject] {
        let pairs = try Dataset<PreferencePair>(reading: [workspace.url("train.jsonl")]).records
        for (name, _) in try tables(workspace, stage) {
            let file = try SafetensorsFile(workspace.url("\(stage)/\(name)/shard-00000.safetensors"))
            guard file.entries["logps"]?.shape == [pairs.count, 2] else { continue }
            let sums = try file.tensor("logps").doubles()
            let lines = pairs.map { pair in
                var fields = pair.fields
                fields["ref_chosen_logps"] = JSON(sums[2 * pair.index])
                fields["ref_rejected_logps"] = JSON(sums[2 * pair.index + 1])
                return fields
            }
            try write(lines, workspace)
            return lines
        }
        Issue.record("no table of the training data")
        return []
    }

    private func write(_ lines: [JSONObject], _ workspace: RunWorkspace) throws {
        let writer = try JSONLWriter(workspace.url("given.jsonl"))
        for line in lines { try writer.write(line) }
        try writer.finish()
    }
}

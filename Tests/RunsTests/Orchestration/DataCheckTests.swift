import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Data is looked at before the first stage")
struct DataCheckTests {
    /// What is wrong with a run of `stages` on a file of short prompts and one of long prompts; `nil` for nothing.
    private func fault(_ stages: String, train: String = "short.jsonl", eval: String = "short.jsonl") throws -> String?
    {
        try TestSupport.withTemporaryDirectory { directory in
            for (name, length) in [("short", 4), ("long", 30), ("mixed", 30)] {
                let prompt = String(repeating: "a", count: length)
                let line = #"{"prompt": "\#(prompt)", "chosen": "b", "rejected": "c"}"# + "\n"
                let lines =
                    name == "mixed" ? String(repeating: line, count: 70) + line.replacing(prompt, with: "a") : line
                try Data(lines.utf8).write(to: directory.appending(path: "\(name).jsonl"))
            }
            for (source, names) in [
                ("models/llama", ["config.json", "model.safetensors"]),
                ("commands", ["tokenizer.json", "tokenizer_config.json"]),
            ] {
                for name in names {
                    try FileManager.default.copyItem(
                        at: TestSupport.fixture(source).appending(path: name), to: directory.appending(path: name))
                }
            }
            let yaml = """
                output_dir: \(directory.path)/out
                model_name_or_path: \(directory.path)
                dataset: {train: \(directory.path)/\(train), eval: \(directory.path)/\(eval), max_length: 40, \
                max_prompt_length: 20}
                \(stages)
                """
            do {
                _ = try RunForecast(RunConfiguration(yaml: yaml, name: "run.yaml"), ranks: 1)
                return nil
            } catch {
                return "\(error)".replacing("\(directory.path)/", with: "")
            }
        }
    }

    @Test("Where every example is too long, the line names stage, key and file, and what would let one through")
    func tooLong() throws {
        for (stages, key, data) in [
            ("stages: [sft]", "sft.data", "dataset.train"),
            ("stages: [reward]", "reward.pairs", "dataset.train"),
            (
                "stages: [sample]\nsample: {reward: \"rule:length:9\", response_length: 8}", "sample.prompts",
                "dataset.train"
            ),
            ("stages: [split]\nsplit: {reward: \"rule:length:9\"}", "split.pairs", "dataset.train"),
            ("stages: [dpo]", "dpo.pairs", "dataset.train"),
            ("stages: [ppo]\nppo: {reward: \"rule:length:9\", response_length: 8}", "ppo.prompts", "dataset.train"),
        ] {
            let fault = try #require(try fault(stages, train: "long.jsonl"))
            let stage = key.prefix { $0 != "." }
            #expect(
                fault.contains("\(key): no example is left of \(data) (long.jsonl): the shortest of 1 prompts has "))
            #expect(fault.contains("tokens, too many for max_prompt_length 20"), "\(fault)")
            #expect(fault.contains("; raise \(stage).max_prompt_length, or choose another \(stage).truncation_mode"))
            #expect(try self.fault(stages) == nil)
            #expect(try self.fault(stages, train: "mixed.jsonl") == nil, "one that fits is enough")
        }
    }

    @Test("Held-out data is told from training data, in every stage that reads it")
    func heldOut() throws {
        for (stages, key) in [
            ("stages: [sft]", "sft.eval_data"), ("stages: [reward]", "reward.eval_data"),
            ("stages: [dpo]", "dpo.eval_data"),
            (
                "stages: [sft, evaluate]\nsft: {eval_data: []}\nevaluate: {judge: \"rule:length:9\", response_length: 8}",
                "evaluate.prompts"
            ),
        ] {
            let fault = try #require(try fault(stages, eval: "long.jsonl"))
            #expect(fault.contains("\(key): no example is left of dataset.eval (long.jsonl): "), "\(fault)")
        }
        let first =
            "stages: [sft, evaluate]\nsft: {eval_data: []}\nevaluate: {judge: \"rule:length:9\", response_length: 8, num_prompts: 70}"
        #expect(try #require(try fault(first, eval: "mixed.jsonl")).contains("the shortest of 70 prompts"))
        #expect(try fault(first.replacing("70", with: "71"), eval: "mixed.jsonl") == nil)
    }

    @Test("What a stage will leave is known by what it reads")
    func derived() throws {
        let split = "stages: [split, dpo]\nsplit: {reward: \"rule:length:9\", max_prompt_length: 35}"
        let fault = try #require(try fault(split, train: "long.jsonl"))
        #expect(fault.contains("dpo.pairs: no example is left of split.easy (long.jsonl): "), "\(fault)")
        #expect(try self.fault(split + "\ndpo: {max_prompt_length: 35}", train: "long.jsonl") == nil)
        let sample =
            "stages: [sample, dpo]\nsample: {reward: \"rule:length:9\", response_length: 8, max_prompt_length: 35}"
        #expect(
            try #require(try self.fault(sample, train: "long.jsonl")).contains(
                "dpo.pairs: no example is left of sample"))
    }

    @Test("With truncation_mode error every example is looked at, and the first that is too long is named")
    func allMustFit() throws {
        let stages =
            "stages: [sft, evaluate]\nsft: {eval_data: []}\nevaluate: {judge: \"rule:length:9\", response_length: 8, truncation_mode: error}"
        #expect(try fault(stages) == nil)
        let fault = try #require(try fault(stages, eval: "mixed.jsonl"))
        #expect(fault.hasPrefix("stage 02-evaluate: mixed.jsonl:1: "), "\(fault)")
        #expect(fault.contains("but max_prompt_length is 20"))
    }
}

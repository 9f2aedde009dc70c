import Foundation
import Runs
import Stages
import TestSupport
import Testing

/// What a worker holds while it trains: its model and token ids.
@Suite("Peak memory of runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct PeakMemoryTests {
    /// Weights of the model here, in bytes: enough to tell a model more from one less.
    private static let modelBytes = 34 << 20
    private static let textBytes = 96 << 20

    @Test("Training keeps neither the text that it tokenized nor, in dpo, a reference model, however many there are")
    func trainingKeepsModelAndIDs() throws {
        try RunWorkspace.with { workspace in
            try workspace.addLargerModel()
            // As many pairs in both: the pass over all of them takes memory too.
            for (data, note) in [("short", 8), ("long", Self.textBytes / 32)] {
                try workspace.write(String(repeating: pair(note: note), count: 32), to: "\(data).jsonl")
            }
            func peak(_ stage: String, _ data: String, _ options: String = "") throws -> Int {
                try workspace.write(
                    """
                    {output_dir: \(stage)-\(data)-\(options.count), model_name_or_path: model, random_init: true, stages: [\(stage)],
                    dataset: {train: \(data).jsonl, max_length: 64, max_prompt_length: 32},
                    \(stage): {max_steps: 1, train_batch_size: 2\(options)}}
                    """, to: "run.yaml")
                return try workspace.peakMemory(of: workspace.job(ranks: 1))
            }
            let reward = try peak("reward", "short")
            let (long, dpo) = (try peak("reward", "long"), try peak("dpo", "short"))
            let several = try peak("dpo", "short", ", loss_type: mrpo, references: [base, base]")
            #expect(long - reward < Self.textBytes / 2, "the text stays: \((long - reward) >> 20) MiB more")
            #expect(dpo - reward < Self.modelBytes / 2, "the reference stays: \((dpo - reward) >> 20) MiB more")
            #expect(several - reward < Self.modelBytes / 2, "one stays: \((several - reward) >> 20) MiB more")
        }
    }

    @Test(
        "What moments, gradients and masters divided over 4 learners save is within 10 % of what the plan says",
        arguments: [("float32", [0, 1, 2]), ("bfloat16", [0, 2])])
    func dividedTraining(type: String, zeros: [Int]) throws {
        try RunWorkspace.with { workspace in
            try workspace.addLargerModel(width: 512)
            try workspace.write(String(repeating: pair(note: 8), count: 16), to: "pairs.jsonl")
            let memory = try zeros.map { zero in
                try workspace.write(
                    """
                    {output_dir: zero-\(zero), model_name_or_path: model, random_init: true, dtype: \(type), stages: [reward],
                    dataset: {train: pairs.jsonl, max_length: 64, max_prompt_length: 32},
                    reward: {max_steps: 2, save_steps: 1, train_batch_size: 8, max_tokens_per_micro_batch: 64, zero: \(zero)}}
                    """, to: "run.yaml")
                let paths = [("dataset.train", "pairs.jsonl"), ("model_name_or_path", "model")]
                let run = try RunConfiguration(
                    contentsOf: workspace.url("run.yaml").path,
                    overrides: paths.map { "\($0)=\(workspace.url($1).path)" })
                let forecast = try RunForecast(run, ranks: 5)
                let role = try #require(forecast.stages[0].roles.first)
                return (
                    planned: role.memory.total, measured: try workspace.peakMemoryOfLearners(workspace.job(ranks: 5)),
                    onDisk: forecast.disk[0].total
                )
            }
            let whole = memory[0]
            for (zero, memory) in zip(zeros, memory).dropFirst() {
                #expect(memory.onDisk == whole.onDisk)
                let (planned, measured) = (whole.planned - memory.planned, whole.measured - memory.measured)
                #expect(
                    abs(measured - planned) < planned / 10,
                    "zero \(zero): \(measured >> 20) MiB saved, \(planned >> 20) planned")
                // Kernels of bfloat16 take some tens of MiB that those written for float32 do not.
                let most = type == "float32" ? memory.planned : memory.planned / 10 * 11
                #expect(memory.measured < most)
            }
        }
    }

    /// A line with a pair and a field that no stage reads, of `note` bytes.
    private func pair(note: Int) -> String {
        """
        {"prompt": "Once upon", "chosen": " a time", "rejected": " a day", "note": "\(String(repeating: "n", count: note))"}

        """
    }
}

extension RunWorkspace {
    /// Makes `model`: 8.8 million parameters where it has 256 channels, to be drawn at random, with the base model's tokenizer.
    fileprivate func addLargerModel(width: Int = 256) throws {
        try FileManager.default.createDirectory(at: url("model"), withIntermediateDirectories: true)
        for file in ["tokenizer.json", "tokenizer_config.json"] {
            try FileManager.default.copyItem(at: base.appending(path: file), to: url("model/\(file)"))
        }
        try write(
            """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": \(width),
             "intermediate_size": \(4 * width), "num_hidden_layers": 8, "num_attention_heads": 4, "num_key_value_heads": 4,
             "vocab_size": 512, "max_position_embeddings": 512, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
             "hidden_act": "silu", "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2}
            """, to: "model/config.json")
    }

    /// Runs a job of one process and returns the most memory it had, in bytes.
    fileprivate func peakMemory(of job: Job) throws -> Int {
        var peak = 0
        let result = try job.run { process in
            // An ended process has no memory left to tell of.
            while let bytes = highWaterMark(of: process) {
                peak = max(peak, bytes)
                usleep(5000)
            }
        }
        #expect(result.status == 0, "\(result.errors)")
        return peak
    }

    /// Runs a job of several ranks and returns the most memory that one of them had, in bytes.
    fileprivate func peakMemoryOfLearners(_ job: Job) throws -> Int {
        var peak = 0
        let result = try job.run { process in
            while kill(process, 0) == 0, highWaterMark(of: process) != nil {
                for rank in processes { peak = max(peak, highWaterMark(of: rank) ?? 0) }
                usleep(20000)
            }
        }
        #expect(result.status == 0, "\(result.errors)")
        return peak
    }

    private func highWaterMark(of process: pid_t) -> Int? {
        let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 << 10 }
    }
}

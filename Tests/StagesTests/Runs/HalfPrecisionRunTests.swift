import Foundation
import TestSupport
import Testing
import Torch

@Suite("Runs in bfloat16", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct HalfPrecisionRunTests {
    private static let stages = """
        bf16: true
        dataset: {train: train.jsonl, eval: [], max_length: 96, max_prompt_length: 64, truncation_mode: drop_turns}
        save_steps: 2
        stages: [sft, reward, dpo, ppo]
        sft: {max_steps: 2, train_batch_size: 4, dtype: float32}
        reward: {max_steps: 2, train_batch_size: 4, multi_view: {weight: 0.5}}
        dpo: {max_steps: 6, train_batch_size: 4, learning_rate: 1.0e-4}
        ppo: {max_steps: 3, rollout_batch_size: 4, response_length: 8, learning_rate: 1.0e-4}
        """

    @Test(
        "One that is killed and resumed has the same bytes; checkpoints keep masters, and what stages leave is of their type"
    )
    func killed() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 16, eval: 1)
            try workspace.configure(Self.stages)
            try workspace.train(ranks: 3, ["output_dir=whole"])
            let place = "out/stages/03-dpo"
            let killed = try workspace.job(ranks: 3).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("\(place)/checkpoint-00000002"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("\(place)/final"))
            try workspace.train(ranks: 3, resume: true)
            try workspace.expectSame()
            let types = try [
                ("01-sft", "final"), ("02-reward", "final"), ("03-dpo", "final"), ("03-dpo", "checkpoint-00000004"),
            ]
            .map { stage, part in
                let file = try SafetensorsFile(workspace.url("out/stages/\(stage)/\(part)/model.safetensors"))
                return Set(file.entries.values.map(\.type))
            }
            #expect(types == [[.float32], [.bfloat16], [.bfloat16], [.float32]])
            #expect(
                try String(decoding: workspace.data("\(place)/final/config.json"), as: UTF8.self).contains("bfloat16"))
            let differences = try workspace.metrics().compactMap {
                $0.values["sampling/sampling_logp_difference/mean"]
            }
            #expect(differences.count == 3 && differences.allSatisfy { $0 < 0.05 }, "\(differences)")
        }
    }
}

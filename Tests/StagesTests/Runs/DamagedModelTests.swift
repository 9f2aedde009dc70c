import Foundation
import TestSupport
import Testing

@Suite("Models that a finished stage left", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct DamagedModelTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: [], max_length: 96, max_prompt_length: 64, truncation_mode: drop_turns}
        save_steps: 2
        stages: [sft, dpo]
        sft: {max_steps: 1, train_batch_size: 4}
        dpo: {max_steps: 40, train_batch_size: 4}
        """

    @Test("Are checked before a resumed run goes on from them, and named where they differ")
    func differs() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 16, eval: 1)
            try workspace.configure(Self.stages)
            let killed = try workspace.job(ranks: 1, [], timeLimit: 120).run { process in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/02-dpo/checkpoint-00000002"), Date() < deadline { usleep(1000) }
                kill(process, SIGKILL)
            }
            #expect(killed.status == 128 + SIGKILL)
            let weights = workspace.url("out/stages/01-sft/final/model.safetensors")
            var bytes = try Data(contentsOf: weights)
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: weights)
            let refused = try workspace.train(resume: true, status: 2)
            #expect(refused.errors.contains("stages/01-sft/final/model.safetensors: CRC-32"), "\(refused.errors)")
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: weights)
            try workspace.train(resume: true)
        }
    }
}

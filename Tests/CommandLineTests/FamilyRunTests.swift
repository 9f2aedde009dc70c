import Foundation
import TestSupport
import Testing

@Suite("Runs on each family", .serialized, .enabled(if: TestSupport.mpirun != nil, "needs mpirun"))
struct FamilyRunTests {
    @Test(
        "DPO and PPO train a tiny model, alone and on three ranks to the same losses, and what they leave is read again",
        arguments: [
            "gemma", "gemma2", "gemma3", "gpt_oss", "granite", "mistral-window", "mixtral", "olmo2", "olmo3", "phi3",
            "qwen3_moe",
            "smollm3",
        ])
    func trains(family: String) throws {
        try Workspace.with { workspace in
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "policy"))
            try workspace.addModel("policy", from: family)
            try workspace.configure(
                stages: "[dpo, ppo]",
                """
                dpo: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3, gradient_checkpointing: true}
                ppo: {max_steps: 2, rollout_batch_size: 4, response_length: 12, reward: "rule:length:6", critic_init: ./policy, \
                learning_rate: 1.0e-3}
                """)
            try workspace.mpo("train", "run.yaml", "--set", "output_dir=one")
            try workspace.mpo("train", "run.yaml", "--set", "output_dir=three", ranks: 3)
            let (one, three) = try (losses(workspace, "one"), losses(workspace, "three"))
            #expect(
                one.count == 4 && zip(one, three).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($0)) },
                "\(one) \(three)")
            for stage in ["01-dpo", "02-ppo"] {
                try workspace.mpo(
                    "generate", "--model", "one/stages/\(stage)/final", "--prompt", "a", "--response-length", "2")
            }
        }
    }

    /// The losses of all steps, DPO's and then the policy's.
    private func losses(_ workspace: Workspace, _ run: String) throws -> [Double] {
        try workspace.read("\(run)/metrics.jsonl").split(separator: "\n").compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["loss"] as? Double ?? object?["loss/policy_avg"] as? Double
        }
    }
}

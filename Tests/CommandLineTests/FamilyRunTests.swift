import Foundation
import TestSupport
import Testing

@Suite("Runs on each family", .serialized, .enabled(if: TestSupport.mpirun != nil, "needs mpirun"))
struct FamilyRunTests {
    @Test(
        "DPO and PPO train a tiny model, alone and on three ranks to the same losses, and what they leave is read again",
        arguments: [
            "gemma", "gemma2", "gemma3", "gpt_oss", "granite", "llama-dynamic", "mistral-window", "mixtral", "olmo2",
            "olmo3", "phi3", "phi3-long", "qwen3_moe", "smollm3",
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

    @Test("The load of a model's routers is told, and its loss is learned from alike on one and three ranks")
    func routers() throws {
        try Workspace.with { workspace in
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "policy"))
            try workspace.addModel("policy", from: "mixtral")
            let loop = "max_steps: 4, train_batch_size: 8, learning_rate: 1.0e-2, max_grad_norm: 0"
            try workspace.configure(
                stages: "[sft, dpo]",
                "sft: {\(loop), max_tokens_per_micro_batch: 100}\ndpo: {\(loop), gradient_checkpointing: true}")
            let asked = ["--set", "sft.router_aux_loss_coef=2", "--set", "dpo.router_aux_loss_coef=2"]
            try workspace.mpo("train", "run.yaml", "--set", "output_dir=off")
            for (name, ranks) in [("one", 1), ("three", 3)] {
                try workspace.mpo(["train", "run.yaml", "--set", "output_dir=\(name)"] + asked, ranks: ranks)
            }
            let names = ["loss", "aux_loss", "router/largest_share", "grad_norm"]
            let all = try ["off", "one", "three"].map { run in try names.map { try metrics(workspace, run, $0) } }
            let (off, one, three) = (all[0], all[1], all[2])
            #expect(off[1].count == 8 && off[2].allSatisfy { $0 > 1.0 / 3 && $0 < 1 })
            // Of two experts a token; balanced, and at least about that, is 2.
            #expect(off[1].allSatisfy { $0 > 1.9 && $0 < 6 })
            #expect(off[1][0] == one[1][0] && abs(one[0][0] - off[0][0] - 2 * one[1][0]) < 1e-5)
            #expect(one[1][3] < off[1][3], "what is learned from falls")
            for (left, right) in zip(one, three) {
                #expect(zip(left, right).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($0)) }, "\(left) \(right)")
            }
        }
    }

    @Test(
        "Stages that draw balance the routers of their policy, alike on one and three ranks",
        arguments: ["ppo", "grpo", "rloo", "online_dpo"])
    func routersOfPolicies(stage: String) throws {
        try Workspace.with { workspace in
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "policy"))
            try workspace.addModel("policy", from: "mixtral")
            let critic = stage == "ppo" ? ", critic_init: ./policy" : ""
            try workspace.configure(
                stages: "[\(stage)]",
                """
                \(stage): {max_steps: 4, rollout_batch_size: 8, response_length: 8, reward: "rule:length:6"\(critic), \
                learning_rate: 1.0e-3, max_grad_norm: 0}
                """)
            let asked = ["--set", "\(stage).router_aux_loss_coef=5"]
            try workspace.mpo("train", "run.yaml", "--set", "output_dir=off")
            for (name, ranks) in [("one", 1), ("three", 3)] {
                try workspace.mpo(["train", "run.yaml", "--set", "output_dir=\(name)"] + asked, ranks: ranks)
            }
            let off = try metrics(workspace, "off", "aux_loss")
            let one = try metrics(workspace, "one", "aux_loss")
            let three = try metrics(workspace, "three", "aux_loss")
            let (last, unbalanced) = try (#require(one.last), #require(off.last))
            #expect(one.count == off.count && last < unbalanced - 0.01, "\(one) \(off)")
            #expect(zip(one, three).allSatisfy { abs($0 - $1) < 1e-3 } && one.count == three.count, "\(one) \(three)")
        }
    }

    @Test("A run says once of what length on sequences have other positions")
    func stretchedPositions() throws {
        try Workspace.with { workspace in
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "policy"))
            try workspace.addModel("policy", from: "phi3-long")
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 2, train_batch_size: 8}")
            let told = try workspace.mpo("train", "run.yaml").errors
            let note = "sft.max_length allows sequences of 64 tokens: those of more than 16 have other positions"
            #expect(told.components(separatedBy: note).count == 2, "\(told)")
        }
    }

    @Test("A dense model is not asked for balanced experts")
    func denseRouters() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[dpo]", "dpo: {router_aux_loss_coef: 0.01}")
            let result = try workspace.mpo("train", "run.yaml", status: 2)
            #expect(
                result.errors.contains(
                    "dpo.router_aux_loss_coef: the llama model that the stage starts from has no experts; leave it out")
            )
        }
    }

    /// A metric at each step that has it.
    private func metrics(_ workspace: Workspace, _ run: String, _ name: String) throws -> [Double] {
        try workspace.read("\(run)/metrics.jsonl").split(separator: "\n").compactMap { line in
            try (JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?[name] as? Double
        }
    }

    @Test("Losses that compare sequences of several lengths are refused where positions go by length")
    func positionsByLength() throws {
        try Workspace.with { workspace in
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "policy"))
            try workspace.addModel("policy", from: "phi3-long")
            try workspace.configure(stages: "[kto]", "kto: {max_steps: 1, train_batch_size: 4}")
            let refused = try workspace.mpo("train", "run.yaml", status: 2)
            #expect(
                refused.lastError.contains("kto.max_length: positions in sequences of more than"), "\(refused.errors)")
            let loss = "kto={max_steps: 1, train_batch_size: 4, loss_type: apo_zero_unpaired}"
            try workspace.mpo("plan", "run.yaml", "-n", "1", "--set", loss)
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

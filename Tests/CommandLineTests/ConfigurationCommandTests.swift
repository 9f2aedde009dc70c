import Foundation
import TestSupport
import Testing

@Suite("Commands on a configuration: inspect, plan, train --print-config")
struct ConfigurationCommandTests {
    @Test("inspect shows ids and tokens of prompt and responses, and marks exactly the tokens that are predicted")
    func inspect() throws {
        let prompt = try #require(try Expected().tokens["Say something kind."])
        try Workspace.with { workspace in
            try workspace.configure(stages: "[dpo]")
            let result = try workspace.mpo("inspect", "run.yaml", "--rows", "1")
            #expect(result.lines[0].hasPrefix("dpo (dpo): 5 of 5 examples"))
            #expect(
                result.lines.contains("row 1 (pairs.jsonl:1): prompt \(prompt.count) + chosen 15 + rejected 5 tokens"))
            let rows = result.lines.map { $0.split(separator: " ").map(String.init) }.filter {
                $0.count == 4 && Int($0[0]) != nil
            }
            #expect(rows.count == prompt.count + 15 + 5)
            #expect(rows.prefix(prompt.count).map { $0[1] } == prompt.map(String.init))
            #expect(rows.prefix(prompt.count).allSatisfy { $0[3] == "no" })
            #expect(rows.dropFirst(prompt.count).allSatisfy { $0[3] == "yes" })
            #expect(rows[prompt.count].dropLast() == ["\(prompt.count)", "4", "Ġ"])
            #expect(rows.last?.dropLast().suffix(2) == ["2", "</s>"])
            #expect(!result.output.contains("warning"))
        }
    }

    @Test("inspect of a reward stage marks the last token of each response as scored")
    func inspectReward() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[reward]")
            let result = try workspace.mpo("inspect", "run.yaml", "--rows", "1")
            let marked = result.lines.filter { $0.hasSuffix(" yes") }
            #expect(marked.count == 2)
            #expect(marked.allSatisfy { $0.contains("</s>") })
        }
    }

    @Test(
        "inspect warns of a response that brings its own BOS, and stops at a prompt with two of them, as training does")
    func doubleBOS() throws {
        try Workspace.with { workspace in
            let row = { (prompt: String, chosen: String) in
                "{\"prompt\": \"\(prompt)\", \"chosen\": \"\(chosen)\", \"rejected\": \" c\"}\n"
            }
            try workspace.write(row("a", "<s> b"), to: "data.jsonl")
            try workspace.configure(stages: "[dpo]", data: "data.jsonl")
            #expect(try workspace.mpo("inspect", "run.yaml").output.contains("warning: chosen starts with a BOS token"))
            try workspace.write(row("<s>a", " b"), to: "data.jsonl")
            let result = try workspace.mpo("inspect", "run.yaml", status: 2)
            #expect(result.lastError.contains("data.jsonl:1: the prompt starts with two BOS tokens"))
        }
    }

    @Test("inspect names the nearest stage for one that is not there, and says which stage has yet to leave data")
    func inspectWithoutData() throws {
        try Workspace.with { workspace in
            try workspace.configure()
            let unknown = try workspace.mpo("inspect", "run.yaml", "--stage", "dpoo", status: 2)
            #expect(unknown.lastError.contains("did you mean dpo?"))
            let early = try workspace.mpo("inspect", "run.yaml", "--stage", "ppo", status: 2)
            #expect(early.lastError.contains("split.difficult is not there yet; run stage split first"))
        }
    }

    @Test("plan places roles by rank, divides batches, counts steps and sums memory")
    func plan() throws {
        try Workspace.with { workspace in
            try workspace.configure(
                """
                learners: 2
                sft: {train_batch_size: 2, num_train_epochs: 2}
                split: {quantile: 0.4}
                ppo: {rollout_batch_size: 8, n_samples_per_prompt: 2, num_mini_batches: 4, response_length: 8}
                """)
            let result = try workspace.mpo("plan", "run.yaml", "-n", "5")
            #expect(result.rows("sft").contains(["sft", "sft", "learner", "1-4"]))
            #expect(result.rows("ppo").contains(["ppo", "ppo", "learner", "1-2"]))
            #expect(result.rows("rollout").contains(["rollout", "3-4"]))
            // 5 examples in batches of 2 are 3 steps an epoch.
            #expect(result.rows("sft").contains(["sft", "5", "examples", "2", "0-1", "1", "6"]))
            #expect(result.rows("dpo").contains { $0.prefix(3) == ["dpo", "~3", "pairs"] })
            #expect(result.output.contains("8 prompts x 2 = 16 responses; 4 epochs x 4 mini-batches of 4 = 16 updates"))
            // The policy has 27,296 parameters of four bytes.
            let memory = try #require(result.rows("sft").last)
            #expect(memory.prefix(9) == ["sft", "learner", "107", "KiB", "107", "KiB", "213", "KiB", "-"])
            #expect(!workspace.has("out"))
            // Six steps leave a model and two checkpoints, each of three times its size, and no tables.
            #expect(result.rows("sft").contains(["sft", "107", "KiB", "-", "-"]))
            let saved = try workspace.mpo("plan", "run.yaml", "-n", "5", "--set", "save_steps=2")
            #expect(saved.rows("sft").contains(["sft", "107", "KiB", "640", "KiB", "-"]))
            let divided = try workspace.mpo("plan", "run.yaml", "-n", "5", "--set", "sft.zero=1")
            let quarter = try #require(divided.rows("sft").last)
            #expect(quarter.prefix(9) == ["sft", "learner", "107", "KiB", "107", "KiB", "53.3", "KiB", "-"])
        }
    }

    @Test(
        "plan counts what there is: batches no larger than the data, short last steps, and warns of truncated sampling")
    func planOfLittleData() throws {
        try Workspace.with { workspace in
            try workspace.configure(
                stages: "[dpo, ppo]",
                """
                ppo: {reward: "rule:length:9", num_mini_batches: 2, total_episodes: 129, top_p: 0.9, top_k: 1000}
                """)
            let result = try workspace.mpo("plan", "run.yaml", "-n", "3")
            #expect(result.rows("dpo").contains(["dpo", "5", "pairs", "5", "2-3", "1", "1"]))
            // 129 episodes are three steps of the 64 asked for, though a step has no more than five prompts.
            #expect(result.rows("ppo").contains(["ppo", "5", "prompts", "5", "5", "-", "3"]))
            #expect(
                result.output.contains("5 prompts x 1 = 5 responses; 4 epochs x 2 mini-batches of 2-3 = 8 updates\n"))
            // The vocabulary has fewer than 1000 tokens.
            #expect(
                result.output.contains(
                    "ppo: warning: responses are drawn from the part of the distribution that top_p 0.9 leaves, "))
            let short = try workspace.mpo(
                "plan", "run.yaml", "-n", "3", "--set", "ppo.rollout_batch_size=4", "--set", "ppo.top_p=1")
            #expect(short.output.contains("= 8 updates; the last step of an epoch has 1 of the 5 prompts\n"))
            #expect(!short.output.contains("warning"))
            // More steps than can be counted are as many as can be.
            let endless = ["ppo.total_episodes=null", "ppo.num_train_epochs=1e300"].flatMap { ["--set", $0] }
            let steps = try workspace.mpo(["plan", "run.yaml", "-n", "3"] + endless).rows("ppo").map(\.last)
            #expect(steps.contains("9007199254740992"))
        }
    }

    @Test("plan gives one process every role")
    func planAlone() throws {
        try Workspace.with { workspace in
            try workspace.configure("split: {quantile: 0.5}")
            let result = try workspace.mpo("plan", "run.yaml", "--ranks", "1")
            #expect(result.rows("ppo").contains(["ppo", "ppo", "learner", "and", "sampler", "0"]))
        }
    }

    @Test("plan refuses what a start would: weights that are not there, rules and commands that do not work")
    func planChecks() throws {
        try Workspace.with { workspace in
            try workspace.configure("split: {quantile: 0.5}")
            let rule = try workspace.mpo("plan", "run.yaml", "-n", "3", "--set", "ppo.reward=rule:lenght:9", status: 2)
            #expect(rule.lastError.contains("did you mean 'rule:length:TOKENS'?"))
            let command = try workspace.mpo(
                "plan", "run.yaml", "-n", "3", "--set", "ppo.reward=command:no-such-program", status: 2)
            #expect(command.lastError.contains("no-such-program"))
            try FileManager.default.removeItem(at: workspace.directory.appending(path: "policy/model.safetensors"))
            let weights = try workspace.mpo("plan", "run.yaml", "-n", "3", status: 2)
            #expect(weights.lastError.contains("model_name_or_path: policy has neither model.safetensors nor"))
        }
    }

    @Test("plan refuses what cannot be placed and what cannot fit, with the way out")
    func planRefuses() throws {
        try Workspace.with { workspace in
            try workspace.configure()
            let roles = try workspace.mpo("plan", "run.yaml", "-n", "3", "--set", "ppo.learners=2", status: 2)
            #expect(roles.lastError.contains("2 learners and a rollout worker need 4 ranks, but there are 3"))
            let memory = try workspace.mpo("plan", "run.yaml", "-n", "3", "--memory-per-node", "0.5", status: 2)
            #expect(memory.lastError.contains("but the node has 512 MiB; put fewer ranks on a node"))
            try workspace.mpo("plan", "run.yaml", "-n", "3", "--memory-per-node", "0.75", "--ranks-per-node", "1")
        }
    }

    @Test("--print-config prints every default once, on any number of ranks, and reads back to the same text")
    func printConfig() throws {
        try Workspace.with { workspace in
            try workspace.configure()
            let alone = try workspace.mpo("train", "run.yaml", "--print-config", "--set", "dpo.beta=0.25").output
            #expect(alone.contains("\n  beta: 0.25\n"))
            try workspace.write(alone, to: "resolved.yaml")
            #expect(try workspace.mpo("train", "resolved.yaml", "--print-config").output == alone)
            if TestSupport.mpirun != nil {
                let three = try workspace.mpo(
                    "train", "run.yaml", "--print-config", "--set", "dpo.beta=0.25", ranks: 3)
                #expect(three.output == alone)
            }
            #expect(!workspace.has("out"))
        }
    }
}

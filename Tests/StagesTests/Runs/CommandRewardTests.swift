import Foundation
import TestSupport
import Testing

@Suite(
    "PPO with a program as its reward", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct CommandRewardTests {
    @Test("Two rollout workers ask a program each, and learn as from the built-in rule that gives the same scores")
    func twoWorkers() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            try workspace.write(
                """
                echo "$$" >> started.txt
                while IFS= read -r line; do
                    case "${line#*\\"completion\\"}" in
                        *the*) echo '{"score": 1}' ;;
                        *) echo '{"score": 0}' ;;
                    esac
                done
                """, to: "score.sh")
            try workspace.train(["output_dir=rule", "ppo.reward=rule:contains:the"])
            try workspace.train(ranks: 4, ["output_dir=command", "ppo.reward=command:sh score.sh"])
            let scores = try workspace.metrics("command").map { try #require($0.values["objective/scores"]) }
            #expect(scores.contains { $0 > 0 && $0 < 1 })
            #expect(try workspace.weights("command", "01-ppo") == workspace.weights("rule", "01-ppo"))
            #expect(try workspace.metrics("command").map(\.step) == [1, 2, 3])
            let started = String(decoding: try workspace.data("started.txt"), as: UTF8.self).split(separator: "\n")
            #expect(started.count == 2, "once a worker")
        }
    }

    @Test("A program that answers steadily is no stall, although a step takes longer than stall_timeout_seconds")
    func steady() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            try workspace.write(
                "while read -r line; do sleep 0.9; echo '{\"score\": 1}'; done", to: "steady.sh")
            let settings = ["stall_timeout_seconds=4", "ppo.max_steps=1"]
            let result = try workspace.train(ranks: 3, settings + ["ppo.reward=command:sh steady.sh"])
            #expect(result.seconds > 7)
        }
    }

    @Test("A program that dies ends the job with its last words", arguments: [1, 4])
    func dies(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            try workspace.write(
                """
                for i in 1 2 3; do read -r line; echo '{"score": 1}'; done
                echo "the licence server is gone" >&2
                exit 7
                """, to: "die.sh")
            let result = try workspace.train(ranks: ranks, status: 1, ["ppo.reward=command:sh die.sh"])
            let told = result.errors.split(separator: "\n").filter { $0.hasPrefix("mpo: ") && $0.contains("die.sh") }
            let line = try #require(told.last)
            #expect(told.count == 1, "\(result.errors)")
            #expect(ranks == 1 || line.contains(/^mpo: rank [123] on .*: stage 01-ppo: command/), "\(line)")
            #expect(line.contains("sh die.sh") && line.contains("the licence server is gone"), "\(line)")
            #expect(line.contains("7"), "\(line)")
            #expect(result.seconds < 100)
            #expect(!workspace.has("out/stages/01-ppo/final"))
        }
    }

    private func configure(_ workspace: RunWorkspace) throws {
        try workspace.addOpenings()
        try workspace.configure(
            """
            dataset: {train: prompts.jsonl}
            stages: [ppo]
            ppo: {reward: "rule:count:the", max_steps: 3, rollout_batch_size: 8, response_length: 16, \
            temperature: 1.0, learning_rate: 1.0e-3, num_ppo_epochs: 2}
            """)
    }
}

import Foundation
import TestSupport
import Testing

@Suite("Runs with a judge behind a server", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct JudgeRunTests {
    private static let key = "sk-the-secret-of-tests"

    /// Two policies that answer differently, compared by a judge.
    private func configure(_ workspace: RunWorkspace, _ server: JudgeServer, model: String, _ more: String = "") throws
    {
        try workspace.addOpenings()
        try workspace.addPairs(train: 16, eval: 1)
        try workspace.configure(
            """
            dataset: {train: train.jsonl, max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
            stages: [sft, evaluate]
            sft: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-2}
            evaluate: {prompts: ./prompts.jsonl, num_prompts: 6, response_length: 12, temperature: 1.0, \
            n_samples_per_prompt: 2, judge: "\(server.reward(model))"\(more)}
            """)
    }

    private func evaluation(_ workspace: RunWorkspace, _ run: String = "out") throws -> [String: Any] {
        let data = try workspace.data("\(run)/stages/02-evaluate/evaluation.json")
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func match(_ workspace: RunWorkspace, _ run: String = "out") throws -> [String: Any] {
        let matches = try #require(try evaluation(workspace, run)["matches"] as? [[String: Any]])
        #expect(matches.count == 1)
        return try #require(matches.first)
    }

    @Test("Policies are compared in both orders, the same on one rank and on three, and the key is in no file")
    func compares() throws {
        try JudgeServer.with { server in
            try RunWorkspace.with { workspace in
                try configure(workspace, server, model: "locked")
                var output = ""
                for ranks in [1, 3] {
                    var job = try workspace.job(ranks: ranks, ["output_dir=on\(ranks)"])
                    job.environment["MPO_JUDGE_API_KEY"] = Self.key
                    let result = try job.run()
                    #expect(result.status == 0, "\(result.errors)")
                    output += result.output + result.errors
                }
                for file in ["evaluation.json", "samples.jsonl"] {
                    let path = "stages/02-evaluate/\(file)"
                    #expect(try workspace.data("on1/\(path)") == workspace.data("on3/\(path)"))
                }
                let match = try match(workspace, "on1")
                #expect(match["position_consistency"] as? Double == 1)
                #expect(match["length_controlled_win_rate"] is Double)
                let counts = try ["wins", "ties", "losses"].map { try #require(match[$0] as? Int) }
                #expect(counts.reduce(0, +) == 12 && counts[0] + counts[2] > 0)
                #expect(try evaluation(workspace, "on1")["judge_agreement"] == nil)
                #expect(output.contains("same in both orders"))

                #expect(!output.contains(Self.key))
                let found = try Job(
                    URL(filePath: "/bin/sh"), ["-c", "grep -rl '\(Self.key)' '\(workspace.directory.path)'"]
                )
                .run()
                #expect(found.output.isEmpty && found.status == 1, "\(found.output)")
            }
        }
    }

    @Test("A judge that always prefers the first makes ties of all")
    func biased() throws {
        try JudgeServer.with { server in
            try RunWorkspace.with { workspace in
                try configure(workspace, server, model: "first", ", other_judge: \"rule:count:the\"")
                try workspace.train()
                let match = try match(workspace)
                #expect(match["ties"] as? Int == 12 && match["win_rate"] as? Double == 0.5)
                #expect(match["position_consistency"] as? Double == 0)
                let agreement = try #require(try evaluation(workspace)["judge_agreement"] as? [String: Any])
                #expect(agreement["other_judge"] as? String == "rule:count:the")
                #expect(agreement["comparisons"] as? Int == 12)
            }
        }
    }

    @Test("A run that was killed while it asked asks nothing again that it has on disk", arguments: [1, 3])
    func killed(ranks: Int) throws {
        try JudgeServer.with { server in
            try RunWorkspace.with { workspace in
                try configure(workspace, server, model: "steady", ", judge_options: {concurrency: 2}")
                let journals = "out/stages/02-evaluate"
                func lines() -> Int {
                    let names =
                        (try? FileManager.default.contentsOfDirectory(atPath: workspace.url(journals).path)) ?? []
                    return names.filter { $0.hasPrefix("judge-") }.reduce(0) { count, name in
                        count
                            + ((try? workspace.data("\(journals)/\(name)")) ?? Data()).count {
                                $0 == UInt8(ascii: "\n")
                            }
                    }
                }
                let job = try workspace.job(ranks: ranks)
                _ = try job.run { process in
                    _ = TestSupport.waits { lines() >= 4 }
                    kill(-process, SIGKILL)
                    workspace.processes.forEach { kill($0, SIGKILL) }
                }
                #expect(TestSupport.waits { workspace.processes.isEmpty })
                let kept = lines()
                #expect(kept >= 4 && !workspace.has("\(journals)/evaluation.json"))
                try workspace.train(ranks: ranks, resume: true)
                try workspace.train(["output_dir=whole", "evaluate.judge=\(server.reward("right"))"])
                for file in ["evaluation.json", "samples.jsonl"] {
                    let path = "stages/02-evaluate/\(file)"
                    #expect(try workspace.data("out/\(path)") == workspace.data("whole/\(path)"))
                }
                let stats = try server.stats()
                // Those that were on their way when it was killed have to be asked again.
                #expect(stats.repeated <= 2 * max(1, ranks - 1))
                #expect(try #require(stats.models["steady"]) <= lines() + 2 * max(1, ranks - 1))
            }
        }
    }

    @Test("A judge labels what is drawn, by pairs, and splits what is there, by scores")
    func labels() throws {
        try JudgeServer.with { server in
            try RunWorkspace.with { workspace in
                try workspace.addOpenings()
                try workspace.configure(
                    """
                    dataset: {train: prompts.jsonl}
                    stages: [sample, split, online_dpo]
                    sample: {response_length: 12, reward: "\(server.reward("right"))"}
                    split: {reward: "\(server.reward("plain"))", quantile: 0.5, judge_options: {requests_per_minute: 6000}}
                    online_dpo: {init: base, prompts: sample, reward: "\(server.reward("fenced"))", max_steps: 2, \
                    rollout_batch_size: 4, response_length: 8}
                    """)
                try workspace.train(ranks: 3)
                let rows = String(decoding: try workspace.data("out/stages/01-sample/pairs.jsonl"), as: UTF8.self)
                    .split(separator: "\n")
                #expect(!rows.isEmpty)
                for row in rows {
                    let pair = try JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: Any]
                    let vowels = try ["chosen", "rejected"].map { key in
                        let text = try #require(pair?[key] as? String)
                        return text.count { "aeiou".contains($0) }
                    }
                    #expect(vowels[0] > vowels[1], "\(row)")
                }
                let metrics = try workspace.metrics()
                #expect(metrics.contains { $0.stage == "03-online_dpo" && $0.values["objective/scores"] == 0.5 })
                let stats = try server.stats()
                #expect(stats.repeated == 0)
                // A worker finds out by itself that the server knows no response_format.
                #expect(stats.models["plain"] ?? 0 >= stats.questions / 4)
            }
        }
    }

    @Test("What is wrong with a judge is told before the first stage, by train and by plan")
    func refused() throws {
        try JudgeServer.with { server in
            try RunWorkspace.with { workspace in
                try configure(workspace, server, model: "right")
                let mistakes = [
                    (server.reward("righd"), "has no model 'righd': it has right; write one that it has behind the #"),
                    (
                        server.reward("locked"),
                        "answered with status 401: {\"error\": {\"message\": \"wrong key None\"}}; set MPO_JUDGE"
                    ),
                    ("openai:http://127.0.0.1:1/v1#m", "cannot be reached: "),
                    ("openai:http://localhost/v1", "names no model; write openai:URL#MODEL, as in"),
                    ("openai:https://me:secret@host/v1#m", "may carry a secret"),
                ]
                for (judge, message) in mistakes {
                    let result = try workspace.train(status: 2, ["evaluate.judge=\(judge)"])
                    #expect(result.errors.contains(message), "\(result.errors)")
                    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
                    #expect(!workspace.has("out/stages"))
                }
                let plan = try Job(
                    TestSupport.product("mpo"),
                    ["plan", "run.yaml", "--ranks", "1", "--set", "evaluate.judge=\(mistakes[0].0)"],
                    directory: workspace.directory
                ).run()
                #expect(plan.status == 2 && plan.errors.contains("has no model 'righd'"), "\(plan.errors)")
            }
        }
    }

    @Test("A judge that fails on the way ends the run with its reason, once")
    func fails() throws {
        try JudgeServer.with { server in
            try RunWorkspace.with { workspace in
                try configure(workspace, server, model: "right", ", judge_options: {retries: 0}")
                for (ranks, model, status, message) in [
                    (3, "broken", 1, "answered with status 500: {\"error\": {\"message\": \"the card is full\"}}"),
                    (1, "nonsense", 2, "replied 'Both are lovely, I cannot choose.', which has no JSON object"),
                ] {
                    let result = try workspace.train(
                        ranks: ranks, status: Int32(status),
                        ["output_dir=\(model)", "evaluate.judge=\(server.reward(model))"])
                    let told = result.errors.split(separator: "\n").filter { $0.contains(message) }
                    #expect(told.count == 1, "\(result.errors)")
                }
                let limited = try workspace.train(
                    status: 1, ["output_dir=limited", "evaluate.judge_options={retries: 0, max_requests: 3}"])
                #expect(limited.errors.contains("was sent the 3 requests that judge_options.max_requests allows"))
                let raised = try workspace.train(
                    resume: true, ["output_dir=limited", "evaluate.judge_options={retries: 0, max_requests: 100}"])
                #expect(raised.status == 0)
            }
        }
    }
}

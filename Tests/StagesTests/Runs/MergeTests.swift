import Foundation
import TestSupport
import Testing
import Torch

@Suite("Merged policies", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct MergeTests {
    private static let data = """
        dataset: {train: train.jsonl, eval: prompts.jsonl, max_length: 192, max_prompt_length: 128}
        sft: {max_steps: 3, train_batch_size: 4, learning_rate: 1.0e-3, eval_data: []}
        """
    private static let drawing = "n_samples_per_prompt: 2, response_length: 12, generation_batch_size: 2"

    @Test(
        "Points on the line are where they should be, and one of several is chosen, to the same bytes on 1 and 3 ranks")
    func points() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.configure("\(Self.data)\nstages: [sft]")
            try workspace.train(["output_dir=first"])
            let policy = "policy: first/stages/01-sft/final, from: base"
            try workspace.configure(
                """
                \(Self.data)
                stages: [same, back, near, share, tried, alike]
                same: {type: merge, \(policy), alpha: 0}
                back: {type: merge, \(policy), alpha: -1}
                near: {type: merge, \(policy), alpha: -0.75}
                share: {type: merge, method: interpolate, \(policy), alpha: 0.25}
                tried: {type: merge, \(policy), alpha: [-1, 0.5, 3], reward: "rule:count:the", \(Self.drawing)}
                alike: {type: merge, \(policy), alpha: [1.0e-12, 0], reward: "rule:count:the", \(Self.drawing)}
                """)
            let result = try workspace.train(["output_dir=one"])
            try workspace.train(ranks: 3, ["output_dir=three"])
            try workspace.expectSame("three", as: "one")

            let trained = try workspace.weights("first", "01-sft")
            #expect(try workspace.weights("one", "01-same") == trained)
            let (base, sft) = (
                try parameters(workspace.base), try parameters(workspace.url("first/stages/01-sft/final"))
            )
            #expect(try parameters(workspace.url("one/stages/02-back/final")) == base)
            #expect(base != sft)
            #expect(try workspace.weights("one", "03-near") == workspace.weights("one", "04-share"))
            try expect(workspace.url("one/stages/03-near/final"), is: -0.75, from: base, to: sft)

            let report = try Report(workspace, "one/stages/05-tried")
            let means = try (0..<3).map {
                try mean(workspace, "one/stages/05-tried", alpha: report.candidates[$0].alpha)
            }
            #expect(report.candidates.map(\.alpha) == [-1, 0.5, 3] && Set(means).count > 1)
            for (candidate, mean) in zip(report.candidates, means) { #expect(abs(candidate.meanScore - mean) < 1e-9) }
            #expect(report.alpha == report.candidates[try #require(means.firstIndex(of: means.max() ?? 0))].alpha)
            try expect(workspace.url("one/stages/05-tried/final"), is: report.alpha, from: base, to: sft)
            #expect(
                result.errors.contains(
                    "tried: expo of first/stages/01-sft/final from base with alpha \(report.alpha), the best of 3"))

            // The same weights draw the same responses, so that neither wins, and the first is taken.
            let alike = try Report(workspace, "one/stages/06-alike")
            #expect(alike.alpha == 1e-12 && alike.candidates[0].meanScore == alike.candidates[1].meanScore)
            #expect(try workspace.weights("one", "06-alike") == trained)

            if let python = TestSupport.transformersPython {
                try workspace.checkExport("three/stages/05-tried/final", python)
            }
            for file in ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"] {
                let saved = try workspace.data("one/stages/05-tried/final/\(file)")
                #expect(try saved == workspace.data("first/stages/01-sft/final/\(file)"), "\(file)")
            }
        }
    }

    @Test(
        "A run that is stopped and killed between candidates asks for those that are left, and ends with the same bytes"
    )
    func resumed() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.configure(
                """
                \(Self.data)
                stages: [sft, merge]
                merge: {alpha: [0.5, -0.5, 1], reward: "command:sh slow.sh", \(Self.drawing)}
                """)
            // The longer, the better.
            try workspace.write(
                """
                while IFS= read -r line; do echo x >> asked.txt; sleep 0.02; echo "{\\"score\\": ${#line}}"; done
                """, to: "slow.sh")
            try workspace.train(ranks: 3, ["output_dir=whole"])
            #expect(try asked(workspace) == 96)
            try FileManager.default.removeItem(at: workspace.url("asked.txt"))

            let stopped = try end(try workspace.job(ranks: 3), workspace, afterReports: 4) { kill($0, SIGUSR1) }
            #expect(stopped.status == 75, "\(stopped.errors)")
            let killed = try end(try workspace.job(ranks: 3, resume: true), workspace, afterReports: 9) { _ in
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(killed.status == 128 + SIGKILL)
            try FileManager.default.removeItem(at: workspace.url("asked.txt"))
            try workspace.train(ranks: 3, resume: true)
            // Nine reports are of two prompts with two responses each.
            #expect(try asked(workspace) <= 96 - 36)
            try workspace.expectSame()
        }
    }

    @Test("Weights past all numbers end the run with a line that names a tensor", arguments: [1, 3])
    func overflow(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try FileManager.default.createDirectory(at: workspace.url("huge"), withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: workspace.base.path) {
                var bytes = try Data(contentsOf: workspace.base.appending(path: name))
                // The last number of the last tensor.
                if name == "model.safetensors" {
                    bytes.removeLast(4)
                    bytes.append(contentsOf: withUnsafeBytes(of: Float(3e38)) { Data($0) })
                }
                try bytes.write(to: workspace.url("huge/\(name)"))
            }
            try workspace.configure(
                "\(Self.data)\nstages: [merge]\nmerge: {policy: base, from: ./huge, alpha: 99}")
            let result = try workspace.train(ranks: ranks, status: 2)
            let line = try #require(result.errors.split(separator: "\n").last)
            #expect(line.contains("alpha 99.0 takes tensor ") && line.contains("; write one nearer to 0"), "\(line)")
            #expect(!workspace.has("out/stages/01-merge/final"))
        }
    }

    @Test("A plan says how many candidates are tried, and by whom")
    func plan() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.configure(
                """
                \(Self.data)
                stages: [sft, merge, tried]
                tried: {type: merge, policy: sft, alpha: [0, 0.5], reward: "rule:count:the"}
                """)
            let job = Job(
                TestSupport.product("mpo"), ["plan", "run.yaml", "--ranks", "4"], directory: workspace.directory)
            let result = try job.run()
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains(/\n *merge +merge +merger +1\n/), "\(result.output)")
            #expect(result.output.contains(/\n *tried +merge +sampler +1-3\n/), "\(result.output)")
            #expect(result.output.contains("tried: 2 alphas x 1 response a prompt\n"), "\(result.output)")
        }
    }

    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addPairs(train: 16, eval: 1)
        try workspace.addOpenings()
    }

    /// Runs a job, and has `end` do its worst once so many reports of responses are kept.
    private func end(
        _ job: Job, _ workspace: RunWorkspace, afterReports count: Int, by end: (pid_t) -> Void
    ) throws -> Job.Result {
        try workspace.end(job, at: Moment()) { process in
            let reports = {
                (try? workspace.data("out/stages/02-merge/progress.jsonl"))?.count { $0 == UInt8(ascii: "\n") } ?? 0
            }
            _ = TestSupport.waits { reports() >= count }
            end(process)
        }
    }

    private func asked(_ workspace: RunWorkspace) throws -> Int { try workspace.data("asked.txt").count / 2 }

    private func parameters(_ directory: URL) throws -> [String: [Float]] {
        let file = try SafetensorsFile(directory.appending(path: "model.safetensors"))
        return try Dictionary(uniqueKeysWithValues: file.entries.keys.map { ($0, try file.tensor($0).floats()) })
    }

    private func expect(
        _ directory: URL, is alpha: Double, from base: [String: [Float]], to trained: [String: [Float]]
    ) throws {
        let merged = try parameters(directory)
        #expect(merged.keys.sorted() == trained.keys.sorted())
        for (name, values) in merged {
            let (first, second) = (try #require(base[name]), try #require(trained[name]))
            let exact = zip(first, second).map { Double($1) + alpha * (Double($1) - Double($0)) }
            #expect(zip(values, exact).allSatisfy { abs(Double($0) - $1) <= 1e-6 * (1e-3 + abs($1)) }, "\(name)")
        }
    }

    /// The mean of prompts' mean scores in `samples.jsonl`.
    private func mean(_ workspace: RunWorkspace, _ stage: String, alpha: Double) throws -> Double {
        let lines = try workspace.data("\(stage)/samples.jsonl").split(separator: UInt8(ascii: "\n")).map {
            try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
        }
        let scores = lines.filter { $0["alpha"] as? Double == alpha }.compactMap { $0["score"] as? Double }
        #expect(scores.count == 32)
        return scores.reduce(0, +) / Double(scores.count)
    }

    /// `merge.json`.
    private struct Report: Decodable {
        struct Candidate: Decodable {
            var alpha: Double
            var meanScore: Double
        }
        var alpha: Double
        var candidates: [Candidate]

        init(_ workspace: RunWorkspace, _ stage: String) throws {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self = try decoder.decode(Self.self, from: workspace.data("\(stage)/merge.json"))
        }
    }
}

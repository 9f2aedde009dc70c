import Foundation
import TestSupport
import Testing

@Suite("Learning while responses are drawn", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct OverlapTests {
    /// A span of a trace, in seconds.
    private struct Span {
        let category: String
        let rank: Int
        let start: Double
        let end: Double

        init?(_ event: [String: Any]) {
            guard let category = event["cat"] as? String, let rank = event["tid"] as? Int,
                let start = event["ts"] as? Double, let length = event["dur"] as? Double
            else { return nil }
            (self.category, self.rank, self.start, end) = (category, rank, start * 1e-6, (start + length) * 1e-6)
        }
    }

    @Test("With max_staleness 1 a sampler that takes longer than its learner never waits for it")
    func busySampler() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            // A reward that takes time, but no processor that the learner would miss.
            try workspace.write("while read -r line; do sleep 0.1; echo '{\"score\": 1}'; done\n", to: "reward.sh")
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl, eval: []}
                stages: [ppo]
                ppo: {reward: "command:sh reward.sh", rollout_batch_size: 16, max_steps: 6, response_length: 8, \
                num_ppo_epochs: 1, max_staleness: 1}
                """)
            try workspace.train(ranks: 3, flags: ["--trace", "trace.json"])
            let spans = try spans(workspace)
            // From the second step to the last but one: the pipeline is full.
            let scoring = spans.filter { $0.rank == 2 && $0.category == "scoring" }.sorted { $0.start < $1.start }
            try #require(scoring.count == 6)
            let (start, end) = (scoring[2].start, scoring[5].end)
            let waits = spans.filter { $0.rank == 2 && $0.category == "waiting" && $0.start < end }
            let waited = waits.reduce(0) { $0 + max(0, $1.end - max(start, $1.start)) }
            #expect(waited < 0.05 * (end - start))
        }
    }

    @Test("The first responses reach the learner over TCP while the second step's are drawn")
    func firstMessage() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl, eval: []}
                stages: [ppo]
                ppo: {reward: "rule:length:9", rollout_batch_size: 16, max_steps: 2, \
                response_length: 32, stop_token: none, num_ppo_epochs: 1, max_staleness: 1}
                """)
            var job = try workspace.job(ranks: 3, flags: ["--trace", "trace.json"])
            // What is longer than the eager limit waits for its receiver.
            let settings = ["OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_eager_limit": "1024"]
            job.environment.merge(settings) { $1 }
            let result = try job.run()
            #expect(result.status == 0, "\(result.errors)")
            let spans = try spans(workspace)
            let learning = try #require(spans.filter { $0.rank == 1 && $0.category == "forward" }.map(\.start).min())
            let drawing = spans.filter { $0.rank == 2 && $0.category == "generation" }.map(\.end).max()
            #expect(learning < drawing ?? 0)
        }
    }

    private func spans(_ workspace: RunWorkspace) throws -> [Span] {
        let trace = try JSONSerialization.jsonObject(with: workspace.data("trace.json")) as? [String: Any]
        return try #require(trace?["traceEvents"] as? [[String: Any]]).compactMap { Span($0) }
    }
}

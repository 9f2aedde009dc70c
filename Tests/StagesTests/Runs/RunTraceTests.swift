import Foundation
import TestSupport
import Testing

@Suite("Traces of runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct RunTraceTests {
    /// The file as a trace viewer reads it.
    private struct Trace: Decodable {
        var traceEvents: [Event]

        struct Event: Decodable {
            var name: String
            var cat: String?
            var ph: String
            var tid: Int
            var ts: Double?
            var dur: Double?
            var args: Arguments?

            var start: Double { ts ?? .nan }
            var end: Double { start + (dur ?? .nan) }
        }

        struct Arguments: Decodable {
            var name: String?
            var number: Int?
        }

        /// The spans of a rank that belong to a phase, in time.
        func spans(_ phase: String, of rank: Int) -> [Event] {
            traceEvents.filter { $0.ph == "X" && $0.cat == phase && $0.tid == rank }.sorted { $0.start < $1.start }
        }
    }

    /// - Parameter lateClock: whether the last rank's clock is a day ahead of the others'.
    private func run(_ workspace: RunWorkspace, ranks: Int, lateClock: Bool = false) throws -> Trace {
        try workspace.addPairs(train: 16)
        try workspace.configure(
            """
            dataset: {train: train.jsonl, max_length: 96, max_prompt_length: 64}
            stages: [dpo, ppo]
            dpo: {train_batch_size: 4, max_steps: 3, save_steps: 2}
            ppo: {reward: 'rule:length:8', rollout_batch_size: 4, response_length: 8, max_steps: 2, num_ppo_epochs: 1, \
            max_prompt_length: 64}
            """)
        let mpo = [TestSupport.product("mpo").path, "train", "run.yaml", "--trace", "trace.json"]
        let late = lateClock ? [":", "-n", "1", "unshare", "--fork", "--time", "--monotonic", "86400"] + mpo : []
        let job = try Job.mpirun(
            ranks: lateClock ? ranks - 1 : ranks, URL(filePath: mpo[0]), mpo.dropFirst() + late,
            environment: ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"], directory: workspace.directory,
            timeLimit: 300)
        let result = try job.run()
        #expect(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode(Trace.self, from: workspace.data("trace.json"))
    }

    @Test("A trace has a row a rank with stages, steps and what they are made of; its sums are the timing metrics")
    func rows() throws {
        try RunWorkspace.with { workspace in
            let trace = try run(workspace, ranks: 3)
            let rows = trace.traceEvents.filter { $0.ph == "M" }
            #expect(rows.map(\.tid) == [0, 1, 2])
            #expect(
                rows.compactMap { $0.args?.name }.map { $0.prefix { $0 != "," } } == [
                    "rank 0: orchestrator", "rank 1: worker", "rank 2: worker",
                ])
            for rank in 1...2 {
                #expect(trace.spans("stage", of: rank).map(\.name) == ["dpo", "ppo"])
            }
            #expect(trace.spans("routing", of: 0).count > 5)
            #expect(trace.spans("checkpoint", of: 1).map { $0.args?.number } == [2])
            #expect(trace.spans("generation", of: 2).map { $0.args?.number } == [1, 2])
            #expect(trace.spans("scoring", of: 2).count == 2)

            let steps = trace.spans("step", of: 1)
            #expect(steps.map { $0.args?.number } == [1, 2, 3, 1, 2])
            for (step, line) in zip(steps, try workspace.metrics()) {
                for phase in ["forward", "backward", "optimizer"] {
                    let inside = trace.spans(phase, of: 1).filter { $0.start >= step.start && $0.end <= step.end }
                    let sum = inside.reduce(0) { $0 + ($1.dur ?? 0) } * 1e-6
                    #expect(sum > 0)
                    #expect(abs(sum - (line.values["timing/\(phase)"] ?? -1)) < 1e-5, "\(phase) of \(line)")
                }
                #expect(line.values["timing/waiting"] != nil)
                #expect(line.values["timing/communication"] != nil)
            }
        }
    }

    @Test("Ranks of a host are on one clock: an all-reduce ends on one rank after it began on the other")
    func oneClock() throws {
        try RunWorkspace.with { workspace in
            for (one, other) in try allReduces(of: run(workspace, ranks: 3)) {
                #expect(one.end >= other.start && other.end >= one.start)
            }
        }
    }

    @Test(
        "A host's clock is set to rank zero's, a day apart as they may be",
        .enabled(if: Self.hasTimeNamespaces, "unshare --time --monotonic is not permitted here"))
    func clocksApart() throws {
        try RunWorkspace.with { workspace in
            // A busy machine may answer late by what it was busy for; the clocks are 86,400 seconds apart.
            let slack = 60e6
            for (one, other) in try allReduces(of: run(workspace, ranks: 3, lateClock: true)) {
                #expect(one.end >= other.start - slack && other.end >= one.start - slack)
            }
        }
    }

    /// DPO's collective calls on both workers; in PPO they do different things.
    private func allReduces(of trace: Trace) throws -> Zip2Sequence<[Trace.Event], [Trace.Event]> {
        let calls = try (1...2).map { rank in
            let end = try #require(trace.spans("stage", of: rank).first?.end)
            return trace.spans("communication", of: rank).filter { $0.end < end }
        }
        #expect(calls[0].count == 6)
        #expect(calls[0].count == calls[1].count)
        return zip(calls[0], calls[1])
    }

    private static let hasTimeNamespaces: Bool = {
        let job = Job(URL(filePath: "/usr/bin/env"), ["unshare", "--fork", "--time", "--monotonic", "1", "true"])
        return (try? job.run().status) == 0
    }()

    @Test("A trace that cannot be written ends a run before it trains")
    func unwritable() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 4)
            try workspace.configure("dataset: {train: train.jsonl}\nstages: [dpo]")
            let job = Job(
                TestSupport.product("mpo"), ["train", "run.yaml", "--trace", "nowhere/trace.json"],
                environment: ["OMP_NUM_THREADS": "1"], directory: workspace.directory, timeLimit: 60)
            let result = try job.run()
            #expect(result.status == 1)
            #expect(result.errors.contains("nowhere/trace.json: cannot be written"))
            #expect(!workspace.has("out/metrics.jsonl"))
        }
    }
}

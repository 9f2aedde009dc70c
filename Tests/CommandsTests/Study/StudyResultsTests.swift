import Commands
import Foundation
import Testing

@Suite("What a study's runs say")
struct StudyResultsTests {
    /// A study of two seeds on which the arms score 1 and 2 (sft), 3 and 4 (dpo), 3.5 and 5 (ipo).
    private func withRuns(_ body: (StudyWorkspace, StudyPlan) throws -> Void) throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan {
                $0.arms = "dpo,ipo"
                $0.show = "loss"
            }
            for (index, run) in try plan.mainRuns().enumerated() {
                let scores = [["sft": 1.0, "dpo": 3, "ipo": 3.5], ["sft": 2, "dpo": 4, "ipo": 5]][index]
                try workspace.finish(run) { scores[$0] ?? 0 }
            }
            try body(workspace, plan)
        }
    }

    @Test("Scores, differences, win rates, last metrics and costs are read from evaluations and metrics")
    func reading() throws {
        try withRuns { workspace, plan in
            let results = try plan.results()
            #expect((results.seeds, results.baseline, results.others) == ([1, 2], "dpo", ["sft"]))
            let (dpo, ipo) = (results.arms[0], results.arms[1])
            #expect(dpo.score.values == [3, 4] && dpo.difference == nil)
            #expect(ipo.difference?.values == [0.5, 1])
            // With two seeds t is mean / (half the range), and its tail 2/pi atan(1/t).
            let p = try #require(ipo.difference?.p)
            #expect(abs(p - 2 / .pi * atan(1 / 3)) < 1e-12)
            #expect(ipo.difference?.adjustedP == p)
            #expect(dpo.winRates["sft"]?.mean == 0.75 && dpo.winRates["ipo"]?.mean == 0.75)
            #expect(ipo.winRates["dpo"]?.mean == 0.25)
            #expect(dpo.length.mean == 10 && dpo.finished.mean == 0.5)
            #expect(Set(dpo.metrics.keys) == ["loss", "num_tokens"])
            #expect(dpo.metrics["loss"]?.mean == 0.5 && ipo.metrics["loss"]?.values == [nil, nil])
            #expect(dpo.steps.mean == 3 && dpo.tokens.mean == 150)
            // 8 responses of 4 tokens, then 8 of 5.
            #expect(ipo.steps.mean == 2 && ipo.tokens.mean == 72)
            // Two steps of 0.75 s and one of 2 s; what lies within other phases does not count.
            #expect(results.costs.arms.map(\.seconds.mean) == [3.5, 2])
        }
    }

    @Test("A baseline that is no arm has a row too, and arms are compared with it")
    func baseline() throws {
        try withRuns { workspace, _ in
            let results = try workspace.plan {
                $0.arms = "dpo,ipo"
                $0.baseline = "sft"
            }.results()
            #expect(results.arms.map(\.name) == ["sft", "dpo", "ipo"] && results.others.isEmpty)
            #expect(results.arms[0].difference == nil && results.arms[0].tokens.mean == 100)
            #expect(results.arms[1].difference?.values == [2, 2])
            #expect(results.arms[2].difference?.values == [2.5, 3])
            // Of two, the smaller p counts twice, and the other once.
            #expect(results.arms[1].difference?.adjustedP == 0)
            #expect(results.arms[2].difference?.adjustedP == results.arms[2].difference?.p)
        }
    }

    @Test("The table has a row an arm, with the metrics that were asked for")
    func table() throws {
        try withRuns { _, plan in
            let lines = try plan.results().table(showing: plan.shown).split(separator: "\n").map(String.init)
            #expect(
                lines[0].split(separator: /\s\s+/) == [
                    "arm", "score", "difference", "p (Holm)", "win rate over dpo", "win rate over sft", "length",
                    "loss", "tokens",
                    "seconds",
                ])
            #expect(lines[2].contains("dpo   3.500 [-2.853, 9.853]"), "\(lines[2])")
            #expect(lines[3].contains("+0.750 [-2.427, 3.927]    0.2048  25.0 % [25.0, 25.0]  50.0 % [50.0, 50.0]"))
            #expect(lines[3].hasSuffix("-      72     2.0s"), "\(lines[3])")
            #expect(lines[4].hasPrefix("Means over seeds 1-2 by evaluate, "))
            let error = #expect(throws: StudyError.self) { try plan.results().checkShown(["los"]) }
            let metrics = "completions/mean_length, episode, loss, num_tokens"
            #expect(error?.description == "--show: no arm has 'los'; did you mean loss? metrics are \(metrics)")
        }
    }

    @Test("study.json says nothing of clocks and places, and reads back")
    func file() throws {
        try withRuns { workspace, plan in
            var results = try plan.results()
            try results.write(to: workspace.directory)
            let data = try Data(contentsOf: workspace.directory.appending(path: "study.json"))
            let text = String(decoding: data, as: UTF8.self)
            #expect(!text.contains("seconds") && !text.contains(workspace.directory.path))
            let read = try JSONDecoder().decode(StudyResults.self, from: data)
            let costs = try JSONDecoder().decode(
                StudyCosts.self, from: Data(contentsOf: workspace.directory.appending(path: "costs.json")))
            #expect(costs == results.costs)
            results.costs = read.costs
            #expect(read == results)
        }
    }

    @Test("A run of another configuration, a damaged file, other data and a seed that is not finished are told")
    func refusals() throws {
        try withRuns { workspace, plan in
            let out = "\(workspace.directory.path)/out"
            let changed = try workspace.plan { $0.overrides = ["dpo.beta=0.3"] }
            for body in [{ _ = try changed.next() }, { _ = try changed.results() }] {
                let error = #expect(throws: StudyError.self) { try body() }
                #expect(
                    error?.description.hasPrefix(
                        "\(out)/seed-1: is a run of another configuration: dpo.beta: 0.1 then, 0.3 now; change it back")
                        == true)
            }
            // What no result depends on is free.
            let logging = try workspace.plan { $0.overrides = ["logging_steps=3"] }
            #expect(try logging.next() == nil)
            let more = try workspace.plan(seeds: "1-3")
            let next = try more.next()
            #expect(next?.run.title == "seed 3 (3 of 3)")
            let unfinished = #expect(throws: StudyError.self) { try more.results() }
            #expect(unfinished?.problem == "seed 3 (3 of 3) is not finished")

            try workspace.finish(try plan.mainRuns()[1], data: 8) { _ in 1 }
            let data = #expect(throws: StudyError.self) { try plan.results() }
            #expect(
                data?.problem.contains("seed 2 (2 of 2) read something else than seed 1 (1 of 2): dataset.train: ")
                    == true)
            try workspace.finish(try plan.mainRuns()[1]) { _ in 1 }
            try workspace.write("{\"stage\":", to: "out/seed-2/metrics.jsonl")
            let line = #expect(throws: StudyError.self) { try plan.results() }
            #expect(line?.place.hasSuffix("out/seed-2/metrics.jsonl:1") == true)
            try workspace.write("{}", to: "out/seed-1/stages/04-evaluate/evaluation.json")
            let damaged = #expect(throws: StudyError.self) { try plan.results() }
            #expect(damaged?.problem == "is damaged")
        }
    }
}

import Foundation
import Reports
import Runs
import TestSupport
import Testing

@Suite("Reports of runs")
struct ReportTests {
    @Test("A page has the numbers of the files, needs nothing else, and names every figure")
    func page() throws {
        let page = try RecordedRun.with { run in
            try run.writeAll()
            return try run.page
        }
        for text in ["2.500", "1.250", "75.0 %", "30.0–95.0", "0.1000", "question 0", "LibTorch 2.13.0", "finished"] {
            #expect(page.contains(text), "\(text)")
        }
        #expect(!page.contains("id=\"warnings\""))
        #expect(
            !page.contains("<script") && !page.contains("http:") && !page.contains("https:") && !page.contains("url("))
        #expect(
            page.matches(of: #/<svg /#).count
                == page.matches(of: #/<svg viewBox="[0-9. ]+" role="img" aria-label="[^"]+">/#).count)
        #expect(page.matches(of: #/<svg /#).count == 3)
        #expect(!page.contains("nan") && !page.contains("Optional("))
    }

    @Test("What models, files and configurations say stays text")
    func injection() throws {
        let evil = "<script>alert(1)</script>\" onload=\"x"
        let page = try RecordedRun.with { run in
            try run.writeState(settings: ["sft.data": "[\(evil)]", evil: evil, "model_name_or_path": evil])
            try run.writeMetrics { _ in #""<script>alert(2)</script>":1,"loss":1"# }
            try run.writeEvaluation()
            try run.writeSamples([evil], prompt: { _ in evil })
            return try run.page
        }
        #expect(!page.contains("<script"))
        #expect(!page.contains("\" onload"))
        #expect(page.matches(of: #/&lt;script&gt;alert\(1\)/#).count >= 5)
        #expect(page.contains("&lt;script&gt;alert(2)"))
    }

    @Test("A run that has not ended, was killed or failed is told as such")
    func statuses() throws {
        try RecordedRun.with { run in
            try run.writeState(done: 0)
            try run.writeMetrics()
            func status() throws -> (RunStatus, String) { (try run.report.runs[0].status, try run.page) }
            var (now, page) = try status()
            #expect(now == .stopped(stage: "sft", step: 10))
            #expect(page.contains("was stopped after step 10 of sft"))

            let lock = try RunLock(run.directory, breaking: false) { _ in }
            (now, page) = try status()
            #expect(now == .running(owner: lock.owner.text))
            #expect(page.contains("is still running (process \(getpid())"))
            lock.release()

            var owner = LockOwner.current()
            owner.processStart += 1
            try JSONEncoder().encode(owner).write(to: run.directory.appending(path: "run.lock"))
            (now, page) = try status()
            #expect(now == .killed(stage: "sft", owner: owner.text))
            #expect(page.contains("ended without a word in sft"))
            try FileManager.default.removeItem(at: run.directory.appending(path: "run.lock"))

            try run.write(#"{"problem": "sft: step 11: the loss is not finite"}"#, to: "stages/01-sft/not_finite.json")
            (now, page) = try status()
            #expect(now == .failed(stage: "sft", problem: "sft: step 11: the loss is not finite"))
            #expect(page.contains("step 11: the loss is not finite"))
        }
    }

    @Test("Files that are damaged or missing are named, and the rest is shown")
    func damage() throws {
        try RecordedRun.with { run in
            try run.writeAll()
            try run.writeMetrics(steps: 1...3)
            let metrics = run.directory.appending(path: "metrics.jsonl")
            try (Data(contentsOf: metrics) + Data(#"{"stage":"01-sft","step":4,"ti"#.utf8)).write(to: metrics)
            try run.write("{", to: "stages/02-evaluate/evaluation.json")
            try run.write("{\"policy\": \"sft\"\n", to: "stages/02-evaluate/samples.jsonl")
            try run.write("[", to: "stages/01-sft/summary.json")
            let page = try run.page
            for text in [
                "metrics.jsonl:4 was cut short", "02-evaluate/evaluation.json is damaged",
                "02-evaluate: 1 line of its samples cannot be read", "01-sft/summary.json is damaged",
            ] { #expect(page.contains(text), "\(text)") }
            #expect(page.contains("to 0.3333 at step 3"))
            for name in ["{\"done\"", ""] {
                try run.write(name, to: "run.json")
                #expect(try run.page.contains("run.json is damaged"))
                #expect(try run.report.runs[0].status == .unknown)
            }
            try FileManager.default.removeItem(at: run.directory.appending(path: "run.json"))
            #expect(try run.page.contains("run.json is missing"))
        }
    }

    @Test(
        "Numbers that look wrong are warned of",
        arguments: [
            ("\"objective/kl\":@", [0.5, 60], "objective/kl rises to 60"),
            ("\"completions/clipped_ratio\":@", [0, 0.5], "50.0 % of the last responses"),
            ("\"completions/mean_length\":@", [10, 25], "responses grew from 10 to 25 tokens"),
            ("\"policy/clipfrac_avg\":@", [0, 0.4], "40.0 % of the last ratios"),
            ("\"eval_accuracy\":@", [0.5, 0.51], "eval_accuracy ends at 51.0 %"),
            ("\"loss\":null", [0, 0], "loss: not finite at 20 steps, first at step 1"),
        ])
    func health(metrics: String, ends: [Double], warning: String) throws {
        func warnings(_ late: Double) throws -> [String] {
            try RecordedRun.with { run in
                try run.writeState()
                try run.writeMetrics(steps: 1...20) { metrics.replacing("@", with: "\($0 <= 10 ? ends[0] : late)") }
                return HealthChecks.warnings(of: try run.report.runs[0].stages[0])
            }
        }
        let found = try warnings(ends[1])
        #expect(found.count == 1 && found[0].hasPrefix(warning), "\(found)")
        // The same metric as it should be is no reason to warn.
        if metrics.contains("@") { #expect(try warnings(metrics.contains("accuracy") ? 0.8 : ends[0]).isEmpty) }
    }

    @Test("Of many prompts the extremes and some between are shown, and how many are not")
    func samples() throws {
        let page = try RecordedRun.with { run in
            try run.writeAll()
            try run.writeSamples((0..<400).map { "answer \($0)." })
            return try run.page
        }
        #expect(page.contains("50 of 400 prompts, spread over all (350 are left out)"))
        #expect(page.matches(of: #/class="sample"/#).count == 50)
        for number in [399, 388, 0, 11] { #expect(page.contains("answer \(number).")) }
        let shown = page.matches(of: #/answer ([0-9]+)\./#).compactMap { Int($0.1) }
        #expect(shown == shown.sorted(by: >))
        #expect(shown.count { (100..<300).contains($0) } > 10)
    }

    @Test("A page of long curves and long answers stays small")
    func size() throws {
        let page = try RecordedRun.with { run in
            try run.writeAll()
            try run.writeMetrics(steps: 1...20_000) { step in
                (0..<20).map { "\"metric/\($0)\":\(Double(step * $0 % 97) / 3)" }.joined(separator: ",")
            }
            try run.writeSamples((0..<1000).map { "\($0) " + String(repeating: "x", count: 20_000) })
            return try run.page
        }
        #expect(page.utf8.count < 1_000_000)
        #expect(page.contains("more characters"))
    }
}

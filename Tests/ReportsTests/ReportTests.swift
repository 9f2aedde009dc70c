import Foundation
import JSON
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
                "02-evaluate/1 line of its samples cannot be read", "01-sft/summary.json is damaged",
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

@Suite("Forms of a report")
struct ReportFormatTests {
    @Test("JSON has a key a section, with the numbers of the files")
    func json() throws {
        let text = try RecordedRun.with { run in
            try run.writeAll()
            return ReportFormat.json.text(of: try run.report)
        }
        guard case .object(let root) = try JSON(parsing: text) else { throw Missing() }
        #expect(
            root.keys == [
                "version", "title", "made", "program", "over_seeds", "overview", "evaluation", "distributions",
                "curves", "samples", "timing",
                "settings",
            ])
        #expect(root["version"]?.integer == 1)
        let curve = try object(root["curves"])
        #expect(curve["metric"]?.text == "loss" && curve["count"]?.integer == 10)
        #expect(curve["last"]?.double == 0.1 && curve["max"]?.double == 1)
        let evaluation = try object(root["evaluation"])
        #expect(try object(evaluation["matches"])["win_rate"]?.double == 0.75)
        #expect(try object(evaluation["policies"])["mean_score"]?.double == 1.25)
    }

    @Test("CSV has a row a value, and quotes what holds its signs")
    func csv() throws {
        let text = try RecordedRun.with("a,\"run\"") { run in
            try run.writeAll()
            return ReportFormat.csv.text(of: try run.report)
        }
        let lines = text.components(separatedBy: "\r\n")
        #expect(lines[0] == "run,stage,step,metric,value")
        #expect(lines.contains("\"a,\"\"run\"\"\",sft,2,loss,0.5"))
        #expect(lines.contains("\"a,\"\"run\"\"\",evaluate,,win_rate/dpo/sft,0.75"))
        #expect(lines.count { $0.contains(",loss,") } == 10)
        #expect(lines.last == "")
    }

    @Test("A file's name asks for its form")
    func names() {
        #expect(ReportFormat(ofFile: "a/b.JSON") == .json)
        #expect(ReportFormat(ofFile: "b.csv") == .csv)
        #expect(ReportFormat(ofFile: "b.txt") == nil)
    }

    @Test("What is no run is refused in one line with a way out")
    func errors() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func error(_ paths: [String]) -> String {
                do { _ = try Report(paths) } catch { return "\(error)" }
                return ""
            }
            #expect(error([directory.path]).contains("is no run directory"))
            #expect(error([directory.path + "/none"]).contains("cannot be read: No such file or directory; check"))
            let run = try RecordedRun(directory.appending(path: "run"))
            try run.writeAll()
            #expect(error([run.directory.path, directory.path + "/./run"]).contains("is named twice"))
            let report = try run.report
            let nowhere = directory.appending(path: "none/report.html")
            #expect { try report.write(.html, to: nowhere) } throws: {
                "\($0)".contains("none/report.html: cannot be written: No such file")
            }
            // What is read is not written over.
            let metrics = run.directory.appending(path: "metrics.jsonl")
            #expect(throws: ReportError.self) { try report.write(.html, to: metrics) }
            #expect(error([run.directory.path]) == "")
        }
    }

    private struct Missing: Error {}

    /// An object, or the first of a list of them.
    private func object(_ value: JSON?) throws -> JSONObject {
        switch value {
        case .object(let object)?: return object
        case .array(let values)?: return try object(values.first)
        default: throw Missing()
        }
    }
}

@Suite("Reports over seeds")
struct SeedReportTests {
    /// A directory as `launch/study` fills it, without `study.json`.
    private func withStudy(_ body: (URL) throws -> Void) throws {
        try TestSupport.withTemporaryDirectory { directory in
            for (seed, score) in [(1, 2.0), (2, 3.0), (3, 4.0)] {
                let run = try RecordedRun(directory.appending(path: "seed-\(seed)"))
                try run.writeState(seed: seed)
                try run.writeMetrics { "\"loss\":\(Double($0) * score)" }
                try run.writeEvaluation(score: score, winRate: 0.5 + score / 10)
                try run.writeSamples(["yes", "no"])
            }
            try body(directory)
        }
    }

    @Test("Scores and win rates have t intervals over seeds, and curves a mean")
    func intervals() throws {
        try withStudy { directory in
            let report = try Report([directory.path])
            #expect(report.isOverSeeds)
            let page = ReportFormat.html.text(of: report)
            // The mean of 2, 3 and 4 with 4.303 standard errors of 1 over the root of 3.
            #expect(page.contains("dpo: 3.000, 95 % interval 0.516 to 5.484"))
            #expect(page.contains("dpo over sft, by seed: 70.0 %, 80.0 %, 90.0 %"))
            #expect(page.contains("55.2–100.0"))
            #expect(page.contains("from 3 at step 1 to 30 at step 10"))
            #expect(page.contains("study.json is not there"))
        }
    }

    @Test("Runs of different configurations are set beside each other, with what differs")
    func different() throws {
        try withStudy { directory in
            let other = try RecordedRun(directory.appending(path: "other/seed-1"))
            try other.writeAll()
            try other.writeState(settings: ["sft.learning_rate": "0.5"])
            let report = try Report([directory.path + "/seed-1", other.directory.path])
            #expect(!report.isOverSeeds)
            let page = ReportFormat.html.text(of: report)
            #expect(page.contains("What differs"))
            #expect(page.contains("<td>sft.learning_rate</td><td>–</td><td>0.5</td>"))
            #expect(page.contains("other/seed-1"))
        }
    }

    @Test("A seed that is still missing from its runs is told")
    func missing() throws {
        try withStudy { directory in
            try FileManager.default.removeItem(at: directory.appending(path: "seed-2/run.json"))
            let page = ReportFormat.html.text(of: try Report([directory.path]))
            #expect(page.contains("run.json is missing"))
        }
    }
}

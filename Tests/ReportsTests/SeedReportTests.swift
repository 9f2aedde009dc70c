import Foundation
import Reports
import TestSupport
import Testing

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
            #expect(page.contains(#"<td>sft.learning_rate</td><td class="prose">–</td><td class="prose">0.5</td>"#))
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

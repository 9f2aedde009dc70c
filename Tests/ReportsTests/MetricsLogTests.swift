import Foundation
import Reports
import Testing

@Suite("Reading metrics")
struct MetricsLogTests {
    private func log(_ text: String) throws -> MetricsLog {
        try RecordedRun.with { run in
            try run.write(text, to: "metrics.jsonl")
            return try MetricsLog(run.directory.appending(path: "metrics.jsonl"))
        }
    }

    private func values(_ log: MetricsLog, _ name: String, stage: Int = 0) -> [Double] {
        log.stages[stage].points(of: name).map(\.value)
    }

    @Test("Lines of several stages become a table each, with columns that come late or are left out")
    func tables() throws {
        let log = try log(
            """
            {"stage":"01-sft","step":1,"time":5.5,"loss":0.5,"lr":1e-05}
            {"stage":"01-sft","step":2,"time":6,"loss":-0.25,"eval_loss":3,"lr":2E-05}
            {"stage":"02-dpo","step":10,"time":7,"loss":1}
            {"stage":"02-dpo","step":20,"time":8,"lr":4}

            """)
        #expect(log.stages.map(\.stage) == ["01-sft", "02-dpo"])
        #expect(log.stages[0].names == ["loss", "lr", "eval_loss"])
        #expect(values(log, "loss") == [0.5, -0.25])
        #expect(values(log, "lr") == [1e-05, 2e-05])
        #expect(log.stages[0].points(of: "eval_loss") == [CurvePoint(step: 2, value: 3)])
        #expect(log.stages[1].points(of: "lr") == [CurvePoint(step: 20, value: 4)])
        #expect(log.stages[0].times == [5.5, 6])
        #expect(log.tornLine == nil && log.damagedLines.isEmpty)
    }

    @Test(
        "Lines in any form of JSON say the same",
        arguments: [
            #"{"stage":"s","step":1,"time":2,"a/b":0.1,"c":null}"#,
            #"{ "stage": "s", "step": 1, "time": 2, "a/b": 0.1, "c": null }"#,
            #"{"stage":"s","step":1,"time":2,"a\/b":1e-1,"c":null,"non_finite":{"c":"NaN"}}"#,
            #"{"a/b":0.1,"c":null,"time":2,"step":1,"stage":"s"}"#,
        ])
    func forms(line: String) throws {
        let log = try log(line + "\n")
        #expect(values(log, "a/b") == [0.1])
        #expect(log.stages[0].names == ["a/b", "c"])
        #expect(log.stages[0].nonFinite == ["c": [1]])
    }

    @Test("A last line that was cut short is left out and told; one that only lacks its newline is read")
    func torn() throws {
        let whole = #"{"stage":"s","step":1,"time":2,"a":3}"#
        for length in 1..<whole.count {
            let log = try log(whole + "\n" + whole.replacing(":1,", with: ":2,").prefix(length))
            #expect(values(log, "a") == [3], "\(length)")
            #expect(log.tornLine == 2)
        }
        let log = try log(whole + "\n" + whole.replacing(":1,", with: ":2,"))
        #expect(values(log, "a") == [3, 3])
        #expect(log.tornLine == nil)
    }

    @Test("Damaged lines are left out, and their numbers told")
    func damaged() throws {
        let log = try log(
            """
            {"stage":"s","step":1,"time":2,"a":3}
            oh
            {"stage":"s","step":"x","time":2,"a":4}
            {"stage":"s","step":2,"time":2,"a":[1]}
            {"step":3,"time":2,"a":5}
            {"stage":"s","step":4,"time":2,"a":6}

            """)
        #expect(log.damagedLines == [2, 3, 5])
        #expect(log.stages[0].points(of: "a") == [CurvePoint(step: 1, value: 3), CurvePoint(step: 4, value: 6)])
    }

    @Test("A step that comes again takes the place of what was written from it on")
    func rewound() throws {
        let lines = [1, 2, 3, 2, 3].enumerated().map { index, step in
            "{\"stage\":\"s\",\"step\":\(step),\"time\":\(index),\"a\":\(index == 1 ? "null" : "\(index)")}\n"
        }
        let log = try log(lines.joined())
        let points = [CurvePoint(step: 1, value: 0), CurvePoint(step: 2, value: 3), CurvePoint(step: 3, value: 4)]
        #expect(log.stages[0].points(of: "a") == points)
        #expect(log.stages[0].nonFinite["a"]?.isEmpty == true)
    }

    @Test("A file longer than a piece of reading gives every line once")
    func long() throws {
        let count = 30_000
        let text = (1...count).map {
            "{\"stage\":\"s\",\"step\":\($0),\"time\":\($0),\"a\":\($0),\"b\":0.123456789012345}\n"
        }.joined()
        #expect(text.utf8.count > 1 << 20)
        let log = try log(text)
        #expect(values(log, "a") == (1...count).map(Double.init))
    }

    @Test("No file is no lines")
    func none() throws {
        let log = try RecordedRun.with { try MetricsLog($0.directory.appending(path: "metrics.jsonl")) }
        #expect(log.stages.isEmpty)
    }
}

import Foundation
import JSON
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Writing metrics")
struct MetricsWriterTests {
    @Test("A step is a line of JSON with stage, step and time, then metrics in the order they were set")
    func lines() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let writer = try MetricsWriter(runDirectory: directory, sinks: [], clock: { 12.34567 })
            try writer.write(stage: "02-dpo", step: 1, metrics: ["loss": 0.5, "num_tokens": 1200, "eval_loss": 1e-7])
            try writer.write(stage: "02-dpo", step: 2, metrics: [:])
            #expect(
                try text(directory) == """
                    {"stage":"02-dpo","step":1,"time":12.346,"loss":0.5,"num_tokens":1200,"eval_loss":1e-07}
                    {"stage":"02-dpo","step":2,"time":12.346}

                    """)
        }
    }

    @Test("What is not finite is null with a note of what it was, and the line stays valid JSON")
    func nonFinite() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let writer = try MetricsWriter(runDirectory: directory, sinks: [], clock: { 0 })
            try writer.write(
                stage: "a\"b", step: 1, metrics: ["loss": .nan, "kl": -.infinity, "max": .infinity, "ok": 1.5])
            let line = try text(directory)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(object["stage"] as? String == "a\"b")
            #expect(object["loss"] is NSNull && object["kl"] is NSNull && object["ok"] as? Double == 1.5)
            let note = object["non_finite"] as? [String: String]
            #expect(note == ["loss": "NaN", "kl": "-Infinity", "max": "Infinity"])
        }
    }

    @Test("A resumed run goes on where its checkpoint was: later and half-written lines go, none comes twice")
    func resume() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let first = try MetricsWriter(runDirectory: directory, clock: { 1 })
            try first.write(stage: "s", step: 1, metrics: ["loss": 1])
            let position = first.position
            try first.write(stage: "s", step: 2, metrics: ["loss": 2])
            try first.synchronize()

            let second = try MetricsWriter(runDirectory: directory, resumingAt: position, clock: { 1 })
            try second.write(stage: "s", step: 2, metrics: ["loss": 3])
            #expect(
                try text(directory) == """
                    {"stage":"s","step":1,"time":1,"loss":1}
                    {"stage":"s","step":2,"time":1,"loss":3}

                    """)
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/tensorboard/s").sorted()
            #expect(files.count == 2)
            let resumed = try Data(contentsOf: directory.appending(path: "tensorboard/s/\(files[1])"))
            let opening =
                TFRecord.frame(TensorBoardEvent.fileVersion(time: 1))
                + TFRecord.frame(TensorBoardEvent.sessionStart(step: 2, time: 1))
            #expect(Array(resumed.prefix(opening.count)) == opening)
        }
    }

    @Test("A run that starts anew leaves no lines of the one before")
    func startAnew() throws {
        try TestSupport.withTemporaryDirectory { directory in
            for step in 1...2 {
                let writer = try MetricsWriter(runDirectory: directory, sinks: [], clock: { 1 })
                try writer.write(stage: "s", step: step, metrics: [:])
            }
            #expect(try text(directory) == "{\"stage\":\"s\",\"step\":2,\"time\":1}\n")
        }
    }

    @Test("A file that is shorter than the checkpoint says is refused, and a place that cannot be written is named")
    func errors() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let short = #expect(throws: MetricsError.self) {
                try MetricsWriter(runDirectory: directory, resumingAt: 10)
            }
            #expect(short?.problem == "has 0 bytes, but the checkpoint was made at 10")
            let file = directory.appending(path: "file")
            try Data().write(to: file)
            let closed = #expect(throws: MetricsError.self) { try MetricsWriter(runDirectory: file) }
            #expect(
                closed?.description.hasSuffix("cannot be opened: File exists; check that its directory can be written")
                    == true)
        }
    }

    @Test("Metrics keep the place they were first set at, and can be merged under a prefix")
    func values() {
        var values: MetricValues = ["a": 1, "b": 2]
        values["a"] = 3
        values.merge(["loss": 4], prefix: "eval_")
        #expect(values.entries.map(\.name) == ["a", "b", "eval_loss"])
        #expect(values.entries.map(\.value) == [3, 2, 4])
        values["a"] = nil
        #expect(values.names == ["b", "eval_loss"] && values["a"] == nil)
    }

    private func text(_ directory: URL) throws -> String {
        try String(contentsOf: directory.appending(path: "metrics.jsonl"), encoding: .utf8)
    }
}

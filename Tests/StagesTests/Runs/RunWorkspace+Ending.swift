import Foundation
import TestSupport
import Testing

/// When a run is ended: once it is up, has written so many more lines of metrics, and some time has passed.
struct Moment {
    var lines = 0
    var seconds = 0.0
}

extension RunWorkspace {
    /// Runs a job that starts or resumes the run `out`, has `end` do its worst at a moment, and expects that no process is
    /// left of it.
    ///
    /// - Parameter end: gets the job's process id.
    func end(
        _ job: Job, at moment: Moment, location: SourceLocation = #_sourceLocation, by end: (pid_t) -> Void
    ) throws -> Job.Result {
        let (begun, lines) = (startTime, lineCount)
        let result = try job.run { process in
            while isRunning(process), startTime == begun || lineCount < lines + moment.lines { usleep(1000) }
            usleep(UInt32(moment.seconds * 1e6))
            if isRunning(process) { end(process) }
        }
        for _ in 0..<50 where !processes.isEmpty { usleep(100_000) }
        #expect(processes.isEmpty, "processes are left: \(result.errors)", sourceLocation: location)
        #expect(!result.timedOut, "\(result.errors)", sourceLocation: location)
        return result
    }

    /// The `mpo` that run in this directory, in order of their start.
    var processes: [pid_t] {
        let place = directory.resolvingSymlinksInPath().path
        let all = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
        return all.sorted().filter { process in
            ["mpo\n", "toy-losses\n"].contains(try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8))
                && (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")) == place
        }
    }

    /// Expects the same bytes of every stage in two runs, the same metrics but for what the clock says, and the same steps
    /// in TensorBoard.
    func expectSame(_ run: String = "out", as whole: String = "whole", location: SourceLocation = #_sourceLocation)
        throws
    {
        let stages = try FileManager.default.contentsOfDirectory(atPath: url("\(whole)/stages").path)
        #expect(!stages.isEmpty)
        for stage in stages.sorted() {
            for path in Self.results where has("\(whole)/stages/\(stage)/\(path)") {
                #expect(
                    try data("\(run)/stages/\(stage)/\(path)") == data("\(whole)/stages/\(stage)/\(path)"),
                    "\(stage)/\(path)", sourceLocation: location)
            }
            #expect(!has("\(run)/stages/\(stage)/progress.jsonl"), sourceLocation: location)
        }
        let (resumed, expected) = (try metrics(run).map(\.timeless), try metrics(whole).map(\.timeless))
        #expect(
            resumed.map { "\($0.stage) \($0.step)" } == expected.map { "\($0.stage) \($0.step)" },
            sourceLocation: location)
        for (line, other) in zip(resumed, expected) { #expect(line == other, sourceLocation: location) }
        for (stage, lines) in Dictionary(grouping: expected, by: \.stage) {
            let steps = try EventSteps.visible(in: url("\(run)/tensorboard/\(stage)"))
            #expect(steps == lines.map(\.step), "\(stage)", sourceLocation: location)
        }
    }

    /// What stages leave, where they leave it.
    private static let results = [
        "final/model.safetensors", "critic/model.safetensors", "final/adapter_model.safetensors",
        "critic/adapter_model.safetensors", "final/reward_statistics.json", "easy.jsonl",
        "difficult.jsonl", "pairs.jsonl", "summary.json", "evaluation.json", "samples.jsonl", "merge.json",
    ]

    /// Changes with every start, once all ranks are up.
    private var startTime: Date? {
        try? FileManager.default.attributesOfItem(atPath: url("out/run.json").path)[.modificationDate] as? Date
    }

    private var lineCount: Int {
        (try? data("out/metrics.jsonl"))?.count { $0 == UInt8(ascii: "\n") } ?? 0
    }

    private func isRunning(_ process: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !status.contains(") Z")
    }
}

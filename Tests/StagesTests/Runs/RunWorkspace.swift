import Foundation
import TestSupport
import Testing
import Torch
import Transformers

/// A directory with data and configurations, and `mpo train` to run in it.
struct RunWorkspace {
    let directory: URL
    let base: URL

    /// Why tests of whole runs may be skipped.
    static let needs: Comment = "needs mpirun and stories260K (MPO_SHARED)"
    static let hasNeeds = TestSupport.mpirun != nil && TestSupport.shared != nil

    /// Makes a workspace on the 260K-parameter story model, and removes it after `body`.
    static func with<Result>(_ body: (RunWorkspace) throws -> Result) throws -> Result {
        let base = try #require(TestSupport.shared).appending(path: "models/stories260K")
        return try TestSupport.withTemporaryDirectory { try body(RunWorkspace(directory: $0, base: base)) }
    }

    func url(_ path: String) -> URL { directory.appending(path: path) }

    func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url(path).path) }

    func data(_ path: String) throws -> Data { try Data(contentsOf: url(path)) }

    func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: url(path)) }

    /// Writes `prompts.jsonl`: beginnings of stories as the base model knows them.
    func addOpenings() throws {
        let openings = [
            "Once upon a time, there was a little girl", "One day, a big dog", "Tom and his mom went to",
            "Lily had a red ball.", "There was a small bird who", "Ben liked to play with his",
            "In a big forest, a bear", "Sara wanted to bake a cake.", "The sun was warm and",
            "A boy named Tim found a", "Mia and Max were best friends.", "Once there was an old cat",
            "One sunny day, Anna went outside", "The little fish swam", "Jack had a toy car that",
            "It was a cold night and",
        ]
        try write(openings.map { "{\"prompt\": \"\($0)\"}\n" }.joined(), to: "prompts.jsonl")
    }

    /// Writes the first pairs of the HH-RLHF data to `train.jsonl` and `eval.jsonl`.
    func addPairs(train: Int = 64, eval: Int = 16) throws {
        let shared = try #require(TestSupport.shared)
        for (part, count) in [("train", train), ("eval", eval)] {
            let source = shared.appending(path: "data/hh-harmless-\(part).jsonl.gz").path
            let command = "gzip -dc '\(source)' | head -n \(count) > '\(url("\(part).jsonl").path)'"
            let result = try Job(URL(filePath: "/bin/sh"), ["-c", command]).run()
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    /// Writes `run.yaml` with these lines behind the base model.
    func configure(_ lines: String) throws {
        try write("output_dir: out\nmodel_name_or_path: \(base.path)\n\(lines)\n", to: "run.yaml")
    }

    /// Runs `mpo train run.yaml`, alone or under mpirun, and expects its status.
    @discardableResult
    func train(
        ranks: Int = 1, resume: Bool = false, status: Int32 = 0, _ overrides: [String] = [],
        flags: [String] = [], threads: Int = 1, timeLimit: Double = 300, location: SourceLocation = #_sourceLocation
    ) throws -> Job.Result {
        let result = try job(
            ranks: ranks, resume: resume, overrides, flags: flags, threads: threads, timeLimit: timeLimit
        ).run()
        guard result.status == status, !result.timedOut else {
            throw UnexpectedEnd(ranks: ranks, overrides: overrides, result: result)
        }
        if status == 0, flags.isEmpty {
            #expect(!result.errors.lowercased().contains("warning"), "\(result.errors)", sourceLocation: location)
        }
        return result
    }

    /// `mpo train run.yaml` as a job that has not started.
    func job(
        ranks: Int, resume: Bool = false, _ overrides: [String] = [], flags: [String] = [], threads: Int = 1,
        timeLimit: Double = 120
    ) throws -> Job {
        let arguments =
            ["train", "run.yaml"] + (resume ? ["--resume"] : []) + flags + overrides.flatMap { ["--set", $0] }
        let environment = ["OMP_NUM_THREADS": "\(threads)", "MPO_PROGRESS": "plain"]
        let program = TestSupport.product("mpo")
        return ranks == 1
            ? Job(program, arguments, environment: environment, directory: directory, timeLimit: timeLimit)
            : try Job.mpirun(
                ranks: ranks, program, arguments, environment: environment, directory: directory, timeLimit: timeLimit)
    }

    /// The same under `launch/run`, whose options say how many ranks there are.
    func script(_ options: [String], resume: Bool = false, _ overrides: [String] = []) -> Job {
        let words = options + ["run.yaml"] + (resume ? ["--resume"] : []) + overrides.flatMap { ["--set", $0] }
        return Job(
            TestSupport.repository.appending(path: "launch/run"), words,
            environment: ["MPO_BINARY": TestSupport.product("mpo").path, "MPO_CORES": "2", "MPO_PROGRESS": "plain"],
            directory: directory, timeLimit: 120)
    }

    /// The lines of a run's metrics.
    func metrics(_ run: String = "out") throws -> [MetricsLine] {
        try String(decoding: data("\(run)/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map {
            try MetricsLine(String($0))
        }
    }

    /// The bytes of a model that a stage left.
    func weights(_ run: String, _ stage: String, _ part: String = "final") throws -> Data {
        try data("\(run)/stages/\(stage)/\(part)/model.safetensors")
    }
}

/// A line of `metrics.jsonl`.
struct MetricsLine: Equatable {
    var stage: String
    var step: Int
    var values: [String: Double]

    init(_ text: String) throws {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        stage = try #require(object["stage"] as? String)
        values = object.compactMapValues { ($0 as? NSNumber)?.doubleValue }
        step = Int(try #require(values["step"]))
        #expect(object["non_finite"] == nil, "\(text)")
    }

    /// The line without what depends on the clock.
    var timeless: MetricsLine {
        var line = self
        line.values = values.filter { name, _ in
            name != "time" && !name.hasPrefix("timing/") && !name.hasPrefix("perf/")
        }
        return line
    }
}

/// A run that did not end as it should.
struct UnexpectedEnd: Error, CustomStringConvertible {
    let ranks: Int
    let overrides: [String]
    let result: Job.Result

    var description: String {
        "mpo train on \(ranks) ranks with \(overrides) ended with status \(result.status) after \(result.seconds) s"
            + "\(result.timedOut ? " (time limit)" : ""): \(result.output)\n\(result.errors)"
    }
}

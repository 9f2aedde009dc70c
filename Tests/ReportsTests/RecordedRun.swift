import Foundation
import Reports
import TestSupport

/// A run directory as a test writes it.
struct RecordedRun {
    let directory: URL

    /// Makes a directory of a name in a fresh one, and removes both after `body`.
    static func with<Result>(_ name: String = "run", _ body: (RecordedRun) throws -> Result) throws -> Result {
        try TestSupport.withTemporaryDirectory { parent in
            try body(RecordedRun(parent.appending(path: name)))
        }
    }

    init(_ directory: URL) throws {
        self.directory = directory
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// Writes a file, with the directories that it lies in.
    func write(_ text: String, to name: String) throws {
        let file = directory.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// `run.json` of a run with these stages, by name and type, of which the first ones are done.
    func writeState(
        _ stages: [(name: String, type: String)] = [("sft", "sft"), ("evaluate", "evaluate")], done: Int = 2,
        seed: Int = 1,
        settings: [String: String] = [:]
    ) throws {
        var all = ["seed": "\(seed)", "output_dir": directory.lastPathComponent, "model_name_or_path": "model"]
        all["stages"] = "[\(stages.map(\.name).joined(separator: ", "))]"
        for (name, type) in stages { all["\(name).type"] = type }
        let names = stages.enumerated().map { "0\($0.offset + 1)-\($0.element.name)" }
        let state: [String: Any] = [
            "done": Array(names.prefix(done)), "position": 0, "version": 1,
            "identity": [
                "settings": all.merging(settings) { $1 }, "inputs": [],
                "topology": [
                    "ranks": 1, "workers": [["threads": 2, "cpu": "a CPU"]], "stages": [:],
                    "build": ["version": "0.1.0", "libTorch": "2.13.0", "executable": ["size": 1, "crc32": 2]],
                ],
            ],
        ]
        try JSONSerialization.data(withJSONObject: state).write(to: directory.appending(path: "run.json"))
    }

    /// `metrics.jsonl` of one stage, a line a step, of what `metrics` says of each.
    func writeMetrics(
        stage: String = "01-sft", steps: ClosedRange<Int> = 1...10,
        _ metrics: (Int) -> String = { "\"loss\":\(1.0 / Double($0))" }
    ) throws {
        let lines = steps.map { "{\"stage\":\"\(stage)\",\"step\":\($0),\"time\":\(1000 + $0),\(metrics($0))}\n" }
        try write(lines.joined(), to: "metrics.jsonl")
    }

    /// `evaluation.json` of two policies; the second has this mean score and rate of wins.
    func writeEvaluation(score: Double = 2.5, winRate: Double = 0.75, finished: Double = 1) throws {
        let policies = [("sft", 1.25), ("dpo", score)].map { name, score in
            """
            {"name": "\(name)", "prompts": 4, "mean_score": \(score), "standard_error": 0.5, "mean_length": 7, "finished": \(finished)}
            """
        }
        try write(
            """
            {"policies": [\(policies.joined(separator: ", "))], "matches": [{"policy": "dpo", "against": "sft", "wins": 3,
             "ties": 0, "losses": 1, "win_rate": \(winRate), "low": 0.3, "high": 0.95}]}
            """, to: "stages/02-evaluate/evaluation.json")
    }

    /// `samples.jsonl` of two policies, with these answers of the second.
    func writeSamples(_ answers: [String], prompt: (Int) -> String = { "question \($0)" }) throws {
        let lines = ["sft", "dpo"].flatMap { policy in
            answers.enumerated().map { index, answer in
                let row: [String: Any] = [
                    "policy": policy, "prompt": prompt(index), "completion": policy == "sft" ? "none" : answer,
                    "score": policy == "sft" ? 0 : index, "length": 3,
                ]
                let data = (try? JSONSerialization.data(withJSONObject: row, options: .sortedKeys)) ?? Data()
                return String(decoding: data, as: UTF8.self) + "\n"
            }
        }
        try write(lines.joined(), to: "stages/02-evaluate/samples.jsonl")
    }

    /// A run of two stages that is done, with all files.
    func writeAll() throws {
        try writeState()
        try writeMetrics()
        try writeEvaluation()
        try writeSamples(["yes", "no"])
    }

    var report: Report { get throws { try Report([directory.path]) } }

    /// The page.
    var page: String { get throws { ReportFormat.html.text(of: try report) } }
}

import Commands
import Foundation
import JSON
import Runs
import Stages
import TestSupport

/// A directory with a study's configuration and made-up runs.
struct StudyWorkspace {
    let directory: URL

    /// Makes a workspace, and removes it after `body`.
    static func with(_ body: (StudyWorkspace) throws -> Void) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let workspace = StudyWorkspace(directory: directory)
            try workspace.configure()
            try body(workspace)
        }
    }

    static let stages = "[sft, dpo, ipo, evaluate]"

    /// Writes `study.yaml`.
    func configure(stages: String = stages, _ more: String = "") throws {
        try write(
            """
            output_dir: \(directory.path)/out
            model_name_or_path: model
            dataset: {train: pairs.jsonl, eval: pairs.jsonl}
            stages: \(stages)
            ipo: {type: dpo, loss_type: ipo}
            evaluate: {judge: "rule:count:the"}
            \(more)

            """, to: "study.yaml")
    }

    func plan(seeds: String = "1-2", _ change: (inout StudyOptions) -> Void = { _ in }) throws -> StudyPlan {
        var options = StudyOptions(config: directory.appending(path: "study.yaml").path, seeds: seeds)
        change(&options)
        return try StudyPlan(options, registry: .standard)
    }

    func write(_ text: String, to path: String) throws {
        let file = directory.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Makes the run directory of a run that is finished: `score(arm)` is what its judge said.
    func finish(_ run: StudyRun, data: Int = 7, score: (String) -> Double) throws {
        let plan = RunPlan(run.configuration)
        let place = place(of: run)
        try begin(run, done: plan.stages.map(\.directoryName), data: data)
        let names = Set(plan.stages.map(\.name))
        let policies = ["sft", "dpo", "ipo"].filter(names.contains)
        let numbers = policies.map { name in
            """
            {"name": "\(name)", "prompts": 4, "mean_score": \(score(name)), "mean_length": 10, "finished": 0.5,
             "standard_error": 0.1}
            """
        }
        let pairs = [("dpo", "sft", 3), ("ipo", "sft", 2), ("ipo", "dpo", 1)].filter { names.contains($0.0) }
        let matches = pairs.map { policy, against, wins in
            """
            {"policy": "\(policy)", "against": "\(against)", "wins": \(wins), "ties": 0, "losses": \(4 - wins),
             "win_rate": \(Double(wins) / 4), "low": 0, "high": 1}
            """
        }
        try write(
            "{\"policies\": [\(numbers.joined(separator: ","))], \"matches\": [\(matches.joined(separator: ","))]}",
            to: "\(place)/stages/\(plan.stage(named: "evaluate").directoryName)/evaluation.json")
        try write(
            """
            {"stage":"01-sft","step":2,"time":1.5,"loss":3,"timing/forward":0.5,"num_tokens":100}
            {"stage":"02-dpo","step":2,"time":2,"loss":1,"timing/forward":0.5,"timing/waiting":0.25,"perf/throughput":9,"num_tokens":100}
            {"stage":"02-dpo","step":3,"time":3,"loss":0.5,"timing/forward":2,"timing/waiting":0,"perf/throughput":9,"num_tokens":150}
            {"stage":"03-ipo","step":1,"time":4,"loss":null,"timing/ppo_train":9,"timing/generation":1,"episode":8,\
            "completions/mean_length":4}
            {"stage":"03-ipo","step":2,"time":5,"loss":null,"timing/ppo_train":9,"timing/generation":1,"episode":16,\
            "completions/mean_length":5,"non_finite":{"loss":"NaN"}}

            """, to: "\(place)/metrics.jsonl")
    }

    /// Makes the run directory of a run that a number which is not finite has ended in this stage.
    func diverge(_ run: StudyRun, at stage: String) throws {
        let stages = RunPlan(run.configuration).stages
        try begin(run, done: stages.prefix { $0.name != stage }.map(\.directoryName))
        for planned in stages where planned.name == stage {
            try write("{}", to: "\(place(of: run))/stages/\(planned.directoryName)/\(NonFiniteNote.name)")
        }
    }

    private func place(of run: StudyRun) -> Substring { run.directory.dropFirst(directory.path.count + 1) }

    private func begin(_ run: StudyRun, done: [String], data: Int = 7) throws {
        let settings = run.configuration.settings.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
        let text = JSON.object(JSONObject(uniqueKeysWithValues: settings)).line
        let done = JSON.array(done.map(JSON.string)).line
        try write(
            """
            {"done": \(done), "position": 0, "version": 1, "identity": {
             "settings": \(text),
             "inputs": [{"key": "dataset.train", "files": [{"path": "pairs.jsonl", "contents": {"size": 1, "crc32": \(data)},
              "stamp": {"size": 1, "modified": 0, "inode": 1}}]}],
             "topology": {"ranks": 1, "workers": [{"threads": 1, "cpu": "x"}], "stages": {},
              "build": {"version": "0", "libTorch": "2", "executable": {"size": 1, "crc32": 1}}}}}
            """, to: "\(place(of: run))/run.json")
    }
}

import Foundation
import JSON
import PreferenceData
import Runs
import Stages
import Torch

/// What a stage of a run has left.
package struct StageRecord: Sendable {
    package let name: String
    /// The word for its type; `nil` where nothing says so.
    package let type: String?
    package let directory: URL
    /// Whether `run.json` says that it is done.
    package let isDone: Bool
    /// Its keys, as the configuration was resolved.
    package let settings: [String: String]
    package let curves: StageCurves?
    /// What an `evaluate` stage found.
    package private(set) var evaluation: Evaluation?
    /// Gaps and accuracy, of a `split` stage or of a reward model's held-out pairs.
    package private(set) var gaps: SplitSummary?
    /// Other figures of its `summary.json`.
    package private(set) var facts: [(name: String, value: Double)] = []
    /// What its policies, or candidates, answered.
    package private(set) var answers: AnswerTable?
    /// How many numbers are in the model that it left, an adapter's own where it is one.
    package private(set) var parameters: Int?
    /// What ended it, where a number that is not finite did.
    package let failure: String?
    /// Files that are damaged, or missing though the stage is done.
    package private(set) var problems: [String] = []

    /// - Parameter directoryName: Such as `04-dpo`.
    init(
        _ directoryName: String, in run: RunDirectory, settings: [String: String], curves: StageCurves?, isDone: Bool
    ) {
        name = PlannedStage.name(ofDirectory: directoryName)
        type = settings["type"]
        directory = run.stages.appending(path: directoryName)
        self.isDone = isDone
        self.settings = settings
        self.curves = curves
        failure = isDone ? nil : NonFiniteNote.problem(in: directory)
        readFiles()
    }

    package var directoryName: String { directory.lastPathComponent }

    /// Whether it has begun, as far as its files tell.
    package var hasBegun: Bool { curves != nil || FileManager.default.fileExists(atPath: directory.path) }

    private mutating func readFiles() {
        if let data = data("evaluation.json") {
            evaluation = try? JSONDecoder().decode(Evaluation.self, from: data)
            if evaluation == nil { gaps = try? JSONDecoder().decode(SplitSummary.self, from: data) }
            if evaluation == nil, gaps == nil { note("evaluation.json is damaged") }
        } else if isDone, type == EvaluateStage.type {
            note("evaluation.json is missing or cannot be read")
        }
        if let data = data("summary.json") { readSummary(data) }
        if let table = AnswerTable(of: self) {
            if !table.rows.isEmpty { answers = table }
            if table.damagedLines > 0 {
                let lines = HumanFormat.counted(table.damagedLines, "line")
                problems.append("\(directoryName): \(lines) of its samples cannot be read, and are left out")
            }
        }
        parameters = countParameters()
    }

    private mutating func readSummary(_ data: Data) {
        if let summary = try? JSONDecoder().decode(SplitSummary.self, from: data) {
            gaps = summary
        } else if case .object(let object)? = data.withUnsafeBytes({ try? JSON(parsing: $0) }) {
            facts = object.entries.compactMap { entry in entry.value.double.map { (entry.key, $0) } }
        } else {
            note("summary.json is damaged")
        }
    }

    private mutating func note(_ problem: String) { problems.append("\(directoryName)/\(problem)") }

    private func data(_ name: String) -> Data? { try? Data(contentsOf: directory.appending(path: name)) }

    /// The sizes of all tensors, which the files' heads tell.
    private func countParameters() -> Int? {
        let final = directory.appending(path: "final")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: final.path)) ?? []
        let counts = names.filter { $0.hasSuffix(".safetensors") }.compactMap { name in
            try? SafetensorsFile(final.appending(path: name)).entries.values.reduce(0) { sum, entry in
                sum + entry.shape.reduce(1, *)
            }
        }
        return counts.isEmpty ? nil : counts.reduce(0, +)
    }
}

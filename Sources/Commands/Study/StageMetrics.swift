import Foundation
import JSON
import Runs

/// What the lines of `metrics.jsonl` say of a stage: its last figures, and what it cost.
package struct StageMetrics: Sendable, Equatable {
    /// The figures of the last line, but for times and rates; `nil` for what was not finite.
    package var last: [String: Double?] = [:]
    /// Optimizer steps.
    package var steps: Double?
    /// Tokens learned from: `num_tokens`, or those of the responses where a stage draws them.
    package var tokens: Double?
    /// Seconds of the steps, by their `timing/*`: neither evaluations nor what comes before the first step.
    package var seconds: Double?

    package init() {}

    /// Reads the lines of some stages, by the names of their directories. A stage without lines has none.
    ///
    /// - Throws: ``StudyError`` for a file that cannot be read.
    package static func read(from file: URL, of stages: [String]) throws -> [String: StageMetrics] {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            throw StudyError(
                file.relativePath, "cannot be read", "restore it, or delete the run's directory to run it anew")
        }
        var found: [String: StageMetrics] = [:]
        for (index, line) in text.split(separator: "\n").enumerated() {
            guard case .object(let object)? = try? JSON(parsing: String(line)), let stage = object["stage"]?.text,
                let step = object["step"]?.double
            else {
                throw StudyError(
                    "\(file.relativePath):\(index + 1)", "is no line of metrics",
                    "restore the file, or delete the run's directory to run it anew")
            }
            guard stages.contains(stage) else { continue }
            found[stage, default: StageMetrics()].add(object, step: step)
        }
        return found
    }

    /// A line has means over the steps since the one before.
    private mutating func add(_ line: JSONObject, step: Double) {
        let before = (steps: steps ?? 0, episode: last["episode"].flatMap(\.self) ?? 0)
        steps = step
        last = [:]
        for entry in line.entries where !Self.isApart(entry.key) { last[entry.key] = .some(entry.value.double) }
        let timing = Self.phases.compactMap { line[$0]?.double }
        seconds = (seconds ?? 0) + (step - before.steps) * timing.reduce(0, +)
        if let total = line["num_tokens"]?.double {
            tokens = total
        } else if let episode = line["episode"]?.double, let length = line["completions/mean_length"]?.double {
            tokens = (tokens ?? 0) + (episode - before.episode) * length
        }
    }

    private static let phases = [Phase].ppo.map { "timing/\($0.rawValue)" }

    /// Whether a field is no figure of the stage, or depends on the clock.
    private static func isApart(_ name: String) -> Bool {
        ["stage", "step", "time", "non_finite"].contains(name) || name.hasPrefix("timing/") || name.hasPrefix("perf/")
    }
}

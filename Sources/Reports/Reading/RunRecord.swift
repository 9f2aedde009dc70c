import Foundation
import Runs

/// What a run directory says of its run.
package struct RunRecord: Sendable {
    /// What the report calls it.
    package let name: String
    package let directory: RunDirectory
    /// What the run is, and which stages are done; `nil` where `run.json` is missing or damaged.
    package let state: RunState?
    /// In the order of the run; those that have not begun too.
    package let stages: [StageRecord]
    package let status: RunStatus
    /// What is wrong with its files.
    package let problems: [String]

    /// Reads a directory in which there is a run, whole or not.
    ///
    /// - Throws: ``ReportError`` for a directory that holds no run, or cannot be read.
    package init(_ url: URL, name: String) throws {
        let directory = RunDirectory(url)
        try Self.checkReadable(url)
        guard Self.isRun(url) else { throw ReportError.notARun(url.relativePath) }
        let log = try MetricsLog(directory.metrics)
        var problems: [String] = []
        do {
            state = try RunState.read(from: directory)
            if state == nil {
                problems.append("run.json is missing: what the run was, and whether it is done, is not known")
            }
        } catch {
            state = nil
            problems.append("run.json is damaged: what the run was, and whether it is done, is not known")
        }
        if let line = log.tornLine {
            problems.append("metrics.jsonl:\(line) was cut short, and is left out")
        }
        if let line = log.damagedLines.first {
            let more = log.damagedLines.count - 1
            problems.append(
                "metrics.jsonl:\(line) \(more > 0 ? "and \(more) more are" : "is") no line of metrics, and left out")
        }
        let (found, names) = (state, Self.stageDirectories(directory, state, log))
        stages = names.map { directoryName in
            StageRecord(
                directoryName, in: directory,
                settings: found?.settings(of: PlannedStage.name(ofDirectory: directoryName)) ?? [:],
                curves: log.stages.first { $0.stage == directoryName },
                isDone: found?.done.contains(directoryName) ?? false)
        }
        self.name = name
        self.directory = directory
        self.problems = problems + stages.flatMap(\.problems)
        status = RunStatus(of: directory, found, stages)
    }

    /// Every key of the resolved configuration with its value, as it is written there.
    package var settings: [String: String] { state?.identity.settings ?? [:] }

    package var seed: Int? { settings["seed"].flatMap { Int($0) } }

    /// What a key holds, without the quotes of the file; `nil` for a key that is not there, or null.
    package func setting(_ key: String) -> String? { settings[key].flatMap(SettingText.plain) }

    package func stage(named name: String) -> StageRecord? { stages.first { $0.name == name } }

    /// Whether there is anything of a run in a directory.
    static func isRun(_ url: URL) -> Bool {
        let directory = RunDirectory(url)
        return [directory.state, directory.metrics].contains { FileManager.default.fileExists(atPath: $0.path) }
    }

    static func checkReadable(_ url: URL) throws(ReportError) {
        guard let handle = opendir(url.path) else { throw .unreadable(url, errno) }
        closedir(handle)
    }

    /// The stages that the configuration lists, and where it is not known, those of which something is there.
    private static func stageDirectories(_ directory: RunDirectory, _ state: RunState?, _ log: MetricsLog) -> [String] {
        if let list = state?.identity.settings["stages"] {
            return SettingText.list(list).enumerated().map { PlannedStage.directoryName($0, $1) }
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.stages.path)) ?? []
        return Set(names.filter { !$0.hasPrefix(".") } + log.stages.map(\.stage)).sorted()
    }
}

extension RunState {
    /// A stage's keys without its name.
    fileprivate func settings(of stage: String) -> [String: String] {
        let prefix = "\(stage)."
        let own = identity.settings.filter { $0.key.hasPrefix(prefix) }
        return Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    }
}

/// Values of a configuration as `run.json` holds them: YAML on one line.
package enum SettingText {
    /// Without quotes; `nil` for null.
    package static func plain(_ text: String) -> String? {
        guard text != "null" else { return nil }
        guard text.count > 1, let quote = text.first, quote == "\"" || quote == "'", text.last == quote else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }

    /// The items of a list; one item of what is none.
    package static func list(_ text: String) -> [String] {
        guard text.hasPrefix("["), text.hasSuffix("]") else { return plain(text).map { [$0] } ?? [] }
        return text.dropFirst().dropLast().split(separator: ",").compactMap {
            plain($0.trimmingCharacters(in: .whitespaces))
        }
    }
}

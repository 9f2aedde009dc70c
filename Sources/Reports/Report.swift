import Commands
import Foundation
import JSON
import Runs

/// What there is to tell of a run, of several, or of a study.
package struct Report: Sendable {
    package let title: String
    package let runs: [RunRecord]
    /// How a study's arms compare; `nil` where there is none, or it is not finished.
    package let study: StudyResults?
    /// Whether the runs are one configuration with several seeds, whose numbers have a mean.
    package let isOverSeeds: Bool
    /// What is wrong with the study's own files.
    package let problems: [String]
    /// A colour each for policies, and for runs where several are compared.
    package let palette: Palette
    /// Where the report goes that is not told where: a run's or a study's own directory.
    package let home: URL?
    /// When it was made.
    package let date: Date

    /// - Parameter paths: Directories of runs, or of studies.
    /// - Throws: ``ReportError``
    package init(_ paths: [String], date: Date = Date()) throws {
        let urls = paths.map { URL(filePath: $0, directoryHint: .isDirectory) }
        for (index, url) in urls.enumerated() where urls[..<index].contains(where: { $0.isSameFile(as: url) }) {
            throw ReportError.twice(url.relativePath)
        }
        var (runs, problems) = ([RunRecord](), [String]())
        var study: StudyResults?
        for url in urls {
            try RunRecord.checkReadable(url)
            if RunRecord.isRun(url) {
                runs.append(try RunRecord(url, name: Self.name(of: url, among: urls)))
                continue
            }
            let seeds = try StudyDirectory(url)
            let prefix = urls.count > 1 ? "\(Self.name(of: url, among: urls))/" : ""
            runs += try seeds.runs.map { try RunRecord($0, name: prefix + $0.lastPathComponent) }
            guard urls.count == 1 else { continue }
            study = seeds.results
            problems += seeds.problems
        }
        self.init(
            title: urls.count == 1 ? Self.title(of: urls[0]) : "\(runs.count) runs", runs: runs, study: study,
            problems: problems, home: urls.count == 1 ? urls[0] : nil, date: date)
    }

    private init(
        title: String, runs: [RunRecord], study: StudyResults?, problems: [String], home: URL?, date: Date
    ) {
        (self.title, self.runs, self.study, self.problems) = (title, runs, study, problems)
        (self.home, self.date) = (home, date)
        isOverSeeds = runs.count > 1 && Self.differOnlyInSeed(runs)
        let policies = runs.flatMap { run in run.stages.flatMap { $0.evaluation?.policies.map(\.name) ?? [] } }
        let stages = runs.flatMap { $0.stages.filter { $0.curves != nil }.map(\.name) }
        let coloured = runs.count > 1 && !isOverSeeds ? runs.map(\.name) : []
        palette = Palette(coloured + policies + (coloured.isEmpty ? stages : []))
    }

    /// The names of all stages, in the order of the runs.
    package var stageNames: [String] {
        var names: [String] = []
        for stage in runs.flatMap(\.stages) where !names.contains(stage.name) { names.append(stage.name) }
        return names
    }

    /// A path as it was given, or the last two of its directories where it is long.
    private static func title(of url: URL) -> String {
        let path = url.relativePath
        guard path.hasPrefix("/") || path.hasPrefix(".") else { return path }
        return url.standardizedFileURL.path.split(separator: "/").suffix(2).joined(separator: "/")
    }

    /// The last directories of a path that tell it from the others.
    private static func name(of url: URL, among urls: [URL]) -> String {
        let parts = url.standardizedFileURL.path.split(separator: "/").map(String.init)
        let others = urls.filter { $0 != url }.map {
            $0.standardizedFileURL.path.split(separator: "/").map(String.init)
        }
        for count in 1...max(1, parts.count) where !others.contains(where: { $0.suffix(count) == parts.suffix(count) })
        {
            return parts.suffix(count).joined(separator: "/")
        }
        return url.relativePath
    }

    private static func differOnlyInSeed(_ runs: [RunRecord]) -> Bool {
        func others(_ run: RunRecord) -> [String: String] {
            run.settings.filter { !["seed", "output_dir"].contains($0.key) }
        }
        let first = others(runs[0])
        return !first.isEmpty && runs.allSatisfy { others($0) == first } && Set(runs.map(\.seed)).count == runs.count
    }
}

/// The directory that `launch/study` fills: `study.json`, and a run a seed.
struct StudyDirectory {
    /// In the order of their seeds.
    let runs: [URL]
    /// `nil` while seeds are missing.
    let results: StudyResults?
    let problems: [String]

    /// - Throws: ``ReportError`` where there is no seed's run.
    init(_ url: URL) throws(ReportError) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        let seeds = names.compactMap { name in name.hasPrefix("seed-") ? Int(name.dropFirst(5)) : nil }.sorted()
        runs = seeds.map { url.appending(path: "seed-\($0)") }.filter(RunRecord.isRun)
        guard !runs.isEmpty else { throw .notARun(url.relativePath) }
        let file = url.appending(path: "study.json")
        guard let data = try? Data(contentsOf: file) else {
            results = nil
            problems = [
                "study.json is not there: the study has not ended, and what is said over seeds is of those that there are"
            ]
            return
        }
        let found = try? JSONDecoder().decode(StudyResults.self, from: data)
        results = found
        let present = Set(runs.compactMap { Int($0.lastPathComponent.dropFirst(5)) })
        let missing = (found?.seeds ?? []).filter { !present.contains($0) }
        problems =
            found == nil
            ? ["study.json is damaged, and left out: launch/study writes it anew"]
            : missing.map { "seed-\($0) is not there, though study.json counts it" }
    }
}

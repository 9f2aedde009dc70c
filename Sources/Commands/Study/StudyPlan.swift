import Configuration
import Foundation
import Runs
import Stages

/// A study as it is asked for.
package struct StudyOptions: Sendable {
    /// The path of the configuration whose stages are the arms.
    package var config: String
    /// `KEY=VALUE` over the file's values.
    package var overrides: [String] = []
    /// The seeds, as a ``SeedList``.
    package var seeds: String
    /// See ``StudyComparison``.
    package var arms: String?
    package var baseline: String?
    package var evaluation: String?
    /// See ``StudyTuning``.
    package var tune: [String] = []
    package var tuneSeeds: String?
    /// Metrics that the table shows as well, with commas between.
    package var show: String?

    package init(config: String, seeds: String) { (self.config, self.seeds) = (config, seeds) }
}

/// The runs of a study, in the `output_dir` of its configuration: those that tune first, and then a run a seed.
package struct StudyPlan: Sendable {
    package let comparison: StudyComparison
    package let seeds: [Int]
    package let tuning: StudyTuning?
    /// The directory of all runs.
    package let directory: String
    /// Those that tune, values in order and a value's seeds in order; see ``StudyTrial`` for what becomes of an arm that
    /// diverges.
    package let tuningRuns: [[StudyRun]]

    private let options: StudyOptions
    private let registry: Registry

    /// Checks all that can be known before a run starts.
    ///
    /// - Throws: ``StudyError``, ``ConfigurationError``
    package init(_ options: StudyOptions, registry: Registry) throws {
        (self.options, self.registry) = (options, registry)
        if let override = options.overrides.first(where: { $0.hasPrefix("seed=") }) {
            throw StudyError("--set \(override)", "the seeds of a study are those of --seeds", "leave it out")
        }
        seeds = try SeedList(options.seeds, option: "--seeds").seeds
        guard seeds.count > 1 else {
            throw StudyError(
                "--seeds", "one seed gives no interval", "give two or more, such as \(seeds[0])-\(seeds[0] + 4)")
        }
        let configuration = try RunConfiguration(
            contentsOf: options.config, overrides: options.overrides, registry: registry)
        directory = configuration.outputDir
        comparison = try StudyComparison(
            of: configuration, arms: options.arms, baseline: options.baseline, evaluation: options.evaluation)
        tuning = try StudyTuning(
            options.tune, seeds: options.tuneSeeds, besides: seeds, comparison, of: configuration)
        let maker = StudyRunMaker(options, registry, comparison)
        tuningRuns = try tuning.map { try Self.runs($0, in: configuration.outputDir, maker) } ?? []
    }

    /// The first run that is not finished, with how far it has come; `nil` once all are.
    ///
    /// - Throws: ``StudyError`` where a directory holds a run of another configuration, or where the first run that is
    ///   finished shows that no arm has a metric that the table is to show.
    package func next() throws -> (run: StudyRun, progress: StudyRun.Progress)? {
        try firstLeft(trials().flatMap(\.self).compactMap(\.run)) ?? firstLeft(mainRuns())
    }

    private func firstLeft(_ runs: [StudyRun]) throws -> (run: StudyRun, progress: StudyRun.Progress)? {
        // All are looked at, so that a directory that is in the way is told at once.
        let found = try runs.map { ($0, try $0.progress()) }
        let names = Set(comparison.arms)
        let whole = found.first { $0.1 == .finished && names.isSubset(of: $0.0.configuration.stages.map(\.name)) }
        if let run = whole?.0 {
            try StudyResults.checkShown(
                shown, among: SeedOutcome(run, comparison).arms.values.map(\.training.last.keys))
        }
        return found.first { $0.1 != .finished }
    }

    /// The runs that tune, less the arms that diverged in them.
    private func trials() throws -> [[StudyTrial]] {
        guard let tuning else { return [] }
        return try zip(tuning.values, tuningRuns).map { value, runs in
            try runs.map { run in
                try StudyTrial(of: run, comparison, tuning: tuning, value: value) { directory, overrides, addition in
                    try StudyRun(
                        title: "\(run.title) \(addition)", seed: run.seed, directory: directory, of: options,
                        overrides: overrides, registry: registry)
                }
            }
        }
    }

    /// A run a seed, with what was chosen for each arm.
    ///
    /// - Throws: ``StudyError`` where runs that tune are not finished.
    package func mainRuns() throws -> [StudyRun] {
        let tuned = try tuningReport().flatMap { report in tuning?.overrides(report.choices) } ?? []
        let maker = StudyRunMaker(options, registry, comparison)
        return try seeds.enumerated().map { index, seed in
            try maker(
                "seed \(seed) (\(index + 1) of \(seeds.count))", seed: seed, directory: "\(directory)/seed-\(seed)",
                overrides: tuned)
        }
    }

    /// What was tried and chosen; `nil` where nothing is tuned.
    package func tuningReport() throws -> TuningReport? {
        guard let tuning else { return nil }
        let evaluations = try trials().map { trials in
            try trials.map { trial in
                guard let run = trial.run else { return nil as Evaluation? }
                try Self.checkFinished(run)
                return try run.evaluation(
                    comparison.evaluation, of: tuning.arms.filter { !trial.diverged.contains($0) })
            }
        }
        return try TuningReport(tuning, evaluations)
    }

    /// What the finished runs say.
    ///
    /// - Throws: ``StudyError`` where one is not finished, or read other data than others.
    package func results() throws -> StudyResults {
        let runs = try mainRuns()
        for run in runs { try Self.checkFinished(run) }
        try Self.checkData(of: runs + trials().flatMap(\.self).compactMap(\.run))
        let outcomes = try runs.map { try SeedOutcome($0, comparison) }
        let results = StudyResults(outcomes, comparison, tuning: try tuningReport())
        try results.checkShown(shown)
        return results
    }

    /// Metrics to be shown as well.
    package var shown: [String] { options.show?.split(separator: ",").map(String.init) ?? [] }

    private static func checkFinished(_ run: StudyRun) throws {
        guard try run.progress() == .finished else {
            throw StudyError(run.directory, "\(run.title) is not finished", "launch/study runs what is left")
        }
    }

    /// Checks that all runs have read the same as the first.
    private static func checkData(of runs: [StudyRun]) throws {
        guard let first = runs.first else { return }
        let expected = Dictionary(try first.inputs().map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        for run in runs {
            let difference = try run.inputs().lazy.compactMap { input in
                expected[input.key].flatMap { input.difference(from: $0) }
            }.first
            guard let difference else { continue }
            throw StudyError(
                run.directory, "\(run.title) read something else than \(first.title): \(difference)",
                "delete the directories of the runs that read the wrong files, and start the study again")
        }
    }

    private static func runs(
        _ tuning: StudyTuning, in directory: String, _ maker: StudyRunMaker
    ) throws -> [[StudyRun]] {
        var tried: [(value: String, settings: [String: String])] = []
        return try tuning.values.map { value in
            let folder = "\(directory)/tune/\(tuning.key)-\(fileName(value))"
            let overrides = tuning.overrides(trying: value)
            let runs = try tuning.seeds.map { seed in
                do {
                    return try maker(
                        "\(tuning.key) \(value) on seed \(seed)", seed: seed, directory: "\(folder)/seed-\(seed)",
                        overrides: overrides)
                } catch let error as ConfigurationError where overrides.map({ .override($0) }).contains(error.origin) {
                    let arm = tuning.arms.first { error.key?.hasPrefix("\($0).") == true }
                    let others = tuning.arms.count > 1 ? arm.map { ", or leave \($0) out of --arms" } ?? "" : ""
                    throw StudyError("--tune \(tuning.key)=\(value)", error.problem, "try other values\(others)")
                }
            }
            let settings = (runs.first?.configuration.settings ?? [:]).filter { $0.key != "output_dir" }
            if let twin = tried.first(where: { $0.settings == settings }) {
                throw StudyError("--tune", "\(twin.value) and \(value) are one value of \(tuning.key)", "keep one")
            }
            tried.append((value, settings))
            return runs
        }
    }

    /// A value as the name of a directory.
    private static func fileName(_ value: String) -> String {
        let kept = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_")
        return value.addingPercentEncoding(withAllowedCharacters: kept) ?? value
    }
}

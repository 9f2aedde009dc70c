import Configuration
import Runs

/// One key of every arm, whose values are tried on seeds of their own, with the same budget for each arm.
package struct StudyTuning: Sendable, Equatable {
    /// As it was given: of each arm that has it, or with an arm's name before a point.
    package let key: String
    package let values: [String]
    package let seeds: [Int]
    /// The arms that have the key.
    package let arms: [String]
    /// The others, which go on as they are configured; none where one arm's key was named.
    package let untouched: [String]
    /// The key within an arm's block.
    private let armKey: String

    /// - Parameters:
    ///   - texts: What `--tune` was given: `KEY=V1,V2`, once.
    ///   - tuneSeeds: What `--tune-seeds` was given.
    ///   - seeds: The study's own.
    /// - Returns: `nil` where there is nothing to tune.
    package init?(
        _ texts: [String], seeds tuneSeeds: String?, besides seeds: [Int], _ comparison: StudyComparison,
        of configuration: RunConfiguration
    ) throws {
        guard let text = texts.first else {
            guard tuneSeeds == nil else {
                throw StudyError("--tune-seeds", "nothing is tuned on them", "add --tune KEY=V1,V2, or leave it out")
            }
            return nil
        }
        guard texts.count == 1 else { throw StudyError("--tune", "is given twice", "tune one key in a study") }
        (key, values) = try Self.parse(text)
        guard let tuneSeeds else {
            throw StudyError("--tune", "no seeds to tune on", "add --tune-seeds, such as 90-92")
        }
        self.seeds = try SeedList(tuneSeeds, option: "--tune-seeds").seeds
        if let shared = self.seeds.first(where: seeds.contains) {
            throw StudyError(
                "--tune-seeds", "seed \(shared) is one of --seeds, where its luck would count for the choice",
                "tune on other seeds")
        }
        (arms, armKey) = try Self.arms(key, comparison, of: configuration)
        let (held, isOfOne) = (arms, armKey != key)
        untouched = isOfOne ? [] : comparison.arms.filter { !held.contains($0) }
        try Self.checkApart(arms, key: key, of: configuration)
    }

    /// The overrides of a run that tries a value.
    package func overrides(trying value: String) -> [String] { overrides(arms.map { ($0, value) }) }

    /// The overrides of a run in which each arm has the value that was chosen for it.
    package func overrides(_ chosen: [(arm: String, value: String)]) -> [String] {
        chosen.map { "\($0.arm).\(armKey)=\($0.value)" }
    }

    /// What to know before the first run: which arms have no such key, and so no such budget.
    package var note: String? {
        guard !untouched.isEmpty else { return nil }
        let (has, goes) = untouched.count == 1 ? ("has", "goes") : ("have", "go")
        return
            "--tune tries values for \(arms.joined(separator: ", ")); \(untouched.joined(separator: ", ")) \(has) no key "
            + "'\(key)' and \(goes) on as configured"
    }

    private static func parse(_ text: String) throws -> (key: String, values: [String]) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let values = parts.count == 2 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : []
        guard !parts[0].isEmpty, !values.isEmpty, values.allSatisfy({ !$0.isEmpty }) else {
            throw StudyError("--tune", "'\(text)' is not of the form KEY=V1,V2", "write learning_rate=1e-5,1e-4")
        }
        guard values.count > 1 else {
            throw StudyError("--tune", "one value of \(parts[0]) is no choice", "give several, or set it by --set")
        }
        return (parts[0], values.map(String.init))
    }

    private static func arms(
        _ key: String, _ comparison: StudyComparison, of configuration: RunConfiguration
    ) throws -> (arms: [String], key: String) {
        let parts = key.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        func keys(_ arm: String) -> [String] { configuration.stage(named: arm)?.stage.keys ?? [] }
        if parts.count == 2, configuration.stage(named: parts[0]) != nil {
            let arm = parts[0]
            guard comparison.arms.contains(arm) else {
                throw StudyError(
                    "--tune", "'\(arm)' is no arm",
                    StudyComparison.choices(arm, comparison.arms, "a stage that arms share is set by --set; arms"))
            }
            return (try holding(parts[1], [arm], keys), parts[1])
        }
        return (try holding(key, comparison.arms, keys), key)
    }

    /// Checks that none starts from another, or reads it in some other way: the value that is tried on the one would count for
    /// both.
    private static func checkApart(_ arms: [String], key: String, of configuration: RunConfiguration) throws {
        func reads(_ name: String, _ other: String) -> Bool {
            (configuration.stage(named: name)?.inputs ?? []).contains { input in
                guard case .stage(let stage, _) = input.reference else { return false }
                return stage == other || reads(stage, other)
            }
        }
        for arm in arms {
            guard let reader = arms.first(where: { reads($0, arm) }) else { continue }
            throw StudyError(
                "--tune", "\(reader) reads what \(arm) leaves, so that \(arm)'s \(key) would count for both",
                "leave \(arm) out of --arms (it can be the --baseline), or tune ARM.KEY")
        }
    }

    /// The arms that have a key.
    private static func holding(_ key: String, _ arms: [String], _ keys: (String) -> [String]) throws -> [String] {
        let word = key
        let holders = arms.filter { keys($0).contains(word) }
        guard holders.isEmpty else { return holders }
        let nearest = NearestName.of(word, in: Set(arms.flatMap(keys)).sorted()).map { "did you mean \($0)? " } ?? ""
        throw StudyError(
            "--tune", "no arm has a key '\(key)' (\(arms.joined(separator: ", ")))",
            "\(nearest)'mpo train CONFIG --print-config' prints all keys")
    }
}

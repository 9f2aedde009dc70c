/// Who computes what in a start of a run, as `run.json` keeps it.
///
/// Order and randomness never depend on it, but rounding does. A stage's bytes are a function of
/// - its learners, in order: how many they are, and the threads and CPU of each, since gradients are summed over them;
/// - the threads and CPU of those who sample or score, but not their number: each sample and score is computed by itself.
///
/// Offline training has all workers for learners; `split`, `sample`, `merge` and `evaluate` have none. Ranks, placement and
/// workers may change as long as these stay the same in every stage that is still ahead.
package struct Topology: Codable, Equatable {
    package var ranks: Int
    package var build: BuildIdentity
    /// What each worker computes on.
    package var workers: [Processor]
    /// By the stage's name.
    package var stages: [String: StageRoles]

    package init(_ configuration: RunConfiguration, build: BuildIdentity, ranks: [Processor]) {
        self.ranks = ranks.count
        self.build = build
        // Rank zero computes nothing, unless it is alone.
        workers = ranks.count == 1 ? ranks : Array(ranks.dropFirst())
        stages = [:]
        for stage in configuration.stages {
            stages[stage.name] = stage.stage.roles(workers: workers.count)
        }
    }

    /// Whether all roles are of workers that it has, which one read from a file need not hold.
    package var isWhole: Bool {
        stages.values.allSatisfy { ($0.learners + $0.samplers).allSatisfy(workers.indices.contains) }
    }

    /// What a stage's rounding depends on; `nil` for a stage that this topology does not have.
    package func rounding(of stage: String) -> StageRounding? {
        guard let roles = stages[stage] else { return nil }
        let samplers = roles.samplers.map { workers[$0] }
        return StageRounding(
            learners: roles.learners.map { workers[$0] }, samplers: Set(samplers).count == 1 ? [samplers[0]] : samplers)
    }

    /// What changes the rounding of stages that are still ahead, each as `learners: 2 then, 3 now (sft, dpo)`.
    package func differences(from earlier: Topology, ahead: [String]) -> [String] {
        guard !ahead.isEmpty else { return [] }
        var differences: [String] = []
        if build != earlier.build { differences.append("build: \(earlier.build.text) then, \(build.text) now") }
        var stages: [(change: String, names: [String])] = []
        for name in ahead {
            guard let then = earlier.rounding(of: name), let now = rounding(of: name) else { continue }
            for change in now.differences(from: then) {
                if let index = stages.firstIndex(where: { $0.change == change }) {
                    stages[index].names.append(name)
                } else {
                    stages.append((change, [name]))
                }
            }
        }
        return differences + stages.map { "\($0.change) (\($0.names.joined(separator: ", ")))" }
    }
}

/// What the rounding of a stage depends on.
package struct StageRounding: Equatable {
    /// In order.
    package var learners: [Processor]
    /// One where all are alike.
    package var samplers: [Processor]

    /// Each as `threads a rank: 2 then, 1 now`.
    package func differences(from earlier: StageRounding) -> [String] {
        guard learners.count == earlier.learners.count else {
            return ["learners: \(earlier.learners.count) then, \(learners.count) now"]
        }
        return [
            Self.difference("threads a rank", earlier.all.map { "\($0.threads)" }, all.map { "\($0.threads)" }),
            Self.difference("CPU", earlier.all.map(\.cpu), all.map(\.cpu)),
            Self.difference("card", earlier.all.map { $0.card ?? "none" }, all.map { $0.card ?? "none" }),
        ].compactMap(\.self)
    }

    private var all: [Processor] { learners + samplers }

    private static func difference(_ item: String, _ then: [String], _ now: [String]) -> String? {
        func text(_ values: [String]) -> String {
            Set(values).count == 1 ? values[0] : values.joined(separator: "+")
        }
        return then == now ? nil : "\(item): \(text(then)) then, \(text(now)) now"
    }
}

import Configuration
import PreferenceData
import Runs
import Training

/// BMC's bridging (arXiv 2408.07471): a program edits the losing answer towards the winning one, and the pair that is left is
/// the edited answer over the one that it was.
///
/// Tokens are not asked for: their masks are made where the loss reads the pairs (`loss_type: bmc`).
package struct BridgeStage: Stage {
    package static let type = "bridge"
    package static let leaves: StageOutput? = .pairs(parts: [])
    package static let keyMetrics: [String] = []

    package var options = BridgeOptions()
    /// Whether the pairs that it reads have an order that is worth keeping.
    package private(set) var leavesOrder = false

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("pairs") {
            options.pairs = try scope.rows(from: [(SplitStage.type, "easy"), (SampleStage.type, nil)], for: "pairs")
        }
        guard scope.given.contains("command") else {
            throw scope.error("command", "missing", "give the program that edits, as in command: python3 edit.py")
        }
        try scope.checkInputs(of: self)
        leavesOrder = scope.isOrdered(options.pairs)
    }

    package func check(in run: RunConfiguration, name: String) throws { try run.checkColumns(ofRowsMadeBy: name) }

    package func check(at start: StageStart) throws { try start.checkProgram(options.command, for: "command") }
    package func limits() throws -> LengthLimits { .none }
    package var longestSequence: (length: Int, key: String) { (0, "pairs") }
    package func roles(workers: Int) -> StageRoles { .allSample(workers) }

    package func expectedRows(part: String?, _ counter: ExampleCounter) throws -> ExampleCount? {
        try counter.records(options.pairs, as: PreferencePair.self).map {
            ExampleCount(examples: $0.examples, isEstimate: true)
        }
    }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        StageForecast(
            configuration: stage, roles: planner.workers("editor", MemoryEstimate()),
            batches: Batches(
                unit: "pairs", count: try planner.counter.records(options.pairs, as: PreferencePair.self),
                learners: planner.workerCount, maxTokens: 0))
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        try BridgeCoordinator(stage, options, plan)
    }

    /// Pairs that a program may read ahead of its answers: what a stop asks again is no more.
    private static let askedTogether = 16

    package func run(on context: StageContext) throws {
        var mine: [PreferencePair] = []
        let reading = try context.readPairs(options.pairs) { mine.append($0) }
        try context.note(reading.text)
        try context.begin(total: reading.count, unit: "pair", step: context.done.count)
        let program = CommandProgram(
            options.command, answering: .completion, timeout: context.programTimeout)
        for start in stride(from: 0, to: mine.count, by: Self.askedTogether) {
            try context.stopAlone()
            let part = Array(mine[start..<min(mine.count, start + Self.askedTogether)])
            var left = part[...]
            try program.ask(part.count, question: { part[$0].content }) { completion in
                context.workers.noteProgress()
                // At once, so that an answer which came is never asked for again.
                try context.link.send(EditedAnswerMessage(index: left.removeFirst().index, completion))
                try context.link.report(.advanced(1))
                try context.stopAlone()
            }
        }
    }
}

extension StageContext {
    /// Reads pairs, and shows `visit` this worker's share of those that are left to do, which are dealt out in turn.
    fileprivate func readPairs(
        _ references: [ArtifactReference], _ visit: (PreferencePair) -> Void
    ) throws -> Dataset<PreferencePair>.Reading {
        var left = 0
        return try Dataset<PreferencePair>.read(
            data.files(references), onBadRecord: configuration.dataset.onBadRecord,
            columns: configuration.dataset.columns
        ) { pair in
            guard !done.contains(ItemKey(index: pair.index)) else { return }
            if left % workers.size == workers.rank { visit(pair) }
            left += 1
        }
    }
}

import Configuration
import Foundation
import PreferenceData
import Runs

/// A stage that comes from outside the sources: it counts the tokens of its prompts, each worker those of its share, and says on
/// rank zero how many there are.
struct ToyStage: Stage {
    struct Options: KeyedOptions, Equatable {
        var prompts: [ArtifactReference] = [.dataset(.train)]
        /// What each token counts.
        var weight = 1
        var prompt = PromptOptions()

        static let fields = Field<Self>.list {
            Field.input("prompts", \.prompts, .rows(.prompts), "Data whose prompts are counted.")
            Field("weight", \.weight, .atLeast(1), effect: .concluding, "What each token counts.")
            embed(\.prompt, default: "the dataset's")
        }
    }

    static let type = "toy"
    static let leaves: StageOutput? = nil
    static let keyMetrics: [String] = []

    var options = Options()

    mutating func resolve(in scope: StageScope) throws {
        options.prompt.inherit(scope)
        try scope.checkInputs(of: self)
    }

    func limits() throws -> LengthLimits { try options.prompt.limits() }
    var longestSequence: (length: Int, key: String) { (options.prompt.maxPromptLength, "max_prompt_length") }
    func roles(workers: Int) -> StageRoles { .allSample(workers) }

    func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let count = try planner.counter.prompts(options.prompts, options.prompt)
        return StageForecast(
            configuration: stage, roles: planner.workers("counter", MemoryEstimate()),
            batches: Batches(unit: "prompts", count: count, learners: planner.workerCount, maxTokens: 1))
    }

    func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) -> any StageCoordinator {
        ToyCoordinator(stage, weight: options.weight)
    }

    func run(on context: StageContext) throws {
        let prompts = try context.data.prompts(options.prompts, options.prompt)
        try context.begin(total: prompts.examples.count, unit: "prompt")
        let share = context.workers.rank
        let mine = prompts.examples.enumerated().filter { $0.offset % context.workers.size == share }
        let tokens = mine.reduce(0) { $0 + $1.element.tokenCount }
        try context.link.send(ToyMessage(tokens: tokens))
        try context.link.report(.advanced(mine.count))
    }
}

/// What a worker has counted.
struct ToyMessage: StageMessage {
    static let kind = "toy tokens"
    let tokens: Int
}

/// Adds up what the workers have counted.
final class ToyCoordinator: StageCoordinator {
    private let stage: PlannedStage
    private let weight: Int
    private var tokens = 0

    init(_ stage: PlannedStage, weight: Int) { (self.stage, self.weight) = (stage, weight) }

    func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        tokens += try message.read(ToyMessage.self)?.tokens ?? 0
        return []
    }

    func finish() throws -> [String] {
        try OutputFile.write(Data("\(tokens * weight)\n".utf8), to: stage.directory.appending(path: "tokens.txt"))
        return ["  \(stage.name): \(tokens * weight)"]
    }
}

import Configuration
import PreferenceData

/// One type of stage with its options: what it reads, does and leaves.
///
/// A conforming value lies in ``Registry/stages`` with the defaults of its options, and in a ``StageConfiguration`` with those
/// that a run resolved. Everything else, from `--print-config` to a resume, goes by what is said here.
package protocol Stage: Sendable {
    /// The options, whose keys stand in the stage's block.
    associatedtype Options: KeyedOptions, Equatable

    /// The word that names the type in a configuration.
    static var type: String { get }
    /// What it leaves for later stages; `nil` for nothing that they can read.
    static var leaves: StageOutput? { get }
    /// What this one leaves, where that depends on its options.
    var leaves: StageOutput? { get }
    /// The metrics that tell how it is doing, most telling first.
    static var keyMetrics: [String] { get }

    /// Its options.
    var options: Options { get set }
    /// The keys of its block, inputs among them.
    var fields: [Field<Options>] { get }

    /// Fills what was not given from the run and the stages before, and checks what was.
    ///
    /// - Throws: ``ConfigurationError``
    mutating func resolve(in scope: StageScope) throws
    /// Checks it against the whole run, once every stage is resolved.
    ///
    /// - Throws: ``ConfigurationError``
    func check(in run: RunConfiguration, name: String) throws
    /// Checks what only a start can tell, such as whether there are ranks enough, or a reward's program is there.
    func check(at start: StageStart) throws

    /// How long its examples or prompts may be.
    func limits() throws -> LengthLimits
    /// The longest sequence that it puts into a model, and the key that bounds it.
    var longestSequence: (length: Int, key: String) { get }
    /// What its policy sees in front of each prompt.
    var promptPrefix: String { get }
    /// What it learns of completions.
    var learnedTokens: LearnedTokens { get }
    /// Where its models compute; `nil` for a stage that computes by none.
    var compute: ComputeOptions? { get }
    /// How it asks models behind servers; `nil` for a stage that has no reward.
    var judging: JudgeOptions? { get }
    /// Whether it trains an adapter, and which; `nil` for a stage that trains nothing.
    var adapter: AdapterOptions? { get }
    /// How many rows of its data it takes, from the first on; `nil` for all.
    var rowLimit: Int? { get }
    /// Whether held-out data decides which of its models it leaves.
    var leavesBestModel: Bool { get }
    /// Whether the rows that it leaves have an order that is worth keeping.
    var leavesOrder: Bool { get }
    /// How many rows it will leave in a part, as far as its input says; `nil` where that is not known.
    func expectedRows(part: String?, _ counter: ExampleCounter) throws -> ExampleCount?

    /// Which workers do what.
    func roles(workers: Int) -> StageRoles
    /// What each rank does and holds, and how batches are divided.
    func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast

    /// What rank zero does with the workers' reports.
    func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator
    /// A worker's part.
    ///
    /// - Throws: ``StageStopped`` where the run is to stop before the stage is done.
    func run(on context: StageContext) throws
}

extension Stage {
    package var fields: [Field<Options>] { options.fields }
    package func check(in run: RunConfiguration, name: String) throws {}
    package func check(at start: StageStart) throws {}
    package var promptPrefix: String { "" }
    package var learnedTokens: LearnedTokens { .completion }
    package var compute: ComputeOptions? { nil }
    package var judging: JudgeOptions? { nil }
    package var adapter: AdapterOptions? { nil }
    package var rowLimit: Int? { nil }
    package var leavesBestModel: Bool { false }
    package var leavesOrder: Bool { false }
    package func expectedRows(part: String?, _ counter: ExampleCounter) throws -> ExampleCount? { nil }
    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        WatchingCoordinator()
    }

    /// The word that names the type in a configuration.
    package var type: String { Self.type }
    package var leaves: StageOutput? { Self.leaves }
    /// The keys of its block.
    package var keys: [String] { fields.map(\.key) }
    /// Its keys with their values.
    package var entries: [ConfigurationNode.Entry] {
        ConfigurationNode.Entry.list(fields, of: options)
    }
    /// What a change of a key means for a run that is resumed; `nil` for a key that the stage does not have.
    package func effect(ofKey key: String) -> ResumeEffect? { fields.first { $0.key == key }?.effect }

    /// Everything that it reads, one reference after another, with a critic or reference that is the same as another input
    /// under its own key.
    package var inputs: [StageInput] {
        fields.flatMap { field -> [StageInput] in
            guard let input = field.role as? InputRole else { return [] }
            let references = [ArtifactReference](field.write(options)) ?? []
            return references.map { StageInput(key: field.key, reference: $0, role: input) }
        }
    }

    /// The same stage with the keys of a block read into its options, and which those are.
    package func reading(
        _ node: ConfigurationNode, name: String, with reader: inout ConfigurationReader,
        elsewhere: (String) -> [String]
    ) throws -> (stage: any Stage, given: Set<String>) {
        var stage = self
        let given = try reader.read(
            &stage.options, fields: fields, defaults: options, from: node, block: name, others: ["type"],
            elsewhere: elsewhere)
        return (stage, given)
    }
}

/// The kinds of thing that a stage leaves.
package enum StageOutput: Sendable, Equatable {
    /// A language model.
    case policy
    /// A model with a score head.
    case rewardModel
    /// Preference pairs, whose prompts serve as prompts too: in one file, or in a file each part.
    case pairs(parts: [String])
    /// Prompts with a completion each.
    case completions

    /// The names of the files that rows are in; none of what is a model.
    package var fileNames: [String] {
        switch self {
        case .policy, .rewardModel: []
        case .pairs(let parts): (parts.isEmpty ? ["pairs"] : parts).map { "\($0).jsonl" }
        case .completions: ["completions.jsonl"]
        }
    }
}

/// Which workers learn in a stage, and which compute samples or scores, each by itself.
package struct StageRoles: Codable, Equatable, Sendable {
    package var learners: [Int]
    package var samplers: [Int]

    package init(learners: [Int], samplers: [Int]) { (self.learners, self.samplers) = (learners, samplers) }

    /// Every worker learns.
    package static func allLearn(_ workers: Int) -> StageRoles {
        StageRoles(learners: Array(0..<workers), samplers: [])
    }

    /// Every worker samples or scores.
    package static func allSample(_ workers: Int) -> StageRoles {
        StageRoles(learners: [], samplers: Array(0..<workers))
    }
}

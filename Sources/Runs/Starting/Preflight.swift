import Foundation
import Tokenizers
import Transformers

/// Looks at all a run will read before anything is trained or written.
package struct Preflight {
    package let plan: RunPlan
    private let workerCount: Int
    private let ranks: Int

    package init(_ plan: RunPlan, workerCount: Int, ranks: Int) {
        self.plan = plan
        self.workerCount = workerCount
        self.ranks = ranks
    }

    package var configuration: RunConfiguration { plan.configuration }

    private var families: ModelFamilies { configuration.registry.families }

    /// - Parameter readsData: Whether to read all data and weights through.
    /// - Throws: the first mistake found, with its place and a way out.
    package func check(readsData: Bool = true) throws {
        try configuration.checkFiles()
        let text = try TextPipeline(configuration)
        _ = try text.exampleTokenizer(.none)
        try checkModels(text)
        try checkTokenizers(text)
        try checkHeads()
        try checkAdapters()
        for stage in plan.stages {
            try stage.configuration.stage.check(
                at: StageStart(name: stage.name, plan: plan, text: text, workers: workerCount, ranks: ranks))
        }
        try checkLengths()
        if readsData { try checkWeights() }
        var data = DataCheck(plan, text, readsAll: readsData)
        for stage in plan.stages { try data(stage) }
    }

    /// What to know of stages whose sequences may be so long that the models' positions change with their length.
    package func notesOfLengths() throws -> [String] {
        guard let context = try models().compactMap(\.specification.rotaryContext).min() else { return [] }
        return plan.stages.compactMap { stage in
            let (length, key) = stage.configuration.stage.longestSequence
            guard length > context else { return nil }
            return
                "\(stage.name).\(key) allows sequences of \(length) tokens: those of more than \(context) have other positions "
                + "(rope_type in config.json), and a completion that is drawn past that is computed anew: once with longrope, at every "
                + "token with dynamic"
        }
    }

    /// The models that were there before the run.
    private func models() throws -> [ModelConfiguration] {
        try ([.base] + configuration.stages.flatMap { $0.inputs }.map(\.reference)).compactMap(directory)
            .map { try model(in: $0).configuration }
    }

    /// Checks that no stage asks for sequences longer than the models can compute.
    private func checkLengths() throws {
        let models = try models()
        guard let model = models.min(by: { $0.maximumLength ?? .max < $1.maximumLength ?? .max }),
            let most = model.maximumLength
        else { return }
        for stage in plan.stages {
            let (length, key) = stage.configuration.stage.longestSequence
            guard length > most else { continue }
            throw configuration.error(
                at: "\(stage.name).\(key)",
                "allows sequences of \(length) tokens, but the model computes at most \(most): \(model.lengthReason)",
                remedy: "lower \(key)")
        }
    }

    private func checkModels(_ text: TextPipeline) throws {
        let references = [ArtifactReference.base] + configuration.stages.flatMap { $0.inputs }.map(\.reference)
        var seen: Set<[UInt8]> = []
        for reference in references {
            guard let directory = directory(of: reference), seen.insert(Array(directory.path.utf8)).inserted else {
                continue
            }
            let model = try self.model(in: directory).configuration
            if let (problem, remedy) = text.tokensWithoutRow(in: model, directory.path) {
                throw configuration.error(
                    at: reference == .base ? "model_name_or_path" : "tokenizer_name_or_path", problem, remedy: remedy)
            }
            if reference != .base || !configuration.randomInit {
                try self.model(in: directory).check()
            }
        }
    }

    /// Checks that rewards can score and policies can speak.
    private func checkHeads() throws {
        for stage in plan.stages where configuration.randomInit {
            guard let input = stage.configuration.inputs.first(where: { $0.isReward && $0.reference == .base }) else {
                continue
            }
            throw configuration.error(
                at: "\(stage.name).\(input.key)", "the base model is drawn at random, so it is no reward",
                remedy: "name a reward stage, a model directory, rule:NAME, command:LINE or openai:URL#MODEL")
        }
        try forEachModel { model, key, kind in
            if kind.isReward { _ = try RewardStatistics.read(from: model.url) }
            guard kind != .model else { return }
            guard try !model.has(kind.isReward ? .score : .languageModel) else {
                if kind.isReward { try model.checkScoreHead() }
                return
            }
            throw configuration.error(
                at: key,
                "\(model.url.relativePath) is no \(kind.noun): it has no "
                    + (kind.isReward ? "score head (score.weight)" : "language-model head"),
                remedy: "give the directory of \(kind.description)")
        }
    }

    /// Checks that all weights are numbers.
    private func checkWeights() throws {
        let bases = FrozenBases()
        var seen: Set<String> = []
        try forEachModel { model, key, kind in
            try checkBase(of: model, at: key, bases)
            // What several adapters stand on is read through once.
            for part in [model, model.base] where seen.insert(part.url.standardizedFileURL.path).inserted {
                guard let problem = try part.problemOfNumbers() else { continue }
                throw configuration.error(
                    at: key, "\(part.url.relativePath): \(problem)",
                    remedy:
                        "check that \(kind.isReward ? "reward model" : "model"); a training that diverged leaves such "
                        + "weights, so use an earlier checkpoint")
            }
        }
    }

    /// Calls `body` with every model whose weights are there and that a stage reads, under each key.
    private func forEachModel(_ body: (ModelDirectory, _ key: String, InputKind) throws -> Void) throws {
        for stage in plan.stages {
            for input in stage.configuration.inputs where !input.isData {
                guard input.reference != .base || !configuration.randomInit else { continue }
                guard let directory = directory(of: input.reference) else { continue }
                let isBase = input.reference == .base
                try body(
                    model(in: directory),
                    isBase ? "model_name_or_path" : "\(stage.name).\(input.key)", input.role.kind)
            }
        }
    }

    /// The directory of a model that was there before the run.
    package func directory(of reference: ArtifactReference) -> URL? {
        switch reference {
        case .base: return URL(filePath: configuration.modelNameOrPath)
        case .path(let path)
        where FileManager.default.fileExists(atPath: path + "/config.json")
            || AdapterDirectory.isThere(URL(filePath: path)):
            return URL(filePath: path)
        default: return nil
        }
    }

    private func model(in directory: URL) throws -> ModelDirectory {
        try ModelDirectory(directory, families: families, adapterBase: configuration.adapterBase)
    }
}

/// What a stage can look at before the run starts.
package struct StageStart {
    /// The stage's name.
    package let name: String
    private let plan: RunPlan
    package let text: TextPipeline
    /// How many processes work.
    package let workers: Int
    /// How many there are.
    package let ranks: Int

    package init(name: String, plan: RunPlan, text: TextPipeline, workers: Int, ranks: Int) {
        (self.name, self.plan, self.text) = (name, plan, text)
        (self.workers, self.ranks) = (workers, ranks)
    }

    package var configuration: RunConfiguration { plan.configuration }

    /// The files that data comes from, through the stages that it passes.
    package func sources(of reference: ArtifactReference) throws -> [URL] { try plan.sources(of: reference) }

    /// What a model is; one that a stage leaves is what that which the stage starts from is.
    package func configuration(ofModel reference: ArtifactReference) throws -> ModelConfiguration {
        try ModelStore(plan).configuration(of: configuration.origin(ofModel: reference))
    }

    /// Checks that a policy which was there before the run has every parameter, and nothing else; of its weights it reads no more
    /// than where they lie.
    package func checkParameters(of policy: ArtifactReference) throws {
        if case .path = policy { _ = try ModelStore(plan).parameters(of: policy) }
        if policy == .base, !configuration.randomInit { _ = try ModelStore(plan).parameters(of: policy) }
    }

    /// Whether an earlier start of the run has left that stage's model.
    package func hasModel(ofStage name: String) -> Bool {
        FileManager.default.fileExists(atPath: plan.stage(named: name).final.path)
    }
}

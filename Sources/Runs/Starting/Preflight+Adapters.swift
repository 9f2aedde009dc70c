import Transformers

extension Preflight {
    /// Checks that what a stage asks of adapters can be had: of a model that files hold, of layers that it has, and of an adapter that
    /// it goes on with.
    package func checkAdapters() throws {
        for stage in plan.stages {
            guard let options = stage.configuration.stage.adapter, options.usesAdapter else { continue }
            for input in stage.configuration.inputs where input.role.startsModel || input.key == "critic_init" {
                try check(options, of: input, in: stage)
            }
        }
    }

    /// Checks that the base of an adapter is what it was when the adapter was trained.
    package func checkBase(of model: ModelDirectory, at key: String, _ bases: FrozenBases) throws {
        guard let (problem, remedy) = try AdapterBase.problem(of: model, bases) else { return }
        throw configuration.error(at: key, problem, remedy: remedy)
    }

    private func check(_ options: AdapterOptions, of input: StageInput, in stage: PlannedStage) throws {
        let key = { (name: String) in configuration.place(ofAdapterKey: name, in: stage) }
        guard !configuration.randomInit || input.reference != .base else {
            throw configuration.error(
                at: key("use_peft"),
                "the base model is drawn at random, so no directory holds what an adapter stands on",
                remedy: "train all weights, or save the model first and name its directory")
        }
        let model = try configuration.outline(ofModel: input.reference)
        if let adapter = model.adapter {
            guard
                let (name, value) = try reporting(
                    at: stage,
                    { () throws(AdapterMismatch) in
                        try options.difference(from: adapter, of: model.configuration)
                    })
            else { return }
            throw configuration.error(
                at: key(name),
                "\(input.key) \(input.reference) is an adapter that has \(value), and training goes on with it",
                remedy: "leave \(name) out, or merge the adapter first (a merge stage with method: adapters)")
        }
        let layout = try reporting(at: stage) { () throws(AdapterMismatch) in
            try AdapterLayout(try options.new(for: model.configuration), for: model.configuration)
        }
        let saved = layout.configuration.modulesToSave
        let there = layout.ending(in: .score, model.configuration.specification).configuration.modulesToSave
        if stage.configuration.stage.leaves == .rewardModel, let head = saved.first(where: { !there.contains($0) }) {
            throw configuration.error(
                at: key("lora_modules_to_save"), "'\(head)' ends a language model, and a reward model has none",
                remedy: "leave it out; its score head is trained in any case")
        }
    }

    /// Tells of an adapter that does not fit at the key of a stage that asks for it.
    private func reporting<Value>(
        at stage: PlannedStage, _ body: () throws(AdapterMismatch) -> Value
    ) throws -> Value {
        do throws(AdapterMismatch) {
            return try body()
        } catch {
            throw configuration.error(
                at: configuration.place(ofAdapterKey: error.key, in: stage), "\(error)", remedy: error.remedy)
        }
    }
}

extension RunConfiguration {
    /// Where a key that a stage may take from the run was written.
    fileprivate func place(ofAdapterKey name: String, in stage: PlannedStage) -> String {
        let key = "\(stage.name).\(name)"
        return origins[key] == nil && origins[name] != nil ? name : key
    }
}

extension AdapterMismatch {
    /// The key of a stage that asks for it.
    fileprivate var key: String {
        switch self {
        case .notReadable, .noModule, .nothing, .half, .notApart: "lora_target_modules"
        case .noParameter, .twice, .transposed: "lora_target_parameters"
        case .notSaved: "lora_modules_to_save"
        case .dropout: "lora_dropout"
        case .weightDecomposition: "use_dora"
        }
    }

    fileprivate var remedy: String {
        switch self {
        case .noModule, .nothing: "name some of these, or write all-linear"
        case .noParameter: "name some of these"
        case .notSaved, .twice: "leave it out"
        case .transposed: "name its module in lora_target_modules"
        case .half: "name both, or neither"
        case .notReadable, .notApart: "write all-linear, or names without dots"
        case .dropout: "write 0, or name attention's layers alone as lora_target_modules"
        case .weightDecomposition: "write false, or name attention's layers alone as lora_target_modules"
        }
    }
}

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
    package func checkBase(of model: ModelDirectory, at key: String) throws {
        guard model.adapter != nil, let earlier = try AdapterBase.read(from: model.url),
            let difference = try AdapterBase(of: model.base).difference(from: earlier)
        else { return }
        throw configuration.error(
            at: key,
            "\(model.url.path) was trained on other weights than those of \(model.base.url.path): \(difference)",
            remedy:
                "name the base that it was trained on as base_model_name_or_path in \(AdapterDirectory.fileNames[0])")
    }

    private func check(_ options: AdapterOptions, of input: StageInput, in stage: PlannedStage) throws {
        let key = { (name: String) in "\(stage.name).\(name)" }
        guard !configuration.randomInit || configuration.origin(ofModel: input.reference) != .base else {
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
        _ = try reporting(at: stage) { () throws(AdapterMismatch) in
            try AdapterLayout(try options.new(for: model.configuration), for: model.configuration)
        }
    }

    /// Tells of an adapter that does not fit at the key of a stage that asks for it.
    private func reporting<Value>(
        at stage: PlannedStage, _ body: () throws(AdapterMismatch) -> Value
    ) throws -> Value {
        do throws(AdapterMismatch) {
            return try body()
        } catch {
            throw configuration.error(at: "\(stage.name).\(error.key)", "\(error)", remedy: error.remedy)
        }
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

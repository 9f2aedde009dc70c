import Foundation
import JSON

/// `adapter_config.json`, as PEFT reads and writes it.
extension AdapterConfiguration {
    static let fileName = "adapter_config.json"

    /// What PEFT calls the head of a reward model in `modules_to_save`.
    package static let scoreModules: Set<String> = ["classifier", ParameterNames.scoreModule]

    /// What such a file says: the adapter, and the base that it names.
    struct File {
        var configuration: AdapterConfiguration
        /// `base_model_name_or_path`.
        var base: String?
    }

    /// Reads a file.
    ///
    /// - Throws: ``ModelError`` for a value of another kind, for another method than LoRA, and for a key that is set and would make
    ///   another function of the model.
    static func read(_ url: URL) throws(ModelError) -> File {
        let reader = ModelFileReader(url: url, values: try JSONObject(modelFile: url))
        let method = try reader.string("peft_type", default: "")
        guard method == "LORA" else {
            throw reader.error("peft_type", "is '\(method)', but only LORA is supported")
        }
        try refuseOthers(reader)
        var adapter = AdapterConfiguration()
        adapter.rank = try reader.integer("r", in: 1...65536, default: 8)
        adapter.alpha = try reader.number("lora_alpha", in: -1e9...1e9, default: 8)
        adapter.dropout = try reader.number("lora_dropout", in: 0...1, default: 0)
        adapter.targets = try targets("target_modules", reader) ?? .names([])
        adapter.parameters = try names("target_parameters", reader) ?? []
        adapter.excluded = try targets("exclude_modules", reader) ?? .names([])
        adapter.modulesToSave = try (names("modules_to_save", reader) ?? []).filter { !scoreModules.contains($0) }
        adapter.isRankStabilized = try reader.bool("use_rslora", default: false)
        adapter.isWeightDecomposed = try reader.bool("use_dora", default: false)
        adapter.rankPattern = try pattern("rank_pattern", reader) { $0.integer.flatMap { $0 > 0 ? $0 : nil } }
        adapter.alphaPattern = try pattern("alpha_pattern", reader, \.double)
        adapter.layers = try layers(reader)
        return File(
            configuration: adapter,
            base: reader.values["base_model_name_or_path"].flatMap { $0 == .null ? nil : $0.text })
    }

    /// The file of this adapter on a base.
    ///
    /// - Parameters:
    ///   - isScored: Whether the model ends in a score head.
    ///   - isTransposed: Whether weights of its layers are `[inputs, outputs]`.
    ///   - names: The names of its modules, where it does not say them.
    func json(base: String, isScored: Bool, isTransposed: Bool, names: [String]) -> JSONObject {
        func list(_ names: [String]) -> JSON { .array(names.map { .string($0) }) }
        func table<Value>(_ patterns: [Pattern<Value>], _ json: (Value) -> JSON) -> JSON {
            .object(JSONObject(uniqueKeysWithValues: patterns.map { ($0.name, json($0.value)) }))
        }
        func targets(_ targets: AdapterTargets, none: JSON = .null) -> JSON {
            switch targets {
            case .allLinear: list(names)
            case .names(let names): names.isEmpty ? none : list(names)
            case .pattern(let pattern): .string(pattern)
            }
        }
        let saved = modulesToSave + (isScored ? [ParameterNames.scoreModule] : [])
        return JSONObject(uniqueKeysWithValues: [
            ("alpha_pattern", table(alphaPattern) { JSON($0) ?? .null }),
            ("base_model_name_or_path", .string(base)), ("bias", .string("none")),
            ("exclude_modules", targets(excluded)), ("fan_in_fan_out", .bool(isTransposed)),
            ("inference_mode", .bool(true)), ("init_lora_weights", .bool(true)),
            ("layers_to_transform", layers.map { .array($0.map { .number($0) }) } ?? .null),
            ("lora_alpha", alpha.wholeNumber ?? JSON(alpha) ?? .null), ("lora_dropout", JSON(dropout) ?? .null),
            ("modules_to_save", saved.isEmpty ? .null : list(saved)), ("peft_type", .string("LORA")),
            ("r", .number(rank)), ("rank_pattern", table(rankPattern) { .number($0) }),
            // PEFT takes null for its defaults.
            ("target_modules", parameters.isEmpty ? targets(self.targets) : targets(self.targets, none: .array([]))),
            ("target_parameters", parameters.isEmpty ? .null : list(parameters)),
            ("task_type", .string(isScored ? "SEQ_CLS" : "CAUSAL_LM")),
            ("use_dora", .bool(isWeightDecomposed)), ("use_rslora", .bool(isRankStabilized)),
        ])
    }

    /// Keys that say nothing of what a loaded adapter computes.
    private static let harmless: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "revision", "peft_version", "task_type", "inference_mode",
        "fan_in_fan_out", "megatron_core", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
        "runtime_config", "qalora_group_size", "ensure_weight_tying", "layers_pattern",
    ]
    private static let known: Set<String> = [
        "peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "target_parameters", "exclude_modules",
        "modules_to_save",
        "use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "layers_to_transform", "bias", "init_lora_weights",
    ]

    private static func refuseOthers(_ reader: ModelFileReader) throws(ModelError) {
        for entry in reader.values.entries where !harmless.contains(entry.key) && !known.contains(entry.key) {
            guard entry.value.isSet else { continue }
            throw reader.error(
                entry.key,
                "is set, which is not supported here: it changes what the adapter computes; merge the adapter with PEFT"
            )
        }
        let bias = try reader.string("bias", default: "none")
        guard bias == "none" else {
            throw reader.error(
                "bias", "is '\(bias)': trained biases are not supported here; merge the adapter with PEFT")
        }
        // Others change the base's weights too, when PEFT loads it.
        switch reader.values["init_lora_weights"] {
        case nil, .null, .bool, .string("gaussian"): break
        case .some(let value):
            throw reader.error(
                "init_lora_weights",
                "is \(value.brief), by which the base's weights change too; have PEFT convert the adapter to plain LoRA"
            )
        }
    }

    private static func targets(_ key: String, _ reader: ModelFileReader) throws(ModelError) -> AdapterTargets? {
        if case .string(let text)? = reader.values[key] {
            guard text != AdapterTargets.allLinearName else { return .allLinear }
            try readable(text, key, reader)
            return .pattern(text)
        }
        return try names(key, reader).map { .names($0) }
    }

    private static func readable(
        _ expression: String, _ key: String, _ reader: ModelFileReader
    ) throws(ModelError) {
        do throws(ModuleExpression.Unreadable) {
            _ = try ModuleExpression(expression)
        } catch {
            throw reader.error(key, "\(error); write another one, or the modules' names")
        }
    }

    private static func names(_ key: String, _ reader: ModelFileReader) throws(ModelError) -> [String]? {
        guard let value = reader.values[key], value != .null else { return nil }
        guard case .array(let items) = value, items.allSatisfy({ $0.text != nil }) else {
            throw reader.error(key, "must be a list of names, not \(value.brief)")
        }
        return items.compactMap(\.text)
    }

    private static func pattern<Value>(
        _ key: String, _ reader: ModelFileReader, _ read: (JSON) -> Value?
    ) throws(ModelError) -> [Pattern<Value>] {
        guard let value = reader.values[key], value != .null else { return [] }
        guard case .object(let object) = value else { throw reader.error(key, "must be a table, not \(value.brief)") }
        var found: [Pattern<Value>] = []
        for entry in object.entries {
            try readable(entry.key, "\(key).\(entry.key)", reader)
            guard let number = read(entry.value) else {
                throw reader.error("\(key).\(entry.key)", "must be a number under a name, not \(entry.value.brief)")
            }
            found.append(Pattern(entry.key, number))
        }
        return found
    }

    private static func layers(_ reader: ModelFileReader) throws(ModelError) -> [Int]? {
        switch reader.values["layers_to_transform"] {
        case nil, .null: return nil
        case .some(let value):
            if let one = value.integer { return [one] }
            guard case .array(let items) = value, items.allSatisfy({ $0.integer != nil }) else {
                throw reader.error("layers_to_transform", "must be layers' numbers, not \(value.brief)")
            }
            // None stand for all.
            return items.isEmpty ? nil : items.compactMap(\.integer)
        }
    }
}

extension JSON {
    /// Whether it turns something on.
    fileprivate var isSet: Bool {
        switch self {
        case .null, .bool(false): false
        case .array(let items): !items.isEmpty
        case .object(let object): !object.isEmpty
        case .bool(true), .number, .string: true
        }
    }
}

extension Double {
    /// As PEFT writes `lora_alpha` mostly.
    fileprivate var wholeNumber: JSON? { Int(exactly: self).map { .number($0) } }
}

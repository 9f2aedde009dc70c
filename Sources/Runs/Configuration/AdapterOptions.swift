import Configuration
import Foundation
import Transformers

/// Whether a stage trains low-rank matrices beside frozen weights, and which, by TRL's keys. What is `nil` is as the adapter
/// has it that training goes on from, or as for a new one.
package struct AdapterOptions: Sendable, Equatable {
    /// Whether it does; all weights are trained where not.
    package var usesAdapter = false
    /// The rank of the matrices.
    package var rank: Int?
    /// What their product is scaled by, times the rank.
    package var alpha: Double?
    /// The share of their inputs that a training step leaves out.
    package var dropout: Double?
    /// Which layers have them.
    package var targetModules: [String]?
    /// Which parameters have them that are no linear layer's own.
    package var targetParameters: [String]?
    /// Modules that are trained whole.
    package var modulesToSave: [String]?
    /// Whether the scale goes by the root of the rank.
    package var isRankStabilized: Bool?
    /// Whether the lengths of the weights' rows are trained too.
    package var isWeightDecomposed: Bool?

    /// Whether the base's weights lie in 8 bits.
    package var loadsIn8Bit = false

    /// All weights are trained.
    package init() {}

    /// Takes what was not given from the run, and checks that nothing is said of an adapter where none is trained.
    ///
    /// - Parameter drops: Whether steps leave inputs out: what is drawn on the way is drawn, and told the logps of, without. An
    ///   adapter keeps its share for the stages that go on with it.
    /// - Throws: ``ConfigurationError``
    package mutating func inherit(_ scope: StageScope, drops: Bool = true) throws {
        let run = scope.run.adapter
        if !scope.given.contains("use_peft") { usesAdapter = run.usesAdapter }
        guard usesAdapter else {
            let key = Self.fields.dropFirst().first { !$0.isSame(in: self, as: Self()) }?.key
            if let key {
                throw scope.error(key, "has no meaning without use_peft", "write use_peft: true, or leave it out")
            }
            return
        }
        if !scope.given.contains("lora_r") { rank = run.rank }
        if !scope.given.contains("lora_alpha") { alpha = run.alpha }
        if !scope.given.contains("lora_dropout") { dropout = run.dropout }
        if !scope.given.contains("lora_target_modules") { targetModules = run.targetModules }
        if !scope.given.contains("lora_target_parameters") { targetParameters = run.targetParameters }
        if !scope.given.contains("lora_modules_to_save") { modulesToSave = run.modulesToSave }
        if !scope.given.contains("use_rslora") { isRankStabilized = run.isRankStabilized }
        if !scope.given.contains("use_dora") { isWeightDecomposed = run.isWeightDecomposed }
        if !scope.given.contains("load_in_8bit") { loadsIn8Bit = run.loadsIn8Bit }
        guard !drops else { return }
        if let dropout, dropout > 0, scope.given.contains("lora_dropout") {
            throw scope.error(
                "lora_dropout",
                "is not applied here: what samples are drawn from would not be what learns from them",
                "leave it out, or write 0")
        }
    }

    /// Checks that what a run says of adapters at the top level is meant for a stage that trains one; or all is, with
    /// `use_peft: false`, said not to be.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkIsUsed(in run: RunConfiguration) throws {
        guard !usesAdapter, run.origins["use_peft"] == nil,
            !run.stages.contains(where: { $0.stage.adapter?.usesAdapter ?? false }),
            let key = Self.fields.dropFirst().first(where: { !$0.isSame(in: self, as: Self()) })?.key
        else { return }
        throw run.error(
            at: key, "has no meaning without use_peft", remedy: "write use_peft: true, or leave it out")
    }

    /// A new adapter of a model.
    ///
    /// - Throws: ``AdapterMismatch`` where only a part of what is one parameter of experts is meant.
    package func new(for model: ModelConfiguration) throws(AdapterMismatch) -> AdapterConfiguration {
        var adapter = AdapterConfiguration()
        adapter.parameters = targetParameters ?? []
        adapter.targets = targets ?? (adapter.parameters.isEmpty ? model.defaultAdapterTargets : .names([]))
        adapter.rank = rank ?? 16
        adapter.alpha = alpha ?? 32
        adapter = try adapter.stackingExperts(of: model.specification)
        // PEFT has none on parameters.
        adapter.dropout = dropout ?? (adapter.parameters.isEmpty ? 0.05 : 0)
        adapter.modulesToSave = modulesToSave?.filter { !AdapterConfiguration.scoreModules.contains($0) } ?? []
        adapter.isRankStabilized = isRankStabilized ?? false
        adapter.isWeightDecomposed = isWeightDecomposed ?? false
        return adapter
    }

    /// The first key that asks for another adapter than one that training goes on from, and what that has.
    package func difference(
        from layout: AdapterLayout, of model: ModelConfiguration
    ) throws(AdapterMismatch) -> (key: String, value: String)? {
        let adapter = layout.configuration
        if let rank, rank != adapter.rank { return ("lora_r", "\(adapter.rank)") }
        if let alpha, alpha != adapter.alpha { return ("lora_alpha", "\(adapter.alpha)") }
        if targets != nil || targetParameters != nil {
            // By what they come to: names of many kinds mean the same layers.
            let wanted = try AdapterLayout(new(for: model), for: model)
            if wanted.weights != layout.weights {
                return (targetModules == nil ? "lora_target_parameters" : "lora_target_modules", layout.targets)
            }
        }
        if let dropout, dropout > 0, !adapter.parameters.isEmpty {
            return ("lora_dropout", "target_parameters, which PEFT has no dropout on")
        }
        if modulesToSave != nil, try Set(new(for: model).modulesToSave) != Set(adapter.modulesToSave) {
            let saved = adapter.modulesToSave.joined(separator: ", ")
            return ("lora_modules_to_save", saved.isEmpty ? "none" : saved)
        }
        if let isRankStabilized, isRankStabilized != adapter.isRankStabilized {
            return ("use_rslora", "\(adapter.isRankStabilized)")
        }
        if let isWeightDecomposed, isWeightDecomposed != adapter.isWeightDecomposed {
            return ("use_dora", "\(adapter.isWeightDecomposed)")
        }
        return nil
    }

    private var targets: AdapterTargets? {
        targetModules.map { names in
            switch names {
            case [AdapterTargets.allLinearName]: .allLinear
            // As in TRL, one text that is more than a name is an expression.
            case _ where names.count == 1 && names[0].contains(where: { "*+?^$|()[]\\".contains($0) }):
                .pattern(names[0])
            default: .names(names)
            }
        }
    }
}

extension AdapterOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "use_peft", \.usesAdapter,
            "Whether low-rank matrices are trained beside the weights (LoRA), which stay frozen; false trains all weights. A stage "
                + "that starts from an adapter goes on with it, or, with false, trains its base with it merged in.")
        Field("lora_r", \.rank, .between(1, 65536), default: "16", "Rank of the matrices.")
        Field(
            "lora_alpha", \.alpha, .greaterThan(0), default: "32", "Their product is scaled by this over the rank.")
        Field(
            "lora_dropout", \.dropout, .belowOne, default: "0.05",
            "Share of their inputs that a training step leaves out, by seed, step and tokens; 0 in stages that draw samples."
        )
        Field(
            "lora_target_modules", \.targetModules, default: "those that project queries and values",
            "Linear layers that have them: the last parts of their names, all-linear, or a regular expression of whole names."
        )
        Field(
            "lora_target_parameters", \.targetParameters,
            default: "none; with all-linear those of experts and routers that are linear layers (not gpt_oss's)",
            "Parameters that have them besides, such as mlp.experts.gate_up_proj and mlp.experts.down_proj: the last parts of their names. Without lora_target_modules these alone; without lora_dropout and use_dora, as in PEFT."
        )
        Field(
            "lora_modules_to_save", \.modulesToSave, default: "none",
            "Modules that are trained whole beside them, such as norm or an untied lm_head; a score head is in any case."
        )
        Field(
            "use_rslora", \.isRankStabilized, default: "false", "Whether the scale is alpha over the root of the rank.")
        Field(
            "use_dora", \.isWeightDecomposed, default: "false",
            "Whether the lengths of the weights' rows are trained apart from their directions (DoRA).")
        Field(
            "load_in_8bit", \.loadsIn8Bit,
            "Whether the frozen weights of linear layers lie in 8 bits, with a scale for each output; they are numbers only while they "
                + "are multiplied.")
    }
}

extension RunConfiguration {
    /// The base of adapters that name none which is there.
    package var adapterBase: URL? { modelNameOrPath.isEmpty ? nil : URL(filePath: modelNameOrPath) }
}

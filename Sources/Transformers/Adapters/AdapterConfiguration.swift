/// What low-rank matrices are trained beside a frozen model's weights (LoRA; Hu et al. 2021, arXiv 2106.09685), in the terms
/// of PEFT's `adapter_config.json`.
public struct AdapterConfiguration: Sendable, Equatable {
    /// `r`: the rank of the matrices.
    public var rank = 16
    /// `lora_alpha`: their product is scaled by this over the rank.
    public var alpha = 32.0
    /// `lora_dropout`: the share of their inputs that a training step leaves out.
    public var dropout = 0.0
    /// `target_modules`: which linear layers have them.
    public var targets = AdapterTargets.allLinear
    /// `target_parameters`: parameters that have them without being a linear layer's: `mlp.experts.gate_up_proj`, or all whose
    /// names end so. What is excluded, and which layers are meant, is not asked of them.
    public var parameters: [String] = []
    /// `exclude_modules`: which of those have none all the same; no name for none.
    public var excluded = AdapterTargets.names([])
    /// `layers_to_transform`: in which layers, from 0; `nil` for all.
    public var layers: [Int]?
    /// `rank_pattern`: ranks of modules that a name, or a regular expression, ends.
    public var rankPattern: [Pattern<Int>] = []
    /// `alpha_pattern`: likewise.
    public var alphaPattern: [Pattern<Double>] = []
    /// `modules_to_save`: modules that are trained whole, in a copy; a score head is in any case, and is not among them.
    public var modulesToSave: [String] = []
    /// `use_rslora`: whether the scale is alpha over the root of the rank (Kalajdzievski 2023, arXiv 2312.03732).
    public var isRankStabilized = false
    /// `use_dora`: whether the sum of weight and product has rows of a trained length (Liu et al. 2024, arXiv 2402.09353).
    public var isWeightDecomposed = false

    /// A number for modules whose names end in what a regular expression matches.
    public struct Pattern<Value: Sendable & Equatable>: Sendable, Equatable {
        /// The expression.
        public var name: String
        /// The number.
        public var value: Value

        /// A number for the modules of a name.
        public init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }
    }

    /// TRL's defaults, on all linear layers.
    public init() {}

    /// The rank of a module's matrices.
    func rank(of module: String) -> Int { rankPattern.first { $0.matches(module) }?.value ?? rank }

    /// What the product of a module's matrices is multiplied with.
    func scale(of module: String) -> Double {
        let alpha = alphaPattern.first { $0.matches(module) }?.value ?? alpha
        let rank = Double(rank(of: module))
        return alpha / (isRankStabilized ? rank.squareRoot() : rank)
    }
}

extension AdapterConfiguration.Pattern {
    /// Whether it ends the name of a module: all of it, or what follows on a dot.
    fileprivate func matches(_ module: String) -> Bool {
        (try? ModuleExpression("(.*\\.)?(\(name))"))?.matches(module) ?? false
    }
}

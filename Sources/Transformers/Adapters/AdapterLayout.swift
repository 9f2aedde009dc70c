import Torch

/// Where the matrices of an adapter stand in a model, and what they are called.
public struct AdapterLayout: Sendable, Equatable {
    /// What it was made from.
    public private(set) var configuration: AdapterConfiguration
    /// The linear layers that have matrices.
    let modules: [Module]
    /// Which of them has a path.
    private let places: [String: Int]
    /// The names of the parameters that are trained whole, the score head's apart.
    let saved: [ParameterGroup.Declaration]

    /// A linear layer with matrices beside its weight.
    struct Module: Sendable, Equatable {
        /// Its path in the model, such as `model.layers.0.self_attn.q_proj`.
        let path: String
        let inputs: Int
        let outputs: Int
        /// Whether its weight is `[inputs, outputs]`.
        let isTransposed: Bool
        let rank: Int
        let scale: Double

        /// The names of its parameters.
        var down: String { "\(path).lora_A.weight" }
        var up: String { "\(path).lora_B.weight" }
        var magnitude: String { "\(path).lora_magnitude_vector" }
    }

    /// Finds the layers that a configuration means.
    ///
    /// - Throws: ``AdapterMismatch`` where it means none, or what cannot be adapted.
    public init(
        _ configuration: AdapterConfiguration, for model: ModelConfiguration
    ) throws(AdapterMismatch) {
        let specification = model.specification
        var modules: [Module] = []
        let linear = specification.linearModules
        for module in linear {
            let path = module.path
            guard configuration.targets.contain(path), !configuration.excluded.contain(path),
                configuration.layers?.contains(module.layer) ?? true
            else { continue }
            modules.append(
                Module(
                    path: path, inputs: module.inputs, outputs: module.outputs, isTransposed: module.isTransposed,
                    rank: configuration.rank(of: path), scale: configuration.scale(of: path)))
        }
        if case .names(let names) = configuration.targets {
            let unknown = names.first { name in !linear.contains { AdapterTargets.names([name]).contain($0.path) } }
            if let unknown { throw AdapterMismatch.noModule(unknown, known: specification.linearNames) }
        }
        saved = try specification.savedDeclarations(configuration.modulesToSave)
        guard !modules.isEmpty else { throw AdapterMismatch.nothing(known: specification.linearNames) }
        self.modules = modules
        places = Dictionary(uniqueKeysWithValues: modules.indices.map { (modules[$0].path, $0) })
        self.configuration = configuration
    }

    /// The parameters that are trained, those of a score head among them.
    package func declarations(_ specification: DecoderSpecification, head: DecoderHead) -> [ParameterGroup.Declaration]
    {
        let matrices = modules.flatMap { module in
            [
                ParameterGroup.Declaration(name: module.down, shape: [module.rank, module.inputs], decays: true),
                ParameterGroup.Declaration(name: module.up, shape: [module.outputs, module.rank], decays: true),
            ]
                + (configuration.isWeightDecomposed
                    ? [ParameterGroup.Declaration(name: module.magnitude, shape: [module.outputs], decays: true)] : [])
        }
        let score = specification.declarations(head: head).filter { $0.name == ParameterNames.score }
        return matrices + saved + score
    }

    /// How many numbers it has, those of a score head among them.
    package func parameterCount(_ specification: DecoderSpecification, head: DecoderHead) -> Int {
        declarations(specification, head: head).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    /// The same with another share of inputs that are left out; as it is for `nil`.
    func droppingOut(_ share: Double?) -> AdapterLayout {
        var copy = self
        if let share { copy.configuration.dropout = share }
        return copy
    }

    /// Whether it has the same matrices.
    func hasShape(of other: AdapterLayout) -> Bool { modules == other.modules && saved == other.saved }

    /// The layer of a weight that has matrices beside it; `nil` for none.
    func module(ofWeight name: String) -> Module? {
        guard name.hasSuffix(".weight") else { return nil }
        return places[String(name.dropLast(".weight".count))].map { modules[$0] }
    }

    /// The matrices beside the linear layer of that path; `nil` for none.
    func linear(_ path: String, _ parameters: ParameterStore) -> LinearAdapter? {
        guard let module = places[path].map({ modules[$0] }) else { return nil }
        return LinearAdapter(
            factors: LowRankFactors(
                down: parameters[module.down], up: parameters[module.up], scale: module.scale),
            magnitude: configuration.isWeightDecomposed ? parameters[module.magnitude] : nil,
            salt: DecoderModel.seed(0, path))
    }
}

/// An adapter that does not fit a model.
public enum AdapterMismatch: Error, Equatable, CustomStringConvertible {
    /// A name that ends no linear layer's.
    case noModule(String, known: [String])
    /// Targets that mean no linear layer.
    case nothing(known: [String])
    /// A module that cannot be trained whole.
    case notSaved(String, reason: String)

    /// The mistake in one line.
    public var description: String {
        switch self {
        case .noModule(let name, let known):
            "'\(name)' is no linear layer of the model; it has \(known.joined(separator: ", "))"
        case .nothing(let known): "no linear layer of the model is meant; it has \(known.joined(separator: ", "))"
        case .notSaved(let name, let reason): "'\(name)' cannot be trained whole: \(reason)"
        }
    }
}

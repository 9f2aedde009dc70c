import Torch

/// Where the matrices of an adapter stand in a model, and what they are called.
public struct AdapterLayout: Sendable, Equatable {
    /// What it was made from.
    public private(set) var configuration: AdapterConfiguration
    /// The linear layers that have matrices.
    let modules: [Module]
    /// Which of them stands beside a weight, by the path of that.
    private let places: [String: Place]
    let stacks: [String: ExpertStack]
    /// The names of the parameters that are trained whole, the score head's apart.
    private(set) var saved: [ParameterGroup.Declaration]

    /// A linear layer with matrices beside its weight, or the weights of all experts of a layer.
    struct Module: Sendable, Equatable {
        /// What the names of its parameters start with, such as `model.layers.0.self_attn.q_proj`.
        let path: String
        let inputs: Int
        let outputs: Int
        /// Whether its weights are `[inputs, outputs]`.
        let isTransposed: Bool
        let rank: Int
        let scale: Double
        /// Whether it was meant as a parameter, and no module.
        var isParameter = false
        /// How it is divided over experts, where it is.
        var experts: Experts?

        /// The names of its parameters.
        var down: String { "\(path).lora_A.weight" }
        var up: String { "\(path).lora_B.weight" }
        var magnitude: String { "\(path).lora_magnitude_vector" }
    }

    /// Where the matrices of a weight are.
    fileprivate struct Place: Equatable {
        let module: Int
        /// The expert that it is of, where each has a weight of its own, and which part of that one's.
        var expert: Int?
        var part = 0
    }

    /// Where a configuration comes from, by which its names are read.
    package enum Source {
        /// It is of a new adapter: all that it names has to be there.
        case options
        /// A file beside tensors, which say by themselves what is there. Before transformers 5 those of experts were apart.
        case file(separatesExperts: Bool)
    }

    /// Finds the layers that a configuration means.
    ///
    /// - Throws: ``AdapterMismatch`` where it means none, or what cannot be adapted.
    public init(_ configuration: AdapterConfiguration, for model: ModelConfiguration) throws(AdapterMismatch) {
        try self.init(configuration, for: model, from: .options)
    }

    package init(
        _ given: AdapterConfiguration, for model: ModelConfiguration, from source: Source
    ) throws(AdapterMismatch) {
        let specification = model.specification
        let separatesExperts = if case .file(true) = source { true } else { false }
        let isNew = if case .options = source { true } else { false }
        let configuration = separatesExperts ? given : try given.stackingExperts(of: specification)
        let linear = specification.linearModules.filter { separatesExperts || $0.role == .projection }
        let (isTarget, isExcluded) = (configuration.targets.matcher, configuration.excluded.matcher)
        var (modules, places): ([Module], [String: Place]) = ([], [:])
        for module in linear {
            let path = module.path
            guard isTarget(path), !isExcluded(path), configuration.layers?.contains(module.layer) ?? true else {
                continue
            }
            places[path] = Place(module: modules.count)
            modules.append(
                Module(
                    path: path, inputs: module.inputs, outputs: module.outputs, isTransposed: module.isTransposed,
                    rank: configuration.rank(of: path), scale: configuration.scale(of: path)))
        }
        if isNew, case .names(let names) = configuration.targets {
            let unknown = names.first { name in !linear.contains { $0.path == name || $0.path.hasSuffix(".\(name)") } }
            if let unknown { throw AdapterMismatch.noModule(unknown, known: linear.map(\.leaf).distinct) }
        }
        saved = try specification.savedDeclarations(configuration.modulesToSave, isNew: isNew)
        let parameters = try configuration.linearParameters(of: specification, isNew: isNew)
        if let name = parameters.first?.parameter.name {
            if configuration.dropout > 0 { throw AdapterMismatch.dropout(name) }
            if configuration.isWeightDecomposed { throw AdapterMismatch.weightDecomposition(name) }
        }
        for (parameter, path) in parameters {
            if case .one(let weight) = parameter.weights, places[weight] != nil {
                throw AdapterMismatch.twice(parameter.name)
            }
            for (weight, place) in parameter.places(modules.count) { places[weight] = place }
            let name = parameter.name
            modules.append(
                Module(
                    path: path, inputs: parameter.inputs, outputs: parameter.outputs,
                    isTransposed: parameter.isTransposed, rank: configuration.rank(of: name),
                    scale: configuration.scale(of: name), isParameter: true, experts: parameter.experts))
        }
        guard !modules.isEmpty else { throw AdapterMismatch.nothing(known: linear.map(\.leaf).distinct) }
        stacks = Dictionary(
            uniqueKeysWithValues: modules.flatMap { module in
                module.experts.map { experts in
                    [false, true].map { isUp in
                        (isUp ? module.up : module.down, ExpertStack(module: module, experts: experts, isUp: isUp))
                    }
                } ?? []
            })
        (self.modules, self.places, self.configuration) = (modules, places, configuration)
    }

    /// The parameters that are trained, those of a score head among them.
    package func declarations(_ specification: DecoderSpecification, head: DecoderHead) -> [ParameterGroup.Declaration]
    {
        let matrices = modules.flatMap { module in
            [
                ParameterGroup.Declaration(name: module.down, shape: module.downShape, decays: true),
                ParameterGroup.Declaration(name: module.up, shape: module.upShape, decays: true),
            ]
                + (configuration.isWeightDecomposed
                    ? [ParameterGroup.Declaration(name: module.magnitude, shape: [module.outputs], decays: true)] : [])
        }
        let score = specification.declarations(head: head).filter { $0.name == ParameterNames.score }
        return matrices + saved + score
    }

    /// The weights that matrices stand beside, by path.
    package var weights: Set<String> { Set(places.keys) }

    /// What it has matrices beside, in words.
    package var targets: String {
        let named = (configuration.targets == .names([]) ? [] : [configuration.targets.description])
        let layers = configuration.layers.map { " in layers \($0.map(String.init).joined(separator: ", "))" } ?? ""
        return (named + configuration.parameters).joined(separator: ", ") + layers
    }

    /// The same beside a model with this head: where there is no vocabulary to end in, none is trained whole.
    package func ending(in head: DecoderHead, _ specification: DecoderSpecification) -> AdapterLayout {
        let there = Set(specification.declarations(head: head).map(\.name))
        guard saved.contains(where: { !there.contains($0.name) }) else { return self }
        var copy = self
        copy.saved.removeAll { !there.contains($0.name) }
        copy.configuration.modulesToSave.removeAll { module in !copy.saved.contains { $0.isOf(module: module) } }
        return copy
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

    /// The matrices beside a weight, by its path; of experts that share a tensor, those of one.
    func linear(_ path: String, at index: Int? = nil, _ parameters: ParameterStore) -> LinearAdapter? {
        guard let place = places[path] else { return nil }
        return linear(place, at: index) { name, index in
            index.map { parameters.part(of: name, at: $0) } ?? parameters[name]
        }
    }

    /// A weight as a model without the adapter has it that computes the same, in float32; `nil` for one without matrices.
    ///
    /// - Parameter parameter: gives a parameter of the adapter, or a part of its first dimension.
    func merged(
        _ weight: Tensor, named name: String, _ parameter: (String, Int?) throws -> Tensor
    ) rethrows -> Tensor? {
        let path = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
        guard let place = places[path] else { return nil }
        let module = modules[place.module]
        guard let experts = module.experts, place.expert == nil else {
            return try linear(place, at: nil, parameter).merged(into: weight, isTransposed: module.isTransposed)
        }
        let shape = Array(weight.shape.dropFirst())
        return .concatenated(
            try (0..<experts.count).map { index in
                try linear(place, at: index, parameter)
                    .merged(
                        into: weight.narrowed(0, index..<index + 1).reshaped(shape), isTransposed: module.isTransposed
                    )
                    .unsqueezed(0)
            })
    }

    private func linear(
        _ place: Place, at index: Int?, _ parameter: (String, Int?) throws -> Tensor
    ) rethrows -> LinearAdapter {
        let module = modules[place.module]
        let expert = module.experts == nil ? nil : index ?? place.expert
        let part = expert.map { $0 * (module.experts?.parts ?? 1) + place.part }
        return LinearAdapter(
            factors: LowRankFactors(
                down: try parameter(module.down, expert), up: try parameter(module.up, part), scale: module.scale),
            magnitude: configuration.isWeightDecomposed ? try parameter(module.magnitude, nil) : nil,
            salt: DecoderModel.seed(0, module.path))
    }
}

extension DecoderSpecification.LinearParameter {
    fileprivate var experts: AdapterLayout.Experts? {
        switch weights {
        case .one: nil
        case .ofExperts(let paths): AdapterLayout.Experts(count: paths.count, parts: paths.first?.count ?? 1)
        case .stacked(_, let count): AdapterLayout.Experts(count: count, parts: 1)
        }
    }

    /// The weights that it is made of, as the module of a number.
    fileprivate func places(_ module: Int) -> [(String, AdapterLayout.Place)] {
        switch weights {
        case .one(let path), .stacked(let path, _): [(path, AdapterLayout.Place(module: module))]
        case .ofExperts(let experts):
            experts.enumerated().flatMap { expert, parts in
                parts.enumerated().map { part, path in
                    (path, AdapterLayout.Place(module: module, expert: expert, part: part))
                }
            }
        }
    }
}

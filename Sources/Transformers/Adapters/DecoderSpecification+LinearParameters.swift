extension DecoderSpecification {
    /// A parameter that low-rank matrices may stand beside without a module of its own (`target_parameters` of PEFT): a weight, or
    /// the weights of all experts of a layer.
    struct LinearParameter: Equatable {
        /// Its module and its name in that, as transformers 5 has them.
        let module: String
        let leaf: String
        let inputs: Int
        let outputs: Int
        /// Whether its weights are `[inputs, outputs]` here.
        let isTransposed: Bool
        /// The paths of the weights that it is made of, or the one that holds those of all experts.
        let weights: Weights

        /// Weights here.
        enum Weights: Equatable {
            case one(String)
            /// Of each expert, and of each those that follow on each other in its rows.
            case ofExperts([[String]])
            case stacked(String, count: Int)
        }

        var name: String { "\(module).\(leaf)" }
    }

    /// Such parameters, layer by layer; those of one module in the order in which it has them.
    var linearParameters: [LinearParameter] {
        let routers = Dictionary(
            uniqueKeysWithValues: layers.indices.compactMap { index in
                names.experts.map { (names.layer(index, $0.router), names.layer(index, $0.routerModule)) }
            })
        let weights = linearModules.filter { $0.role != .expert }.map { module in
            LinearParameter(
                module: routers[module.path] ?? module.path, leaf: "weight", inputs: module.inputs,
                outputs: module.outputs, isTransposed: module.isTransposed, weights: .one(module.path))
        }
        return weights + layers.indices.flatMap(expertParameters)
    }

    private func expertParameters(_ index: Int) -> [LinearParameter] {
        let network = layers[index].feedForward
        guard let experts = network.experts, let ofExperts = names.experts else { return [] }
        let parts = ofExperts.parts
        let paths = { (leaves: [String]) -> LinearParameter.Weights in
            guard !experts.isFused else {
                return .stacked(names.layer(index, ofExperts.prefix + leaves[0]), count: experts.count)
            }
            return .ofExperts(
                (0..<experts.count).map { expert in
                    leaves.map { names.layer(index, ofExperts.prefix(expert) + $0) }
                })
        }
        let parameter = { (leaf: String, inputs: Int, outputs: Int, leaves: [String]) in
            LinearParameter(
                module: names.layer(index, ofExperts.expertsModule), leaf: leaf, inputs: inputs, outputs: outputs,
                isTransposed: experts.isFused, weights: paths(leaves))
        }
        return [
            parameter(
                ExpertNames.stackedUp, width, 2 * network.width, experts.isFused ? [parts.up] : [parts.gate, parts.up]),
            parameter(ExpertNames.stackedDown, network.width, width, [parts.down]),
        ]
    }
}

extension AdapterConfiguration {
    /// The parameters that are targets, and what the names of their matrices start with: PEFT puts a wrapper around a module for
    /// each of its parameters, the first one innermost.
    ///
    /// - Throws: ``AdapterMismatch`` for a name of a new adapter that means none, and for a weight that is `[inputs, outputs]`.
    func linearParameters(
        of specification: DecoderSpecification, isNew: Bool
    ) throws(AdapterMismatch) -> [(parameter: DecoderSpecification.LinearParameter, path: String)] {
        guard !parameters.isEmpty else { return [] }
        let all = specification.linearParameters
        let meant = all.filter { parameter in
            parameters.contains { parameter.name == $0 || parameter.name.hasSuffix(".\($0)") }
        }
        let unknown = parameters.first { name in
            !meant.contains { $0.name == name || $0.name.hasSuffix(".\(name)") }
        }
        if isNew, let unknown {
            throw AdapterMismatch.noParameter(unknown, known: all.map(\.shortName).distinct)
        }
        if let matrix = meant.first(where: \.isTransposedWeight) { throw AdapterMismatch.transposed(matrix.name) }
        return meant.map { parameter in
            let outer = all.filter { $0.module == parameter.module }.drop { $0 != parameter }.dropFirst()
                .count { meant.contains($0) }
            return (parameter, parameter.module + String(repeating: ".base_layer", count: outer))
        }
    }
}

extension DecoderSpecification.LinearParameter {
    /// A name that means it in every layer.
    fileprivate var shortName: String { "\(module.split(separator: ".").last ?? "").\(leaf)" }

    fileprivate var isTransposedWeight: Bool { if case .one = weights { isTransposed } else { false } }
}

extension ExpertNames {
    /// What transformers 5 calls the weights of all experts of a layer.
    static let stackedUp = "gate_up_proj"
    static let stackedDown = "down_proj"
}

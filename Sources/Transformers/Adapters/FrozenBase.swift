import Torch

/// The weights of a model that no training changes. Models of a process that stand on them hold them once.
///
/// Matrices lie in the type that the model computes in; norms and biases, which are few, in float32.
public final class FrozenBase {
    /// The directory that they were read from.
    public let directory: ModelDirectory
    /// Where they lie, and the type of the matrices.
    public let placement: Placement
    /// The weights of linear layers in the blocks, by the paths of those, where they lie in 8 bits.
    let quantized: [String: QuantizedWeight]
    /// All but the heads.
    private let body: [ParameterGroup]
    private var heads: [DecoderHead: [ParameterGroup]] = [:]

    /// Reads everything but the heads.
    ///
    /// - Parameter isQuantized: whether the linear layers of the blocks have weights of 8 bits, with a scale for each output.
    /// - Throws: as ``ModelDirectory/load(into:scoreSeed:)``.
    public init(_ directory: ModelDirectory, placement: Placement, isQuantized: Bool = false) throws {
        try directory.check()
        let specification = directory.configuration.specification
        self.directory = directory
        self.placement = placement
        let declarations = specification.declarations(head: .languageModel).filter {
            $0.name != specification.names.head
        }
        let narrow = isQuantized ? specification.quantizedModules : []
        let narrowed = Set(narrow.map { "\($0.path).weight" })
        quantized = try directory.quantized(narrow, on: placement.device)
        body = try Self.read(
            declarations.filter { !narrowed.contains($0.name) }, named: "base", from: directory, placement)
    }

    /// The groups of a model that ends in a head of the directory, which is read once it is asked for.
    func groups(with head: DecoderHead) throws -> [ParameterGroup] {
        if let groups = heads[head] { return body + groups }
        let specification = directory.configuration.specification
        let known = Set(body.flatMap { $0.entries.map(\.declaration.name) } + quantized.keys.map { "\($0).weight" })
        let declarations = specification.declarations(head: head).filter { !known.contains($0.name) }
        let groups = try Self.read(declarations, named: "\(head)", from: directory, placement)
        heads[head] = groups
        return body + groups
    }

    /// The groups of a model whose score head is not the directory's.
    var groupsWithoutHead: [ParameterGroup] { body }

    /// A parameter that is held.
    func parameter(_ name: String) -> Tensor {
        let groups = body + heads.values.flatMap(\.self)
        guard let group = groups.first(where: { $0.contains(name) }) else {
            preconditionFailure("no parameter is named \(name)")
        }
        return group[name]
    }

    private static func read(
        _ declarations: [ParameterGroup.Declaration], named name: String, from directory: ModelDirectory,
        _ placement: Placement
    ) throws -> [ParameterGroup] {
        let parts = [
            (name, declarations.filter(\.decays), placement),
            ("\(name) vectors", declarations.filter { !$0.decays }, Placement(.float32, on: placement.device)),
        ]
        return try parts.filter { !$0.1.isEmpty }.map { name, declarations, placement in
            let group = ParameterGroup(name, declarations, isFrozen: true, trainable: false, placement)
            try directory.read(into: group)
            return group
        }
    }
}

extension DecoderSpecification {
    /// The linear layers whose weights may lie in 8 bits.
    var quantizedModules: [LinearModule] { linearModules.filter { $0.role != .router } }

    /// How many numbers and rows such weights have.
    package var quantizedCounts: (numbers: Int, rows: Int) {
        quantizedModules.reduce((0, 0)) { ($0.0 + $1.inputs * $1.outputs, $0.1 + $1.outputs) }
    }
}

extension ModelDirectory {
    /// The weights of linear layers in 8 bits, each read and narrowed before the next is.
    fileprivate func quantized(
        _ modules: [DecoderSpecification.LinearModule], on device: Device
    ) throws -> [String: QuantizedWeight] {
        guard !modules.isEmpty else { return [:] }
        let (weights, names) = (try WeightFiles(url), configuration.specification.names)
        let pairs = try modules.map { module in
            let name = "\(module.path).weight"
            guard let found = weights.name(of: name, names) else { throw Self.missing(name, in: weights, names) }
            let matrix = try weights.tensor(found).placed(Placement(.float32, on: device))
            return (module.path, QuantizedWeight(module.isTransposed ? matrix.transposed(0, 1).contiguous() : matrix))
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }
}

import Torch

/// The weights of a model that no training changes. Models of a process that stand on them hold them once.
///
/// Matrices lie in the type that the model computes in; norms and biases, which are few, in float32.
public final class FrozenBase {
    /// The directory that they were read from.
    public let directory: ModelDirectory
    /// Where they lie, and the type of the matrices.
    public let placement: Placement
    /// All but the heads.
    private let body: [ParameterGroup]
    private var heads: [DecoderHead: [ParameterGroup]] = [:]

    /// Reads everything but the heads.
    ///
    /// - Throws: as ``ModelDirectory/load(into:scoreSeed:)``.
    public init(_ directory: ModelDirectory, placement: Placement) throws {
        try directory.check()
        let specification = directory.configuration.specification
        self.directory = directory
        self.placement = placement
        let declarations = specification.declarations(head: .languageModel).filter {
            $0.name != specification.names.head
        }
        body = try Self.read(declarations, named: "base", from: directory, placement)
    }

    /// The groups of a model that ends in a head of the directory, which is read once it is asked for.
    func groups(with head: DecoderHead) throws -> [ParameterGroup] {
        if let groups = heads[head] { return body + groups }
        let specification = directory.configuration.specification
        let known = Set(body.flatMap { $0.entries.map(\.declaration.name) })
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

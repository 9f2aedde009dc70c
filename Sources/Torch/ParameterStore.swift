/// The parameters of a model in groups, such as a base and what is trained on top of it.
///
/// Groups keep their order. Those that training changes make one row of elements, group after group, by which moments
/// are laid out and divided over ranks.
public final class ParameterStore {
    /// All groups.
    public let groups: [ParameterGroup]
    /// The groups that training changes, in this process or in another one. They have moments, and gradients where this
    /// process trains them; they travel and are compared, since frozen ones stay as they were loaded.
    public let trained: [ParameterGroup]
    private let owners: [String: ParameterGroup]

    /// Holds groups, no two of which share a name. A parameter stands in the place of those that earlier groups have by its
    /// name.
    public init(_ groups: [ParameterGroup]) {
        precondition(Set(groups.map(\.name)).count == groups.count, "two groups of parameters have one name")
        self.groups = groups
        trained = groups.filter { !$0.isFrozen }
        owners = Dictionary(
            groups.flatMap { group in group.entries.map { ($0.declaration.name, group) } },
            uniquingKeysWith: { _, later in later })
    }

    /// The parameter of that name, a leaf that takes gradients if its group does.
    public subscript(name: String) -> Tensor {
        guard let group = owners[name] else { preconditionFailure("no parameter is named \(name)") }
        return group[name]
    }

    /// The part of a parameter at `index` of its first dimension, as ``ParameterGroup/part(of:at:)``.
    public func part(of name: String, at index: Int) -> Tensor {
        guard let group = owners[name] else { preconditionFailure("no parameter is named \(name)") }
        return group.part(of: name, at: index)
    }

    /// Whether a parameter has that name.
    public func contains(_ name: String) -> Bool { owners[name] != nil }

    /// Every parameter, in the order of groups and their buffers.
    public var declarations: [ParameterGroup.Declaration] { groups.flatMap { $0.entries.map(\.declaration) } }

    /// How many numbers the model has.
    public var parameterCount: Int { groups.reduce(0) { $0 + $1.parameterCount } }

    /// The length of all flat buffers of values, padding included.
    public var count: Int { groups.reduce(0) { $0 + $1.count } }

    /// How many elements the trained groups have, padding included.
    public var trainedCount: Int { trained.reduce(0) { $0 + $1.count } }

    /// A checksum over the bits of all trained groups and their order, to compare with another process of the same
    /// build.
    public var checksum: UInt64 {
        let sums = trained.map(\.checksum)
        return sums.dropFirst().reduce(sums.first ?? 0) { $0 &* 0x100_0000_01b3 ^ $1 }
    }

    /// Whether all weights that training changes are finite numbers, whose norm is one too.
    public var isFinite: Bool { trained.allSatisfy { $0.values.norm().isFinite } }

    /// Divides the elements of the trained groups into `parts` slices of nearly one length, each on a 64-byte boundary;
    /// the last ones may be empty.
    public func slices(_ parts: Int) -> [Range<Int>] {
        precondition(parts > 0, "parameters in \(parts) slices")
        let blocks = trainedCount / ParameterGroup.alignment
        let bounds = (0...parts).map { blocks * $0 / parts * ParameterGroup.alignment }
        return zip(bounds, bounds.dropFirst()).map { $0..<$1 }
    }

    /// Where a slice of the trained groups' elements lies: in each group that it meets, which of that group's elements.
    public func parts(of slice: Range<Int>) -> [(group: ParameterGroup, elements: Range<Int>)] {
        var parts: [(group: ParameterGroup, elements: Range<Int>)] = []
        var start = 0
        for group in trained {
            let met = slice.clamped(to: start..<start + group.count)
            if !met.isEmpty { parts.append((group, met.lowerBound - start..<met.upperBound - start)) }
            start += group.count
        }
        return parts
    }
}

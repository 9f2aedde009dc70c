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
    /// What this process keeps of the numbers that trained parameters are rounded from, where some are.
    public private(set) var masters: MasterWeights?
    private let owners: [String: ParameterGroup]

    /// Holds groups, no two of which share a name. A parameter stands in the place of those that earlier groups have by its
    /// name.
    ///
    /// - Parameter share: of the numbers that trained parameters are rounded from; `nil` where none are kept.
    public init(_ groups: [ParameterGroup], masters share: WeightStorage.Share? = nil) {
        precondition(Set(groups.map(\.name)).count == groups.count, "two groups of parameters have one name")
        self.groups = groups
        trained = groups.filter { !$0.isFrozen }
        owners = Dictionary(
            groups.flatMap { group in group.entries.map { ($0.declaration.name, group) } },
            uniquingKeysWith: { _, later in later })
        masters = share.map { share in
            MasterWeights(slicesOfBlocks(share.count)[share.index], on: trained.first?.device ?? .cpu)
        }
    }

    /// The parameter of that name, a leaf that takes gradients if its group does.
    public subscript(name: String) -> Tensor { owner(of: name)[name] }

    /// The part of a parameter at `index` of its first dimension, as ``ParameterGroup/part(of:at:)``.
    public func part(of name: String, at index: Int) -> Tensor { owner(of: name).part(of: name, at: index) }

    private func owner(of name: String) -> ParameterGroup {
        guard let group = owners[name] else { preconditionFailure("no parameter is named \(name)") }
        return group
    }

    /// Sets a parameter, and what is kept of the numbers that it is rounded from.
    ///
    /// - Parameter fill: is given float32 numbers of the parameter's shape, to set them all.
    public func set(_ name: String, by fill: (_ numbers: Tensor) throws -> Void) rethrows {
        let parameter = self[name]
        let numbers =
            parameter.type == .float32
            ? parameter : Tensor.empty(parameter.shape, Placement(.float32, on: parameter.device))
        try fill(numbers)
        if parameter.type != .float32 { parameter.copy(from: numbers) }
        if let masters, let elements = elements(of: name) { masters.take(numbers, as: elements) }
    }

    /// The elements of a parameter among those of the trained groups; `nil` where its group is frozen.
    public func elements(of name: String) -> Range<Int>? {
        let owner = owner(of: name)
        var start = 0
        for group in trained {
            if group === owner {
                let range = owner.entry(name).range
                return start + range.lowerBound..<start + range.upperBound
            }
            start += group.count
        }
        return nil
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
    public var checksum: UInt64 { trained.map(\.checksum).checksum }

    /// Whether all weights that training changes are finite numbers, whose norm is one too.
    public var isFinite: Bool { trained.allSatisfy { $0.runs.allSatisfy { $0.values.norm().isFinite } } }

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

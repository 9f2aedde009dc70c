import CTorch

/// Parameters of a model that are kept, trained and sent together: in one flat buffer, with their gradients in
/// another; tensors are views into them.
///
/// Parameters with weight decay come first, then those without, each on a boundary of 16 elements (padding stays zero). So one
/// all-reduce, one fused optimizer call a part, one broadcast and one checksum serve any group. Where some parameters are
/// rounded to a narrower type than others, neighbours of one type share a buffer; elements are counted through all of them.
public final class ParameterGroup {
    /// What a parameter is, before it has a place.
    public struct Declaration: Sendable, Equatable {
        /// Its name in the checkpoint.
        public var name: String
        /// The extent of each dimension.
        public var shape: [Int]
        /// Whether weight decay applies: to matrices, not to norms and biases.
        public var decays: Bool

        /// A parameter to be placed.
        public init(name: String, shape: [Int], decays: Bool) {
            self.name = name
            self.shape = shape
            self.decays = decays
        }
    }

    /// A parameter and where it lies.
    public struct Entry: Sendable, Equatable {
        /// What lies there.
        public var declaration: Declaration
        /// The index of its first element in the flat buffers.
        public var offset: Int
        /// How many elements.
        public var count: Int { declaration.shape.reduce(1, *) }
        /// Its elements in the flat buffers.
        public var range: Range<Int> { offset..<offset + count }
    }

    /// Parameters that lie in a narrower type than the others, and whose gradients come in float32 all the same.
    public struct Rounding: Sendable {
        /// The type.
        public var type: ScalarType
        /// The names of the parameters.
        public var names: Set<String>

        /// Parameters to be rounded.
        public init(_ names: Set<String>, to type: ScalarType) { (self.names, self.type) = (names, type) }
    }

    /// Neighbours of one type.
    public struct Run {
        /// Their elements, padding included.
        public let elements: Range<Int>
        /// Where they lie, `[elements]`.
        public let values: Tensor
    }

    /// What the group is called in its store.
    public let name: String
    /// Whether no training changes it, here or elsewhere: then it takes no gradients and never travels.
    public let isFrozen: Bool
    /// Every parameter, in the order of the buffer.
    public let entries: [Entry]
    /// How many leading elements weight decay applies to.
    public let decayedCount: Int
    /// The parameters, in as few buffers as their types allow.
    public let runs: [Run]
    /// Whether backward passes find gradients for them: not where they are frozen, or not trained by this process.
    public let takesGradients: Bool
    /// Their gradients, `[count]`, which backward passes add to; `nil` where there are none, or they are handed on.
    ///
    /// On the CPU they take memory from the first backward pass on.
    public private(set) var gradients: Tensor?
    /// The names of all parameters as they were declared: in the order in which a forward pass comes to them.
    public let declarationOrder: [String]
    private let members: [String: (view: Tensor, entry: Entry)]
    /// What takes gradients, and which elements it has: whole parameters, and parts that were asked for.
    private var leaves: [(tensor: Tensor, elements: Range<Int>)] = []
    private var handsOn = false

    /// Places and allocates the parameters; values and gradients are zero.
    ///
    /// - Parameters:
    ///   - name: of the group.
    ///   - isFrozen: whether no training changes them.
    ///   - trainable: whether this process trains what is not frozen.
    ///   - placement: of values and gradients; the optimizer takes float32 alone.
    ///   - rounding: parameters of another type. A group that has some keeps no ``gradients``: they are to be handed on.
    public init(
        _ name: String, _ declarations: [Declaration], isFrozen: Bool = false, trainable: Bool,
        _ placement: Placement = .float32, rounding: Rounding? = nil
    ) {
        var entries: [Entry] = []
        var end = 0
        var decayed = 0
        for decays in [true, false] {
            for declaration in declarations where declaration.decays == decays {
                let entry = Entry(declaration: declaration, offset: end)
                entries.append(entry)
                end += (entry.count + Self.alignment - 1) / Self.alignment * Self.alignment
            }
            if decays { decayed = end }
        }
        let takesGradients = trainable && !isFrozen
        let runs = Self.runs(of: entries, until: end, placement, rounding)
        let gradients = takesGradients && rounding == nil ? Tensor.unusedZeros(end, placement) : nil
        self.name = name
        self.isFrozen = isFrozen
        self.entries = entries
        self.decayedCount = decayed
        self.runs = runs
        self.takesGradients = takesGradients
        self.gradients = gradients
        declarationOrder = declarations.map(\.name)
        members = Dictionary(
            uniqueKeysWithValues: entries.map { entry in
                let view = Self.view(runs, gradients, entry.offset, entry.declaration.shape, takesGradients)
                return (entry.declaration.name, (view, entry))
            })
        if takesGradients { leaves = entries.map { (self[$0.declaration.name], $0.range) } }
    }

    /// The parameters, `[count]`, of a group without rounded ones.
    public var values: Tensor {
        precondition(runs.count == 1, "parameters of \(name) lie in \(runs.count) buffers")
        return runs[0].values
    }

    /// Where some of the elements lie, in order, and which of them each buffer has.
    public func values(of elements: Range<Int>) -> [Run] {
        runs.compactMap { run in
            let met = elements.clamped(to: run.elements)
            guard !met.isEmpty else { return nil }
            let start = run.elements.lowerBound
            return Run(elements: met, values: run.values.narrowed(0, met.lowerBound - start..<met.upperBound - start))
        }
    }

    /// Where the parameters lie.
    public var device: Device { runs[0].values.device }

    /// The length of the flat buffers, padding included.
    public var count: Int { runs.last?.elements.upperBound ?? 0 }

    /// How many numbers its parameters have.
    public var parameterCount: Int { entries.reduce(0) { $0 + $1.count } }

    /// The parameter of that name, a leaf that takes gradients if the group does.
    public subscript(name: String) -> Tensor { member(name).view }

    /// Where the parameter of that name lies.
    public func entry(_ name: String) -> Entry { member(name).entry }

    private func member(_ name: String) -> (view: Tensor, entry: Entry) {
        guard let member = members[name] else { preconditionFailure("no parameter is named \(name)") }
        return member
    }

    /// The part of a parameter at `index` of its first dimension, a leaf of its own: its gradient is added to that part alone.
    public func part(of name: String, at index: Int) -> Tensor {
        let entry = entry(name)
        guard let count = entry.declaration.shape.first, (0..<count).contains(index) else {
            preconditionFailure("no parameter \(name) has a part \(index)")
        }
        precondition(!handsOn, "a part of \(name) is asked for after gradients are handed on")
        let start = entry.offset + entry.count / count * index
        let part = Self.view(runs, gradients, start, Array(entry.declaration.shape.dropFirst()), takesGradients)
        if takesGradients { leaves.append((part, start..<start + entry.count / count)) }
        return part
    }

    /// Hands each gradient on as soon as a backward pass has it, to keep none: there are no ``gradients`` from now on.
    ///
    /// - Parameter receiver: is called within the backward pass with a gradient that is its own, and with the elements of the
    ///   flat buffer that it belongs to. A parameter's gradient comes once a pass, or in several parts or sums of it.
    public func handOnGradients(to receiver: @escaping (_ gradient: Tensor, _ elements: Range<Int>) -> Void) {
        precondition(takesGradients, "parameters of \(name) that are not trainable have no gradients")
        (gradients, handsOn) = (nil, true)
        for (tensor, elements) in leaves { tensor.handOnGradient { receiver($0, elements) } }
    }

    /// Whether a parameter has that name.
    public func contains(_ name: String) -> Bool { members[name] != nil }

    /// A checksum over the bits of all values and their order, to compare with another process of the same build.
    public var checksum: UInt64 {
        runs.map { run in
            var sum: UInt64 = 0
            perform("checksum", run.values) { ct_checksum(run.values.handle, &sum) }
            return sum
        }.checksum
    }

    /// Elements on whose multiples parameters begin: 64 bytes of float32.
    static let alignment = 16

    private static func runs(
        of entries: [Entry], until end: Int, _ placement: Placement, _ rounding: Rounding?
    ) -> [Run] {
        var starts: [(offset: Int, type: ScalarType)] = []
        for entry in entries {
            let isRounded = rounding?.names.contains(entry.declaration.name) ?? false
            let type = isRounded ? rounding?.type ?? placement.type : placement.type
            if starts.last?.type != type { starts.append((entry.offset, type)) }
        }
        if starts.isEmpty { starts = [(0, placement.type)] }
        return zip(starts, starts.dropFirst().map(\.offset) + [end]).map { start, end in
            let values = Tensor.zeros([end - start.offset], Placement(start.type, on: placement.device))
            return Run(elements: start.offset..<end, values: values)
        }
    }

    /// The elements of one shape from `offset` on, a leaf if it takes gradients.
    private static func view(
        _ runs: [Run], _ gradients: Tensor?, _ offset: Int, _ shape: [Int], _ takesGradients: Bool
    ) -> Tensor {
        guard let run = runs.last(where: { $0.elements.lowerBound <= offset }) else {
            preconditionFailure("element \(offset) lies in no buffer")
        }
        let view = tensor("parameter view", run.values) { out in
            shape.withInt64 {
                ct_parameter_view(
                    run.values.handle, gradients?.handle, Int64(offset - run.elements.lowerBound), $0.baseAddress,
                    $0.count, out)
            }
        }
        if takesGradients, gradients == nil {
            perform("take wide gradient", view) { ct_take_wide_gradient(view.handle) }
        }
        return view
    }
}

extension [UInt64] {
    /// One for several checksums and their order; the first where there is one alone.
    var checksum: UInt64 { dropFirst().reduce(first ?? 0) { $0 &* 0x100_0000_01b3 ^ $1 } }
}

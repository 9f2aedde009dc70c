import CTorch

/// Parameters of a model that are kept, trained and sent together: in one flat buffer, with their gradients in
/// another; tensors are views into them.
///
/// Parameters with weight decay come first, then those without, each on a 64-byte boundary (padding stays zero). So one
/// all-reduce, one fused optimizer call a part, one broadcast and one checksum serve any group.
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

    /// What the group is called in its store.
    public let name: String
    /// Whether no training changes it, here or elsewhere: then it takes no gradients and never travels.
    public let isFrozen: Bool
    /// Every parameter, in the order of the buffer.
    public let entries: [Entry]
    /// How many leading elements weight decay applies to.
    public let decayedCount: Int
    /// The parameters, `[count]`.
    public let values: Tensor
    /// Whether backward passes find gradients for them: not where they are frozen, or not trained by this process.
    public let takesGradients: Bool
    /// Their gradients, `[count]`, which backward passes add to; `nil` where there are none, or they are handed on.
    ///
    /// On the CPU they take memory from the first backward pass on.
    public private(set) var gradients: Tensor?
    /// The names of all parameters as they were declared: in the order in which a forward pass comes to them.
    public let declarationOrder: [String]
    private let views: [String: Tensor]
    /// What takes gradients, and which elements it has: whole parameters, and parts that were asked for.
    private var leaves: [(tensor: Tensor, elements: Range<Int>)] = []

    /// Places and allocates the parameters; values and gradients are zero.
    ///
    /// - Parameters:
    ///   - name: of the group.
    ///   - isFrozen: whether no training changes them.
    ///   - trainable: whether this process trains what is not frozen.
    ///   - placement: of values and gradients; the optimizer takes float32 alone.
    public init(
        _ name: String, _ declarations: [Declaration], isFrozen: Bool = false, trainable: Bool,
        _ placement: Placement = .float32
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
        let values = Tensor.zeros([end], placement)
        let takesGradients = trainable && !isFrozen
        let gradients = takesGradients ? Tensor.unusedZeros(end, placement) : nil
        views = Dictionary(
            uniqueKeysWithValues: entries.map { entry in
                (entry.declaration.name, Self.view(values, gradients, at: entry.offset, entry.declaration.shape))
            })
        self.name = name
        self.isFrozen = isFrozen
        self.entries = entries
        self.decayedCount = decayed
        self.values = values
        self.takesGradients = takesGradients
        self.gradients = gradients
        declarationOrder = declarations.map(\.name)
        if takesGradients { leaves = entries.map { (self[$0.declaration.name], $0.range) } }
    }

    /// The length of the flat buffers, padding included.
    public var count: Int { values.count }

    /// How many numbers its parameters have.
    public var parameterCount: Int { entries.reduce(0) { $0 + $1.count } }

    /// The parameter of that name, a leaf that takes gradients if the group does.
    public subscript(name: String) -> Tensor {
        guard let view = views[name] else { preconditionFailure("no parameter is named \(name)") }
        return view
    }

    /// The part of a parameter at `index` of its first dimension, a leaf of its own: its gradient is added to that part alone.
    public func part(of name: String, at index: Int) -> Tensor {
        guard let entry = entries.first(where: { $0.declaration.name == name }),
            let count = entry.declaration.shape.first,
            (0..<count).contains(index)
        else { preconditionFailure("no parameter \(name) has a part \(index)") }
        let start = entry.offset + entry.count / count * index
        let part = Self.view(values, gradients, at: start, Array(entry.declaration.shape.dropFirst()))
        precondition(
            !takesGradients || gradients != nil, "a part of \(name) is asked for after gradients are handed on")
        if takesGradients { leaves.append((part, start..<start + entry.count / count)) }
        return part
    }

    /// Hands each gradient on as soon as a backward pass has it, to keep none: there are no ``gradients`` from now on.
    ///
    /// - Parameter receiver: is called within the backward pass with a gradient that is its own, and with the elements of the
    ///   flat buffer that it belongs to. A parameter's gradient comes once a pass, or in several parts or sums of it.
    public func handOnGradients(to receiver: @escaping (_ gradient: Tensor, _ elements: Range<Int>) -> Void) {
        precondition(takesGradients, "parameters of \(name) that are not trainable have no gradients")
        gradients = nil
        for (tensor, elements) in leaves { tensor.handOnGradient { receiver($0, elements) } }
    }

    private static func view(_ values: Tensor, _ gradients: Tensor?, at offset: Int, _ shape: [Int]) -> Tensor {
        tensor("parameter view", values) { out in
            shape.withInt64 {
                ct_parameter_view(values.handle, gradients?.handle, Int64(offset), $0.baseAddress, $0.count, out)
            }
        }
    }

    /// Whether a parameter has that name.
    public func contains(_ name: String) -> Bool { views[name] != nil }

    /// A checksum over the bits of all values and their order, to compare with another process of the same build.
    public var checksum: UInt64 {
        var sum: UInt64 = 0
        perform("checksum", values) { ct_checksum(values.handle, &sum) }
        return sum
    }

    /// 64 bytes of float32.
    static let alignment = 16
}

/// A value with an identity: what is called, iterated once, or changed.
class JinjaObject {
    /// Levels of lists and mappings that it holds.
    let depth: Int
    var typeName: String { "object" }
    var isTrue: Bool { true }
    /// As it prints.
    var text: String { "<\(typeName)>" }

    init(depth: Int = 0) { self.depth = depth }
}

/// An integer past 64 bits, which can be printed and no more.
final class JinjaBigInteger: JinjaObject {
    private let digits: String
    override var typeName: String { "integer past 64 bits" }
    override var text: String { digits }

    init(_ digits: String) {
        self.digits = digits
        super.init()
    }
}

/// A function of the language.
final class JinjaGlobalFunction: JinjaObject {
    enum Kind: String {
        case range, dict, namespace, cycler, joiner
        case raiseException = "raise_exception"
        case strftimeNow = "strftime_now"
        case lipsum
    }

    let kind: Kind
    override var typeName: String { "function" }
    override var text: String { "<function \(kind.rawValue)>" }

    init(_ kind: Kind) {
        self.kind = kind
        super.init()
    }
}

/// A method with what it belongs to.
final class JinjaMethod: JinjaObject {
    let receiver: JinjaValue
    let member: JinjaMember
    override var typeName: String { "method" }
    override var text: String { "<method \(member.rawValue) of \(receiver.typeName)>" }

    init(_ receiver: JinjaValue, _ member: JinjaMember) {
        self.receiver = receiver
        self.member = member
        super.init(depth: receiver.depth)
    }
}

/// A macro with the variables around it.
final class JinjaClosure: JinjaObject {
    let macro: JinjaMacro
    let frame: JinjaFrame
    override var typeName: String { "macro" }
    override var text: String { macro.name.map { "<Macro '\($0)'>" } ?? "<Macro anonymous>" }

    init(_ macro: JinjaMacro, _ frame: JinjaFrame) {
        self.macro = macro
        self.frame = frame
        super.init()
    }
}

/// `namespace(...)`: attributes that any scope may set.
final class JinjaNamespace: JinjaObject {
    @exclusivity(unchecked) private(set) var attributes: [JinjaKeyword]
    override var typeName: String { "namespace" }

    /// - Parameter attributes: No two have the same name.
    init(_ attributes: [JinjaKeyword]) {
        self.attributes = attributes
        super.init()
    }

    subscript(_ name: String) -> JinjaValue? {
        get { attributes.first { $0.name.isSameText(as: name) }?.value }
        set {
            guard let newValue else { return }
            if let index = attributes.firstIndex(where: { $0.name.isSameText(as: name) }) {
                attributes[index].value = newValue
            } else {
                attributes.append(JinjaKeyword(name: name, value: newValue))
            }
        }
    }

    /// Lets go of everything: namespaces may hold one another in a ring.
    func clear() { attributes = [] }
}

/// `cycler(...)`.
final class JinjaCycler: JinjaObject {
    let items: [JinjaValue]
    var position = 0
    override var typeName: String { "cycler" }

    init(_ items: [JinjaValue]) throws(JinjaError) {
        guard !items.isEmpty else { throw .evaluation("cycler() needs at least one value") }
        self.items = items
        super.init(depth: try JinjaLimits.depth(above: items))
    }
}

/// `joiner(...)`: nothing at first, then its separator.
final class JinjaJoiner: JinjaObject {
    let separator: JinjaValue
    var isUsed = false
    override var typeName: String { "joiner" }

    init(_ separator: JinjaValue) throws(JinjaError) {
        self.separator = separator
        super.init(depth: try JinjaLimits.depth(above: separator.depth))
    }
}

/// `range(...)`.
final class JinjaRange: JinjaObject {
    let start: Int, stop: Int, step: Int
    let count: Int
    override var typeName: String { "range" }
    override var isTrue: Bool { count > 0 }
    override var text: String { step == 1 ? "range(\(start), \(stop))" : "range(\(start), \(stop), \(step))" }
    /// The sandbox of jinja2 allows so many elements.
    static let largest = 100_000

    /// - Parameter step: Not 0.
    init(start: Int, stop: Int, step: Int) throws(JinjaError) {
        (self.start, self.stop, self.step) = (start, stop, step)
        let (distance, overflows) =
            step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
        if step > 0 ? stop <= start : stop >= start {
            count = 0
        } else {
            let size = step.magnitude
            let elements = overflows ? UInt.max : (UInt(distance) - 1) / size + 1
            guard elements <= UInt(Self.largest) else {
                throw JinjaError(.limit, "a range has more than \(Self.largest) elements")
            }
            count = Int(elements)
        }
        super.init()
    }

    /// - Parameter index: From 0, less than the count.
    subscript(_ index: Int) -> Int { start + index * step }

    /// Where the element of any index is, or would be.
    func place(_ index: Int) throws(JinjaError) -> Int {
        let distance = step.multipliedReportingOverflow(by: index)
        let place = start.addingReportingOverflow(distance.partialValue)
        guard !distance.overflow, !place.overflow else { throw PythonNumber.pastRange }
        return place.partialValue
    }

    var elements: [JinjaValue] { (0..<count).map { .integer(self[$0]) } }
}

/// `dict.keys()`, `.values()` and `.items()`.
final class JinjaView: JinjaObject {
    enum Kind: String {
        case keys, values, items
    }

    let kind: Kind
    let elements: [JinjaValue]
    override var typeName: String { "view of a mapping" }
    override var isTrue: Bool { !elements.isEmpty }

    init(_ kind: Kind, of mapping: JinjaMapping) throws(JinjaError) {
        self.kind = kind
        switch kind {
        case .keys: elements = mapping.keys
        case .values: elements = mapping.values
        case .items: elements = try mapping.items()
        }
        super.init(depth: mapping.depth + 1)
    }
}

extension JinjaMapping {
    /// Keys and values as pairs.
    func items() throws(JinjaError) -> [JinjaValue] {
        var pairs: [JinjaValue] = []
        pairs.reserveCapacity(count)
        for (key, value) in zip(keys, values) { pairs.append(.tuple(try JinjaList([key, value]))) }
        return pairs
    }
}

/// What can be iterated once, as the filters `map`, `select` and others give it. Nothing is computed before it is asked for.
final class JinjaIterator: JinjaObject {
    private let pull: () throws(JinjaError) -> JinjaValue?
    override var typeName: String { "iterator" }

    /// - Parameter depth: Of what it draws from; iterators on iterators nest as lists do.
    init(above depth: Int, _ pull: @escaping () throws(JinjaError) -> JinjaValue?) throws(JinjaError) {
        self.pull = pull
        super.init(depth: try JinjaLimits.depth(above: depth))
    }

    convenience init(_ elements: [JinjaValue], depth: Int) throws(JinjaError) {
        var index = 0
        try self.init(above: depth) { () throws(JinjaError) -> JinjaValue? in
            guard index < elements.count else { return nil }
            defer { index += 1 }
            return elements[index]
        }
    }

    func next() throws(JinjaError) -> JinjaValue? { try pull() }
}

/// The variables of a template, or of one call of a macro.
final class JinjaFrame {
    @exclusivity(unchecked) var slots: [JinjaValue?]
    let parent: JinjaFrame?

    init(size: Int, parent: JinjaFrame?) {
        slots = Array(repeating: nil, count: size)
        self.parent = parent
    }
}

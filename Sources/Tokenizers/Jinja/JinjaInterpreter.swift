/// Renders a template once.
final class JinjaInterpreter {
    let program: JinjaProgram
    private let limits: JinjaLimits
    /// For `strftime_now`.
    let date: JinjaDate?
    /// Values that come from outside, by their numbers.
    @exclusivity(unchecked) private var globals: [JinjaValue?] = []
    /// The text so far; what a macro or block writes is taken from its end.
    @exclusivity(unchecked) var output: [UInt8] = []
    /// How many macros and blocks collect what is written.
    @exclusivity(unchecked) var captures = 0
    /// Bytes of the text that stand in `{% generation %}`.
    var generations: [Range<Int>] = []
    /// The first such block whose text a macro or block collected, so that it has no place of its own in the text.
    var capturedGeneration: Int?
    /// The byte of the template that is at work, for errors.
    @exclusivity(unchecked) private(set) var offset = 0
    @exclusivity(unchecked) private var steps = 0
    @exclusivity(unchecked) private var nesting = 0
    /// Frames that macros keep, and namespaces: they may hold one another in rings.
    @exclusivity(unchecked) private var frames: [JinjaFrame] = []
    @exclusivity(unchecked) private var namespaces: [JinjaNamespace] = []

    init(_ program: JinjaProgram, limits: JinjaLimits, date: JinjaDate?) {
        self.program = program
        self.limits = limits
        self.date = date
    }

    /// Renders into ``output`` and ``generations``.
    func run(_ variables: JinjaVariables) throws(JinjaError) {
        defer {
            for frame in frames { frame.slots = [] }
            for namespace in namespaces { namespace.clear() }
        }
        globals = variables.values
        let frame = JinjaFrame(size: program.scopes.scopes[0].frameSize, parent: nil)
        enter(0, frame)
        output.reserveCapacity(1024)
        _ = try execute(program.statements, frame)
    }
}

// MARK: Limits

extension JinjaInterpreter {
    /// Goes to a place of the template.
    @inline(__always)
    func go(to offset: Int) { self.offset = offset }

    @inline(__always)
    func step(_ count: Int = 1) throws(JinjaError) {
        steps += count
        if steps > limits.steps { throw tooManySteps }
    }

    /// Counts a string that is made.
    @inline(__always)
    func spend(bytes: Int) throws(JinjaError) {
        if bytes > limits.valueSize { throw tooLong }
        try step(1 + bytes / 16)
    }

    /// Counts a list that is made.
    func spend(elements: Int) throws(JinjaError) {
        if elements > limits.valueSize {
            throw JinjaError(.limit, "a list is longer than \(limits.valueSize) elements")
        }
        try step(1 + elements)
    }

    /// Refuses what would be too long before it is made.
    func spend(bytes: Int, times count: Int) throws(JinjaError) {
        let (product, overflows) = bytes.multipliedReportingOverflow(by: max(count, 0))
        try spend(bytes: overflows ? .max : product)
    }

    func spend(elements: Int, times count: Int) throws(JinjaError) {
        let (product, overflows) = elements.multipliedReportingOverflow(by: max(count, 0))
        try spend(elements: overflows ? .max : product)
    }

    @inline(__always)
    func descend() throws(JinjaError) {
        nesting += 1
        if nesting > limits.nesting { throw tooDeep }
    }

    @inline(__always)
    func ascend() { nesting -= 1 }

    /// Begins an expression that has others in it; ``ascend()`` ends it.
    @inline(__always)
    func enter() throws(JinjaError) {
        try step()
        try descend()
    }

    // Apart from the checks, which stand in every expression and are to be short.

    private var tooManySteps: JinjaError {
        @inline(never) get { JinjaError(.limit, "rendering takes more than \(limits.steps) steps") }
    }

    private var tooLong: JinjaError {
        @inline(never) get { JinjaError(.limit, "a string is longer than \(limits.valueSize) bytes") }
    }

    private var tooDeep: JinjaError {
        @inline(never) get { JinjaError(.limit, "macros and expressions nest deeper than \(limits.nesting) levels") }
    }

    /// A string that was made, counted.
    func string(_ text: String) throws(JinjaError) -> JinjaValue {
        try spend(bytes: text.utf8.count)
        return .string(text)
    }

    /// A list that was made, counted.
    func list(_ elements: [JinjaValue]) throws(JinjaError) -> JinjaValue {
        try spend(elements: elements.count)
        return .list(try JinjaList(elements))
    }

    func list(_ texts: [String]) throws(JinjaError) -> JinjaValue {
        try spend(elements: texts.count)
        return .list(try JinjaList.texts(texts))
    }

    func tuple(_ texts: [String]) throws(JinjaError) -> JinjaValue { .tuple(try JinjaList.texts(texts)) }
}

// MARK: Output

extension JinjaInterpreter {
    func write(_ text: String) throws(JinjaError) {
        append(text)
        try check(written: text.utf8.count)
    }

    /// Adds to the text what ``check(written:)`` counts later.
    func append(_ text: String) { text.withBytes { output.append(contentsOf: $0) } }

    /// Adds a string, and gives back what is none.
    func appendString(_ value: JinjaValue) -> JinjaValue? {
        guard case .string(let text) = value else { return value }
        append(text)
        return nil
    }

    /// Counts text that was added.
    func check(written count: Int) throws(JinjaError) {
        if output.count > limits.outputBytes {
            throw JinjaError(.limit, "the text is longer than \(limits.outputBytes) bytes")
        }
        try step(1 + count / 64)
    }

    /// Takes away what was added from a byte on.
    func takeOutput(from start: Int) -> String {
        defer { output.removeLast(output.count - start) }
        return String(decoding: output[start...], as: UTF8.self)
    }

    /// Collects what `body` writes instead of writing it.
    func capture(_ body: () throws(JinjaError) -> JinjaFlow) throws(JinjaError) -> (text: String, flow: JinjaFlow) {
        let start = output.count
        captures += 1
        let flow = try body()
        captures -= 1
        let text = takeOutput(from: start)
        try spend(bytes: text.utf8.count)
        return (text, flow)
    }
}

// MARK: Variables

extension JinjaInterpreter {
    /// Gives the variables of a scope what they begin as.
    func enter(_ scope: Int, _ frame: JinjaFrame) {
        for (slot, start) in program.scopes.scopes[scope].starts {
            switch start {
            case .missing: frame.slots[slot] = nil
            case .copy(let place): frame.slots[slot] = value(at: place, frame)
            case .global(let number): frame.slots[slot] = globals[number]
            }
        }
    }

    /// The value of a variable, by its number; `nil` where it has none.
    @inline(__always)
    func value(of variable: Int, _ frame: JinjaFrame) -> JinjaValue? {
        value(at: program.scopes.places[variable], frame)
    }

    @inline(__always)
    private func value(at place: JinjaScopes.Place, _ frame: JinjaFrame) -> JinjaValue? {
        place.hops == 0 ? frame.slots[place.slot] : outer(frame, place.hops).slots[place.slot]
    }

    /// A variable of the innermost frame, where it is a mapping.
    @inline(__always)
    func mapping(of variable: Int, _ frame: JinjaFrame) -> JinjaMapping? {
        let place = program.scopes.places[variable]
        guard place.hops == 0, case .mapping(let mapping)? = frame.slots[place.slot] else { return nil }
        return mapping
    }

    func set(_ variable: Int, _ value: consuming JinjaValue, _ frame: JinjaFrame) {
        let place = program.scopes.places[variable]
        if place.hops == 0 {
            frame.slots[place.slot] = value
        } else {
            outer(frame, place.hops).slots[place.slot] = value
        }
    }

    @inline(never)
    private func outer(_ frame: JinjaFrame, _ hops: Int) -> JinjaFrame {
        var frame = frame
        for _ in 0..<hops {
            guard let parent = frame.parent else { preconditionFailure("a variable lies outside of all frames") }
            frame = parent
        }
        return frame
    }

    /// A frame for a call of what has this scope, inside `parent`.
    func frame(_ scope: Int, in parent: JinjaFrame) -> JinjaFrame {
        JinjaFrame(size: program.scopes.scopes[scope].frameSize, parent: parent)
    }

    /// A macro as a value, which sees the variables of `frame`.
    func closure(_ macro: JinjaMacro, _ frame: JinjaFrame) -> JinjaValue {
        if frames.last !== frame { frames.append(frame) }
        return .object(JinjaClosure(macro, frame))
    }

    func namespace(_ attributes: [JinjaKeyword]) -> JinjaNamespace {
        let namespace = JinjaNamespace(attributes)
        namespaces.append(namespace)
        return namespace
    }
}

/// How a statement ends.
enum JinjaFlow {
    case next, breakLoop, continueLoop
}

/// A template as it is rendered. Its statements and expressions are all constant, so that many threads may render it: a tree
/// of subclasses, which are called faster than what conforms to a protocol, is not seen to be.
struct JinjaProgram: @unchecked Sendable {
    let source: [UInt8]
    let statements: [JinjaStatement]
    let scopes: JinjaScopes
}

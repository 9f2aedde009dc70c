/// The variable `loop`, and the elements that a loop goes through.
final class JinjaLoop: JinjaObject {
    /// What follows `elements`, where not all are known from the start.
    private let iterator: JinjaIterator?
    @exclusivity(unchecked) private var elements: [JinjaValue]
    /// Of the current element.
    @exclusivity(unchecked) private(set) var index = -1
    /// Levels of recursive loops around this one.
    let level: Int
    /// What `loop(...)` renders again, in a recursive loop.
    let recursion: (statement: JinjaLoopStatement, frame: JinjaFrame)?
    private var lastChanged: [JinjaValue]?
    override var typeName: String { "loop" }

    init(
        _ elements: [JinjaValue], _ iterator: JinjaIterator?, depth: Int, level: Int = 0,
        recursion: (statement: JinjaLoopStatement, frame: JinjaFrame)? = nil
    ) throws(JinjaError) {
        self.elements = elements
        self.iterator = iterator
        self.level = level
        self.recursion = recursion
        super.init(depth: try JinjaLimits.depth(above: depth))
    }

    /// Goes on to the next element.
    func next() throws(JinjaError) -> JinjaValue? {
        guard let element = try peek() else { return nil }
        index += 1
        return element
    }

    /// The element after the current one, which stays the next.
    func peek() throws(JinjaError) -> JinjaValue? {
        if index + 1 == elements.count, let element = try iterator?.next() { elements.append(element) }
        return index + 1 < elements.count ? elements[index + 1] : nil
    }

    /// The number of elements, for which an iterator is drawn to its end.
    func length(_ collect: (JinjaIterator) throws(JinjaError) -> [JinjaValue]) throws(JinjaError) -> Int {
        if let iterator { elements += try collect(iterator) }
        return elements.count
    }

    var previous: JinjaValue? { index > 0 ? elements[index - 1] : nil }

    /// Whether the values differ from those of the last time.
    func changed(
        _ values: [JinjaValue], _ areEqual: ([JinjaValue], [JinjaValue]) throws(JinjaError) -> Bool
    ) throws(JinjaError) -> Bool {
        if let lastChanged, try areEqual(lastChanged, values) { return false }
        lastChanged = values
        return true
    }
}

/// A colour each for what figures show, the same in all of them.
package struct Palette: Sendable {
    /// How many colours the style sheet has; after them they begin anew.
    static let count = 10

    private let places: [String: Int]

    /// - Parameter names: In the order in which colours are given; the first of equals counts.
    init(_ names: [String]) {
        var places: [String: Int] = [:]
        for name in names where places[name] == nil { places[name] = places.count }
        self.places = places
    }

    /// A colour as CSS; what has none of its own is drawn in that of text.
    func color(_ name: String) -> String {
        places[name].map { "var(--p\($0 % Self.count))" } ?? "var(--ink-2)"
    }
}

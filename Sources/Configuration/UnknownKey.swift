/// A key that a block does not have, and what its writer probably wanted.
package struct UnknownKey {
    package let entry: ConfigurationNode.Entry
    /// All entries of the block.
    package let siblings: [ConfigurationNode.Entry]
    /// The dotted name.
    package let key: String

    package init(entry: ConfigurationNode.Entry, siblings: [ConfigurationNode.Entry], key: String) {
        (self.entry, self.siblings, self.key) = (entry, siblings, key)
    }

    /// More keys than this are not listed in an error.
    private static let mostListed = 12

    /// - Parameters:
    ///   - known: The keys of the block.
    ///   - elsewhere: The blocks that know the key.
    ///   - nested: The dotted key of a block within the block that it is but for a `_` in place of the dot.
    ///   - inner: Dotted keys of blocks within the block that end in it.
    package func error(
        known: [String], elsewhere: [String], nested: String? = nil, inner: [String] = [], _ foreign: ForeignKeys
    ) -> ConfigurationError {
        let (problem, remedy) =
            foreign.explanation(self, known)
            ?? (
                "unknown key",
                nested.map { "it is \($0) here, a key of a block" }
                    ?? remedy(known: known, elsewhere: elsewhere, inner: inner, foreign)
            )
        return ConfigurationError(entry.origin, key: key, problem: problem, remedy: remedy)
    }

    private func remedy(known: [String], elsewhere: [String], inner: [String], _ foreign: ForeignKeys) -> String {
        if let advice = foreign.advice[entry.key] { return advice }
        if let synonym = foreign.synonyms[entry.key], known.contains(synonym) {
            return "it is called \(synonym) here"
        }
        if let inner = entry.value.entries?.first?.key, known.contains("\(entry.key)_\(inner)") {
            return "did you mean \(entry.key)_\(inner)?"
        }
        let places = [
            elsewhere.isEmpty ? nil : "it belongs under \(elsewhere.joined(separator: ", "))",
            inner.isEmpty ? nil : "here there is \(inner.joined(separator: ", "))",
        ].compactMap(\.self)
        if !places.isEmpty { return places.joined(separator: "; ") }
        if let nearest = NearestName.of(entry.key, in: known) { return "did you mean \(nearest)?" }
        if let synonym = foreign.synonyms[entry.key] {
            return "did you mean \(synonym), which is a key of another block?"
        }
        if known.count <= Self.mostListed { return "keys here are \(known.joined(separator: ", "))" }
        return "'mpo train --print-config' prints all keys with their values, launch/CONFIGURATION.md has their meaning"
    }
}

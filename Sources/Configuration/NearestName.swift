/// Finds the name that someone who mistyped probably meant.
package enum NearestName {
    /// The candidate closest to `name`, else the only one that begins with it as a word, as `js` for `js_divergence`; `nil`
    /// where there is none. Case, `-` and `_` make no difference.
    package static func of(_ name: String, in candidates: some Collection<String>) -> String? {
        let wanted = normalized(name)
        let limit = max(1, wanted.count / 3)
        let nearest =
            candidates
            .map { (candidate: $0, distance: distance(wanted, normalized($0))) }
            .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }
        guard let nearest else { return nil }
        if nearest.distance <= limit { return nearest.candidate }
        let longer = candidates.filter { normalized($0).starts(with: wanted + ["_"]) }
        return longer.count == 1 ? longer.first : nil
    }

    /// Damerau-Levenshtein distance in its "optimal string alignment" form: insertions, deletions, substitutions and
    /// swaps of neighbours count one each.
    package static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let substitution = previous[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(substitution, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }

    private static func normalized(_ name: String) -> [Character] {
        Array(name.lowercased().replacing("-", with: "_"))
    }
}

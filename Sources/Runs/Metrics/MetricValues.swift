/// Metrics of one step, by name, in the order they were set.
package struct MetricValues: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// Names in order.
    package private(set) var names: [String] = []
    private var values: [String: Double] = [:]

    /// Metrics in the order of the literal.
    package init(dictionaryLiteral elements: (String, Double)...) {
        for (name, value) in elements { self[name] = value }
    }

    /// The value of a metric, `nil` where there is none. A name that is set again keeps its place.
    package subscript(name: String) -> Double? {
        get { values[name] }
        set {
            let old = values.updateValue(newValue ?? 0, forKey: name)
            if newValue == nil {
                values[name] = nil
                names.removeAll { $0 == name }
            } else if old == nil {
                names.append(name)
            }
        }
    }

    /// The mean of each metric over those that have it.
    package init(meansOf all: [MetricValues]) {
        for name in all.flatMap(\.names) where self[name] == nil {
            let found = all.compactMap { $0[name] }
            self[name] = found.reduce(0, +) / Double(found.count)
        }
    }

    /// The metrics with these names.
    package func filter(_ isIncluded: (String) -> Bool) -> MetricValues {
        var kept = MetricValues()
        for name in names where isIncluded(name) { kept[name] = self[name] }
        return kept
    }

    /// Whether there are no metrics.
    package var isEmpty: Bool { names.isEmpty }

    /// Names with values, in order.
    package var entries: [(name: String, value: Double)] {
        names.compactMap { name in values[name].map { (name, $0) } }
    }

    /// Sets all metrics of `other`, with a prefix such as `eval_` on their names.
    package mutating func merge(_ other: MetricValues, prefix: String = "") {
        for (name, value) in other.entries { self[prefix + name] = value }
    }

    /// The same metrics in the same order, some of them under other names.
    package func renamed(_ others: [String: String]) -> MetricValues {
        var renamed: MetricValues = [:]
        for (name, value) in entries { renamed[others[name] ?? name] = value }
        return renamed
    }
}

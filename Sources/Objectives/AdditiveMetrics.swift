/// Figures of a batch that merge over micro-batches and ranks: most add up, extremes take the larger.
///
/// A conforming type lists its stored properties once; what is sent between ranks and how two of them merge follows.
/// Every rank has the same layout, whether or not it had anything to count.
public protocol AdditiveMetrics: Sendable, Equatable {
    /// Metrics of nothing.
    init()

    /// Properties that add up.
    static var additive: [WritableKeyPath<Self, Double>] { get }

    /// Properties of which the larger counts; a minimum is kept as the maximum of negatives.
    static var extreme: [WritableKeyPath<Self, Double>] { get }

    /// Means and extremes under the names that users of TRL know; empty if nothing was counted.
    var report: [String: Double] { get }
}

extension AdditiveMetrics {
    /// No property is an extreme unless told otherwise.
    public static var extreme: [WritableKeyPath<Self, Double>] { [] }

    /// What an all-reduce by sum merges.
    public var sums: [Double] {
        get { Self.additive.map { self[keyPath: $0] } }
        set {
            precondition(newValue.count == Self.additive.count, "\(newValue.count) sums for \(Self.additive.count)")
            for (path, value) in zip(Self.additive, newValue) { self[keyPath: path] = value }
        }
    }

    /// What an all-reduce by maximum merges.
    public var maxima: [Double] {
        get { Self.extreme.map { self[keyPath: $0] } }
        set {
            precondition(newValue.count == Self.extreme.count, "\(newValue.count) maxima for \(Self.extreme.count)")
            for (path, value) in zip(Self.extreme, newValue) { self[keyPath: path] = value }
        }
    }

    /// The names of ``report``, where something was counted.
    public static var names: [String] {
        var metrics = Self()
        metrics.sums = metrics.sums.map { _ in 1 }
        return metrics.report.keys.sorted()
    }

    /// Takes in the figures of another part of the batch.
    public mutating func merge(_ other: Self) {
        for path in Self.additive { self[keyPath: path] += other[keyPath: path] }
        for path in Self.extreme { self[keyPath: path] = max(self[keyPath: path], other[keyPath: path]) }
    }
}

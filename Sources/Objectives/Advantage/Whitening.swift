/// Brings numbers to variance 1 and, if asked, mean 0, over all tokens of all ranks at once.
///
/// As in `masked_whiten` of the PPO implementations after Stiennon et al. 2020, except that the variance is the
/// population's (Huang et al. 2024): `(x - mean) / sqrt(variance + 1e-8)`.
public struct Whitening: Sendable, Equatable {
    /// Whether the mean goes to 0: so for advantages; rewards keep theirs.
    public var shiftsMean: Bool
    /// Added to the variance.
    public var epsilon: Double

    /// A whitening with the customary epsilon.
    public init(shiftsMean: Bool = true, epsilon: Double = 1e-8) {
        self.shiftsMean = shiftsMean
        self.epsilon = epsilon
    }

    /// Whitens some of the numbers that `moments` were taken of.
    public func callAsFunction(_ values: [Double], moments: Moments) -> [Double] {
        let mean = moments.mean
        let scale = 1 / (moments.variance + epsilon).squareRoot()
        return values.map { ($0 - mean) * scale + (shiftsMean ? 0 : mean) }
    }
}

/// Count, sum and sum of squares: what mean and variance are made of, and what adds up over ranks.
public struct Moments: AdditiveMetrics, Codable, Equatable {
    /// How many numbers.
    public var count = 0.0
    /// Their sum.
    public var sum = 0.0
    /// The sum of their squares.
    public var squares = 0.0

    /// Of no numbers.
    public init() {}

    /// Of these numbers.
    public init(_ values: some Sequence<Double>) {
        for value in values { add(value) }
    }

    /// Takes in one more number.
    public mutating func add(_ value: Double) {
        count += 1
        sum += value
        squares += value * value
    }

    /// The mean; 0 of no numbers.
    public var mean: Double { count > 0 ? sum / count : 0 }

    /// The population variance; 0 of no numbers.
    public var variance: Double { count > 0 ? max(0, squares / count - mean * mean) : 0 }

    /// The deviation of a population of which these are a sample (Bessel); 0 of less than two numbers.
    public var sampleDeviation: Double { count > 1 ? (variance * count / (count - 1)).squareRoot() : 0 }

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] { [\.count, \.sum, \.squares] }

    /// `mean` and `std`.
    public var report: [String: Double] { count > 0 ? ["mean": mean, "std": variance.squareRoot()] : [:] }
}

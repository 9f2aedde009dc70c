/// What a split found: the gaps, and how often the reward model agrees with the labels in each range of them.
///
/// Written as `summary.json`. An accuracy that rises with the gap is what MPO rests on.
public struct SplitSummary: Sendable, Equatable, Codable {
    /// A range of gaps and the pairs in it.
    public struct Bucket: Sendable, Equatable, Codable {
        /// The smallest gap of the range.
        public var from: Double
        /// Where the range ends, itself not in it; none for an open end. The last quantile bucket and the last bar
        /// hold it.
        public var to: Double?
        /// How many pairs.
        public var count: Int
        /// The part of them where the reward model prefers the chosen response; none of an empty bucket.
        public var accuracy: Double?
    }

    /// Mean and standard deviation (of a sample, `n - 1`) of rewards.
    public struct Spread: Sendable, Equatable, Codable {
        /// The mean; 0 of none.
        public var mean: Double
        /// The standard deviation; 0 of fewer than two.
        public var std: Double
    }

    /// Pairs in all.
    public var count: Int
    /// Pairs whose gap is the threshold or more.
    public var easy: Int
    /// The others.
    public var difficult: Int
    /// The gap from which on pairs are easy.
    public var threshold: Double
    /// Over all pairs, and over each part.
    public var accuracy: Double?
    /// Over the easy pairs.
    public var easyAccuracy: Double?
    /// Over the difficult pairs.
    public var difficultAccuracy: Double?
    /// The mean gap.
    public var meanGap: Double
    /// Chosen and rejected rewards together: what normalises the reward model.
    public var reward: Spread
    /// The rewards of chosen responses.
    public var chosenReward: Spread
    /// The rewards of rejected responses.
    public var rejectedReward: Spread
    /// Gaps in [0, 1), [1, 2), [2, 3) and from 3 on, as the authors count them.
    public var buckets: [Bucket]
    /// Ten parts of about equal size, from the smallest gaps to the largest.
    public var quantiles: [Bucket]
    /// Twenty bars of equal width from 0 to the largest gap.
    public var histogram: [Bucket]

    /// Summarises the parts of a split.
    public init(_ parts: GapSplit.Parts) {
        let pairs = (parts.easy + parts.difficult).sorted { $0.gap < $1.gap }
        count = pairs.count
        easy = parts.easy.count
        difficult = parts.difficult.count
        threshold = parts.threshold
        accuracy = Self.accuracy(pairs)
        easyAccuracy = Self.accuracy(parts.easy)
        difficultAccuracy = Self.accuracy(parts.difficult)
        meanGap = Self.moments(pairs.map(\.gap)).mean
        let (chosen, rejected) = (pairs.map(\.chosenReward), pairs.map(\.rejectedReward))
        reward = Self.moments(chosen + rejected)
        chosenReward = Self.moments(chosen)
        rejectedReward = Self.moments(rejected)
        buckets = Self.buckets(pairs, edges: [0, 1, 2, 3])
        quantiles = Self.parts(pairs, 10)
        histogram = Self.bars(pairs, 20)
    }

    private enum CodingKeys: String, CodingKey {
        case count, easy, difficult, threshold, accuracy
        case easyAccuracy = "easy_accuracy"
        case difficultAccuracy = "difficult_accuracy"
        case meanGap = "mean_gap"
        case reward
        case chosenReward = "chosen_reward"
        case rejectedReward = "rejected_reward"
        case buckets, quantiles, histogram
    }

    private static func accuracy(_ pairs: some Collection<ScoredPair>) -> Double? {
        pairs.isEmpty ? nil : Double(pairs.count(where: \.isCorrect)) / Double(pairs.count)
    }

    private static func moments(_ values: [Double]) -> Spread {
        guard !values.isEmpty else { return Spread(mean: 0, std: 0) }
        let mean = values.reduce(0, +) / Double(values.count)
        guard values.count > 1 else { return Spread(mean: mean, std: 0) }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return Spread(mean: mean, std: (squares / Double(values.count - 1)).squareRoot())
    }

    private static func bucket(_ pairs: some Collection<ScoredPair>, from: Double, to: Double?) -> Bucket {
        Bucket(from: from, to: to, count: pairs.count, accuracy: accuracy(pairs))
    }

    /// One bucket from each edge to the next, the last one open.
    private static func buckets(_ pairs: [ScoredPair], edges: [Double]) -> [Bucket] {
        edges.indices.map { index in
            let end = index + 1 < edges.count ? edges[index + 1] : nil
            return bucket(
                pairs.filter { $0.gap >= edges[index] && $0.gap < end ?? .infinity }, from: edges[index], to: end)
        }
    }

    /// Parts of ascending pairs whose sizes differ by one at most; fewer where there are fewer pairs.
    private static func parts(_ pairs: [ScoredPair], _ number: Int) -> [Bucket] {
        let number = min(number, pairs.count)
        return (0..<number).map { part in
            let range = part * pairs.count / number..<(part + 1) * pairs.count / number
            let end = min(range.upperBound, pairs.count - 1)
            return bucket(pairs[range], from: pairs[range.lowerBound].gap, to: pairs[end].gap)
        }
    }

    private static func bars(_ pairs: [ScoredPair], _ number: Int) -> [Bucket] {
        let width = (pairs.last?.gap ?? 0) / Double(number)
        guard width > 0 else { return [] }
        let bars = Dictionary(grouping: pairs) { min(Int($0.gap / width), number - 1) }
        return (0..<number).map { bar in
            bucket(bars[bar] ?? [], from: Double(bar) * width, to: Double(bar + 1) * width)
        }
    }
}

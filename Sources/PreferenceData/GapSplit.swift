/// A pair with the rewards of its two responses.
public struct ScoredPair: Sendable, Equatable, Codable {
    /// Place of the pair in its dataset.
    public var index: Int
    /// The reward of the chosen response.
    public var chosenReward: Double
    /// The reward of the rejected response.
    public var rejectedReward: Double

    /// The pair at `index` with its rewards.
    public init(index: Int, chosenReward: Double, rejectedReward: Double) {
        self.index = index
        self.chosenReward = chosenReward
        self.rejectedReward = rejectedReward
    }

    /// `abs(r_w - r_l)`.
    public var gap: Double { abs(chosenReward - rejectedReward) }

    /// Whether the reward model prefers the chosen response; equal rewards count as a mistake, as in TRL's accuracy.
    public var isCorrect: Bool { chosenReward > rejectedReward }
}

/// Which pairs are easy: MPO's split by the gap of the rewards (arXiv 2403.19443).
public struct GapSplit: Sendable, Equatable {
    /// Where easy pairs begin.
    public enum Rule: Sendable, Equatable {
        /// Pairs with `gap >= gamma` are easy.
        case threshold(Double)
        /// The threshold is this quantile of the gaps (linear interpolation, as NumPy's), from 0 to 1: about this
        /// part of the pairs is difficult. Equal gaps are never divided: where the quantile falls on several, all of
        /// them go to the side that brings the difficult part nearer to this share (to the easy side where both are as
        /// near), unless that empties a part which the other way does not.
        case quantile(Double)
    }

    /// In which order the pairs of each part go.
    public enum Order: String, Sendable, CaseIterable, Codable {
        /// As in the data.
        case source
        /// The largest gap first, as the authors train; equal gaps as in the data.
        case easyToHard = "easy_to_hard"
    }

    /// Which pairs go to which part.
    public enum Assignment: Sendable, Equatable {
        /// Those of large gaps are easy.
        case gap
        /// As many, drawn by a seed: what a split by gap is worth is told by one that is none.
        case random(seed: UInt64)
    }

    /// Where easy pairs begin.
    public var rule: Rule
    /// Which pairs go to which part.
    public var assignment: Assignment
    /// In which order they go.
    public var order: Order

    /// A split by `rule`.
    /// - Throws: ``DataError/configuration(key:reason:)`` for a negative threshold or a quantile outside 0 ... 1.
    public init(_ rule: Rule, assignment: Assignment = .gap, order: Order = .source) throws {
        switch rule {
        case .threshold(let gamma) where !(gamma >= 0 && gamma.isFinite):
            throw DataError.configuration(key: "gamma", reason: "\(gamma) is not a gap; it must be 0 or more")
        case .quantile(let part) where !(0...1).contains(part):
            throw DataError.configuration(key: "quantile", reason: "\(part) is not between 0 and 1")
        default: break
        }
        self.rule = rule
        self.assignment = assignment
        self.order = order
    }

    /// The two parts of a set of pairs.
    public struct Parts: Sendable, Equatable {
        /// The gap from which on pairs are easy.
        public var threshold: Double
        /// For DPO.
        public var easy: [ScoredPair]
        /// For PPO.
        public var difficult: [ScoredPair]
    }

    /// Splits pairs; every pair is in exactly one part. A part may be empty.
    /// - Throws: ``DataError/badScore(index:chosen:rejected:)`` for rewards whose gap is not finite.
    public func split(_ pairs: [ScoredPair]) throws(DataError) -> Parts {
        for pair in pairs where !pair.gap.isFinite {
            throw .badScore(index: pair.index, chosen: pair.chosenReward, rejected: pair.rejectedReward)
        }
        let threshold =
            switch rule {
            case .threshold(let gamma): gamma
            case .quantile(let part): Self.threshold(part, of: pairs.map(\.gap).sorted())
            }
        var isEasy = pairs.map { $0.gap >= threshold }
        if case .random(let seed) = assignment {
            let drawn = permutation(count: pairs.count, seed: seed, epoch: 0).prefix(isEasy.count { $0 })
            isEasy = Array(repeating: false, count: pairs.count)
            for place in drawn { isEasy[place] = true }
        }
        let places = order == .source ? Array(pairs.indices) : Self.easyToHard(pairs)
        return Parts(
            threshold: threshold, easy: places.filter { isEasy[$0] }.map { pairs[$0] },
            difficult: places.filter { !isEasy[$0] }.map { pairs[$0] })
    }

    /// The threshold of ``Rule/quantile(_:)`` for ascending gaps.
    private static func threshold(_ part: Double, of sorted: [Double]) -> Double {
        let quantile = quantile(part, of: sorted)
        let (below, upTo) = (sorted.count { $0 < quantile }, sorted.count { $0 <= quantile })
        guard upTo - below > 1, part > 0 else { return quantile }
        // Where a gap as large as the quantile is difficult too.
        let next = upTo < sorted.count ? sorted[upTo] : quantile.nextUp
        let (leavesBoth, nextLeavesBoth) = (below > 0, upTo < sorted.count)
        guard leavesBoth == nextLeavesBoth else { return leavesBoth ? quantile : next }
        let share = part * Double(sorted.count)
        return abs(Double(upTo) - share) < abs(Double(below) - share) ? next : quantile
    }

    /// The quantile of ascending values, by linear interpolation; 0 of none.
    static func quantile(_ part: Double, of sorted: [Double]) -> Double {
        guard let last = sorted.last else { return 0 }
        let position = part * Double(sorted.count - 1)
        let below = Int(position)
        guard below + 1 < sorted.count else { return last }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (position - Double(below))
    }

    private static func easyToHard(_ pairs: [ScoredPair]) -> [Int] {
        pairs.indices.sorted { first, second in
            let (gap, other) = (pairs[first].gap, pairs[second].gap)
            return gap == other ? first < second : gap > other
        }
    }
}

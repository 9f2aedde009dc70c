import Torch

/// Sums of preference optimisation over pairs and their response tokens.
public struct DPOMetrics: AdditiveMetrics {
    /// Pairs.
    public var pairs = 0.0
    /// Sums of losses, and what each is divided by, by denominator.
    private var losses = [Double](repeating: 0, count: LossDenominator.allCases.count)
    private var weights = [Double](repeating: 0, count: LossDenominator.allCases.count)
    /// Pairs whose chosen response has the higher implicit reward.
    public var correct = 0.0
    /// Sum of the chosen responses' implicit rewards, β times the log-ratio.
    public var chosenRewards = 0.0
    /// Sum of the rejected responses' implicit rewards.
    public var rejectedRewards = 0.0
    /// Sum of the chosen responses' log-probabilities.
    public var chosenLogps = 0.0
    /// Sum of the rejected responses' log-probabilities.
    public var rejectedLogps = 0.0
    /// Response tokens with statistics, of chosen responses.
    public var chosenTokens = 0.0
    /// Response tokens with statistics, of rejected responses.
    public var rejectedTokens = 0.0
    /// Sum over chosen tokens of their mean logit.
    public var chosenLogits = 0.0
    /// Sum over rejected tokens of their mean logit.
    public var rejectedLogits = 0.0
    /// Sum of entropies over the tokens of both.
    public var entropy = 0.0
    /// Chosen tokens that are the most likely ones.
    public var correctTokens = 0.0

    /// Responses and variants of them whose degree was to be told.
    public var degrees = 0.0
    /// Those whose degree the head tells.
    public var correctDegrees = 0.0

    /// Nothing counted.
    public init() {}

    /// What the metrics read of the policy, behind losses and rewards `[n]` each.
    static func figures(of policy: PairLogps) -> [Tensor] {
        let tokens = policy.tokens.flatMap { tokens in tokens.statistics.map { [$0, tokens.responses] } }
        return [policy.chosen, policy.rejected] + (tokens ?? [])
    }

    /// The losses of a micro-batch, by what they are divided by.
    struct LossSums {
        private let kinds: [LossDenominator]
        private let weights: [Int]
        private var losses: [Tensor?]
        /// The logits of degrees, `[n, 2, K + 1, K + 1]`, where a loss has them.
        var degrees: Tensor?
        /// Which of them count.
        var counted: [Bool] = []

        init(_ kinds: [LossDenominator], weight: (LossDenominator) -> Int) {
            (self.kinds, weights, losses) = (kinds, kinds.map(weight), kinds.map { _ in nil })
        }

        func index(of kind: LossDenominator) -> Int {
            guard let index = kinds.firstIndex(of: kind) else { preconditionFailure("no losses by \(kind)") }
            return index
        }

        mutating func add(_ more: Tensor, _ kind: LossDenominator) {
            let index = index(of: kind)
            losses[index] = losses[index].map { $0 + more } ?? more
        }

        /// Losses `[n]` of each kind, and the logits of degrees.
        var figures: [Tensor] { losses.compactMap(\.self) + [degrees].compactMap(\.self) }

        func add(to metrics: inout DPOMetrics, _ numbers: ArraySlice<[Double]>) {
            for (index, numbers) in zip(kinds.indices, numbers) {
                guard let row = LossDenominator.allCases.firstIndex(of: kinds[index]) else { continue }
                metrics.losses[row] += numbers.reduce(0, +)
                metrics.weights[row] += Double(weights[index])
            }
            if let degrees, let logits = numbers.last {
                metrics.add(logits, degrees: degrees.shape[3], counted: counted)
            }
        }

        fileprivate var count: Int { figures.count }
    }

    /// - Parameter numbers: Losses by ``LossSums``, implicit rewards of chosen and rejected responses, then ``figures(of:)``.
    init(_ numbers: [[Double]], _ sums: LossSums) {
        sums.add(to: &self, numbers.prefix(sums.count))
        let numbers = Array(numbers.dropFirst(sums.count))
        let (chosenRewards, rejectedRewards) = (numbers[0], numbers[1])
        pairs = Double(chosenRewards.count)
        correct = zip(chosenRewards, rejectedRewards).reduce(0) { $0 + ($1.0 > $1.1 ? 1 : 0) }
        self.chosenRewards = chosenRewards.reduce(0, +)
        self.rejectedRewards = rejectedRewards.reduce(0, +)
        chosenLogps = numbers[2].reduce(0, +)
        rejectedLogps = numbers[3].reduce(0, +)
        if numbers.count > 5 { addStatistics(numbers[4], ofResponses: numbers[5]) }
    }

    /// Row k of a response's logits is of degree k.
    private mutating func add(_ logits: [Double], degrees: Int, counted: [Bool]) {
        for (row, start) in stride(from: 0, to: logits.count, by: degrees).enumerated() where counted[row] {
            let logits = logits[start..<start + degrees]
            self.degrees += 1
            correctDegrees += logits.max() == logits[start + row % degrees] ? 1 : 0
        }
    }

    private mutating func addStatistics(_ statistics: [Double], ofResponses responses: [Double]) {
        for (token, response) in responses.enumerated() {
            let (entropy, logit, correct) = (
                statistics[3 * token], statistics[3 * token + 1], statistics[3 * token + 2]
            )
            self.entropy += entropy
            if Int(response).isMultiple(of: 2) {
                chosenTokens += 1
                chosenLogits += logit
                correctTokens += correct
            } else {
                rejectedTokens += 1
                rejectedLogits += logit
            }
        }
    }

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] {
        LossDenominator.allCases.indices.flatMap { [\Self.weights[$0], \Self.losses[$0]] } + [
            \.pairs, \.correct, \.chosenRewards, \.rejectedRewards, \.chosenLogps, \.rejectedLogps,
            \.chosenTokens, \.rejectedTokens, \.chosenLogits, \.rejectedLogits, \.entropy, \.correctTokens,
            \.degrees, \.correctDegrees,
        ]
    }

    /// The loss of the pairs: by pair or token, or a sum of both, as the loss has it.
    public var loss: Double {
        zip(losses, weights).reduce(0) { $1.1 > 0 ? $0 + $1.0 / $1.1 : $0 }
    }

    /// The names of ``report`` for a loss.
    package static func names(of loss: PreferenceLoss) -> [String] {
        names.filter { $0 != "degree_accuracy" || loss.needs.head?.name == KeywordDegrees.headName }
    }

    /// `loss`; `rewards/*` and `logps/*` as means over pairs; `logits/*`, `entropy` and `mean_token_accuracy` over tokens;
    /// `degree_accuracy` where a loss asks for degrees.
    public var report: [String: Double] {
        guard pairs > 0 else { return [:] }
        var report = [
            "rewards/chosen": chosenRewards / pairs,
            "rewards/rejected": rejectedRewards / pairs,
            "rewards/accuracies": correct / pairs,
            "rewards/margins": (chosenRewards - rejectedRewards) / pairs,
            "logps/chosen": chosenLogps / pairs,
            "logps/rejected": rejectedLogps / pairs,
        ]
        // Pairs without a predicted token have no loss by tokens.
        if weights.contains(where: { $0 > 0 }) { report["loss"] = loss }
        if chosenTokens > 0, rejectedTokens > 0 {
            report["logits/chosen"] = chosenLogits / chosenTokens
            report["logits/rejected"] = rejectedLogits / rejectedTokens
            report["entropy"] = entropy / (chosenTokens + rejectedTokens)
            report["mean_token_accuracy"] = correctTokens / chosenTokens
        }
        if degrees > 0 { report["degree_accuracy"] = correctDegrees / degrees }
        return report
    }
}

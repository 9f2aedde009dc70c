import Torch

/// Sums of preference optimisation over pairs and their response tokens.
public struct DPOMetrics: AdditiveMetrics {
    /// Pairs.
    public var pairs = 0.0
    /// What the step's losses are divided by: pairs, or tokens.
    public var weight = 0.0
    /// Sum of their losses.
    public var loss = 0.0
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

    /// Nothing counted.
    public init() {}

    /// What the metrics read of the policy, behind losses and rewards `[n]` each.
    static func figures(of policy: PairLogps) -> [Tensor] {
        let tokens = policy.tokens.flatMap { tokens in tokens.statistics.map { [$0, tokens.responses] } }
        return [policy.chosen, policy.rejected] + (tokens ?? [])
    }

    /// - Parameter numbers: Losses, implicit rewards of chosen and rejected responses, then ``figures(of:)``.
    init(_ numbers: [[Double]], weight: Int) {
        let (losses, chosenRewards, rejectedRewards) = (numbers[0], numbers[1], numbers[2])
        pairs = Double(losses.count)
        self.weight = Double(weight)
        loss = losses.reduce(0, +)
        correct = zip(chosenRewards, rejectedRewards).reduce(0) { $0 + ($1.0 > $1.1 ? 1 : 0) }
        self.chosenRewards = chosenRewards.reduce(0, +)
        self.rejectedRewards = rejectedRewards.reduce(0, +)
        chosenLogps = numbers[3].reduce(0, +)
        rejectedLogps = numbers[4].reduce(0, +)
        if numbers.count > 6 { addStatistics(numbers[5], ofResponses: numbers[6]) }
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
        [
            \.pairs, \.weight, \.loss, \.correct, \.chosenRewards, \.rejectedRewards, \.chosenLogps, \.rejectedLogps,
            \.chosenTokens, \.rejectedTokens, \.chosenLogits, \.rejectedLogits, \.entropy, \.correctTokens,
        ]
    }

    /// `loss` a pair or a token, as the loss has it; `rewards/*` and `logps/*` as means over pairs; `logits/*`, `entropy` and `mean_token_accuracy` over
    /// tokens.
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
        if weight > 0 { report["loss"] = loss / weight }
        if chosenTokens > 0, rejectedTokens > 0 {
            report["logits/chosen"] = chosenLogits / chosenTokens
            report["logits/rejected"] = rejectedLogits / rejectedTokens
            report["entropy"] = entropy / (chosenTokens + rejectedTokens)
            report["mean_token_accuracy"] = correctTokens / chosenTokens
        }
        return report
    }
}

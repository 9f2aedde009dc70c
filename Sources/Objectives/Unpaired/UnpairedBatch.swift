import Torch

/// Log-probabilities of `n` answers under a policy and its reference, with their labels.
package struct UnpairedBatch {
    /// Sums over each answer's tokens under the policy, `[n]`, with gradient.
    package let logps: Tensor
    /// The same under the reference, `[n]`.
    package let referenceLogps: Tensor
    /// The labels.
    package let isDesirable: [Bool]
    /// Statistics of the tokens as ``TokenLogps`` has them, and for each token its answer; where they are known.
    package let tokens: (statistics: Tensor, answers: [Int])?

    package init(
        logps: Tensor, referenceLogps: Tensor, isDesirable: [Bool], tokens: (statistics: Tensor, answers: [Int])? = nil
    ) {
        precondition(
            logps.shape == [isDesirable.count] && referenceLogps.shape == logps.shape,
            "log-probabilities \(logps.shape) and \(referenceLogps.shape) of \(isDesirable.count) answers")
        (self.logps, self.referenceLogps) = (logps, referenceLogps)
        (self.isDesirable, self.tokens) = (isDesirable, tokens)
    }

    /// Sums of token log-probabilities, with their gradient.
    ///
    /// - Parameter answers: The answer that each token is of.
    package init(_ policy: TokenLogps, answers: [Int], referenceLogps: Tensor, isDesirable: [Bool]) {
        self.init(
            logps: policy.logps.summed(
                intoGroups: Tensor(answers.map { Int64($0) }), count: isDesirable.count),
            referenceLogps: referenceLogps, isDesirable: isDesirable, tokens: (policy.statistics, answers))
    }

    /// A number an answer, by its label.
    func byLabel(_ desirable: Double, _ undesirable: Double) -> Tensor {
        Tensor(isDesirable.map { $0 ? desirable : undesirable }).converted(to: logps.type)
    }
}

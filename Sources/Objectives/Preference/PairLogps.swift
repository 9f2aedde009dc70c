import Torch

/// Log-probabilities of both responses of `n` pairs under one model.
///
/// Sums over a response are what DPO reads. Where the log-probability of each token is known it stays at hand, for the
/// relatives of DPO that weigh or choose tokens.
public struct PairLogps {
    /// Log-probabilities a token, and whose they are.
    public struct Tokens {
        /// Log-probabilities `[tokens]`.
        public let logps: Tensor
        /// Their statistics as ``TokenLogps`` has them, where they are known.
        public let statistics: Tensor?
        /// For each token its response: `2 i` is the chosen and `2 i + 1` the rejected one of pair `i`; int64
        /// `[tokens]`.
        public let responses: Tensor

        /// Log-probabilities `[tokens]`, and whose they are.
        package init(logps: Tensor, statistics: Tensor? = nil, responses: Tensor) {
            precondition(logps.shape == responses.shape, "\(logps.shape) for \(responses.shape) tokens")
            (self.logps, self.statistics, self.responses) = (logps, statistics, responses)
        }

        /// For each token its place in its response, from 1.
        package var positions: [Int] {
            let responses = responses.integers().map { Int($0) }
            var lengths = [Int](repeating: 0, count: (responses.max() ?? -1) + 1)
            return responses.map { response in
                lengths[response] += 1
                return lengths[response]
            }
        }
    }

    /// Sums over the chosen responses, `[n]`.
    public let chosen: Tensor
    /// Sums over the rejected responses, `[n]`.
    public let rejected: Tensor
    /// Tokens of each chosen response.
    public let chosenLengths: [Int]
    /// Tokens of each rejected response.
    public let rejectedLengths: [Int]
    /// What the sums are made of, if it is known.
    public let tokens: Tokens?

    /// Sums that are known already, such as those of the frozen reference, computed once.
    public init(chosen: Tensor, rejected: Tensor, chosenLengths: [Int], rejectedLengths: [Int]) {
        self.init(
            chosen: chosen, rejected: rejected, chosenLengths: chosenLengths, rejectedLengths: rejectedLengths,
            tokens: nil)
    }

    /// Sums that are known already, and what they are made of where that is known.
    package init(
        chosen: Tensor, rejected: Tensor, chosenLengths: [Int], rejectedLengths: [Int], tokens: Tokens?
    ) {
        precondition(
            chosen.shape == [chosenLengths.count] && rejected.shape == [rejectedLengths.count]
                && chosenLengths.count == rejectedLengths.count, "log-probabilities of unequal counts of responses")
        self.chosen = chosen
        self.rejected = rejected
        self.chosenLengths = chosenLengths
        self.rejectedLengths = rejectedLengths
        self.tokens = tokens
    }

    /// Sums of token log-probabilities, with their gradient.
    ///
    /// - Parameters:
    ///   - logps: log-probabilities `[tokens]` of all response tokens of the micro-batch, in any order.
    ///   - responses: the response that each token is of, `2 i` the chosen and `2 i + 1` the rejected one of pair `i`.
    ///   - pairCount: how many pairs there are.
    public init(_ logps: TokenLogps, responses: [Int], pairCount: Int) {
        precondition(logps.logps.shape == [responses.count], "\(logps.logps.shape) for \(responses.count) tokens")
        var lengths = [Int](repeating: 0, count: 2 * pairCount)
        for response in responses { lengths[response] += 1 }
        let groups = Tensor(responses.map { Int64($0) })
        let sums = logps.logps.summed(intoGroups: groups, count: 2 * pairCount).reshaped([pairCount, 2])
        chosen = sums.narrowed(1, 0..<1).reshaped([pairCount])
        rejected = sums.narrowed(1, 1..<2).reshaped([pairCount])
        chosenLengths = (0..<pairCount).map { lengths[2 * $0] }
        rejectedLengths = (0..<pairCount).map { lengths[2 * $0 + 1] }
        tokens = Tokens(logps: logps.logps, statistics: logps.statistics, responses: groups)
    }

    /// Log-ratios of a policy to a reference, with the policy's gradient; of tokens where both know them.
    package static func - (policy: PairLogps, reference: PairLogps) -> PairLogps {
        var tokens: Tokens?
        if let own = policy.tokens, let other = reference.tokens {
            tokens = Tokens(logps: own.logps - other.logps.detached(), statistics: nil, responses: own.responses)
        }
        return PairLogps(
            chosen: policy.chosen - reference.chosen.detached(),
            rejected: policy.rejected - reference.rejected.detached(), chosenLengths: policy.chosenLengths,
            rejectedLengths: policy.rejectedLengths, tokens: tokens)
    }

    /// Sums of a number a token over each response, with its gradient.
    ///
    /// - Parameter numbers: `[tokens]`, in the order of ``tokens``.
    package func sums(of numbers: Tensor) -> PairNumbers {
        guard let tokens else { preconditionFailure("sums over tokens that are not known") }
        let sums = numbers.summed(intoGroups: tokens.responses, count: 2 * count).reshaped([count, 2])
        return PairNumbers(
            chosen: sums.narrowed(1, 0..<1).reshaped([count]), rejected: sums.narrowed(1, 1..<2).reshaped([count]))
    }

    /// How many pairs.
    public var count: Int { chosenLengths.count }
}

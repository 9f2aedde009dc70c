import Torch

/// Log-probabilities of both responses of `n` pairs under one model.
///
/// Sums over a response are what DPO reads. Where the log-probability of each token is known it stays at hand, for the
/// relatives of DPO that weigh or choose tokens.
public struct PairLogps {
    /// Log-probabilities a token, and whose they are.
    public struct Tokens {
        /// Log-probabilities `[tokens]` and their statistics.
        public let logps: TokenLogps
        /// For each token its response: `2 i` is the chosen and `2 i + 1` the rejected one of pair `i`; int64
        /// `[tokens]`.
        public let responses: Tensor
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
        precondition(
            chosen.shape == [chosenLengths.count] && rejected.shape == [rejectedLengths.count]
                && chosenLengths.count == rejectedLengths.count, "log-probabilities of unequal counts of responses")
        self.chosen = chosen
        self.rejected = rejected
        self.chosenLengths = chosenLengths
        self.rejectedLengths = rejectedLengths
        tokens = nil
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
        tokens = Tokens(logps: logps, responses: groups)
    }

    /// How many pairs.
    public var count: Int { chosenLengths.count }
}

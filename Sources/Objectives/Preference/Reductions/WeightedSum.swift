import Torch

/// A reduction that multiplies each token's log-probability by a weight before it sums them up.
package protocol WeightedSum: Reduction {
    /// The weights `[tokens]`, without gradient.
    func weights(of tokens: PairLogps.Tokens, in batch: PairBatch) -> Tensor
}

extension WeightedSum {
    package var needs: LossNeeds { LossNeeds(tokenLogps: true) }

    package func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        logps.sums(weighing: weights(of: logps.knownTokens, in: batch))
    }
}

extension PairLogps {
    /// Sums over each response of its tokens' log-probabilities, each times a weight, `[tokens]`.
    func sums(weighing weights: Tensor) -> PairNumbers { sums(of: knownTokens.logps * weights) }

    /// What the sums are made of, where the loss has asked for it.
    package var knownTokens: Tokens {
        guard let tokens else { preconditionFailure("a loss reads tokenLogps, which is not among its needs") }
        return tokens
    }
}

extension PairLogps.Tokens {
    /// A number of each token as a tensor of the type of the log-probabilities.
    ///
    /// - Parameter number: of a token, by its response (`2 i` the chosen, `2 i + 1` the rejected one of pair `i`) and its
    ///   position there, from 1.
    package func constants(_ number: (_ response: Int, _ position: Int) -> Double) -> Tensor {
        let numbers = zip(responses.integers(), positions).map { number(Int($0), $1) }
        return Tensor(numbers).converted(to: logps.type)
    }
}

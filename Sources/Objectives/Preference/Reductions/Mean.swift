import Torch

/// `(1/T) Σ_t log p_t`, the log-probability a token; 0 for a response without a predicted token.
package struct Mean: Reduction {
    package init(_: NoLossOptions) {}

    package func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        PairNumbers(
            chosen: logps.chosen / counts(logps.chosenLengths), rejected: logps.rejected / counts(logps.rejectedLengths)
        )
    }

    private func counts(_ lengths: [Int]) -> Tensor { Tensor(lengths.map { Float(max(1, $0)) }) }
}

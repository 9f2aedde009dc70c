/// `Σ_t log p_t`, the log-probability of the response.
package struct Sum: Reduction {
    package init(_: NoLossOptions) {}

    package func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        PairNumbers(chosen: logps.chosen, rejected: logps.rejected)
    }
}

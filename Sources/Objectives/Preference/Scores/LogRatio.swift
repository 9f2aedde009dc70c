/// `r = log π(y) - log π_ref(y)` of each response, and `h = r_chosen - r_rejected` (Rafailov et al. 2023).
package struct LogRatio: PairScore {
    package init(_: NoLossOptions) {}

    package var needs: LossNeeds { LossNeeds(references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores { PairScores(pairs.ratio()) }
}

import Torch

/// `-β h`: every pair pulls alike, however far apart it is (IRFT's linear form, arXiv 2405.17888, of rewards that are summed
/// rather than compared). It has no bottom, so it is for few steps against a reference that moves on.
package struct Linear: Link {
    package init(_: NoLossOptions) {}

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        scores.margin * -beta
    }
}

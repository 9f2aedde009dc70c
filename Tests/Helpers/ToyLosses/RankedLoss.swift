import Objectives
import Torch

extension PreferenceLossForm {
    /// The k-th best chosen response of a step against the k-th best rejected one, whichever pairs they are of (TRL's
    /// `aot_unpaired`).
    static let ranked = PreferenceLossForm("toy_ranked", Sum.self, LogRatio.self, Ranks.self)
}

/// `-log σ(β (sort(r_chosen) - sort(r_rejected)))`, sorted over the whole step.
struct Ranks: Link {
    init(_: NoLossOptions) {}

    var needs: LossNeeds { LossNeeds(wholeStep: true) }

    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let (chosen, rejected) = (batch.step.scores.map(\.chosen), batch.step.scores.map(\.rejected))
        let places = batch.indices.map { batch.step.row(of: $0) }
        // The response on the other side that has the same rank, as it was in the pass before.
        let partners = { (own: [Double], other: [Double]) -> Tensor in
            let (order, others) = (own.indices.sorted { (own[$0], $0) < (own[$1], $1) }, other.sorted())
            var ranks = [Int](repeating: 0, count: own.count)
            for (rank, place) in order.enumerated() { ranks[place] = rank }
            return Tensor(places.map { Float(others[ranks[$0]]) })
        }
        let losses = -((scores.chosen - partners(chosen, rejected)) * beta).logSigmoid()
        // Each rank's loss counts once, where its chosen response is; the rejected one has its gradient alone.
        let mirrored = -((partners(rejected, chosen) - scores.rejected) * beta).logSigmoid()
        return losses + mirrored - mirrored.detached()
    }
}

import Objectives
import Torch

extension PreferenceLossForm {
    /// DPO against two references, each heard the more the surer it is of a response.
    static let panel = PreferenceLossForm("toy_panel", Sum.self, Panel.self, Sigmoid.self)
}

/// Log-ratios to both references, averaged with weights `exp(-H)` of their mean entropies over the response's tokens.
struct Panel: PairScore {
    init(_: NoLossOptions) {}

    var needs: LossNeeds { LossNeeds(referenceEntropies: true, references: 2) }

    func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let ratios = (0..<2).map { pairs.ratio(toReference: $0) }
        let weights = (0..<2).map { index -> PairNumbers in
            let sums = pairs.batch.policy.sums(of: pairs.batch.entropies(ofReference: index))
            return PairNumbers(
                chosen: (-sums.chosen / lengths(pairs.batch.policy.chosenLengths)).exp(),
                rejected: (-sums.rejected / lengths(pairs.batch.policy.rejectedLengths)).exp())
        }
        let average = { (part: (PairNumbers) -> Tensor) in
            (part(ratios[0]) * part(weights[0]) + part(ratios[1]) * part(weights[1]))
                / (part(weights[0]) + part(weights[1]))
        }
        return PairScores(PairNumbers(chosen: average { $0.chosen }, rejected: average { $0.rejected }))
    }

    private func lengths(_ lengths: [Int]) -> Tensor { Tensor(lengths.map { Float(max(1, $0)) }) }
}

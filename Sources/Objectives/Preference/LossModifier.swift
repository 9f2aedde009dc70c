import Torch

/// Options that change any loss that they are given beside, and mean nothing at their defaults.
package protocol LossModifier: LossOptions {
    /// - Throws: ``LossConflict`` where they do not go with the loss.
    func apply(to terms: inout LossTerms) throws(LossConflict)
}

/// A loss on its way: what was asked for by name, as the modifiers one after another change it.
package struct LossTerms {
    package var terms: [Named]
    package var weighting: (any PairWeighting)?

    /// A term, and what it belongs to.
    package struct Named {
        /// What `loss_type` calls the loss.
        package let loss: String
        package var term: PreferenceLoss.Term
    }

    /// The losses that were asked for, each once, as they are written.
    package var losses: String {
        terms.indices.filter { row in terms.firstIndex { $0.loss == terms[row].loss } == row }.map { terms[$0].loss }
            .joined(separator: ", ")
    }
}

/// How much each pair of a micro-batch counts.
package protocol PairWeighting: Sendable {
    /// What it reads.
    var needs: LossNeeds { get }

    /// The weights `[n]`; called without gradients.
    func callAsFunction(_ batch: PairBatch) -> Tensor
}

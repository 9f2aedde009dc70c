import Torch

/// What a preference loss may know of a micro-batch of `n` pairs.
///
/// Columns of tokens are in the order of ``PairLogps/Tokens``. Reading what a loss does not declare among its
/// ``LossNeeds`` is a mistake of the program.
package struct PairBatch {
    /// Log-probabilities under the policy, with gradient.
    package let policy: PairLogps
    /// The same responses' under each frozen policy.
    package let references: [PairLogps]
    /// The indices of the pairs in the data set.
    package let indices: [Int]
    /// The pass over the data, from 0.
    package let epoch: Int
    /// What the part that is asked carries from step to step.
    package internal(set) var state: [Double] = []
    private let columns: Columns
    private let wholeStep: StepPairs?
    /// Which of the loss's terms is asked, for the whole step's scores.
    private var term = 0

    /// What is there where a loss asks for it.
    package struct Columns {
        /// The policy's `log Σ_v p_v²`, `[tokens]`.
        package var logSumSquares: Tensor?
        /// Of each reference, `[tokens]`.
        package var referenceEntropies: [Tensor] = []
        /// `[tokens]`.
        package var mask: Tensor?
        /// How many tokens the models' distributions are over.
        package var vocabularySize: Int?
        /// Standardised rewards of both responses.
        package var rewards: PairNumbers?
        /// What a head says at the last token of both responses and of their variants, with gradient: `[n, 2, 1 + variants,
        /// outputs]`.
        package var headOutputs: Tensor?
        /// Which of them are of a response or variant that is there, in the same order.
        package var headCounts: [Bool] = []
        /// Where each pair comes from, in a stage whose policy draws responses or labels.
        package var origins: [PairOrigin]?

        package init(
            logSumSquares: Tensor? = nil, referenceEntropies: [Tensor] = [], mask: Tensor? = nil,
            vocabularySize: Int? = nil, rewards: PairNumbers? = nil, headOutputs: Tensor? = nil
        ) {
            (self.logSumSquares, self.referenceEntropies, self.mask) = (logSumSquares, referenceEntropies, mask)
            (self.vocabularySize, self.rewards, self.headOutputs) = (vocabularySize, rewards, headOutputs)
        }
    }

    /// - Parameter step: The scores of all pairs of the step, where the loss asks for them.
    package init(
        policy: PairLogps, references: [PairLogps], indices: [Int]? = nil, epoch: Int = 0,
        columns: Columns = Columns(), step: StepPairs? = nil
    ) {
        for reference in references {
            precondition(
                policy.chosenLengths == reference.chosenLengths && policy.rejectedLengths == reference.rejectedLengths,
                "policy and reference saw other responses")
        }
        (self.policy, self.references, self.epoch) = (policy, references, epoch)
        (self.columns, self.wholeStep) = (columns, step)
        self.indices = indices ?? Array(0..<policy.count)
    }

    /// How many pairs.
    package var count: Int { policy.count }

    /// The policy's `log Σ_v p_v²` at each response token, `[tokens]`.
    package var logSumSquares: Tensor { asked(columns.logSumSquares, "logSumSquares") }

    /// The mask of ``LossNeeds/mask``, `[tokens]`.
    package var mask: Tensor { asked(columns.mask, "mask") }

    /// The scores of all pairs of the step.
    package var step: StepPairs { asked(wholeStep, "wholeStep").of(term: term) }

    /// Rewards of both responses beside the preference, standardised over the data.
    package var auxiliaryRewards: PairNumbers { asked(columns.rewards, "auxiliaryRewards") }

    /// The outputs of ``LossNeeds/head``, `[n, 2, 1 + variants, outputs]`: of the chosen and the rejected response, then of each
    /// one's variants.
    package var headOutputs: Tensor { asked(columns.headOutputs, "head") }

    /// Whether each of those is of something that is there, `n * 2 * (1 + variants)`: a response has as many variants as it
    /// can, and one without any does not count itself.
    package var headCounts: [Bool] { columns.headCounts }

    /// Where each pair comes from.
    package var origins: [PairOrigin] { asked(columns.origins, "origins") }

    /// Of what kind each pair is: a preference where nothing says otherwise.
    package var kinds: [PairKind] { columns.origins?.map(\.kind) ?? indices.map { _ in .preference } }

    /// How many tokens the models' distributions are over, where reference entropies are asked for.
    package var vocabularySize: Int { asked(columns.vocabularySize, "referenceEntropies") }

    /// Entropies of a reference's distributions in nats, `[tokens]`.
    package func entropies(ofReference index: Int = 0) -> Tensor {
        asked(
            columns.referenceEntropies.indices.contains(index) ? columns.referenceEntropies[index] : nil,
            "referenceEntropies")
    }

    private func asked<Value>(_ value: Value?, _ need: String) -> Value {
        guard let value else { preconditionFailure("a loss reads \(need), which is not among its needs") }
        return value
    }

    /// The same with the scores of all pairs of the step.
    package func with(step: StepPairs) -> PairBatch {
        PairBatch(
            policy: policy, references: references, indices: indices, epoch: epoch, columns: columns, step: step)
    }

    /// The batch as a part sees it that carries `state`, in the loss's term of this number among those that ask for the whole
    /// step.
    func with(state: [Double], term: Int? = nil) -> PairBatch {
        var batch = self
        batch.state = state
        if let term { batch.term = term }
        return batch
    }
}

/// What of a pair the policy itself has drawn, and what the pair is.
package struct PairOrigin: Sendable, Equatable {
    /// Its responses.
    package var drawsResponses: Bool
    /// Which of them is the better one.
    package var drawsLabel: Bool
    /// What says which is.
    package var kind: PairKind

    package init(drawsResponses: Bool = false, drawsLabel: Bool = false, kind: PairKind = .preference) {
        (self.drawsResponses, self.drawsLabel, self.kind) = (drawsResponses, drawsLabel, kind)
    }
}

/// The scores of all pairs of an optimizer step, over all ranks, in the order of the step's batch; without gradient.
package struct StepPairs: Sendable {
    /// The scores of one pair.
    package struct Scores: Sendable, Equatable {
        package var chosen: Double
        package var rejected: Double
        package var margin: Double

        package init(chosen: Double, rejected: Double, margin: Double) {
            (self.chosen, self.rejected, self.margin) = (chosen, rejected, margin)
        }
    }

    /// The scores, in order.
    package let scores: [Scores]
    /// For each pair the score of the other side that has the rank of its chosen, and of its rejected, score.
    package let partners: (ofChosen: [Double], ofRejected: [Double])
    private let rows: [Int: Int]
    private let terms: [(scores: [Scores], partners: (ofChosen: [Double], ofRejected: [Double]))]

    /// - Parameters:
    ///   - indices: The pairs' indices in the data set, each once.
    ///   - terms: The scores of all pairs, in order, for each term of the loss that asks for them.
    package init(indices: [Int], terms: [[Scores]]) {
        precondition(
            terms.allSatisfy { $0.count == indices.count }, "\(terms.map(\.count)) scores of \(indices.count) pairs")
        self.terms = terms.map { ($0, Self.partners($0)) }
        scores = terms.first ?? []
        partners = self.terms.first?.partners ?? ([], [])
        rows = Dictionary(uniqueKeysWithValues: indices.enumerated().map { ($1, $0) })
    }

    private init(_ step: StepPairs, term: Int) {
        (rows, terms) = (step.rows, step.terms)
        (scores, partners) = terms[term]
    }

    /// The same as a term sees it.
    func of(term: Int) -> StepPairs { StepPairs(self, term: term) }

    private static func partners(_ scores: [Scores]) -> (ofChosen: [Double], ofRejected: [Double]) {
        func partners(_ own: [Double], _ other: [Double]) -> [Double] {
            let others = other.sorted()
            var partners = others
            for (rank, row) in own.indices.sorted(by: { (own[$0], $0) < (own[$1], $1) }).enumerated() {
                partners[row] = others[rank]
            }
            return partners
        }
        let (chosen, rejected) = (scores.map(\.chosen), scores.map(\.rejected))
        return (partners(chosen, rejected), partners(rejected, chosen))
    }

    /// The pairs' indices in the data set, in order.
    package var order: [Int] { rows.sorted { $0.value < $1.value }.map(\.key) }

    /// The scores of each term, in order, for what asks for more numbers of a pair than one.
    package var encodings: [[Scores]] { terms.map(\.scores) }

    /// Where in ``scores`` the pair stands that has this index in the data set.
    package func row(of index: Int) -> Int {
        guard let row = rows[index] else { preconditionFailure("pair \(index) is not of this step") }
        return row
    }
}

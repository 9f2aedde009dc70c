import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A preference loss against what frozen models said of the pairs once. What the loss does not need is not computed.
package struct DPOObjective: OfflineObjective {
    package let loss: PreferenceLoss
    /// What each frozen model says, in the order of the loss.
    package let references: [ReferencePair]
    private let needs: LossNeeds
    private let rewards: PairRewards?
    private let text: (Int32) -> String
    private let origins: ((Int) -> PairOrigin)?

    /// - Parameters:
    ///   - rewards: What a loss reads that asks for rewards beside the preference.
    ///   - origins: Where the pair of an index comes from, in a stage whose policy draws responses or labels.
    ///   - text: What a token says, for losses that mark tokens by it.
    package init(
        loss: PreferenceLoss, references: [ReferencePair], rewards: PairRewards? = nil,
        origins: ((Int) -> PairOrigin)? = nil, text: @escaping (Int32) -> String = { _ in "" }
    ) {
        (self.loss, self.references, needs) = (loss, references, loss.needs)
        (self.rewards, self.origins, self.text) = (rewards, origins, text)
        precondition(references.count == needs.references, "\(references.count) references for \(needs.references)")
    }

    /// A loss with the sums of one reference.
    package init(loss: PreferenceLoss, reference: ReferenceTable) {
        self.init(loss: loss, references: [ReferencePair(training: reference)])
    }

    package func weights(of example: TokenizedPair) -> [Int] {
        let counts = example.predictedCounts
        let kind = origins?(example.index).kind ?? .preference
        return loss.weights(chosen: counts.chosen, rejected: counts.rejected, kind: kind)
    }

    /// The head of the loss, as a model has it.
    package static func auxiliaryHead(_ loss: PreferenceLoss) -> AuxiliaryHead? {
        loss.needs.head.map { AuxiliaryHead(name: $0.name, outputs: $0.outputs) }
    }

    package func loss(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> LossTerm<DPOMetrics> {
        loss(pairs(model, batch, of: step), stepWeights: step.weights, state: state(of: step))
    }

    // MARK: The whole step, and what is carried from step to step

    package var wholeStepTerms: Int { loss.wholeStepTerms }
    package var initialState: [Double] { loss.initialState }
    package var observationCount: Int { loss.observationCount }

    /// Scores are of the preference, to which variants and heads say nothing.
    package func stepExample(of example: TokenizedPair) -> TokenizedPair { example.withoutVariants }

    package func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [[StepPairs.Scores]] {
        loss.scores(of: pairs(model, batch, of: step, asksHead: false), state: state(of: step))
    }

    package func state(after observations: [Double], from state: [Double]) -> [Double] {
        loss.state(after: observations, from: state)
    }

    private func state(of step: OfflineStep) -> [Double] { step.state.isEmpty ? initialState : step.state }

    // MARK: What the loss reads

    private func pairs(
        _ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep, asksHead: Bool = true
    ) -> PairBatch {
        var columns = PairBatch.Columns()
        let (rows, counted) = asksHead ? auxiliaryRows(of: batch) : ([], [])
        let reading = model.reading(
            batch.rows, predictions: batch.predictions, squares: needs.logSumSquares, auxiliaryRows: rows)
        columns.logSumSquares = reading.logSumSquares
        columns.headCounts = counted
        columns.headOutputs = reading.auxiliaryOutputs.map { outputs in
            outputs.reshaped([batch.indices.count, 2, outputs.shape[0] / (2 * batch.indices.count), outputs.shape[1]])
        }
        let policy = PairLogps(
            reading.tokens, responses: batch.predictions.sequences.map(Int.init), pairCount: batch.indices.count)
        if needs.referenceEntropies {
            columns.referenceEntropies = references.map { $0.column(.entropies, ofPairs: batch.indices) }
            columns.vocabularySize = model.specification.vocabularySize
        }
        if needs.auxiliaryRewards { columns.rewards = rewards?.rewards(ofPairs: batch.indices) }
        columns.origins = origins.map { batch.indices.map($0) }
        columns.mask = needs.mask.map { batch.marks(of: $0, text) }
        return PairBatch(
            policy: policy, references: references.map { logps(under: $0, batch.indices, of: policy) },
            indices: batch.indices, epoch: step.epoch, columns: columns, step: step.pairs)
    }

    /// The last token of each response, and behind it those of its variants, where a head is asked; and which of them are there.
    private func auxiliaryRows(of batch: ResponseBatch) -> (rows: [Int32], counted: [Bool]) {
        guard needs.head != nil, batch.sequenceCount > 0 else { return ([], []) }
        let variants = batch.asideLastRows.count / batch.sequenceCount
        var (rows, counted): ([Int32], [Bool]) = ([], [])
        for (sequence, row) in batch.lastRows.enumerated() {
            let asides = batch.asideLastRows[variants * sequence..<variants * (sequence + 1)]
            rows += [row] + asides.map { $0 ?? row }
            // A response that has no variants has nothing that it could be told from.
            counted += [variants == 0 || asides.contains { $0 != nil }] + asides.map { $0 != nil }
        }
        return (rows, counted)
    }

    private func logps(under reference: ReferencePair, _ indices: [Int], of policy: PairLogps) -> PairLogps {
        let sums = indices.map { reference.sums(of: $0) }
        var tokens: PairLogps.Tokens?
        if needs.tokenLogps, let own = policy.tokens {
            tokens = PairLogps.Tokens(
                logps: reference.column(.tokenLogps, ofPairs: indices), responses: own.responses)
        }
        return PairLogps(
            chosen: Tensor(sums.map { Float($0.chosen) }), rejected: Tensor(sums.map { Float($0.rejected) }),
            chosenLengths: policy.chosenLengths, rejectedLengths: policy.rejectedLengths, tokens: tokens)
    }
}

extension ResponseBatch {
    /// The marks of all predicted tokens of a batch of pairs, `[predictions]`.
    fileprivate func marks(of mask: TokenMask, _ text: @escaping (Int32) -> String) -> Tensor {
        let responses = responseRows.map { Array(rows.tokens[$0]) }
        let marks = stride(from: 0, to: responses.count, by: 2).flatMap { chosen -> [Float] in
            let found = mask.marks(
                TokenMask.Responses(chosen: responses[chosen], rejected: responses[chosen + 1], text: text))
            precondition(
                found.chosen.count == responses[chosen].count && found.rejected.count == responses[chosen + 1].count,
                "mask \(mask.name) has another length than its responses")
            // The first token of a response to nothing is not predicted.
            let first = promptRows[chosen].isEmpty ? 1 : 0
            return Array(found.chosen.dropFirst(first) + found.rejected.dropFirst(first))
        }
        return Tensor(marks)
    }
}

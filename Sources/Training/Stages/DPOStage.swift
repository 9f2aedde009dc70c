import Foundation
import MPI
import Objectives
import PreferenceData
import Torch
import Transformers

/// A preference loss against reference log-probabilities that were computed once.
package struct DPOObjective: OfflineObjective {
    package let loss: DPOLoss
    /// Sums of the reference's log-probabilities by the pair's index.
    package let reference: [Int: ReferenceLogps]

    /// A loss with the reference's sums by the pair's index.
    package init(loss: DPOLoss, reference: [Int: ReferenceLogps]) {
        (self.loss, self.reference) = (loss, reference)
    }

    package func weight(of example: TokenizedPair) -> Int { 1 }

    package func loss(_ model: DecoderModel, _ batch: ResponseBatch, stepWeight: Int) -> LossTerm<DPOMetrics> {
        let policy = PairLogps(
            model.tokenLogps(batch.rows, predictions: batch.predictions),
            responses: batch.predictions.sequences.map(Int.init), pairCount: batch.indices.count)
        let sums = batch.indices.map { index in
            guard let logps = reference[index] else { preconditionFailure("pair \(index) has no reference") }
            return logps
        }
        return loss(
            policy: policy,
            reference: PairLogps(
                chosen: Tensor(sums.map { Float($0.chosen) }), rejected: Tensor(sums.map { Float($0.rejected) }),
                chosenLengths: policy.chosenLengths, rejectedLengths: policy.rejectedLengths),
            globalPairs: stepWeight)
    }
}

extension StageContext {
    package func runDPO(_ options: DPOOptions) throws {
        let data = try data.pairs(options.pairs, options.lengths)
        try note(data.summary)
        let eval = try evalExamples(options.loop) { try self.data.pairs($0, options.lengths).examples }
        let (reference, evalReference) = try referenceLogps(data.examples, eval, options)
        // Where the reference lay there may be no room for a model of the same size at the same alignment.
        TorchRuntime.releaseFreedMemory()
        let model = try trainable(options.initial, head: .languageModel)
        let loss = DPOLoss(
            options.lossType, beta: options.beta, labelSmoothing: options.labelSmoothing)
        // Held-out pairs are told apart from the others by negative indices.
        let objective = DPOObjective(
            loss: loss,
            reference: reference.merging(
                evalReference.map { (Self.heldOut($0.key), $0.value) }, uniquingKeysWith: { first, _ in first }))
        let trainer = OfflineTrainer(
            context: self, model: model, objective: objective, loop: options.loop, optimizer: options.optimizer)
        let marked = eval.map { pair in
            var pair = pair
            pair.index = Self.heldOut(pair.index)
            return pair
        }
        try trainer.train(data.examples, eval: marked) { try models.save(model, to: $0, text: text) }
    }

    /// Those of training and of held-out pairs. The reference model is freed on return, before the policy is loaded.
    private func referenceLogps(
        _ pairs: [TokenizedPair], _ eval: [TokenizedPair], _ options: DPOOptions
    ) throws -> ([Int: ReferenceLogps], [Int: ReferenceLogps]) {
        let model = try models.load(options.reference, head: .languageModel, trainable: false, seed: seed)
        let tokens = options.loop.maxTokensPerMicroBatch
        return (
            try referenceLogps(of: pairs, under: model, named: options.reference.description, maxTokens: tokens),
            try referenceLogps(of: eval, under: model, named: options.reference.description, maxTokens: tokens)
        )
    }

    private static func heldOut(_ index: Int) -> Int { -1 - index }
}

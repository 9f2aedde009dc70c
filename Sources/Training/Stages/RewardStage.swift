import Foundation
import Objectives
import PreferenceData
import Torch
import Transformers

/// Bradley-Terry training of the score of each response: at its last token that is not the model's padding.
package struct RewardObjective: OfflineObjective {
    package let loss: BradleyTerryLoss

    package init(loss: BradleyTerryLoss) { self.loss = loss }

    package func weight(of example: TokenizedPair) -> Int { 1 }

    package func loss(
        _ model: DecoderModel, _ batch: ResponseBatch, stepWeight: Int
    ) -> LossTerm<BradleyTerryMetrics> {
        let pairs = batch.sequenceCount / 2
        let scores = model.scores(batch.rows, at: batch.scoredRows(padding: model.padTokenID)).reshaped([pairs, 2])
        return loss(
            chosen: scores.narrowed(1, 0..<1).reshaped([pairs]), rejected: scores.narrowed(1, 1..<2).reshaped([pairs]),
            globalPairs: stepWeight)
    }
}

extension StageContext {
    package func runReward(_ options: RewardOptions) throws {
        let data = try data.pairs(options.pairs, options.lengths)
        try note(data.summary)
        let eval = try evalExamples(options.loop) { try self.data.pairs($0, options.lengths).examples }
        let model = try trainable(options.initial, head: .score)
        let objective = RewardObjective(
            loss: BradleyTerryLoss(centeringCoefficient: options.centerRewardsCoefficient ?? 0))
        let trainer = OfflineTrainer(
            context: self, model: model, objective: objective, loop: options.loop, optimizer: options.optimizer)
        try trainer.train(data.examples, eval: eval) {
            try models.save(model, to: $0, text: text)
        } afterwards: {
            try finishReward(model, data.examples, eval, options)
        }
    }

    /// Training pairs that the mean and spread of the scores are taken on.
    private static let statisticsSample = 512

    /// Takes the mean and spread of the scores on training data, and the accuracy on held-out pairs by gap.
    ///
    /// - Throws: ``StageStopped``, on all workers.
    private func finishReward(
        _ model: DecoderModel, _ examples: [TokenizedPair], _ eval: [TokenizedPair], _ options: RewardOptions
    ) throws {
        let scorer = ModelScorer(model, named: stage.name, maxTokens: options.loop.maxTokensPerMicroBatch)
        var moments = Moments()
        // A sample is enough for a mean, and scoring all may take longer than training did.
        let sample = permutation(count: examples.count, seed: seed, epoch: 0).prefix(Self.statisticsSample)
        let share = workers.share(of: sample.map { examples[$0] }) { $0 }
        for pair in try interruptible({ try scorer.pairScores(share, while: $0) }) {
            moments.add(pair.chosenReward)
            moments.add(pair.rejectedReward)
        }
        moments = try moments.reduced(over: workers)
        var statistics = RewardStatistics(mean: moments.mean, std: moments.variance.squareRoot())
        statistics.isSubtracted = options.normalizeReward
        if isFirst { try statistics.add(to: stage.final) }
        try note("reward mean \(HumanFormat.metric(statistics.mean)), std \(HumanFormat.metric(statistics.std))")
        guard !eval.isEmpty else { return }
        let heldOut = workers.share(of: eval) { $0 }
        let scored = try interruptible { try scorer.pairScores(heldOut, while: $0) }
        try link.report(
            .scores(scored.map { ItemScores(index: $0.index, scores: [$0.chosenReward, $0.rejectedReward]) }))
    }
}

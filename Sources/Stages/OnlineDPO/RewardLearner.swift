import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// The reward model of an online stage, which learns from gold labels on the way; every learner does the same.
package final class RewardLearner {
    /// What the model is called in checkpoints and messages.
    package static let name = "reward"

    private let model: DecoderModel
    private let options: RewardUpdateOptions
    private let maxTokens: Int
    private let updater: ParameterUpdater
    private let gold: (any Scorer)?
    private let records: [Prompt]
    private let context: StageContext
    private let learners: Communicator
    /// Pairs since the last update, the better one by its score first.
    private var window: [(chosen: Rollout, rejected: Rollout)] = []
    /// Gold labels so far.
    package private(set) var goldLabels = 0

    /// - Parameters:
    ///   - gold: What labels in truth, on the learner that asks for all.
    ///   - records: All prompts as they were read; may be empty where `gold` reads none of them.
    package init(
        _ model: DecoderModel, _ options: RewardUpdateOptions, maxTokens: Int, gold: (any Scorer)?,
        records: [Prompt], learners: Communicator, in context: StageContext
    ) {
        (self.model, self.options, self.maxTokens) = (model, options, maxTokens)
        (self.gold, self.records, self.learners, self.context) = (gold, records, learners, context)
        var optimizer = OptimizerOptions(learningRate: options.learningRate)
        optimizer.schedule = .constant
        updater = ParameterUpdater(
            model.parameters, optimizer, totalSteps: 1, communicator: learners, tracer: context.tracer)
    }

    package var trainee: Trainee { Trainee(Self.name, model, updater) }

    /// Takes in a step's pairs, and learns where an update is due.
    package func learn(
        step: Int, _ pairs: [(chosen: Rollout, rejected: Rollout)], nonFinite: inout NonFiniteSteps
    ) throws -> MetricValues {
        window += pairs
        guard options.isDue(afterStep: step + 1) else { return goldMetrics }
        let left = options.budget.map { max(0, $0 - goldLabels) } ?? window.count
        let gaps = window.map { $0.chosen.score - $0.rejected.score }
        let asked = options.choice.asked(
            gaps: gaps, count: min(options.pairs, left), seed: context.seed, step: step)
        let labels = try goldGaps(of: asked.map { window[$0] })
        goldLabels += asked.count
        var metrics = goldMetrics
        // A pair that gold finds equal says nothing.
        let labelled = zip(asked, labels).filter { $0.1 != 0 }.enumerated().map { number, label in
            let pair = window[label.0]
            let (chosen, rejected) = label.1 > 0 ? (pair.chosen, pair.rejected) : (pair.rejected, pair.chosen)
            return TokenizedPair(
                index: number, prompt: chosen.prompt, chosen: chosen.response, rejected: rejected.response)
        }
        window = []
        guard !asked.isEmpty else { return metrics }
        metrics["reward_update/accuracy"] = Double(labels.count { $0 > 0 }) / Double(labels.count)
        metrics.merge(try train(on: labelled, step: step, nonFinite: &nonFinite), prefix: "reward_update/")
        return metrics
    }

    private var goldMetrics: MetricValues { ["reward_update/gold_labels": Double(goldLabels)] }

    /// How much more gold gives each pair's first response: asked by the first learner, known to all.
    private func goldGaps(of pairs: [(chosen: Rollout, rejected: Rollout)]) throws -> [Double] {
        var writer = ByteWriter()
        if learners.rank == 0, let gold {
            var rollouts = pairs.flatMap { [$0.chosen, $0.rejected] }
            try context.tracer.measure(.scoring) {
                try rollouts.score(by: gold, records, text: context.text.text(of:))
            }
            writer.write(rollouts.map(\.score))
        }
        var reader = ByteReader(try learners.broadcast(writer.bytes, root: 0))
        let scores = try reader.readArray(of: Double.self)
        return stride(from: 0, to: scores.count - 1, by: 2).map { scores[$0] - scores[$0 + 1] }
    }

    private func train(
        on pairs: [TokenizedPair], step: Int, nonFinite: inout NonFiniteSteps
    ) throws -> MetricValues {
        guard !pairs.isEmpty else { return [:] }
        let pass = OfflinePass(
            model: model, objective: RewardObjective(loss: BradleyTerryLoss()), workers: learners,
            maxTokens: maxTokens, tracer: context.tracer)
        let update = OfflineUpdate(
            pass, updater, stage: context.stage.name, onNonFinite: .stop, note: context.note)
        var state: [Double]?
        var updates: [MetricValues] = []
        for epoch in 0..<options.epochs {
            let order = permutation(count: pairs.count, seed: context.seed &+ UInt64(step), epoch: epoch)
            for start in stride(from: 0, to: pairs.count, by: options.batchSize) {
                let batch = order[start..<min(start + options.batchSize, pairs.count)].sorted().map { pairs[$0] }
                updates.append(
                    try update.make(step, at: 0, epoch: epoch, batch, state: &state, nonFinite: &nonFinite))
            }
        }
        return MetricValues(meansOf: updates).filter { ["loss", "grad_norm"].contains($0) }
    }

    // MARK: Checkpoints

    private static let fileName = "reward_update.bin"

    /// Writes the pairs since the last update, and how many labels there were, into a checkpoint.
    package func write(to directory: URL) throws {
        let rollouts = window.flatMap { [$0.chosen, $0.rejected] }
        var writer = ByteWriter()
        writer.write(goldLabels)
        writer.write(RolloutBatch(total: rollouts.count, rollouts: rollouts).bytes)
        try Data(writer.bytes).write(to: directory.appending(path: Self.fileName))
    }

    /// Goes on from there.
    package func restore(from directory: URL) throws {
        let file = directory.appending(path: Self.fileName)
        do {
            var reader = ByteReader(Array(try Data(contentsOf: file)))
            goldLabels = try reader.read(Int.self)
            let rollouts = try RolloutBatch(bytes: try reader.readArray(of: UInt8.self)).rollouts
            window = stride(from: 0, to: rollouts.count - 1, by: 2).map { (rollouts[$0], rollouts[$0 + 1]) }
        } catch {
            throw RunError.other("\(file.path): damaged; delete this checkpoint to go on from the one before it")
        }
    }
}

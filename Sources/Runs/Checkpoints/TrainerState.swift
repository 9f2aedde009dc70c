import Foundation
import Objectives

/// Where training stands, in a checkpoint's `trainer_state.json`. Keys are as in transformers where it has them.
package struct TrainerState: Codable, Equatable {
    /// Steps done.
    package var step: Int
    /// The length of `metrics.jsonl` with the lines of these steps.
    private var metricsPosition: UInt64
    /// The steps that have no line yet.
    private var metricsInterval: MetricsInterval?
    /// Tokens trained on so far.
    package var tokens: Int?
    /// The coefficient of PPO's KL penalty.
    package var controller: KLController?
    /// The scores so far, where they are scaled by them.
    package var scores: RunningDeviation?
    /// Steps that were skipped.
    package var nonFinite: NonFiniteSteps
    /// The best figure on held-out data so far, and the step that had it.
    package var bestMetric: Double?
    package var bestStep: Int?
    /// What the loss carries from step to step, where it carries anything.
    package var lossState: [Double]?
    /// The metrics of the last step, where the run was stopped in the evaluation after it: they are not reported yet.
    package var unevaluated: MetricValues?

    package enum CodingKeys: String, CodingKey {
        case step = "global_step"
        case metricsPosition = "metrics_position"
        case metricsInterval = "metrics_since_last_line"
        case tokens = "num_input_tokens_seen"
        case controller = "kl_controller"
        case scores = "running_scores"
        case nonFinite = "non_finite_steps"
        case lossState = "loss_state"
        case bestMetric = "best_metric"
        case bestStep = "best_global_step"
        case unevaluated = "unevaluated_metrics"
    }

    /// - Parameter metrics: Where the metrics stand with these steps.
    package init(
        step: Int, metrics: MetricsState, tokens: Int? = nil, controller: KLController? = nil, nonFinite: NonFiniteSteps
    ) {
        (self.step, self.tokens, self.controller, self.nonFinite) = (step, tokens, controller, nonFinite)
        (metricsPosition, metricsInterval) = (metrics.position, metrics.interval)
    }

    /// Where the metrics stand with these steps.
    package var metrics: MetricsState {
        get { MetricsState(position: metricsPosition, interval: metricsInterval) }
        set { (metricsPosition, metricsInterval) = (newValue.position, newValue.interval) }
    }

    private static let fileName = "trainer_state.json"

    package func write(to directory: URL) throws {
        let encoder = JSONEncoder.forMessages
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: directory.appending(path: Self.fileName))
    }

    /// - Throws: ``RunError`` where the file is missing, damaged, or holds numbers that no training comes to.
    package static func read(from directory: URL) throws -> TrainerState {
        let file = directory.appending(path: fileName)
        guard let data = try? Data(contentsOf: file),
            let state = try? JSONDecoder.forMessages.decode(Self.self, from: data),
            state.counts.allSatisfy((0...1 << 53).contains)
        else {
            throw RunError.other("\(file.path): damaged; delete this checkpoint to go on from the one before it")
        }
        return state
    }

    private var counts: [Int] {
        [step, Int(clamping: metricsPosition), tokens ?? 0, nonFinite.total, nonFinite.inARow, bestStep ?? 0]
    }
}

import Foundation
import TestSupport
import Testing

@Suite("Keeping the best model", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct BestModelTests {
    /// The rate makes held-out loss go down first and up later.
    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 96, max_prompt_length: 64, \
        truncation_mode: drop_turns}
        save_steps: 2
        save_total_limit: 1
        stages: [sft, reward]
        sft: {max_steps: 13, train_batch_size: 4, learning_rate: 3.0e-2, lr_scheduler_type: constant, eval_steps: 1, \
        load_best_model_at_end: true}
        reward: {init: sft, max_steps: 7, train_batch_size: 4, learning_rate: 1.0e-2, eval_steps: 2, \
        load_best_model_at_end: true, metric_for_best_model: accuracy}
        """

    @Test("The best checkpoint outlives the limit and becomes final, resumed or not, on any ranks", arguments: [1, 3])
    func best(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 16, eval: 8)
            try workspace.configure(Self.stages)
            try workspace.train(ranks: ranks)
            for (stage, metric, sign) in [("01-sft", "eval_loss", 1.0), ("02-reward", "eval_accuracy", -1.0)] {
                let lines = try workspace.metrics().filter { $0.stage == stage }
                let last = try #require(lines.last?.step)
                let candidates = try lines.filter { $0.step.isMultiple(of: 2) || $0.step == last }.map {
                    (step: $0.step, value: sign * (try #require($0.values[metric])))
                }
                let best = try #require(candidates.min { ($0.value, $0.step) < ($1.value, $1.step) })
                let kept = try FileManager.default.contentsOfDirectory(
                    atPath: workspace.url("out/stages/\(stage)").path
                ).filter { $0.hasPrefix("checkpoint-") }
                let expected = Set([best.step, (last - 1) / 2 * 2]).subtracting([last]).map(checkpoint)
                #expect(Set(kept) == Set(expected), "best was \(best)")
                if best.step < last {
                    let weights = try workspace.weights("out", stage, checkpoint(best.step))
                    #expect(try workspace.weights("out", stage) == weights)
                }
            }
        }
    }

    private func checkpoint(_ step: Int) -> String { String(format: "checkpoint-%08d", step) }
}

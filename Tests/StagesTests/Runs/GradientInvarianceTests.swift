import Foundation
import PreferenceData
import TestSupport
import Testing
import Torch
import Transformers

/// The first moments of AdamW with `adam_beta1: 0` are the gradient of the last step, summed over all ranks and not
/// clipped: so checkpoints of real runs show it.
@Suite(
    "Gradients over ranks and micro-batches", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct GradientInvarianceTests {
    private static let optimizer = "adam_beta1: 0.0, max_grad_norm: 0.0, learning_rate: 1.0e-4"

    @Test("DPO: 1 learner x 8 micro-batches, 2 x 4, 4 x 2 and 1 x 1 give the same gradient of every parameter")
    func dpo() throws {
        try RunWorkspace.with { workspace in
            try workspace.write(pairs, to: "pairs.jsonl")
            try workspace.configure(
                """
                dataset: {train: pairs.jsonl}
                stages: [sft]
                sft: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3}
                """)
            // The reference is the same file for all.
            try workspace.train(["output_dir=reference"])
            try workspace.configure(
                """
                dataset: {train: pairs.jsonl}
                stages: [dpo]
                dpo: {reference: reference/stages/01-sft/final, beta: 0.5, train_batch_size: 8, max_steps: 2, \
                save_steps: 1, \(Self.optimizer)}
                """)
            try expectEqual(try gradients(workspace, "dpo", ["model"]))
        }
    }

    @Test("KTO: the same of its loss, whose divergence is that of the whole step")
    func kto() throws {
        try RunWorkspace.with { workspace in
            try workspace.write(answers, to: "answers.jsonl")
            try workspace.configure(
                """
                dataset: {train: answers.jsonl}
                stages: [sft, kto]
                sft: {data: sft.jsonl, max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3}
                """)
            try workspace.write(answers.replacing("false", with: "true"), to: "sft.jsonl")
            try workspace.train(["output_dir=policy", "stages=[sft]"])
            try workspace.configure(
                """
                dataset: {train: answers.jsonl}
                stages: [kto]
                kto: {init: policy/stages/01-sft/final, reference: base, beta: 0.5, train_batch_size: 8, max_steps: 2, \
                save_steps: 1, undesirable_weight: 1.5, \(Self.optimizer)}
                """)
            try expectEqual(try gradients(workspace, "kto", ["model"]))
            let divergences = try ["1-100000", "1-1", "3-1", "5-1"].map {
                try workspace.metrics($0)[0].values["kl"] ?? 0
            }
            #expect(divergences[0] > 0.1)
            for other in divergences { #expect(relativeError(other, divergences[0]) < 1e-5) }
        }
    }

    /// Eight answers of nearly one length.
    private let answers = (0..<8).map { index in
        let name = ["Tom", "Lily", "Ben", "Mia", "Max", "Sara", "Tim", "Anna"][index]
        let completion = index % 3 == 0 ? " No no no \(index) dogs." : " It was a sunny day and \(name) was happy."
        return """
            {"prompt": "One day \(name) went to the park.", "completion": "\(completion)", "label": \(index % 3 > 0)}

            """
    }.joined()

    @Test("PPO: policy and critic have the same gradients of every parameter, whoever sampled and learned")
    func ppo() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl}
                stages: [ppo]
                ppo: {reward: "rule:length:9", rollout_batch_size: 8, max_steps: 2, save_steps: 1, response_length: 12, \
                num_ppo_epochs: 1, temperature: 1.0, placement: colocated, \(Self.optimizer)}
                """)
            try expectEqual(try gradients(workspace, "ppo", ["policy", "critic"]))
        }
    }

    /// Eight pairs of nearly one length, so that every rank gets as many.
    private let pairs = (0..<8).map { index in
        let name = ["Tom", "Lily", "Ben", "Mia", "Max", "Sara", "Tim", "Anna"][index]
        return """
            {"prompt": "One day \(name) went to the park.", "chosen": " It was a sunny day and \(name) was happy.", \
            "rejected": " No no no \(index) dogs."}

            """
    }.joined()

    /// The gradients of step 1 by layout and parameter.
    private func gradients(
        _ workspace: RunWorkspace, _ stage: String, _ models: [String]
    ) throws -> [String: [String: [Float]]] {
        var result: [String: [String: [Float]]] = [:]
        for (name, ranks, maxTokens) in [("1 x 1", 1, 100_000), ("1 x 8", 1, 1), ("2 x 4", 3, 1), ("4 x 2", 5, 1)] {
            let run = "\(ranks)-\(maxTokens)"
            let size = "\(stage).max_tokens_per_micro_batch=\(maxTokens)"
            try workspace.train(ranks: ranks, ["output_dir=\(run)", size])
            let checkpoint = workspace.url("\(run)/stages/01-\(stage)/checkpoint-00000001")
            let file = try SafetensorsFile(checkpoint.appending(path: "optimizer.safetensors"))
            for model in models {
                let isCritic = model == "critic"
                let directory = isCritic ? checkpoint.appending(path: "critic") : checkpoint
                let decoder = try ModelDirectory(directory).decoder(
                    head: isCritic ? .score : .languageModel, trainable: false)
                let parts = decoder.parameters.byName(try file.tensor("\(model).exp_avg").floats())
                for (parameter, values) in parts { result[name, default: [:]]["\(model): \(parameter)"] = values }
            }
        }
        return result
    }

    private func expectEqual(_ gradients: [String: [String: [Float]]]) throws {
        let expected = try #require(gradients["1 x 8"])
        #expect(expected.values.allSatisfy { $0.contains { $0 != 0 } })
        for name in ["1 x 1", "2 x 4", "4 x 2"] {
            let worst = try largestError(try #require(gradients[name])) { try #require(expected[$0]) }
            #expect(worst.error <= 1e-5, "\(name): \(worst.name)")
        }
    }
}

import Foundation
import Runs
import TestSupport
import Testing
import Torch
import Training

@Suite(
    "Runs on operators that are composed of LibTorch's", .serialized,
    .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ComposedKernelRunTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: [], max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
        stages: [sft, dpo, ppo]
        sft: {max_steps: 3, train_batch_size: 8, learning_rate: 1.0e-4}
        dpo: {max_steps: 3, train_batch_size: 8, learning_rate: 1.0e-4}
        ppo: {reward: "rule:length:9", max_steps: 2, rollout_batch_size: 6, response_length: 12, num_ppo_epochs: 1, \
        top_p: 0.95, learning_rate: 1.0e-4}
        """

    @Test("Losses are those of the usual kernels to 1e-5, stage by stage, and what is sampled is the same")
    func losses() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 32, eval: 1)
            try workspace.configure(Self.stages)
            for kernels in KernelSet.allCases {
                var job = try workspace.job(ranks: 1, ["output_dir=\(kernels)"])
                job.environment["MPO_KERNELS"] = kernels.rawValue
                let result = try job.run()
                try #require(result.status == 0, "\(result.errors)")
                #expect(result.errors.contains("with kernels aten") == (kernels == .aten), "\(result.errors)")
            }
            let (usual, composed) = (try workspace.metrics("cpu"), try workspace.metrics("aten"))
            try #require(usual.count == 8 && composed.count == 8)
            for (expected, line) in zip(usual, composed) {
                let figures = expected.stage == "03-ppo" ? ["objective/scores", "loss/policy_avg"] : ["loss"]
                for figure in figures {
                    let (wanted, actual) = (expected.values[figure], line.values[figure])
                    let loss = try #require(wanted, "\(expected)")
                    #expect(abs(try #require(actual) - loss) <= 1e-5 * max(1, abs(loss)), "\(line.stage) \(line.step)")
                }
            }
            #expect(try workspace.weights("cpu", "02-dpo") != workspace.weights("aten", "02-dpo"))
        }
    }

    @Test("Kernels that do not exist are refused in one line before anything is done", arguments: [1, 2])
    func unknown(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 8, eval: 1)
            try workspace.configure(Self.stages)
            var job = try workspace.job(ranks: ranks)
            job.environment["MPO_KERNELS"] = "fast"
            let result = try job.run()
            #expect(result.status == 2)
            #expect(result.errors == "mpo: MPO_KERNELS is 'fast', but kernels are cpu or aten\n")
            #expect(!workspace.has("out"))
        }
    }

    @Test("Another set of kernels is another build to a run that goes on")
    func identity() throws {
        let usual = try withKernels(.cpu) { try BuildIdentity() }
        let composed = try withKernels(.aten) { try BuildIdentity() }
        #expect(usual.libTorch == TorchRuntime.version && composed != usual)
    }
}

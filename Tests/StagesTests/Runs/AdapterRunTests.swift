import Foundation
import TestSupport
import Testing
import Torch
import Transformers

/// `use_peft: true`: adapters on one frozen base in whole runs.
@Suite("Runs that train adapters", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct AdapterRunTests {
    /// Steps so large that a policy which did not reach the samplers would be found out.
    private static let ppo = """
        reward: "rule:length:9", max_steps: 3, rollout_batch_size: 6, response_length: 12, num_ppo_epochs: 1, \
        learning_rate: 0.02, save_steps: 2
        """
    private static let lines = """
        use_peft: true
        lora_target_modules: all-linear
        lora_r: 4
        dataset: {train: train.jsonl, eval: [], max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}

        """

    @Test("A fresh adapter changes no bit of a policy, and a step of training does")
    func freshAdapter() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12)
            try workspace.configure(
                Self.lines + "stages: [dpo]\ndpo: {max_steps: 2, train_batch_size: 6, learning_rate: 0.01}")
            try workspace.train()
            let metrics = try workspace.metrics()
            let margins = ["rewards/chosen", "rewards/rejected", "rewards/margins"]
            #expect(margins.allSatisfy { metrics[0].values[$0] == 0 })
            #expect(margins.allSatisfy { abs(metrics[1].values[$0] ?? 0) > 1e-3 })
            #expect(!workspace.has("out/stages/01-dpo/final/config.json"))
        }
    }

    @Test(
        "What a step changes in an adapter is in the very next samples, wherever those are drawn",
        arguments: [(1, "{}"), (3, "colocated"), (3, "split"), (4, "{learners: 2, rollouts: 1}")])
    func nextSamples(ranks: Int, placement: String) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12)
            let keys =
                switch placement {
                case "{}": ""
                case "colocated": ", placement: colocated"
                case "split": ", placement: split, learners: 1"
                default: ", placement: split, learners: 2"
                }
            try workspace.configure(Self.lines + "stages: [ppo]\nppo: {\(Self.ppo)\(keys)}")
            try workspace.train(ranks: ranks)
            let metrics = try workspace.metrics()
            // The policy that learns tells the log-probabilities of the samples as who drew them does, and has left the reference.
            for line in metrics {
                #expect(try #require(line.values["sampling/sampling_logp_difference/max"]) < 1e-3)
            }
            #expect(metrics[0].values["objective/kl"] == 0)
            for line in metrics.dropFirst() { #expect(abs(try #require(line.values["objective/kl"])) > 1e-2) }
        }
    }

    @Test("Roles that share one base end in the bytes of roles that have one each")
    func sharedBase() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12)
            for number in 1...3 {
                try FileManager.default.copyItem(at: workspace.base, to: workspace.url("copy\(number)"))
            }
            let stages = """
                stages: [reward, ppo]
                reward: {init: FIRST, max_steps: 2, train_batch_size: 6, learning_rate: 0.01}
                ppo: {PPO, reference: SECOND, critic_init: THIRD}
                """
                .replacing("PPO", with: Self.ppo.replacing("\"rule:length:9\"", with: "reward"))
            for (run, names) in [
                ("shared", ["base", "base", "base"]), ("apart", (1...3).map { workspace.url("copy\($0)").path }),
            ] {
                let filled = zip(["FIRST", "SECOND", "THIRD"], names).reduce(stages) { $0.replacing($1.0, with: $1.1) }
                try workspace.configure(Self.lines + filled)
                try workspace.train(["output_dir=\(run)"])
            }
            for path in ["final", "critic"] {
                let file = "stages/02-ppo/\(path)/adapter_model.safetensors"
                #expect(try workspace.data("shared/\(file)") == workspace.data("apart/\(file)"), "\(path)")
            }
        }
    }

    @Test("A run that was stopped in dpo or ppo goes on as if it had not been", arguments: [1, 3])
    func resumed(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 24)
            try workspace.configure(
                Self.lines + """
                    stages: [sft, dpo, ppo]
                    sft: {max_steps: 2, train_batch_size: 6, learning_rate: 0.01}
                    dpo: {max_steps: 4, train_batch_size: 6, learning_rate: 0.01, save_steps: 2}
                    ppo: {\(Self.ppo.replacing("max_steps: 3", with: "max_steps: 8")), placement: colocated}
                    """)
            try workspace.train(ranks: ranks, ["output_dir=whole"])
            for _ in 1...2 {
                let stopped = try workspace.end(
                    try workspace.job(ranks: ranks, resume: workspace.has("out")), at: Moment(lines: 4)
                ) { kill($0, SIGUSR1) }
                #expect(stopped.status == 75, "\(stopped.errors)")
            }
            try workspace.train(ranks: ranks, resume: true)
            try workspace.expectSame()
        }
    }

    @Test("One, two and three learners make the same adapter, but for rounding")
    func learners() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 24)
            try workspace.configure(
                Self.lines + "stages: [dpo]\ndpo: {max_steps: 3, train_batch_size: 6, learning_rate: 0.01}")
            for ranks in [1, 3, 4] { try workspace.train(ranks: ranks, ["output_dir=\(ranks)"]) }
            let adapter = { (run: Int) in
                try SafetensorsFile(workspace.url("\(run)/stages/01-dpo/final/adapter_model.safetensors"))
            }
            let one = try adapter(1)
            for ranks in [3, 4] {
                let other = try adapter(ranks)
                for name in one.entries.keys {
                    let (left, right) = (try one.tensor(name), try other.tensor(name))
                    #expect((left - right).norm() <= 1e-4 * left.norm() + 1e-7, "\(ranks) ranks: \(name)")
                }
            }
        }
    }

    @Test(
        "A reward model trains no head of a vocabulary whole, nor does a critic; its other modules are named again by what made it"
    )
    func savedModules() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12)
            try workspace.configure(
                Self.lines + """
                    stages: [reward, more, ppo]
                    reward: {max_steps: 1, train_batch_size: 6, lora_modules_to_save: [norm]}
                    more: {type: reward, init: reward, max_steps: 1, train_batch_size: 6, lora_modules_to_save: [norm, score]}
                    ppo: {\(Self.ppo), critic_init: base, lora_modules_to_save: [lm_head]}
                    """)
            // Its embeddings are tied, so no head is there to train; one of its own has to be.
            let head = try workspace.train(status: 2)
            #expect(
                head.errors.contains("ppo.lora_modules_to_save: 'lm_head' cannot be trained whole"), "\(head.errors)")
            try workspace.untieEmbeddings(as: "untied")
            let refused = try workspace.train(
                status: 2, ["model_name_or_path=untied", "reward.lora_modules_to_save=[lm_head]"])
            #expect(
                refused.errors.contains(
                    "reward.lora_modules_to_save: 'lm_head' ends a language model, and a reward model has none; leave it out; its "
                        + "score head is trained in any case"), "\(refused.errors)")
            let stages = "stages=[reward, more, ppo]"
            let options = ["model_name_or_path=untied", stages, "ppo.save_steps=1"]
            // A checkpoint of policy and critic is written, and read again.
            let stopped = try workspace.end(try workspace.job(ranks: 1, options), at: Moment(lines: 3)) {
                kill($0, SIGUSR1)
            }
            #expect(stopped.status == 75, "\(stopped.errors)")
            try workspace.train(resume: true, options)
        }
    }

    @Test("A merged adapter is a whole model that says the same, and stages go on from either")
    func merged() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12)
            try workspace.configure(
                Self.lines + """
                    stages: [dpo, merge, whole]
                    dpo: {max_steps: 2, train_batch_size: 6, learning_rate: 0.01}
                    merge: {method: adapters}
                    whole: {type: dpo, init: dpo, use_peft: false, reference: merge, max_steps: 1, train_batch_size: 6}
                    """)
            try workspace.train()
            #expect(workspace.has("out/stages/02-merge/final/model.safetensors"))
            #expect(workspace.has("out/stages/03-whole/final/model.safetensors"))
            let margin = try #require(workspace.metrics().last?.values["rewards/chosen"])
            #expect(abs(margin) < 1e-5, "an adapter on its base and the two merged differ by \(margin)")
        }
    }

    @Test("An adapter stands on what a stage has left of a model that was drawn at random, not on what no file holds")
    func drawnBase() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12)
            try workspace.configure(
                """
                random_init: true
                dataset: {train: train.jsonl, eval: [], max_length: 192, truncation_mode: drop_turns}
                stages: [sft, dpo]
                sft: {max_steps: 1, train_batch_size: 6}
                dpo: {use_peft: true, max_steps: 1, train_batch_size: 6}
                """)
            try workspace.train()
            #expect(workspace.has("out/stages/02-dpo/final/adapter_config.json"))
            let refused = try workspace.train(status: 2, ["output_dir=other", "sft.use_peft=true"])
            #expect(refused.errors.contains("sft.use_peft: the base model is drawn at random"), "\(refused.errors)")
        }
    }

    @Test("What travels to samplers is the adapter alone")
    func travels() throws {
        let base = try #require(TestSupport.shared).appending(path: "models/stories260K")
        let directory = try ModelDirectory(base)
        var configuration = AdapterConfiguration()
        configuration.rank = 1
        let layout = try AdapterLayout(configuration, for: directory.configuration)
        let model = try directory.decoder(
            on: FrozenBase(directory, placement: .float32), head: .languageModel, adding: layout, trainable: false,
            seed: 1)
        #expect(model.parameters.trained.map(\.name) == ["adapter"])
        #expect(model.parameters.trainedCount * 10 < model.parameters.count)
    }
}

extension RunWorkspace {
    /// Writes a copy of the base model whose head is no longer its embedding table, by the same numbers.
    fileprivate func untieEmbeddings(as name: String) throws {
        try FileManager.default.copyItem(at: base, to: url(name))
        let weights = url("\(name)/model.safetensors")
        let file = try SafetensorsFile(base.appending(path: "model.safetensors"))
        var tensors = try file.entries.keys.sorted().map { ($0, try file.tensor($0)) }
        tensors.append(("lm_head.weight", try file.tensor("model.embed_tokens.weight")))
        try FileManager.default.removeItem(at: weights)
        try SafetensorsWriter.write(tensors, to: weights)
        let settings = try String(decoding: data("\(name)/config.json"), as: UTF8.self)
        let untied = settings.replacing(/"tie_word_embeddings": *true/, with: #""tie_word_embeddings": false"#)
        #expect(untied != settings)
        try FileManager.default.removeItem(at: url("\(name)/config.json"))
        try write(untied, to: "\(name)/config.json")
    }
}

import Commands
import Configuration
import Foundation
import Objectives
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Reading a run's configuration")
struct RunConfigurationTests {
    @Test(
        "The plain list of stages is the method: DPO on easy pairs, then PPO on difficult prompts from the DPO policy")
    func recipe() throws {
        let run = try configuration("stages: [sft, reward, split, dpo, ppo, evaluate]")
        #expect(run.stages.map(\.type) == ["sft", "reward", "split", "dpo", "ppo", "evaluate"])
        let sft = ArtifactReference.stage("sft", part: nil)
        let reward = ArtifactReference.stage("reward", part: nil)
        let dpo = ArtifactReference.stage("dpo", part: nil)
        guard let split = run.options(of: "split", SplitStage.self),
            let preference = run.options(of: "dpo", DPOStage.self),
            let online = run.options(of: "ppo", PPOStage.self),
            let evaluation = run.options(of: "evaluate", EvaluateStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(
            split.pairs == [.dataset(.train)] && split.reward == reward && split.gamma == 1 && split.quantile == nil)
        #expect(preference.initial == sft && preference.compared.reference == sft)
        #expect(preference.pairs == [.stage("split", part: "easy")])
        #expect(online.initial == dpo && online.reference == dpo && online.rewards.sources == [reward])
        #expect(online.criticInitial == reward && online.prompts == [.stage("split", part: "difficult")])
        #expect(evaluation.policies == [sft, dpo, .stage("ppo", part: nil)] && evaluation.judge == reward)
        #expect(evaluation.prompts == [.dataset(.eval)])
    }

    @Test("Without stages, a run is the whole method")
    func defaultStages() throws {
        #expect(try configuration("").stages.map(\.name) == ["sft", "reward", "split", "dpo", "ppo", "evaluate"])
    }

    @Test("Where split and sft are not in the list, DPO takes the training pairs and the base model")
    func fallBacks() throws {
        let run = try configuration("stages: [dpo, ppo]\nppo: {reward: 'rule:count the'}")
        guard let dpo = run.options(of: "dpo", DPOStage.self),
            let ppo = run.options(of: "ppo", PPOStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(dpo.initial == .base && dpo.pairs == [.dataset(.train)])
        #expect(ppo.rewards.sources == [.rule("count the")] && ppo.criticInitial == .stage("dpo", part: nil))
        #expect(ppo.prompts == [.dataset(.train)])
    }

    @Test("Pairs from a sample stage go into the split before those of the data set")
    func samples() throws {
        let run = try configuration("stages: [sft, reward, sample, split, dpo]")
        guard let split = run.options(of: "split", SplitStage.self),
            let sample = run.options(of: "sample", SampleStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(split.pairs == [.stage("sample", part: nil)])
        #expect(sample.policy == .stage("sft", part: nil) && sample.nSamplesPerPrompt == 2)
    }

    @Test(
        "A merge moves the latest policy away from what that was trained from, and asks for a reward where it has a choice"
    )
    func merges() throws {
        let run = try configuration(
            "stages: [sft, reward, dpo, merge, tried]\ntried: {type: merge, policy: dpo, alpha: [0, 0.3]}")
        guard let merge = run.options(of: "merge", MergeStage.self),
            let tried = run.options(of: "tried", MergeStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(merge.policy == .stage("dpo", part: nil) && merge.from == .stage("sft", part: nil))
        #expect(merge.alpha == [0.5] && merge.reward == nil && merge.prompts.isEmpty)
        #expect(tried.reward == .stage("reward", part: nil) && tried.prompts == [.dataset(.eval)])
        // A printed configuration of one alpha says that no reward is asked; several ask for one all the same.
        let several = try RunConfiguration(yaml: run.yaml, name: "printed.yaml", overrides: ["merge.alpha=[0, 0.3]"])
        #expect(several.options(of: "merge", MergeStage.self)?.reward == .stage("reward", part: nil))
    }

    @Test(
        "Stages of one type go by names of their own, and the one named after its type is what others mean by default")
    func namedStages() throws {
        let run = try configuration(
            """
            stages: [sft, reward, split, dpo, dpo-all, ppo, evaluate]
            dpo-all: {type: dpo, pairs: dataset.train, beta: 0.3}
            """)
        guard let all = run.options(of: "dpo-all", DPOStage.self),
            let ppo = run.options(of: "ppo", PPOStage.self),
            let evaluation = run.options(of: "evaluate", EvaluateStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(all.choice.beta == 0.3 && all.pairs == [.dataset(.train)] && all.initial == .stage("sft", part: nil))
        #expect(ppo.initial == .stage("dpo", part: nil))
        #expect(evaluation.policies.map(\.description) == ["sft", "dpo", "dpo-all", "ppo"])
    }

    @Test("Stages compute where and in what the run says unless they say it themselves, bf16 being a way to say it")
    func computing() throws {
        let run = try configuration(
            """
            stages: [sft, reward, dpo, merge, evaluate]
            bf16: true
            device: cpu
            reward: {dtype: float32}
            merge: {alpha: [0, 1]}
            dpo: {bf16: false, device: auto}
            """)
        let types = run.stages.map { $0.stage.compute?.dtype }
        #expect(types == [.bfloat16, .float32, .float32, .bfloat16, .bfloat16])
        #expect(run.stages.map { $0.stage.compute?.device == .auto } == [false, false, true, false, false])
        #expect(run.yaml.contains("dtype: bfloat16") && !run.yaml.contains("bf16:"))
        let printed = try RunConfiguration(yaml: run.yaml, name: "printed.yaml")
        #expect(printed.stages.map { $0.stage.compute?.dtype } == types)
    }

    @Test("Stages take lengths, checkpoint rhythm and placement from the run unless they have their own")
    func inheritance() throws {
        let run = try configuration(
            """
            stages: [sft, reward, ppo]
            save_steps: 7
            learners: 3
            sft: {max_length: 64, save_steps: 9}
            """, dataset: "max_length: 300, truncation_mode: drop_turns")
        guard let sft = run.options(of: "sft", SFTStage.self),
            let reward = run.options(of: "reward", RewardStage.self),
            let ppo = run.options(of: "ppo", PPOStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(run.dataset.lengths.prompt.maxPromptLength == 150)
        #expect(sft.lengths.maxLength == 64 && sft.lengths.prompt.maxPromptLength == 63 && sft.loop.saveSteps == 9)
        #expect(reward.lengths.maxLength == 300 && reward.lengths.prompt.truncationMode == .dropTurns)
        #expect(reward.loop.saveSteps == 7)
        #expect(ppo.prompt.maxPromptLength == 150 && ppo.placement.learners == 3 && ppo.saveSteps == 7)
        #expect(ppo.criticLearningRate == ppo.optimizer.learningRate)
    }

    @Test("Data that a split has put in order is not shuffled")
    func curriculum() throws {
        let run = try configuration("stages: [sft, reward, split, dpo]\nsplit: {order: easy_to_hard}")
        guard let dpo = run.options(of: "dpo", DPOStage.self),
            let sft = run.options(of: "sft", SFTStage.self)
        else {
            Issue.record("a stage is missing")
            return
        }
        #expect(!dpo.loop.shuffle && sft.loop.shuffle)
    }

    @Test("Overrides are applied in order, make blocks that are missing, and take lists and null")
    func overrides() throws {
        let run = try configuration(
            "stages: [sft]",
            overrides: [
                "stages=[sft, reward, ppo]", "ppo.kl_coef=0.1", "ppo.kl_coef=0.2", "seed=1_000",
                "save_total_limit=null",
            ])
        guard let ppo = run.options(of: "ppo", PPOStage.self) else {
            Issue.record("no ppo stage")
            return
        }
        #expect(ppo.shaping.klCoef == 0.2 && run.seed == 1000 && run.saveTotalLimit == nil)
    }

    @Test("Numbers are read in the notations people use")
    func numbers() throws {
        let run = try configuration(
            "stages: [sft, reward, ppo]\nppo: {learning_rate: 3e-6, total_episodes: 1e6, top_p: 1}\nsft: "
                + "{num_train_epochs: 2}"
        )
        guard let ppo = run.options(of: "ppo", PPOStage.self) else {
            Issue.record("no ppo stage")
            return
        }
        #expect(ppo.optimizer.learningRate == 3e-6 && ppo.rollouts.totalEpisodes == 1_000_000 && ppo.sampling.topP == 1)
    }

    @Test("A merge key shares options between blocks, and a block's own keys win")
    func mergeKeys() throws {
        let run = try configuration(
            """
            stages: [sft, dpo, dpo-b]
            dpo: &dpo {beta: 0.5, label_smoothing: 0.1}
            dpo-b:
              <<: *dpo
              type: dpo
              beta: 0.7
            """)
        guard let dpo = run.options(of: "dpo-b", DPOStage.self) else {
            Issue.record("no dpo-b stage")
            return
        }
        #expect(dpo.choice.beta == 0.7 && dpo.choice.settings[LabelSmoothing.self].labelSmoothing == 0.1)
    }

    @Test("Blocks of stages that are not listed may wait, but are read for mistakes")
    func waitingBlocks() throws {
        let run = try configuration("stages: [sft]\nppo: {kl_coef: 0.1}\nextra: {type: dpo}")
        #expect(run.stages.map(\.name) == ["sft"])
        #expect(throws: ConfigurationError.self) { try configuration("stages: [sft]\nppo: {kl_coef: high}") }
    }

    @Test("Files and directories that are not there are named with the key and line that ask for them")
    func missingFiles() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let data = directory.appending(path: "a.jsonl").path
            try Data("{}\n".utf8).write(to: URL(filePath: data))
            let head = "output_dir: out\nmodel_name_or_path: \(directory.path)\nstages: [sft]\n"
            let text = head + "dataset: {train: [\(data), /nowhere/b.jsonl]}\n"
            let noModel = #expect(throws: ConfigurationError.self) {
                try RunConfiguration(yaml: text, name: "r.yaml").checkFiles()
            }
            #expect(noModel?.description.hasPrefix("r.yaml:2: model_name_or_path: ") == true)
            #expect(noModel?.description.contains("has no config.json") == true)

            try Data("{}".utf8).write(to: directory.appending(path: "config.json"))
            let noWeights = #expect(throws: ConfigurationError.self) {
                try RunConfiguration(yaml: text, name: "r.yaml").checkFiles()
            }
            #expect(noWeights?.description.contains("has neither model.safetensors nor") == true)
            let drawn = #expect(throws: ConfigurationError.self) {
                try RunConfiguration(yaml: text + "random_init: true\n", name: "r.yaml").checkFiles()
            }
            #expect(drawn?.description.hasPrefix("r.yaml:4: dataset.train: no such file") == true)

            try Data().write(to: directory.appending(path: "model.safetensors"))
            let noData = #expect(throws: ConfigurationError.self) {
                try RunConfiguration(yaml: text, name: "r.yaml").checkFiles()
            }
            #expect(noData?.description.hasPrefix("r.yaml:4: dataset.train: no such file: /nowhere/b.jsonl; ") == true)
            try RunConfiguration(yaml: head + "dataset: {train: \(data)}\n", name: "r.yaml").checkFiles()
        }
    }

    @Test(
        "~ is the home directory in every path, and ~NAME a user's or a file of that name; commands are the shell's affair"
    )
    func home() throws {
        let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
        let lines = """
            output_dir: ~/run
            model_name_or_path: ~/model
            tokenizer_name_or_path: ~root/t
            dataset: {train: [~/a.jsonl, "~no-such-user/b.jsonl"], eval: ~/c.jsonl}
            stages: [sft, reward, dpo, split]
            sft: {data: ~/d.jsonl, eval_data: ~e.jsonl, init: ~/base}
            split: {reward: "command:~/judge ~"}

            """
        let settings = try RunConfiguration(yaml: lines, name: "r.yaml", overrides: ["dpo.reference=~/f"]).settings
        let expected = [
            "output_dir": "\(home)/run", "model_name_or_path": "\(home)/model", "tokenizer_name_or_path": "/root/t",
            "dataset.train": "[\(home)/a.jsonl, \"./~no-such-user/b.jsonl\"]", "dataset.eval": "[\(home)/c.jsonl]",
            "sft.data": "[\(home)/d.jsonl]", "sft.eval_data": "[\"./~e.jsonl\"]", "sft.init": "\(home)/base",
            "dpo.reference": "\(home)/f", "split.reward": "\"command:~/judge ~\"",
        ]
        // A home with a space in it is printed in quotes.
        func bare(_ text: String?) -> String? { text?.replacing("\"", with: "") }
        for (key, value) in expected { #expect(bare(settings[key]) == bare(value), "\(key)") }
    }
}

/// A configuration with what every run needs around `yaml`.
func configuration(
    _ yaml: String, dataset: String = "", overrides: [String] = []
) throws -> RunConfiguration {
    let head = """
        output_dir: runs/test
        model_name_or_path: ./model
        dataset: {train: train.jsonl, eval: [eval.jsonl]\(dataset.isEmpty ? "" : ", " + dataset)}

        """
    return try RunConfiguration(yaml: head + yaml, name: "run.yaml", overrides: overrides)
}

extension RunConfiguration {
    /// The options of a stage of this name and type.
    fileprivate func options<S: Stage>(of name: String, _: S.Type) -> S.Options? {
        (stage(named: name)?.stage as? S)?.options
    }
}

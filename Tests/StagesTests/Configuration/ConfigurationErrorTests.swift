import Commands
import Configuration
import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Mistakes in a configuration")
struct ConfigurationErrorTests {
    /// Lines of a file whose first three lines are right, and the message that they must give.
    static let mistakes: [(yaml: String, message: String)] = [
        (
            "stages: [sft]\nsft: {learning_rte: 1e-5}",
            "run.yaml:5: sft.learning_rte: unknown key; did you mean learning_rate?"
        ),
        (
            "sft: {load_best_model_at_end: true, eval_data: []}",
            "run.yaml:4: sft.load_best_model_at_end: needs held-out data; give eval_data, or eval in the dataset block"
        ),
        (
            "sft: {load_best_model_at_end: true, eval_data: a.jsonl, eval_steps: 300}",
            "run.yaml:4: sft.load_best_model_at_end: needs an evaluation wherever a checkpoint is saved; give "
                + "eval_steps, of which save_steps (500) is a multiple"
        ),
        (
            "sft: {load_best_model_at_end: true, eval_data: a.jsonl, eval_steps: 100, metric_for_best_model: eval_los}",
            "run.yaml:4: sft.metric_for_best_model: evaluations of sft have no eval_los; did you mean eval_loss? There are "
                + "eval_entropy, eval_loss, eval_mean_token_accuracy"
        ),
        (
            "reward: {load_best_model_at_end: true, eval_data: a.jsonl, eval_steps: 100, metric_for_best_model: f1}",
            "run.yaml:4: reward.metric_for_best_model: evaluations of reward have no eval_f1; write one of eval_accuracy, "
                + "eval_loss, eval_margin, eval_max_reward, eval_mean_reward, eval_min_reward"
        ),
        (
            "sft: {eval_steps: 3, eval_data: []}",
            "run.yaml:4: sft.eval_steps: there is no held-out data to evaluate; give eval_data, or eval in the dataset "
                + "block, or leave it out"
        ),
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", top_k: 1}",
            "run.yaml:5: sample.top_k: 1 draws the same response every time; write 50, or 0 for all tokens"
        ),
        (
            "stages: [merge]",
            "run.yaml: merge.policy: no stage before it leaves a policy; name base or a model directory, and the same for "
                + "from"
        ),
        (
            "stages: [merge]\nmerge: {policy: ./a}",
            "run.yaml:5: merge.from: is not given, and nothing tells what ./a was trained from; name that policy, as in "
                + "from: base"
        ),
        (
            "stages: [sft, merge]\nmerge: {policy: base}",
            "run.yaml:5: merge.from: is not given, and nothing tells what base was trained from; name that policy, as in "
                + "from: base"
        ),
        (
            "stages: [sft, merge]\nmerge: {from: sft}",
            "run.yaml:5: merge.from: sft is policy too, so every alpha gives it back; name another policy"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: [0.1, 0.3]}",
            "run.yaml:5: merge.alpha: has 2 values, and nothing chooses between them: no reward stage comes before it; add "
                + "one to stages, give reward: a model directory, rule:NAME or command:LINE, or keep one value"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: [0.1, 0.10], reward: \"rule:length:9\"}",
            "run.yaml:5: merge.alpha: 0.1 is listed twice; keep one"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: .inf}",
            "run.yaml:5: merge.alpha: expected a number, or a list of such, not empty, found '.inf'; leave it out "
                + "for the default, alpha: [0.5]"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: [0.1, nan]}",
            "run.yaml:5: merge.alpha: expected a number, or a list of such, not empty, found a list; leave it out "
                + "for the default, alpha: [0.5]"
        ),
        (
            "stages: [sft, merge]\nmerge: {temperature: 0.9}",
            "run.yaml:5: merge.temperature: has no meaning without a reward: no responses are drawn; leave it out, or give "
                + "reward"
        ),
        (
            "stages: [sft, merge]\nmerge: {prompts: dataset.train}",
            "run.yaml:5: merge.prompts: has no meaning without a reward: no responses are drawn; leave it out, or give "
                + "reward"
        ),
        (
            "stages: [sft, merge]\nmerge: {method: apo}",
            "run.yaml:5: merge.method: expected one of expo, interpolate, found 'apo'; leave it out for the "
                + "default, method: expo"
        ),
        (
            "stages: [bridge]",
            "run.yaml: bridge.command: missing; give the program that edits, as in command: python3 edit.py"
        ),
        (
            "stages: [bridge, split]\nbridge: {command: cat}\nsplit: {pairs: bridge, reward: \"column:score\"}",
            "run.yaml:6: split.reward: column:score scores answers that the data had, and stage bridge puts others in "
                + "their place; give a model, rule:NAME or command:LINE"
        ),
        (
            "split: {gamma: 0}",
            "run.yaml:4: split.gamma: 0 makes every pair easy, but ppo.prompts reads split.difficult; write a larger "
                + "number, or let ppo.prompts read something else"
        ),
        (
            "split: {quantile: 0}",
            "run.yaml:4: split.quantile: 0 makes every pair easy, but ppo.prompts reads split.difficult; write a larger "
                + "number, or let ppo.prompts read something else"
        ),
        (
            "dpo: {greater_is_better: true}",
            "run.yaml:4: dpo.greater_is_better: given without load_best_model_at_end; write "
                + "load_best_model_at_end: true"
        ),
        ("sead: 3", "run.yaml:4: sead: unknown key; did you mean seed?"),
        ("dataset-x: 3", "run.yaml:4: dataset-x: unknown key; did you mean dataset?"),
        ("learning_rate: 3", "run.yaml:4: learning_rate: unknown key; it belongs under sft, reward, dpo, kto, ppo"),
        ("sft: {kl_coef: 0.1}", "run.yaml:4: sft.kl_coef: unknown key; it belongs under ppo"),
        ("sft: {output_dir: x}", "run.yaml:4: sft.output_dir: unknown key; it belongs under the top level"),
        ("ppo: {eps_clip: 0.1}", "run.yaml:4: ppo.eps_clip: unknown key; it is called cliprange here"),
        ("ppo: {clip_ratio: 0.1}", "run.yaml:4: ppo.clip_ratio: unknown key; it is called cliprange here"),
        ("ppo: {init_kl_coef: 0.1}", "run.yaml:4: ppo.init_kl_coef: unknown key; it is called kl_coef here"),
        ("ppo: {lambd: 0.9}", "run.yaml:4: ppo.lambd: unknown key; it is called lam here"),
        ("sft: {lr: 0.1}", "run.yaml:4: sft.lr: unknown key; it is called learning_rate here"),
        ("sft: {batch_size: 8}", "run.yaml:4: sft.batch_size: unknown key; it is called train_batch_size here"),
        ("sft: {epochs: 8}", "run.yaml:4: sft.epochs: unknown key; it is called num_train_epochs here"),
        ("dpo: {pref_beta: 8}", "run.yaml:4: dpo.pref_beta: unknown key; it is called beta here"),
        ("sft: {bf16: true}", "run.yaml:4: sft.bf16: unknown key; remove it: training is in fp32"),
        (
            "resume_from_checkpoint: x",
            "run.yaml:4: resume_from_checkpoint: unknown key; remove it and start with mpo train --resume"
        ),
        (
            "dpo:\n  per_device_train_batch_size: 2\n  gradient_accumulation_steps: 8",
            "run.yaml:5: dpo.per_device_train_batch_size: batch sizes are global here; for 2 a device x 8 "
                + "accumulated = 16, "
                + "let train_batch_size be 16 x learner ranks (16 on one learner rank, 64 on four)"
        ),
        (
            "ppo: {gradient_accumulation_steps: 4}",
            "run.yaml:4: ppo.gradient_accumulation_steps: batch sizes are global here; for 1 a device x 4 "
                + "accumulated = 4, "
                + "let rollout_batch_size x n_samples_per_prompt / num_mini_batches be 4 x learner ranks "
                + "(4 on one learner rank, 16 on four)"
        ),
        (
            "ppo:\n  kl_coef: high",
            "run.yaml:5: ppo.kl_coef: expected a number, at least 0.0, found 'high'; leave it out for the default, "
                + "kl_coef: 0.05"
        ),
        (
            "ppo:\n  kl_coef: -1",
            "run.yaml:5: ppo.kl_coef: expected a number, at least 0.0, found '-1'; leave it out for the default, "
                + "kl_coef: 0.05"
        ),
        (
            "seed: 1.5",
            "run.yaml:4: seed: expected an integer, at least 0, found '1.5'; leave it out for the default, seed: 42"
        ),
        (
            "seed: 99999999999999999999",
            "run.yaml:4: seed: expected an integer, at least 0, found '99999999999999999999'; leave it out for "
                + "the default, "
                + "seed: 42"
        ),
        (
            "seed: [1]",
            "run.yaml:4: seed: expected an integer, at least 0, found a list; leave it out for the default, seed: 42"
        ),
        (
            "seed:",
            "run.yaml:4: seed: expected an integer, at least 0, found nothing (null); leave it out for the default, "
                + "seed: 42"
        ),
        (
            "sft: {learning_rate: .nan}",
            "run.yaml:4: sft.learning_rate: expected a number, at least 0.0, found '.nan'; leave it out for the "
                + "default, "
                + "learning_rate: 2e-05"
        ),
        (
            "sft: {shuffle: maybe}",
            "run.yaml:4: sft.shuffle: expected true or false, found 'maybe'; leave it out for the default (true, "
                + "unless the "
                + "data comes from a split ordered easy_to_hard)"
        ),
        (
            "dpo: {loss_type: ipa}",
            "run.yaml:4: dpo.loss_type: expected a word that loss_type takes, or a list of such, found 'ipa'; did you "
                + "mean ipo?"
        ),
        (
            "sft: 3",
            "run.yaml:4: sft: expected a block of keys, found '3'; write key: value lines, indented, under sft:"
        ),
        ("seed: 1\nseed: 2", "run.yaml:4: seed: written twice in one block; keep one of them"),
        (
            "sft: {a: 1",
            "run.yaml:5: not valid YAML: did not find expected ',' or '}'; check the indentation, quotes and "
                + "brackets near "
                + "column 1"
        ),
        (
            "stages: [sft, dpoo]",
            "run.yaml:4: stages: unknown stage 'dpoo'; did you mean dpo? Give it a block, as dpoo: {type: dpo}; "
                + "types are "
                + "sft, reward, sample, split, bridge, dpo, kto, ppo, merge, evaluate"
        ),
        (
            "stages: [sft, sft]",
            "run.yaml:4: stages: 'sft' is listed twice; give one a name and block of its own, as sft-2: {type: sft}"
        ),
        (
            "stages: []",
            "run.yaml:4: stages: the list is empty; name stages, as in [sft, dpo], or leave the key out for all of them"
        ),
        (
            "stages: [a/b]",
            "run.yaml:4: stages: 'a/b' cannot be a stage's name; begin with a letter; use letters, digits, - and _"
        ),
        (
            "stages: [seed]",
            "run.yaml:4: stages: 'seed' is a word of the configuration itself; give the stage another name"
        ),
        (
            "stages: [x]\nx: {type: rlhf}",
            "run.yaml:5: x.type: 'rlhf' is no stage type; types are sft, reward, sample, split, bridge, dpo, kto, ppo, merge, evaluate"
        ),
        (
            "stages: [sft, dpo]\ndpo: {init: stf}",
            "run.yaml:5: dpo.init: no stage 'stf' in stages; did you mean sft? A path is written with a slash, as ./stf"
        ),
        (
            "stages: [dpo, sft]\ndpo: {init: sft}",
            "run.yaml:5: dpo.init: stage 'sft' comes later; move sft before dpo in stages"
        ),
        ("stages: [dpo]\ndpo: {init: dpo}", "run.yaml:5: dpo.init: 'dpo' is the stage itself; name an earlier stage"),
        (
            "stages: [sft, reward, dpo]\ndpo: {init: reward}",
            "run.yaml:5: dpo.init: stage 'reward' (reward) leaves no policy; write sft, base or a model directory"
        ),
        (
            "stages: [sft, reward, split, dpo]\ndpo: {pairs: split}",
            "run.yaml:5: dpo.pairs: 'split' is not something that stage 'split' leaves; write split.easy or "
                + "split.difficult"
        ),
        (
            "stages: [sft, dpo]\ndpo: {pairs: sft.easy}",
            "run.yaml:5: dpo.pairs: stage 'sft' (sft) leaves no data; write dataset.train or JSONL files"
        ),
        (
            "stages: [sft, ppo]",
            "run.yaml: ppo.reward: no reward stage comes before it; add one to stages, or give a model "
                + "directory, rule:NAME "
                + "or command:LINE"
        ),
        (
            "stages: [sft, ppo]\nppo: {reward: base}",
            "run.yaml:5: ppo.reward: expected a reward, but 'base' is a policy; write a model directory, "
                + "rule:NAME or command:LINE"
        ),
        (
            "stages: [sft, dpo]\ndpo: {pairs: 'rule:x'}",
            "run.yaml:5: dpo.pairs: expected data, but 'rule:x' is a reward; write dataset.train or JSONL files"
        ),
        (
            "stages: [reward, reward-b, split]\nreward-b: {type: reward}\nreward: {init: base}\nsplit: {reward: "
                + "'rule:'}",
            "run.yaml:7: split.reward: expected a stage's name or a path, found 'rule:'; leave it out for the "
                + "default (the "
                + "reward stage)"
        ),
        (
            "stages: [a, b, dpo]\na: {type: sft}\nb: {type: sft}\ndpo: {beta: 0.2}",
            "run.yaml:7: dpo.init: a and b are both sft stages before it; say which, as in init: a"
        ),
        (
            "stages: [sft, reward, split]\nsplit: {gamma: 1, quantile: 0.5}",
            "run.yaml:5: split.quantile: given together with gamma; keep one of the two, and null for the other"
        ),
        (
            "stages: [sft]\nsft: {warmup_steps: 3, warmup_ratio: 0.1}",
            "run.yaml:5: sft.warmup_steps: given together with warmup_ratio; keep one of the two"
        ),
        (
            "stages: [sft]\nsft: {max_length: 20, max_prompt_length: 20}",
            "run.yaml:5: sft.max_prompt_length: 20 leaves no room for a response in max_length 20; write at most 19"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {rollout_batch_size: 6, n_samples_per_prompt: 2, num_mini_batches: 5}",
            "run.yaml:5: ppo.num_mini_batches: 5 does not divide the 12 responses of a step (rollout_batch_size 6 x "
                + "n_samples_per_prompt 2); the nearest that does is 4"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {max_steps: 5, total_episodes: 500}",
            "run.yaml:5: ppo.max_steps: given together with total_episodes; keep one of the two"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {total_episodes: 50}",
            "run.yaml:5: ppo.total_episodes: 50 is less than one step's 64 responses; write at least 64, or a smaller "
                + "rollout_batch_size"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {rollout_batch_size: 32, kl_target: 6, kl_horizon: 6}",
            "run.yaml:5: ppo.kl_horizon: 6 is too short for the 32 responses of a step: at or below responses / 5 a step "
                + "below kl_target would turn kl_coef to 0 or negative; write at least 7, better some hundred steps' "
                + "responses, or a smaller rollout_batch_size"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {rollout_batch_size: 5, n_samples_per_prompt: 2, kl_target: 6, kl_horizon: 2}",
            "run.yaml:5: ppo.kl_horizon: 2 is too short for the 10 responses of a step: at or below responses / 5 a step "
                + "below kl_target would turn kl_coef to 0 or negative; write at least 3, better some hundred steps' "
                + "responses, or a smaller rollout_batch_size"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {kl_coef: 0, kl_target: 6}",
            "run.yaml:5: ppo.kl_coef: 0 stays 0 whatever kl_target; write a weight to start from, such as 0.05, or "
                + "kl_target: null"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {temperature: 0}",
            "run.yaml:5: ppo.temperature: 0 leaves nothing to explore; write 0.7 or 1.0"
        ),
        (
            "stages: [dpo]\ndpo: {loss_type: ipo, label_smoothing: 0.1}",
            "run.yaml:5: dpo.label_smoothing: has no meaning for loss_type ipo; use sigmoid or "
                + "mallows_theta or another that reads it, or leave it at 0.0"
        ),
        (
            "stages: [sft, reward, evaluate]\nevaluate: {policies: [sft, base, sft]}",
            "run.yaml:5: evaluate.policies: 'sft' is listed twice; keep one"
        ),
        (
            "stages: [sft, reward, evaluate]\nevaluate: {policies: []}",
            "run.yaml:5: evaluate.policies: is empty; name a policy"
        ),
    ]

    @Test("Each mistake is named with file, line, key and a way out, in one line", arguments: mistakes)
    func message(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error?.description == message)
        #expect(error?.description.contains("\n") == false)
    }

    @Test(
        "A mistake of the command line is named as such",
        arguments: [
            (
                "ppo.kl_coef=x",
                "--set ppo.kl_coef=x: ppo.kl_coef: expected a number, at least 0.0, found 'x'; leave it out for "
                    + "the default, kl_coef: 0.05"
            ),
            ("ppo.kl_coeff=1", "--set ppo.kl_coeff=1: ppo.kl_coeff: unknown key; it is called kl_coef here"),
            ("ppo.kl_coef", "--set ppo.kl_coef: not of the form key=value; write for example --set ppo.kl_coef=0.1"),
            ("ppo..x=1", "--set ppo..x=1: not of the form key=value; write for example --set ppo.kl_coef=0.1"),
            ("seed.x=1", "--set seed.x=1: seed: is '7', not a block of keys; set it as a whole, or a key that exists"),
            (
                "sft=[1",
                "--set sft=[1: not valid YAML: did not find expected ',' or ']'; check the indentation, quotes and "
                    + "brackets near column 1"
            ),
        ])
    func override(override: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration("seed: 7", overrides: [override]) }
        #expect(error?.description == message)
    }

    @Test(
        "What a run cannot do without is asked for",
        arguments: [
            ("", "run.yaml: output_dir: missing; say where the run goes, as in output_dir: runs/first"),
            (
                "stages: [sft]\noutput_dir: x\nmodel_name_or_path: m",
                "run.yaml: dataset.train: no files, but sft.data reads them; list JSONL files under dataset: train:"
            ),
            (
                "output_dir: x",
                "run.yaml: model_name_or_path: missing; give the "
                    + "directory of a model in Hugging Face layout"
            ),
            (
                "stages: [sft, reward, evaluate]\ndataset: {train: a.jsonl}\noutput_dir: x\nmodel_name_or_path: m",
                "run.yaml: evaluate.prompts: dataset.eval names no files to take prompts from; list held-out "
                    + "files under "
                    + "dataset: eval:, or give evaluate.prompts"
            ),
            ("[1, 2]", "run.yaml:1: expected a block of keys, found a list; write key: value lines"),
        ])
    func required(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try RunConfiguration(yaml: yaml, name: "run.yaml") }
        #expect(error?.description == message)
    }

    @Test("A file that is missing, a directory, or not text is a clear error")
    func unreadable() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func message(_ path: String) -> String? {
                #expect(throws: ConfigurationError.self) { try RunConfiguration(contentsOf: path) }?.description
            }
            #expect(message("nowhere.yaml") == "nowhere.yaml: no such file; give the path of a YAML file")
            #expect(message(directory.path)?.contains("cannot be read") == true)
            let binary = directory.appending(path: "b.yaml")
            try Data([0xFF, 0xFE, 0x80]).write(to: binary)
            #expect(message(binary.path)?.contains("is not UTF-8 text") == true)
        }
    }

    @Test("Nested aliases that would unfold without end are refused")
    func aliasBomb() {
        var yaml = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
        for level in 1..<9 {
            let aliases = Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "x\(level): &x\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error?.problem == "more than 100000 values")
    }

    @Test("An alias is no key, stands for an anchor further up, and nests no deeper than brackets may")
    func aliases() {
        func problem(_ yaml: String) -> String? {
            #expect(throws: ConfigurationError.self) { try configuration(yaml) }?.problem
        }
        #expect(problem("x: &x sft\n*x : {}") == "a key must be one word, found a list, block or alias")
        #expect(problem("x: &x [a]\n? [*x]\n: 1") == "a key must be one word, found a list, block or alias")
        #expect(problem("x: *y\ny: &y 1") == "*y stands for nothing")
        #expect(problem("x: &x [*x]") == "*x stands for nothing")
        #expect(problem("*.jsonl: 1\n*.jsonl: 2") == "written twice in one block")
        let chain = (1...70).map { "x\($0): &x\($0) [*x\($0 - 1)]\n" }.joined()
        #expect(problem("x0: &x0 [a]\n" + chain) == "nested more than 64 deep")
        #expect(problem("x: " + String(repeating: "[", count: 70)) != nil)
    }

    @Test("Stars in text stay stars")
    func stars() throws {
        let run = try configuration(
            "tokenizer_name_or_path: b*c\nstages: [dpo]\ndpo: {pairs: [\"*/a.jsonl\", 'd/*.jsonl']}")
        #expect(run.tokenizerNameOrPath == "b*c")
        #expect(run.settings["dpo.pairs"] == #"["*/a.jsonl", "d/*.jsonl"]"#)
    }
}

extension ConfigurationMistakes {
    /// `sft` and `reward`.
    static let supervised: [Mistake] = [
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
            "sft: 3",
            "run.yaml:4: sft: expected a block of keys, found '3'; write key: value lines, indented, under sft:"
        ),
        (
            "stages: [sft]\nsft: {warmup_steps: 3, warmup_ratio: 0.1}",
            "run.yaml:5: sft.warmup_steps: given together with warmup_ratio; keep one of the two"
        ),
        (
            "stages: [sft]\nsft: {max_length: 20, max_prompt_length: 20}",
            "run.yaml:5: sft.max_prompt_length: 20 leaves no room for a response in max_length 20; write at most 19"
        ),
    ]

    /// `dpo`.
    static let preferences: [Mistake] = [
        (
            "dpo: {greater_is_better: true}",
            "run.yaml:4: dpo.greater_is_better: given without load_best_model_at_end; write "
                + "load_best_model_at_end: true"
        ),
        (
            "dpo:\n  per_device_train_batch_size: 2\n  gradient_accumulation_steps: 8",
            "run.yaml:5: dpo.per_device_train_batch_size: batch sizes are global here; for 2 a device x 8 "
                + "accumulated = 16, "
                + "let train_batch_size be 16 x learner ranks (16 on one learner rank, 64 on four)"
        ),
        (
            "dpo: {loss_type: ipa}",
            "run.yaml:4: dpo.loss_type: expected a word that loss_type takes, or a list of such, found 'ipa'; did you "
                + "mean ipo?"
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
            "run.yaml:5: dpo.pairs: stage 'sft' (sft) leaves no data; write dataset.train or data files"
        ),
        (
            "stages: [sft, dpo]\ndpo: {pairs: 'rule:x'}",
            "run.yaml:5: dpo.pairs: expected data, but 'rule:x' is a reward; write dataset.train or data files"
        ),
        (
            "stages: [a, b, dpo]\na: {type: sft}\nb: {type: sft}\ndpo: {beta: 0.2}",
            "run.yaml:7: dpo.init: a and b are both sft stages before it; say which, as in init: a"
        ),
        (
            "stages: [dpo]\ndpo: {loss_type: ipo, label_smoothing: 0.1}",
            "run.yaml:5: dpo.label_smoothing: has no meaning for loss_type ipo; use sigmoid or "
                + "mallows_theta or another that reads it, or leave it at 0.0"
        ),
    ]

    /// The losses of `dpo` and `kto`.
    static let losses: [Mistake] = [
        (
            "dpo: {loss_type: kto}",
            "run.yaml:4: dpo.loss_type: expected a word that loss_type takes, or a list of such, found 'kto'; use a stage of "
                + "type kto, which learns from answers apart"
        ),
        (
            "dpo: {loss_type: []}",
            "run.yaml:4: dpo.loss_type: expected a word that loss_type takes, or a list of such, found a list; write "
                + "loss_type: [sigmoid, sft] and loss_weights: [1, 0.5], or one name"
        ),
        (
            "dpo: {loss_type: 'ipo, sft'}",
            "run.yaml:4: dpo.loss_type: expected a word that loss_type takes, or a list of such, found 'ipo, sft'; write "
                + "loss_type: [ipo, sft] and loss_weights: [1, 1], or one name"
        ),
        (
            "dpo: {loss_type: {hinge: 1, sft: 0.2}}",
            "run.yaml:4: dpo.loss_type: expected a word that loss_type takes, or a list of such, found a block of keys; write "
                + "loss_type: [hinge, sft] and loss_weights: [1, 0.2], or one name"
        ),
        (
            "dpo: {f_divergence_type: js}",
            "run.yaml:4: dpo.f_divergence_type: expected one of reverse_kl, forward_kl, js_divergence, alpha_divergence, "
                + "found 'js'; did you mean js_divergence?"
        ),
        ("dpo: {simpo: {gamma: 1}}", "run.yaml:4: dpo.simpo: unknown key; did you mean simpo_gamma?"),
        ("dpo: {rpo: {alpha: 1}}", "run.yaml:4: dpo.rpo: unknown key; did you mean rpo_alpha?"),
        ("dpo: {r_dpo_alpha: 1}", "run.yaml:4: dpo.r_dpo_alpha: unknown key; it is r_dpo.alpha here, a key of a block"),
        (
            "dpo: {f_alpha_divergence_coef: 1e30}",
            "run.yaml:4: dpo.f_alpha_divergence_coef: expected a number, between -10.0 and 10.0, found '1e30'; leave it out "
                + "for the default, f_alpha_divergence_coef: 0.5"
        ),
        (
            "dpo: {beta: 1e-30}",
            "run.yaml:4: dpo.beta: expected a number, between 1e-06 and 1000000.0, found '1e-30'; leave it out for the "
                + "default, beta: 0.1"
        ),
        (
            "kto: {beta: 1e-30}",
            "run.yaml:4: kto.beta: expected a number, between 1e-06 and 1000000.0, found '1e-30'; leave it out for the "
                + "default, beta: 0.1"
        ),
        (
            "kto: {loss_type: apo_zero}",
            "run.yaml:4: kto.loss_type: expected one of kto, apo_zero_unpaired, found 'apo_zero'; did you mean "
                + "apo_zero_unpaired?"
        ),
    ]
}

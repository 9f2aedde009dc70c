/// Lines of a file whose first three lines are right, and the message that they must give.
enum ConfigurationMistakes {
    typealias Mistake = (yaml: String, message: String)

    static let all = run + supervised + preferences + losses + data + ppo + policies + adapters + judges

    /// The run itself: its keys, its list of stages, and keys of the wrong kind.
    static let run: [Mistake] = [
        (
            "stages: [sft]\nsft: {learning_rte: 1e-5}",
            "run.yaml:5: sft.learning_rte: unknown key; did you mean learning_rate?"
        ),
        ("sead: 3", "run.yaml:4: sead: unknown key; did you mean seed?"),
        ("dataset-x: 3", "run.yaml:4: dataset-x: unknown key; did you mean dataset?"),
        (
            "learning_rate: 3",
            "run.yaml:4: learning_rate: unknown key; it belongs under sft, reward, dpo, kto, online_dpo, ppo, grpo, rloo"
        ),
        (
            "dpo: {loss_type: focalpo, gamma: 0.1}",
            "run.yaml:4: dpo.gamma: unknown key; it belongs under split, ppo; here there is d2po.gamma, focalpo.gamma, spo.gamma, hpo.gamma"
        ),
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
        (
            "sft: {bf16: 3}",
            "run.yaml:4: sft.bf16: expected true or false, found '3'; or give dtype: one of float32, bfloat16"
        ),
        ("dtype: float32\nbf16: true", "run.yaml:5: bf16: dtype and bf16 say the same thing twice; keep one of them"),
        (
            "sft: {dtype: float16}",
            "run.yaml:4: sft.dtype: expected one of float32, bfloat16, found 'float16'; did you mean bfloat16?"
        ),
        (
            "resume_from_checkpoint: x",
            "run.yaml:4: resume_from_checkpoint: unknown key; remove it and start with mpo train --resume"
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
        ("seed: 1\nseed: 2", "run.yaml:4: seed: written twice in one block; keep one of them"),
        (
            "sft: {a: 1",
            "run.yaml:5: not valid YAML: did not find expected ',' or '}'; check the indentation, quotes and "
                + "brackets near "
                + "column 1"
        ),
        (
            "stages: [grpo2]",
            "run.yaml:4: stages: unknown stage 'grpo2'; did you mean grpo? Give it a block, as grpo2: {type: grpo}; "
                + "types are "
                + "sft, reward, sample, split, bridge, dpo, kto, online_dpo, ppo, grpo, rloo, merge, evaluate"
        ),
        (
            "stages: [kto-hard]",
            "run.yaml:4: stages: unknown stage 'kto-hard'; give it a block, as kto-hard: {type: kto}; "
                + "types are "
                + "sft, reward, sample, split, bridge, dpo, kto, online_dpo, ppo, grpo, rloo, merge, evaluate"
        ),
        (
            "stages: [sft, dpoo]",
            "run.yaml:4: stages: unknown stage 'dpoo'; did you mean dpo? Give it a block, as dpoo: {type: dpo}; "
                + "types are "
                + "sft, reward, sample, split, bridge, dpo, kto, online_dpo, ppo, grpo, rloo, merge, evaluate"
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
            "run.yaml:5: x.type: 'rlhf' is no stage type; types are sft, reward, sample, split, bridge, dpo, kto, online_dpo, ppo, grpo, rloo, merge, evaluate"
        ),
    ]
}

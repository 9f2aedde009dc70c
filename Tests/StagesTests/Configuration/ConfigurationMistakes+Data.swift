extension ConfigurationMistakes {
    /// `sample`, `split` and `bridge`.
    static let data: [Mistake] = [
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", n_samples_per_prompt: 1}",
            "run.yaml:5: sample.n_samples_per_prompt: 1 response makes no pair; write 2 or more, or keep: above to keep those "
                + "from a score on"
        ),
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", keep_threshold: 1}",
            "run.yaml:5: sample.keep_threshold: is not read with keep: pairs; write keep: above, all or clusters, or leave it out"
        ),
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", keep: clusters, n_samples_per_prompt: 8, keep_threshold: 1.5}",
            "run.yaml:5: sample.keep_threshold: 1.5 is no share of a prompt's responses; write a number above 0, at most 1"
        ),
        (
            "stages: [evaluate]\nevaluate: {judge: \"rule:length:9\", n_samples_per_prompt: 4, temperature: 0}",
            "run.yaml:5: evaluate.temperature: 0 draws the same response every time; write 1.0"
        ),
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", keep: above, return_tokens: [a, b]}",
            "run.yaml:5: sample.return_tokens: are not read with keep: above; write keep: all, or leave them out"
        ),
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", keep: all, return_tokens: [a, a]}",
            "run.yaml:5: sample.return_tokens: are not two different texts; write [\"[GOOD]\", \"[BAD]\"]"
        ),
        (
            "stages: [sample, dpo]\nsample: {reward: \"rule:length:9\", keep: all}\ndpo: {pairs: sample}",
            "run.yaml:6: dpo.pairs: stage 'sample' (sample) leaves no pairs, but single completions; write dataset.train or "
                + "data files"
        ),
        (
            "stages: [sample]\nsample: {reward: \"rule:length:9\", top_k: 1}",
            "run.yaml:5: sample.top_k: 1 draws the same response every time; write 50, or 0 for all tokens"
        ),
        (
            "stages: [bridge]",
            "run.yaml: bridge.command: missing; give the program that edits, as in command: python3 edit.py"
        ),
        (
            "stages: [bridge, split]\nbridge: {command: cat}\nsplit: {pairs: bridge, reward: \"column:score\"}",
            "run.yaml:6: split.reward: column:score scores answers that the data had, and stage bridge puts others in "
                + "their place; give a model, rule:NAME, command:LINE or openai:URL#MODEL"
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
            "stages: [reward, reward-b, split]\nreward-b: {type: reward}\nreward: {init: base}\nsplit: {reward: "
                + "'rule:'}",
            "run.yaml:7: split.reward: expected a stage's name or a path, found 'rule:'; write rule:NAME, as in "
                + "rule:length:64"
        ),
        (
            "split: {reward: {rule: 'length:9'}}",
            "run.yaml:4: split.reward: expected a stage's name or a path, found a block of keys; write rule:NAME, as in "
                + "rule:length:64"
        ),
        (
            "split: {reward: 'column: '}",
            "run.yaml:4: split.reward: expected a stage's name or a path, found 'column: '; write column:NAME, as in "
                + "column:score for the rows' score_chosen and score_rejected"
        ),
        (
            "stages: [sft, reward, split]\nsplit: {gamma: 1, quantile: 0.5}",
            "run.yaml:5: split.quantile: given together with gamma; keep one of the two, and null for the other"
        ),
    ]

    /// `merge` and `evaluate`.
    static let policies: [Mistake] = [
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
                + "one to stages, give reward: a model directory, rule:NAME, command:LINE or openai:URL#MODEL, or keep one value"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: [0.1, 0.10], reward: \"rule:length:9\"}",
            "run.yaml:5: merge.alpha: 0.1 is listed twice; keep one"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: .inf}",
            "run.yaml:5: merge.alpha: expected a number, or a list of such, not empty, each between -100.0 and 100.0, "
                + "found '.inf'; leave it out for the default, alpha: [0.5]"
        ),
        (
            "stages: [sft, merge]\nmerge: {alpha: [0.1, 1e38]}",
            "run.yaml:5: merge.alpha: expected a number, or a list of such, not empty, each between -100.0 and 100.0, "
                + "found a list; leave it out for the default, alpha: [0.5]"
        ),
        (
            "stages: [sft, merge]\nmerge: {method: interpolate, alpha: [0.5, 1.5]}",
            "run.yaml:5: merge.alpha: 1.5 does not lie between from (0) and policy (1); write one from 0 to 1, or the same "
                + "as method: expo with alpha: 0.5000"
        ),
        (
            "stages: [sft, merge]\nmerge: {method: interpolat}",
            "run.yaml:5: merge.method: expected one of expo, interpolate, adapters, found 'interpolat'; did you mean interpolate?"
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
            "run.yaml:5: merge.method: expected one of expo, interpolate, adapters, found 'apo'; leave it out for "
                + "the default, method: expo"
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
}

extension ConfigurationMistakes {
    /// `ppo`.
    static let ppo: [Mistake] = [
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
            "stages: [sft, ppo]",
            "run.yaml: ppo.reward: no reward stage comes before it; add one to stages, or give a model "
                + "directory, rule:NAME, command:LINE or openai:URL#MODEL"
        ),
        (
            "stages: [sft, ppo]\nppo: {reward: base}",
            "run.yaml:5: ppo.reward: expected a reward, but 'base' is a policy; write a model directory, "
                + "rule:NAME, command:LINE or openai:URL#MODEL"
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
            "stages: [sft, reward, ppo]\nppo: {kl_coef: 0, token_reward: preference_matching}",
            "run.yaml:5: ppo.token_reward: has no meaning where kl_coef is 0; leave it out, or give kl_coef, such as 0.05"
        ),
        (
            "stages: [sft, reward, grpo]\ngrpo: {top_k: 1}",
            "run.yaml:5: grpo.top_k: 1 draws the same response every time; write 50, or 0 for all tokens"
        ),
        (
            "stages: [sft, reward, grpo]\ngrpo: {mask_truncated_completions: true, stop_token: none}",
            "run.yaml:5: grpo.mask_truncated_completions: leaves no response where stop_token is none: none has an end; give "
                + "stop_token, or leave it out"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {missing_eos_penalty: 1, stop_token: none}",
            "run.yaml:5: ppo.missing_eos_penalty: is taken off every score where stop_token is none: no response has an end; "
                + "give stop_token, or leave it out"
        ),
        (
            "stages: [sft, reward, online_dpo]\nonline_dpo: {missing_eos_penalty: 1, stop_token: none}",
            "run.yaml:5: online_dpo.missing_eos_penalty: is taken off every score where stop_token is none: no response has an "
                + "end; give stop_token, or leave it out"
        ),
        (
            "stages: [sft, reward, online_dpo]\nonline_dpo: {loss_type: spo}",
            "run.yaml:5: online_dpo.loss_type: expected a word that loss_type takes, or a list of such, found 'spo'; spo needs "
                + "more than a pair that was just drawn: use a stage of type dpo"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {kl_horizon: 500}",
            "run.yaml:5: ppo.kl_horizon: has no meaning without kl_target; give kl_target, such as 6.0, or leave it out"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {importance_sampling_cap: 5}",
            "run.yaml:5: ppo.importance_sampling_cap: has no meaning where max_staleness is 0: no token is of an older policy; "
                + "write max_staleness: 1, or leave it out"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {loss_type: apa, cliprange: 0.3}",
            "run.yaml:5: ppo.cliprange: has no meaning for loss_type apa; leave it out, or use clip"
        ),
        (
            "stages: [sft, reward, grpo]\ngrpo: {loss_type: cispo, delta: 3}",
            "run.yaml:5: grpo.delta: has no meaning for loss_type cispo; leave it out, or use grpo, bnpo, dr_grpo or dapo"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {temperature: 0}",
            "run.yaml:5: ppo.temperature: 0 leaves nothing to explore; write 0.7 or 1.0"
        ),
    ]
}

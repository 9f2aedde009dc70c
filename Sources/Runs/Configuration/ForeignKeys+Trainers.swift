import Configuration

extension ForeignKeys {
    /// Words of other trainers.
    package static let trainers = ForeignKeys(
        synonyms: [
            "adam_eps": "adam_epsilon", "eps": "adam_epsilon", "betas": "adam_beta1",
            "batch_size": "train_batch_size", "global_batch_size": "train_batch_size",
            "train_global_batch_size": "train_batch_size",
            "micro_batch_size": "max_tokens_per_micro_batch", "train_micro_batch_size": "max_tokens_per_micro_batch",
            "micro_train_batch_size": "max_tokens_per_micro_batch",
            "clip_grad": "max_grad_norm", "clip_grad_norm": "max_grad_norm", "gradient_clipping": "max_grad_norm",
            "max_norm": "max_grad_norm",
            "clip_ratio": "cliprange", "eps_clip": "cliprange", "epsilon": "cliprange", "clip_range": "cliprange",
            "value_clip": "cliprange_value", "clip_range_vf": "cliprange_value",
            "cliprange_reward": "reward_clip", "reward_clip_range": "reward_clip", "clip_reward_value": "reward_clip",
            "critic_lr": "critic_learning_rate", "value_learning_rate": "critic_learning_rate",
            "dataset_train_split": "train_split", "split": "train_split", "train_files": "train", "train_file": "train",
            "prompt_data": "train",
            "dataset_test_split": "eval_split", "test_split": "eval_split", "dataset_config": "config",
            "dataset_config_name": "config", "subset": "config", "eval_files": "eval", "eval_dataset": "eval",
            "test": "eval",
            "discount": "gamma", "gae_gamma": "gamma",
            "epochs": "num_train_epochs", "num_epochs": "num_train_epochs", "max_epochs": "num_train_epochs",
            "episodes": "total_episodes", "num_episodes": "total_episodes",
            "gae_lambda": "lam", "lambd": "lam", "lmbda": "lam", "lambda": "lam",
            "generate_max_len": "response_length", "max_new_tokens": "response_length",
            "max_response_length": "response_length", "max_completion_length": "response_length",
            "horizon": "kl_horizon", "target": "kl_target", "target_kl": "kl_target",
            "init_coef": "kl_coef", "init_kl_coef": "kl_coef", "kl_coeff": "kl_coef", "kl_beta": "kl_coef",
            "initial_kl_coef": "kl_coef",
            "kto_chosen_weight": "desirable_weight", "kto_rejected_weight": "undesirable_weight",
            "judge_model": "judge", "kl_penalty": "kl_estimator",
            "learning_rate_schedule": "lr_scheduler_type", "lr_scheduler": "lr_scheduler_type",
            "scheduler": "lr_scheduler_type",
            "lr": "learning_rate", "actor_learning_rate": "learning_rate", "actor_lr": "learning_rate",
            "max_len": "max_length", "max_seq_len": "max_length", "max_seq_length": "max_length",
            "cutoff_len": "max_length",
            "model_max_length": "max_length", "prompt_max_len": "max_prompt_length",
            "max_prompt_len": "max_prompt_length",
            "model": "model_name_or_path", "model_name": "model_name_or_path", "model_path": "model_name_or_path",
            "pretrain": "model_name_or_path",
            "n": "n_samples_per_prompt", "num_generations": "n_samples_per_prompt",
            "num_return_sequences": "n_samples_per_prompt",
            "ppo_epochs": "num_ppo_epochs", "noptepochs": "num_ppo_epochs", "nminibatches": "num_mini_batches",
            "precompute_ref_batch_size": "max_tokens_per_micro_batch",
            "pref_beta": "beta", "reference_policy_kl_penalty": "beta", "pref_loss": "loss_type",
            "ref_model": "reference", "ref_model_path": "reference", "sft_model_path": "init",
            "reward_model": "reward", "reward_model_path": "reward", "reward_pretrain": "reward",
            "ref_pretrain": "reference",
            "save_dir": "output_dir", "output": "output_dir", "run_dir": "output_dir", "save_path": "output_dir",
            "save_freq": "save_steps", "test_freq": "eval_steps", "save_interval": "save_steps",
            "max_ckpt_num": "save_total_limit",
            "threshold": "gamma", "tokenizer": "tokenizer_name_or_path", "tokenizer_name": "tokenizer_name_or_path",
            "tokenizer_path": "tokenizer_name_or_path", "value_coeff": "vf_coef", "value_loss_coef": "vf_coef",
            "warmup": "warmup_steps", "num_warmup_steps": "warmup_steps", "lr_warmup_steps": "warmup_steps",
            "lora_rank": "lora_r", "lora_target": "lora_target_modules", "target_modules": "lora_target_modules",
            "zero_stage": "zero", "activation_checkpointing": "gradient_checkpointing",
            "gradient_checkpoint": "gradient_checkpointing",
            "wd": "weight_decay", "l2": "weight_decay", "value_model": "critic_init", "critic_pretrain": "critic_init",
        ],
        advice: [
            "bf16": "write it in the block of a stage that has a model, or at the top level",
            "fp16": "remove it: models compute in float32 or bfloat16 (dtype at the top level)",
            "torch_dtype": "write dtype: float32 or bfloat16",
            "dataset_name": "name local files or directories under dataset.train and dataset.eval",
            "deepspeed":
                "remove it: ranks come from mpirun or launch/run, and zero: 1 or 2 divides moments and gradients",
            "eval_strategy": "give eval_steps in the stage's block",
            "precompute_ref_log_probs":
                "remove it: reference log-probabilities are always computed once, before training",
            "resume_from_checkpoint": "remove it and start with mpo train --resume",
            "packing": "remove it: batches hold no padding", "padding_side": "remove it: batches hold no padding",
            "load_in_4bit": "write load_in_8bit: true, the fewest bits that there are",
            "use_qlora": "write use_peft: true and load_in_8bit: true, the fewest bits that there are",
            "bits": "write load_in_8bit: true, or leave it out",
            "quantization": "write load_in_8bit: true, or leave it out",
            "peft": "write use_peft: true with lora_r, lora_alpha and lora_target_modules",
            "lora_bias": "remove it: biases are frozen",
            "lora_task_type": "remove it: a stage knows what its model ends in",
            "logging_strategy": "give logging_steps at the top level", "save_strategy": "give save_steps",
        ],
        explanation: { $0.batchArithmetic(known: $1) })
}

extension UnknownKey {
    /// Answers TRL's batch keys, which ask for a batch a device, with the same size in global terms.
    fileprivate func batchArithmetic(known: [String]) -> (problem: String, remedy: String)? {
        guard ["per_device_train_batch_size", "gradient_accumulation_steps"].contains(entry.key) else { return nil }
        func size(_ key: String) -> Int {
            siblings.last { $0.key == key }.flatMap { Int($0.value) } ?? 1
        }
        let perDevice = size("per_device_train_batch_size")
        let accumulation = size("gradient_accumulation_steps")
        let (share, overflow) = perDevice.multipliedReportingOverflow(by: accumulation)
        let product = overflow ? "" : " = \(share)"
        let samples = known.contains("num_generations") ? "num_generations" : "n_samples_per_prompt"
        let target =
            known.contains("rollout_batch_size")
            ? "rollout_batch_size x \(samples) / num_mini_batches" : "train_batch_size"
        let examples = overflow || share > Int.max / 4 ? "" : " (\(share) on one learner rank, \(share * 4) on four)"
        return (
            "batch sizes are global here",
            "for \(perDevice) a device x \(accumulation) accumulated\(product), "
                + "let \(target) be \(overflow ? "that product" : "\(share)") x learner ranks\(examples)"
        )
    }
}

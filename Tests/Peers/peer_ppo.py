"""TRL's PPOTrainer, an update (responses, scores, all epochs) at a time, all on the same prompts.

It first answers with the seconds of an update that warms up.
"""

import tempfile
import time

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, TrainerCallback
from trl import PPOConfig, PPOTrainer

import peer


class UpdateByUpdate(TrainerCallback):
    """Answers after each update, and holds the trainer until the next one is asked for."""

    def __init__(self, turns):
        self.turns = turns

    def on_train_begin(self, *_, **__):
        self.start = time.perf_counter()

    def on_step_end(self, _arguments, state, *_, **__):
        self.turns.answer(seconds=time.perf_counter() - self.start)
        if state.global_step < state.max_steps:
            self.turns.receive()
            self.start = time.perf_counter()


def main():
    options = peer.arguments(__doc__, batch=int, length=int, epochs=int, turns=int)
    tokenizer = peer.tokenizer(options.model, padding_side="left")
    ids = [tokenizer(pair["prompt"])["input_ids"] for pair in peer.pairs(options.data)[: options.batch]]

    def language_model():
        return AutoModelForCausalLM.from_pretrained(options.model, torch_dtype=torch.float32)

    def score_model():
        return AutoModelForSequenceClassification.from_pretrained(
            options.model, num_labels=1, torch_dtype=torch.float32)

    policy = language_model()
    policy.config.pad_token_id = tokenizer.pad_token_id
    dataset = Dataset.from_dict({"input_ids": ids})
    with tempfile.TemporaryDirectory() as directory:
        settings = PPOConfig(
            output_dir=directory, per_device_train_batch_size=options.batch, gradient_accumulation_steps=1,
            num_mini_batches=1, total_episodes=options.batch * (options.turns + 1),
            num_ppo_epochs=options.epochs, response_length=options.length,
            local_rollout_forward_batch_size=options.batch, temperature=1.0, learning_rate=1e-6, kl_coef=0.05,
            gradient_checkpointing=False, bf16=False, use_cpu=True, num_sample_generations=0, save_strategy="no",
            report_to=[])
        trainer = PPOTrainer(
            args=settings, processing_class=tokenizer, model=policy, ref_model=language_model(),
            reward_model=score_model(), value_model=score_model(), train_dataset=dataset,
            eval_dataset=dataset.select(range(2)), callbacks=[UpdateByUpdate(peer.Turns(options.answers))])
        trainer.train()


if __name__ == "__main__":
    main()

"""TRL's PPOTrainer: seconds of whole updates (responses, scores, all epochs), the first one left out."""

import tempfile

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, TrainerCallback
from trl import PPOConfig, PPOTrainer

import peer


class UpdateClock(TrainerCallback):
    def __init__(self):
        self.watch = peer.Stopwatch()

    def on_step_end(self, *_, **__):
        if hasattr(self.watch, "since"):
            self.watch.lap()
        self.watch.start()


def main():
    options = peer.arguments(__doc__, batch=int, length=int, epochs=int, updates=int)
    tokenizer = peer.tokenizer(options.model, padding_side="left")
    count = options.batch * (options.updates + 1)
    prompts = [pair["prompt"] for pair in peer.pairs(options.data)]
    ids = [tokenizer(prompts[place % len(prompts)])["input_ids"] for place in range(count)]

    def language_model():
        return AutoModelForCausalLM.from_pretrained(options.model, torch_dtype=torch.float32)

    def score_model():
        return AutoModelForSequenceClassification.from_pretrained(
            options.model, num_labels=1, torch_dtype=torch.float32)

    policy = language_model()
    policy.config.pad_token_id = tokenizer.pad_token_id
    dataset = Dataset.from_dict({"input_ids": ids})
    clock = UpdateClock()
    with tempfile.TemporaryDirectory() as directory:
        settings = PPOConfig(
            output_dir=directory, per_device_train_batch_size=options.batch, gradient_accumulation_steps=1,
            num_mini_batches=1, total_episodes=count, num_ppo_epochs=options.epochs, response_length=options.length,
            local_rollout_forward_batch_size=options.batch, temperature=1.0, learning_rate=1e-6, kl_coef=0.05,
            gradient_checkpointing=False, bf16=False, use_cpu=True, num_sample_generations=0, save_strategy="no",
            report_to=[])
        trainer = PPOTrainer(
            args=settings, processing_class=tokenizer, model=policy, ref_model=language_model(),
            reward_model=score_model(), value_model=score_model(), train_dataset=dataset,
            eval_dataset=dataset.select(range(2)), callbacks=[clock])
        trainer.train()
    peer.write(options.output, updates=clock.watch.laps)


if __name__ == "__main__":
    main()

"""TRL's DPOTrainer, a step or a pass of the reference at a time.

It first answers with the reference's log-probabilities of all pairs, which the trainer takes before it starts, and the
metrics of the first step, which warms up.
"""

import resource
import tempfile
import time

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, TrainerCallback
from trl import DPOConfig, DPOTrainer

import peer


class StepByStep(TrainerCallback):
    """Holds the trainer before each step until one is asked for, and passes the reference over pairs meanwhile."""

    def __init__(self, turns, reference_pass, reference):
        self.turns, self.reference_pass, self.reference = turns, reference_pass, reference

    def on_step_begin(self, _arguments, state, *_, **__):
        while state.global_step > 0 and self.turns.receive()["unit"] == "reference":
            self.turns.answer(seconds=peer.seconds(self.reference_pass))
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds = time.perf_counter() - self.start

    def on_log(self, _arguments, state, _control, logs=None, **__):
        if "loss" not in logs:
            return
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        first = self.reference if state.global_step == 1 else {}
        self.turns.answer(seconds=self.seconds, metrics=logs, peak_memory=memory, **first)


def main():
    options = peer.arguments(__doc__, batch=int, steps=int, reference=int)
    tokenizer = peer.tokenizer(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as directory:
        settings = DPOConfig(
            output_dir=directory, per_device_train_batch_size=options.batch, gradient_accumulation_steps=1,
            max_steps=options.steps, learning_rate=1e-6, lr_scheduler_type="constant", beta=0.1, max_length=512,
            train_sampling_strategy="sequential", precompute_ref_log_probs=True, gradient_checkpointing=False,
            bf16=False, fp16=False, use_cpu=True, optim="adamw_torch", logging_steps=1, save_strategy="no",
            report_to=[], disable_tqdm=True)
        trainer = DPOTrainer(
            model=model, args=settings, train_dataset=Dataset.from_list(peer.pairs(options.data)),
            processing_class=tokenizer)
        batches = list(trainer.get_train_dataloader())[: options.reference // options.batch]

        def reference_pass():
            for batch in batches:
                trainer.compute_ref_log_probs(trainer.model, batch)

        reference = {
            name: list(trainer.train_dataset["ref_" + name]) for name in ["chosen_logps", "rejected_logps"]}
        trainer.add_callback(StepByStep(peer.Turns(options.answers), reference_pass, reference))
        trainer.train()


if __name__ == "__main__":
    main()

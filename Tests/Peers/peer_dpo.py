"""TRL's DPOTrainer: seconds of optimizer steps and of reference passes, with losses and log-probabilities."""

import resource
import tempfile

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, TrainerCallback
from trl import DPOConfig, DPOTrainer

import peer


class StepClock(TrainerCallback):
    def __init__(self):
        self.watch, self.metrics = peer.Stopwatch(), []

    def on_step_begin(self, *_, **__):
        self.watch.start()

    def on_step_end(self, *_, **__):
        self.watch.lap()

    def on_log(self, _arguments, _state, _control, logs=None, **__):
        if "loss" in logs:
            self.metrics.append(logs)


def main():
    options = peer.arguments(__doc__, batch=int, steps=int, repeats=int)
    tokenizer = peer.tokenizer(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    rows = peer.pairs(options.data)[: options.batch * options.steps]
    clock = StepClock()
    with tempfile.TemporaryDirectory() as directory:
        settings = DPOConfig(
            output_dir=directory, per_device_train_batch_size=options.batch, gradient_accumulation_steps=1,
            max_steps=options.steps, learning_rate=1e-6, lr_scheduler_type="constant", beta=0.1, max_length=512,
            train_sampling_strategy="sequential", precompute_ref_log_probs=True, gradient_checkpointing=False,
            bf16=False, fp16=False, use_cpu=True, optim="adamw_torch", logging_steps=1, save_strategy="no",
            report_to=[], disable_tqdm=True)
        trainer = DPOTrainer(
            model=model, args=settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
            callbacks=[clock])
        batches = list(trainer.get_train_dataloader())
        sums = {"chosen": [], "rejected": []}

        def reference_pass():
            for name in sums:
                sums[name].clear()
            for batch in batches:
                chosen, rejected = trainer.compute_ref_log_probs(trainer.model, batch)
                sums["chosen"] += chosen.tolist()
                sums["rejected"] += rejected.tolist()

        scoring = peer.timed(options.repeats, reference_pass)
        trainer.train()
    peer.write(
        options.output, steps=clock.watch.laps, scoring=scoring, pairs=len(rows), chosen_logps=sums["chosen"],
        rejected_logps=sums["rejected"], metrics=clock.metrics,
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main()

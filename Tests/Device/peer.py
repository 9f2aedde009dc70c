"""TRL's DPOTrainer on drawn models of a card: `peer.py MODEL PAIRS MICRO_BATCH WEIGHTS STEPS` prints a line of JSON.

WEIGHTS is what the model's weights are: bfloat16, or float32 under autocast, as masters are elsewhere. 32 pairs a step.
"""
import json
import os
import sys
import tempfile
import time

import torch
import transformers
from datasets import Dataset
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import DPOConfig, DPOTrainer


class Clock(TrainerCallback):
    def __init__(self):
        self.begins, self.ends = [], []

    def on_step_begin(self, *_, **__):
        self.begins.append(self.now())

    def on_step_end(self, *_, **__):
        self.ends.append(self.now())

    @staticmethod
    def now():
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def main():
    directory, data, micro_batch, weights, steps = sys.argv[1:]
    on_card = torch.cuda.is_available()
    transformers.set_seed(1)
    # AutoTokenizer would make one of the model's family of it, which splits words otherwise.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(directory)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(1)
    with torch.device("cuda" if on_card else "cpu"):
        model = AutoModelForCausalLM.from_config(
            AutoConfig.from_pretrained(directory), dtype=getattr(torch, weights), attn_implementation="sdpa")
    # What from_pretrained would have noted.
    model.config._name_or_path = model.name_or_path = directory
    pairs = [json.loads(line) for line in open(data)]
    with tempfile.TemporaryDirectory() as output:
        settings = DPOConfig(
            output_dir=output, per_device_train_batch_size=int(micro_batch), gradient_accumulation_steps=32 // int(micro_batch),
            max_steps=int(steps), learning_rate=1e-6, lr_scheduler_type="constant", beta=0.1, max_length=2048,
            precompute_ref_log_probs=True, gradient_checkpointing=False, bf16=True, use_cpu=not on_card,
            optim="adamw_torch_fused" if on_card else "adamw_torch", logging_steps=1, save_strategy="no", report_to=[],
            disable_tqdm=True)
        clock = Clock()
        trainer = DPOTrainer(
            model=model, args=settings, train_dataset=Dataset.from_list(pairs), processing_class=tokenizer, callbacks=[clock])
        if on_card:
            torch.cuda.reset_peak_memory_stats()
        trainer.train()
    seconds = [end - begin for begin, end in zip(clock.begins, clock.ends)]
    print(json.dumps(dict(
        seconds=sorted(seconds[2:] or seconds)[len(seconds[2:] or seconds) // 2],
        memory=torch.cuda.max_memory_reserved() if on_card else 0,
        tensors=torch.cuda.max_memory_allocated() if on_card else 0,
        tokens=[line["num_tokens"] for line in trainer.state.log_history if "num_tokens" in line][-1] / int(steps))))


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()

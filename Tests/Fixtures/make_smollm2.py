"""Logits of SmolLM2-135M-Instruct, and TRL's DPO on it with eight short pairs of Anthropic's HH-RLHF (MIT licence).

usage: make_smollm2.py SMOLLM2_DIRECTORY

The fixtures hold samples, norms and sign projections in place of tensors, so they stay small.
"""

import json
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import trl_reference as reference
from common import HERE, PROJECTION_SEED, PROJECTIONS, summarize, write_json

BETA = 0.1
LEARNING_RATE = 2e-5
ADAM_EPSILON = 1e-5
STEPS = 3
REFERENCE_SHIFT = 3.0
TEXTS = [
    "The capital of France is Paris, and the capital of Italy is",
    "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\nRed, green and blue.<|im_end|>\n",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)\n\nprint(fibonacci(10))  # 55 日本語 🙂",
]


def load(directory):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()


def write_logits(directory) -> None:
    model, tokenizer = load(directory), AutoTokenizer.from_pretrained(directory)
    vocabulary = sorted(np.random.default_rng(5).choice(model.config.vocab_size, size=48, replace=False).tolist())
    cases = []
    for text in TEXTS:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0]
        positions = sorted({0, 1, len(tokens) // 2, len(tokens) - 1})
        logps = torch.log_softmax(logits[:-1], dim=-1).gather(-1, torch.tensor(tokens[1:]).unsqueeze(-1)).squeeze(-1)
        cases.append(
            {
                "text": text,
                "tokens": tokens,
                "positions": positions,
                "logits": logits[positions][:, vocabulary],
                "logsumexp": torch.logsumexp(logits[positions], dim=-1),
                "argmax": logits.argmax(-1),
                "next_token_logps": logps,
            }
        )
    write_json(HERE / "smollm2-logits.json", {"vocabulary_sample": vocabulary, "cases": cases})


def tokenized_pairs(directory, tokenizer) -> list[dict]:
    """TRL's own tokenization (prompt and completion together, EOS appended) of the text pairs."""
    from datasets import Dataset
    from trl import DPOTrainer

    lines = (HERE / "dpo" / "smollm2-pairs.jsonl").read_text(encoding="utf-8").splitlines()
    stub = type("Stub", (), {"_tokenizer": tokenizer, "_prepare_dataset": DPOTrainer._prepare_dataset})()
    args = type("Args", (), {"dataset_num_proc": None, "max_length": None, "truncation_mode": "keep_start"})()
    rows = stub._prepare_dataset(Dataset.from_list([json.loads(line) for line in lines]), tokenizer, args, "train")
    return [{key: row[key] for key in ("prompt_ids", "chosen_ids", "rejected_ids")} for row in rows]


def trainer_for(directory, pairs, tokenizer, **overrides):
    settings = {"beta": BETA, "learning_rate": LEARNING_RATE, "adam_epsilon": ADAM_EPSILON, **overrides}
    return reference.dpo_trainer(
        load(directory), load(directory), pairs, tokenizer, per_device_train_batch_size=len(pairs), **settings
    )


def shifted(pairs: list[dict], base: dict) -> list[dict]:
    """The pairs with reference log-probabilities moved away from the policy's, so that no loss is trivial."""
    shift = np.random.default_rng(17).normal(0, REFERENCE_SHIFT, size=(2, len(pairs))).astype(np.float32)
    return [
        {
            **pair,
            "ref_chosen_logps": float(np.float32(base["chosen"][i]) + shift[0, i]),
            "ref_rejected_logps": float(np.float32(base["rejected"][i]) + shift[1, i]),
        }
        for i, pair in enumerate(pairs)
    ]


def loss_cases(trainer, pairs: list[dict]) -> dict:
    """Each loss type from the same forward passes' numbers: TRL evaluates them one after another on one batch."""
    trainer.precompute_ref_logps = True
    cases = {}
    for name, options in {
        "sigmoid": ("sigmoid", 0.0),
        "ipo": ("ipo", 0.0),
        "hinge": ("hinge", 0.0),
        "robust": ("robust", 0.1),
        "label_smoothing": ("aot", 0.1),
    }.items():
        trainer.loss_types, trainer.label_smoothing = [options[0]], options[1]
        with torch.no_grad():
            per_pair = [np.float32(reference.batch_loss(trainer, [pair]).item()) for pair in pairs]
        kind = "sigmoid" if name == "label_smoothing" else options[0]
        cases[name] = {
            "loss_type": kind,
            "label_smoothing": options[1],
            "loss": np.float32(np.mean(per_pair)),
            "per_pair": per_pair,
        }
    trainer.loss_types, trainer.label_smoothing = ["sigmoid"], 0.0
    return cases


def summaries(tensors: dict) -> dict:
    return {name: summarize(tensor) for name, tensor in tensors.items()}


def write_dpo(directory) -> None:
    tokenizer = AutoTokenizer.from_pretrained(directory)
    pairs = tokenized_pairs(directory, tokenizer)
    trainer = trainer_for(directory, pairs, tokenizer, loss_type="sigmoid", max_steps=STEPS)
    chosen, rejected = trainer.compute_ref_log_probs(trainer.model, dict(trainer.data_collator(pairs)))
    base = {"chosen": chosen, "rejected": rejected}
    moved = shifted(pairs, base)
    losses = loss_cases(trainer, moved)
    loss, gradients = reference.loss_and_gradients(trainer, moved)
    shifted_gradients = summaries(gradients)
    trainer.precompute_ref_logps = False
    own_loss, gradients = reference.loss_and_gradients(trainer, pairs)
    own_gradients = summaries(gradients)
    del gradients
    steps, updates, undecayed = reference.train(trainer, {1, STEPS})
    settings = {**reference.OPTIMIZER, "adam_epsilon": ADAM_EPSILON, "learning_rate": LEARNING_RATE, "beta": BETA}
    write_json(
        HERE / "dpo" / "smollm2.json",
        {
            "projections": {"seed": PROJECTION_SEED, "count": PROJECTIONS},
            "pairs": pairs,
            "policy_logps": base,
            "shifted_reference": {
                "reference_logps": {
                    "chosen": [np.float32(pair["ref_chosen_logps"]) for pair in moved],
                    "rejected": [np.float32(pair["ref_rejected_logps"]) for pair in moved],
                },
                "beta": BETA,
                "losses": losses,
                "batch_loss": np.float32(loss),
                "gradients": shifted_gradients,
            },
            "own_reference": {"loss": np.float32(own_loss), "gradients": own_gradients},
            "training": {
                "settings": settings,
                "without_weight_decay": undecayed,
                "steps": steps,
                "updates": {str(step): summaries(values) for step, values in updates.items()},
            },
        },
    )


def main() -> None:
    write_logits(sys.argv[1])
    write_dpo(sys.argv[1])


if __name__ == "__main__":
    main()

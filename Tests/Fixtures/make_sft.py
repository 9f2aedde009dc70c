"""TRL's completion-only SFT loss and its gradients on every tiny causal model."""

import numpy as np
import torch
from transformers import AutoModelForCausalLM

import trl_reference as reference
from common import BOS, EOS, HERE, PAD, write_json, write_tensors
from make_models import causal_configs

FOLDER = HERE / "sft"


def make_rows(count: int = 6) -> list[dict]:
    generator = np.random.default_rng(31)
    rows = []
    for _ in range(count):
        prompt = [BOS] + generator.integers(3, PAD, size=generator.integers(1, 9)).tolist()
        completion = generator.integers(3, PAD, size=generator.integers(1, 16)).tolist() + [EOS]
        rows.append({"input_ids": prompt + completion, "labels": [-100] * len(prompt) + completion})
    return rows


def token_losses(trainer, rows: list[dict]) -> list[float]:
    """Cross-entropy summed over the completion of each row."""
    sums = []
    for row in rows:
        with torch.no_grad():
            count = sum(label != -100 for label in row["labels"])
            sums.append(np.float32(reference.batch_loss(trainer, [row]).item() * count))
    return sums


def main() -> None:
    rows = make_rows()
    tokenizer = reference.tiny_tokenizer(PAD, EOS)
    models, tensors = {}, {}
    for name in causal_configs():
        model = AutoModelForCausalLM.from_pretrained(HERE / "models" / name, dtype=torch.float32)
        trainer = reference.sft_trainer(model, rows, tokenizer)
        loss, gradients = reference.loss_and_gradients(trainer, rows)
        sums = token_losses(trainer, rows)
        models[name] = {"loss": np.float32(loss), "sum_per_row": sums}
        assert abs(sum(sums) / sum(label != -100 for row in rows for label in row["labels"]) - loss) < 1e-5
        tensors[name] = gradients
    write_json(
        FOLDER / "tiny.json",
        {
            "loss": "cross-entropy summed over all completion tokens of the batch / number of those tokens",
            "tensors": "gradient of PARAMETER of model NAME: sft/NAME.safetensors",
            "rows": [{"tokens": row["input_ids"], "completion_start": row["labels"].count(-100)} for row in rows],
            "models": models,
        },
    )
    for name, gradients in tensors.items():
        write_tensors(FOLDER / f"{name}.safetensors", gradients)


if __name__ == "__main__":
    main()

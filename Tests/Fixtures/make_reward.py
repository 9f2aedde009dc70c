"""TRL's Bradley-Terry reward loss and its gradients on the tiny reward models."""

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

import trl_reference as reference
from common import BOS, EOS, HERE, PAD, write_json, write_tensors
from make_models import reward_configs

FOLDER = HERE / "reward"
CENTERING = 0.01


def make_pairs(count: int = 6) -> list[dict]:
    generator = np.random.default_rng(41)
    pairs = []
    for _ in range(count):
        prompt = [BOS] + generator.integers(3, PAD, size=generator.integers(1, 9)).tolist()
        answers = [generator.integers(3, PAD, size=generator.integers(1, 16)).tolist() + [EOS] for _ in range(2)]
        pairs.append({"chosen_ids": prompt + answers[0], "rejected_ids": prompt + answers[1]})
    return pairs


def scores(trainer, pairs: list[dict], side: str) -> list[float]:
    with torch.no_grad():
        return [np.float32(trainer.model(torch.tensor([pair[side]])).logits[0, 0].item()) for pair in pairs]


def reference_of(name: str, pairs: list[dict], tokenizer) -> tuple[dict, dict]:
    load = lambda: AutoModelForSequenceClassification.from_pretrained(HERE / "models" / name, dtype=torch.float32)
    plain_loss, _ = reference.loss_and_gradients(reference.reward_trainer(load(), pairs, tokenizer), pairs)
    trainer = reference.reward_trainer(load(), pairs, tokenizer, center_rewards_coefficient=CENTERING)
    loss, gradients = reference.loss_and_gradients(trainer, pairs)
    result = {
        "loss_without_centering": np.float32(plain_loss),
        "loss": np.float32(loss),
        "chosen_rewards": scores(trainer, pairs, "chosen_ids"),
        "rejected_rewards": scores(trainer, pairs, "rejected_ids"),
    }
    return result, gradients


def main() -> None:
    pairs = make_pairs()
    tokenizer = reference.tiny_tokenizer(PAD, EOS)
    results = {name: reference_of(name, pairs, tokenizer) for name in reward_configs()}
    write_json(
        FOLDER / "tiny.json",
        {
            "loss": "mean over pairs of -log sigmoid(chosen - rejected), plus coefficient * mean (chosen + rejected)^2",
            "center_rewards_coefficient": CENTERING,
            "tensors": "gradient of PARAMETER (of the centred loss) of model NAME: reward/NAME.safetensors",
            "pairs": pairs,
            "models": {name: result for name, (result, _) in results.items()},
        },
    )
    for name, (_, gradients) in results.items():
        write_tensors(FOLDER / f"{name}.safetensors", gradients)


if __name__ == "__main__":
    main()

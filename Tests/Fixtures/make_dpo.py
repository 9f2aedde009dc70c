"""TRL's DPO on a tiny model: log-probabilities, losses, gradients, and three optimizer steps."""

import shutil

import numpy as np
import torch
from transformers import AutoModelForCausalLM

import trl_reference as reference
from common import BOS, EOS, HERE, PAD, write_json, write_tensors

FOLDER = HERE / "dpo"
BETA = 0.1
LABEL_SMOOTHING = 0.1
LEARNING_RATE = 1e-3
ADAM_EPSILON = 1e-5
PAIRS_PER_STEP = 4
STEPS = 3
CASES = {
    "sigmoid": {"loss_type": "sigmoid"},
    "ipo": {"loss_type": "ipo"},
    "hinge": {"loss_type": "hinge"},
    "robust": {"loss_type": "robust", "label_smoothing": LABEL_SMOOTHING},
}


def load(directory):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()


def make_policy(noise: float = 0.08):
    """The policy: models/llama moved a little, so that it differs from its reference."""
    directory = FOLDER / "policy"
    shutil.rmtree(directory, ignore_errors=True)
    model = load(HERE / "models" / "llama")
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * noise)
    model.save_pretrained(directory)


def make_pairs(count: int) -> list[dict]:
    generator = np.random.default_rng(11)
    draw = lambda low, high: generator.integers(3, PAD, size=generator.integers(low, high)).tolist()
    return [
        {"prompt_ids": [BOS] + draw(2, 12), "chosen_ids": draw(1, 20) + [EOS], "rejected_ids": draw(1, 20) + [EOS]}
        for _ in range(count)
    ]


def sequence_logps(trainer, model, pairs: list[dict]) -> dict:
    chosen, rejected = trainer.compute_ref_log_probs(model, dict(trainer.data_collator(pairs)))
    return {"chosen": chosen, "rejected": rejected}


def per_pair_losses(trainer, pairs: list[dict]) -> list[float]:
    with torch.no_grad():
        return [np.float32(reference.batch_loss(trainer, [pair]).item()) for pair in pairs]


def trainer_for(pairs, tokenizer, **overrides):
    settings = {"beta": BETA, "learning_rate": LEARNING_RATE, "adam_epsilon": ADAM_EPSILON, **overrides}
    settings.setdefault("per_device_train_batch_size", PAIRS_PER_STEP)
    return reference.dpo_trainer(load(FOLDER / "policy"), load(HERE / "models" / "llama"), pairs, tokenizer, **settings)


def label_smoothed(trainer, pairs: list[dict]) -> tuple[float, list[float], dict]:
    """cDPO. TRL's `aot` loss is cDPO on a batch of one pair (its sorting has nothing to sort), so take the mean."""
    losses, total = [], None
    for pair in pairs:
        loss, gradients = reference.loss_and_gradients(trainer, [pair])
        losses.append(np.float32(loss))
        total = gradients if total is None else {name: total[name] + gradients[name] for name in total}
    return float(np.mean(losses)), losses, {name: gradient / len(pairs) for name, gradient in total.items()}


def loss_cases(pairs, tokenizer) -> tuple[dict, dict]:
    cases, tensors = {}, {}
    for name, options in CASES.items():
        trainer = trainer_for(pairs, tokenizer, **options)
        loss, gradients = reference.loss_and_gradients(trainer, pairs)
        cases[name] = {**options, "beta": BETA, "loss": np.float32(loss), "per_pair": per_pair_losses(trainer, pairs)}
        tensors |= {f"gradient.{name}.{parameter}": value for parameter, value in gradients.items()}
    trainer = trainer_for(pairs, tokenizer, loss_type="aot", label_smoothing=LABEL_SMOOTHING)
    loss, per_pair, gradients = label_smoothed(trainer, pairs)
    cases["label_smoothing"] = {
        "loss_type": "sigmoid",
        "label_smoothing": LABEL_SMOOTHING,
        "beta": BETA,
        "loss": np.float32(loss),
        "per_pair": per_pair,
    }
    tensors |= {f"gradient.label_smoothing.{parameter}": value for parameter, value in gradients.items()}
    return cases, tensors


def optimizer_steps(pairs, tokenizer) -> tuple[dict, dict]:
    trainer = trainer_for(pairs, tokenizer, loss_type="sigmoid", max_steps=STEPS)
    steps, updates, undecayed = reference.train(trainer, {1, STEPS})
    for index, step in enumerate(steps):
        step["pairs"] = list(range(index * PAIRS_PER_STEP, (index + 1) * PAIRS_PER_STEP))
    tensors = {
        f"update.{step}.{parameter}": value for step, values in updates.items() for parameter, value in values.items()
    }
    settings = {**reference.OPTIMIZER, "adam_epsilon": ADAM_EPSILON, "learning_rate": LEARNING_RATE, "beta": BETA}
    return {"settings": settings, "without_weight_decay": undecayed, "steps": steps}, tensors


def main() -> None:
    make_policy()
    pairs = make_pairs(STEPS * PAIRS_PER_STEP)
    tokenizer = reference.tiny_tokenizer(PAD, EOS)
    trainer = trainer_for(pairs, tokenizer)
    policy, base = (sequence_logps(trainer, model, pairs) for model in (trainer.model, trainer.ref_model))
    cases, gradients = loss_cases(pairs, tokenizer)
    training, updates = optimizer_steps(pairs, tokenizer)
    write_json(
        FOLDER / "tiny.json",
        {
            "policy": "dpo/policy",
            "reference": "models/llama",
            "tensors": "gradient.CASE.PARAMETER over all pairs, update.STEP.PARAMETER since the start; dpo/tiny.safetensors",
            "pairs": pairs,
            "policy_logps": policy,
            "reference_logps": base,
            "losses": cases,
            "training": training,
        },
    )
    write_tensors(FOLDER / "tiny.safetensors", gradients | updates)


if __name__ == "__main__":
    main()

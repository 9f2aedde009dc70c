"""TRL's KTO on a tiny model: log-probabilities, losses and three optimizer steps (needs dpo/policy)."""

import numpy as np
import torch

import trl_reference as reference
from common import BOS, EOS, HERE, PAD, write_json, write_tensors
from make_dpo import ADAM_EPSILON, BETA, FOLDER as DPO, LEARNING_RATE, STEPS, load

FOLDER = HERE / "kto"
ANSWERS_PER_STEP = 6
DESIRABLE_WEIGHT, UNDESIRABLE_WEIGHT = 1.25, 0.75
LOSSES = ["kto", "apo_zero_unpaired"]


def make_answers(count: int) -> list[dict]:
    """Answers, each with the completion of the one before it in its step, as TRL's rotation has it."""
    generator = np.random.default_rng(13)
    draw = lambda low, high: generator.integers(3, PAD, size=generator.integers(low, high)).tolist()
    answers = [
        {
            "prompt_ids": [BOS] + draw(2, 12),
            "completion_ids": draw(1, 20) + [EOS],
            "label": bool(generator.random() < 0.6),
        }
        for _ in range(count)
    ]
    for start in range(0, count, ANSWERS_PER_STEP):
        step = answers[start : start + ANSWERS_PER_STEP]
        for answer, other in zip(step, step[-1:] + step[:-1]):
            answer["KL_completion_ids"] = other["completion_ids"]
    return answers


def trainer_for(answers: list[dict], tokenizer, loss_type: str, **overrides):
    settings = {
        "loss_type": loss_type,
        "beta": BETA,
        "desirable_weight": DESIRABLE_WEIGHT,
        "undesirable_weight": UNDESIRABLE_WEIGHT,
        "learning_rate": LEARNING_RATE,
        "adam_epsilon": ADAM_EPSILON,
        "per_device_train_batch_size": ANSWERS_PER_STEP,
        **overrides,
    }
    return reference.kto_trainer(load(DPO / "policy"), load(HERE / "models" / "llama"), answers, tokenizer, **settings)


def training(answers: list[dict], tokenizer, loss_type: str) -> tuple[dict, dict]:
    trainer = trainer_for(answers, tokenizer, loss_type, max_steps=STEPS)
    steps, updates, _ = reference.train(trainer, {STEPS})
    names = ["kl", "rewards/chosen", "rewards/rejected", "rewards/margins", "logps/chosen", "logps/rejected",
             "logits/chosen", "logits/rejected", "entropy"]
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    for step, entry in zip(steps, logged):
        step["metrics"] = {name: entry[name] for name in names if name in entry}
    return {"steps": steps}, {f"update.{loss_type}.{name}": value for name, value in updates[STEPS].items()}


def main() -> None:
    answers = make_answers(STEPS * ANSWERS_PER_STEP)
    tokenizer = reference.tiny_tokenizer(PAD, EOS)
    trainer = trainer_for(answers, tokenizer, "kto")
    with torch.no_grad():
        sums = trainer.compute_ref_log_probs(trainer.ref_model, dict(trainer.data_collator(answers)))
    losses, tensors = {}, {}
    for loss_type in LOSSES:
        losses[loss_type], updates = training(answers, tokenizer, loss_type)
        tensors |= updates
    write_json(
        FOLDER / "tiny.json",
        {
            "policy": "dpo/policy",
            "reference": "models/llama",
            "tensors": f"update.LOSS.PARAMETER after {STEPS} steps; kto/tiny.safetensors",
            "settings": {
                **reference.OPTIMIZER,
                "adam_epsilon": ADAM_EPSILON,
                "learning_rate": LEARNING_RATE,
                "beta": BETA,
                "desirable_weight": DESIRABLE_WEIGHT,
                "undesirable_weight": UNDESIRABLE_WEIGHT,
                "answers_per_step": ANSWERS_PER_STEP,
            },
            "answers": answers,
            "reference_logps": {"completion": sums[0], "mismatched": sums[1]},
            "losses": losses,
        },
    )
    write_tensors(FOLDER / "tiny.safetensors", tensors)


if __name__ == "__main__":
    main()

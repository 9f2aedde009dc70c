"""TRL's GRPO and RLOO on a small model: three updates on one set of given responses and scores. What stands in for sampling
are the responses of `grpo/responses.json`, made here; TRL computes advantages, losses and updates."""

import json
import tempfile

import numpy as np
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

import make_dpo as dpo
import trl_reference as reference
from common import BOS, EOS, HERE, PAD, PROJECTION_SEED, PROJECTIONS, summarize, write_json

FOLDER = HERE / "grpo"
PROMPTS, SAMPLES, LENGTH, STEPS = 3, 4, 12, 3
LEARNING_RATE = 1e-3
# What a configuration of this project says: what TRL is told.
GRPO = {
    "loss_type: grpo": {"loss_type": "grpo"},
    "{loss_type: grpo, beta: 0.04}": {"loss_type": "grpo", "beta": 0.04},
    "loss_type: dapo": {"loss_type": "dapo"},
    "{loss_type: bnpo, epsilon_high: 0.28}": {"loss_type": "bnpo", "epsilon_high": 0.28},
    "{loss_type: dr_grpo, scale_rewards: none}": {"loss_type": "dr_grpo", "scale_rewards": "none"},
    "{loss_type: cispo, epsilon_high: 1.1}": {"loss_type": "cispo", "epsilon_high": 1.1},
    "loss_type: sapo": {"loss_type": "sapo"},
    "{loss_type: grpo, importance_sampling_level: sequence, epsilon: 0.02}": {
        "loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 0.02},
    "{loss_type: grpo, scale_rewards: batch, delta: 1.2}": {"loss_type": "grpo", "scale_rewards": "batch", "delta": 1.2},
    "{loss_type: grpo, mask_truncated_completions: true}": {"loss_type": "grpo", "mask_truncated_completions": True},
    "{loss_type: dapo, mask_truncated_completions: true, beta: 0.1}": {
        "loss_type": "dapo", "mask_truncated_completions": True, "beta": 0.1},
}
RLOO = {
    "beta: 0": {"beta": 0.0},
    "beta: 0.05": {"beta": 0.05},
    "{beta: 0.05, normalize_advantages: true, epsilon_high: 0.3}": {
        "beta": 0.05, "normalize_advantages": True, "epsilon_high": 0.3},
    "{beta: 0, reward_clip: 1.0}": {"beta": 0.0, "reward_clip_range": (-1.0, 1.0)},
}


def make_responses() -> list[dict]:
    generator = np.random.default_rng(29)
    draw = lambda low, high: generator.integers(3, PAD, size=generator.integers(low, high)).tolist()
    rows = []
    for prompt in range(PROMPTS):
        ids = [BOS] + draw(2, 9)
        for sample in range(SAMPLES):
            is_finished = (prompt + sample) % 4 > 0
            response = draw(1, LENGTH - 1) + [EOS] if is_finished else draw(LENGTH, LENGTH + 1)
            rows.append({"prompt": prompt, "prompt_ids": ids, "response_ids": response, "is_finished": is_finished,
                         "score": round(float(generator.normal(0, 2)), 3)})
    return rows


def trainer_for(trainer_class, config_class, rows, tokenizer, **overrides):
    """A trainer whose responses and scores are given."""
    settings = {k: v for k, v in {**reference.PLAIN_FLOAT32, **reference.OPTIMIZER}.items()
                if k not in ("max_length", "train_sampling_strategy")}
    settings |= {"learning_rate": LEARNING_RATE, "adam_epsilon": dpo.ADAM_EPSILON, "max_steps": STEPS,
                 "per_device_train_batch_size": len(rows), "num_generations": SAMPLES, "num_iterations": STEPS,
                 "max_completion_length": LENGTH, "temperature": 1.0, "shuffle_dataset": False, **overrides}

    def given(prompts):
        """The rows that stand for these prompts, of which each comes as often as it has responses."""
        seen = {}
        for prompt in prompts:
            seen[prompt] = seen.get(prompt, -1) + 1
            yield [row for row in rows if str(row["prompt"]) == prompt][seen[prompt]]

    class Given(trainer_class):
        def _tokenize_prompts(self, prompts):
            self.given = list(given(prompts))
            return [row["prompt_ids"] for row in self.given], None, {}

        def _generate_single_turn(self, *arguments, **options):
            ids = [row["response_ids"] for row in self.given]
            return (ids, None) if trainer_class is GRPOTrainer else ids

    with tempfile.TemporaryDirectory() as scratch:
        policy = dpo.load(dpo.FOLDER / "policy")
        # Where a divergence is taken, TRL loads the reference by the policy's name.
        policy.config._name_or_path = str(HERE / "models" / "llama")
        return Given(
            model=policy, args=config_class(output_dir=scratch, **settings), processing_class=tokenizer,
            reward_funcs=lambda prompts, **others: [row["score"] for row in given(prompts)],
            train_dataset=Dataset.from_list([{"prompt": str(p)} for p in range(PROMPTS)]))


def case(stage: str, configuration: str, trainer) -> dict:
    torch.manual_seed(0)
    steps, updates, _ = reference.train(trainer, {STEPS})
    update = updates[STEPS]
    flat = torch.cat([update[name].reshape(-1) for name in sorted(update)])
    return {"stage": stage, "configuration": configuration, "losses": [step["loss"] for step in steps],
            "grad_norms": [step["grad_norm"] for step in steps], "update": summarize(flat)}


def main() -> None:
    rows = make_responses()
    tokenizer = reference.tiny_tokenizer(PAD, EOS)
    cases = [case("grpo", text, trainer_for(GRPOTrainer, GRPOConfig, rows, tokenizer, **options)) for text, options in GRPO.items()]
    cases += [case("rloo", text, trainer_for(RLOOTrainer, RLOOConfig, rows, tokenizer, **options)) for text, options in RLOO.items()]
    write_json(FOLDER / "updates.json", {
        "learning_rate": LEARNING_RATE, "adam_epsilon": dpo.ADAM_EPSILON, "samples": SAMPLES, "response_length": LENGTH,
        "projections": {"seed": PROJECTION_SEED, "count": PROJECTIONS}, "responses": rows, "cases": cases})


if __name__ == "__main__":
    main()

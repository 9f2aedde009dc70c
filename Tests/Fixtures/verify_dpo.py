"""Recomputes the DPO fixtures without TRL, to show how well conditioned they are: a plain loop, one unpadded row a time.

usage: verify_dpo.py tiny [float32|float64]
       verify_dpo.py smollm2 SMOLLM2_DIRECTORY [float32|float64]

Prints the largest relative error over parameters of the first gradient and of the update after the last step.
"""

import json
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from common import HERE, summarize


def sequence_logp(model, prompt: list[int], response: list[int]) -> torch.Tensor:
    tokens = torch.tensor(prompt + response)
    logits = model(tokens.unsqueeze(0)).logits[0]
    logps = torch.log_softmax(logits[len(prompt) - 1 : -1], dim=-1)
    return logps.gather(-1, tokens[len(prompt) :, None]).sum()


def log_ratio_gap(model, pair: dict, base: tuple[float, float]) -> torch.Tensor:
    chosen = sequence_logp(model, pair["prompt_ids"], pair["chosen_ids"])
    rejected = sequence_logp(model, pair["prompt_ids"], pair["rejected_ids"])
    return (chosen - base[0]) - (rejected - base[1])


def accumulate(model, pairs: list[dict], base: list[tuple[float, float]], beta: float) -> float:
    """Backpropagates the mean sigmoid loss pair by pair; returns the loss."""
    model.zero_grad()
    total = 0.0
    for pair, logps in zip(pairs, base):
        loss = -F.logsigmoid(beta * log_ratio_gap(model, pair, logps)) / len(pairs)
        loss.backward()
        total += loss.item()
    return total


def make_optimizer(model, settings: dict, undecayed: list[str]) -> torch.optim.AdamW:
    names = dict(model.named_parameters())
    groups = [
        {"params": [p for name, p in names.items() if name not in undecayed], "weight_decay": settings["weight_decay"]},
        {"params": [p for name, p in names.items() if name in undecayed], "weight_decay": 0.0},
    ]
    betas = (settings["adam_beta1"], settings["adam_beta2"])
    return torch.optim.AdamW(groups, lr=settings["learning_rate"], betas=betas, eps=settings["adam_epsilon"])


def replay(model, training: dict, pairs: list[dict], base: list[tuple[float, float]]):
    """The first gradient and the update after the last step; prints losses beside the recorded ones."""
    settings = training["settings"]
    optimizer = make_optimizer(model, settings, training["without_weight_decay"])
    initial = {name: p.detach().clone() for name, p in model.named_parameters()}
    first = None
    for step in training["steps"]:
        indices = step.get("pairs", range(len(pairs)))
        loss = accumulate(model, [pairs[i] for i in indices], [base[i] for i in indices], settings["beta"])
        if first is None:
            first = {name: p.grad.detach().clone() for name, p in model.named_parameters()}
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings["max_grad_norm"]).item()
        print(f"loss {loss:.8f} (TRL {step['loss']:.8f}), gradient norm {norm:.6f} (TRL {step['grad_norm']:.6f})")
        optimizer.step()
    return first, {name: p.detach() - initial[name] for name, p in model.named_parameters()}


def base_logps(model, pairs: list[dict]) -> list[tuple[float, float]]:
    with torch.no_grad():
        return [
            tuple(
                sequence_logp(model, pair["prompt_ids"], pair[side]).item() for side in ("chosen_ids", "rejected_ids")
            )
            for pair in pairs
        ]


def report(what: str, errors: dict[str, float]) -> None:
    name = max(errors, key=errors.get)
    print(
        f"{what}: largest relative error {errors[name]:.3g} ({name}), median {sorted(errors.values())[len(errors) // 2]:.3g}"
    )


def tensor_errors(actual: dict, expected: dict) -> dict[str, float]:
    return {
        name: ((actual[name].double() - expected[name].double()).norm() / expected[name].double().norm()).item()
        for name in expected
    }


def projection_errors(actual: dict, expected: dict) -> dict[str, float]:
    """Root mean square difference of the projections over the norm: an estimate of the relative error of the tensor."""
    errors = {}
    for name, summary in expected.items():
        mine = summarize(actual[name])
        squares = [(a - b) ** 2 for a, b in zip(mine["projections"], summary["projections"])]
        errors[name] = (sum(squares) / len(squares)) ** 0.5 / summary["norm"]
    return errors


def verify_tiny(dtype) -> None:
    fixture, tensors = json.loads((HERE / "dpo/tiny.json").read_text()), load_file(HERE / "dpo/tiny.safetensors")
    load = lambda name: AutoModelForCausalLM.from_pretrained(HERE / name, dtype=torch.float32).to(dtype).eval()
    model, base = load(fixture["policy"]), base_logps(load(fixture["reference"]), fixture["pairs"])
    named = lambda prefix: {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    loss = accumulate(model, fixture["pairs"], base, fixture["losses"]["sigmoid"]["beta"])
    print(f"loss of all pairs {loss:.8f} (TRL {fixture['losses']['sigmoid']['loss']:.8f})")
    report("gradient", tensor_errors({n: p.grad for n, p in model.named_parameters()}, named("gradient.sigmoid.")))
    _, update = replay(model, fixture["training"], fixture["pairs"], base)
    report("update", tensor_errors(update, named(f"update.{len(fixture['training']['steps'])}.")))


def verify_smollm2(directory: str, dtype) -> None:
    fixture = json.loads((HERE / "dpo/smollm2.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).to(dtype).eval()
    base = base_logps(model, fixture["pairs"])
    gradient, update = replay(model, fixture["training"], fixture["pairs"], base)
    report("gradient", projection_errors(gradient, fixture["own_reference"]["gradients"]))
    report("update", projection_errors(update, fixture["training"]["updates"][str(len(fixture["training"]["steps"]))]))


if __name__ == "__main__":
    precision = torch.float64 if sys.argv[-1] == "float64" else torch.float32
    if sys.argv[1] == "tiny":
        verify_tiny(precision)
    else:
        verify_smollm2(sys.argv[2], precision)

"""Writes bfloat16.json: how far transformers in bfloat16 is from itself in float32, on the models here.

Of each causal model the relative error of the log-probabilities of its cases' tokens, each after those before it, and of the
gradient of each parameter of their mean, but for those that are 0 but for rounding. An own error may be twice as large, as
PyTorch has it of its attention kernels.
"""
import json

import torch
from transformers import AutoModelForCausalLM

from common import HERE, write_json

MODELS = ["llama", "gpt2", "gpt_neox", "qwen2", "qwen3"]


def pass_over(name, dtype):
    model = AutoModelForCausalLM.from_pretrained(HERE / "models" / name, dtype=dtype, attn_implementation="sdpa").eval()
    logps = []
    for case in json.loads((HERE / "models" / name / "expected.json").read_text())["cases"]:
        ids = torch.tensor([case["tokens"]])
        if ids.shape[1] > 1:
            logits = model(ids).logits[0, :-1].float()
            logps.append(logits.log_softmax(-1).gather(1, ids[0, 1:, None]).squeeze(1))
    logps = torch.cat(logps)
    logps.mean().backward()
    # As checkpoints have it.
    names = {"lm_head.weight": "embed_out.weight"} if name == "gpt_neox" else {}
    return logps.detach(), {names.get(key, key): value.grad.float() for key, value in model.named_parameters()}


def error(found, wanted):
    return ((found - wanted).norm() / wanted.norm()).item()


def main():
    errors = {}
    for name in MODELS:
        (wanted, slopes), (found, others) = pass_over(name, torch.float32), pass_over(name, torch.bfloat16)
        gradients = {key: float(f"{error(others[key], slopes[key]):.3g}") for key in slopes if slopes[key].norm() > 1e-5}
        errors[name] = {"logps": float(f"{error(found, wanted):.3g}"), "gradients": gradients}
    write_json(HERE / "bfloat16.json", {"errors": errors})


if __name__ == "__main__":
    main()

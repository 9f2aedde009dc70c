"""What transformers makes of config.json: rotary frequencies by the places that say them, and scores by pad_token_id."""

import json
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from common import BOS, EOS, HERE, PAD, render

LINEAR = {"rope_type": "linear", "factor": 4.0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
DEFAULT = {"rope_type": "default", "rope_theta": 10000.0}

# Keys of config.json in place of rope_parameters. `computed`: what has to be computed; all else may be refused.
COMPUTED = {
    "nothing": {},
    "rope_scaling alone": {"rope_scaling": LINEAR},
    "the older name of the type": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    "rope_scaling beside default rope_parameters": {"rope_parameters": DEFAULT, "rope_scaling": LINEAR},
    "llama3 beside default rope_parameters": {
        "rope_parameters": DEFAULT,
        "rope_scaling": {**LLAMA3, "original_max_position_embeddings": 16},
    },
    "both the same": {"rope_parameters": {**LINEAR, "rope_theta": 10000.0}, "rope_scaling": {"type": "linear", "factor": 4}},
    "an empty rope_scaling": {"rope_parameters": {**LINEAR, "rope_theta": 500.0}, "rope_scaling": {}},
    "no rope_scaling": {"rope_parameters": {**LINEAR, "rope_theta": 500.0}, "rope_scaling": None},
    "the original context beside the block": {"rope_scaling": LLAMA3, "original_max_position_embeddings": 16},
    "yarn beside default rope_parameters": {
        "rope_parameters": DEFAULT,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    },
    "dynamic": {"rope_parameters": DEFAULT, "rope_scaling": {"rope_type": "dynamic", "factor": 4.0}},
    "yarn with all keys": {
        "rope_parameters": {
            "rope_type": "yarn", "rope_theta": 500.0, "factor": 8.0, "beta_fast": 16.0, "beta_slow": 2.0,
            "truncate": False, "mscale": 1.0, "mscale_all_dim": 0.5, "original_max_position_embeddings": 48,
        }
    },
    "yarn beside the context": {"rope_scaling": {"type": "yarn", "factor": 2.0}, "original_max_position_embeddings": 64},
    "a part of all": {"partial_rotary_factor": 1.0, "rope_parameters": {**DEFAULT, "partial_rotary_factor": 1.0}},
}
REFUSED = {
    "another theta in rope_parameters": {"rope_parameters": {**DEFAULT, "rope_theta": 500.0}, "rope_scaling": LINEAR},
    "another theta beside rope_parameters": {"rope_theta": 500.0, "rope_parameters": DEFAULT},
    "two types": {
        "rope_parameters": {**LLAMA3, "original_max_position_embeddings": 16, "rope_theta": 10000.0},
        "rope_scaling": LINEAR,
    },
    "two factors": {"rope_parameters": {**LINEAR, "factor": 2.0, "rope_theta": 10000.0}, "rope_scaling": LINEAR},
    "default in place of linear": {"rope_parameters": {**LINEAR, "rope_theta": 10000.0}, "rope_scaling": {"type": "default"}},
    "a factor without a type": {"rope_scaling": {"factor": 4.0}},
    "a type under both names": {"rope_scaling": {"type": "dynamic", **LINEAR}},
    "half a head": {"partial_rotary_factor": 0.5},
    "half a head in rope_parameters": {"rope_parameters": {**DEFAULT, "partial_rotary_factor": 0.5}},
    "a key of another family": {"rotary_emb_base": 500},
    "two original contexts": {
        "rope_scaling": {**LLAMA3, "original_max_position_embeddings": 16},
        "original_max_position_embeddings": 32,
    },
}
# GPT-NeoX has names of its own, and passes the others' over.
NEOX_COMPUTED = {
    "nothing": {},
    "its own names": {"rotary_emb_base": 500, "rotary_pct": 0.5},
    "the others' names with the same values": {"rotary_pct": 0.5, "partial_rotary_factor": 0.5, "rope_theta": 10000},
    "rope_scaling beside rope_parameters": {
        "rope_parameters": {**DEFAULT, "partial_rotary_factor": 0.25},
        "rope_scaling": LINEAR,
    },
}
NEOX_REFUSED = {
    "the others' theta": {"rope_theta": 500.0},
    "the others' part": {"partial_rotary_factor": 0.5},
    "a part that is lost": {"rope_parameters": {**DEFAULT, "partial_rotary_factor": 0.5}, "rope_scaling": LINEAR},
    "a size of heads that only rotation follows": {"head_dim": 8},
}


def frequencies(model: str, changes: dict) -> list[float] | None:
    config = json.loads((HERE / "models" / model / "config.json").read_text())
    del config["rope_parameters"]
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "config.json").write_text(json.dumps({**config, **changes}))
        try:
            built = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(directory))
            built(torch.arange(9)[None], use_cache=False)
        except Exception:
            return None
    rotary = next(module for name, module in built.named_modules() if name.endswith("rotary_emb"))
    return [float(f"{value:.7g}") for value in rotary.inv_freq.tolist()]


def rotary_cases() -> list[dict]:
    cases = []
    for model, computed, refused in [
        ("llama", COMPUTED, REFUSED),
        ("mistral", COMPUTED, REFUSED),
        ("qwen3", COMPUTED, REFUSED),
        ("gpt_neox", NEOX_COMPUTED, NEOX_REFUSED),
    ]:
        for is_computed, variants in [(True, computed), (False, refused)]:
            for name, changes in variants.items():
                values = frequencies(model, changes)
                assert values or not is_computed, (model, name)
                text = json.dumps(changes)
                cases.append({"model": model, "name": name, "changes": text, "computed": is_computed, "frequencies": values})
    return cases


def padding_cases() -> list[dict]:
    cases = []
    prompt, answer = [BOS, 17, 44, 90], [33, 121, 5]
    rows = {
        "ends in the end token": (prompt, answer + [EOS]),
        "cut before its end": (prompt, answer),
        "nothing but its end": (prompt, [EOS]),
        "ends twice": (prompt, answer + [EOS, EOS]),
        "without a prompt": ([], answer + [EOS]),
        "the end token alone": ([], [EOS]),
        "end tokens alone": ([EOS, EOS], [EOS]),
        "an end token within": (prompt + [EOS, 7], [EOS] + answer),
    }
    for model in ["reward-llama", "reward-gpt_neox", "reward-gpt2"]:
        for pad in [EOS, None, -1, PAD]:
            built = AutoModelForSequenceClassification.from_pretrained(HERE / "models" / model, dtype=torch.float32).eval()
            built.config.pad_token_id = pad
            for name, (prompt_ids, response) in rows.items():
                with torch.no_grad():
                    score = built(torch.tensor([prompt_ids + response])).logits[0, 0].item()
                cases.append(
                    {
                        "model": model,
                        "name": name,
                        "pad_token_id": pad,
                        "prompt": prompt_ids,
                        "response": response,
                        "score": float(f"{score:.7g}"),
                    }
                )
    return cases


def main() -> None:
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    content = {"versions": versions, "rotary": rotary_cases(), "padding": padding_cases()}
    (HERE / "configurations.json").write_text(render(content) + "\n")


if __name__ == "__main__":
    main()

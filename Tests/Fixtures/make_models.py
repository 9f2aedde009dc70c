"""Tiny random Hugging Face checkpoints of every model family, with the logits transformers computes from them."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    GptOssConfig,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Olmo2Config,
    Olmo3Config,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
    SmolLM3Config,
)

from common import BOS, EOS, HERE, PAD, VOCABULARY, random_rows, randomize, response_logp, write_json, write_tensors

COMMON = {"vocab_size": VOCABULARY, "bos_token_id": BOS, "eos_token_id": EOS, "max_position_embeddings": 128}
ROTARY = {
    **COMMON,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
NEOX = {
    **COMMON,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25},
    "attention_dropout": 0.0,
    "hidden_dropout": 0.0,
}
GPT2 = {
    "vocab_size": VOCABULARY,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
    "n_positions": 128,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "attn_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "resid_pdrop": 0.0,
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}


LAYERS = ["sliding_attention", "sliding_attention", "full_attention"]
YARN_ROPE = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32}
LONG_ROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "partial_rotary_factor": 0.75,
    "short_factor": [1.0, 1.05, 1.5],
    "long_factor": [1.0, 2.0, 4.0],
}
GEMMA = {**ROTARY, "head_dim": 16, "query_pre_attn_scalar": 12, "sliding_window": 16, "final_logit_softcapping": 2.0}
BY_LAYER = {
    "full_attention": {"rope_type": "linear", "rope_theta": 50000.0, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1000.0},
}
# Numbers grow past the limit of its networks, which is to be met.
GPT_OSS = {
    **ROTARY,
    "head_dim": 16,
    "sliding_window": 12,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "swiglu_limit": 1.5,
    "rope_parameters": {**YARN_ROPE, "truncate": False},
}
YARN_BY_LAYER = {
    "full_attention": {**YARN_ROPE, "rope_theta": 500000.0, "attention_factor": 1.2},
    "sliding_attention": {"rope_type": "default", "rope_theta": 500000.0},
}


def causal_configs() -> dict:
    """Directory name -> (config, dtype on disk, largest shard)."""
    float32 = torch.float32
    return {
        "llama": (LlamaConfig(**ROTARY), float32, "1GB"),
        "llama-tied": (LlamaConfig(**ROTARY, tie_word_embeddings=True), float32, "1GB"),
        "llama-rope3": (LlamaConfig(**ROTARY, rope_parameters=LLAMA3_ROPE), float32, "1GB"),
        "mistral": (MistralConfig(**ROTARY, sliding_window=None), float32, "40KB"),
        "gpt_neox": (GPTNeoXConfig(**NEOX, use_parallel_residual=True), float32, "1GB"),
        "gpt_neox-sequential": (GPTNeoXConfig(**NEOX, use_parallel_residual=False), torch.float16, "1GB"),
        "gpt2": (GPT2Config(**GPT2), float32, "1GB"),
        "qwen2": (Qwen2Config(**ROTARY, tie_word_embeddings=True), torch.bfloat16, "1GB"),
        "qwen3": (Qwen3Config(**ROTARY, head_dim=16), float32, "1GB"),
        "gemma": (GemmaConfig(**ROTARY, head_dim=16), float32, "1GB"),
        "gemma2": (Gemma2Config(**GEMMA, attn_logit_softcapping=3.0), float32, "1GB"),
        "gemma3": (
            Gemma3TextConfig(**{**GEMMA, "num_hidden_layers": 3}, layer_types=LAYERS[:3], rope_parameters=BY_LAYER),
            float32,
            "1GB",
        ),
        "granite": (
            GraniteConfig(
                **ROTARY, embedding_multiplier=6.0, attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=3.0
            ),
            float32,
            "1GB",
        ),
        "mistral-window": (MistralConfig(**ROTARY, sliding_window=9, rope_parameters=YARN_ROPE), float32, "1GB"),
        "olmo2": (Olmo2Config(**ROTARY), torch.bfloat16, "1GB"),
        "olmo3": (
            Olmo3Config(**ROTARY, layer_types=LAYERS[1:], sliding_window=16, rope_parameters=YARN_BY_LAYER),
            float32,
            "1GB",
        ),
        "phi3": (
            Phi3Config(**ROTARY, original_max_position_embeddings=96, rope_parameters=LONG_ROPE, pad_token_id=None),
            float32,
            "1GB",
        ),
        "smollm3": (
            SmolLM3Config(**{**ROTARY, "num_hidden_layers": 3}, no_rope_layers=[1, 0, 1], pad_token_id=None),
            float32,
            "1GB",
        ),
        "mixtral": (MixtralConfig(**ROTARY, num_local_experts=3, num_experts_per_tok=2), float32, "1GB"),
        "qwen3_moe": (
            Qwen3MoeConfig(
                **ROTARY, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, mlp_only_layers=[0], head_dim=16
            ),
            float32,
            "1GB",
        ),
        "gpt_oss": (GptOssConfig(**GPT_OSS), torch.bfloat16, "1GB"),
        # Rows of 19 tokens and more are longer than the context of before, and so is what is drawn.
        "phi3-long": (
            Phi3Config(**ROTARY, original_max_position_embeddings=16, rope_parameters=LONG_ROPE, pad_token_id=None),
            float32,
            "1GB",
        ),
        "llama-dynamic": (
            LlamaConfig(
                **{**ROTARY, "max_position_embeddings": 16},
                rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0},
            ),
            float32,
            "1GB",
        ),
    }


def reward_configs() -> dict:
    head = {"num_labels": 1, "pad_token_id": PAD}
    gemma2 = {**GEMMA, "attn_logit_softcapping": 3.0}
    return {
        "reward-llama": LlamaConfig(**ROTARY, **head),
        "reward-gpt_neox": GPTNeoXConfig(**NEOX, **head),
        "reward-gpt2": GPT2Config(**GPT2, **head),
        "reward-gemma2": Gemma2Config(**gemma2, **head),
        "reward-gpt_oss": GptOssConfig(**GPT_OSS, **head),
    }


def legacy_config(config: dict) -> dict | None:
    """The same config with the keys older transformers wrote, which most checkpoints on disk still have."""
    rope = config.get("rope_parameters")
    if rope is None:
        return None
    old = {key: value for key, value in config.items() if key not in ("rope_parameters", "dtype")}
    old["torch_dtype"] = config["dtype"]
    if "full_attention" in rope:
        full, sliding = rope["full_attention"], rope["sliding_attention"]
        old["rope_theta"] = full["rope_theta"]
        if config["model_type"] == "gemma3_text":
            old["rope_local_base_freq"] = sliding["rope_theta"]
        old["rope_scaling"] = {key: value for key, value in full.items() if key != "rope_theta"}
        return old
    if config["model_type"] == "gpt_neox":
        old["rotary_emb_base"] = int(rope["rope_theta"])
        old["rotary_pct"] = rope["partial_rotary_factor"]
        return old
    old["rope_theta"] = rope["rope_theta"]
    scaling = {key: value for key, value in rope.items() if key != "rope_theta"}
    old["rope_scaling"] = None if rope["rope_type"] == "default" else scaling
    return old


def write_legacy_config(directory) -> None:
    config = json.loads((directory / "config.json").read_text())
    old = legacy_config(config)
    if old is None:
        return
    (directory / "legacy").mkdir()
    (directory / "legacy" / "config.json").write_text(json.dumps(old, indent=2) + "\n")
    new_rope = AutoConfig.from_pretrained(directory).rope_parameters
    assert AutoConfig.from_pretrained(directory / "legacy").rope_parameters == new_rope, directory


def greedy(model, prompt: list[int], count: int) -> tuple[list[int], float]:
    """The greedy continuation, by whole forward passes, and the smallest lead of a winner over the next best token."""
    tokens, margin = list(prompt), float("inf")
    for _ in range(count):
        top = model(torch.tensor([tokens])).logits[0, -1].topk(2)
        margin = min(margin, (top.values[0] - top.values[1]).item())
        tokens.append(top.indices[0].item())
    return tokens[len(prompt) :], margin


def gradient_norms(model, loss) -> dict:
    """The norm of the loss's gradient by each tensor of the checkpoint: gradients are saved as weights are."""
    # An embedding of transformers does not learn the row of padding, which is BOS in some configurations.
    model.get_input_embeddings().padding_idx = None
    model.zero_grad()
    loss().backward()
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    with torch.no_grad(), tempfile.TemporaryDirectory() as temporary:
        for parameter in model.parameters():
            parameter.copy_(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
        model.save_pretrained(temporary)
        tensors = load_file(Path(temporary) / "model.safetensors")
        for parameter, weight in zip(model.parameters(), weights):
            parameter.copy_(weight)
    return {name: tensor.double().norm().item() for name, tensor in sorted(tensors.items())}


def write_routers(model, rows: list[list[int]], directory: Path) -> None:
    """The load-balancing loss of all rows, and the norms of its gradient."""
    longest = max(map(len, rows))
    padded = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])

    def loss() -> torch.Tensor:
        return model(padded, attention_mask=mask, output_router_logits=True).aux_loss

    value = loss().item()
    write_json(directory / "routers.json", {"aux_loss": value, "norms": gradient_norms(model, loss)})


def make_causal(name: str, seed: int, config, dtype, shard: str) -> None:
    directory = HERE / "models" / name
    shutil.rmtree(directory, ignore_errors=True)
    model = AutoModelForCausalLM.from_config(config)
    randomize(model, seed)
    model.to(dtype).save_pretrained(directory, max_shard_size=shard)
    write_legacy_config(directory)

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    rows = random_rows(np.random.default_rng(seed), [1, 7, 19, 34, 60])
    cases, logits = [], {}
    with torch.no_grad():
        for index, row in enumerate(rows):
            output = model(torch.tensor([row])).logits[0]
            logits[f"logits.{index}"] = output
            start = max(1, len(row) // 2)
            logp = response_logp(output, row, start) if len(row) > 1 else 0.0
            cases.append({"tokens": row, "response_start": start, "response_logp": logp})
        prompt = rows[1][:-1]
        continuation, margin = greedy(model, prompt, 16)
    write_json(
        directory / "expected.json",
        {
            "weights_dtype": str(dtype).removeprefix("torch."),
            "parameters": sum(p.numel() for p in model.parameters()),
            "logits": "logits.N in expected.safetensors: fp32 [tokens, vocabulary] of case N",
            "cases": cases,
            "greedy": {"prompt": prompt, "continuation": continuation, "smallest_margin": margin},
        },
    )
    write_tensors(directory / "expected.safetensors", logits)

    def logps() -> torch.Tensor:
        return sum(response_logp(model(torch.tensor([row])).logits[0], row, 1) for row in rows if len(row) > 1)

    write_json(directory / "gradients.json", {"norms": gradient_norms(model, logps)})
    if hasattr(config, "output_router_logits"):
        write_routers(model, rows, directory)


def make_reward(name: str, seed: int, config) -> None:
    directory = HERE / "models" / name
    shutil.rmtree(directory, ignore_errors=True)
    model = AutoModelForSequenceClassification.from_config(config)
    randomize(model, seed)
    model.save_pretrained(directory)

    model = AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()
    rows = random_rows(np.random.default_rng(seed), [5, 12, 12, 27, 48, 3])
    with torch.no_grad():
        scores = [model(torch.tensor([row])).logits[0, 0].item() for row in rows]
        longest = max(map(len, rows))
        padded = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
        together = model(padded, attention_mask=(padded != PAD).long()).logits[:, 0].tolist()
    assert np.allclose(scores, together, atol=1e-5), (scores, together)
    cases = [{"tokens": row, "score": np.float32(score)} for row, score in zip(rows, scores)]
    write_json(directory / "expected.json", {"pad_token_id": PAD, "cases": cases})
    norms = gradient_norms(model, lambda: sum(model(torch.tensor([row])).logits[0, 0] for row in rows))
    write_json(directory / "gradients.json", {"norms": norms})


def main(only: list[str]) -> None:
    for seed, (name, (config, dtype, shard)) in enumerate(causal_configs().items(), start=100):
        if not only or name in only:
            make_causal(name, seed, config, dtype, shard)
    for seed, (name, config) in enumerate(reward_configs().items(), start=200):
        if not only or name in only:
            make_reward(name, seed, config)


if __name__ == "__main__":
    main(sys.argv[1:])

"""PEFT's adapters on the tiny models, with the logits, scores and gradients that PEFT computes, and TRL's DPO of some."""

import copy
import json
import shutil
import sys

import numpy as np
import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

import trl_reference as reference
from common import BOS, EOS, HERE, PAD, random_rows, response_logp, write_json, write_tensors
from make_dpo import make_pairs

FOLDER = HERE / "adapters"
PLAIN = {"r": 4, "lora_alpha": 6, "target_modules": "all-linear"}
ATTENTION = ["q_proj", "v_proj"]
EXPERTS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]

# Name -> (model, options of LoraConfig).
ADAPTERS = {
    "llama-plain": ("llama", PLAIN),
    "llama-rslora": ("llama", {**PLAIN, "use_rslora": True}),
    "llama-dora": ("llama", {**PLAIN, "use_dora": True}),
    "llama-patterns": (
        "llama",
        {
            **PLAIN,
            "rank_pattern": {"layers.0.self_attn.q_proj": 2, "v_proj": 6, "^model.layers.1.mlp.up_proj": 3},
            "alpha_pattern": {r".*\.1\..*o_proj": 3, "(q|k)_proj": 5, "proj": 11},
        },
    ),
    "llama-regex": ("llama", {**PLAIN, "target_modules": r".*\.(?P<layer>1)\.(self_attn|mlp)\.(?:q|k|down)_proj$"}),
    "llama-excluded": ("llama", {**PLAIN, "exclude_modules": ["down_proj", "layers.0.self_attn.k_proj"]}),
    "llama-excluded-regex": (
        "llama",
        {**PLAIN, "target_modules": ["q_proj", "o_proj"], "exclude_modules": r".*layers\.0.*q_proj"},
    ),
    "llama-layers": ("llama", {**PLAIN, "target_modules": ["q_proj", "up_proj"], "layers_to_transform": [1]}),
    "llama-saved": ("llama", {**PLAIN, "target_modules": ATTENTION, "modules_to_save": ["norm", "lm_head", "embed_tokens"]}),
    "llama-parameters": (
        "llama",
        {**PLAIN, "target_modules": ["q_proj"], "target_parameters": ["o_proj.weight", "1.mlp.up_proj.weight"]},
    ),
    "gpt2-plain": ("gpt2", PLAIN),
    "gpt2-dora": ("gpt2", {**PLAIN, "use_dora": True, "use_rslora": True}),
    "gpt2-saved": ("gpt2", {**PLAIN, "target_modules": ["c_attn"], "modules_to_save": ["ln_f"]}),
    "qwen3-plain": ("qwen3", PLAIN),
    "qwen3-patterns": ("qwen3", {**PLAIN, "rank_pattern": {"o_proj": 7}, "use_rslora": True}),
    "gemma2-plain": ("gemma2", PLAIN),
    "gemma2-dora": ("gemma2", {**PLAIN, "use_dora": True}),
    "gpt_neox-plain": ("gpt_neox", PLAIN),
    "phi3-plain": ("phi3", PLAIN),
    "qwen2-plain": ("qwen2", PLAIN),
    "reward-llama-plain": ("reward-llama", PLAIN),
    "reward-gpt2-plain": ("reward-gpt2", PLAIN),
    # A reward model's adapter on a policy: the head is the adapter's.
    "reward-qwen3-dora": ("qwen3", {**PLAIN, "use_dora": True}),
    "mixtral-plain": ("mixtral", PLAIN),
    "mixtral-names": ("mixtral", {**PLAIN, "target_modules": ["q_proj", "w1", "w2", "w3"], "use_rslora": True}),
    "mixtral-down": ("mixtral", {**PLAIN, "target_modules": ["q_proj", "w2"], "rank_pattern": {"down_proj": 3}}),
    "qwen3_moe-plain": ("qwen3_moe", PLAIN),
    "qwen3_moe-parameters": ("qwen3_moe", {**PLAIN, "target_modules": ["o_proj"], "target_parameters": EXPERTS}),
    "gpt_oss-plain": ("gpt_oss", PLAIN),
    "gpt_oss-parameters": (
        "gpt_oss",
        {**PLAIN, "target_modules": ATTENTION, "target_parameters": [*EXPERTS, "router.weight"], "rank_pattern": {"down_proj": 3}},
    ),
}
# Those whose gradients are compared, too.
WITH_GRADIENTS = [
    "llama-plain", "llama-dora", "llama-saved", "gpt2-plain", "qwen3-plain", "gemma2-plain", "reward-llama-plain",
    "mixtral-plain", "qwen3_moe-plain", "gpt_oss-parameters",
]  # fmt: skip
# Models with adapters as PEFT wrote them when experts were modules, before transformers 5.
SEPARATE = ["mixtral", "qwen3_moe"]
TRAINED = {"llama": "llama-plain", "gpt2": "gpt2-plain", "qwen3": "qwen3-plain", "qwen3_moe": "qwen3_moe-plain"}
STEPS, PAIRS_PER_STEP = 3, 4
TRAINING = {"beta": 0.1, "learning_rate": 1e-3, "adam_epsilon": 1e-5}


def is_reward(name: str) -> bool:
    return name.startswith("reward-")


def load_base(name: str, model: str):
    if not is_reward(name):
        return AutoModelForCausalLM.from_pretrained(HERE / "models" / model, dtype=torch.float32).eval()
    torch.manual_seed(5)
    options = {} if is_reward(model) else {"pad_token_id": PAD}
    return AutoModelForSequenceClassification.from_pretrained(
        HERE / "models" / model, dtype=torch.float32, num_labels=1, **options
    ).eval()


def randomize_adapter(model, seed: int) -> None:
    """Moves all that is trained away from where it starts, as training does, and further."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)


def relocate(directory, base: str) -> None:
    """Names the base by its path from the adapter, and drops what depends on the machine."""
    (directory / "README.md").unlink(missing_ok=True)
    path = directory / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = f"../../models/{base}"
    for key in ("target_modules", "target_parameters", "exclude_modules", "modules_to_save"):
        if isinstance(config[key], list):
            config[key] = sorted(config[key])
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def saved_name(parameter: str) -> str:
    """A parameter of a PEFT model as its files call it."""
    name = parameter.replace(".default", "").replace(".modules_to_save", "")
    return name.removesuffix(".weight") if "magnitude" in name else name


def expected(model, name: str) -> tuple[dict, dict]:
    rows = random_rows(np.random.default_rng(31), [5, 12, 27])
    outputs = lambda row: model(torch.tensor([row])).logits[0]
    content, tensors = {"cases": [{"tokens": row} for row in rows]}, {}
    with torch.no_grad():
        for index, row in enumerate(rows):
            if is_reward(name):
                content["cases"][index]["score"] = np.float32(outputs(row)[0].item())
            else:
                tensors[f"logits.{index}"] = outputs(row)
    if name in WITH_GRADIENTS:
        model.get_input_embeddings().padding_idx = None
        model.zero_grad()
        loss = sum(outputs(row)[0] if is_reward(name) else response_logp(outputs(row), row, 1) for row in rows)
        loss.backward()
        content["norms"] = {
            saved_name(key): parameter.grad.double().norm().item()
            for key, parameter in model.named_parameters()
            if parameter.requires_grad
        }
    return content, tensors


def write_expected(directory, content: dict, tensors: dict) -> None:
    write_json(directory / "expected.json", {"peft": peft.__version__, **content})
    if tensors:
        write_tensors(directory / "expected.safetensors", tensors)


def make(name: str, seed: int) -> None:
    base, options = ADAPTERS[name]
    directory = FOLDER / name
    shutil.rmtree(directory, ignore_errors=True)
    task = "SEQ_CLS" if is_reward(name) else "CAUSAL_LM"
    model = get_peft_model(load_base(name, base), LoraConfig(task_type=task, **copy.deepcopy(options))).eval()
    randomize_adapter(model, seed)
    model.save_pretrained(directory)
    relocate(directory, base)
    write_expected(directory, *expected(model, name))


def make_separate(base: str) -> None:
    """An adapter of single experts, with what PEFT computes once it has put it together."""
    directory = FOLDER / f"{base}-separate"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    generator = torch.Generator().manual_seed(77)
    draw = lambda *shape: torch.randn(shape, generator=generator) * 0.2
    tensors, targets = {}, []
    weights = load_file(HERE / "models" / base / "model.safetensors")
    for name, weight in sorted(weights.items()):
        path = name.removesuffix(".weight")
        is_expert = ".experts." in name or path.endswith(".gate")
        if weight.ndim == 2 and (is_expert or path.endswith("q_proj")):
            targets.append(path)
            tensors[f"base_model.model.{path}.lora_A.weight"] = draw(4, weight.shape[1])
            tensors[f"base_model.model.{path}.lora_B.weight"] = draw(weight.shape[0], 4)
    save_file(tensors, directory / "adapter_model.safetensors", metadata={"format": "pt"})
    config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=6, target_modules=targets)
    config.inference_mode = True
    config.save_pretrained(directory)
    relocate(directory, base)
    model = PeftModel.from_pretrained(load_base(base, base), directory).eval()
    for part in ("lora_A", "lora_B"):
        assert any(p.abs().sum() > 0 for key, p in model.named_parameters() if f"experts.{part}" in key)
    write_expected(directory, *expected(model, f"{base}-separate"))


def train(name: str) -> None:
    """Three steps of TRL's DPO from an adapter that is given; the reference is the base without it."""
    base, options = ADAPTERS[TRAINED[name]]
    pairs = make_pairs(STEPS * PAIRS_PER_STEP)
    settings = {**TRAINING, "per_device_train_batch_size": PAIRS_PER_STEP, "max_steps": STEPS}
    config = LoraConfig(task_type="CAUSAL_LM", **copy.deepcopy(options))
    if base == "qwen3_moe":
        settings["router_aux_loss_coef"] = 0.0
    trainer = reference.dpo_trainer(
        load_base(name, base), None, pairs, reference.tiny_tokenizer(PAD, EOS), peft_config=config, **settings
    )
    given = load_file(FOLDER / TRAINED[name] / "adapter_model.safetensors")
    with torch.no_grad():
        for key, parameter in trainer.model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(given[saved_name(key)])
    steps, updates, undecayed = reference.train(trainer, {STEPS})
    assert not undecayed or all("lora" not in key for key in undecayed)
    for index, step in enumerate(steps):
        step["pairs"] = list(range(index * PAIRS_PER_STEP, (index + 1) * PAIRS_PER_STEP))
    write_json(
        FOLDER / "dpo" / f"{name}.json",
        {
            "adapter": f"adapters/{TRAINED[name]}",
            "pairs": pairs,
            "training": {
                "settings": {**reference.OPTIMIZER, **TRAINING}, "without_weight_decay": [], "steps": steps,
            },
        },
    )  # fmt: skip
    write_tensors(
        FOLDER / "dpo" / f"{name}.safetensors",
        {saved_name(key): update for key, update in updates[STEPS].items() if "lora_" in key},
    )


def main(only: list[str]) -> None:
    for seed, name in enumerate(ADAPTERS, start=300):
        if not only or name in only:
            make(name, seed)
    for base in SEPARATE:
        if not only or f"{base}-separate" in only:
            make_separate(base)
    for name in TRAINED:
        if not only or "dpo" in only:
            train(name)


if __name__ == "__main__":
    main(sys.argv[1:])

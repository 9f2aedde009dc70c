"""What the fixture scripts share: places, seeds, number formatting, random checkpoints, sign projections."""

import json
import os
import platform
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
VOCABULARY = 160
BOS, EOS, PAD = 1, 2, 159
"""Special ids of the tiny models. PAD is never part of a row of tokens."""


def versions() -> dict:
    """The versions that made a fixture; every fixture carries them."""
    import accelerate
    import transformers
    import trl

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "trl": trl.__version__,
        "accelerate": accelerate.__version__,
        "numpy": np.__version__,
    }


def plain(value):
    """Tensors and numpy values as Python numbers. float32 keeps its own shortest digits, float64 all of its digits."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value] if value.ndim else plain(value[()])
    if isinstance(value, np.float32):
        return float(str(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def compact(value) -> bool:
    """Whether a value is written on one line: numbers, strings and lists of them."""
    if isinstance(value, list):
        return all(not isinstance(item, dict) and compact(item) for item in value)
    return not isinstance(value, dict)


def render(value, indent=0) -> str:
    pad = " " * (indent + 1)
    if compact(value) or not value:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        items = [f"{pad}{json.dumps(key)}: {render(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"
    items = [pad + render(item, indent + 1) for item in value]
    return "[\n" + ",\n".join(items) + "\n" + " " * indent + "]"


def write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(plain({"versions": versions(), **content})) + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(HERE)} ({path.stat().st_size:,} bytes)")


def write_tensors(path: Path, tensors: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}, path)
    print(f"wrote {path.relative_to(HERE)} ({path.stat().st_size:,} bytes)")


def randomize(model, seed: int, scale: float = 0.2) -> None:
    """Draws every parameter, norms and biases too, so that no weight can be ignored without changing a result."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator) * scale
            is_norm_gain = parameter.ndim == 1 and name.endswith("weight")
            parameter.copy_(1 + noise if is_norm_gain else noise)
    model.eval()


def random_rows(generator: np.random.Generator, lengths: list[int]) -> list[list[int]]:
    """Rows of ordinary token ids (no special id) that start with BOS and end with EOS where they are long enough."""
    rows = []
    for length in lengths:
        row = generator.integers(3, PAD, size=length).tolist()
        row[0] = BOS
        if length > 2:
            row[-1] = EOS
        rows.append(row)
    return rows


def response_logp(logits: torch.Tensor, tokens: list[int], start: int) -> torch.Tensor:
    """Summed log-probability of tokens[start:], each predicted by the logits one position earlier."""
    logps = torch.log_softmax(logits[start - 1 : len(tokens) - 1], dim=-1)
    return logps.gather(-1, torch.tensor(tokens[start:]).unsqueeze(-1)).sum()


PROJECTION_SEED = 0x4D504F
PROJECTIONS = 4


def projection_hashes(count: int) -> np.ndarray:
    """The first `count` outputs of SplitMix64 started at PROJECTION_SEED, as uint64."""
    with np.errstate(over="ignore"):
        z = np.uint64(PROJECTION_SEED) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def summarize(tensor: torch.Tensor) -> dict:
    """L2 norm and PROJECTIONS sign projections of a tensor, in float64 over its row-major elements.

    Projection k of x is sum_i s(i, k) x_i, s = +1 where bit (63 - k) of SplitMix64 output i is 0, else -1.
    """
    values = tensor.detach().double().reshape(-1).numpy()
    hashes = projection_hashes(values.size)
    projections = []
    for k in range(PROJECTIONS):
        negative = ((hashes >> np.uint64(63 - k)) & np.uint64(1)).astype(bool)
        projections.append(float(values.sum() - 2 * values[negative].sum()))
    return {"norm": float(np.sqrt(np.square(values).sum())), "projections": projections}

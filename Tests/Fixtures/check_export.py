"""Loads a directory saved by mpo with transformers and compares what it computes with numbers in a JSON file.

usage: check_export.py causal DIR CASES    CASES: {"tolerance": 1e-4, "cases": [{"tokens": [...], "logits": [[...]]}]}
       check_export.py reward DIR CASES    CASES: {"tolerance": 1e-4, "cases": [{"tokens": [...], "score": 0.5}]}
       check_export.py adapters DIR CASES  CASES: {"cases": [{"directory": "...", "tokens": [...], "output": [...]}]}

A causal case may hold "logits" (one row of the vocabulary a token), "next_token_logps" (the log-probability of
tokens[1], tokens[2], ...), or both. Reward rows are scored in one batch, padded on the right with the config's
pad_token_id. Adapters are read by PEFT, each on the base that it names; "output" has the logits of all tokens, or a score.
Exit status: 0 equal, 1 different or not loadable, 2 wrong usage.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["CUDA_VISIBLE_DEVICES"] = ""


class Mismatch(Exception):
    """What is wrong with the export, in one line."""


def load(model_class, directory: str):
    import torch

    model, report = model_class.from_pretrained(
        directory, dtype=torch.float32, output_loading_info=True, local_files_only=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report.get(kind):
            raise Mismatch(f"{directory}: {kind}: {sorted(map(str, report[kind]))}")
    return model.eval()


def largest_difference(what: str, actual, expected) -> float:
    import torch

    expected = torch.tensor(expected, dtype=torch.float64)
    if actual.shape != expected.shape:
        raise Mismatch(f"{what}: transformers gives shape {list(actual.shape)}, CASES has {list(expected.shape)}")
    difference = (actual.double() - expected).abs().max().item() if actual.numel() else 0.0
    return float("inf") if difference != difference else difference


def compare(what: str, actual, expected, tolerance: float) -> float:
    difference = largest_difference(what, actual, expected)
    if difference > tolerance:
        raise Mismatch(f"{what}: differs by up to {difference:.3g}, more than {tolerance:g}")
    return difference


def check_causal(directory: str, cases: list[dict], tolerance: float) -> float:
    import torch
    from transformers import AutoModelForCausalLM

    model = load(AutoModelForCausalLM, directory)
    worst = 0.0
    for index, case in enumerate(cases):
        if not {"logits", "next_token_logps"} & set(case):
            raise Mismatch(f"case {index} has neither logits nor next_token_logps")
        tokens = torch.tensor(case["tokens"])
        logits = model(tokens.unsqueeze(0)).logits[0]
        if "logits" in case:
            worst = max(worst, compare(f"case {index}: logits", logits, case["logits"], tolerance))
        if "next_token_logps" in case:
            logps = torch.log_softmax(logits[:-1], -1).gather(-1, tokens[1:, None])[:, 0]
            worst = max(worst, compare(f"case {index}: log-probabilities", logps, case["next_token_logps"], tolerance))
    return worst


def check_reward(directory: str, cases: list[dict], tolerance: float) -> float:
    import torch
    from transformers import AutoModelForSequenceClassification

    model = load(AutoModelForSequenceClassification, directory)
    pad = model.config.get_text_config().pad_token_id
    if model.config.num_labels != 1:
        raise Mismatch(f"{directory}: num_labels is {model.config.num_labels}, not 1")
    if pad is None:
        raise Mismatch(f"{directory}: config.json names no pad_token_id, so transformers cannot score a batch")
    if len(cases) < 2:
        raise Mismatch("CASES has fewer than two rows, so padding would not be checked")
    for index, case in enumerate(cases):
        if pad in case["tokens"]:
            raise Mismatch(f"case {index}: pad_token_id {pad} is one of its tokens")
    longest = max(len(case["tokens"]) for case in cases)
    rows = torch.tensor([case["tokens"] + [pad] * (longest - len(case["tokens"])) for case in cases])
    mask = torch.tensor([[1] * len(case["tokens"]) + [0] * (longest - len(case["tokens"])) for case in cases])
    scores = model(rows, attention_mask=mask).logits[:, 0]
    return compare("scores", scores, [case["score"] for case in cases], tolerance)


def load_adapter(directory: str):
    """A base with an adapter, of which PEFT must find each tensor and no other."""
    import torch
    from peft import PeftConfig, PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    config = PeftConfig.from_pretrained(directory)
    options = {"dtype": torch.float32, "local_files_only": True}
    if config.task_type == "SEQ_CLS":
        base = AutoModelForSequenceClassification.from_pretrained(
            config.base_model_name_or_path, num_labels=1, **options
        )
    else:
        base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, **options)
    # Fresh matrices of the same adapter, which add nothing, in the place of any that the file lacks.
    model = PeftModel(base, config)
    report = model.load_adapter(directory, "default")
    missing = [key for key in report.missing_keys if "lora_" in key or "modules_to_save" in key]
    if missing or report.unexpected_keys:
        raise Mismatch(f"{directory}: missing {missing}, left over {report.unexpected_keys}")
    return model.eval()


def check_adapters(_: str, cases: list[dict], tolerance: float) -> float:
    import torch

    worst, model, loaded = 0.0, None, None
    for case in cases:
        if case["directory"] != loaded:
            loaded = case["directory"]
            model = load_adapter(loaded)
        output = model(torch.tensor([case["tokens"]])).logits[0].flatten()
        worst = max(worst, compare(os.path.basename(loaded), output, case["output"], tolerance))
    return worst


def main(arguments: list[str]) -> int:
    checks = {"causal": check_causal, "reward": check_reward, "adapters": check_adapters}
    if len(arguments) != 3 or arguments[0] not in checks:
        print(__doc__, file=sys.stderr)
        return 2
    kind, directory, path = arguments
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    if not content["cases"]:
        print(f"{path}: no cases", file=sys.stderr)
        return 2
    import torch

    try:
        with torch.no_grad():
            worst = checks[kind](directory, content["cases"], content.get("tolerance", 1e-4))
    except Mismatch as problem:
        print(f"check_export: {problem}", file=sys.stderr)
        return 1
    except Exception as problem:  # transformers raises many kinds for a bad directory
        print(f"check_export: {directory}: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    print(f"check_export: {len(content['cases'])} {kind} cases equal, largest difference {worst:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Adapters in both directions: those of PEFT's making are scored by mpo, and those that mpo trains are read by PEFT.

usage: check_adapters.py MPO [NAME...]

MPO is the command; NAMEs choose of the models in models/ and of the sets of options. A line for each tells the largest
difference of summed log-probabilities, or of rewards. Exit status: 0 all equal, 1 some differ or cannot be read, 2 wrong usage.
Long: about a second for each of some 350 cases.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.utils import logging

from common import EOS, HERE, response_logp

logging.disable_progress_bar()
logging.set_verbosity_error()
TOLERANCE = 2e-3
"""Of sums over some tens of tokens in float32."""
EXPERTS = ["mixtral", "qwen3_moe", "gpt_oss"]
CAUSAL = [
    "llama", "llama-tied", "llama-rope3", "mistral", "gpt_neox", "gpt_neox-sequential", "gpt2", "qwen2", "qwen3", "gemma",
    "gemma2", "gemma3", "granite", "olmo2", "olmo3", "phi3", "smollm3", *EXPERTS,
]  # fmt: skip
WITHOUT_SCORES = ["granite"]
"""Of which transformers has no reward models."""
REWARD = ["reward-llama", "reward-gpt_neox", "reward-gpt2", "reward-gemma2", "reward-gpt_oss"]
NORMS = ["norm", "ln_f", "final_layer_norm"]
ALL = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}
OPTIONS = {
    "plain": ALL,
    "rslora": {**ALL, "use_rslora": True},
    "dora": {**ALL, "use_dora": True},
    "default": {"r": 4, "lora_alpha": 8},
    "patterns": {
        **ALL,
        "rank_pattern": {"layers.0.self_attn.q_proj": 2, "v_proj": 6, "c_attn": 3, "down_proj": 5, "gate.weight": 2},
        "alpha_pattern": {".*1.*o_proj": 3, "c_fc": 5, "^model.*gate_proj": 7},
    },
    "regex": {**ALL, "target_modules": r".*\.(1)\..*(q_proj|c_attn|query_key_value|qkv_proj)"},
    "lookahead": {**ALL, "target_modules": r"(?P<layer>.*\.\d+)\.(?!mlp)\w+\.(?:[qo]_proj|c_attn|dense|qkv_proj)\Z"},
    "exclude": {**ALL, "exclude_modules": ["down_proj", "c_proj", "dense_4h_to_h"]},
    "saved": {"r": 4, "lora_alpha": 8, "modules_to_save": NORMS},
    "layers": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "o_proj", "c_attn", "dense", "qkv_proj"], "layers_to_transform": [1]},
    "parameters": {"r": 4, "lora_alpha": 8, "target_modules": [], "target_parameters": ["experts.gate_up_proj", "experts.down_proj"]},
    "half": {"r": 4, "lora_alpha": 8, "target_modules": ["o_proj"], "target_parameters": ["experts.down_proj"], "use_rslora": True},
}  # fmt: skip
# What PEFT refuses of parameters, and what there is to ask of experts alone.
SKIPPED = {(model, "dora") for model in EXPERTS} - {("gpt_oss", "dora")}
FOR_EXPERTS = {"parameters", "half"}


class Checker:
    def __init__(self, mpo: str, work: Path, only: list[str]):
        self.mpo, self.work, self.only, self.bad = str(Path(mpo).resolve()), work, only, 0
        self.tokenizer = Tokenizer.from_file(str(HERE / "commands" / "tokenizer.json"))
        self.pairs = [json.loads(line) for line in open(HERE / "commands" / "pairs.jsonl", encoding="utf-8")]

    def wanted(self, *names: str) -> bool:
        return not self.only or any(name in self.only for name in names)

    def add_tokenizer(self, directory: Path) -> None:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(HERE / "commands" / name, directory)

    def base(self, model: str) -> Path:
        """A copy of a model with the tokenizer."""
        directory = self.work / model
        if not directory.exists():
            shutil.copytree(HERE / "models" / model, directory)
            self.add_tokenizer(directory)
        return directory

    def rows(self):
        for pair in self.pairs:
            for answer in (pair["chosen"], pair["rejected"]):
                ids = self.tokenizer.encode(pair["prompt"] + answer).ids + [EOS]
                yield len(self.tokenizer.encode(pair["prompt"]).ids), ids

    def expected(self, model, is_reward: bool) -> list[float]:
        with torch.no_grad():
            outputs = [(model(torch.tensor([ids])).logits[0], start, ids) for start, ids in self.rows()]
        return [(out[0] if is_reward else response_logp(out, ids, start)).item() for out, start, ids in outputs]

    def scored(self, directory: Path, is_reward: bool) -> list[float]:
        output = self.work / "scored.jsonl"
        # A reward model has no log-probabilities; the policy beside it is any.
        models = ["--model", self.base("llama"), "--reward", directory] if is_reward else ["--model", directory]
        self.run("score", *models, "--data", HERE / "commands" / "pairs.jsonl", "--output", output)
        keys = ["chosen_reward", "rejected_reward"] if is_reward else ["chosen_logps", "rejected_logps"]
        return [row[key] for row in map(json.loads, open(output, encoding="utf-8")) for key in keys]

    def run(self, *arguments) -> None:
        result = subprocess.run([self.mpo, *map(str, arguments)], capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError((result.stderr.strip().splitlines() or ["failed"])[-1])

    @contextlib.contextmanager
    def case(self, name: str):
        """Tells what a case comes to; the body puts numbers of both into a list."""
        numbers: list[list[float]] = []
        try:
            yield numbers
            error = max(abs(x - y) for x, y in zip(*numbers, strict=True))
            verdict = "ok" if error < TOLERANCE else "DIFFERENT"
            self.bad += verdict != "ok"
            print(f"{name}: {error:.1e} {verdict}", flush=True)
        except Exception as problem:  # PEFT, transformers and the command fail in many ways
            self.bad += 1
            print(f"{name}: FAILED {str(problem).splitlines()[0]}", flush=True)

    def load(self, directory: Path, is_reward: bool):
        kind = AutoModelForSequenceClassification if is_reward else AutoModelForCausalLM
        options = {"num_labels": 1} if is_reward else {}
        return kind.from_pretrained(directory, dtype=torch.float32, **options).eval()

    def made_by_peft(self, name: str, option: str, is_reward: bool) -> None:
        directory = self.work / f"{name}-{option}"
        options = json.loads(json.dumps(OPTIONS[option]))
        base = self.load(self.base(name), is_reward)
        if "modules_to_save" in options:
            there = {module.rpartition(".")[2] for module, _ in base.named_modules()}
            options["modules_to_save"] = [module for module in options["modules_to_save"] if module in there]
        try:
            model = get_peft_model(base, LoraConfig(task_type="SEQ_CLS" if is_reward else "CAUSAL_LM", **options)).eval()
        except ValueError as problem:
            print(f"{name} {option}: PEFT refuses: {str(problem)[:70]}", flush=True)
            return
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter) * 0.05)
        model.save_pretrained(directory)
        self.add_tokenizer(directory)
        with self.case(f"{name} {option} by PEFT") as numbers:
            numbers += [self.expected(model, is_reward), self.scored(directory, is_reward)]

    def trained_by_mpo(self, name: str, options: dict) -> None:
        """A step of DPO and one of a reward model, whose adapters PEFT reads."""
        label = " ".join(f"{key}={value}" for key, value in options.items())
        output = self.work / f"run-{name}-{len(list(self.work.iterdir()))}"
        # The copies of the base that PEFT finds by the path that an adapter names.
        lines = {
            "model_name_or_path": str(self.base(name)),
            "output_dir": str(output),
            "use_peft": True,
            "lora_r": 4,
            "dataset": {"train": str(HERE / "commands" / "pairs.jsonl"), "eval": [], "max_length": 96},
            "stages": ["dpo", "reward"],
            "dpo": {"max_steps": 2, "train_batch_size": 4, "learning_rate": 0.05},
            "reward": {"init": "base", "max_steps": 2, "train_batch_size": 4, "learning_rate": 0.05},
            **options,
        }
        config = self.work / "config.yaml"
        config.write_text(json.dumps(lines))
        for stage, is_reward in (("01-dpo", False), ("02-reward", True)):
            if is_reward and name in WITHOUT_SCORES:
                continue
            with self.case(f"{name} {label} {stage} by mpo") as numbers:
                if not is_reward:
                    self.run("train", config)
                directory = output / "stages" / stage / "final"
                base = json.loads((directory / "adapter_config.json").read_text())["base_model_name_or_path"]
                model = PeftModel.from_pretrained(self.load(Path(base), is_reward), directory).eval()
                numbers += [self.expected(model, is_reward), self.scored(directory, is_reward)]

    def check(self) -> None:
        torch.manual_seed(0)
        for name in CAUSAL + REWARD:
            for option in OPTIONS:
                is_for_experts = option in FOR_EXPERTS and name not in EXPERTS
                if (name, option) not in SKIPPED and not is_for_experts and self.wanted(name, option):
                    self.made_by_peft(name, option, name in REWARD)
        for name in CAUSAL:
            for options in (
                {"lora_target_modules": "all-linear"},
                {"lora_target_modules": "all-linear", "use_dora": True, "use_rslora": True},
                {},
                {"lora_target_parameters": ["experts.down_proj", "experts.gate_up_proj"]},
            ):
                is_for_experts = "lora_target_parameters" in options and name not in EXPERTS
                if (name, "dora" if "use_dora" in options else "") not in SKIPPED and not is_for_experts and self.wanted(name, "mpo"):
                    self.trained_by_mpo(name, options)


def main(arguments: list[str]) -> int:
    if not arguments or not Path(arguments[0]).is_file():
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work:
        checker = Checker(arguments[0], Path(work), arguments[1:])
        checker.check()
    print(f"{checker.bad} bad")
    return 1 if checker.bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

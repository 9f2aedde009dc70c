"""TRL's other preference losses on the pairs of dpo/tiny.json: the losses of three steps, and what the steps did to the
weights, by norm and sign projections. CPO, SimPO and ORPO come from trl.experimental."""

import os

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import json
import tempfile

import torch
from datasets import Dataset
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

import make_dpo as dpo
import trl_reference as reference
from common import BOS, EOS, HERE, PAD, PROJECTION_SEED, PROJECTIONS, summarize, write_json

# What a configuration of this project says: what TRL is told.
DPO = {
    "loss_type: sigmoid": {},
    "loss_type: hinge": {"loss_type": "hinge"},
    "loss_type: ipo": {"loss_type": "ipo"},
    "{loss_type: exo_pair, label_smoothing: 0.001}": {"loss_type": "exo_pair", "label_smoothing": 0.001},
    "loss_type: nca_pair": {"loss_type": "nca_pair"},
    "{loss_type: robust, label_smoothing: 0.1}": {"loss_type": "robust", "label_smoothing": 0.1},
    "loss_type: bco_pair": {"loss_type": "bco_pair"},
    "loss_type: sppo_hard": {"loss_type": "sppo_hard"},
    "loss_type: aot": {"loss_type": "aot"},
    "loss_type: aot_unpaired": {"loss_type": "aot_unpaired"},
    "loss_type: apo_zero": {"loss_type": "apo_zero"},
    "loss_type: apo_down": {"loss_type": "apo_down"},
    "loss_type: discopop": {"loss_type": "discopop"},
    "loss_type: sft": {"loss_type": "sft"},
    "loss_type: sigmoid_norm": {"loss_type": "sigmoid_norm"},
    "loss_type: [sigmoid, sft]": {"loss_type": ["sigmoid", "sft"]},
    "{loss_type: [sigmoid, bco_pair, sft], loss_weights: [0.8, 0.2, 1.0]}": {
        "loss_type": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0]},
    "use_weighting: true": {"use_weighting": True},
    "ld_alpha: 0.5": {"ld_alpha": 0.5},
    "{loss_type: ipo, ld_alpha: 0.3}": {"loss_type": "ipo", "ld_alpha": 0.3},
    "f_divergence_type: forward_kl": {"f_divergence_type": "forward_kl"},
    "{loss_type: sigmoid_norm, f_divergence_type: js_divergence}": {
        "loss_type": "sigmoid_norm", "f_divergence_type": "js_divergence"},
    "{f_divergence_type: alpha_divergence, f_alpha_divergence_coef: 0.7}": {
        "f_divergence_type": "alpha_divergence", "f_alpha_divergence_coef": 0.7},
}
CPO = {
    "loss_type: cpo": {"loss_type": "sigmoid", "cpo_alpha": 1.0},
    "{loss_type: cpo, cpo_alpha: 0.5, label_smoothing: 0.1}": {"loss_type": "sigmoid", "cpo_alpha": 0.5, "label_smoothing": 0.1},
    "loss_type: simpo": {"loss_type": "simpo", "cpo_alpha": 0.0, "simpo_gamma": 0.5},
    "{loss_type: simpo, label_smoothing: 0.1}": {"loss_type": "simpo", "cpo_alpha": 0.0, "simpo_gamma": 0.5, "label_smoothing": 0.1},
    "{loss_type: [simpo, sft], loss_weights: [1, 0.3]}": {"loss_type": "simpo", "cpo_alpha": 0.3, "simpo_gamma": 0.5},
}


class IdsOnly(reference.IdsOnly):
    """Rows hold token ids under the names that these trainers' collators read."""

    def tokenize_row(self, feature, *args, **kwargs):
        return feature


class IdsCPOTrainer(IdsOnly, CPOTrainer):
    pass


class IdsORPOTrainer(IdsOnly, ORPOTrainer):
    pass


def rows(pairs: list[dict], without_prompt: bool) -> Dataset:
    result = []
    for pair in pairs:
        prompt = [] if without_prompt else pair["prompt_ids"]
        row = {"prompt": "", "chosen": "", "rejected": "", "prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
        for side in ("chosen", "rejected"):
            ids = pair[f"{side}_ids"]
            row[f"{side}_input_ids"] = prompt + ids
            row[f"{side}_attention_mask"] = [1] * len(prompt + ids)
            row[f"{side}_labels"] = [-100] * len(prompt) + ids
        result.append(row)
    return Dataset.from_list(result)


def free_trainer(trainer_class, config_class, pairs, tokenizer, without_prompt=False, **overrides):
    settings = {k: v for k, v in {**reference.PLAIN_FLOAT32, **reference.OPTIMIZER}.items() if k != "max_length"}
    settings |= {"beta": dpo.BETA, "learning_rate": dpo.LEARNING_RATE, "adam_epsilon": dpo.ADAM_EPSILON,
                 "per_device_train_batch_size": dpo.PAIRS_PER_STEP, "max_steps": dpo.STEPS, "max_length": 512,
                 "remove_unused_columns": False, **overrides}
    with tempfile.TemporaryDirectory() as scratch:
        return trainer_class(
            model=dpo.load(dpo.FOLDER / "policy"), args=config_class(output_dir=scratch, **settings),
            train_dataset=rows(pairs, without_prompt), processing_class=tokenizer)


def case(configuration: str, trainer, **more) -> dict:
    torch.manual_seed(0)
    steps, updates, _ = reference.train(trainer, {dpo.STEPS})
    update = updates[dpo.STEPS]
    flat = torch.cat([update[name].reshape(-1) for name in sorted(update)])
    return {"configuration": configuration, **more, "losses": [step["loss"] for step in steps],
            "grad_norms": [step["grad_norm"] for step in steps], "update": summarize(flat)}


def main() -> None:
    pairs = json.load(open(dpo.FOLDER / "tiny.json"))["pairs"]
    tokenizer = reference.tiny_tokenizer(PAD, EOS)
    cases = [
        case(text, dpo.trainer_for(pairs, tokenizer, max_steps=dpo.STEPS, **options)) for text, options in DPO.items()
    ] + [
        case(text, free_trainer(IdsCPOTrainer, CPOConfig, pairs, tokenizer, **options)) for text, options in CPO.items()
    ]
    bare = [{**pair, "chosen_ids": [BOS] + pair["chosen_ids"], "rejected_ids": [BOS] + pair["rejected_ids"]} for pair in pairs]
    cases.append(case(
        "loss_type: orpo", free_trainer(IdsORPOTrainer, ORPOConfig, bare, tokenizer, without_prompt=True), without_prompt=True))
    write_json(dpo.FOLDER / "losses.json", {
        "beta": dpo.BETA, "projections": {"seed": PROJECTION_SEED, "count": PROJECTIONS}, "cases": cases})


if __name__ == "__main__":
    main()

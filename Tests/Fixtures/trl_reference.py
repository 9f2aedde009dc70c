"""Runs TRL's trainers on ready-made token ids and records losses, gradients and parameter updates."""

import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, TrainerCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from common import VOCABULARY

OPTIMIZER = {
    "optim": "adamw_torch",
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "weight_decay": 0.1,
    "max_grad_norm": 1.0,
    "lr_scheduler_type": "constant",
    "warmup_steps": 0,
}
PLAIN_FLOAT32 = {
    "use_cpu": True,
    "bf16": False,
    "fp16": False,
    "gradient_checkpointing": False,
    "disable_dropout": True,
    "max_length": None,
    "report_to": [],
    "logging_steps": 1,
    "logging_first_step": True,
    "save_strategy": "no",
    "disable_tqdm": True,
    "seed": 0,
    "train_sampling_strategy": "sequential",
    "gradient_accumulation_steps": 1,
}


class IdsOnly:
    """Keeps a trainer from tokenizing: the data set holds token ids already."""

    def _prepare_dataset(self, dataset, *args, **kwargs):
        return dataset


class IdsDPOTrainer(IdsOnly, DPOTrainer):
    pass


class IdsKTOTrainer(IdsOnly, KTOTrainer):
    pass


class IdsRewardTrainer(IdsOnly, RewardTrainer):
    pass


class IdsSFTTrainer(IdsOnly, SFTTrainer):
    pass


def tiny_tokenizer(pad: int, eos: int) -> PreTrainedTokenizerFast:
    """A stand-in for the constructors of the trainers; only its pad and EOS ids are ever used."""
    words = {f"t{index}": index for index in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="t0"))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=f"t{pad}", eos_token=f"t{eos}")


def dpo_trainer(model, reference, pairs: list[dict], tokenizer, peft_config=None, **overrides) -> DPOTrainer:
    with tempfile.TemporaryDirectory() as scratch:
        args = DPOConfig(output_dir=scratch, **{**PLAIN_FLOAT32, **OPTIMIZER, **overrides})
        return IdsDPOTrainer(
            model=model,
            ref_model=reference,
            args=args,
            train_dataset=Dataset.from_list(pairs),
            processing_class=tokenizer,
            peft_config=peft_config,
        )


def kto_trainer(model, reference, answers: list[dict], tokenizer, **overrides) -> KTOTrainer:
    with tempfile.TemporaryDirectory() as scratch:
        args = KTOConfig(output_dir=scratch, **{**PLAIN_FLOAT32, **OPTIMIZER, **overrides})
        return IdsKTOTrainer(
            model=model,
            ref_model=reference,
            args=args,
            train_dataset=Dataset.from_list(answers),
            processing_class=tokenizer,
        )


def reward_trainer(model, pairs: list[dict], tokenizer, **overrides) -> RewardTrainer:
    with tempfile.TemporaryDirectory() as scratch:
        args = RewardConfig(output_dir=scratch, **{**PLAIN_FLOAT32, **OPTIMIZER, **overrides})
        return IdsRewardTrainer(
            model=model, args=args, train_dataset=Dataset.from_list(pairs), processing_class=tokenizer
        )


def sft_trainer(model, rows: list[dict], tokenizer, **overrides) -> SFTTrainer:
    settings = {
        key: value for key, value in {**PLAIN_FLOAT32, **OPTIMIZER, **overrides}.items() if key != "disable_dropout"
    }
    with tempfile.TemporaryDirectory() as scratch:
        args = SFTConfig(output_dir=scratch, **settings)
        return IdsSFTTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)


def parameters(model) -> dict[str, torch.Tensor]:
    return {name: parameter for name, parameter in model.named_parameters()}


def batch_loss(trainer, examples: list[dict]) -> torch.Tensor:
    """TRL's loss of one batch, with its graph."""
    trainer.model.train()
    return trainer.compute_loss(trainer.model, dict(trainer.data_collator(examples)))


def loss_and_gradients(trainer, examples: list[dict]) -> tuple[float, dict[str, torch.Tensor]]:
    """TRL's loss of one batch and the gradient of every parameter, not clipped."""
    trainer.model.zero_grad()
    loss = batch_loss(trainer, examples)
    loss.backward()
    gradients = {name: p.grad.detach().clone() for name, p in parameters(trainer.model).items()}
    trainer.model.zero_grad()
    return loss.item(), gradients


class UpdateRecorder(TrainerCallback):
    """Parameter minus its initial value, after chosen optimizer steps."""

    def __init__(self, model, steps: set[int]):
        self.model, self.steps, self.updates, self.count = model, steps, {}, 0
        self.initial = {name: p.detach().clone() for name, p in parameters(model).items()}

    def on_optimizer_step(self, args, state, control, **kwargs):
        self.count += 1
        if self.count in self.steps:
            self.updates[self.count] = {
                name: p.detach() - self.initial[name] for name, p in parameters(self.model).items()
            }


def train(trainer, recorded_steps: set[int]) -> tuple[list[dict], dict[int, dict[str, torch.Tensor]], list[str]]:
    """Trains; returns each step's loss, gradient norm before clipping and learning rate, the recorded updates,
    and the names of the parameters that weight decay leaves alone (biases and norms)."""
    recorder = UpdateRecorder(trainer.model, recorded_steps)
    trainer.add_callback(recorder)
    undecayed = sorted(set(parameters(trainer.model)) - set(trainer.get_decay_parameter_names(trainer.model)))
    trainer.train()
    steps = [
        {
            "loss": entry["loss"],
            "grad_norm": entry["grad_norm"],
            "learning_rate": entry["learning_rate"],
        }
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    return steps, recorder.updates, undecayed

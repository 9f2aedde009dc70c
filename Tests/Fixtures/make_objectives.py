"""Golden values of objectives and of the optimizer, computed here from their formulas in float64.

Nothing of a training library is used: numpy for the values, torch's autograd (float64) for gradients.
"""

import numpy as np
import torch
import torch.nn.functional as F

from common import HERE, write_json

RANDOM = np.random.default_rng(20240328)


def double(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# Preference losses


def preference_losses(h, average_h, beta: float, smoothing: float) -> dict:
    """Losses a pair; h = (chosen log-ratio) - (rejected log-ratio) of sums, average_h the same of token means."""
    z = beta * h
    return {
        "sigmoid": -F.logsigmoid(z),
        "label_smoothing": -(1 - smoothing) * F.logsigmoid(z) - smoothing * F.logsigmoid(-z),
        "hinge": torch.relu(1 - z),
        "ipo": (average_h - 1 / (2 * beta)) ** 2,
        "ipo_sum": (h - 1 / (2 * beta)) ** 2,
    }


def preference_golden() -> dict:
    """The worked example: log-probabilities a token."""
    tokens = {
        "policy_chosen": [-0.5, -1.0, -0.2, -2.0],
        "reference_chosen": [-0.7, -1.1, -0.4, -1.5],
        "policy_rejected": [-0.3, -1.5, -0.9, -0.6, -1.2, -0.4],
        "reference_rejected": [-0.4, -1.0, -0.8, -0.9, -1.0, -0.5],
    }
    sums = {name: float(np.sum(values)) for name, values in tokens.items()}
    chosen = sums["policy_chosen"] - sums["reference_chosen"]
    rejected = sums["policy_rejected"] - sums["reference_rejected"]
    losses = preference_losses(double(chosen - rejected), double(chosen / 4 - rejected / 6), beta=0.1, smoothing=0.1)
    values = {name: loss.item() for name, loss in losses.items()}
    assert abs(values["sigmoid"] - 0.67825968) < 1e-8
    assert abs(values["label_smoothing"] - 0.68125968) < 1e-8
    assert abs(values["ipo_sum"] - 22.09) < 1e-8
    return {"beta": 0.1, "label_smoothing": 0.1, "token_logps": tokens, "losses": values}


def preference_random(pairs: int = 8) -> dict:
    lengths = {side: RANDOM.integers(1, 60, size=pairs) for side in ("chosen", "rejected")}
    policy = {side: double(-1.5 * length + RANDOM.normal(0, 6, pairs)) for side, length in lengths.items()}
    base = {side: policy[side].detach() + torch.tensor(RANDOM.normal(0, 6, pairs)) for side in lengths}
    ratio = {side: policy[side] - base[side] for side in lengths}
    mean = {side: ratio[side] / torch.tensor(lengths[side]) for side in lengths}
    beta, smoothing = 0.25, 0.1
    h, average_h = ratio["chosen"] - ratio["rejected"], mean["chosen"] - mean["rejected"]
    cases = {}
    for name, losses in preference_losses(h, average_h, beta, smoothing).items():
        gradients = torch.autograd.grad(losses.mean(), [policy["chosen"], policy["rejected"]], retain_graph=True)
        cases[name] = {
            "per_pair": losses,
            "loss": losses.mean(),
            "chosen_gradient": gradients[0],
            "rejected_gradient": gradients[1],
        }
    return {
        "beta": beta,
        "label_smoothing": smoothing,
        "lengths": lengths,
        "policy_logps": policy,
        "reference_logps": base,
        "losses": cases,
    }


def bradley_terry(pairs: int = 8, centering: float = 0.01) -> dict:
    chosen, rejected = double(RANDOM.normal(0.5, 2, pairs)), double(RANDOM.normal(0, 2, pairs))
    ranking = -F.logsigmoid(chosen - rejected).mean()
    centred = ranking + centering * ((chosen + rejected) ** 2).mean()
    gradients = torch.autograd.grad(centred, [chosen, rejected])
    return {
        "chosen_rewards": chosen,
        "rejected_rewards": rejected,
        "center_rewards_coefficient": centering,
        "loss_without_centering": ranking,
        "loss": centred,
        "accuracy": (chosen > rejected).double().mean(),
        "margin": (chosen - rejected).mean(),
        "chosen_gradient": gradients[0],
        "rejected_gradient": gradients[1],
    }


# Advantages


def generalized_advantages(rewards, values, gamma: float, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """GAE as its defining sum: A_t = sum_k (gamma lam)^k delta_{t+k}, the value after the last token being 0."""
    rewards, values = np.asarray(rewards), np.asarray(values)
    deltas = rewards + gamma * np.append(values[1:], 0.0) - values
    advantages = np.array([sum((gamma * lam) ** k * d for k, d in enumerate(deltas[t:])) for t in range(len(deltas))])
    return advantages, advantages + values


def gae_case(rewards, values, gamma: float, lam: float) -> dict:
    advantages, returns = generalized_advantages(rewards, values, gamma, lam)
    return {
        "rewards": rewards,
        "values": values,
        "gamma": gamma,
        "lambda": lam,
        "advantages": advantages,
        "returns": returns,
    }


def gae_golden() -> dict:
    case = gae_case([-0.02, 0.01, 1.0], [0.1, 0.2, 0.3], gamma=1.0, lam=0.95)
    assert np.allclose(case["advantages"], [0.81625, 0.775, 0.7], atol=1e-12)
    assert np.allclose(case["returns"], [0.91625, 0.975, 1.0], atol=1e-12)
    return case


def gae_random(count: int = 20) -> list[dict]:
    settings = [(1.0, 0.95), (0.99, 0.95), (1.0, 1.0), (0.9, 0.0)]
    cases = []
    for index in range(count):
        length = 1 if index == 0 else int(RANDOM.integers(2, 25))
        cases.append(gae_case(RANDOM.normal(0, 1, length), RANDOM.normal(0, 1, length), *settings[index % 4]))
    return cases


def whiten(values: np.ndarray, shift_mean: bool, epsilon: float = 1e-8) -> np.ndarray:
    """(x - mean) / sqrt(population variance + epsilon); the mean is put back unless it shall shift."""
    whitened = (values - values.mean()) / np.sqrt(values.var() + epsilon)
    return whitened if shift_mean else whitened + values.mean()


def whitening() -> dict:
    """Whitening is over all tokens of all sequences at once."""
    golden = np.array([0.81625, 0.775, 0.7])
    assert np.allclose(whiten(golden, True), [1.09099874, 0.23378545, -1.32478419], atol=1e-5)
    sequences = [RANDOM.normal(0.7, 3, length) for length in (1, 9, 4, 17, 2)]
    everything = np.concatenate(sequences)
    cuts = np.cumsum([len(sequence) for sequence in sequences])[:-1]
    return {
        "epsilon": 1e-8,
        "golden": {
            "values": golden,
            "whitened": whiten(golden, True),
            "whitened_without_epsilon": whiten(golden, True, 0),
        },
        "sequences": sequences,
        "whitened": np.split(whiten(everything, True), cuts),
        "whitened_keeping_mean": np.split(whiten(everything, False), cuts),
    }


# KL


def kl_estimators() -> dict:
    """x = log pi - log pi_ref a token; k1_clamped is max(x, 0)."""
    x = np.concatenate([[-0.3, 0.0], RANDOM.normal(0, 0.7, 14)])
    estimates = {"k1": x, "k2": x**2 / 2, "k3": np.exp(-x) - 1 + x, "k1_clamped": np.maximum(x, 0)}
    assert abs(estimates["k3"][0] - 0.04985881) < 1e-8
    return {"x": x, **estimates}


def adaptive_coefficient(coefficient: float, kl: float, target: float, count: int, horizon: float) -> float:
    return coefficient * (1 + np.clip(kl / target - 1, -0.2, 0.2) * count / horizon)


def adaptive_kl() -> dict:
    assert abs(adaptive_coefficient(0.2, 8, 6, 256, 1e4) - 0.201024) < 1e-12
    kls = [8.0, *np.abs(RANDOM.normal(6, 4, 11))]
    coefficients, coefficient = [], 0.2
    for kl in kls:
        coefficient = adaptive_coefficient(coefficient, kl, 6, 256, 1e4)
        coefficients.append(coefficient)
    return {
        "initial": 0.2,
        "target": 6,
        "horizon": 10000,
        "sequences_per_step": 256,
        "kl": kls,
        "coefficients": coefficients,
    }


def shaped_rewards() -> list[dict]:
    """r_t = -beta * KL_t, plus the sequence's score on its last token; one option at a time."""
    cases = []
    for estimator in ("k1", "k3", "k1_clamped"):
        for score, clip, penalty, ends in (
            (1.3, None, 0, True),
            (9.0, 5.0, 0, True),
            (-7.5, 5.0, 0, True),
            (1.3, None, 1.0, False),
        ):
            length = int(RANDOM.integers(1, 8))
            old, base = -np.abs(RANDOM.normal(1, 1, length)), -np.abs(RANDOM.normal(1, 1, length))
            x = old - base
            kl = {"k1": x, "k3": np.exp(-x) - 1 + x, "k1_clamped": np.maximum(x, 0)}[estimator]
            final = np.clip(score, -clip, clip) if clip else score
            final -= 0 if ends else penalty
            rewards = -0.05 * kl
            rewards[-1] += final
            cases.append(
                {
                    "estimator": estimator,
                    "kl_coef": 0.05,
                    "score": score,
                    "reward_clip": clip,
                    "missing_eos_penalty": penalty,
                    "ends_with_eos": ends,
                    "old_logps": old,
                    "reference_logps": base,
                    "rewards": rewards,
                }
            )
    return cases


# PPO


def ppo_policy(new, old, advantages, clip: float, weights=None) -> dict:
    ratio = torch.exp(new - old)
    unclipped, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    tokens = torch.maximum(unclipped, clipped)
    if weights is not None:
        tokens = tokens * weights
    loss = tokens.mean()
    return {
        "loss": loss,
        "gradient": torch.autograd.grad(loss, new)[0],
        "clip_fraction": (clipped > unclipped).double().mean(),
        "ratio_outside_fraction": ((ratio - 1).abs() > clip).double().mean(),
        "approx_kl_k2": 0.5 * ((new - old) ** 2).mean(),
        "approx_kl_k3": (ratio - 1 - (new - old)).mean(),
        "mean_ratio": ratio.mean(),
    }


def ppo_value(new, old, returns, clip: float) -> dict:
    """0.5 * max((v - R)^2, (clip(v, v_old +- clip) - R)^2), mean over tokens."""
    bounded = torch.minimum(torch.maximum(new, old - clip), old + clip)
    unclipped, clipped = (new - returns) ** 2, (bounded - returns) ** 2
    loss = 0.5 * torch.maximum(unclipped, clipped).mean()
    return {
        "loss": loss,
        "gradient": torch.autograd.grad(loss, new)[0],
        "clip_fraction": (clipped > unclipped).double().mean(),
    }


def ppo_case(lengths: list[int], clip: float, value_clip: float) -> dict:
    """Sequences of `lengths` tokens laid out one after another; every mean is over all of their tokens."""
    count = sum(lengths)
    old = -np.abs(RANDOM.normal(1.5, 1, count))
    inputs = {
        "new_logps": old + RANDOM.normal(0, 0.25, count),
        "old_logps": old,
        "sampled_logps": old + RANDOM.normal(0, 0.6, count),
        "advantages": RANDOM.normal(0, 1, count),
        "new_values": RANDOM.normal(0, 0.6, count),
        "old_values": RANDOM.normal(0, 0.6, count),
        "returns": RANDOM.normal(0.5, 1, count),
    }
    t = {name: double(values) for name, values in inputs.items()}
    plain_t = {name: values.detach() for name, values in t.items()}
    weights = torch.exp(plain_t["old_logps"] - plain_t["sampled_logps"]).clamp(max=2.0)
    return {
        "lengths": lengths,
        "clip_range": clip,
        "clip_range_value": value_clip,
        **inputs,
        "policy": ppo_policy(t["new_logps"], plain_t["old_logps"], plain_t["advantages"], clip),
        "behaviour_weights": weights,
        "policy_with_behaviour_weights": ppo_policy(
            t["new_logps"], plain_t["old_logps"], plain_t["advantages"], clip, weights
        ),
        "value": ppo_value(t["new_values"], plain_t["old_values"], plain_t["returns"], value_clip),
    }


def ppo() -> list[dict]:
    return [ppo_case([5], 0.2, 0.2), ppo_case([1, 7, 3], 0.2, 0.2), ppo_case([12, 2, 9, 1, 16], 0.1, 0.3)]


# Optimizer


def adamw(steps: int = 5) -> dict:
    """torch.optim.AdamW in float64, with the global gradient norm clipped to 1 first."""
    settings = {"lr": 0.01, "betas": [0.9, 0.95], "eps": 1e-5, "weight_decay": 0.1}
    values = double(RANDOM.normal(0, 1, 6))
    optimizer = torch.optim.AdamW([values], **settings, foreach=False)
    initial, gradients, norms, trajectory = values.detach().clone(), [], [], []
    for step in range(steps):
        values.grad = torch.tensor(RANDOM.normal(0, 0.3 + step % 2, 6))
        gradients.append(values.grad.clone())
        norms.append(torch.nn.utils.clip_grad_norm_([values], 1.0).item())
        optimizer.step()
        trajectory.append(values.detach().clone())
    return {
        **settings,
        "max_grad_norm": 1.0,
        "initial": initial,
        "gradients": gradients,
        "norms": norms,
        "values": trajectory,
    }


def schedules() -> dict:
    """Learning-rate factors of optimizer steps 0, 1, ... as transformers' schedulers give them."""
    from transformers import get_scheduler

    cases = []
    for name in ("constant", "constant_with_warmup", "linear", "cosine"):
        for warmup in (0, 4):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=20)
            factors = []
            for _ in range(20):
                factors.append(scheduler.get_last_lr()[0])
                optimizer.step()
                scheduler.step()
            cases.append({"lr_scheduler_type": name, "warmup_steps": warmup, "total_steps": 20, "factors": factors})
    return {"cases": cases}


# Sampling


def sampling_probabilities(logits, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Temperature, then top-k, then top-p, then renormalised; top-p keeps the smallest set that reaches top_p."""
    order = np.argsort(-logits, kind="stable")
    kept = order[: top_k or len(order)]
    scaled = logits[kept] / temperature
    probabilities = np.exp(scaled - scaled.max())
    probabilities /= probabilities.sum()
    before = np.cumsum(probabilities) - probabilities
    probabilities = np.where(before < top_p, probabilities, 0)
    result = np.zeros(len(logits))
    result[kept] = probabilities / probabilities.sum()
    return result


def sampling() -> list[dict]:
    cases = []
    for temperature, top_k, top_p in (
        (1.0, 0, 1.0),
        (0.7, 0, 1.0),
        (1.0, 5, 1.0),
        (1.0, 0, 0.8),
        (0.95, 8, 0.6),
        (2.0, 0, 0.1),
    ):
        logits = RANDOM.normal(0, 2, 20)
        cases.append(
            {
                "logits": logits,
                "temperature": temperature,
                "top_k": top_k,
                "top_p": top_p,
                "probabilities": sampling_probabilities(logits, temperature, top_k, top_p),
            }
        )
    return cases


def main() -> None:
    write_json(
        HERE / "objectives.json",
        {
            "preference_golden": preference_golden(),
            "preference_random": preference_random(),
            "bradley_terry": bradley_terry(),
            "gae_golden": gae_golden(),
            "gae_random": gae_random(),
            "whitening": whitening(),
            "kl_estimators": kl_estimators(),
            "adaptive_kl": adaptive_kl(),
            "shaped_rewards": shaped_rewards(),
            "ppo": ppo(),
        },
    )
    write_json(HERE / "optimizer.json", {"adamw": adamw(), "schedules": schedules()})
    write_json(HERE / "sampling.json", {"cases": sampling()})


if __name__ == "__main__":
    main()

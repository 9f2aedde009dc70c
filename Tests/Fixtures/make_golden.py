#!/usr/bin/env python3
"""make_golden.py [--inputs FILE]: writes golden.json, numbers that the objectives must reproduce.

Straight from the formulas in float64, gradients by automatic differentiation (torch), sharing no code with the program. With
--inputs the inputs of another file of the same format are taken, and the entries that both have are compared instead.
"""
import argparse, collections, json, math, os, random, re
import torch
from torch.nn.functional import logsigmoid as ls

torch.set_default_dtype(torch.float64)
V = 64


def make_inputs(seed=7):
    rng = random.Random(seed)
    num = lambda a, b: round(rng.uniform(a, b), 3)

    def side(n, near=None):
        logps = [num(-3, -0.05) for _ in range(n)]
        return {
            "logps": logps,
            "ref_logps": [round(min(-0.01, x + num(-0.9, 0.9)), 3) for x in logps],
            "ref2_logps": [round(min(-0.01, x + num(-1.2, 1.2)), 3) for x in logps],
            "ref_entropies": [num(0.1, 3.5) for _ in range(n)],
            "log_sum_sq_probs": [num(-1.6, -0.1) for _ in range(n)],
            "diff_mask": [rng.randint(0, 1) for _ in range(n)],
        }

    pairs = []
    for i, (c, r) in enumerate([(5, 3), (2, 7), (4, 4), (6, 1), (1, 2)]):
        m = min(c, r)
        pairs.append({
            "pair_id": i, "chosen": side(c), "rejected": side(r),
            "sampo_chosen": sorted(rng.sample(range(c), m)), "sampo_rejected": sorted(rng.sample(range(r), m)),
            "aux_chosen": num(-1, 1), "aux_rejected": num(-1, 1),
            "aux_value_chosen": num(-0.5, 0.5), "aux_value_rejected": num(-0.5, 0.5),
        })
    extreme = []
    for i, (a, b) in enumerate([(-900, -20), (-15, -800), (-700, -640), (-30, -35)]):
        make = lambda total, ref: {
            "logps": [total / 2, total / 2], "ref_logps": [ref / 2, ref / 2], "ref2_logps": [ref / 2, ref / 2],
            "ref_entropies": [1.0, 1.0], "log_sum_sq_probs": [-0.5, -0.5], "diff_mask": [0, 1]}
        extreme.append({"pair_id": i, "chosen": make(a, -40.0), "rejected": make(b, -50.0)})
    count = 2 * len(pairs)
    return {
        "pairs": pairs, "extreme_pairs": extreme,
        "kl": {"kl_logps": [num(-9, -2) for _ in range(count)], "kl_ref_logps": [num(-9, -2) for _ in range(count)]},
        "bmc": [
            {"rejected": [1, 2, 3, 4, 5, 6], "chosen": [1, 9, 3, 4, 8, 6, 7], "stop": [9]},
            {"rejected": [3, 3, 3, 1], "chosen": [3, 1, 3, 3, 2], "stop": []},
            {"rejected": [5], "chosen": [5], "stop": []},
            {"rejected": [], "chosen": [4, 4], "stop": []},
        ],
        "spo": make_spo(), "rollouts": make_rollouts(),
        "weights": {k: [num(-2, 2) for _ in range(6)] for k in ["w0", "trained1", "trained2", "trained3"]},
        # A gap of the threshold, two equal ones and a tie among them.
        "expert": make_expert(), "spg": make_groups(),
        "split": {"threshold": 1.0, "scores": [[num(-2, 3), num(-2, 3)] for _ in range(6)]
                  + [[0.5, 1.5], [-0.25, 0.25], [0.75, 0.25], [2.0, 2.0]]},
        "d2po": make_d2po(), "reward_pairs": make_reward_pairs(), "mib": make_views(), "diffusion": make_predictions(),
    }


def make_reward_pairs():
    """Rewards of tokens, of responses that part at once, later and with their last token."""
    source = random.Random(41)
    number = lambda: round(source.uniform(-1.5, 1.5), 3)
    return [{"chosen_rewards": [number() for _ in range(count)], "rejected_rewards": [number() for _ in range(count)],
             "first_divergence": first, "kind": kind}
            for count, first, kind in [(4, 0, "preference"), (6, 2, "demonstration"), (3, 2, "preference"),
                                       (2, 1, "demonstration"), (5, 3, "demonstration")]]


def make_views(dimensions=5, count=3):
    source = random.Random(43)
    numbers = lambda low, high, count: [round(source.uniform(low, high), 3) for _ in range(count)]
    views = {}
    for view in ("1", "2"):
        views |= {"mu" + view: numbers(-1, 1, dimensions), "sigma" + view: numbers(0.4, 1.5, dimensions)}
    return views | {"critic_joint": numbers(-2, 2, count), "critic_marginal": numbers(-2, 2, count)}


def make_predictions(pairs=3, elements=5):
    source = random.Random(47)
    made = []
    for _ in range(pairs):
        noise = [round(source.gauss(0, 0.6), 3) for _ in range(elements)]
        near = lambda: [round(x + source.gauss(0, 0.03), 4) for x in noise]
        made.append({"noise": noise} | {k: near() for k in ("pred_chosen", "pred_rejected", "ref_pred_chosen", "ref_pred_rejected")})
    return made


def make_d2po():
    """Scores of two responses each; the last pair's gap is that of the first."""
    source = random.Random(31)
    scores = [[round(source.uniform(-2, 2), 2) for _ in range(2)] for _ in range(7)]
    return {"scores": scores + [[scores[0][1], scores[0][0]]], "relabels": 3}


def make_expert():
    """Scored samples, of which two say the same but for white space, and two prompts have the same text."""
    rows = [(0, "12", 1), (0, "13", 0), (0, "12\n", 1), (1, " 12", 1), (1, "a dozen", 1.5), (1, "a  dozen", 1), (2, "", 0.5),
            (1, " a dozen ", 1), (3, "12", 0.999)]
    return {"samples": [{"prompt": p, "text": t, "reward": r} for p, t, r in rows]}


def make_groups():
    """Samples of prompts in clusters: two of one size, all in one, equal scores, and none that agree."""
    source = random.Random(29)
    clusters = [[0, 1, 1, 0, 2], [3, 3, 3], [0, 1, 2, 2, 2, 1], [0, 1, 2, 3, 4], [1, 0, 0, 1]]
    groups = [{"cluster": c, "score": [round(source.uniform(-1, 2), 3) for _ in c], "uniform": round(source.random(), 3)}
              for c in clusters]
    groups[-1]["score"] = [0.5, 0.5, 0.5, 0.25]
    return groups


def make_rollouts(prompts=2, samples=3):
    """Responses in groups, whose policy has moved a little since they were drawn; none of them the same length."""
    source = random.Random(23)
    number = lambda low, high: round(source.uniform(low, high), 3)
    rollouts = []
    for index in range(prompts * samples):
        count = 2 + (3 * index) % 5
        old = [number(-4, -0.2) for _ in range(count)]
        near = lambda spread: [round(x + source.uniform(-spread, spread), 3) for x in old]
        values = [number(-1, 1) for _ in range(count)]
        rollouts.append({
            "prompt": index // samples, "old_logps": old, "logps": near(0.4), "sampling_logps": near(0.6),
            "ref_logps": near(1), "old_values": values,
            "values": [round(v + source.uniform(-0.4, 0.4), 3) for v in values], "score": number(-3, 7)})
    return rollouts


def make_spo(degrees=4):
    import random
    random = random.Random(17)
    logits = lambda: [[round(random.uniform(-2, 2), 3) for _ in range(degrees + 1)] for _ in range(degrees + 1)]
    return {
        "text": "Boil the fresh pasta until it's firm; meanwhile melt butter, then stir a well-aged cheese and fresh herbs "
                "into the butter.  Drain the fresh pasta, and serve 2.5 portions of it at once!",
        "stopwords": ["the", "until", "it's", "a", "and", "into", "of", "it", "at", "then"],
        "degrees": degrees, "head_logits_chosen": logits(), "head_logits_rejected": logits(),
    }


class Pair:
    """One pair: token tensors of both sides, the policy's with gradient."""

    def __init__(self, pair):
        self.raw = pair
        for name in ("chosen", "rejected"):
            side = pair[name]
            setattr(self, name[0] + "_", {k: torch.tensor(v, dtype=torch.float64) for k, v in side.items()})
        self.c, self.r = self.c_, self.r_
        for s in (self.c, self.r):
            s["logps"].requires_grad_(True)

    def ratio(self, side, weights=None):
        d = side["logps"] - side["ref_logps"]
        return (d if weights is None else d * weights).sum()

    @property
    def h(self):
        return self.ratio(self.c) - self.ratio(self.r)

    @property
    def lengths(self):
        return len(self.c["logps"]), len(self.r["logps"])


def smooth(z, e):
    return -(1 - e) * ls(z) - e * ls(-z)


def sft(pairs):
    return -sum(p.c["logps"].sum() for p in pairs) / sum(p.lengths[0] for p in pairs)


def entropy(p):
    return 0.5 * (p.c["ref_entropies"].mean() + p.r["ref_entropies"].mean()) / math.log(V)


def wpo(p, aligned):
    w = 1.0
    for s in (p.c, p.r):
        x = s["logps"].detach() - (s["log_sum_sq_probs"] if aligned else 0)
        w = w * x.mean().exp()
    return w


def g_outside(s, q):
    return (s + 1) / (1 - q ** (s + 1)) - s / (1 - q ** s)


def kendall(s, q, eps):
    """g: outside the bridge exactly, inside the odd cubic with its value and slope at eps."""
    edge = torch.tensor(eps).requires_grad_(True)
    qd = q.detach() if torch.is_tensor(q) else torch.tensor(q)
    value = g_outside(edge, qd)
    slope, = torch.autograd.grad(value, edge)
    y, m = (value - 0.5).detach(), slope
    b = (m * eps - y) / (2 * eps ** 3)
    a = (y - b * eps ** 3) / eps
    if s >= eps:
        return g_outside(s, qd)
    if s <= -eps:
        t = -s
        return t * qd ** t / (1 - qd ** t) - (t + 1) * qd ** (t + 1) / (1 - qd ** (t + 1))
    return 0.5 + a * s + b * s ** 3


def references(p, eps, alpha):
    one = [p.c["ref2_logps"].sum(), p.r["ref2_logps"].sum()]
    two = [p.c["ref_logps"].sum(), p.r["ref_logps"].sum()]
    if alpha < 0:
        a1, a2 = abs(one[0] - one[1]), abs(two[0] - two[1])
        alpha = (a1 / (a1 + a2 + 1e-6)).item()
    b = [(one[i] + two[i]) / 2 for i in (0, 1)]
    share = (abs(b[0]) / (abs(b[0]) + abs(b[1]))).item()
    e = [eps * share, eps - eps * share]
    clipped = [torch.minimum(torch.maximum(one[i], two[i] * (1 + e[i])), two[i] * (1 - e[i])) for i in (0, 1)]
    return alpha, clipped, two


def mrpo(p, beta, eps, alpha):
    alpha, one, two = references(p, eps, alpha)
    ref = [-torch.logsumexp(torch.stack([math.log(max(alpha, 1e-300)) - one[i], math.log(max(1 - alpha, 1e-300)) - two[i]]), 0)
           for i in (0, 1)]
    return -ls(beta * ((p.c["logps"].sum() - ref[0]) - (p.r["logps"].sum() - ref[1])))


def multi(p, beta, eps, alpha):
    alpha, one, two = references(p, eps, alpha)
    c, r = p.c["logps"].sum(), p.r["logps"].sum()
    return -alpha * ls(beta * ((c - one[0]) - (r - one[1]))) - (1 - alpha) * ls(beta * ((c - two[0]) - (r - two[1])))


def decay(p, gamma, side):
    t = torch.arange(1, len(side["logps"]) + 1, dtype=torch.float64)
    return p.ratio(side, gamma ** t)


def ld(p, side, alpha):
    m = min(p.lengths)
    t = torch.arange(len(side["logps"]))
    return p.ratio(side, torch.where(t < m, 1.0, alpha))


def rake(text, stop):
    """The phrases of a text in order, each a list of words, with where it begins and ends."""
    phrases, last = [], None
    for word in re.finditer(r"\d+(?:[.,]\d+)+|\w+(?:['\u2019-]\w+)*", text):
        if word.group().lower() in stop:
            last = None
            continue
        if last is not None and not text[last:word.start()].strip():
            phrases[-1][0].append(word.group().lower())
            phrases[-1][2] = word.end()
        else:
            phrases.append([[word.group().lower()], word.start(), word.end()])
        last = word.end()
    return phrases


def keywords(text, stop, degrees):
    phrases = rake(text, stop)
    degree, count = collections.Counter(), collections.Counter()
    for words, _, _ in phrases:
        for word in words:
            degree[word] += len(words)
            count[word] += 1
    scores = {}
    for words, _, _ in phrases:
        scores.setdefault(" ".join(words), sum(degree[w] / count[w] for w in words))
    best = sorted(scores, key=lambda phrase: -scores[phrase])
    variants = [text]
    for k in range(1, degrees + 1):
        removed, rest = set(best[:math.ceil(k * len(best) / degrees)]), text
        for words, start, end in reversed(phrases):
            if " ".join(words) in removed:
                rest = rest[:start] + rest[end:]
        variants.append(re.sub(r" ([,.;:!?])", r"\1", " ".join(rest.split())))
    return {"keywords": best, "scores": [scores[p] for p in best], "variants": variants}


def degree_loss(inputs, gamma):
    sides = [torch.tensor(inputs["head_logits_" + n], dtype=torch.float64, requires_grad=True) for n in ("chosen", "rejected")]
    loss = gamma * sum(torch.nn.functional.cross_entropy(s, torch.arange(len(s))) for s in sides)
    loss.backward()
    return {"loss": loss.item(), "grad_chosen": sides[0].grad.tolist(), "grad_rejected": sides[1].grad.tolist()}


def bmc(p, side, delta):
    w = 1 + side["diff_mask"] * torch.clamp(torch.exp(-side["logps"].detach()), max=delta)
    return p.ratio(side, w)


def focal(z, gamma, detached):
    f = torch.exp(gamma * ls(z))
    return -(f.detach() if detached else f) * ls(z)


# id: (parameters, loss of one pair)
PAIR = {
    "sigmoid": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * p.h)),
    "cdpo": (dict(beta=0.1, label_smoothing=0.1), lambda p, a: smooth(a["beta"] * p.h, a["label_smoothing"])),
    "ipo": (dict(beta=0.1), lambda p, a: (p.h - 1 / (2 * a["beta"])) ** 2),
    "ipo_avg": (dict(beta=0.1), lambda p, a: (
        p.ratio(p.c) / p.lengths[0] - p.ratio(p.r) / p.lengths[1] - 1 / (2 * a["beta"])) ** 2),
    "hinge": (dict(beta=0.1), lambda p, a: torch.relu(1 - a["beta"] * p.h)),
    "robust": (dict(beta=0.1, label_smoothing=0.1), lambda p, a: (
        -(1 - a["label_smoothing"]) * ls(a["beta"] * p.h) + a["label_smoothing"] * ls(-a["beta"] * p.h))
        / (1 - 2 * a["label_smoothing"])),
    "sigmoid_norm": (dict(beta=0.1), lambda p, a: -ls(
        a["beta"] * (p.ratio(p.c) / p.lengths[0] - p.ratio(p.r) / p.lengths[1]))),
    "exo_pair": (dict(beta=0.1, label_smoothing=0.001), lambda p, a: exo(a["beta"] * p.h, a["label_smoothing"])),
    "nca_pair": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * p.ratio(p.c)) - 0.5 * ls(-a["beta"] * p.ratio(p.c))
                 - 0.5 * ls(-a["beta"] * p.ratio(p.r))),
    "bco_pair": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * p.ratio(p.c)) - ls(-a["beta"] * p.ratio(p.r))),
    "bco_shift": (dict(beta=0.1, delta=0.05), lambda p, a: -ls(a["beta"] * p.ratio(p.c) - a["delta"])
                  - ls(-(a["beta"] * p.ratio(p.r) - a["delta"]))),
    "sppo_hard": (dict(beta=0.1), lambda p, a: (p.ratio(p.c) - 0.5 / a["beta"]) ** 2 + (p.ratio(p.r) + 0.5 / a["beta"]) ** 2),
    "apo_zero": (dict(beta=0.1), lambda p, a: 1 - torch.sigmoid(a["beta"] * p.ratio(p.c)) + torch.sigmoid(a["beta"] * p.ratio(p.r))),
    "apo_down": (dict(beta=0.1), lambda p, a: torch.sigmoid(a["beta"] * p.ratio(p.c)) + 1 - torch.sigmoid(a["beta"] * p.h)),
    "discopop": (dict(beta=0.05, tau=0.05), lambda p, a: discopop(a["beta"] * p.h, a["tau"])),
    "rpo": (dict(beta=0.1, alpha=1.0), lambda p, a: -ls(a["beta"] * p.h) - a["alpha"] * p.c["logps"].mean()),
    "simpo": (dict(beta=2.0, gamma=0.5), lambda p, a: -ls(
        a["beta"] * (p.c["logps"].mean() - p.r["logps"].mean()) - a["gamma"])),
    "wpo": (dict(beta=0.1), lambda p, a: -wpo(p, True) * ls(a["beta"] * p.h)),
    "wpo_plain": (dict(beta=0.1), lambda p, a: -wpo(p, False) * ls(a["beta"] * p.h)),
    "ld_dpo": (dict(beta=0.1, alpha=0.5), lambda p, a: -ls(a["beta"] * (ld(p, p.c, a["alpha"]) - ld(p, p.r, a["alpha"])))),
    "r_dpo": (dict(beta=0.1, alpha=0.01), lambda p, a: -ls(a["beta"] * p.h + a["alpha"] * (p.lengths[0] - p.lengths[1]))),
    "dpop": (dict(beta=0.1, lam=5.0), lambda p, a: -ls(a["beta"] * (p.h - a["lam"] * torch.relu(-p.ratio(p.c))))),
    "f_forward_kl": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * (torch.exp(-p.ratio(p.r)) - torch.exp(-p.ratio(p.c))))),
    "f_js": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * (ls(p.ratio(p.c)) - ls(p.ratio(p.r))))),
    "f_alpha": (dict(beta=0.1, coef=0.5), lambda p, a: -ls(a["beta"] * (
        torch.exp((a["coef"] - 1) * p.ratio(p.c)) - torch.exp((a["coef"] - 1) * p.ratio(p.r))) / (a["coef"] - 1))),
    "mallows_theta": (dict(beta=0.1, c=0.29), lambda p, a: -ls(-a["c"] * entropy(p).log() * a["beta"] * p.h)),
    "mallows_theta_ipo": (dict(beta=0.1, c=0.29), lambda p, a: (-a["c"] * entropy(p).log() * p.h - 1 / (2 * a["beta"])) ** 2),
    "mallows_phi": (dict(beta=1.0, c=0.29, k=1, eps=1.0), lambda p, a: -kendall(
        a["beta"] * p.h, entropy(p) ** (a["c"] * a["k"]), a["eps"]).log()),
    "d2po_decay": (dict(beta=0.1, gamma=0.98), lambda p, a: -ls(a["beta"] * (decay(p, a["gamma"], p.c) - decay(p, a["gamma"], p.r)))),
    "focalpo": (dict(beta=0.1, gamma=0.05), lambda p, a: focal(a["beta"] * p.h, a["gamma"], False)),
    "focalpo_detached": (dict(beta=0.1, gamma=0.05), lambda p, a: focal(a["beta"] * p.h, a["gamma"], True)),
    "minor_dpo": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * (p.ratio(p.c) - torch.relu(p.ratio(p.r))))),
    "sampo": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * (drawn(p, p.c, "chosen") - drawn(p, p.r, "rejected")))),
    "sampo_average": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * sum(p.lengths) / 2 * (
        p.ratio(p.c) / p.lengths[0] - p.ratio(p.r) / p.lengths[1]))),
    "bmc": (dict(beta=0.05, delta=2.0), lambda p, a: -ls(a["beta"] * (bmc(p, p.c, a["delta"]) - bmc(p, p.r, a["delta"])))),
    "mrpo": (dict(beta=0.1, eps=0.1, alpha=-1), lambda p, a: mrpo(p, a["beta"], a["eps"], a["alpha"])),
    "mrpo_fixed": (dict(beta=0.1, eps=0.1, alpha=0.3), lambda p, a: mrpo(p, a["beta"], a["eps"], a["alpha"])),
    "spin": (dict(beta=0.1), lambda p, a: -ls(a["beta"] * p.h)),
    "spin_linear": (dict(beta=0.1), lambda p, a: -a["beta"] * p.h),
    "multi_dpo": (dict(beta=0.1, eps=0.1, alpha=-1), lambda p, a: multi(p, a["beta"], a["eps"], a["alpha"])),
    "hpo": (dict(beta=0.1, gamma=0.1, tau=1.0, w_max=20.0), lambda p, a: -ls(a["beta"] * p.h) - a["gamma"] * sum(
        min(math.exp((p.raw["aux_" + n] - p.raw["aux_value_" + n]) / a["tau"]), a["w_max"]) * s["logps"].sum()
        for n, s in (("chosen", p.c), ("rejected", p.r)))),
}
# The same on pairs that the policy draws.
ONLINE = {
    "sail_dpr": (dict(beta=0.1, rho=0.2), lambda p, a: sail(p, a, 1, 0)),
    "sail_dpp": (dict(beta=0.1, rho=0.2), lambda p, a: sail(p, a, 1, 1)),
    "sail_ddp": (dict(beta=0.1, rho=0.2), lambda p, a: sail(p, a, 0, 1)),
}
EXTREME = ["sigmoid", "cdpo", "ipo", "hinge", "robust", "exo_pair", "nca_pair", "bco_pair", "sppo_hard", "apo_zero",
           "apo_down", "focalpo", "minor_dpo"]


def exo(z, e):
    return torch.sigmoid(z) * (ls(z) - math.log(1 - e)) + torch.sigmoid(-z) * (ls(-z) - math.log(e))


def sail(p, a, draws, labels):
    l = ls(a["beta"] * p.h)
    return -l - a["rho"] * l.detach() * (draws * (p.c["logps"].sum() + p.r["logps"].sum()) + labels * l)


def discopop(z, tau):
    m = torch.sigmoid(z / tau)
    return (1 - m) * -ls(z) + m * torch.exp(-z)


def drawn(p, side, name):
    return (side["logps"] - side["ref_logps"])[p.raw["sampo_" + name]].sum()


def sort(values):
    return torch.sort(torch.stack(values)).values


# id: (parameters, the batch's loss)
BATCH = {
    "aot": (dict(beta=0.1, label_smoothing=0.0), lambda ps, a: smooth(a["beta"] * (
        sort([p.c["logps"].sum() - p.r["logps"].sum() for p in ps])
        - sort([p.c["ref_logps"].sum() - p.r["ref_logps"].sum() for p in ps])), a["label_smoothing"]).mean()),
    "aot_unpaired": (dict(beta=0.1), lambda ps, a: -ls(a["beta"] * (
        sort([p.ratio(p.c) for p in ps]) - sort([p.ratio(p.r) for p in ps]))).mean()),
    "sft": (dict(), lambda ps, a: sft(ps)),
    "sigmoid_sft": (dict(beta=0.1, alpha=1.0), lambda ps, a: mean(ps, lambda p: -ls(a["beta"] * p.h)) + a["alpha"] * sft(ps)),
    "mpo_multi": (dict(beta=0.1, weights=[0.8, 0.2, 1.0]), lambda ps, a: a["weights"][0] * mean(
        ps, lambda p: -ls(a["beta"] * p.h)) + a["weights"][1] * mean(ps, lambda p: PAIR["bco_pair"][1](p, a)) + a["weights"][2] * sft(ps)),
    "cpo": (dict(beta=0.1, alpha=1.0, label_smoothing=0.0), lambda ps, a: mean(ps, lambda p: smooth(
        a["beta"] * (p.c["logps"].sum() - p.r["logps"].sum()), a["label_smoothing"])) + a["alpha"] * sft(ps)),
    "orpo": (dict(lam=0.1), lambda ps, a: sft(ps) - a["lam"] * mean(ps, lambda p: ls(
        odds(p.c["logps"].mean()) - odds(p.r["logps"].mean())))),
}


def kinds(ps, a):
    """The first half are preferences, the others demonstrations against samples."""
    half = len(ps) // 2
    part = lambda ps: mean(ps, lambda p: -ls(a["beta"] * p.h))
    return a["preference_weight"] * part(ps[:half]) + a["demonstration_weight"] * part(ps[half:])


KINDS = dict(beta=0.1, preference_weight=1.0, demonstration_weight=1.0)
BATCH["aihf_implicit"] = (KINDS, kinds)
BATCH["aihf_implicit_weighted"] = (KINDS | dict(preference_weight=0.4, demonstration_weight=2.5), kinds)


def mean(ps, loss):
    return sum(loss(p) for p in ps) / len(ps)


def odds(x):
    return x - torch.log1p(-torch.exp(x))


def unpaired(ps, inputs, kto, a):
    kl = 0.0
    if kto:
        kl = max(0.0, sum(x - y for x, y in zip(inputs["kl"]["kl_logps"], inputs["kl"]["kl_ref_logps"])) / len(inputs["kl"]["kl_logps"]))
    rc, rr = [p.ratio(p.c) for p in ps], [p.ratio(p.r) for p in ps]
    if kto:
        return ([a["desirable"] * (1 - torch.sigmoid(a["beta"] * (x - kl))) for x in rc]
                + [a["undesirable"] * (1 - torch.sigmoid(a["beta"] * (kl - x))) for x in rr]), kl
    return [1 - torch.sigmoid(a["beta"] * x) for x in rc] + [torch.sigmoid(a["beta"] * x) for x in rr], kl


def entry(id, family, params, expected):
    return {"id": id, "family": family, "params": params, "expected": expected}


def graded(pairs, loss):
    loss.backward()
    grads = lambda side: [getattr(p, side)["logps"].grad.tolist() if getattr(p, side)["logps"].grad is not None
                          else [0.0] * len(getattr(p, side)["logps"]) for p in pairs]
    return {"loss": loss.item(), "grad_chosen": grads("c"), "grad_rejected": grads("r")}


def masks(pair):
    from difflib import SequenceMatcher
    a, b = pair["rejected"], pair["chosen"]
    result = {"rejected": [0] * len(a), "chosen": [0] * len(b)}
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b).get_opcodes():
        for i in range(i1, i2) if tag in ("replace", "delete") else []:
            result["rejected"][i] = int(a[i] not in pair["stop"])
        for j in range(j1, j2) if tag in ("replace", "insert") else []:
            result["chosen"][j] = int(b[j] not in pair["stop"])
    return result


def split(scores, threshold):
    """Which of two responses is chosen, and the pairs by falling gap on either side of the threshold."""
    gaps = [abs(a - b) for a, b in scores]
    order = sorted(range(len(gaps)), key=lambda i: -gaps[i])
    return {"chosen": [int(b > a) for a, b in scores], "gap": gaps, "easy": [i for i in order if gaps[i] >= threshold],
            "difficult": [i for i in order if gaps[i] < threshold]}


def silver(scores, relabels):
    """The label that two scores give, and the pairs that gold labels are asked for: those with the smallest gaps."""
    gaps = [abs(a - b) for a, b in scores]
    return {"chosen": [int(b > a) for a, b in scores], "gap": gaps,
            "ask": sorted(range(len(gaps)), key=lambda i: gaps[i])[:relabels]}


def expert(samples, threshold):
    """What expert iteration keeps, and which samples RCRL calls good."""
    seen, kept = set(), []
    for i, s in enumerate(samples):
        key = (s["prompt"], s["text"].strip())
        if s["reward"] >= threshold and key not in seen:
            seen.add(key)
            kept.append(i)
    return {"kept": kept, "rcrl_good": [s["reward"] >= threshold for s in samples]}


def selective(group, threshold):
    """RLP's pair: the best of the largest cluster over one of the others."""
    clusters, scores = group["cluster"], group["score"]
    largest = max(dict.fromkeys(clusters), key=clusters.count)
    inside = [i for i, c in enumerate(clusters) if c == largest]
    rest = [i for i, c in enumerate(clusters) if c != largest]
    confidence = len(inside) / len(clusters)
    accepted = confidence >= threshold and bool(rest)
    return {"confidence": confidence, "accepted": accepted,
            "chosen": max(inside, key=lambda i: scores[i]) if accepted else None,
            "rejected": rest[int(group["uniform"] * len(rest))] if accepted else None}


def make_entries(inputs):
    entries = []
    for family, key, ids in (("offline", "pairs", PAIR), ("online-pairs", "pairs", ONLINE), ("extreme", "extreme_pairs", EXTREME)):
        for id in ids:
            params, loss = (ONLINE if family == "online-pairs" else PAIR)[id]
            pairs = [Pair(p) for p in inputs[key]]
            losses = [loss(p, params) for p in pairs]
            expected = {"losses": [x.item() for x in losses]} | graded(pairs, sum(losses) / len(losses))
            entries.append(entry(id, family, params, expected))
    for id, (params, loss) in BATCH.items():
        pairs = [Pair(p) for p in inputs["pairs"]]
        entries.append(entry(id, "offline", params, graded(pairs, loss(pairs, params))))
    pairs = [Pair(p) for p in inputs["pairs"]]
    losses = [-ls(0.05 * p.h) for p in pairs]
    entries.append(entry("online_dpo_sum", "online-pairs", {"beta": 0.05}, {
        "losses": [x.item() for x in losses]} | graded(pairs, sum(losses))))
    for id, params in (("kto", dict(beta=0.1, desirable=1.0, undesirable=1.0)), ("apo_zero_unpaired", dict(beta=0.1))):
        pairs = [Pair(p) for p in inputs["pairs"]]
        losses, kl = unpaired(pairs, inputs, id == "kto", params)
        expected = graded(pairs, sum(losses) / len(losses)) | {"losses": [x.item() for x in losses]}
        entries.append(entry(id, "offline", params, expected | ({"kl": kl} if id == "kto" else {})))
    scores = [0.25, 0.5, 1, 2, 3, 7, -0.5, -3]
    table = {f"q={q}": [float(kendall(torch.tensor(float(s)), q, 1.0)) for s in scores] for q in (0.3, 0.7, 0.95)}
    entries.append(entry("kendall_link_table", "offline-table", {"q": [0.3, 0.7, 0.95]}, table))
    kappa = 0.3
    rewards = torch.tensor([p["aux_" + n] for p in inputs["pairs"] for n in ("chosen", "rejected")])
    values = torch.tensor([p["aux_value_" + n] for p in inputs["pairs"] for n in ("chosen", "rejected")], requires_grad=True)
    u = rewards - values
    loss = (torch.where(u < 0, 1 - kappa, kappa) * u ** 2).mean()
    loss.backward()
    entries.append(entry("expectile_value", "reward-model", {"kappa": kappa}, {
        "loss": loss.item(), "grad_values": values.grad.tolist()}))
    entries.append(entry("bmc_masks", "data", {}, {"masks": [masks(p) for p in inputs["bmc"]]}))
    spo = inputs["spo"]
    entries.append(entry("spo_keywords", "data", {}, keywords(spo["text"], set(spo["stopwords"]), spo["degrees"])))
    entries.append(entry("spo_degree_loss", "reward-model", {"gamma": 0.1}, degree_loss(spo, 0.1)))
    entries.append(entry("expert_iteration", "data", {"threshold": 1}, expert(inputs["expert"]["samples"], 1)))
    entries.append(entry("rlp_spg", "data", {"threshold": 0.5}, {"pairs": [selective(g, 0.5) for g in inputs["spg"]]}))
    entries.append(entry("mpo_split", "data", {}, split(**inputs["split"])))
    entries.append(entry("d2po_confidence", "data", {}, silver(**inputs["d2po"])))
    entries += reward_entries(inputs["reward_pairs"]) + [views(inputs["mib"]), diffusion(inputs["diffusion"])]
    return entries + policy_entries(inputs["rollouts"]) + weight_entries(inputs["weights"])


def reward_entries(pairs):
    """A ranking loss on the last rewards, and one on all from where responses part."""
    sides = ("chosen", "rejected")

    def graded(id, params, loss):
        c, r = ([torch.tensor(p[side + "_rewards"], requires_grad=True) for p in pairs] for side in sides)
        losses = loss(c, r, params)
        value = losses.pop("loss")
        value.backward()
        grads = {"grad_" + side: [x.grad.tolist() for x in rewards] for side, rewards in zip(sides, (c, r))}
        return entry(id, "reward-model", params, {"loss": value.item()} | losses | grads)

    def ranking(c, r, a):
        margins = torch.stack([x[-1] - y[-1] for x, y in zip(c, r)])
        sums = torch.stack([x[-1] + y[-1] for x, y in zip(c, r)])
        return {"loss": (-ls(margins - a["margin"]) + a["center"] * sums ** 2).mean()}

    def tokens(c, r, a):
        losses = [-ls(x - y)[p["first_divergence"]:].mean() for x, y, p in zip(c, r, pairs)]
        return {"loss": sum(a[p["kind"] + "_weight"] * l for p, l in zip(pairs, losses)), "losses": [x.item() for x in losses]}

    last = graded("reward_bt", dict(margin=0.0, center=0.01), ranking)
    for side in sides:
        last["expected"]["grad_" + side] = [g[-1] for g in last["expected"]["grad_" + side]]
    weights = dict(preference_weight=1.0, demonstration_weight=1.0)
    return [last, graded("aihf_reward", weights, tokens),
            graded("aihf_reward_weighted", dict(preference_weight=0.3, demonstration_weight=1.7), tokens)]


def views(v):
    from torch.distributions import Normal, kl_divergence
    one, two = (Normal(torch.tensor(v["mu" + k]), torch.tensor(v["sigma" + k])) for k in "12")
    kl = (kl_divergence(one, two).sum() + kl_divergence(two, one).sum()) / 2
    soft = torch.nn.functional.softplus
    joint, marginal = torch.tensor(v["critic_joint"]), torch.tensor(v["critic_marginal"])
    information = (math.log(2) - soft(-joint)).mean() - (soft(marginal) - math.log(2)).mean()
    return entry("rlp_mib", "reward-model", {}, {
        "symmetric_kl": kl.item(), "mutual_information": information.item(), "loss": (kl - information).item()})


def diffusion(pairs, beta=2000.0):
    t = {k: torch.tensor([p[k] for p in pairs], requires_grad=k.startswith("pred")) for k in pairs[0]}
    error = lambda name: ((t[name] - t["noise"]) ** 2).mean(1)
    excess = (error("pred_chosen") - error("pred_rejected")) - (error("ref_pred_chosen") - error("ref_pred_rejected"))
    losses = -ls(-beta / 2 * excess)
    losses.mean().backward()
    return entry("diffusion_dpo", "diffusion", {"beta": beta}, {
        "loss": losses.mean().item(), "losses": losses.tolist(), "grad_chosen": t["pred_chosen"].grad.tolist(),
        "grad_rejected": t["pred_rejected"].grad.tolist()})


class Rollouts:
    """Tensors a token of all responses in turn, and what is made of them."""

    def __init__(self, rollouts):
        self.raw = rollouts
        self.owner = torch.tensor([i for i, r in enumerate(rollouts) for _ in r["logps"]])
        self.groups = [r["prompt"] for r in rollouts]
        self.scores = torch.tensor([r["score"] for r in rollouts])
        for key in ("old_logps", "logps", "sampling_logps", "ref_logps", "old_values", "values"):
            setattr(self, key, torch.tensor([x for r in rollouts for x in r[key]], requires_grad=key in ("logps", "values")))

    def split(self, flat):
        return list(torch.split(flat, [len(r["logps"]) for r in self.raw]))

    def lists(self, flat):
        return [x.tolist() for x in self.split(flat)]

    def mean(self, flat):
        """A mean over responses of means over their tokens."""
        return torch.stack([x.mean() for x in self.split(flat)]).mean()

    def rewards(self, beta, clip, penalty=None):
        gap = self.old_logps - self.ref_logps
        penalty = gap if penalty is None else penalty(gap)
        rewards = self.split(-beta * penalty)
        return [torch.cat([r[:-1], r[-1:] + s.clamp(-clip, clip)]) for r, s in zip(rewards, self.scores)]

    def gae(self, rewards, gamma, lam):
        advantages = []
        for reward, value in zip(rewards, self.split(self.old_values)):
            tail, row = 0.0, []
            for t in reversed(range(len(reward))):
                after = value[t + 1] if t + 1 < len(reward) else 0.0
                tail = reward[t] + gamma * after - value[t] + gamma * lam * tail
                row.insert(0, tail)
            advantages.append(torch.stack(row))
        return torch.cat(advantages)

    def group(self, scale):
        out = []
        for group, score in zip(self.groups, self.scores):
            mine = torch.stack([s for g, s in zip(self.groups, self.scores) if g == group])
            deviation = {"group": mine.std(), "batch": self.scores.std(), "none": None}[scale]
            out.append((score - mine.mean()) / (1 if deviation is None else deviation + 1e-4))
        return torch.stack(out)

    def others(self):
        total = lambda i: [s for j, (g, s) in enumerate(zip(self.groups, self.scores)) if g == self.groups[i] and j != i]
        return torch.stack([s - sum(total(i)) / len(total(i)) for i, s in enumerate(self.scores)])


def whiten(x):
    return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-8)


def policy_entries(rollouts):
    entries = []
    new = lambda: Rollouts(rollouts)
    b = new()
    gap = b.old_logps - b.ref_logps
    rows = lambda tensors: [t.tolist() for t in tensors]
    shaping = {"beta": 0.05, "clip": 5.0}
    entries.append(entry("kl_shaping", "rollout", shaping, {"rewards": rows(b.rewards(0.05, 5.0))}))
    entries.append(entry("kl_shaping_clamped", "rollout", {"beta": 0.4, "clip": 5.0}, {
        "rewards": rows(b.rewards(0.4, 5.0, lambda gap: gap.clamp(min=0)))}))
    matching = lambda gap: torch.where(b.ref_logps > math.log(0.3), b.old_logps, gap)
    entries.append(entry("pm_rlhf", "rollout", {"beta": 0.1, "alpha": 0.3, "clip": 5.0}, {
        "rewards": rows(b.rewards(0.1, 5.0, matching))}))
    entries.append(entry("kl_estimators", "rollout", {}, {
        "k1": b.lists(gap), "k2": b.lists(gap ** 2 / 2), "k3": b.lists(torch.exp(-gap) - 1 + gap)}))
    divergence = torch.stack([x.sum() for x in b.split(gap)]).mean().item()
    target, horizon, n = 6.0, 10000, len(rollouts)
    entries.append(entry("adaptive_kl", "rollout", {"beta": 0.2, "target": target, "horizon": horizon, "n": n}, {
        "kl": divergence, "beta": 0.2 * (1 + min(max(divergence / target - 1, -0.2), 0.2) * n / horizon)}))
    advantages = b.gae(b.rewards(0.05, 5.0), 1.0, 0.95)
    entries.append(entry("gae", "rollout", shaping | {"gamma": 1.0, "lam": 0.95}, {
        "advantages": b.lists(advantages), "returns": b.lists(advantages + b.old_values),
        "whitened": b.lists(whiten(advantages))}))
    for id, scale in (("adv_grpo", "group"), ("adv_grpo_batch", "batch"), ("adv_dr_grpo", "none")):
        entries.append(entry(id, "advantage", {}, {"advantages": b.group(scale).tolist()}))
    others = b.others()
    entries.append(entry("adv_rloo", "advantage", {}, {
        "advantages": others.tolist(), "normalized": ((others - others.mean()) / (others.std() + 1e-4)).tolist()}))
    returns = torch.cat([r.flip(0).cumsum(0).flip(0) for r in b.rewards(0.05, 5.0)])
    entries.append(entry("adv_reinforce_pp", "advantage", shaping, {
        "returns": b.lists(returns), "advantages": b.lists(whiten(returns))}))
    entries.append(entry("adv_reinforce_pp_baseline", "advantage", {}, {
        "advantages": b.lists(whiten(b.group("none")[b.owner]))}))

    def graded(id, params, loss, keys=("logps",), more=lambda b: {}):
        b = new()
        value = loss(b)
        value.backward()
        entries.append(entry(id, "policy-loss", params, {"loss": value.item()} | more(b) | {
            "grad_" + key: b.lists(getattr(b, key).grad) for key in keys}))

    ratio = lambda b: torch.exp(b.logps - b.old_logps)
    clipped = lambda r, a, low, high: -torch.minimum(r * a, r.clamp(1 - low, 1 + high) * a)
    k3 = lambda b: torch.exp(b.ref_logps - b.logps) - (b.ref_logps - b.logps) - 1
    lam = 0.95

    def critic(b, beta):
        a = b.gae(b.rewards(beta, 5.0), 1.0, lam)
        return whiten(a), a + b.old_values

    def values(b, beta, bound):
        returns = critic(b, beta)[1]
        near = b.old_values + (b.values - b.old_values).clamp(-bound, bound)
        return 0.5 * torch.maximum((b.values - returns) ** 2, (near - returns) ** 2).mean()

    graded("ppo_policy", shaping | {"lam": lam, "cliprange": 0.2},
           lambda b: clipped(ratio(b), critic(b, 0.05)[0], 0.2, 0.2).mean())
    graded("ppo_value", shaping | {"lam": lam, "cliprange_value": 0.2}, lambda b: values(b, 0.05, 0.2), keys=("values",))
    apa = lambda b: ((b.logps - 10 * critic(b, 0)[0] - b.ref_logps) ** 2).mean()
    awr = lambda b: -(b.logps * torch.exp(0.5 * critic(b, 0)[0])).mean()
    for id, c, loss in (("apa", 10.0, apa), ("awr", 0.5, awr)):
        graded(id, {"clip": 5.0, "lam": lam, "c": c, "vf_coef": 1.0}, lambda b: loss(b) + values(b, 0, math.inf),
               keys=("logps", "values"),
               more=lambda b: {"policy_loss": loss(b).item(), "value_loss": values(b, 0, math.inf).item()})
    group = lambda b, scale="group": b.group(scale)[b.owner]
    plain = {"eps_low": 0.2, "eps_high": 0.2, "beta": 0.04}
    graded("grpo", plain, lambda b: b.mean(clipped(ratio(b), group(b), 0.2, 0.2) + 0.04 * k3(b)))
    graded("bnpo", plain, lambda b: (clipped(ratio(b), group(b), 0.2, 0.2) + 0.04 * k3(b)).mean())
    graded("dr_grpo", plain | {"beta": 0.0, "scale": "none", "max_length": 8},
           lambda b: clipped(ratio(b), group(b, "none"), 0.2, 0.2).sum() / (len(rollouts) * 8))
    graded("dapo", {"eps_low": 0.2, "eps_high": 0.28, "beta": 0.0},
           lambda b: clipped(ratio(b), group(b), 0.2, 0.28).mean())

    def whole(b, reduce):
        return torch.exp(torch.stack([reduce(x) for x in b.split(b.logps - b.old_logps)]))

    graded("gspo", {"eps_low": 0.1, "eps_high": 0.08, "beta": 0.0},
           lambda b: clipped(whole(b, torch.mean), b.group("group"), 0.1, 0.08).mean())
    graded("cispo", {"eps_max": 1.2}, lambda b: -(ratio(b).detach().clamp(max=1.2) * group(b) * b.logps).mean())

    def gate(b):
        a = group(b)
        tau = torch.where(a > 0, 1.0, 1.05)
        return b.mean(-a * torch.sigmoid(tau * (ratio(b) - 1)) * 4 / tau)

    graded("sapo", {"tau_pos": 1.0, "tau_neg": 1.05}, gate)
    graded("rloo", {"eps_low": 0.2, "eps_high": 0.2},
           lambda b: clipped(whole(b, torch.sum), b.others(), 0.2, 0.2).mean())
    cap = 1.5
    token = torch.exp(b.old_logps - b.sampling_logps)
    sequence = torch.stack([torch.exp(x.sum()) for x in b.split(b.old_logps - b.sampling_logps)])
    cut = lambda w: torch.where(w <= cap, w, 0.0)
    graded("tis", {"C": cap},
           lambda b: b.mean(clipped(ratio(b), group(b), 0.2, 0.2) * token.clamp(max=cap)),
           more=lambda b: {
               "token_truncate": b.lists(token.clamp(max=cap)), "token_mask": b.lists(cut(token)),
               "sequence_truncate": sequence.clamp(max=cap).tolist(), "sequence_mask": cut(sequence).tolist()})
    return entries


def weight_entries(weights):
    w = [torch.tensor(weights[k]) for k in ("w0", "trained1", "trained2", "trained3")]
    line = lambda zero, one, alpha: (one + alpha * (one - zero)).tolist()
    return [
        entry("expo", "weights", {"alpha": 0.5}, {"weights": line(w[0], w[1], 0.5)}),
        entry("apo_extrapolation", "weights", {"alpha": 0.3}, {"weights": [line(w[i], w[i + 1], 0.3) for i in range(3)]}),
    ]


def compare(mine, theirs):
    theirs = {(e["id"], e["family"]): e for e in theirs}
    flat = lambda x: [y for v in (x.values() if isinstance(x, dict) else x) for y in flat(v)] if isinstance(x, (dict, list)) else [x if isinstance(x, str) or x is None else float(x)]
    apart = lambda x, y: (0 if x == y else math.inf) if isinstance(x, str) or x is None or y is None else abs(x - y) / (1 + abs(y))
    worst, count = 0.0, 0
    for e in mine:
        other = theirs.get((e["id"], e["family"]))
        if other is None:
            continue
        for key, value in other["expected"].items():
            if key in e["expected"] and not (key == "losses" and e["id"].startswith("aot")):
                a, b = flat(e["expected"][key]), flat(value)
                assert len(a) == len(b), (e["id"], key)
                d = max((apart(x, y) for x, y in zip(a, b)), default=0)
                if not d <= 1e-9:
                    print("differs:", e["id"], e["family"], key, d)
                worst, count = (d if d != d else max(worst, d)), count + 1
    print(f"{count} values compared, the largest difference is {worst:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs")
    options = parser.parse_args()
    if options.inputs:
        other = json.load(open(options.inputs))
        V = other["vocab_size"]
        compare(make_entries(other["inputs"]), other["entries"])
    else:
        inputs = make_inputs()
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json")
        with open(path, "w") as file:
            json.dump({"format": 1, "vocab_size": V, "inputs": inputs, "entries": make_entries(inputs)}, file, indent=1)

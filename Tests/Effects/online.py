"""The tables of policies that learn from their own answers: arms as rows, and differences to what each is compared with."""

import json
import statistics

from seeds import difference, markdown, text

# Steps whose mean is a point of a curve.
WINDOW = 10


def apa(study):
    """KL divergence from the SFT model at equal reward, of each strength of APA's tie and of the weight of PPO's penalty that gets
    about as far: at the highest reward that both reach on a seed."""
    ppo = {"ppo_0": "0", "ppo": "0.05", "ppo_02": "0.2", "ppo_05": "0.5", "ppo_1": "1", "ppo_2": "2"}
    tied = {"apa": "10", "apa_3": "3", "apa_1": "1"}
    curves = {arm: [curve(study, seed, arm) for seed in study.seeds] for arm in ppo | tied}
    best = {arm: [max(score for _, score in points) for points in curves[arm]] for arm in curves}
    rows = []
    for arm, coef in tied.items():
        match = min(ppo, key=lambda other: abs(statistics.fmean(best[other]) - statistics.fmean(best[arm])))
        reached = [min(levels) for levels in zip(best[match], best[arm])]
        tolls = {name: [toll(level, points) for level, points in zip(reached, curves[name])] for name in (match, arm)}
        rows.append([
            coef, ppo[match], text(best[arm], 2), text(best[match], 2), text(tolls[arm], 2), text(tolls[match], 2),
            difference(tolls[arm], tolls[match], 2), text(study.values(arm, "score"), 2),
            text(study.values(match, "score"), 2)])
    return markdown(
        ["APA's coef", "PPO's kl_coef", "highest reward of APA", "of PPO", "KL at equal reward of APA", "of PPO", "difference",
         "gold score of APA at the end", "of PPO"], rows)


def discriminator(study):
    rows = [("none: 512 labels before", "frozen", None), ("none: 128 labels before", "first_frozen", "frozen"),
            ("128 before, 384 in the loop, random", "random", "frozen"), ("the same, least confident", "confident", "frozen")]
    table = []
    for title, arm, against in rows:
        scores = study.values(arm, "score")
        table.append([
            title, text(scores, 3), "" if against is None else difference(scores, study.values(against, "score"), 3),
            difference(scores, study.values("random", "score"), 3) if arm == "confident" else ""])
    return markdown(["reward model is taught", "gold score", "to none of 512", "to random"], table)


def rounds(study):
    rows = [("DPO, one round", "round-1-dpo"), ("two rounds", "round-2-dpo"), ("three rounds", "round-3-dpo"),
            ("one round, three times the steps", "once"), ("APO, one round", "apo-1-apo"), ("two rounds", "apo-2-apo")]
    return markdown(
        ["policy", "gold score", "to DPO's one round", "to DPO's three"],
        [[title, text(study.values(arm, "score"), 3)] + [
            "" if arm == other else difference(study.values(arm, "score"), study.values(other, "score"), 3)
            for other in ("round-1-dpo", "round-3-dpo")] for title, arm in rows])


def rft(study):
    rows = [("SFT", "taught"), ("SFT, twice the epochs", "taught_longer"), ("RFT, one round", "rft-1-rft"),
            ("two rounds", "rft-2-rft")]
    return markdown(
        ["policy", "gold score", "to SFT", "to SFT of twice the epochs"],
        [[title, text(study.values(arm, "score"), 3)] + [
            "" if arm == other else difference(study.values(arm, "score"), study.values(other, "score"), 3)
            for other in ("taught", "taught_longer")] for title, arm in rows])


def hacked(study):
    """What the metrics say over the first and the last steps, and what nobody sees while it trains: the gold score."""
    names = [("objective/scores", 1), ("objective/kl", 1), ("val/num_eos_tokens", 2), ("completions/mean_length", 1)]
    rows = []
    for title, arm in (("as trained on all pairs", "ppo"), ("with a hole", "hacked")):
        for when, part in (("first", slice(0, WINDOW)), ("last", slice(-WINDOW, None))):
            figures = [
                [statistics.fmean(line[name] for line in lines(study, seed, arm)[part]) for seed in study.seeds]
                for name, _ in names]
            gold = study.values(arm, "score") if when == "last" else study.evaluated("evaluate", "sft", "mean_score")
            rows.append([title, when] + [text(values, digits) for values, (_, digits) in zip(figures, names)]
                        + [text(gold, 2)])
    return markdown(["reward model", f"{WINDOW} steps"] + [f"`{name}`" for name, _ in names] + ["gold score"], rows)


def curve(study, seed, arm):
    """KL divergences and rewards, each the mean of a window of steps."""
    steps = lines(study, seed, arm)
    windows = [steps[start:start + WINDOW] for start in range(len(steps) - WINDOW + 1)]
    return [tuple(statistics.fmean(line[name] for line in window) for name in ("objective/kl", "objective/scores"))
            for window in windows]


def toll(level, points):
    """The KL divergence at which a curve first reaches a reward."""
    return next(divergence for divergence, score in points if score >= level)


def lines(study, seed, arm):
    file = study.directory / f"seed-{seed}" / "metrics.jsonl"
    found = [json.loads(line) for line in file.open()]
    return [line for line in found if line["stage"].split("-", 1)[1] == arm]

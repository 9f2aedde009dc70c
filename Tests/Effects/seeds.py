"""Numbers over seeds: what a study has left, and the t intervals of means."""

import json
import math
import statistics
from pathlib import Path


class Study:
    """`study.json` of a study, by arm and in the order of seeds."""

    def __init__(self, directory):
        self.directory = directory
        self.results = json.loads((directory / "study.json").read_text())
        self.seeds = self.results["seeds"]
        self.arms = {arm["name"]: arm for arm in self.results["arms"]}

    def values(self, arm, figure):
        """A figure's values, a seed's each: `score`, `length`, `win rate over X`, or a metric of the last line."""
        if figure in ("score", "length"):
            return self.arms[arm][figure]["values"]
        if figure.startswith("win rate over "):
            return self.arms[arm]["win_rates"][figure.removeprefix("win rate over ")]["values"]
        return self.arms[arm]["metrics"][figure]["values"]

    def seconds(self, arm):
        """The least that a step took in the short runs `price-N`, of the lines of their metrics: what else a machine
        does only adds to it."""
        lines = [json.loads(line) for file in self.directory.glob("price-*/metrics.jsonl") for line in file.open()]
        return min(
            sum(value for key, value in line.items() if key.startswith("timing/"))
            for line in lines if line["stage"].split("-", 1)[1] == arm)

    def evaluated(self, stage, policy, field):
        """What an evaluate stage found of a policy, which need be no arm, a seed's each: `mean_score` or `mean_length`."""
        runs = [self.directory / f"seed-{seed}" / "stages" for seed in self.seeds]
        files = [next(run.glob(f"*-{stage}/evaluation.json")) for run in runs]
        evaluations = [json.loads(file.read_text())["policies"] for file in files]
        return [next(found for found in policies if found["name"] == policy)[field] for policies in evaluations]


def interval(values):
    """The mean and its 95 % t interval."""
    mean = statistics.fmean(values)
    margin = quantile(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - margin, mean + margin


def quantile(freedom):
    """What a t of so many degrees of freedom is within with probability 0.95, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, freedom) < 0.95 else (low, middle)
    return low


def within(t, freedom):
    """The probability that |T| < t (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2
    term, total = (cosine, cosine) if odd else (1.0, 1.0)
    for power in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine ** 2 * (power - 1) / power
        total += term
    if not odd:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + (math.sin(angle) * total if freedom > 1 else 0))


def text(values, digits):
    """`mean [low, high]`."""
    mean, low, high = interval(values)
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def difference(values, others, digits):
    """`+mean [low, high]` of the differences seed by seed."""
    mean, low, high = interval([value - other for value, other in zip(values, others)])
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def markdown(head, rows):
    lines = [head, ["---"] * len(head)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

"""The table of all losses, the best first, as `run losses` made it of losses.yaml."""

import re

from seeds import Study, difference, markdown, text

# What may come by chance once in so many tables.
SIGNIFICANT = 0.05


def table(study, config):
    """Rows of the study and of those beside it, `losses-ARM`, each against its own DPO; and what they say in words."""
    titles = options(config.read_text())
    studies = [study] + [Study(file.parent) for file in sorted(study.directory.parent.glob("losses-*/study.json"))]
    base = study.results["baseline"]
    # An arm that stands in several is the whole study's.
    found = {name: each for each in reversed(studies) for name in each.arms}
    arms = sorted(((each, name) for name, each in found.items()), key=lambda arm: -arm[0].arms[arm[1]]["score"]["mean"])
    head = ["loss", "learning rate", "gold score", "to DPO", "p (Holm)", "% over SFT", "% over DPO", "margin", "length",
            "seconds"]
    rows = [row(each, name, titles[name], base) for each, name in arms]
    return f"{markdown(head, rows)}\n\n{words(study, arms, titles, base)}"


def row(study, name, title, base):
    arm, score = study.arms[name], study.values(name, "score")
    against = ["", "", percent(study.values(name, "win rate over sft")), ""]
    if name != base:
        against = [
            difference(score, study.values(base, "score"), 3), probability(arm["difference"]["p_holm"]), against[2],
            percent(study.values(name, f"win rate over {base}")),
        ]
    return [
        title, tuned(study, name), text(score, 3), *against, f"{arm['metrics']['eval_rewards/margins']['mean']:.2f}",
        f"{arm['length']['mean']:.1f}", f"{study.seconds(name) / study.seconds(base):.1f}",
    ]


def words(study, arms, titles, base):
    """Which differ from DPO, and which might with a wider choice of learning rates."""
    differences = [(titles[name], each.arms[name]["difference"]) for each, name in arms if name != base]
    values = sorted(map(float, study.results["tuning"]["values"]))

    def listed(names):
        return "; ".join(names) or "none"

    def beyond(holds):
        return listed(title for title, found in differences if found["p_holm"] < SIGNIFICANT and holds(found["mean"]))

    almost = listed(title for title, found in differences if found["low"] > 0 and found["p_holm"] >= SIGNIFICANT)

    def at(value):
        return listed(titles[name] for each, name in arms if float(tuned(each, name)) == value)

    return "\n".join([
        f"SFT scores {text(study.evaluated('evaluate', 'sft', 'mean_score'), 3)}. With p < {SIGNIFICANT}:",
        "",
        f"- above DPO: {beyond(lambda mean: mean > 0)}",
        f"- below DPO: {beyond(lambda mean: mean < 0)}",
        f"- above it by their interval, but not after the correction for so many comparisons: {almost}",
        f"- with the least learning rate that was tried, so that more might be in them: {at(values[0])}",
        f"- with the largest: {at(values[-1])}",
    ])


def tuned(study, name):
    return next(arm["chosen"] for arm in study.results["tuning"]["arms"] if arm["name"] == name)


def options(config):
    """What distinguishes each arm, from its line in the configuration."""
    titles = {"dpo": "`sigmoid` (DPO)", "kto": "`kto`'s stage"}
    for name, rest in re.findall(r"^(\w+): \{<<: \*\w+, (.*)\}$", config, re.MULTILINE):
        loss = re.match(r"loss_type: (\w+)(?:, )?", rest)
        rest = rest[loss.end():] if loss else rest
        first = f"`{loss[1]}`" if loss else "" if rest.startswith("loss_type") else "`sigmoid`"
        titles[name] = " with ".join(part for part in (first, f"`{rest}`" if rest else "") if part)
    return titles


def percent(values):
    return text([100 * value for value in values], 0)


def probability(p):
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

"""The tables of the effects: arms as rows, and differences to the arm that each is to be compared with."""

from seeds import difference, markdown, text

BETA = 0.1
# The lengths of training of SamPO's effect.
STEPS = (60, 120, 240)


def table(name, study):
    return {
        "focalpo": focalpo, "minor_dpo": minor_dpo, "sampo": sampo, "expo": expo, "hpo": hpo, "bmc": bmc, "spo": spo,
    }[name](study)


def focalpo(study):
    columns = [SCORE, figure("fit of turned labels", "eval_rewards/accuracies", 3),
               figure("their margin", "eval_rewards/margins", 3)]
    rows = [("DPO", "flipped_dpo", None)] + [
        (f"FocalPO, γ {gamma}", f"flipped_focalpo{arm}", "flipped_dpo")
        for gamma, arm in (("0.05", ""), ("0.5", "_half"), ("1", "_one"))]
    return compare(study, rows, columns)


def minor_dpo(study):
    columns = [SCORE, figure("log π of winners", "eval_logps/chosen", 1),
               figure("log π of losers", "eval_logps/rejected", 1)]
    rows = [("DPO", "dpo", None), ("MinorDPO", "minor_dpo", "dpo"),
            ("DPO, learning rate 3e-3", "hot_dpo", None), ("MinorDPO, learning rate 3e-3", "hot_minor_dpo", "hot_dpo")]
    return compare(study, rows, columns)


def expo(study):
    def rows(title, prefix, base, alphas):
        return [(f"{title}, α 0", base, None)] + [
            (f"α {alpha}", f"{prefix}_{alpha.replace('.', '')}", base) for alpha in alphas]

    light = rows("DPO, learning rate 5e-5", "light_expo", "light_dpo", ("0.25", "0.5", "1", "2", "4", "8"))
    return compare(study, light + rows("DPO, 3e-4", "expo", "dpo", ("0.1", "0.25", "0.5")), [SCORE, LENGTH], "policy")


def hpo(study):
    def cost(arm):
        return [-score for score in study.evaluated("brevity", arm, "mean_score")]

    columns = [("cost", lambda study, arm: cost(arm), 3), figure("pair accuracy", "eval_rewards/accuracies", 3), SCORE,
               LENGTH]
    rows = [("0 (DPO)", "dpo", None)] + [
        (gamma, f"hpo_{gamma.replace('.', '')}", "dpo") for gamma in ("0.003", "0.01", "0.03", "0.1")]
    return compare(study, rows, columns, "γ")


def bmc(study):
    rows = [("DPO, pairs as they are", "raw_dpo", None), ("BMC's weights, pairs as they are", "raw_bmc", "raw_dpo"),
            ("DPO, bridged pairs", "bridged_dpo", "raw_dpo"),
            ("BMC's weights, bridged pairs", "bridged_bmc", "raw_dpo")]
    return compare(study, rows, [SCORE, figure("pair accuracy", "eval_rewards/accuracies", 3), LENGTH])


def spo(study):
    def degrees(study, arm):
        return [] if arm == "dpo" else study.values(arm, "eval_degree_accuracy")

    rows = [("DPO", "dpo", None), ("SPO, γ 0.1", "spo", "dpo"), ("SPO, γ 1", "spo_one", "dpo")]
    columns = [figure("pair accuracy", "eval_rewards/accuracies", 3), SCORE]
    return compare(study, rows, columns, more=[("degree accuracy", degrees, 3)])


def sampo(study):
    """Lengths after three lengths of training, and at one margin, the largest that all three losses reach on a seed."""
    rows = []
    for data, kind in (("always", "longer"), ("in three of four pairs", "mostly")):
        courses = {loss: lengths(study, kind, loss) for loss in ("dpo", "sampo", "average")}
        reached = [min(max(margin for margin, _ in course) for course in seeds) for seeds in zip(*courses.values())]
        grown = {
            loss: [length_at(margin, course) for margin, course in zip(reached, seeds)]
            for loss, seeds in courses.items()}
        for title, loss in (("DPO", "dpo"), ("SamPO", "sampo"), ("SamPO's mean", "average")):
            means = [[mean(figures) for figures in zip(*points)] for points in list(zip(*courses[loss]))[1:]]
            rows.append(
                [data, title] + [f"{margin:.1f}: {length:+.1f}" for margin, length in means]
                + [text(grown[loss], 1), "" if loss == "dpo" else difference(grown[loss], grown["dpo"], 1),
                   text(study.values(f"{kind}_{loss}_{STEPS[-1]}", "score"), 2)])
    head = ["winner longer", "loss"] + [f"h: growth, {count} steps" for count in STEPS]
    return markdown(head + ["growth at equal h", "to DPO", "score"], rows)


def lengths(study, kind, loss):
    """A list a seed of margins and how far the answers have grown, both from the SFT model on."""
    seeds = range(len(study.seeds))
    start = study.evaluated("evaluate", "sft", "mean_length")
    # The SFT model's own difference of log-probabilities, from which margins are counted.
    first = f"{kind}_dpo_{STEPS[0]}"
    origin = [a - b / BETA for a, b in zip(apart(study, first), study.values(first, "eval_rewards/margins"))]
    arms = [f"{kind}_{loss}_{count}" for count in STEPS]
    return [
        [(0.0, 0.0)] + [
            (apart(study, arm)[seed] - origin[seed], study.values(arm, "length")[seed] - start[seed]) for arm in arms]
        for seed in seeds]


def apart(study, arm):
    """log π of winners less that of losers, in the mean over held-out pairs."""
    winners, losers = (study.values(arm, f"eval_logps/{side}") for side in ("chosen", "rejected"))
    return [winner - loser for winner, loser in zip(winners, losers)]


def length_at(margin, points):
    """How far answers have grown at a margin, by the line between the points around it."""
    for (low, first), (high, second) in zip(points, points[1:]):
        if low <= margin <= high:
            return first + (second - first) * (margin - low) / (high - low)
    raise ValueError(f"no length at a margin of {margin}: {points}")


def figure(title, name, digits):
    return title, lambda study, arm: study.values(arm, name), digits


SCORE = figure("score", "score", 3)
LENGTH = figure("length", "length", 1)


def compare(study, rows, columns, title="loss", more=()):
    """A row an arm, `(title, arm, against)`: means with intervals, and the difference to what it is compared with; `more`
    columns are of some arms alone, and compared with nothing."""
    head, cells = [title], [[row[0]] for row in rows]
    for column, values, digits in columns:
        head += [column, "difference"]
        for cell, (_, arm, against) in zip(cells, rows):
            own = values(study, arm)
            cell += [text(own, digits), "" if against is None else difference(own, values(study, against), digits)]
    for column, values, digits in more:
        head.append(column)
        for cell, (_, arm, _) in zip(cells, rows):
            own = values(study, arm)
            cell.append(text(own, digits) if own else "")
    return markdown(head, cells)


def mean(values):
    return sum(values) / len(values)

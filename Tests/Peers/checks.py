"""Both programs must compute the same before their speed is compared."""


class Disagreement(Exception):
    """They do not."""


def check_reference(ours, theirs):
    """The reference's log-probabilities of all responses, summed; those of TRL are in the order of the pairs."""
    for name in ["chosen_logps", "rejected_logps"]:
        values = dict(zip(ours["index"], ours[name]))
        for index, expected in enumerate(theirs[name]):
            check(f"pair {index + 1}: {name}", values[index], expected, 1e-2)


def check_steps(ours, theirs):
    """The metrics of successive optimizer steps."""
    for step, metrics in enumerate(theirs):
        for name, tolerance in [("loss", 1e-4), ("logps/chosen", 1e-2), ("logps/rejected", 1e-2)]:
            check(f"step {step + 1}: {name}", ours[name][step], float(metrics[name]), tolerance)


def check_drawn(difference):
    """Log-probabilities that were given with drawn tokens, against a forward pass of transformers."""
    check("log-probabilities of drawn tokens: largest difference", difference, 0, 1e-3)


def check(what, value, expected, tolerance):
    if not abs(value - expected) <= tolerance:
        raise Disagreement(f"{what} {value:.5f}, but the peer has {expected:.5f}")

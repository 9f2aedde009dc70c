"""Golden values of a study's statistics: Student's t by scipy, Holm's correction by statsmodels."""

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

from common import HERE, write_json

RANDOM = np.random.default_rng(20261126)

DEGREES = [1, 2, 3, 4, 7, 9, 29, 99, 999]


def distribution() -> list:
    points = [-40.0, -6.5, -2.0, -0.7, -1e-3, 0.0, 1e-9, 0.3, 1.0, 1.96, 2.776, 5.0, 12.7, 1e3]
    probabilities = [1e-6, 0.005, 0.025, 0.3, 0.5, 0.75, 0.9, 0.975, 0.9995]
    return [
        {
            "degrees_of_freedom": nu,
            "t": points,
            "cumulative": [stats.t.cdf(t, nu) for t in points],
            "two_sided_tail": [2 * stats.t.sf(abs(t), nu) for t in points],
            "probability": probabilities,
            "quantile": [stats.t.ppf(p, nu) for p in probabilities],
        }
        for nu in DEGREES
    ]


def tests() -> list:
    found = []
    for count in [2, 3, 5, 8, 20]:
        for effect in [0.0, 0.4, 3.0]:
            shared = RANDOM.normal(2.5, 0.5, count)
            first = shared + RANDOM.normal(effect, 0.2, count)
            second = shared + RANDOM.normal(0.0, 0.2, count)
            paired = stats.ttest_rel(first, second)
            low, high = paired.confidence_interval(0.95)
            own = stats.t.interval(0.95, count - 1, loc=np.mean(first), scale=stats.sem(first))
            found.append(
                {
                    "first": first.tolist(),
                    "second": second.tolist(),
                    "mean": float(np.mean(first)),
                    "interval": [float(bound) for bound in own],
                    "difference": {
                        "t": float(paired.statistic), "p": float(paired.pvalue), "low": float(low), "high": float(high)
                    },
                }
            )
    return found


def corrections() -> list:
    families = [[0.03], [0.04, 0.01], [0.01, 0.04, 0.03, 0.005], [0.2, 0.9, 0.5], [0.02, 0.02, 0.02]]
    families.append(RANDOM.uniform(0, 0.2, 12).tolist())
    return [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in families]


if __name__ == "__main__":
    write_json(
        HERE / "statistics.json",
        {
            "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
            "distribution": distribution(),
            "tests": tests(),
            "corrections": corrections(),
        },
    )

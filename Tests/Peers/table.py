"""The table of ratios, in Markdown."""

import platform
import statistics
import time
from pathlib import Path


class Row:
    """A line of the table: what both sides gave in each turn, in the same unit."""

    def __init__(self, name, peer, ours, theirs, fractions=()):
        self.name, self.peer, self.ours, self.theirs, self.fractions = name, peer, ours, theirs, fractions

    def cells(self):
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        part = f"{100 * statistics.median(self.fractions):.0f} %" if self.fractions else ""
        return [self.name, f"{ours:.3g}", f"{theirs:.3g} ({self.peer})", self.ratio(), part]

    def ratio(self):
        """The median over turns with its quartiles; not the ratio of medians, for the machine's speed changes."""
        ratios = [mine / other for mine, other in zip(self.ours, self.theirs)]
        if len(ratios) == 1:
            return f"{ratios[0]:.2f}"
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def table(rows, options):
    header = ["what", "mpo", "peer", "mpo / peer", "of the matrix-product peak"]
    lines = [header, ["---"] * len(header)] + [row.cells() for row in rows]
    threads = f"{options.threads} thread{'' if options.threads == 1 else 's'}"
    title = f"{time.strftime('%Y-%m-%d')}, {processor()}, {threads}, {Path(options.model).name}, fp32:"
    return title + "\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()

"""Turns: both programs measure the same thing one right after the other, while the other one sleeps."""

import sys

from table import Row


class Turns:
    """Short measurements in turn, which give one or more rows of the table.

    A machine that others use changes its speed within minutes, so that rates compare only with their neighbours in
    time. Who goes first alternates, so that a speed that rises or falls favours nobody.
    """

    def __init__(self, names, peer, ours, theirs):
        """`ours(turn)` gives a measurement of mpo for each of `names`, `theirs(turn)` the peer's rates."""
        self.names, self.peer, self.sides = names, peer, (ours, theirs)
        self.turns = []

    def take(self):
        turn, results = len(self.turns), [None, None]
        for side in [0, 1] if turn % 2 == 0 else [1, 0]:
            results[side] = self.sides[side](turn)
        self.turns.append(results)
        for name, mine, other in zip(self.names, *results):
            ratio = f"{mine['rate']:.4g} / {other:.4g} = {mine['rate'] / other:.2f}"
            print(f"peers: turn {turn + 1}: {name}: {ratio}", file=sys.stderr)

    def rows(self):
        return [
            Row(name, self.peer, [ours[place]["rate"] for ours, _ in self.turns],
                [theirs[place] for _, theirs in self.turns],
                [ours[place]["fraction_of_peak"] for ours, _ in self.turns])
            for place, name in enumerate(self.names)]

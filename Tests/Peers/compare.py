"""Runs mpo and its peers in short turns on the same model, data and settings, and prints a table of ratios.

Started by `run`.
"""

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

from checks import Disagreement, check_drawn, check_reference, check_steps
from pairs import short_pairs
from programs import Failure, Mpo, Peer
from table import Row, table
from turns import Turns

ITEMS = ["dpo", "sampling", "uneven", "ppo"]
BATCH, REFERENCE, LENGTH, BATCHES, SLOTS = 8, 24, 64, [8, 32], 32
PPO = dict(batch=16, length=48, epochs=4)


def main():
    options = parse()
    with tempfile.TemporaryDirectory() as directory:
        comparison = Comparison(options, Path(directory))
        rows = [row for item in options.only for row in getattr(comparison, item)()]
    print(table(rows, options))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpo", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="JSONL or JSONL.gz of preference pairs, HH transcripts or prompts")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--ppo-python", help="a python with the packages of requirements-ppo.txt")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each row")
    parser.add_argument("--quick", action="store_true", help="one turn, no PPO")
    parser.add_argument("--only", type=lambda text: text.split(","), help="some of " + ",".join(ITEMS))
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    options.only = options.only or [item for item in ITEMS if item != "ppo" or not options.quick]
    if options.rounds < 1:
        parser.error("--rounds: at least one is needed")
    if unknown := set(options.only) - set(ITEMS):
        parser.error(f"--only: no such item: {', '.join(sorted(unknown))}; there are {', '.join(ITEMS)}")
    if "ppo" in options.only and not options.ppo_python:
        parser.error("ppo needs --ppo-python")
    return options


class Comparison:
    """What is compared: each item's method gives rows of the table."""

    def __init__(self, options, directory):
        self.options, self.directory, self.rounds = options, directory, options.rounds
        self.mpo = Mpo(options.mpo, options.model, options.threads, directory)
        self.pairs = short_pairs(options.data, options.model, max(64, BATCH * (self.rounds + 1)))

    def dpo(self):
        """Optimizer steps on the same batches, and passes of the reference over the same pairs."""
        steps = self.rounds + 1
        pairs = self.pairs[: max(BATCH * steps, REFERENCE)]
        data, some = self.file("pairs", pairs), self.file("reference", pairs[:REFERENCE])
        with self.peer("peer_dpo.py", data, batch=BATCH, steps=steps, reference=REFERENCE) as trl:
            scored = self.score(data, len(pairs))
            check_reference(scored["values"], trl.ready)
            checked = self.mpo.bench("dpo", data, repeats=self.rounds, train_batch_size=BATCH)["dpo"]
            answers = [trl.ready]

            def our_step(turn):
                """Warms up on the batch before the peer's, and measures the peer's."""
                batches = self.file("batches", pairs[BATCH * turn:BATCH * (turn + 2)])
                return [self.mpo.bench("dpo", batches, train_batch_size=BATCH)["dpo"]]

            def their_step(turn):
                answers.append(trl.ask("step"))
                check_steps(checked["values"], [answer["metrics"] for answer in answers])
                return [BATCH / answers[-1]["seconds"]]

            turns = [
                Turns(["DPO, batch 8, pairs/s"], "TRL", our_step, their_step),
                Turns(["reference pass, pairs/s"], "TRL",
                      lambda _: [self.score(some, REFERENCE)],
                      lambda _: [REFERENCE / trl.ask("reference")["seconds"]]),
            ]
            for _ in range(self.rounds):
                for one in reversed(turns):
                    one.take()
        memory = [checked["peak_memory"] / 2**30], [answers[-1]["peak_memory"] / 2**30]
        return [row for one in turns for row in one.rows()] + [Row("DPO, peak memory, GiB", "TRL", *memory)]

    def score(self, data, count):
        """A pass of mpo's reference over `count` pairs, rounded up to six batches, which bench takes."""
        return self.mpo.bench("scoring", data, train_batch_size=math.ceil(count / 6))["scoring"]

    def sampling(self):
        """Responses of one length: prompts included, and the tokens after the first."""
        data = self.file("pairs", self.pairs[:64])
        with self.peer("peer_generate.py", data) as sampler:
            drawn = self.draw(data, BATCHES[0])[0]["values"]
            check_drawn(sampler.ask("logps", **drawn, length=LENGTH)["difference"])
            turns = [self.sampling_turns(sampler, data, batch) for batch in BATCHES]
            for _ in range(self.rounds):
                for one in turns:
                    one.take()
        return [row for one in turns for row in one.rows()]

    def sampling_turns(self, sampler, data, batch):
        def theirs(_):
            seconds = sampler.ask("sampling", batch=batch, length=LENGTH)
            after = seconds["sampling"] - seconds["prefill"]
            return [batch * LENGTH / seconds["sampling"], batch * (LENGTH - 1) / after]

        sampler.ask("sampling", batch=batch, length=LENGTH // 4)  # Warms up.
        names = [f"{what}, batch {batch}, tokens/s" for what in ["sampling", "decode alone"]]
        return Turns(names, "generate()", lambda _: self.draw(data, batch), theirs)

    def draw(self, data, batch):
        """What mpo measures of responses of one length: all of it, and decoding alone."""
        measured = self.mpo.bench("decode", data, generation_batch_sizes=batch, response_length=LENGTH)
        return [measured[f"sampling {batch}"], measured[f"decode {batch}"]]

    def uneven(self):
        """256 responses of uneven lengths, 32 at a time; one turn or two, for they are long."""
        data, lengths = self.file("pairs", self.pairs[:64]), []
        with self.peer("peer_generate.py", data) as sampler:

            def ours(_):
                measured = self.mpo.bench("uneven", data)[f"uneven {SLOTS}"]
                lengths[:] = map(int, measured["values"]["lengths"])
                return [measured]

            def theirs(_):
                return [sum(lengths) / sampler.ask("uneven", lengths=lengths, slots=SLOTS)["seconds"]]

            sampler.ask("sampling", batch=SLOTS, length=LENGTH // 4)  # Warms up.
            turns = Turns([f"256 uneven responses, {SLOTS} slots, tokens/s"], "generate()", ours, theirs)
            for _ in range(min(2, self.rounds)):
                turns.take()
        return turns.rows()

    def ppo(self):
        """A whole update of PPO on the prompts that both warmed up on; one turn, for the peer's are slow.

        The peer keeps 15 GiB, so it starts when mpo is done, whose turn is thus some minutes from the peer's.
        """
        batch, length, epochs = PPO["batch"], PPO["length"], PPO["epochs"]
        data = self.file("prompts", self.pairs[:batch])

        def theirs(_):
            with self.peer("peer_ppo.py", data, python=self.options.ppo_python, turns=1, **PPO) as trl:
                return [batch / trl.ask("update")["seconds"]]

        turns = Turns(
            ["PPO update, responses/s"], "TRL 0.19.1",
            lambda _: [self.mpo.bench(
                "ppo", data, rollout_batch_size=batch, response_length=length, num_ppo_epochs=epochs)["ppo"]],
            theirs)
        turns.take()
        return turns.rows()

    def peer(self, script, data, python=sys.executable, **settings):
        return Peer(script, data, self.options.model, self.options.threads, self.directory, python, **settings)

    def file(self, name, pairs):
        path = self.directory / f"{name}.jsonl"
        path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        return path


if __name__ == "__main__":
    try:
        main()
    except (Disagreement, Failure) as problem:
        sys.exit(f"peers: {problem}")

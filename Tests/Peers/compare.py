"""Runs mpo and its peers in turn on the same model, data and settings, and prints a table of ratios. Started by `run`."""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
BATCH, LENGTH, BATCHES, SLOTS = 8, 64, [8, 32], 32
PPO = dict(batch=16, length=48, epochs=4)


class Disagreement(Exception):
    """The two programs do not compute the same."""


def main():
    options = parse()
    with tempfile.TemporaryDirectory() as directory:
        comparison = Comparison(options, Path(directory))
        rows = []
        for item in options.only:
            rows += getattr(comparison, item)()
    print(table(rows, options))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpo", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="JSONL or JSONL.gz of preference pairs, HH transcripts or prompts")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--ppo-python", help="a python with the packages of requirements-ppo.txt")
    parser.add_argument("--rounds", type=int, default=3, help="times that both programs are run in turn")
    parser.add_argument("--quick", action="store_true", help="one round, fewer repeats, no PPO")
    parser.add_argument("--only", type=lambda text: text.split(","), help="some of dpo,sampling,uneven,ppo")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    options.only = options.only or ["dpo", "sampling", "uneven"] + ([] if options.quick else ["ppo"])
    return options


class Comparison:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.repeats = 2 if options.quick else 5
        self.data = directory / "pairs.jsonl"
        self.write_pairs(BATCH * (self.repeats + 1) if options.quick else 64)

    def write_pairs(self, count):
        """The first pairs whose prompts have at most 256 tokens, with whole examples of at most 512."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.options.model)
        length = lambda text: len(tokenizer(text)["input_ids"])
        pairs = []
        for pair in read_pairs(self.options.data):
            longest = max(length(pair["prompt"] + pair[name]) for name in ["chosen", "rejected"])
            if length(pair["prompt"]) <= 256 and longest < 512:
                pairs.append(pair)
            if len(pairs) == count:
                break
        if len(pairs) < count:
            sys.exit(f"peers: {self.options.data}: {len(pairs)} pairs are short enough, {count} are needed")
        self.data.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))

    def dpo(self):
        """Optimizer steps, and passes of the reference over the same pairs."""
        ours, theirs = self.alternate(
            ["--only", "dpo,scoring", "--repeats", self.repeats, "--train-batch-size", BATCH],
            "peer_dpo.py", batch=BATCH, steps=self.repeats + 1, repeats=min(3, self.repeats))
        check_logps(ours[0]["scoring"]["values"], theirs[0])
        check_steps(ours[0]["dpo"]["values"], theirs[0]["metrics"])
        peer_steps = [[BATCH / seconds for seconds in run["steps"][1:]] for run in theirs]
        peer_passes = [[run["pairs"] / seconds for seconds in run["scoring"]] for run in theirs]
        return [
            Row("DPO, batch 8, pairs/s", rates(ours, "dpo"), peer_steps, "TRL", fraction(ours, "dpo")),
            Row("reference pass, pairs/s", rates(ours, "scoring"), peer_passes, "TRL", fraction(ours, "scoring")),
            Row("DPO, peak memory, GiB", memory(ours, "dpo"),
                [[run["peak_memory"] / 2**30] for run in theirs], "TRL"),
        ]

    def sampling(self):
        """Responses of one length: prompts included, and the tokens after the first."""
        ours, theirs = self.alternate(
            ["--only", "decode", "--repeats", self.repeats, "--response-length", LENGTH, "--generation-batch-sizes",
             ",".join(map(str, BATCHES))],
            "peer_generate.py", batches=json.dumps(BATCHES), length=LENGTH, repeats=self.repeats,
            uneven_lengths="[]", uneven_repeats=0)
        self.check_drawn(ours[0][f"sampling {BATCHES[0]}"]["values"])
        rows = []
        for batch in BATCHES:
            whole = [[batch * LENGTH / seconds for seconds in run["sampling"][str(batch)]] for run in theirs]
            after = [
                [batch * (LENGTH - 1) / (seconds - statistics.median(run["prefill"][str(batch)]))
                 for seconds in run["sampling"][str(batch)]] for run in theirs]
            rows += [
                Row(f"sampling, batch {batch}, tokens/s", rates(ours, f"sampling {batch}"), whole, "generate()"),
                Row(f"decode alone, batch {batch}, tokens/s", rates(ours, f"decode {batch}"), after, "generate()"),
            ]
        return rows

    def uneven(self):
        """256 responses of uneven lengths, 32 at a time."""
        repeats = 1
        ours, theirs = self.alternate(
            ["--only", "uneven", "--repeats", repeats], "peer_generate.py", batches="[]", length=1, repeats=1,
            uneven_repeats=repeats,
            uneven_lengths=lambda run: json.dumps([int(length) for length in run["uneven 32"]["values"]["lengths"]]))
        tokens = sum(ours[0]["uneven 32"]["values"]["lengths"])
        peer_rates = [[tokens / seconds for seconds in run["uneven"]] for run in theirs]
        return [Row("256 uneven responses, 32 slots, tokens/s", rates(ours, "uneven 32"), peer_rates, "generate()")]

    def ppo(self):
        """Whole updates of PPO; one round, for the peer's are slow."""
        ours, theirs = self.alternate(
            ["--only", "ppo", "--repeats", 2, "--rollout-batch-size", PPO["batch"], "--response-length", PPO["length"],
             "--num-ppo-epochs", PPO["epochs"]],
            "peer_ppo.py", python=self.options.ppo_python, rounds=1, updates=2, **PPO)
        peer_rates = [[PPO["batch"] / seconds for seconds in run["updates"]] for run in theirs]
        return [Row("PPO update, responses/s", rates(ours, "ppo"), peer_rates, "TRL 0.19.1", fraction(ours, "ppo"))]

    def alternate(self, arguments, script, python=sys.executable, rounds=None, **settings):
        """What both programs gave in each round: mpo's measurements by name, and the peer's results."""
        ours, theirs = [], []
        for number in range(rounds or self.options.rounds):
            ours.append(self.mpo(arguments))
            given = {name: value(ours[-1]) if callable(value) else value for name, value in settings.items()}
            theirs.append(self.peer(script, python, **given))
        return ours, theirs

    def mpo(self, arguments):
        output = self.directory / "mpo.json"
        self.call(
            self.options.mpo, "bench", "--model", self.options.model, "--data", self.data, "--threads",
            self.options.threads, "--json", output, *arguments)
        report = json.loads(output.read_text())
        return {measurement["name"]: measurement for measurement in report["measurements"]}

    def peer(self, script, python=sys.executable, **settings):
        output = self.directory / "peer.json"
        flags = [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), value)]
        self.call(python, HERE / script, "--model", self.options.model, "--data", self.data, "--output", output, *flags)
        return json.loads(output.read_text())

    def call(self, *command):
        command = [str(part) for part in command]
        print("peers:", Path(command[0]).name, *(Path(part).name for part in command[1:3]), file=sys.stderr)
        environment = dict(os.environ, OMP_NUM_THREADS=str(self.options.threads))
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            sys.exit(f"peers: {' '.join(command)} failed:\n{result.stderr[-4000:]}")

    def check_drawn(self, values):
        drawn = self.directory / "drawn.json"
        drawn.write_text(json.dumps(values))
        difference = self.peer("peer_logps.py", drawn=drawn, batch=BATCHES[0], length=LENGTH)["difference"]
        if difference > 1e-3:
            raise Disagreement(f"log-probabilities of drawn tokens differ by {difference:.2g} from transformers'")


def check_logps(ours, theirs):
    """Sums over responses under the reference, which TRL gives for the pairs of all batches."""
    for name in ["chosen_logps", "rejected_logps"]:
        expected = dict(enumerate(theirs[name]))
        for index, value in zip(ours["index"], ours[name]):
            if index in expected and abs(value - expected[index]) > 1e-2:
                raise Disagreement(f"pair {index:.0f}: {name} {value:.4f}, but TRL has {expected[index]:.4f}")


def check_steps(ours, theirs):
    for step, metrics in enumerate(theirs):
        for name, tolerance in [("loss", 1e-4), ("logps/chosen", 1e-2), ("logps/rejected", 1e-2)]:
            value, expected = ours[name][step], float(metrics[name])
            if abs(value - expected) > tolerance:
                raise Disagreement(f"step {step + 1}: {name} {value:.5f}, but TRL has {expected:.5f}")


class Row:
    """A line of the table: rates by round and repeat."""

    def __init__(self, name, ours, theirs, peer, fraction=None):
        self.name, self.peer, self.fraction = name, peer, fraction
        self.ours, self.theirs = middle(ours), middle(theirs)
        ratios = [statistics.median(mine) / statistics.median(other) for mine, other in zip(ours, theirs)]
        self.ratio = statistics.median(ratios)
        self.spread = (min(ratios), max(ratios))

    def cells(self):
        ratio = f"{self.ratio:.2f}" + (f" ({self.spread[0]:.2f}-{self.spread[1]:.2f})" if self.spread[0] != self.spread[1] else "")
        part = f"{100 * self.fraction:.0f} %" if self.fraction is not None else ""
        return [self.name, f"{self.ours:.3g}", f"{self.theirs:.3g} ({self.peer})", ratio, part]


def middle(rounds):
    return statistics.median(statistics.median(one) for one in rounds)


def rates(runs, name):
    return [[sample["count"] / sample["seconds"] for sample in run[name]["samples"]] for run in runs]


def memory(runs, name):
    return [[run[name]["peak_memory"] / 2**30] for run in runs]


def fraction(runs, name):
    return statistics.median(run[name]["fraction_of_peak"] for run in runs)


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


def read_pairs(path):
    """Pairs of a file with `prompt`, or of transcripts with a common start, cut behind the last turn's mark."""
    mark = "\n\nAssistant:"
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            if "prompt" in record:
                yield {name: record[name] for name in ["prompt", "chosen", "rejected"]}
                continue
            chosen, rejected = (record[name].rpartition(mark) for name in ["chosen", "rejected"])
            if chosen[0] == rejected[0] and chosen[2].strip() and rejected[2].strip():
                yield {"prompt": chosen[0] + mark, "chosen": chosen[2], "rejected": rejected[2]}


if __name__ == "__main__":
    try:
        main()
    except Disagreement as problem:
        sys.exit(f"peers: {problem}")

#!/usr/bin/env python3
"""Makes the pairs that some effects want of those of a synthetic task: data.py DIR, a directory of `mpo synthesize`."""

import json
import random
import sys
from pathlib import Path

# The share of labels that is turned, beside those that are wrong already.
FLIPPED = 0.3
# How many of the good answers of the pairs are demonstrations.
GOOD = 256
# Files of prompts: the first of them, and how many.
PROMPTS = (("first", 0, 128), ("second", 128, 384), ("round", 0, 1984))


def main():
    task = Path(sys.argv[1])
    pairs = read(task / "pairs.jsonl")
    turns = random.Random(1)
    turned = [turns.random() < FLIPPED for _ in pairs]
    flipped = [turn(pair) if is_turned else pair for pair, is_turned in zip(pairs, turned)]
    write(task / "flipped.jsonl", flipped)
    write(task / "turned.jsonl", [pair for pair, is_turned in zip(flipped, turned) if is_turned])
    longer = list(filter(has_longer_winner, pairs))
    others = [pair for pair in pairs if not has_longer_winner(pair)]
    write(task / "longer.jsonl", longer)
    write(task / "mostly-longer.jsonl", longer + others[: len(longer) // 3])
    write(task / "longer-eval.jsonl", filter(has_longer_winner, read(task / "pairs-eval.jsonl")))
    prompts = [{"prompt": prompt} for prompt in dict.fromkeys(pair["prompt"] for pair in pairs)]
    good = {}
    for pair in filter(is_polite, pairs):
        good.setdefault(pair["prompt"], {"prompt": pair["prompt"], "completion": pair["chosen"]})
    write(task / "good.jsonl", list(good.values())[:GOOD])
    for name, first, count in PROMPTS:
        write(task / f"prompts-{name}.jsonl", prompts[first:first + count])


def turn(pair):
    return pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}


def is_polite(pair):
    return pair["chosen"].startswith(" certainly") and pair["chosen"].endswith(" enjoy!")


def has_longer_winner(pair):
    return len(pair["chosen"].split()) > len(pair["rejected"].split())


def read(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def write(file, pairs):
    file.write_text("".join(json.dumps(pair, sort_keys=True) + "\n" for pair in pairs))


if __name__ == "__main__":
    main()

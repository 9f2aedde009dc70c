"""What the peers' programs have in common: arguments, threads, data, and results as JSON."""

import argparse
import json
import os
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")

import torch
from transformers import AutoTokenizer


def arguments(description, **options):
    """Parses --model, --data, --output and what `options` names, by type."""
    parser = argparse.ArgumentParser(description=description)
    for name, kind in dict(model=str, data=str, output=str, **options).items():
        parser.add_argument("--" + name.replace("_", "-"), type=kind, required=True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return parser.parse_args()


def tokenizer(model, **settings):
    result = AutoTokenizer.from_pretrained(model, **settings)
    if result.pad_token is None:
        result.pad_token = result.eos_token
    return result


def pairs(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def write(path, **results):
    with open(path, "w") as file:
        json.dump(results, file)


class Stopwatch:
    """Seconds between `start` and each `lap`."""

    def __init__(self):
        self.laps = []

    def start(self):
        self.since = time.perf_counter()

    def lap(self):
        self.laps.append(time.perf_counter() - self.since)


def timed(repeats, work):
    """Seconds of each of `repeats` calls of `work`, after one to warm up."""
    work()
    watch = Stopwatch()
    for _ in range(repeats):
        watch.start()
        work()
        watch.lap()
    return watch.laps

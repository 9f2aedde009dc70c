"""What the peers' programs have in common: arguments, turns, data and threads."""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")

import torch
from transformers import AutoTokenizer


def arguments(description, **options):
    """Parses --model, --data, --answers and what `options` names, by type."""
    parser = argparse.ArgumentParser(description=description)
    for name, kind in dict(model=str, data=str, answers=int, **options).items():
        parser.add_argument("--" + name, type=kind, required=True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return parser.parse_args()


class Turns:
    """The comparison's side of a conversation in lines of JSON.

    Requests come on stdin. Answers go down a pipe of their own, so that nothing a library prints gets between them.
    """

    def __init__(self, descriptor):
        self.answers = os.fdopen(descriptor, "w")

    def receive(self):
        """Sleeps until the next request; ends the program where there is none."""
        line = sys.stdin.readline()
        if not line:
            sys.exit()
        return json.loads(line)

    def answer(self, **results):
        print(json.dumps(results), file=self.answers, flush=True)


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tokenizer(model, **settings):
    result = AutoTokenizer.from_pretrained(model, **settings)
    if result.pad_token is None:
        result.pad_token = result.eos_token
    return result


def pairs(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]

"""Preference pairs that are short enough for both programs."""

import gzip
import json
import sys


def short_pairs(path, model, count):
    """The first pairs whose prompts have at most 256 tokens, with whole examples of less than 512."""
    from transformers import AutoTokenizer  # Takes seconds, which wrong arguments need not wait for.

    tokenizer = AutoTokenizer.from_pretrained(model)
    length = lambda text: len(tokenizer(text)["input_ids"])
    found = []
    for pair in read_pairs(path):
        longest = max(length(pair["prompt"] + pair[name]) for name in ["chosen", "rejected"])
        if length(pair["prompt"]) <= 256 and longest < 512:
            found.append(pair)
        if len(found) == count:
            return found
    sys.exit(f"peers: {path}: {len(found)} pairs are short enough, {count} are needed")


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

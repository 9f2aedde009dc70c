"""Writes trl_token_ids.json: how TRL's DPOTrainer tokenizes preference pairs.

    python make_trl_token_ids.py SHARED     (needs transformers)

SHARED holds data/hh-harmless-eval.jsonl.gz and tokenizers/{gpt2,gpt-neox}. For each pair the lengths of prompt, chosen and
rejected, and over all of them the FNV-1a hash that `TokenizedDataset.fingerprint` computes. The tokenization is that of
trl/trainer/dpo_trainer.py (1.16): the EOS text behind each response, prompt and prompt + response tokenized as one text, and the
response starting where the two diverge.
"""

import gzip
import json
import sys
from pathlib import Path

from transformers import PreTrainedTokenizerFast

EOS = "<|endoftext|>"
ASSISTANT = "\n\nAssistant:"


def pairs(path):
    for line in gzip.open(path, "rt", encoding="utf-8"):
        record = json.loads(line)
        end = record["chosen"].rfind(ASSISTANT) + len(ASSISTANT)
        assert record["rejected"].startswith(record["chosen"][:end])
        yield record["chosen"][:end], record["chosen"][end:], record["rejected"][end:]


def common_prefix_length(a, b):
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def fnv1a(values):
    state = 0xCBF29CE484222325
    for value in values:
        state = ((state ^ value) * 0x100000001B3) % 2**64
    return state


def main(shared):
    result = {}
    for name in ["gpt2", "gpt-neox"]:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(shared / "tokenizers" / name / "tokenizer.json"))
        lengths, stream = [], []
        for index, (prompt, chosen, rejected) in enumerate(pairs(shared / "data/hh-harmless-eval.jsonl.gz")):
            prompt_ids = tokenizer(prompt)["input_ids"]
            joint = [tokenizer(prompt + response + EOS)["input_ids"] for response in (chosen, rejected)]
            length = min(common_prefix_length(prompt_ids, ids) for ids in joint)
            parts = [prompt_ids[:length]] + [ids[length:] for ids in joint]
            lengths.append([len(part) for part in parts])
            stream.append(index)
            for part in parts:
                stream += [len(part)] + part
        result[name] = {"lengths": lengths, "fingerprint": f"{fnv1a(stream):016x}"}
    output = Path(__file__).with_name("trl_token_ids.json")
    output.write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

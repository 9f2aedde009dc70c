"""Makes pre-tokenizers.json: texts at random, and the ids that one model gives for them behind each of many pre-tokenizers.

    pip install tokenizers==0.23.1                          # any recent version; the file here came from 0.23
    python3 make_pre_tokenizer_fixtures.py                  # writes pre-tokenizers.json
    python3 make_pre_tokenizer_fixtures.py COUNT SEED       # prints as much for other texts, with a hash a text

The model was trained on such texts whole, so that its merges join what pre-tokenizers part. Of the ids there is a FNV-1a hash
for each `block` of texts. Everything is deterministic.
"""
import json
import os
import random
import sys

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from make_tokenizer_fixtures import LLAMA3, QWEN2, fnv

HERE = os.path.dirname(os.path.abspath(__file__))
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
DEEPSEEK3 = [
    r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
]
BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"


def span(first, last):
    return [chr(c) for c in range(first, last + 1)]


def pools():
    """Characters that texts are made of: a few kinds in each text, so that neighbours repeat."""
    signs, digits, letters, space = span(0x21, 0x2F) + span(0x3A, 0x40) + span(0x5B, 0x60) + span(0x7B, 0x7E), list("0123456789"), list("abctdsREVm"), list("  \n\r\t")
    return [
        letters + [" ", " ", "'"], digits + [" "], signs, signs + letters, digits + letters, space, space + letters, space + signs, digits + signs,
        list("(|)[].,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c ab"), list("_\u203f\u2040\ufe33\u200c\u200d\u00aa\u2160 ab!"),
        list("\u0301\u0308\u20dd\u0903 aZ1."), list("\u00b2\u00b3\u00b9\u00bc\u00bd\u00be\u00e9 12"), list("\u0660\u0661\u2167\u2460\uff11\u096a 1a"),
        list("\u4e00\u4e2d\u9fa5\u9fa6\u3041\u309f\u30a0\u30ab\u30fc\uff21 a1\u3002"), list("\u0e01\u0e31\u0e34\uac00\u1100\u1161\u0928\u094d a"),
        list("\u00a0\u1680\u2003\u2028\u3000\u0085\u000b\u001c\u200b a."), list("\u00a1\u00ab\u2014\u2e3a\u3030\uff01\u166d a"), list("\u20ac\u00ac\u2212\u00a9\u2603\U0001F600\U0001F3FD\u02c6 a"),
        list("\u0000\u0007\u007f\u00ad\u2060\ue000\U000F0000\u0378 a\n"), list("\U00010400\U00020000\U0001D7D8\U00011DA0\U0001E95E 1a"),
        span(0x20, 0x7E), span(0xA0, 0x24F), span(0x300, 0x36F) + list("ae "), span(0x2000, 0x2070) + list("a1"),
    ]


def texts(count, seed):
    source, kinds = random.Random(seed), pools()
    result = []
    for _ in range(count):
        parts = []
        for _ in range(source.randint(1, 5)):
            kind = source.choice(kinds)
            few = source.sample(kind, min(len(kind), source.randint(2, 6)))
            parts.append("".join(source.choice(few) for _ in range(source.randint(1, 8))))
        result.append(source.choice(["", " ", "\n"]).join(parts))
    return result


def pre_tokenizer_cases():
    p = pre_tokenizers
    level = lambda **options: p.ByteLevel(**{"add_prefix_space": False, "use_regex": False, **options})
    split = lambda pattern, behavior="isolated", invert=False: p.Split(Regex(pattern), behavior, invert)
    before = lambda *steps: p.Sequence([*steps, level()])
    yield "byte-level", level(use_regex=True)
    yield "qwen2", before(split(QWEN2))
    yield "llama3", before(split(LLAMA3))
    for behavior in BEHAVIORS:
        yield f"punctuation-{behavior}", before(p.Punctuation(behavior))
        yield f"deepseek3-{behavior}", before(split(DEEPSEEK3[2], behavior))
        yield f"bloom-{behavior}", before(split(BLOOM, behavior))
        yield f"run-{behavior}", before(split(r"\p{N}{2,3}", behavior))
        yield f"run-{behavior}-inverted", before(split("[a-c0-9]+", behavior, True))
    yield "whitespace", before(p.Whitespace())
    yield "whitespace-split", before(p.WhitespaceSplit())
    yield "digits", before(p.Digits(False))
    yield "digits-individual", before(p.Digits(True))
    yield "deepseek3", before(*[split(pattern) for pattern in DEEPSEEK3])
    yield "bloom", before(split(BLOOM))
    yield "bloom-digits", before(p.Digits(True), split(BLOOM))
    yield "marks", before(split(r"\p{M}"), split(r"\p{P}+"), split(r"\p{S}{2}"))
    yield "ampersand", before(split("[&#]?[a-z]+"))
    yield "falcon", p.Sequence([p.Punctuation("contiguous"), level(use_regex=True), p.Digits(False), split("[0-9][0-9][0-9]")])
    yield "level-digits", p.Sequence([level(use_regex=True), p.Digits(True)])
    yield "level-punctuation", p.Sequence([level(add_prefix_space=True), p.Punctuation("merged_with_next")])
    yield "level-whitespace", p.Sequence([level(), p.Whitespace()])
    yield "level-removed", p.Sequence([p.WhitespaceSplit(), level(), split("[a-m]+", "removed"), split("[A-Z]", "merged_with_previous")])


def trained():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1500, min_frequency=1, max_token_length=4, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts(3000, 1), trainer)
    return tokenizer


def document(count, seed, block):
    tokenizer, strings = trained(), texts(count, seed)
    cases = []
    for name, pre_tokenizer in pre_tokenizer_cases():
        tokenizer.pre_tokenizer = pre_tokenizer
        ids = [encoding.ids for encoding in tokenizer.encode_batch(strings, add_special_tokens=False)]
        hashes = [fnv(sum(ids[start:start + block], [])) for start in range(0, count, block)]
        cases.append({"name": name, "pre_tokenizer": json.loads(tokenizer.to_str())["pre_tokenizer"], "hashes": [f"{value:016x}" for value in hashes]})
    return {"block": block, "model": json.loads(tokenizer.to_str())["model"], "texts": strings, "cases": cases}


def main():
    if len(sys.argv) == 3:
        json.dump(document(int(sys.argv[1]), int(sys.argv[2]), 1), sys.stdout)
        return
    with open(os.path.join(HERE, "pre-tokenizers.json"), "w", encoding="utf-8") as file:
        json.dump(document(2000, 2, 50), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()

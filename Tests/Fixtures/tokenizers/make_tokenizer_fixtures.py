"""Makes the tokenizer fixtures in this directory with the `tokenizers` library, the reference implementation.

    pip install tokenizers==0.23.1 jinja2        # any recent version; the files here came from 0.23 and 3.1
    python3 make_tokenizer_fixtures.py [--shared DIR] [--smollm2 DIR]

Always made: small tokenizers trained here, one a set of features (NAME.tokenizer.json), what the library answers for them
(NAME.expected.json) on the strings of texts.json, the character classes of its regular expressions (classes.json), and chat
templates with what jinja2 renders from them (chat.json). With --shared (a directory with tokenizers/, models/ and data/) and
--smollm2 (a model directory) also the answers of those real tokenizers, on the same strings and, as a count and an FNV-1a
hash of all ids, on the preference data. Everything is deterministic.
"""
import argparse
import gzip
import json
import os
import random

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

import chat_templates

HERE = os.path.dirname(os.path.abspath(__file__))

NASTY = [
    "", " ", "a", "Hello, world!", "Hello  world   with    spaces", "  leading and trailing  ", "tab\tand\nnewline\r\nand\r",
    "\n\n\n", " \n \n ", "\t\t\t x", "   \n\n  word", "x   \n", "line one\n\n\nline two\n  indented\n\tcode();",
    "I'm you're he's we've they'll I'd don't 'tis 'S 'RE I'LL IT'S '' 'x '", "'\u017f long s, '\u017fe", "can'\u2019t",
    "0 1 12 123 1234 12345 1234567890 3.14159 1,000,000 0x1F", "\u0661\u0662\u0663 \u00bd \u2167 \u2460 \u4e09 \uff11\uff12\uff13\uff14", "a1b22c333",
    "\U0001F600 \U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466 \U0001F44D\U0001F3FD \U0001F1E9\U0001F1EA \u2764\ufe0f", "\U0001F600\U0001F600\U0001F600",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \ud55c\uad6d\uc5b4 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05c1\u05dc\u05d5\u05b9\u05dd",
    "caf\u00e9 cafe\u0301 \u00c5 A\u030a \u212b \u2126 \u1e9b\u0323", "e\u0301\u0323 e\u0323\u0301 \u0344 \uac00 \u1100\u1161\u11a8", "\u0301lone \u0301 combining \u0308\u0301",
    "\ufb01 \u2075 \u33a5 \uff21\uff22 \u00a0nbsp \u3000ideographic", "\u2000\u2001\u2002\u2003 \u2028line\u2029para \u1680 \u202f\u205f \u200b\u200czero\u200d\ufeff",
    "\u0085next\u000b\u000c \u001c\u001d\u001e\u001f", "\x00\x01\x02 \x7f control \x1b[31m", "null\x00inside",
    "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|><|im_start|><|im_end", "<s>Hello</s><unk><s>",
    "</s><pad><mask>", "<|begin_of_text|>x<|eot_id|>", "<0x0A> <0xE2>", "x<mask>y  <mask>  z", "<word>a <word> b<word>", " <norm> <NORM> caf\u00e9tok cafe\u0301tok",
    "\u2581under\u2581score \u2581 \u2581\u2581", "https://example.org/a?b=c&d=%20#frag user@example.com", "def f(x):\n    return x ** 2  # square\n\n\nif __name__ == '__main__':\n    f(3)",
    "$\\alpha^2 + \\beta_{i,j}$ \u2211\u222b\u2264\u2260 \u20ac\u00a3\u00a5 \u00a9\u00ae\u2122", "!!!???...---===###", "a.b,c;d:e!f?g(h)i[j]k{l}m", "\"quoted\" \u201ccurly\u201d \u2018single\u2019 \u00abguillemets\u00bb \u2026\u2014\u2013",
    "mixed\u0421\u043a\u0440\u0438\u043f\u0442\u03b1\u03b2\u03b3\u4e2d\u6587abc123", "\u01c5 \u02b0 \u2170 \u00aa\u00ba \u00b2\u00b3", "\U00010400\U00010428 \U0001D400\U0001D7D8 \U00020000\U0002F800", "\ue000\U000F0000\U0010FFFF \uffff \ufdd0",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " " * 100, "ab " * 80, "\n" * 70, "\u00e9" * 60, "\U0001F600" * 40, "the quick brown fox jumps over the lazy dog" * 4, "-" * 90 + "\n" + "=" * 90,
]

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog did not mind it at all.", "Once upon a time there was a little girl who liked to play in the park.",
    "She said that it's not what they're looking for; we've seen 1234 of them in 2023.", "Na\u00efve caf\u00e9 owners in Z\u00fcrich \u2013 d\u00e9j\u00e0 vu, \u00fcber alles.",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u041a\u0430\u043a \u0434\u0435\u043b\u0430?", "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002", "def main():\n    for i in range(10):\n        print(i)\n\n",
    "numbers 10 100 1000 12 123 1234 and 3.14", "   spaces    and\ttabs\n\nand lines\n", "\U0001F600\U0001F468\u200d\U0001F469 emoji are fun \U0001F44D\U0001F3FD",
]


def texts():
    source = random.Random(20240319)
    pools = [
        [chr(c) for c in range(0x20, 0x7F)], list("abcdefghij  '\n\t"), list("0123456789 .,"),
        [chr(c) for c in range(0xA0, 0x250)], [chr(c) for c in range(0x300, 0x370)] + list("aeiouAEIOU"),
        [chr(c) for c in range(0x370, 0x600)], [chr(c) for c in range(0x900, 0x980)], [chr(c) for c in range(0x2000, 0x2070)] + ["a", "1"],
        [chr(c) for c in range(0x3040, 0x3100)], [chr(c) for c in range(0x4E00, 0x4F00)], [chr(c) for c in range(0xAC00, 0xAD00)],
        [chr(c) for c in range(0x1F300, 0x1F650)] + ["\u200d", "\ufe0f"], [" ", "\n", "\r", "\t", "\u00a0", "\u3000", "'", "s", "ll", "5"],
    ]
    result = list(NASTY)
    for _ in range(160):
        parts = []
        for _ in range(source.randint(1, 6)):
            pool = source.choice(pools)
            parts.append("".join(source.choice(pool) for _ in range(source.randint(1, 9))))
        result.append(source.choice(["", " ", "\n"]).join(parts))
    return result


QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"


def train(tokenizer, size, byte_level, special=(), **options):
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else options.pop("alphabet", [])
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, special_tokens=list(special), show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    return tokenizer


def byte_level(pre_tokenizer, size=420, special=(), normalizer=None, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return train(tokenizer, size, True, special)


def with_model(tokenizer, **changes):
    """The tokenizer with other settings of its model, which training does not keep."""
    state = json.loads(tokenizer.to_str())
    state["model"].update(changes)
    return Tokenizer.from_str(json.dumps(state))


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern, behavior, invert)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def sentencepiece(metaspace=None, fallback=True, fuse=True, **model):
    """As converters write Llama 2: all text is one word, or words by Metaspace."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    if metaspace is None:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")  # for training only
        tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    else:
        tokenizer.pre_tokenizer = metaspace
        scheme = metaspace.prepend_scheme
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=scheme)])
    special = ["<unk>", "<s>", "</s>"] + (BYTES if fallback else [])
    train(tokenizer, 520 if fallback else 260, False, special)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:3]
    state["model"].update(byte_fallback=fallback, fuse_unk=fuse, **model)
    if metaspace is None:
        state["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> <s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return tokenizer


def synthetic():
    level = pre_tokenizers.ByteLevel
    plain = level(add_prefix_space=False, use_regex=False)
    yield "qwen2", byte_level(sequence(split(Regex(QWEN2)), plain), special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC())

    llama3 = byte_level(sequence(split(Regex(LLAMA3)), plain), special=["<|begin_of_text|>", "<|eot_id|>"])
    llama3 = with_model(llama3, ignore_merges=True)
    template = processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B", special_tokens=[("<|begin_of_text|>", 0)])
    llama3.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    # A word that no merge reaches, which ignore_merges finds as a whole.
    state = json.loads(llama3.to_str())
    state["model"]["vocab"]["\u0120fun\u0120fun"] = len(state["model"]["vocab"])
    state["model"]["vocab"]["Scr"] = len(state["model"]["vocab"])
    yield "llama3", Tokenizer.from_str(json.dumps(state))

    pairs = json.loads(byte_level(sequence(pre_tokenizers.Digits(individual_digits=False), level(add_prefix_space=True))).to_str())
    pairs["model"]["merges"] = [merge if isinstance(merge, str) else " ".join(merge) for merge in pairs["model"]["merges"]]
    yield "prefix-space-string-merges", Tokenizer.from_str(json.dumps(pairs))
    yield "regex-fallback", byte_level(sequence(split(Regex(CL100K)), split(Regex("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+")), plain))
    yield "compatibility", byte_level(level(add_prefix_space=False), normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("fox", "ox")]))
    yield "decomposed", byte_level(level(add_prefix_space=False), normalizer=normalizers.NFD())
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            name = "split-" + behavior.replace("_", "-") + ("-inverted" if invert else "")
            pattern = Regex(r"\s") if behavior != "isolated" else " "
            yield name, byte_level(sequence(split(pattern, behavior, invert), plain), size=300)
    yield "split-known-contiguous", byte_level(sequence(split(Regex(QWEN2), "contiguous"), plain), size=300)
    yield "no-decoder", tokenizer_without_decoder()

    yield "llama2", sentencepiece()
    yield "metaspace-first", sentencepiece(pre_tokenizers.Metaspace(prepend_scheme="first"))
    yield "metaspace-always", sentencepiece(pre_tokenizers.Metaspace(prepend_scheme="always", split=False))
    yield "metaspace-never", sentencepiece(pre_tokenizers.Metaspace(prepend_scheme="never"), ignore_merges=True)
    yield "unknown-fused", sentencepiece(pre_tokenizers.Metaspace(), fallback=False)
    yield "unknown-each", sentencepiece(pre_tokenizers.Metaspace(), fallback=False, fuse=False)

    added = byte_level(level(add_prefix_space=False), normalizer=normalizers.NFC(), special=["<|endoftext|>"])
    added.add_tokens([
        AddedToken("<word>", single_word=True, normalized=False), AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False),
        AddedToken("cafe\u0301tok", normalized=True), AddedToken("<norm>", normalized=True, rstrip=True), AddedToken("lazy", single_word=True),
        AddedToken("  "), AddedToken("    "), AddedToken("   \n", lstrip=True), AddedToken("lazy dog"), AddedToken("over", lstrip=True),
    ])
    added.add_special_tokens([AddedToken("<pad>", normalized=False), AddedToken("</s>", lstrip=True, normalized=True)])
    yield "added", added


def tokenizer_without_decoder():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), size=300)
    state = json.loads(tokenizer.to_str())
    state["decoder"] = state["post_processor"] = None
    return Tokenizer.from_str(json.dumps(state))


def expected(tokenizer, strings):
    """A row a string. `decoded` is left out where it is the string, `skipped` where it is `decoded`."""
    rows = []
    for index, text in enumerate(strings):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        row = {"ids": ids}
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        skipped = tokenizer.decode(ids, skip_special_tokens=True)
        if index < 5:
            row["special"] = tokenizer.encode(text).ids
        if decoded != text:
            row["decoded"] = decoded
        if skipped != decoded:
            row["skipped"] = skipped
        rows.append(row)
    return rows


def fnv(ids, value=0xCBF29CE484222325):
    for identifier in ids:
        for byte in identifier.to_bytes(4, "little"):
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def data_hashes(tokenizer, shared):
    """Over every string of every row, in the order of its keys."""
    result = {}
    for name in sorted(os.listdir(os.path.join(shared, "data"))):
        value, count = fnv([]), 0
        with gzip.open(os.path.join(shared, "data", name), "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                for key in sorted(row):
                    if isinstance(row[key], str):
                        ids = tokenizer.encode(row[key], add_special_tokens=False).ids
                        value, count = fnv(ids, value), count + len(ids)
        result[name] = {"count": count, "fnv1a": f"{value:016x}"}
    return result


def scalars():
    return (chr(scalar) for scalar in range(0x110000) if not 0xD800 <= scalar < 0xE000)


def character_classes():
    """FNV-1a of one byte a scalar: 1 letter, 2 number, 3 white space, 0 other."""
    value = 0xCBF29CE484222325
    matchers = [split(Regex(pattern), "removed") for pattern in (r"\p{L}", r"\p{N}", r"\s")]
    for scalar in scalars():
        found = next((i + 1 for i, m in enumerate(matchers) if not m.pre_tokenize_str(scalar)), 0)
        value = (value ^ found) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def character_traits():
    """FNV-1a of one byte a scalar: a bit each for L, M, N, P, S, white space, what Whitespace joins to a letter, Punctuation."""
    value = 0xCBF29CE484222325
    matchers = [split(Regex(pattern), "removed") for pattern in (r"\p{L}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}", r"\s")]
    words, punctuation = pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("removed")
    for scalar in scalars():
        found = sum(1 << i for i, m in enumerate(matchers) if not m.pre_tokenize_str(scalar))
        found |= (words.pre_tokenize_str("a" + scalar)[0][1] == (0, 2)) << 6
        found |= (not punctuation.pre_tokenize_str(scalar)) << 7
        value = (value ^ found) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def write(name, value, **options):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump(value, file, separators=(",", ":"), **options)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared")
    parser.add_argument("--smollm2")
    arguments = parser.parse_args()
    strings = texts()
    write("texts.json", strings, indent=0)
    for name, tokenizer in synthetic():
        state = json.loads(tokenizer.to_str())
        if name == "prefix-space-string-merges":
            state["model"]["merges"] = [" ".join(merge) for merge in state["model"]["merges"]]
        write(f"{name}.tokenizer.json", state)
        few = strings[:len(NASTY)] if name.startswith("split-") else strings
        write(f"{name}.expected.json", expected(tokenizer, few))
    write("chat.json", chat_templates.render())
    write("classes.json", {"fnv1a": character_classes(), "traits": character_traits()})

    real = {}
    if arguments.shared:
        real = {"gpt2": "tokenizers/gpt2", "gpt-neox": "tokenizers/gpt-neox", "stories260K": "models/stories260K"}
        real = {name: os.path.join(arguments.shared, path) for name, path in real.items()}
    if arguments.smollm2:
        real["smollm2"] = arguments.smollm2
    for name, path in real.items():
        tokenizer = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
        answer = {"rows": expected(tokenizer, strings)}
        if arguments.shared:
            answer["data"] = data_hashes(tokenizer, arguments.shared)
        write(f"real-{name}.expected.json", answer)


if __name__ == "__main__":
    main()

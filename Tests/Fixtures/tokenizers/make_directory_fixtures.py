"""Makes directories.json: what whole tokenizer directories mean to transformers 4 and 5 and to the `tokenizers` library.

    python4 make_directory_fixtures.py record v4.json       # a python that has transformers 4.57
    python5 make_directory_fixtures.py record v5.json       # one that has transformers 5.23
    python5 make_directory_fixtures.py join v4.json v5.json # writes directories.json

A case is a small tokenizer (`base`), changes to its tokenizer.json, and the files beside it. Recorded: the ids of a few texts
with special tokens, the decoded text without special tokens, the tokens with a role, the chat template. Expected is what both
versions say, else what tokenizer.json alone gives (`expectation` has the rule). Everything is deterministic.
"""
import itertools
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def byte_alphabet():
    kept = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    return [chr(b) for b in kept] + [chr(256 + n) for n in range(256 - len(kept))]


def added(id, content, **flags):
    values = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": id, "content": content, **values, **flags}


def flags(content, **changes):
    token = added(0, content, **changes)
    del token["id"]
    return token


def bpe(vocab, merges, **model):
    values = {"dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
              "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
    return {"type": "BPE", **values, **model, "vocab": {text: id for id, text in enumerate(vocab)}, "merges": merges}


LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BOS, EOS = added(258, "<s>"), added(259, "</s>")
TURNS = [added(260, "<|im_start|>"), added(261, "<|im_end|>")]
BYTES = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [BOS, EOS] + TURNS, "normalizer": None,
    "pre_tokenizer": LEVEL, "post_processor": None, "decoder": {**LEVEL, "add_prefix_space": True},
    # A merge, so that a space in front shows, and a word that no merge reaches.
    "model": bpe(byte_alphabet() + ["\u0120a", "<tool>"], [["\u0120", "a"]]),
}
PIECES = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + ["\u2581", "a", "b", "x", "y", "\u2581a"]
METASPACE = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")], "normalizer": None,
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
    "post_processor": None,
    "decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": bpe(PIECES, [["\u2581", "a"]], unk_token="<unk>", fuse_unk=True, byte_fallback=True),
}
PREPEND = {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
BASES = {"bytes": BYTES, "metaspace": METASPACE}
TEXTS = ["ab a", " a", "x <tool> y<tool>", "a</s>b <|im_end|> a", "<s>a", "<x> a <pad> <y><z>a", "abab 12",
         "b<|im_end|>a", "\ufb01x fix"]

DECODED = [64, 32, 258, 259, 260, 261, 262, 65, 223, 220, 13]
FAST = "PreTrainedTokenizerFast"
NAMES = {"bos_token": "<s>", "eos_token": "</s>"}
FAMILIES = {  # of config.json, with the class that its published models name
    "llama": "LlamaTokenizer", "mistral": "LlamaTokenizer", "gpt2": "GPT2Tokenizer", "gpt_neox": "GPTNeoXTokenizer",
    "qwen2": "Qwen2Tokenizer", "qwen3": "Qwen2Tokenizer",
}


def template(single):
    tokens = {"<s>": 258, "</s>": 259}
    pieces = [{"Sequence": {"id": "A", "type_id": 0}} if part == "$A" else {"SpecialToken": {"id": part, "type_id": 0}} for part in single.split()]
    pair = pieces + [{"Sequence": {"id": "B", "type_id": 1}}]
    used = {part: {"id": part, "ids": [tokens[part]], "tokens": [part]} for part in single.split() if part != "$A"}
    return {"type": "TemplateProcessing", "single": pieces, "pair": pair, "special_tokens": used}


def cases():
    """Yields name, base, changes to tokenizer.json, model_type, and the other files."""
    def case(name, changes={}, config={}, files={}, base="bytes", model="llama", cls=FAST, names=NAMES):
        settings = {**({"tokenizer_class": cls} if cls else {}), **names, **config}
        return name, base, changes, model, {"tokenizer_config.json": settings, **files}

    # Which file names the special tokens.
    end = {"eos_token": "<|im_end|>"}
    rich = {"eos_token": flags("<|im_end|>")}
    decoder = {str(t["id"]): flags(t["content"]) for t in [BOS, EOS] + TURNS}
    yield case("map")
    yield case("map-wins", files={"special_tokens_map.json": end})
    yield case("map-with-flags-wins", files={"special_tokens_map.json": rich})
    yield case("map-loses-to-decoder", config={"added_tokens_decoder": decoder}, files={"special_tokens_map.json": end})
    yield case("map-loses-to-empty-decoder", config={"added_tokens_decoder": {}}, files={"special_tokens_map.json": end})
    yield case("map-null", files={"special_tokens_map.json": {"eos_token": None}})
    yield case("config-null", config={"eos_token": None}, files={"special_tokens_map.json": end})
    yield case("config-typed", config={"eos_token": {"__type": "AddedToken", **flags("<|im_end|>")}})
    yield case("config-untyped-flags", config={"eos_token": flags("<|im_end|>")})
    yield case("map-alone", names={}, cls=None, files={"special_tokens_map.json": {**NAMES, "pad_token": "<|im_start|>"}})
    yield case("map-additional", files={"special_tokens_map.json": {"additional_special_tokens": ["<tool>", flags("<x>", lstrip=True)]}})
    yield case("map-additional-texts", config={"additional_special_tokens": ["<x>"]}, files={"special_tokens_map.json": {"additional_special_tokens": ["<tool>", "<y>"]}})
    yield case("map-additional-texts-alone", files={"special_tokens_map.json": {"additional_special_tokens": ["<tool>", "<y>"]}})
    yield case("map-extra", files={"special_tokens_map.json": {"extra_special_tokens": ["<tool>"]}})
    yield case("map-extra-named", files={"special_tokens_map.json": {"extra_special_tokens": {"tool_token": "<tool>"}}})
    yield case("map-additional-loses-to-decoder", config={"added_tokens_decoder": decoder},
               files={"special_tokens_map.json": {"additional_special_tokens": ["<tool>"]}})
    yield case("roles-beyond", config={"pad_token": "<pad>", "sep_token": "<x>", "cls_token": "<y>", "mask_token": "<z>"})
    yield case("roles-in-vocabulary", config={"mask_token": "<tool>"})
    yield case("roles-with-flags", config={"mask_token": {"__type": "AddedToken", **flags("<tool>", lstrip=True)}})
    yield case("roles-stripping", config={"mask_token": {"__type": "AddedToken", **flags("</s>", lstrip=True, rstrip=True)}})
    yield case("unknown-beyond", config={"unk_token": "<unk>"})
    yield case("role-of-its-own", config={"image_token": "<tool>"})

    # Tokens that only the other files name.
    yield case("additional", config={"additional_special_tokens": ["<tool>"]})
    yield case("additional-beyond", config={"additional_special_tokens": ["<x>", "<tool>", "<y>"], "pad_token": "<pad>"})
    yield case("additional-with-flags", config={"additional_special_tokens": [{"__type": "AddedToken", **flags("<tool>", rstrip=True)}]})
    yield case("additional-known", config={"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    yield case("additional-not-special", {"added_tokens": [BOS, EOS, TURNS[0], added(261, "<|im_end|>", special=False)]}, {"additional_special_tokens": ["<|im_end|>"]})
    yield case("extra-list-and-additional", config={"extra_special_tokens": ["<tool>"], "additional_special_tokens": ["<x>"]})
    yield case("additional-null", config={"additional_special_tokens": None})
    yield case("extra-list", config={"extra_special_tokens": ["<tool>", "<x>"]})
    yield case("extra-named", config={"extra_special_tokens": {"tool_token": "<tool>", "x_token": "<x>"}})
    yield case("extra-and-additional", config={"extra_special_tokens": {"tool_token": "<tool>"}, "additional_special_tokens": ["<x>"]})
    yield case("decoder-beyond", config={"added_tokens_decoder": {**decoder, "262": flags("<x>"), "263": flags("<y>", special=False, normalized=True)}})
    yield case("decoder-in-vocabulary", config={"added_tokens_decoder": {**decoder, "257": flags("<tool>")}})
    yield case("decoder-gap", config={"added_tokens_decoder": {**decoder, "300": flags("<x>")}})
    yield case("decoder-unsorted", config={"added_tokens_decoder": {"263": flags("<x>"), "262": flags("<y>"), **decoder}})
    yield case("decoder-other-id", config={"added_tokens_decoder": {"261": flags("</s>")}})
    yield case("decoder-other-text", config={"added_tokens_decoder": {**decoder, "261": flags("<x>")}})
    for flag in ["lstrip", "rstrip", "single_word", "normalized"]:
        yield case(f"decoder-{flag}", config={"added_tokens_decoder": {**decoder, "261": flags("<|im_end|>", **{flag: True})}})
        yield case(f"json-{flag}", {"added_tokens": [BOS, EOS, TURNS[0], added(261, "<|im_end|>", **{flag: True})]}, {"added_tokens_decoder": decoder})
    yield case("decoder-not-special", config={"added_tokens_decoder": {**decoder, "261": flags("<|im_end|>", special=False)}})
    yield case("decoder-not-special-end", config={"added_tokens_decoder": {**decoder, "259": flags("</s>", special=False)}})
    yield case("json-not-special", {"added_tokens": [BOS, EOS, TURNS[0], added(261, "<|im_end|>", special=False)]}, {"added_tokens_decoder": decoder})
    yield case("json-not-special-end", {"added_tokens": [BOS, added(259, "</s>", special=False)] + TURNS})
    yield case("added-tokens", files={"added_tokens.json": {"<x>": 262, "<tool>": 257}})
    yield case("added-tokens-gap", files={"added_tokens.json": {"<x>": 300, "<y>": 290}})
    yield case("added-tokens-special", config={"additional_special_tokens": ["<x>"]}, files={"added_tokens.json": {"<x>": 262}})
    yield case("added-tokens-known", files={"added_tokens.json": {"<|im_start|>": 260, "<|im_end|>": 261}})
    yield case("added-tokens-taken", files={"added_tokens.json": {"<x>": 260}})
    yield case("added-tokens-beside-decoder", config={"added_tokens_decoder": decoder}, files={"added_tokens.json": {"<x>": 262}})

    composed = {"normalizer": {"type": "NFKC"}}
    for normalized in [True, False]:
        token = flags("fi", special=False, normalized=normalized)
        yield case(f"decoder-in-normalized-text-{normalized}", composed, {"added_tokens_decoder": {**decoder, "262": token}})

    # Ids in tokenizer.json itself.
    five = [BOS, EOS] + TURNS
    yield case("gap", {"added_tokens": five + [added(300, "<x>")]})
    yield case("gap-plain", {"added_tokens": five + [added(300, "<x>", special=False, normalized=True), added(299, "<y>")]})
    yield case("out-of-order", {"added_tokens": five[::-1]})
    yield case("other-id-than-vocabulary", {"added_tokens": five + [added(262, "<tool>")]})
    yield case("id-of-another", {"added_tokens": five + [added(257, "<x>")]})
    yield case("id-of-another-added", {"added_tokens": five + [added(261, "<x>")]})
    yield case("twice", {"added_tokens": five + [added(262, "<x>"), added(262, "<x>", lstrip=True)]})
    yield case("twice-otherwise", {"added_tokens": five + [added(262, "<x>", rstrip=True), added(263, "<x>"), added(264, "<y>")]})
    yield case("gap-before-roles", {"added_tokens": five + [added(300, "<x>")]}, {"pad_token": "<pad>"})
    hole = {**BYTES["model"], "vocab": {**BYTES["model"]["vocab"], "<hole>": 270}}
    yield case("hole-in-vocabulary", {"model": hole, "added_tokens": five})

    # A space in front, and what a class makes of it.
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, LEVEL]}
    spaced = {**LEVEL, "add_prefix_space": True}
    kinds = {"level": LEVEL, "spaced": spaced, "digits": digits, "digits-spaced": {**digits, "pretokenizers": [digits["pretokenizers"][0], spaced]}}
    prefixes = {"none": {}, "true": {"add_prefix_space": True}, "false": {"add_prefix_space": False}}
    for (kind, node), (prefix, config), cls in itertools.product(kinds.items(), prefixes.items(), [FAST, "GPT2Tokenizer", "GPT2TokenizerFast", "GPTNeoXTokenizer", "Qwen2Tokenizer"]):
        if kind.startswith("digits") and cls == "GPT2TokenizerFast":
            continue
        yield case(f"prefix-{kind}-{prefix}-{cls}", {"pre_tokenizer": node}, config, cls=cls)
    for model, prefix in itertools.product(["gpt2", "gpt_neox", "qwen2", "llama"], ["none", "true"]):
        yield case(f"prefix-spaced-{prefix}-of-{model}", {"pre_tokenizer": spaced}, prefixes[prefix], model=model, cls=None)
        yield case(f"prefix-level-{prefix}-of-{model}-{FAST}", {}, prefixes[prefix], model=model)
    for (prefix, config), cls in itertools.product(prefixes.items(), [FAST, "LlamaTokenizer"]):
        yield case(f"metaspace-{prefix}-{cls}", config={**config, "legacy": False}, base="metaspace", cls=cls)
        yield case(f"prepend-{prefix}-{cls}", {"normalizer": PREPEND, "pre_tokenizer": None}, config, base="metaspace", cls=cls)

    # What is put around a text.
    switches = {"none": {}, "bos": {"add_bos_token": True}, "eos": {"add_eos_token": True}, "both": {"add_bos_token": True, "add_eos_token": True},
                "neither": {"add_bos_token": False, "add_eos_token": False}}
    processors = {"absent": None, "bos": template("<s> $A"), "both": template("<s> $A </s>"), "eos": template("$A </s>")}
    for (switch, config), (processor, node), cls in itertools.product(switches.items(), processors.items(), [FAST, "LlamaTokenizer", "GPTNeoXTokenizer", "GPT2Tokenizer"]):
        if cls in (FAST, "GPT2Tokenizer") and processor != "both" or cls == "LlamaTokenizer" and processor == "eos":
            continue
        yield case(f"around-{processor}-{switch}-{cls}", {"post_processor": node}, config, cls=cls)

    # Defaults of a class, and other keys.
    end_of_text = {"added_tokens": [added(258, "<|endoftext|>"), EOS] + TURNS}
    for model in FAMILIES:
        yield case(f"default-{model}", end_of_text, model=model, cls=None, names={})
        yield case(f"default-class-{model}", end_of_text, cls=FAMILIES[model], names={})
        yield case(f"prefix-level-true-GPT2Tokenizer-of-{model}", {}, {"add_prefix_space": True}, model=model, cls="GPT2Tokenizer")
    yield case("default-beyond", config={"pad_token": "<pad>", "additional_special_tokens": ["<x>"]}, model="gpt2", cls=None)
    yield case("default-null", end_of_text, {"eos_token": None, "bos_token": None}, model="gpt2", cls=None, names={})
    yield case("default-metaspace-class", base="metaspace", cls="LlamaTokenizer", names={})
    yield case("default-metaspace", base="metaspace", cls=None, names={})
    yield case("default-metaspace-class-of-mistral", base="metaspace", model="mistral", cls="LlamaTokenizer", names={})
    yield case("default-fast", end_of_text, names={})
    yield case("default-absent", model="gpt2", cls=None, names={})
    yield ("no-files", "bytes", {}, "llama", {})
    yield ("no-files-gpt2", "bytes", end_of_text, "gpt2", {})
    yield case("split-special-tokens", config={"split_special_tokens": True})
    yield case("clean-up", config={"clean_up_tokenization_spaces": True})

    # Chat templates.
    yield case("template-list", config={"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]})
    yield case("template-list-without-default", config={"chat_template": [{"name": "tool_use", "template": "T"}]})
    yield case("template-file", config={"chat_template": "C"}, files={"chat_template.jinja": "J\n"})
    yield case("template-object", config={"chat_template": {"default": "D", "tool_use": "T"}})
    yield case("template-file-json", files={"chat_template.json": {"chat_template": "J"}})
    yield case("template-of-map", files={"special_tokens_map.json": {"chat_template": "M"}})


def write(directory, base, changes, model, files):
    contents = {"tokenizer.json": {**BASES[base], **changes}, "config.json": {"model_type": model, "vocab_size": 400}, **files}
    for name, content in contents.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def measure(directory):
    from transformers import AutoTokenizer
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory)
        result = {"ids": [tokenizer(text)["input_ids"] for text in TEXTS]}
        result["decoded"] = tokenizer.decode(DECODED, skip_special_tokens=True)
        roles = {"bos": tokenizer.bos_token, "eos": tokenizer.eos_token, "pad": tokenizer.pad_token, "unknown": tokenizer.unk_token}
        # A role whose token has no id is no role.
        known = {role: str(text) for role, text in roles.items() if text is not None}
        result["roles"] = {role: [text, tokenizer.convert_tokens_to_ids(text)] for role, text in known.items()}
        try:
            result["template"] = tokenizer.get_chat_template()
        except Exception:
            result["template"] = None
        return result
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:120].replace(directory, "")}


def library(directory):
    from tokenizers import Tokenizer
    try:
        tokenizer = Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
        return {"ids": [tokenizer.encode(text).ids for text in TEXTS], "decoded": tokenizer.decode(DECODED, skip_special_tokens=True)}
    except Exception as error:
        return {"error": str(error).splitlines()[0][:120]}


def record(path):
    answers = {}
    for name, *rest in cases():
        with tempfile.TemporaryDirectory() as directory:
            write(directory, *rest)
            answers[name] = {"auto": measure(directory), "library": library(directory)}
    import tokenizers
    import transformers
    versions = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"versions": versions, "answers": answers}, file, ensure_ascii=False)


# Where the sides differ in more than one way, and agree on what the case is about.
DECIDED = {
    # Transformers 5 builds Metaspace anew where tokenizer.json puts its space by a normalizer: the same but for text behind
    # a special token.
    "prepend-true-LlamaTokenizer": "tokenizers",
    # Both add <x>; transformers 4 adds the map's tokens to the config's, 5 takes the config's alone.
    "map-additional-texts": "transformers 5",
    # Both put a space in front; transformers 5 takes Qwen's pre-tokenizer besides.
    "prefix-level-true-GPT2Tokenizer-of-qwen2": "transformers 4",
    "prefix-level-true-Qwen2Tokenizer": "transformers 4",
    f"prefix-level-true-of-qwen2-{FAST}": "transformers 4",
}


def expectation(name, base, changes, files, v4, v5, library):
    """What a directory means: what both say; what one says where the other refuses it; else tokenizer.json decides."""
    failed = [answer for answer in (v4, v5) if "error" in answer]
    if len(failed) == 2:
        return None
    said = [answer for answer in (v4, v5) if "error" not in answer]
    agree = all(answer["ids"] == said[0]["ids"] for answer in said)
    sides = {"transformers 4": v4, "transformers 5": v5, "tokenizers": library}
    decides = sides[DECIDED[name]] if name in DECIDED else said[0] if agree else library
    plain = all(answer["decoded"] == said[0]["decoded"] for answer in said)
    roles = {role: token for role, token in said[0]["roles"].items() if all(answer["roles"].get(role) == token for answer in said)}
    # The default of a class that no file knows is left out.
    document = {**BASES[base], **changes}
    known = set(document["model"]["vocab"]) | {token["content"] for token in document["added_tokens"]}
    keys = {"bos": "bos_token", "eos": "eos_token", "pad": "pad_token", "unknown": "unk_token"}
    named = {key for content in files.values() if isinstance(content, dict) for key in content}
    roles = {role: token for role, token in roles.items() if token[0] in known or keys[role] in named}
    ids = "|".join(" ".join(map(str, row)) for row in decides["ids"])
    return {"ids": ids, "decoded": (said[0] if plain else library)["decoded"], "roles": roles, "template": said[0]["template"]}


def join(older, newer):
    older, newer = (json.load(open(path, encoding="utf-8")) for path in (older, newer))
    lines = []
    for name, base, changes, model, files in cases():
        v4, v5 = older["answers"][name], newer["answers"][name]
        library = v4["library"]
        assert library == v5["library"] and "ids" in library, name
        expected = expectation(name, base, changes, files, v4["auto"], v5["auto"], library)
        if expected is None:
            continue
        case = {"name": name, "base": base, "changes": changes, "model": model, "files": files, "expected": expected}
        lines.append(json.dumps(case, ensure_ascii=True))
    head = {"versions": [older["versions"], newer["versions"]], "texts": TEXTS, "tokens": DECODED, "bases": BASES}
    with open(os.path.join(HERE, "directories.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(head, ensure_ascii=True)[:-1] + ',\n"cases": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"]:
        record(sys.argv[2])
    elif sys.argv[1:2] == ["join"]:
        join(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)

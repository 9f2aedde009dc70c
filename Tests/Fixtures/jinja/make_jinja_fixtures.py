"""Writes constructs.json and generated.jsonl: templates of ours, and what transformers renders from them."""

import json
from pathlib import Path

import jinja2
import transformers

import generate
import oracle
from constructs import CONSTRUCTS, USUAL

HERE = Path(__file__).resolve().parent
GENERATED = 600
SEED = 20

cases = [{"name": name, "template": template, "text": oracle.render(template, USUAL).get("text")} for name, template in CONSTRUCTS]
head = {"versions": {"jinja2": jinja2.__version__, "transformers": transformers.__version__}, "variables": USUAL}
with open(HERE / "constructs.json", "w", encoding="utf-8") as file:
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
    file.write(f'{{"versions": {json.dumps(head["versions"])},\n"variables": {json.dumps(USUAL, ensure_ascii=False)},\n"cases": [\n{lines}\n]}}\n')
with open(HERE / "generated.jsonl", "w", encoding="utf-8") as file:
    generate.write(file, GENERATED, SEED)

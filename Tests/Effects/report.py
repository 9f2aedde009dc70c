#!/usr/bin/env python3
"""Writes the table of a study into the document that shows it: report.py NAME DIR, a study's output_dir.

A table stands between the lines `<!-- NAME -->` and `<!-- end -->`. Intervals are 95 % t intervals over seeds.
"""

import datetime
import json
import re
import sys
from pathlib import Path

import effects
import losses
import online
from seeds import Study

HERE = Path(__file__).resolve().parent
PREFERENCE = HERE.parent.parent / "Sources" / "Objectives" / "Preference" / "README.md"


def main():
    name, study = sys.argv[1], Study(Path(sys.argv[2]))
    table = (
        losses.table(study, HERE / "losses.yaml") if name == "losses"
        else getattr(online, name)(study) if hasattr(online, name) else effects.table(name, study))
    title = f"{datetime.date.today().isoformat()}, seeds {study.seeds[0]} to {study.seeds[-1]}:"
    text = f"{title}\n\n{table}\n"
    print(text)
    write(name, text, PREFERENCE if name == "losses" else HERE / "README.md")


def write(name, text, document):
    pattern = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    before = document.read_text()
    if not pattern.search(before):
        sys.exit(
            f"report: error: {document}: no lines '<!-- {name} -->' and '<!-- end -->', where the table would stand")
    document.write_text(pattern.sub(lambda _: text, before, count=1))


if __name__ == "__main__":
    main()

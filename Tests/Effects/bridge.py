#!/usr/bin/env python3
"""The editing program of BMC's effect: what is served and how the answer ends becomes the winner's, how it begins stays.

So the pseudo-winner differs from the loser by content and not by greeting, rude words and fillers. Where both serve the
same, it is the winner. Reads {"chosen", "rejected"} a line, answers {"completion"}.
"""

import json
import re
import sys

SERVED = {"tea", "coffee", "juice", "milk", "soup", "rice", "cake", "pie", "salad", "bread", "no"}


def bridge(chosen, rejected):
    _, served, ending = parts(chosen)
    opening, others, _ = parts(rejected)
    return chosen if served == others else " " + ", ".join(opening + served) + ending


def parts(answer):
    """Opening words, what is served, and the ending."""
    text, ending = re.fullmatch(r" (.*?)(\. enjoy!|\.|)", answer).groups()
    words = text.split(", ")
    first = next((index for index, word in enumerate(words) if word in SERVED), len(words))
    return words[:first], words[first:], ending


if __name__ == "__main__":
    for line in sys.stdin:
        pair = json.loads(line)
        print(json.dumps({"completion": bridge(pair["chosen"], pair["rejected"])}), flush=True)

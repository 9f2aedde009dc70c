"""Templates as transformers renders them: its own environment, with a fixed date."""

import copy
import datetime
import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from transformers.utils import chat_template_utils


class FixedDate(datetime.datetime):
    """The date that `strftime_now` writes in fixtures."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 7, 4, 9, 5, 3)


chat_template_utils.datetime = FixedDate


def environment():
    """The environment that transformers compiles chat templates in."""
    return chat_template_utils._compile_jinja_template("").environment


def render(template: str, variables: dict) -> dict:
    """`text`, or `error` with the exception's class and message."""
    try:
        compiled = chat_template_utils._cached_compile_jinja_template(template)
        # jinja2's `indent` appends to a list that it is given.
        text = compiled.render(**copy.deepcopy(variables))
        text.encode("utf-8")
        return {"text": text}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "line": getattr(error, "lineno", None)}


def render_with_generations(template: str, variables: dict) -> dict:
    """Also the ranges of `{% generation %}` blocks, in characters."""
    messages = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False, **variables}
    try:
        compiled = chat_template_utils._cached_compile_jinja_template(template)
        text, ranges = chat_template_utils._render_with_assistant_indices(compiled, **messages)
        return {"text": text, "generations": [list(pair) for pair in ranges]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    import sys

    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps(render(case["template"], case["variables"]), ensure_ascii=False))

"""Templates at random from the grammar, with what jinja2 makes of them.

    generate.py COUNT [SEED]      one JSON object a line: the variables, then templates with their text (null where they fail)
"""

import json
import random
import resource
import re
import sys

import oracle

WORDS = ["", "a", "b c", " lead", "trail \n", "Hello World", "ÄÖ straße", "x,y,z", "<b>&'\"", "é", "e\u0301", "12", " 3.5 ", "-7", "1_0",
         "{{ x }}", "tab\there", "line\nbreak\r\nagain", "🙂 ok", "ǆ ŉ", "ΑΣ ΣΑΣ", "%s", "%d and %r", "{} {0}", "user", "role",
         "\u00a0nbsp\u2003", "aaaa", "title case-word (x)", "FALSE", "True", "0x1F", "nan", "a\\b", "\x7f\x01"]
NUMBERS = ["0", "1", "2", "3", "-1", "-2", "7", "10", "100", "1_000", "0x10", "0b11", "255"]
FLOATS = ["0.5", "1.0", "-2.5", "1e3", "1e16", "1.5e-7", "3.14159", "2.5", "1e22", "0.1"]

VARIABLES = [
    {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi \n", "name": None},
                     {"role": "assistant", "content": "Yés 🙂", "tool_calls": [{"name": "f", "arguments": {"x": 1, "y": [1.5, None, True]}}]}],
        "tools": None, "name": "Ann", "text": "One two  three\nFour", "empty": "", "n": 3, "m": -4, "f": 2.5, "yes": True, "no": False,
        "none": None, "numbers": [3, 1, 2, 3], "words": ["b", "A", "a", "C"], "mixed": [1, "a", None, 2.0, True, [1], {"k": "v"}],
        "d": {"b": 2, "a": 1, "items": "hidden", "É": "é"}, "nested": {"list": [{"k": 1, "s": "x"}, {"k": 2, "s": "y"}, {"k": 1}]},
        "add_generation_prompt": True, "bos_token": "<s>",
    },
    {
        "messages": [], "tools": [{"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}}],
        "name": "bo\"b'", "text": "", "empty": [], "n": 0, "m": 1, "f": -0.0, "yes": 1, "no": 0, "none": None, "numbers": [],
        "words": ["x"], "mixed": [], "d": {}, "nested": {"list": []}, "add_generation_prompt": False, "bos_token": "",
    },
]
TRUNCATIONS = ["5", "8, true", "8, false, '…'", "4, true, '', 0", "12, leeway=0", "3"]
INDENTATIONS = ["2", "2, true", "width=3, blank=true", "'>> '", "first=true"]
ROUNDINGS = ["", "-1", "1", "method='ceil'", "-1, 'floor'", "1, 'ceil'", "0, 'floor'"]
MAPPINGS = ["'upper'", "'string'", "'length'", "'trim'", "'int'", "attribute='k'", "attribute='role', default='-'", "attribute=0",
            "'default', 5", "'replace', 'a', 'b'"]
SELECTIONS = ["'string'", "'number'", "'odd'", "'defined'", "'none'", "'mapping'", "'even'", "'eq', 2", "'in', [1, 2]", "'gt', 1", "'divisibleby', 2"]
ATTRIBUTE_SELECTIONS = ["'k'", "'role', 'equalto', 'user'", "'k', 'defined'", "'s', 'string'", "'content', 'none'"]
JSON_ARGUMENTS = ["", "", "(indent=2)", "(ensure_ascii=true)", "(sort_keys=true)", "(separators=(',', ':'))", "(indent=4, sort_keys=true)"]
# Where Python prints an object by its address, no two renderings agree.
ADDRESS = re.compile(r"0x[0-9a-f]{8,}", re.IGNORECASE)
NAMES = ["name", "text", "empty", "n", "m", "f", "yes", "no", "none", "numbers", "words", "mixed", "d", "nested", "messages", "tools", "missing",
         "bos_token", "x", "y"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0
        self.loops = 0
        self.macros = []

    def one(self, *choices):
        return self.random.choice(choices)

    def chance(self, p):
        return self.random.random() < p

    def literal(self, word):
        quote = self.one("'", '"')
        out = ""
        for c in word:
            if c in ("\\", quote):
                out += "\\" + c
            elif c == "\n" and self.chance(0.7):
                out += "\\n"
            elif c == "\t":
                out += "\\t"
            elif ord(c) < 32 or ord(c) == 127 or (ord(c) > 127 and self.chance(0.2)):
                out += f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" if ord(c) < 65536 else f"\\U{ord(c):08x}"
            else:
                out += c
        return quote + out + quote

    def text(self, d):
        """An expression that is most likely a string."""
        if d <= 0 or self.chance(0.25):
            return self.one(self.literal(self.one(*WORDS)), "name", "text", "bos_token", "x")
        return self.one(
            lambda: self.literal(self.one(*WORDS)),
            lambda: f"{self.text(d-1)} + {self.text(d-1)}",
            lambda: f"{self.any(d-1)} ~ {self.any(d-1)}",
            lambda: f"({self.text(d-1)})[{self.slice(d-1)}]",
            lambda: f"{self.atom(d-1)}.{self.text_method(d-1)}",
            lambda: f"{self.atom(d-1)} | {self.text_filter(d-1)}",
            lambda: f"{self.any(d-1)} | string",
            lambda: f"{self.any(d-1)} | tojson{self.one(*JSON_ARGUMENTS)}",
            lambda: f"{self.items(d-1)} | join({self.one('', self.literal(self.one(', ', '-', 'é')), self.text(d-1))})",
            lambda: f"{self.literal(self.one(', ', '-', ''))}.join({self.items(d-1)})",
            lambda: f"{self.text(d-1)} * {self.number(d-1)}",
            lambda: self.formatting(d - 1),
            lambda: f"({self.text(d-1)} if {self.truth(d-1)} else {self.text(d-1)})",
            lambda: f"messages[{self.number(d-1)}].{self.one('role', 'content', 'name')}",
            lambda: f"messages[{self.one('0', '1', '-1')}]['{self.one('role', 'content', 'items', 'get')}']",
            lambda: f"d.{self.one('a', 'b', 'items', 'É', 'missing', 'keys')}",
        )()

    def formatting(self, d):
        return self.one(
            lambda: f"'{self.one('%s', '%r', '%5s|', '%-5s|', '%.2s', '%s-%%')}' % {self.atom(d)}",
            lambda: f"'{self.one('%d', '%5d', '%-5d|', '%05d', '%+d', '% d', '%x', '%#x', '%o', '%.3d', '%i')}' % {self.number(d)}",
            lambda: f"'{self.one('%f', '%.2f', '%e', '%g', '%10.3f', '%-10.1f|', '%+.0f', '%G', '%#.3g')}' % {self.real(d)}",
            lambda: f"'%s and %s' % ({self.any(d)}, {self.any(d)})",
            lambda: "'%(a)s %(b)05d' % d",
            lambda: f"'{self.one('{} {}', '{0} {1} {0}', '{0!r} {1!s}', '{:>6}|{:<6}|', '{:^9}{:*^9}')}'.format({self.any(d)}, {self.any(d)})",
            lambda: f"'{self.one('{:d}', '{:5d}', '{:<5d}|', '{:05d}', '{:+,d}', '{:x}', '{:#b}', '{:_}', '{:,}', '{:c}', '{:^7}')}'.format({self.number(d)})",
            lambda: f"'{self.one('{:f}', '{:.2f}', '{:e}', '{:g}', '{:10.3f}', '{:.1%}', '{:,.2f}', '{:+}', '{:08.2f}', '{:.3}', '{:>9}')}'.format({self.real(d)})",
            lambda: f"'{{a}} {{b.x}} {{c[k]}}'.format(a={self.any(d)}, b=d, c={{'k': {self.any(d)}}})",
            lambda: f"'{self.one('%s %s', '%s', '%d%%')}' | format({self.any(d)}, {self.any(d)})",
            lambda: f"'%(x)s' | format(x={self.any(d)})",
        )()

    def text_method(self, d):
        w = lambda: self.literal(self.one("a", "l", " ", "o", "\n", "xyz", "H", "", "Σ", "e"))
        return self.one(
            lambda: self.one("upper", "lower", "title", "capitalize", "swapcase", "strip", "lstrip", "rstrip", "casefold") + "()",
            lambda: f"{self.one('strip', 'lstrip', 'rstrip')}({w()})",
            lambda: f"replace({w()}, {w()}{self.one('', ', 1', ', 0', ', -1')})",
            lambda: f"{self.one('center', 'ljust', 'rjust')}({self.one('5', '12', '0', '9')}{self.one('', ', ' + self.literal('*'), ', ' + self.literal('é'))})",
            lambda: f"zfill({self.one('3', '8', '0')})",
            lambda: f"{self.one('removeprefix', 'removesuffix')}({w()})",
            lambda: f"{self.one('split', 'rsplit')}({self.one('', w(), w() + ', 1', 'none, 1', w() + ', maxsplit=2')})",
            lambda: f"{self.one('partition', 'rpartition')}({w()})",
            lambda: f"splitlines({self.one('', 'true')})",
            lambda: f"{self.one('find', 'rfind', 'count', 'index', 'rindex')}({w()}{self.one('', ', 1', ', -3', ', 1, 4', ', 9')})",
            lambda: f"{self.one('startswith', 'endswith')}({self.one(w(), '(' + w() + ', ' + w() + ')', w() + ', 1')})",
            lambda: self.one("isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "istitle", "isdecimal", "isnumeric", "isidentifier",
                             "isascii", "isprintable") + "()",
            lambda: f"expandtabs({self.one('', '4', '0')})",
        )()

    def text_filter(self, d):
        return self.one(
            lambda: self.one("upper", "lower", "title", "capitalize", "trim", "string", "safe", "escape", "e", "forceescape", "length", "wordcount",
                             "reverse", "list", "urlencode", "indent", "int", "float", "first", "last", "count"),
            lambda: f"trim({self.literal(self.one('a', ' ', 'Hd', ''))})",
            lambda: f"replace({self.literal(self.one('a', 'l', '', ' '))}, {self.literal(self.one('', 'XY', 'é'))}{self.one('', ', 1')})",
            lambda: f"truncate({self.one(*TRUNCATIONS)})",
            lambda: f"indent({self.one(*INDENTATIONS)})",
            lambda: f"center({self.one('8', '', '15')})",
            lambda: f"default({self.any(d)}{self.one('', ', true', ', boolean=false')})",
            lambda: f"d({self.text(d)})",
        )()

    def number(self, d):
        if d <= 0 or self.chance(0.35):
            return self.one(self.one(*NUMBERS), "n", "m", "yes", self.one(*NUMBERS))
        return self.one(
            lambda: f"({self.number(d-1)} {self.one('+', '-', '*', '//', '%')} {self.number(d-1)})",
            lambda: power(self.one(*NUMBERS), self.one('0', '1', '2', '3', '-1', 'n')),
            lambda: f"-{self.atom_number(d-1)}",
            lambda: f"{self.any(d-1)} | {self.one('length', 'int', 'count', 'int(7)', 'int(default=5, base=16)')}",
            lambda: f"({self.items(d-1)}).{self.one('count', 'index')}({self.any(d-1)})",
            lambda: f"{self.items(d-1)} | {self.one('sum', 'min', 'max', 'first', 'last', 'sum(start=1)')}",
            lambda: f"{self.number(d-1)} | abs",
            lambda: f"{self.number(d-1)} | round({self.one(*ROUNDINGS)})",
            lambda: f"loop.{self.loop_field()}",
            lambda: f"{self.number(d-1)} {self.one('and', 'or')} {self.number(d-1)}",
        )()

    def atom_number(self, d):
        return f"({self.number(d)})"

    def real(self, d):
        if d <= 0 or self.chance(0.5):
            return self.one(self.one(*FLOATS), "f", "n")
        return self.one(
            lambda: operation(self.real(d-1), self.one('+', '-', '*', '/', '//', '%', '**'), self.real(d-1)),
            lambda: f"{self.number(d-1)} / {self.number(d-1)}",
            lambda: f"{self.any(d-1)} | float{self.one('', '(1.5)')}",
            lambda: f"{self.real(d-1)} | round({self.one('2', '3', *ROUNDINGS)})",
        )()

    def loop_field(self):
        return self.one("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem", "nextitem",
                        "cycle('a', 'b')", "changed(x)", "missing")

    def truth(self, d):
        if d <= 0:
            return self.one("yes", "no", "true", "false", "add_generation_prompt", "missing", "none", "name")
        return self.one(
            lambda: f"{self.any(d-1)} {self.one('==', '!=')} {self.any(d-1)}",
            lambda: f"{self.number(d-1)} {self.one('<', '<=', '>', '>=', '==')} {self.number(d-1)}",
            lambda: f"{self.number(d-1)} < {self.number(d-1)} <= {self.number(d-1)}",
            lambda: f"{self.text(d-1)} {self.one('<', '>', '<=')} {self.text(d-1)}",
            lambda: f"{self.any(d-1)} {self.one('in', 'not in')} {self.one(self.items(d-1), self.text(d-1), 'd', self.any(d-1))}",
            lambda: f"{self.one(*NAMES)} is {self.one('', 'not ')}{self.test(d-1)}",
            lambda: f"({self.any(d-1)}) is {self.one('', 'not ')}{self.test(d-1)}",
            lambda: f"not {self.truth(d-1)}",
            lambda: f"{self.truth(d-1)} {self.one('and', 'or')} {self.truth(d-1)}",
            lambda: f"({self.truth(d-1)})",
        )()

    def test(self, d):
        return self.one(
            lambda: self.one("defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "iterable",
                             "sequence", "callable", "odd", "even", "lower", "upper", "escaped", "filter", "test"),
            lambda: f"{self.one('eq', 'ne', 'equalto')}({self.any(d)})",
            lambda: f"{self.one('lt', 'gt', 'le', 'ge', 'lessthan', 'greaterthan')} {self.one('2', 'n', '(1+1)')}",
            lambda: f"divisibleby {self.one('2', '3', 'n')}",
            lambda: f"in {self.one('numbers', 'words', 'd', '[1, 2]', 'name')}",
        )()

    def items(self, d):
        """An expression that is most likely a list or another thing to go through."""
        if d <= 0 or self.chance(0.3):
            return self.one("numbers", "words", "mixed", "messages", "nested.list", "d", "[1, 2, 3]", "['a', 'B', 'c']", "range(4)", "(1, 'x')", "'héy'",
                            "empty", "tools", "missing")
        return self.one(
            lambda: "[" + ", ".join(self.any(d - 1) for _ in range(self.random.randint(0, 3))) + "]",
            lambda: "(" + "".join(self.any(d - 1) + ", " for _ in range(self.random.randint(1, 3))) + ")",
            lambda: f"range({self.one('3', '1, 5', '5, 0, -2', 'n', '0')})",
            lambda: f"({self.items(d-1)})[{self.slice(d-1)}]",
            lambda: f"{self.items(d-1)} + {self.items(d-1)}",
            lambda: f"{self.items(d-1)} * {self.number(d-1)}",
            lambda: f"{self.items(d-1)} | {self.items_filter(d-1)}",
            lambda: f"{self.items(d-1)} | {self.items_filter(d-1)} | list",
            lambda: f"{self.text(d-1)} | list",
            lambda: f"d.{self.one('items()', 'keys()', 'values()')}",
            lambda: f"(d | items | list)",
            lambda: f"{self.text(d-1)}.split({self.one('', self.literal(' '))})",
            lambda: self.mapping(d - 1),
        )()

    def items_filter(self, d):
        return self.one(
            lambda: self.one("list", "sort", "unique", "reverse", "first", "last", "sort(reverse=true)", "sort(case_sensitive=true)", "unique(true)",
                             "max", "min", "length", "sum", "items", "dictsort", "tojson", "select", "reject"),
            lambda: f"map({self.one(*MAPPINGS)})",
            lambda: f"{self.one('select', 'reject')}({self.one(*SELECTIONS)})",
            lambda: f"{self.one('selectattr', 'rejectattr')}({self.one(*ATTRIBUTE_SELECTIONS)})",
            lambda: f"{self.one('batch', 'slice')}({self.one('2', '3', '2, 0', '1', '3, fill_with=' + repr('-'))})",
            lambda: f"groupby({self.one(repr('k'), repr('role'), repr('s') + ', default=' + repr('z'), repr('k') + ', case_sensitive=true')})",
            lambda: f"sort(attribute={self.one(repr('k'), repr('role'), repr('k,s'), repr('content'))})",
            lambda: f"join({self.one(repr(','), '', repr('-') + ', attribute=' + repr('k'))})",
            lambda: f"sum(attribute={repr('k')})",
            lambda: f"dictsort({self.one('true', 'false, ' + repr('value'), 'by=' + repr('value') + ', reverse=true', 'reverse=true')})",
        )()

    def mapping(self, d):
        return self.one(
            lambda: "{" + ", ".join(f"{self.one(self.literal(self.one('a', 'b', 'k')), '1', 'name', self.literal('é'))}: {self.any(d)}" for _ in range(self.random.randint(0, 3))) + "}",
            lambda: f"dict({self.one('', 'a=' + self.any(d), 'd', 'd, z=1', '[(1, 2)]')})",
            lambda: "d",
            lambda: "messages[0]",
            lambda: "nested",
        )()

    def slice(self, d):
        b = lambda: self.one("", "", "0", "1", "2", "-1", "-2", "n", "9", "-9", "none")
        return self.one(lambda: f"{b()}:{b()}", lambda: f"{b()}:{b()}:{self.one('', '1', '2', '-1', '-2', '3')}", lambda: self.one("0", "1", "-1", "n", "7"),
                        lambda: f"::{self.one('-1', '2')}")()

    def atom(self, d):
        return self.one(lambda: self.one(*NAMES), lambda: f"({self.any(d)})", lambda: self.literal(self.one(*WORDS)))()

    def any(self, d):
        if d <= 0:
            return self.one(self.one(*NAMES), self.one(*NUMBERS), self.literal(self.one(*WORDS)), "true", "none", "False", "1.5")
        return self.one(
            lambda: self.text(d),
            lambda: self.text(d),
            lambda: self.number(d),
            lambda: self.real(d),
            lambda: self.truth(d),
            lambda: self.items(d),
            lambda: self.mapping(d),
            lambda: self.one(*NAMES),
            lambda: f"{self.atom(d-1)}.{self.one('a', 'b', 'k', 'role', 'items', 'content', 'x.y', 'upper', 'keys()', 'get(' + repr('a') + ')', 'get(' + repr('q') + ', 3)', 'append(1)', 'update', '0', 'pop()', 'copy()')}",
            lambda: f"{self.atom(d-1)}[{self.one(repr('a'), repr('role'), '0', '-1', 'n', repr('items'), 'none', '1.5', 'true')}]",
            lambda: f"{self.atom(d-1)} | attr({self.one(repr('a'), repr('upper'), repr('items'))})",
            lambda: f"({self.any(d-1)} if {self.truth(d-1)}{self.one('', ' else ' + self.any(d-1))})",
            lambda: f"({self.one(*self.macros)}({self.one('', self.any(d-1), 'p=' + self.any(d-1), self.any(d-1) + ', q=1', '1, 2, 3', '*numbers', '**d', 'z=1')}))" if self.macros else "1",
            lambda: self.one("ns.a", "ns.b", "ns", "ns['a']", "loop.index", "loop.last", "x", "y", "range(3)", "joiner('-')", "varargs", "kwargs", "caller"),
        )()

    def data(self):
        return self.one("text", "a b", "\n", "  \n  ", " ", "\n\n", "x\n", "  y", "é", "{ }", "", "line\n  ", "%}", "}}", "#", "\t\n")

    def open(self, block=True):
        return ("{%" if block else "{{") + self.one("", "", "", "-", "+" if block or self.chance(0.3) else "") + self.one(" ", " ", "")

    def close(self, block=True):
        return self.one(" ", " ", "") + self.one("", "", "", "-", "+" if block else "") + ("%}" if block else "}}")

    def tag(self, words):
        opened = self.open()
        if opened[-1] in "-+%" and words[0] in "-+":
            opened += " "
        return opened + words + " " + self.close().lstrip() if self.chance(0.2) else opened + words + self.close()

    def output(self, d):
        words = self.any(d)
        return self.open(False).rstrip() + " " + words + " " + self.close(False).lstrip()

    def body(self, d, n=None):
        return "".join(self.statement(d) for _ in range(n or self.random.randint(1, 3)))

    def target(self):
        return self.one("x", "y", "z", "x, y", "name")

    def statement(self, d):
        if d <= 0:
            return self.one(lambda: self.data(), lambda: self.output(2), lambda: self.tag(f"set {self.one('x', 'y')} = {self.any(1)}"))()
        return self.one(
            lambda: self.data(),
            lambda: self.data(),
            lambda: self.output(3),
            lambda: self.output(3),
            lambda: self.output(2),
            lambda: self.tag("if " + self.truth(2)) + self.body(d - 1) + (self.tag("elif " + self.truth(2)) + self.body(d - 1) if self.chance(0.3) else "")
            + (self.tag("else") + self.body(d - 1) if self.chance(0.5) else "") + self.tag("endif"),
            lambda: self.loop(d),
            lambda: self.loop(d),
            lambda: self.tag(f"set {self.one('x', 'y', 'x, y', 'ns.a', 'ns.b', 'x')} = {self.any(2)}"),
            lambda: self.tag(f"set x{self.one('', ' | upper', ' | trim | length', ' | replace(' + repr('a') + ', ' + repr('é') + ')')}") + self.body(d - 1) + self.tag("endset"),
            lambda: self.tag(f"set ns = namespace({self.one('', 'a=1', 'a=0, b=[]', 'd')})"),
            lambda: self.macro(d),
            lambda: self.call(d),
            lambda: self.tag(f"filter {self.one('upper', 'trim', 'indent(2)', 'replace(' + repr('a') + ', x)', 'upper | trim', 'length')}") + self.body(d - 1) + self.tag("endfilter"),
            lambda: self.tag(f"with {self.one('x = ' + self.any(1), 'x = 1, y = x', '')}") + self.body(d - 1) + self.tag("endwith"),
            lambda: "{% raw" + self.one(" %}", "-%}", " -%}") + self.one("{{ x }}", " {% if %} ", "\nraw\n") + self.one("{% endraw %}", "{%- endraw -%}", "{%+ endraw %}\n"),
            lambda: self.one("{# note #}", "{#- note -#}", "{# a\nb #}\n", "  {# c +#}\n", "{#+ d #}"),
            lambda: self.tag("generation") + self.body(d - 1) + self.tag("endgeneration"),
            lambda: self.tag(self.one("break", "continue")) if self.loops else self.data(),
            lambda: self.tag("print " + self.any(2)),
            lambda: self.one("{{ raise_exception('no') }}", "{{ strftime_now('%d %B %Y, %H:%M %j %a %-d') }}") if self.chance(0.3) else self.data(),
        )()

    def loop(self, d):
        words = f"for {self.target()} in {self.items(2)}"
        if self.chance(0.2):
            words += f" if {self.truth(1)}"
        self.loops += 1
        body = self.body(d - 1)
        if self.chance(0.2):
            body += self.tag("if " + self.truth(1)) + self.tag(self.one("break", "continue")) + self.tag("endif")
        if self.chance(0.3):
            body += "{{ loop." + self.loop_field() + " }}"
        self.loops -= 1
        otherwise = self.tag("else") + self.body(d - 1) if self.chance(0.2) else ""
        if self.chance(0.05):
            return self.tag("for x in nested.list recursive") + "{{ loop.depth }}{{ x.k }}" + self.tag("if loop.depth < 3") + "{{ loop(nested.list[:1]) }}" + self.tag("endif") + self.tag("endfor")
        return self.tag(words) + body + otherwise + self.tag("endfor")

    def macro(self, d):
        name = self.one("m1", "m2")
        loops, self.loops = self.loops, 0
        body = self.tag(f"macro {name}({self.one('', 'p', 'p, q=2', 'p=x, q=p', 'x, y=none')})") + self.body(d - 1) + self.one("", "{{ p }}", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ caller(1) if caller else 'none' }}") + self.tag("endmacro")
        self.loops = loops
        self.macros = [*self.macros, name]
        return body

    def call(self, d):
        loops, self.loops = self.loops, 0
        body = self.tag(f"call{self.one('', '(x)', '(x, y=1)')} {self.one('m1', 'm2')}({self.one('', '1', 'p=x')})") + self.body(d - 1) + self.tag("endcall")
        self.loops = loops
        return body

    def template(self):
        self.macros = []
        start = self.one("", "{% set ns = namespace(a=1, b='') %}\n", "{% set x = 'X' %}")
        return start + self.body(self.random.randint(1, 3), self.random.randint(1, 4))


def power(base, exponent):
    """Not a negative number to the power of a variable: jinja2 compiles `(-1) ** n` to Python's `-1 ** n`, another number."""
    return f"({base}) ** {'2' if base.startswith('-') and exponent == 'n' else exponent}"


def operation(left, sign, right):
    """Nor to one that makes it complex, which jinja2 compiles likewise."""
    return f"({left.lstrip('-') if sign == '**' else left} {sign} {right})"


def cases(count, seed):
    """Most templates that fail are left out, so that most of what is compared is text."""
    generator = Generator(seed)
    for number in range(count):
        variables = VARIABLES[number % len(VARIABLES)]
        while True:
            template = generator.template()
            result = oracle.render(template, variables)
            fails = "text" not in result or ADDRESS.search(result["text"])
            if not fails or "text" not in result and generator.chance(0.2):
                break
        yield {"template": template, "variables": number % len(VARIABLES), **result}


def write(file, count, seed):
    """The variables on the first line, then a case on each."""
    print(json.dumps({"variables": VARIABLES}, ensure_ascii=False), file=file)
    for case in cases(count, seed):
        case = {"template": case["template"], "variables": case["variables"], "text": case.get("text")}
        print(json.dumps(case, ensure_ascii=False), file=file)


if __name__ == "__main__":
    # A template that would fill the memory fails instead, as it does at the interpreter's limits.
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    write(sys.stdout, int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)

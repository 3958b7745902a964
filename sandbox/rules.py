"""The table of rules: id, message, why it is so, what to write instead, and an example.

Data and no logic: passes decide when a rule holds, this table says what is told. The hundreds
group by what is looked at: 1xx the text, 2xx statements and expressions, 3xx names and
attributes, 4xx calls, 5xx numbers, 6xx the mistakes that models make, 7xx what shows when the
program is built. Ids of ``CMP`` say why a program stays in the interpreted tier; `sandbox.tier_reasons` has
their texts. An id is never used twice, nor for something else later.

Severity says what a finding does: an error keeps the program from being loaded, because the
program would be unsafe or certainly wrong; a warning is probably a mistake of its author; a note
is for information.
"""

# ruff: noqa: PLR0917 - a row of a table reads best by position
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sandbox.diagnostics import Finding, Severity, Span
from sandbox.tier_reasons import TIER_REASONS

__all__ = ["RULES", "Rule", "explain", "rule_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: Such as ``"SBX301"``.
        severity: What a finding of this rule does.
        message: Template of what is wrong; the names in braces are filled in.
        why: Template of why that matters.
        hint: Template of what to write instead.
        bad: Shortest program, or part of one, that has the finding.
        good: The same without.
    """

    id: str
    severity: Severity
    message: str
    why: str
    hint: str
    bad: str = ""
    good: str = ""

    def finding(self, span: Span | None, **facts: object) -> Finding:
        """Make a finding of this rule; ``facts`` fill the templates."""
        return Finding(
            rule=self.id,
            severity=self.severity,
            span=span,
            message=self.message.format_map(facts),
            why=self.why.format_map(facts),
            hint=self.hint.format_map(facts),
        )

    def general(self) -> Rule:
        """Give the rule for reading on its own: a ``<name>`` for each part that is filled in."""
        facts = _Placeholders()
        hint = self.hint.format_map(facts)
        if self.hint.startswith("{") and self.hint.endswith("}") and self.hint.count("{") == 1:
            hint = "what fits there; each finding says it"
        return replace(
            self,
            message=self.message.format_map(facts),
            why=self.why.format_map(facts),
            hint=hint,
        )

    def explain(self) -> str:
        """Give the rule as a page of text."""
        rule = self.general()
        parts = [f"{rule.id} ({rule.severity.value}): {rule.message}", f"  why: {rule.why}"]
        parts.append(f"  try: {rule.hint}")
        for title, code in (("instead of", rule.bad), ("write", rule.good)):
            if code:
                parts.append(f"  {title}:")
                parts.extend(f"      {line}" for line in code.split("\n"))
        return "\n".join(parts)


class _Placeholders(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def _error(rule_id: str, message: str, why: str, hint: str, bad: str = "", good: str = "") -> Rule:
    return Rule(
        id=rule_id, severity=Severity.ERROR, message=message, why=why, hint=hint, bad=bad, good=good
    )


def _warning(
    rule_id: str, message: str, why: str, hint: str, bad: str = "", good: str = ""
) -> Rule:
    return Rule(
        id=rule_id,
        severity=Severity.WARNING,
        message=message,
        why=why,
        hint=hint,
        bad=bad,
        good=good,
    )


def _note(rule_id: str, message: str, why: str, hint: str, bad: str = "", good: str = "") -> Rule:
    return Rule(
        id=rule_id, severity=Severity.NOTE, message=message, why=why, hint=hint, bad=bad, good=good
    )


def rule_table(rules: Iterable[Rule]) -> Mapping[str, Rule]:
    """Index rules by id; two rules with one id are a mistake of ours.

    Raises:
        ValueError: If an id is used twice.
    """
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in found:
            raise ValueError(f"rule {rule.id} is defined twice")
        found[rule.id] = rule
    return MappingProxyType(found)


_TEXT = (
    _error(
        "SBX101",
        "the source is not UTF-8: byte {byte} at offset {offset}, line {line}",
        "text that tools decode differently is not the text that was looked at",
        "save the source as UTF-8",
    ),
    _error(
        "SBX102",
        "the source holds no statement",
        "there is nothing to call",
        "write `def reward(obs, action, next_obs): ...`",
        "# a comment alone",
        "def reward(obs):\n    return 0.0",
    ),
    _error(
        "SBX103",
        "the source has {count} {what}; at most {limit} are taken",
        "text is capped before it reaches the parser, so that no text can make the check slow",
        "shorten the program, or raise `limits.{setting}`",
    ),
    _error(
        "SBX104",
        "the line has {count} bytes; at most {limit} are taken",
        "text is capped before it reaches the parser, so that no text can make the check slow",
        "break the line, or raise `limits.line_bytes`",
    ),
    _error(
        "SBX105",
        "too many {what} are open at one place; the limit is {limit}",
        "deep nesting makes parsers and compilers slow, and some of them crash",
        "give parts of the expression names, or raise `limits.nesting`",
        "x = " + "(" * 41 + "1" + ")" * 41,
        "x = 1",
    ),
    _error(
        "SBX106",
        "{what} is {count} long; at most {limit} are taken",
        "long literals make the compiler slow",
        "compute the value, or shorten it",
    ),
    _error(
        "SBX107",
        "the program has {count} functions; at most {limit} are taken",
        "each function costs compile time",
        "merge functions, or raise `limits.functions`",
    ),
    _error(
        "SBX108",
        "the source does not parse: {reason}",
        "only Python that parses can be checked",
        "{advice}",
        "def reward(obs)\n    return 1.0",
        "def reward(obs):\n    return 1.0",
    ),
    _error(
        "SBX109",
        "the line holds {code} ({name})",
        "invisible characters make the text a person reads another than the one that runs",
        "delete the character; in a string write its escape",
    ),
    _error(
        "SBX110",
        "the name `{name}` is read as `{read}`",
        "Python folds look-alike letters into plain ones, so the text shows another name",
        "write `{read}`",
    ),
    _error(
        "SBX111",
        "the name `{name}` has {count} characters; at most {limit} are taken",
        "very long names break compilers",
        "choose a shorter name",
    ),
    _note(
        "SBX112",
        "a byte order mark stands before the first character; it is left out",
        "it has no meaning in UTF-8",
        "save the source as UTF-8 without a byte order mark",
    ),
    _error(
        "SBX113",
        "a comment declares the encoding `{name}`; the source is read as UTF-8",
        "text that tools decode differently is not the text that was looked at",
        "delete the comment",
        "# -*- coding: utf-7 -*-",
        "pass  # plain UTF-8 needs no comment",
    ),
    _note(
        "SBX114",
        'the `if __name__ == "__main__":` block is left out',
        "the runtime calls the program; a block for running it as a script never runs",
        "leave it, or delete it",
    ),
    _error(
        "SBX115",
        "the program could not be read within {seconds} s",
        "a text that takes so long to read is made to do so; the process that read it was killed",
        "shorten the program, or raise `limits.compile_s` if the machine is slow",
    ),
    _error(
        "SBX116",
        "the process that read the program ended: {reason}",
        "a text that kills the process that reads it is not looked at again",
        "shorten the program; if it is ordinary, this is a fault of the runtime to be reported",
    ),
    _note(
        "SBX117",
        "{count} more findings are not shown",
        "a report of thousands of lines helps nobody, and hostile text can make one",
        "mend those shown first",
    ),
    _error(
        "SBX118",
        "with its names written out this is more than {limit} values long",
        "a value that holds another twice, which holds another twice, doubles with every line",
        "keep the parts in a list, and compute from them what is needed",
    ),
)

_SYNTAX = (
    _error(
        "SBX201",
        "{what} is not part of the dialect",
        "it can run code where nothing is counted, reach what is not the program's own, or carry "
        "a value from one row to another",
        "{advice}",
        "async def reward(obs):\n    return 1.0",
        "def reward(obs):\n    return 1.0",
    ),
    _error(
        "SBX202",
        "the construct `{what}` is not known to the checker",
        "what was never looked at is refused; it may be of a newer Python",
        "write it with older constructs",
    ),
    _error(
        "SBX203",
        "the decorator `{name}` is not admitted",
        "a decorator runs when the program is loaded and replaces what it decorates",
        "leave it out; admitted are {offered}",
        "@eval\ndef reward(obs):\n    return 1.0",
        "def reward(obs):\n    return 1.0",
    ),
    _error(
        "SBX204",
        "`{name}` cannot be a base class",
        "a base class brings methods that nobody checked",
        "leave it out; admitted are {offered}, and classes defined above",
        "class Reward(dict):\n    pass",
        "class Reward:\n    pass",
    ),
    _error(
        "SBX205",
        "the class takes the keyword `{name}`",
        "a metaclass or class keyword runs code when the class is made",
        "leave it out",
        "class Reward(metaclass=Meta):\n    pass",
        "class Reward:\n    pass",
    ),
    _error(
        "SBX206",
        "the special method `{name}` is not admitted",
        "Python would call it at places where nothing is counted",
        "give it a plain name and call it; admitted are {offered}",
        "class Reward:\n    def __del__(self):\n        pass",
        "class Reward:\n    def finish(self):\n        pass",
    ),
    _error(
        "SBX207",
        "a class is defined inside a function",
        "it would be made anew on every row",
        "move the class to the top level",
    ),
    _error(
        "SBX208",
        "`{name}` calls itself{path}",
        "the depth of a recursion is not bounded by anything that is counted",
        "write a loop with a list of what is still to do",
        "def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)",
        "def depth(n):\n    count = 0\n    while n > 0:\n        n -= 1\n        count += 1\n"
        "    return count",
    ),
    _error(
        "SBX209",
        "the function writes into `{name}`, which belongs to the {owner}",
        "rows, environments and episodes must not influence each other",
        "keep state in `self` of a class, set in `__init__` or `reset`; a table that a decorator "
        "fills is written out instead: `TERMS = dict(near=near)`",
        "seen = []\ndef reward(obs):\n    seen.append(1)\n    return len(seen)",
        "class Reward:\n    def reset(self, obs):\n        self.seen = []\n"
        "    def step(self, obs):\n        self.seen.append(1)\n        return len(self.seen)",
    ),
    _error(
        "SBX210",
        "the default of `{name}` is changed inside the function",
        "a default value is made once, so every later row would see the change",
        "write `{name}=None` and make the value in the function; what is remembered from step to "
        "step is kept in `self` of a class with `step`",
        "def reward(obs, seen=[]):\n    seen.append(1)\n    return len(seen)",
        "def reward(obs, seen=None):\n    seen = []\n    seen.append(1)\n    return len(seen)",
    ),
    _error(
        "SBX211",
        "`with {name}` is not admitted",
        "a context manager runs code on entry and exit",
        "leave the `with` out; only `with np.errstate(...)` is taken, and does nothing",
        'with open("x") as f:\n    pass',
        "x = 1",
    ),
    _error(
        "SBX212",
        "`{name}` inside `finally` would swallow the exception",
        "an error of the program must end its row",
        "move it behind the `try` statement",
    ),
    _error(
        "SBX213",
        "`from {name} import *` brings names that the text does not show",
        "a name that is not written cannot be checked",
        "import the names one by one",
        "from math import *",
        "from math import sqrt",
    ),
    _error(
        "SBX214",
        "the relative import has nothing to refer to",
        "a program is one source",
        "import one of {offered}",
    ),
    _error(
        "SBX215",
        "`except {name}` names no admitted exception",
        "only exceptions of the table and the program's own classes can be caught",
        "write `except Exception:` or the exceptions you expect",
    ),
    _error(
        "SBX217",
        "{what} literals are not part of the dialect",
        "no admitted operation needs them",
        "{advice}",
        "x = 1j",
        "re, im = 0.0, 1.0",
    ),
    _error(
        "SBX219",
        "the annotation is not a type",
        "annotations are never evaluated, so anything else in one only misleads a reader",
        "write a type such as `float` or `Dict[str, np.ndarray]`, or leave it out",
        'def reward(obs: print("x")):\n    return 1.0',
        "def reward(obs: np.ndarray):\n    return 1.0",
    ),
    _error(
        "SBX221",
        "`{name}` cannot be assigned to",
        "modules, functions and classes stay as they are, so that no row can change another",
        "assign to a name of your own; what is remembered from step to step is kept in `self` of a "
        "class with `step`",
        "np.pi = 3",
        "my_pi = 3",
    ),
    _error(
        "SBX223",
        "`del {name}` removes a name that is not local",
        "it would expose what stands behind the name",
        "leave it out",
    ),
    _error(
        "SBX224",
        "the template asks for a width or precision of {width}",
        "one row could ask for any amount of memory",
        "use at most {limit}",
        'f"{x:1000000}"',
        'f"{x:10}"',
    ),
    _error(
        "SBX225",
        "the width or precision of the f-string is computed",
        "one row could ask for any amount of memory",
        "write the number out",
        'f"{x:{n}}"',
        'f"{x:10}"',
    ),
)

_NAMES = (
    _error(
        "SBX301",
        "attribute `{name}` is not readable",
        "underscore names lead to interpreter internals",
        "{advice}",
        "state.__class__",
        "state.shape",
    ),
    _error(
        "SBX302",
        "no value of a program has an attribute `{name}`",
        "only attributes of the tables, and those that the program defines, can be read",
        "{advice}",
        'obs.tofile("x")',
        "obs.copy()",
    ),
    _error(
        "SBX303",
        "`{name}` is not part of the dialect",
        "a module is a table of admitted names here, each with why it is harmless",
        "{advice}",
        'np.load("x.npy")',
        "np.zeros(3)",
    ),
    _warning(
        "SBX304",
        "the name `{name}` is not defined",
        "the row would end with NameError",
        "{advice}",
        "def reward(obs):\n    return np.sum(obs)",
        "import numpy as np\ndef reward(obs):\n    return np.sum(obs)",
    ),
    _error(
        "SBX305",
        "`{name}` is not admitted",
        "it reaches outside the program, or depends on more than its arguments",
        "{advice}",
        'open("x")',
        "",
    ),
    _error(
        "SBX306",
        "`import {name}` is not admitted",
        "only modules whose every admitted name is known to be harmless can be imported",
        "{advice}",
        "import os",
        "import numpy as np",
    ),
    _error(
        "SBX307",
        "the module `{name}` is not known",
        "only modules whose every admitted name is known to be harmless can be imported",
        "{advice}",
        "import nunpy as np",
        "import numpy as np",
    ),
    _error(
        "SBX308",
        "the name `{name}` is reserved",
        "the interpreter and the runtime use such names themselves",
        "choose a name that does not begin with two underscores, nor begin and end with one",
        "__x__ = 1",
        "x = 1",
    ),
    _error(
        "SBX309",
        "the name `{name}` is not defined",
        "what the top level or a pattern names has to exist when the program is loaded",
        "{advice}",
        "def reward(obs, scale=width):\n    return scale * obs",
        "def reward(obs, scale=8.0):\n    return scale * obs",
    ),
)

_CALLS = (
    _error(
        "SBX401",
        "`{name}` takes no keyword `{keyword}` here",
        "arguments are admitted one by one; some of them write where nothing is checked",
        "{advice}",
        "np.sqrt(x, out=y)",
        "y = np.sqrt(x)",
    ),
    _error(
        "SBX402",
        "`{name}` takes at most {limit} positional arguments here; {count} are given",
        "the call would fail, or write its result where nothing is checked",
        "write `{name}{signature}`",
        "np.sqrt(x, y)",
        "y = np.sqrt(x)",
    ),
    _error(
        "SBX403",
        "`{name}` needs {missing}",
        "the call would raise TypeError on every row",
        "write `{name}{signature}`",
        "np.dot(a)",
        "np.dot(a, b)",
    ),
    _error(
        "SBX404",
        "`{name}` cannot be used like this: it is {what}",
        "the call would raise TypeError, or show an address that differs from run to run",
        "{advice}",
        "np.pi()",
        "np.pi",
    ),
    _error(
        "SBX405",
        "the attribute name given to `{name}` is not written out",
        "an attribute that the text does not show cannot be checked",
        'write `{name}(x, "attribute")` with a plain string',
        'getattr(obs, "sh" + "ape")',
        'getattr(obs, "shape")',
    ),
    _error(
        "SBX407",
        "`{name}` is not an admitted dtype",
        "arrays hold numbers and bools; arrays of objects can hold anything",
        "use {advice}",
        "np.array(x, dtype=object)",
        "np.array(x, dtype=np.float64)",
    ),
    _error(
        "SBX408",
        "`{name}` is used as a value; it can only be a decorator or base class",
        "it has no meaning elsewhere",
        "leave it out",
    ),
)

_NUMBERS = (
    _error(
        "SBX501",
        "the integer needs {count} bits; at most {limit} are taken",
        "large integers make one operation arbitrarily slow",
        "use a float such as `1e30`",
    ),
    _warning(
        "SBX502",
        "the number is too large for a float and becomes infinite",
        "a reward must be finite",
        "write `float('inf')` if infinity is meant",
        "x = 1e999",
        "x = 1e300",
    ),
    _error(
        "SBX503",
        "the constant expression makes {what}",
        "one operation could take any time or memory",
        "write the value as a float, or make it smaller",
        "9 ** 9 ** 9",
        "9.0 ** 9",
    ),
)

_MISTAKES = (
    _warning(
        "SBX601",
        "`{name}` may be unassigned here",
        "on a path that does not assign it, the row ends with UnboundLocalError",
        "assign `{name}` before the {where}",
        "if obs > 0:\n    bonus = 1.0\nreturn bonus",
        "bonus = 0.0\nif obs > 0:\n    bonus = 1.0\nreturn bonus",
    ),
    _warning(
        "SBX602",
        "`{name}` is imported and never used",
        "it does no harm",
        "delete the import",
    ),
    _warning(
        "SBX603",
        "the observation has no key {key}",
        "the row would end with KeyError",
        "{advice}",
        'obs["imge"]',
        'obs["image"]',
    ),
    _warning(
        "SBX604",
        "index {index} is outside of axis {axis}, which has {size} elements",
        "the row would end with IndexError",
        "use an index from {low} to {high}",
        "obs[8]",
        "obs[7]",
    ),
    _warning(
        "SBX605",
        "`{name}` can end without a result",
        "the path that returns nothing gives None, which is not a reward",
        "end the function with a `return` of a number",
        "def reward(obs):\n    if obs[0] > 0:\n        return 1.0",
        "def reward(obs):\n    if obs[0] > 0:\n        return 1.0\n    return 0.0",
    ),
    _warning(
        "SBX606",
        "`{name}` returns {this} here and {that} on line {line}",
        "a caller that unpacks the result fails on one of the paths",
        "{advice}",
    ),
    _warning(
        "SBX607",
        "nothing behind this statement can run",
        "code that never runs is usually a mistake of indentation",
        "delete the lines, or move them before the `{name}`",
    ),
    _warning(
        "SBX608",
        "a float is compared for equality",
        "results of arithmetic rarely equal a written number exactly",
        "write `abs({left} - {right}) < 1e-6`",
    ),
    _warning(
        "SBX609",
        "the divisor `{name}` can be zero",
        "the row ends with ZeroDivisionError, or is not finite",
        "write `{advice}`, or test it first",
        "return distance / np.linalg.norm(state)",
        "return distance / max(np.linalg.norm(state), 1e-8)",
    ),
    _warning(
        "SBX610",
        "the difference of unsigned numbers wraps below zero",
        "`{name}` is {dtype}: 3 - 5 is {wrapped} there",
        "cast first: {advice}",
        'obs["image"][0, 0, 0] - 1',
        'int(obs["image"][0, 0, 0]) - 1',
    ),
    _warning(
        "SBX611",
        "`{name}` of a selection that can be empty",
        "on an empty selection {what}",
        "{advice}",
        "return np.argwhere(image == 5)[0]",
        "cells = np.argwhere(image == 5)\nif len(cells) > 0:\n    return cells[0]\nreturn None",
    ),
    _warning(
        "SBX612",
        "an array decides {name}",
        "the truth value of an array with several elements raises ValueError",
        "{advice}",
        "if obs > 0: ...",
        "if np.all(obs > 0): ...",
    ),
    _warning(
        "SBX614",
        "the default of `{name}` is a value that can be changed",
        "it is made once and shared by all calls",
        "write `{name}=None` and make the value in the function",
    ),
    _warning(
        "SBX615",
        "`{name}` hides the built-in of that name",
        "later code that means the built-in gets this value",
        "choose another name, such as `{name}_value`",
    ),
    _warning(
        "SBX616",
        "a bare `except:` catches every error of the program",
        "it hides mistakes; the runtime's own stop cannot be caught by it",
        "name the exception: `except ValueError:`",
    ),
    _warning(
        "SBX617",
        "`print` does nothing here",
        "a program has no output",
        "delete it, or return the value as a component",
    ),
    _warning(
        "SBX618",
        "`{name}` is called with {given}; it takes {wanted}",
        "the row would end with TypeError",
        "call it as `{signature}`",
    ),
    _warning(
        "SBX619",
        "`{name}` is computed and never used",
        "a part of the reward that is not added has no effect",
        "use it, or delete the line",
    ),
    _warning(
        "SBX620",
        "the program writes into its argument `{name}`",
        "each call gets its own copy, so the change is lost after the call",
        "copy it first: `{name}.copy()`",
    ),
    _warning(
        "SBX621",
        "`reset` does not set `self.{name}`, which changes during an episode",
        "the runtime starts every episode with a new instance, other code may not",
        "set `self.{name}` in `reset`",
    ),
    _warning(
        "SBX622",
        "`self.{name}` is never set in `{owner}`",
        "reading it raises AttributeError",
        "{advice}",
    ),
    _warning(
        "SBX623",
        "the argument of `{name}` can leave its domain",
        "{what}",
        "{advice}",
        "np.arccos(c)",
        "np.arccos(np.clip(c, -1.0, 1.0))",
    ),
    _warning(
        "SBX624",
        "the value of this statement is not used",
        "`==` compares; it does not assign",
        "write `=` to assign, or delete the line",
        "n == 0",
        "n = 0\nreturn n",
    ),
    _warning(
        "SBX625",
        "`{name}` is {what}, so {access} fails",
        "the row would end with an error",
        "{advice}",
        'obs["position"]  # obs is an array',
        "obs[0]",
    ),
    _warning(
        "SBX626",
        "the loop never ends by itself",
        "a row that runs out of fuel has no reward",
        "give the loop a `break`, a `return` or a condition that changes",
        "while True:\n    x += 1",
        "for _ in range(100):\n    x += 1",
    ),
    _warning(
        "SBX627",
        "`{name}` is defined again; the definition on line {line} is lost",
        "only the last definition of a name holds",
        "delete one of the two, or rename it",
    ),
)

_MORE_MISTAKES = (
    _warning(
        "SBX628",
        "the annotation names `{name}`, which is not defined",
        "annotations are not evaluated here, but plain Python would raise NameError",
        "{advice}",
        "def reward(obs: Dict): ...",
        "from typing import Dict\ndef reward(obs: Dict): ...",
    ),
    _error(
        "SBX629",
        "`{name}` returns {what}, which is no reward",
        "every path that returns ends in a bad result, so no row would have a reward",
        "{advice}",
        'def reward(obs):\n    return {"progress": obs[0], "success": 0.0}',
        'def reward(obs):\n    return obs[0], {"progress": obs[0], "success": 0.0}',
    ),
    _warning(
        "SBX630",
        "`{name}` returns {what} here, which is no reward",
        "a row that takes this path ends in a bad result",
        "{advice}",
        "def reward(obs):\n    if obs[0] > 0:\n        return None\n    return 1.0",
        "def reward(obs):\n    if obs[0] > 0:\n        return 0.0\n    return 1.0",
    ),
)

_HABITS = (
    _error(
        "SBX640",
        "`{name}` is written for tensors of many environments: it uses {what}",
        "programs after Eureka get all environments at once; one here is called for one "
        "transition at a time, with numbers and NumPy arrays, and there is no `torch`",
        "write `def reward(obs, action, next_obs)` for one environment with `import numpy as np`: "
        "{advice}",
        "import torch\ndef compute_reward(object_pos: torch.Tensor, goal_pos: torch.Tensor):\n"
        "    distance = torch.norm(object_pos - goal_pos, dim=-1)\n"
        "    return torch.exp(-distance), {}",
        "import numpy as np\ndef reward(next_obs):\n"
        "    distance = np.linalg.norm(next_obs[0:3] - next_obs[3:6])\n"
        "    return np.exp(-distance), {}",
    ),
    _error(
        "SBX641",
        "`{name}` is written for the inside of a simulator: it reads {what} through `{parameter}`",
        "programs after Text2Reward or DrEureka are called inside the simulator; one here is handed "
        "the observation, the action and what is declared beside them, and nothing else",
        "write `def reward(obs, action, next_obs)` and read these values from the observation; "
        "what it lacks is declared with extra= from Python and taken as a parameter",
        "def compute_dense_reward(self, action):\n"
        "    return -abs(self.robot.qpos[0] - self.goal_position[0])",
        "def reward(action, next_obs):\n    return -abs(next_obs[0] - next_obs[7])",
    ),
    _note(
        "SBX642",
        "a bonus of {amount} is paid on every step",
        "it is paid as long as {what}{more}, so an agent earns more by staying there than "
        "by going on",
        "pay for the change: test that {was} in {before}; or remember in `self` of a "
        "class that it was paid; or write it as a sub-task in TASKS, which pays once; leave it if "
        "the episode ends there",
        "def reward(next_obs):\n    total = -0.01\n    if next_obs[0] == 1:\n"
        "        total += 0.5\n    return total",
        "def reward(obs, next_obs):\n    total = -0.01\n"
        "    if next_obs[0] == 1 and obs[0] != 1:\n        total += 0.5\n    return total",
    ),
    _warning(
        "SBX643",
        "the component `{name}` is returned and is no part of what is paid",
        "`{value}` changes nothing that the returned total is made from",
        "add it to the total, or leave it out",
        'def reward(obs):\n    cost = -abs(obs[1])\n    return obs[0], {"cost": cost}',
        'def reward(obs):\n    cost = -abs(obs[1])\n    return obs[0] + cost, {"cost": cost}',
    ),
    _note(
        "SBX644",
        "`{name}` keeps {what} between steps and has no `reset`",
        "the runtime starts every episode with a new instance; a loop that keeps one would carry "
        "them into the next episode",
        "add `def reset(self, obs):` that sets {what} anew",
    ),
    _warning(
        "SBX645",
        "`self.{name}` is read, and nothing but None is ever stored in it",
        "whatever was to be remembered is lost, so this line sees None on every step",
        "store it where it is known: `self.{name} = ...`",
        "class Reward:\n    def reset(self, obs):\n        self.start = None\n"
        "    def step(self, obs):\n        return obs[0] - self.start",
        "class Reward:\n    def reset(self, obs):\n        self.start = obs[0]\n"
        "    def step(self, obs):\n        return obs[0] - self.start",
    ),
    _warning(
        "SBX646",
        "`{name}` is unpacked into {wanted} names and returns {what} on line {line}",
        "the row would end with an error",
        "{advice}",
        "def seen(obs):\n    return True\ndef reward(obs):\n    _, found = seen(obs)\n"
        "    return float(found)",
        "def seen(obs):\n    return True\ndef reward(obs):\n    found = seen(obs)\n"
        "    return float(found)",
    ),
    _warning(
        "SBX647",
        "`{name}` asks whether two values are the same object, not whether they are equal",
        "equal numbers and texts may or may not be one object, so the result is left to chance",
        "write `{advice}`",
        "if x is 1: ...",
        "if x == 1: ...",
    ),
)

_PICTURES = (
    _warning(
        "SBX650",
        "`cv2.findContours` is unpacked into {count} names and gives two results",
        "it gave three in OpenCV 3; the row would end with an error",
        "write `contours, hierarchy = cv2.findContours(...)`",
    ),
    _warning(
        "SBX651",
        "`{name}` may have no contour, and {what} of nothing is an error",
        "on a frame where nothing has the colour, such as a blank one, the row ends with an error",
        "test it first: `if not {name}: return ...`",
    ),
    _warning(
        "SBX652",
        "`{name}` holds both results of `cv2.findContours`, not the contours",
        "the second one is the hierarchy",
        "write `{name}, _ = cv2.findContours(...)`",
    ),
    _note(
        "SBX653",
        "what `cv2.{name}` gives has the shape {new} in OpenCV 5 and {old} in 4",
        "the program means different things in different releases",
        "bring it into one shape, after a test for None: `.reshape({shape})`",
    ),
    _note(
        "SBX654",
        "a hue of {value} lies beyond 179, where OpenCV's scale of 8-bit pictures ends: {effect}",
        "OpenCV halves the degrees of a hue so that it fits into a byte",
        "use half of the degrees, {half}; for red take two ranges, near 0 and near 179",
    ),
    _note(
        "SBX655",
        "the picture has its channels as {have}, and is converted from {said}",
        "red and blue are taken for each other, and nothing fails",
        "write `cv2.{code}`, or load with another `frame_order`",
    ),
)

_BUILDING = (
    _error(
        "SBX701",
        "the top level of the program failed with {exception}: {message}",
        "the top level runs once, when the program is loaded",
        "make the values of the top level from constants that fit together",
        "SCALE = 1 / 0",
        "SCALE = 0.0",
    ),
    _error(
        "SBX702",
        "{message}",
        "the second gate, which is made apart from the first, does not know this construct",
        "write it in a plainer way",
    ),
    _error(
        "SBX703",
        "the program names {count} components; at most {limit} are possible",
        "components are fixed at load, one array each",
        "return fewer names, or sums of some of them",
    ),
    _error(
        "SBX704",
        "the compiled tier was asked for and does not take this program: {reason}",
        '`tier="compiled"` leaves no other choice',
        'leave `tier` at "auto", or write the construct in another way',
    ),
    _error(
        "SBX705",
        "the component name `{name}` has control characters or more than {limit} characters",
        "names of components become columns of logs and tables",
        "name components with short words",
    ),
    _error(
        "SBX706",
        "the program imports `cv2`, and OpenCV is not installed here",
        "pictures are read by OpenCV itself, which is an extra",
        "install it: `pip install 'carruntime[vision]'`",
    ),
)

_TIERS = tuple(_note(*row) for row in TIER_REASONS)

RULES: Final[Mapping[str, Rule]] = rule_table(
    (
        *_TIERS,
        *_TEXT,
        *_SYNTAX,
        *_NAMES,
        *_CALLS,
        *_NUMBERS,
        *_MISTAKES,
        *_MORE_MISTAKES,
        *_HABITS,
        *_PICTURES,
        *_BUILDING,
    )
)


def explain(rule_id: str) -> str:
    """Give what a rule says, why, and an example.

    Raises:
        KeyError: If there is no such rule.
    """
    return RULES[rule_id].explain()

"""From the text of an answer to a program, a description or a list of sub-tasks.

Only text is looked at: lines, fences, indentation. Whether it is Python is for the sandbox to say,
in its worker; what is wrong with it becomes findings, which a model can mend. Whatever came, the
result is an outcome, never an exception.

Answers differ from what was asked in known ways. Several blocks may be one program in parts, or a
program and a better version of it, or a program and an example of use: blocks that define nothing
are left out, a block whose definitions a later one has all anew is left out too, and all others
are kept in order, for a helper that is lost costs the whole program. Tests, a ``__main__`` tail and
imports of what the prompt itself defines are cut, and every cut leaves a note.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from carruntime.generate.contract import PARAMETERS
from carruntime.generate.messages import Answer
from sandbox.dialect import MODULES

__all__ = ["Ending", "Read", "SubTask", "read_program", "read_subtasks", "read_text"]

MAX_SUBTASKS: Final = 8
_MAX_NAME: Final = 40
_PYTHON: Final = frozenset({"", "python", "py", "python3", "py3", "pycon", "ipython", "python2"})
_OTHERS: Final = frozenset(
    {"c", "cpp", "c++", "java", "javascript", "js", "typescript", "ts", "rust", "go", "julia", "r"}
    | {"lua", "matlab", "csharp", "c#", "cs", "kotlin", "swift", "ruby", "php", "scala", "haskell"}
)
_FENCE: Final = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n`]*$")
_DEFINES: Final = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_ASSIGNS: Final = re.compile(r"^([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_CODE: Final = re.compile(
    r"^(?:(?:async[ \t]+)?def[ \t]|class[ \t]|import[ \t]|from[ \t]+\S+[ \t]+import[ \t]|@\w)",
    re.MULTILINE,
)
_ELSEWHERE: Final = re.compile(
    r"^\s*(?:#include\b|function\s+\w+\s*\(|(?:const|let|var)\s+\w+\s*=|public\s+(?:static|class)\b"
    r"|fn\s+\w+\s*[(<]|func\s+\w+\s*\(|(?:double|float|int|bool|void)\s+\w+\s*\()",
    re.MULTILINE,
)
_REFUSALS: Final = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I can(?:'|no)t|I cannot|I won't|as an AI)\b",
    re.IGNORECASE,
)
_IMPORT: Final = re.compile(r"^from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([^)#\n]*)\)?[ \t]*(?:#.*)?$")
_PLAIN_IMPORT: Final = re.compile(r"^import[ \t]+([\w.]+)(?:[ \t]+as[ \t]+\w+)?[ \t]*(?:#.*)?$")
_MAIN: Final = re.compile(r"^if[ \t(]+__name__\b|^if[ \t(]+['\"]__main__['\"]")
_TESTING: Final = frozenset({"pytest", "unittest", "doctest", "hypothesis"})
_ITEM: Final = re.compile(
    r"^[ \t>*-]*(?:\*\*)?(\d{1,2})(?:\*\*)?[.):][ \t]*[`*_]*([A-Za-z][\w -]*?)[`*_]*[ \t]*(?::|--?|—|–)"
    r"[`*_]*[ \t]+(.+)$"
)


class Ending(StrEnum):
    """What an answer turned out to be."""

    PROGRAM = "program"
    EMPTY = "empty"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    WRONG_LANGUAGE = "wrong_language"
    NO_PROGRAM = "no_program"


SAID: Final = {
    Ending.EMPTY: "the answer was empty",
    Ending.REFUSED: "the answer was a refusal",
    Ending.TRUNCATED: "the answer was cut off before the program was complete; write a shorter one, "
    "without comments and without text around it",
    Ending.WRONG_LANGUAGE: "the answer was not in Python",
    Ending.NO_PROGRAM: "there was no program in the answer; it has to stand in one fenced block",
}
"""For the feedback to a model that gave no program."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from an answer.

    Attributes:
        ending: What it turned out to be.
        source: The program; empty where there is none.
        notes: What was left out or repaired.
    """

    ending: Ending
    source: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubTask:
    """One sub-task as a model named it.

    Attributes:
        number: 1 for the first.
        name: A name that a function can have.
        text: When it is completed.
    """

    number: int
    name: str
    text: str

    @property
    def function(self) -> str:
        """Name of the function that tells it."""
        return f"task_{self.number}_{self.name}"


@dataclass(slots=True)
class _Block:
    language: str
    text: str
    closed: bool

    @property
    def names(self) -> set[str]:
        return set(_DEFINES.findall(self.text))

    @property
    def is_test(self) -> bool:
        """Whether nothing but tests, or examples of use, would be lost with it."""
        names = self.names
        if names:
            return all(name.lower().startswith("test") for name in names)
        # Constants and imports belong to a program; calls and prints alone do not.
        assigned = _ASSIGNS.findall(self.text)
        return not _CODE.search(self.text) and not any(name.isupper() for name in assigned)


def read_program(answer: Answer, own: Collection[str] = ()) -> Read:
    """Find the program in an answer.

    Args:
        answer: What a model said.
        own: Names that the prompt defines, such as those of functions that stand in the same file:
            an import of them is cut.
    """
    text = answer.text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    if answer.finish == "refusal":
        return Read(Ending.REFUSED)
    if not text.strip():
        return Read(Ending.EMPTY)
    notes: list[str] = []
    blocks = list(_blocks(text))
    python = [item for item in blocks if item.language in _PYTHON]
    if not python and any(item.language in _OTHERS for item in blocks):
        return Read(Ending.WRONG_LANGUAGE)
    if not blocks:
        bare = _bare(text, notes)
        if not bare:
            if _ELSEWHERE.search(text):
                return Read(Ending.WRONG_LANGUAGE)
            return Read(Ending.REFUSED if _REFUSALS.search(text[:400]) else Ending.NO_PROGRAM)
        python = [_Block("", bare, closed=answer.finish != "length")]
    chosen = _chosen(python, notes)
    if not chosen:
        if any(_ELSEWHERE.search(item.text) for item in python):
            return Read(Ending.WRONG_LANGUAGE)
        refused = _REFUSALS.search(text[:400]) is not None
        return Read(Ending.REFUSED if refused else Ending.NO_PROGRAM)
    if not any(_CODE.search(item.text) for item in chosen) and any(
        _ELSEWHERE.search(item.text) for item in chosen
    ):
        return Read(Ending.WRONG_LANGUAGE)
    if not chosen[-1].closed:
        if answer.finish == "length":
            return Read(Ending.TRUNCATED)
        notes.append("the fence was not closed")
    source = "\n\n".join(item.text.strip("\n") for item in chosen) + "\n"
    source = _without_tail(source, notes)
    source = _without_imports(source, set(own), notes)
    source = _without_tests(source, notes)
    if not source.strip():
        return Read(Ending.NO_PROGRAM, notes=tuple(notes))
    return Read(Ending.PROGRAM, source.strip("\n") + "\n", tuple(notes))


def read_text(answer: Answer, limit: int = 4_000) -> str:
    """Give the prose of an answer: without fences, cut at a length; empty where there is none."""
    if answer.finish == "refusal":
        return ""
    lines = [line.rstrip() for line in answer.text.split("\n") if not _FENCE.match(line)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return text[:limit].rstrip()


def read_subtasks(answer: Answer) -> tuple[SubTask, ...]:
    """Read a numbered list of names and sentences; empty where there is none.

    Names become names that a function can have: lower case, joined by underscores, short, each
    once. A list that begins anew with 1 replaces what stood before it.
    """
    if answer.finish == "refusal":
        return ()
    found: list[tuple[str, str]] = []
    for line in answer.text.replace("\r", "\n").split("\n"):
        item = _ITEM.match(line)
        if item is None:
            continue
        if int(item[1]) == 1 and found:
            found = []
        name = re.sub(r"\W+|_+", "_", item[2].strip().lower()).strip("_")
        name = "".join(char for char in name if char.isascii())[:_MAX_NAME].strip("_")
        if name and len(found) < MAX_SUBTASKS:
            found.append((name, " ".join(item[3].split()).strip("*_ ")[:300]))
    taken: set[str] = set()
    tasks = []
    for number, (name, text) in enumerate(found, start=1):
        unique = name if name not in taken else f"{name}_{number}"
        taken.add(unique)
        tasks.append(SubTask(number, unique, text))
    return tuple(tasks)


def _blocks(text: str) -> Iterator[_Block]:
    """Give the fenced blocks; a fence ends with one as long, as Markdown has it."""
    fence = language = ""
    lines: list[str] = []
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if not fence:
            if found is not None:
                fence, language, lines = found[1], found[2].lower(), []
        elif found is not None and not found[2] and found[1].startswith(fence):
            yield _Block(language, _dedented("\n".join(lines)), closed=True)
            fence = ""
        elif found is not None and found[2].lower() in (_PYTHON | _OTHERS) and found[2]:
            # A new block with a language cannot lie inside another: the end was forgotten.
            yield _Block(language, _dedented("\n".join(lines)), closed=True)
            fence, language, lines = found[1], found[2].lower(), []
        else:
            lines.append(line)
    if fence and "\n".join(lines).strip():
        yield _Block(language, _dedented("\n".join(lines)), closed=False)


def _bare(text: str, notes: list[str]) -> str:
    """Find code that stands without a fence: from its first line to its last."""
    lines = text.split("\n")
    starts = [
        index
        for index, line in enumerate(lines)
        if re.match(
            r"(?:def|class)[ \t]+\w+[ \t]*[(:]|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import[ \t]|@\w+",
            line,
        )
        or re.match(r"[A-Z][A-Z0-9_, ]*=", line)
    ]
    if not starts or not any(re.match(r"(?:def|class)[ \t]", lines[index]) for index in starts):
        return ""
    begin = starts[0]
    while begin > 0 and lines[begin - 1].startswith("#"):
        begin -= 1
    end = begin
    for index in range(begin, len(lines)):
        line = lines[index]
        if not line.strip() or line[0] in " \t#)]}@\"'" or index in starts or _is_statement(line):
            end = index
        elif any(later > index for later in starts):
            notes.append("prose between parts of the code was left out")
            lines[index] = ""
        else:
            break
    if begin > 0 and any(line.strip() for line in lines[:begin]):
        notes.append("prose before the code was left out")
    return "\n".join(lines[begin : end + 1])


def _is_statement(line: str) -> bool:
    """Whether a line at the left edge can be one of a program."""
    return bool(
        re.match(
            r"[A-Za-z_][\w.\[\]\"', ]*(?::[^=]+)?[-+*/|&]?=[^=]|(?:if|elif|else|for|while|try|except"
            r"|finally|with|return|raise|pass|assert|print)\b.*[:)]?$|[\w.]+\(.*\)$",
            line,
        )
    ) and not line.rstrip().endswith((".", "!", "?"))


def _chosen(blocks: Sequence[_Block], notes: list[str]) -> list[_Block]:
    """Leave out what is no part of the program."""
    named = {name for item in blocks if not item.is_test for name in re.findall(r"\w+", item.text)}
    useful = [
        item for item in blocks if item.text.strip() and (not item.is_test or item.names & named)
    ]
    if len(useful) < len([item for item in blocks if item.text.strip()]):
        notes.append("a block of tests or examples was left out")
    kept: list[_Block] = []
    for index, item in enumerate(useful):
        later = useful[index + 1 :]
        if item.names and any(item.names <= other.names for other in later):
            notes.append("a block that a later one defines anew was left out")
            continue
        kept.append(item)
    if len(kept) > 1:
        notes.append(f"{len(kept)} blocks were put together")
    return kept


def _dedented(text: str) -> str:
    """Take away the indentation that a whole block has, as in a list of a chat."""
    lines = text.split("\n")
    if all(line.startswith((">>> ", "... ")) or not line.strip() for line in lines):
        return "\n".join(line[4:] for line in lines)
    widths = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    width = min(widths, default=0)
    return "\n".join(line[width:] for line in lines) if width else text


def _without_tail(source: str, notes: list[str]) -> str:
    """Cut a ``__main__`` block at the end, with what stands below it and is part of it."""
    lines = source.split("\n")
    for index, line in enumerate(lines):
        if not _MAIN.match(line):
            continue
        rest = lines[index + 1 :]
        if all(not one.strip() or one[0] in " \t#)" or one.startswith("else:") for one in rest):
            notes.append("the `if __name__` block was left out")
            return "\n".join(lines[:index])
    return source


def _without_imports(source: str, own: set[str], notes: list[str]) -> str:
    """Cut imports of what is there without them: parameters, and what the prompt shows."""
    known = own | set(PARAMETERS)
    lines = []
    for line in source.split("\n"):
        found, plain = _IMPORT.match(line), _PLAIN_IMPORT.match(line)
        cut = False
        if found is not None and found[1] not in MODULES:
            names = {part.split(" as ")[0].strip() for part in found[2].split(",") if part.strip()}
            cut = bool(names) and (names <= known or found[1].split(".")[0] == "carruntime")
        elif plain is not None:
            cut = plain[1].split(".")[0] in {"carruntime", "sandbox"}
        if cut:
            notes.append("an import of what is there already was left out")
        else:
            lines.append(line)
    return "\n".join(lines)


def _without_tests(source: str, notes: list[str]) -> str:
    """Cut test functions, asserts and imports of test libraries at the left edge."""
    lines = source.split("\n")
    if not any(not name.lower().startswith("test") for name in _DEFINES.findall(source)):
        return source
    # A helper may be called `test_free`: what the program itself calls is none of its tests.
    called = set(re.findall(r"\w+", "\n".join(re.findall(r"^[ \t].*$", source, re.MULTILINE))))
    kept: list[str] = []
    cutting = False
    cut = False
    for line in lines:
        if line[:1] in (" ", "\t") or not line.strip() or line.startswith((")", "]", "}")):
            if not cutting:
                kept.append(line)
            continue
        defined = re.match(r"(?:def|class)[ \t]+([Tt]est\w*)", line)
        plain = _PLAIN_IMPORT.match(line) or _IMPORT.match(line)
        cutting = (
            (defined is not None and defined[1] not in called)
            or (plain is not None and plain[1].split(".")[0] in _TESTING)
            or bool(re.match(r"assert\b|test_\w+\(|unittest\.main\(", line))
        )
        cut = cut or cutting
        if not cutting:
            kept.append(line)
    if cut:
        notes.append("tests were left out")
    return "\n".join(kept)

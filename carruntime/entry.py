"""Which functions or class of a program are called: its entry, found by itself or by name.

Only names and the shape of parameters are known here (`sandbox.plan.Outline`), never code.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from carruntime.rules import finding
from sandbox.diagnostics import Finding
from sandbox.plan import ClassOutline, FunctionOutline, Outline

__all__ = ["Entry", "find_entry", "listed", "nearest_of"]

_METHODS: Final = ("step", "reward", "check_and_progress")
_TASK_NAME: Final = re.compile(r"task_(\d+)(?:_\w*)?\Z")


@dataclass(slots=True)
class Entry:
    """What is called: tasks, and at most one function or method that pays."""

    tasks: tuple[FunctionOutline, ...] = ()
    function: FunctionOutline | None = None
    cls: ClassOutline | None = None
    method: FunctionOutline | None = None
    reset: FunctionOutline | None = None

    @property
    def form(self) -> str:
        """Which of the known forms this is."""
        paying = "class" if self.cls else "function" if self.function else ""
        return "+".join(part for part in ("tasks" if self.tasks else "", paying) if part)

    @property
    def name(self) -> str:
        """The entry in words."""
        parts = [", ".join(task.name for task in self.tasks)] if self.tasks else []
        if self.cls and self.method:
            parts.append(f"{self.cls.name}.{self.method.name}")
        elif self.function:
            parts.append(self.function.name)
        return "; ".join(parts)


def find_entry(
    outline: Outline,
    entry: str | None,
    findings: list[Finding],
    binds: Callable[[FunctionOutline], bool] | None = None,
) -> Entry | None:
    """Find what is called.

    Args:
        outline: Names and parameters of the source.
        entry: Name of the function or class that pays, or ``"TASKS"``; None to look for it.
        findings: Takes what speaks against the program.
        binds: Whether every parameter of a function has a meaning, for what is proposed where no
            entry is found; None where the inputs are not known.

    Returns:
        The entry, or None if there is none that can be used.
    """
    functions = {item.name: item for item in outline.functions}
    classes = {item.name: item for item in outline.classes if not item.is_data}
    if entry is not None and entry != "TASKS":
        if entry in functions:
            return Entry(_tasks(outline, findings, asked=entry), functions[entry])
        if entry in classes:
            return _class_entry(Entry(_tasks(outline, findings)), classes[entry], findings)
        known = [*functions, *classes, *(["TASKS"] if outline.tasks else [])]
        findings.append(
            finding("CAR102", None, name=entry, offered=nearest_of(entry, known) or "nothing")
        )
        return None
    found = Entry(_tasks(outline, findings))
    if entry == "TASKS":
        if not found.tasks:
            _note_none(outline, findings, binds)
            return None
        return found
    in_tasks = {task.name for task in found.tasks}
    # A class that another one derives from is a part of that one.
    parts = {name for item in classes.values() for name in item.bases}
    able = [
        item for item in classes.values() if _method(item) is not None and item.name not in parts
    ]
    function = functions.get("reward")
    if function is not None and function.name in in_tasks:
        function = None
    unread = outline.tasks is None and outline.tasks_span is not None
    if function is None and not found.tasks and not able and not unread:
        function = _only(functions.values())
    entries = [item.name for item in able] + ([function.name] if function else [])
    if len(entries) > 1:
        spans = [item.span for item in able] + ([function.span] if function else [])
        findings.append(finding("CAR103", spans[-1], names=listed(entries)))
        return None
    if able:
        return _class_entry(found, able[0], findings)
    found.function = function
    if function is None and not found.tasks:
        _note_none(outline, findings, binds)
        return None
    return found


def _note_none(
    outline: Outline,
    findings: list[Finding],
    binds: Callable[[FunctionOutline], bool] | None,
) -> None:
    """Say that there is no entry, at the place where one was meant to be."""
    if any(item.rule == "CAR104" for item in findings):
        return
    if outline.tasks is None and outline.tasks_span is not None:
        what = "is not a list whose entries the text shows"
        findings.append(finding("CAR104", outline.tasks_span, what=what))
    else:
        meant = [
            item.name
            for item in outline.functions
            if binds is not None and item.params and not item.is_used and binds(item)
        ]
        proposal = ""
        if len(meant) == 1:
            proposal = f'if `{meant[0]}` is meant, load with entry="{meant[0]}"; or '
        findings.append(finding("CAR101", None, found=_describe(outline), proposal=proposal))


def _only(functions: Iterable[FunctionOutline]) -> FunctionOutline | None:
    every = list(functions)
    if len(every) == 1:
        return every[0]
    # Helpers are written with an underscore, so a single public function is meant.
    public = [item for item in every if not item.name.startswith("_")]
    return public[0] if len(public) == 1 else None


def _method(item: ClassOutline) -> FunctionOutline | None:
    methods = {method.name: method for method in item.methods}
    return next((methods[name] for name in _METHODS if name in methods), None)


def _class_entry(found: Entry, item: ClassOutline, findings: list[Finding]) -> Entry | None:
    method = _method(item)
    if method is None:
        findings.append(finding("CAR105", item.span, name=item.name))
        return None
    if item.required:
        findings.append(finding("CAR106", item.span, name=item.name, names=listed(item.required)))
    found.cls = item
    found.method = method
    found.reset = next((one for one in item.methods if one.name == "reset"), None)
    return found


def _tasks(
    outline: Outline, findings: list[Finding], asked: str | None = None
) -> tuple[FunctionOutline, ...]:
    functions = {item.name: item for item in outline.functions}
    if outline.tasks is not None:
        missing = [name for name in outline.tasks if name not in functions]
        if missing or not outline.tasks:
            what = f"names {listed(missing)}" if missing else "is empty"
            findings.append(finding("CAR104", outline.tasks_span, what=what))
            return ()
        return tuple(functions[name] for name in outline.tasks)
    numbered: list[tuple[int, FunctionOutline]] = []
    for item in outline.functions:
        match = _TASK_NAME.match(item.name)
        if match and item.name != asked:
            numbered.append((int(match[1]), item))
    numbered.sort(key=lambda pair: pair[0])
    for (one, first), (other, second) in itertools.pairwise(numbered):
        if one == other:
            findings.append(
                finding("CAR107", second.span, first=first.name, second=second.name, k=str(one))
            )
    return tuple(item for _, item in numbered)


def _describe(outline: Outline) -> str:
    parts = []
    if outline.functions:
        parts.append(f"functions {listed(item.name for item in outline.functions)}")
    classes = [item.name for item in outline.classes if _is_like_an_entry(item)]
    if classes:
        parts.append(f"classes {listed(classes)}")
    return " and ".join(parts) or "no function and no class with methods"


def _is_like_an_entry(item: ClassOutline) -> bool:
    """Whether a class does something, so that one of its methods may have been meant."""
    return not item.is_data and any(not method.name.startswith("__") for method in item.methods)


def nearest_of(name: str, known: Iterable[str]) -> str:
    """Give the known name most like one that is not, or all known names."""
    every = list(known)
    close = difflib.get_close_matches(name, every, n=1, cutoff=0.6)
    return f"`{close[0]}`" if close else listed(every)


def listed(names: Iterable[str]) -> str:
    """Give names as text."""
    return ", ".join(f"`{name}`" for name in names)

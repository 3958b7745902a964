"""The page about the calls names every argument and field that there is, and none that is not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import carruntime as car

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))
CALLS: dict[str, list[Callable[..., Any]]] = {
    "`car.load(": [car.load, car.check],
    "`program.start(": [car.RewardProgram.start],
    "`session.reset(": [car.RewardSession.reset],
    "`session.step(": [car.RewardSession.step],
    "`car.collect(": [car.collect],
    "`car.verify(": [car.verify],
    "`car.relabel(": [car.relabel],
    "`CodeRewardWrapper(": [car.CodeRewardWrapper, car.CodeRewardVectorWrapper],
}


def section(begin: str) -> str:
    """Give the heading and the text of the section that begins so."""
    ((head, text),) = ((head, text) for head, text in SECTIONS.items() if head.startswith(begin))
    return f"{head}\n{text}"


def rows(text: str, head: str) -> dict[str, str]:
    """Give the second column of the table with this head, by each name of the first column."""
    (table,) = re.findall(rf"^\| {re.escape(head)} .*\n\| --.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("|")[1:]] for line in table.splitlines()]
    return {name: row[1] for row in cells for name in re.findall(r"`(\w+)`", row[0])}


@pytest.mark.parametrize("begin", CALLS)
def test_the_arguments_of_a_call_are_those_of_the_page(begin: str) -> None:
    text = section(begin)
    have = {
        name: parameter
        for call in CALLS[begin]
        for name, parameter in inspect.signature(call).parameters.items()
        if name not in {"self", "options"}
    }
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", text))))
    assert set(have) <= named
    if "| argument | default |" not in text:
        return
    told = rows(text, "argument")
    assert set(told) <= set(have)
    for name, default in told.items():
        if default:
            is_said = default.strip("`").strip('"')
            assert is_said == str(have[name].default).removesuffix(".0")


def test_the_fields_of_a_batch_are_those_of_the_page() -> None:
    public = {name for name in dir(car.RewardBatch) if not name.startswith("_")}
    assert set(rows(section("`RewardBatch`"), "field")) | {"failure"} == public


def test_the_limits_of_the_page_have_these_defaults() -> None:
    have = {entry.name: entry.default for entry in fields(car.Limits)}
    for name, said in rows(section("`car.load("), "field").items():
        number, _, unit = said.replace(",", "").partition(" ")
        assert int(number) * (1024**2 if unit == "MiB" else 1) == have[name]

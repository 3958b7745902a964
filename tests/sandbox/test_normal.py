"""Two sources with one digest are one program; whatever a run could notice makes another."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Limits, open_guest
from sandbox.normal import normal_of
from sandbox.plan import Normal

PROGRAM = '''
import numpy as np

KEY = 5

def helper(x):
    """Say what it does."""
    return x + KEY

def reward(obs: dict, action: int) -> float:
    return helper(action)
'''


def normal(source: str) -> Normal:
    return normal_of(ast.parse(source))


@pytest.mark.parametrize(
    "other",
    [
        PROGRAM.replace("\n", "\r\n"),
        PROGRAM.replace('    """Say what it does."""\n', ""),
        PROGRAM.replace(": dict", "").replace(" -> float", ""),
        PROGRAM.replace("KEY = 5", "KEY = 5  # the key\n\n\n"),
        '"""A program."""\n' + PROGRAM,
        PROGRAM.replace("helper(action)", "(helper(\n        action))"),
        PROGRAM.replace("= 5", "= 0x5"),
    ],
)
def test_what_no_run_could_notice_makes_no_other_program(other: str) -> None:
    assert normal(other) == normal(PROGRAM)


@pytest.mark.parametrize(
    "other",
    [
        PROGRAM.replace("= 5", "= 5.0"),
        PROGRAM.replace("= 5", "= '5'"),
        PROGRAM.replace("= 5", "= True"),
        PROGRAM.replace("x + KEY", "KEY + x"),
        PROGRAM.replace("action", "act"),
        PROGRAM + "\nKEY = 6\n",
        PROGRAM.replace("def helper(x)", "def helper(x, y=1)"),
        PROGRAM.replace("    return helper", "    if action:\n        return 0\n    return helper"),
    ],
)
def test_what_a_run_could_notice_makes_another_program(other: str) -> None:
    assert normal(other).digest != normal(PROGRAM).digest


def test_nesting_is_part_of_a_program() -> None:
    inner = "def f(x):\n    if x:\n        y = 1\n        z = 2\n    return x\n"
    outer = "def f(x):\n    if x:\n        y = 1\n    z = 2\n    return x\n"
    assert normal(inner).digest != normal(outer).digest
    assert normal("x = [[1], 2]").digest != normal("x = [[1, 2]]").digest


def test_a_field_of_a_data_class_keeps_its_annotation() -> None:
    source = "class A:\n    x: int = 0\n"
    assert normal(source).digest != normal(source.replace("int", "ClassVar")).digest


def test_names_of_the_top_level_tell_how_each_is_defined() -> None:
    names = dict(normal(PROGRAM).names)
    assert set(names) == {"np", "KEY", "helper", "reward"}
    other = dict(normal(PROGRAM.replace("= 5", "= 6")).names)
    assert [name for name in names if names[name] != other[name]] == ["KEY"]
    assert dict(normal("import math, numpy as np").names)["np"] == names["np"]
    assert dict(normal(PROGRAM + "\nKEY = 5\n").names)["KEY"] == names["KEY"]
    assert dict(normal(PROGRAM + "\nKEY = 6\n").names)["KEY"] != names["KEY"]


@given(st.text(max_size=20), st.text(max_size=20))
def test_texts_in_a_program_cannot_be_mistaken_for_its_structure(one: str, other: str) -> None:
    same = normal(f"x = [{one!r}, 1]").digest == normal(f"x = [{other!r}, 1]").digest
    assert same == (one == other)


def test_a_guest_has_it_from_its_worker_even_where_it_is_refused() -> None:
    guest = open_guest(PROGRAM.encode(), limits=Limits())
    refused = open_guest(f"import os\n{PROGRAM}".encode(), limits=Limits())
    broken = open_guest(b"def reward(:", limits=Limits())
    try:
        assert guest.normal == normal(PROGRAM)
        assert refused.normal is not None
        assert broken.normal is None
    finally:
        for one in (guest, refused, broken):
            one.close()

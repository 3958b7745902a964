"""``%``, ``.format``, ``format`` and ``hash`` give what CPython gives, where they give anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox.formatting import formatting_guards, steady_hash
from sandbox.guards import Meter, OutOfMemory, Stop
from sandbox.limits import Limits

GUARDS = formatting_guards(Meter(Limits(fuel=1 << 60)))
HASH = steady_hash(Meter(Limits(fuel=1 << 60)))

VALUES = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.sampled_from([np.float64(1.5), np.float32(0.1), np.int64(-3), np.bool_(True)]),
)
PERCENT = st.lists(
    st.sampled_from(
        [
            "%d",
            "%s",
            "%r",
            "%5.2f",
            "%-8s|",
            "%+d",
            "%e",
            "%g",
            "%%",
            "%05d",
            "%x",
            "%#o",
            "%c",
            "%(a)s",
            "%(b).1f",
            "%*d",
            "%.*f",
            "%.3s",
            "%i",
            "%u",
            "%q",
            "%",
        ]
    ),
    max_size=3,
).map(" ".join)
FIELDS = st.lists(
    st.sampled_from(
        [
            *("{}", "{0}", "{1}", "{a}", "{:>8}", "{:.2f}", "{!r}", "{a!s:>4}", "{:{}}", "{:d}"),
            *("{{", "}}", "{", "{:,}", "{:08.3f}", "{0:+}", "{b:x}", "{!q}", "{2}"),
        ]
    ),
    max_size=3,
).map("-".join)


def ended(call: Any) -> Any:
    try:
        return call()
    except Stop:
        raise
    except Exception as error:
        return type(error)


@given(PERCENT, st.lists(VALUES, max_size=3).map(tuple))
def test_percent_with_a_tuple_gives_what_cpython_gives(template: str, values: Any) -> None:
    assume("*" not in template or all(abs(v) < 1_000 for v in values if isinstance(v, int)))
    assert ended(lambda: GUARDS["percent"](template, values)) == ended(lambda: template % values)


@given(PERCENT, st.one_of(VALUES, st.fixed_dictionaries({"a": VALUES, "b": VALUES})))
def test_percent_with_one_value_gives_what_cpython_gives(template: str, value: Any) -> None:
    assume("*" not in template)
    if "(" in template and not isinstance(value, dict):
        value = "keys are for dicts: CPython would try to look them up in a list or a NumPy number"
    assert ended(lambda: GUARDS["percent"](template, value)) == ended(lambda: template % value)


@given(
    FIELDS,
    st.lists(st.one_of(st.integers(-9, 9), st.floats(), st.text(max_size=3)), max_size=3),
    st.fixed_dictionaries({}, optional={"a": VALUES, "b": st.integers()}),
)
def test_format_gives_what_cpython_gives(template: str, args: Any, named: Any) -> None:
    got = ended(lambda: GUARDS["fields"](template, *args, **named))
    assert got == ended(lambda: template.format(*args, **named))


@pytest.mark.parametrize("template", ["{0.real}", "{a[0]}", "{:{0.real}}"])
def test_a_field_that_looks_into_its_value_is_an_error(template: str) -> None:
    with pytest.raises(TypeError, match="looks into its value"):
        GUARDS["fields"](template, 1, a=[2])


@pytest.mark.parametrize("template", ["%1001d", "%.1001f", "%*d"])
def test_a_width_beyond_the_cap_is_an_error(template: str) -> None:
    with pytest.raises(ValueError, match="at most 1000"):
        GUARDS["percent"](template, (1001, 1) if "*" in template else 1)


def test_many_conversions_end_before_the_text_is_made() -> None:
    with pytest.raises(OutOfMemory):
        GUARDS["percent"]("%900d" * 3_000, tuple([1] * 3_000))


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans()))
def test_the_hash_of_a_number_is_that_of_cpython(value: Any) -> None:
    assert HASH(value) == hash(value)
    assert HASH((value, (value,))) == hash((value, (value,)))


def test_the_hash_of_a_text_is_the_same_in_every_process() -> None:
    assert HASH("red key") == -8211284558390235364
    assert HASH(("a", 1)) == HASH(("a", 1)) != HASH(("b", 1))


@pytest.mark.parametrize("value", [[1], {}, {1}, np.zeros(2), ([1],)])
def test_what_cannot_be_hashed_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        HASH(value)

"""Arithmetic of single values and arrays, against CPython and NumPy, drawn by Hypothesis."""

from __future__ import annotations

import itertools

import both
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
OPERATORS = ("+", "-", "*", "/", "//", "%", "<", "<=", "==", "!=", ">", ">=", "&", "|", "^")
KINDS = [(dtype, False) for dtype in DTYPES] + [("bool", True), ("int64", True)]


def values(dtype: str, *, python: bool) -> np.ndarray:
    """Give numbers where arithmetic is delicate: limits, zeros of both signs, NaN, infinity."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.array([False, True] * 12)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        # Python integers beyond 64 bits end the row in this tier, so they stay small here.
        whole = [0, 1, 2, 3, 7] if python else [0, 1, 2, 7, info.max, info.max - 1, info.min]
        if info.min < 0:
            whole += [-1, -2, -7]
        return np.resize(np.array(whole, kind), 24)
    edges = [0.0, -0.0, 1.0, -1.0, 0.1, -2.5, 3.0, np.nan, np.inf, -np.inf, 1e15, 7.75]
    return np.resize(np.array(edges, kind), 24)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_promote_wrap_and_divide_as_numpy_and_python_do(operator: str) -> None:
    """Every pair of number kinds; what the tier refuses is refused, never computed otherwise."""
    compiled = 0
    source = f"def reward(a, b):\n    return a {operator} b\n"
    rng = np.random.default_rng(3)
    for (first, first_python), (second, second_python) in itertools.product(KINDS, KINDS):
        left = values(first, python=first_python)
        right = rng.permutation(values(second, python=second_python))
        python = frozenset(
            name for name, flag in (("a", first_python), ("b", second_python)) if flag
        )
        try:
            both.check(source, {"a": left, "b": right}, python=python)
        except both.NotCompiledError:
            continue
        compiled += 1
    assert compiled >= (30 if operator in "&|^" else 60)


CONVERSIONS = (
    "float(a)", "int(a)", "bool(a)", "abs(a)", "-a", "+a", "round(a)", "not a", "a ** 2", "a * a",
    "max(a, 0)", "min(a, 1.5)", "np.sqrt(a)", "np.abs(a)", "np.sign(a)", "np.isnan(a)",
    "np.isfinite(a)", "np.floor(a)", "np.clip(a, -1, 2)", "np.square(a)", "np.exp(a)",
    "np.maximum(a, 0.5)", "np.float32(a)", "np.float64(a)", "a if a else 3", "a == a",
    "0 < a < 3", "a in (0, 1, 7)", "np.tanh(a)", "np.arctan2(a, 2.0)", "np.log1p(np.abs(a))",
)  # fmt: skip


@pytest.mark.parametrize("expression", CONVERSIONS)
def test_conversions_and_functions_of_one_number(expression: str) -> None:
    """NaN and infinity to int raise, round goes to even, functions keep float32."""
    source = f"import numpy as np\ndef reward(a):\n    return {expression}\n"
    compiled = 0
    for dtype, python in KINDS:
        column = {"a": values(dtype, python=python)}
        try:
            both.check(source, column, python=frozenset("a") if python else frozenset())
        except both.NotCompiledError:
            continue
        compiled += 1
    assert compiled >= 4


REDUCTIONS = (
    "a.sum()", "a.mean()", "a.std()", "a.min()", "a.max()", "np.argmax(a)", "np.argmin(a)",
    "np.any(a)", "np.all(a)", "np.count_nonzero(a)", "a.sum(axis=0)[0]", "a.max(axis=1)[1]",
    "np.linalg.norm(a, axis=1)[0]", "(a > 0).sum()", "np.prod(a, axis=0)[1]", "np.ptp(a)",
    "a[0][a[0] > 1].sum()", "len(a[a > 1])", "np.abs(a).mean(axis=1)[1]", "np.where(a > 0, a, 0).sum()",
    "a[::-1, 1:][0, 0]", "a.T[1, 0]", "a[-1][-1]", "np.diff(a, axis=1)[0, 0]", "sum(a[0])",
    "max(a[1])", "np.cumsum(a[0])[-1]", "np.argwhere(a > 0).sum()", "np.nonzero(a)[1].sum()",
)  # fmt: skip


@pytest.mark.parametrize("expression", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(2, 3), (5, 5), (3, 50)])
def test_reductions_add_in_the_order_of_numpy(
    expression: str, dtype: str, shape: tuple[int, int]
) -> None:
    """Bit for bit, whether the array is small enough to be scalars or becomes loops."""
    rng = np.random.default_rng(11)
    if np.dtype(dtype).kind == "f":
        array = (rng.normal(size=(20, *shape)) * 3).astype(dtype)
    else:
        array = rng.integers(0, 6, (20, *shape)).astype(dtype)
    source = f"import numpy as np\ndef reward(a):\n    return {expression}\n"
    both.check(source, {"a": array})


@given(
    array=hnp.arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6, allow_nan=False, width=32)),
    start=st.integers(-5, 5),
    stop=st.one_of(st.none(), st.integers(-5, 5)),
    step=st.sampled_from([None, 1, 2, -1, -2]),
    index=st.integers(-4, 3),
)
@example(array=np.zeros((4, 3)), start=3, stop=1, step=None, index=0)
def test_slices_out_of_range_select_what_numpy_selects(
    array: np.ndarray, start: int, stop: int | None, step: int | None, index: int
) -> None:
    """Any start, stop and step, and a negative or missing index, on one row."""
    text = f"{start}:{'' if stop is None else stop}:{'' if step is None else step}"
    source = (
        "import numpy as np\ndef reward(a):\n"
        f"    part = a[{text}]\n    return part.sum() + len(part) + a[{index}, 0]\n"
    )
    both.check(source, {"a": array[None]})


@given(index=st.integers(-9, 9))
def test_an_index_that_depends_on_the_data_is_checked(index: int) -> None:
    """In range it counts from either end, out of range the row ends with IndexError."""
    source = "def reward(a, k):\n    return a[k] + [1.0, 2.0, 4.0][k] * (k > -4)\n"
    columns = {"a": np.arange(5.0)[None] * 10, "k": np.array([index])}
    both.check(source, columns, python=frozenset("k"))

"""Functions that NumPy computes with vector code: the same bits from a kernel, alone or together."""

from __future__ import annotations

import both
import numpy as np
import pytest

from sandbox.tiers.compiled.core import If, Kernel, Let, Lit, Region, Set, Stmt, Store, Var
from sandbox.tiers.compiled.pairing import pair_calls, same_calls
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.vectors import vector_of

RNG = np.random.default_rng(11)
VALUES = np.concatenate(
    [
        [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 709.9, -745.5, 1e-310, 1e300, -1e300],
        RNG.uniform(-2, 2, 200),
        RNG.uniform(-40, 40, 200),
        np.exp(RNG.uniform(-300, 300, 100)),
    ]
)
COLUMNS = {"x": np.stack([VALUES, RNG.permutation(VALUES), RNG.permutation(VALUES)], 1)}
UNARY = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "cbrt",
)  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_a_function_gives_the_bits_of_numpy(name: str) -> None:
    """Whether its vector code is called or its loop; special arguments included."""
    both.check(f"import numpy as np\ndef reward(x):\n    return np.{name}(x[0])", COLUMNS)


@pytest.mark.parametrize("name", ["exp", "tanh", "sin", "arctan2", "power"])
def test_several_calls_give_the_bits_of_numpy(name: str) -> None:
    """Calls that depend on one another, on conditions and on nothing, more than one call takes."""
    two = name in ("arctan2", "power")
    f = f"lambda v: np.{name}(v, 1.5)" if two else f"np.{name}"
    source = f"""\
import numpy as np
def reward(x):
    f = {f}
    a, b = f(-x[0]), f(x[1] / 7)
    c = f(a + b)
    if x[2] > 0:
        c = c + f(x[2]) * 3 - f(x[0] - x[2])
    many = [f(x[0] / k) + f(x[1] - k) for k in range(1, 9)]
    return a + 2 * b + 4 * c + sum(many) * 0.125
"""
    both.check(source, COLUMNS)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("math.exp(-math.sqrt(x[0] ** 2 + x[1] ** 2))", "x"),
        ("math.exp(-5.0 * abs(x[0]))", "x"),
        ("math.exp(x[0])", "x"),
        ("math.exp(abs(x[0]) - 3.0)", "x"),
        ("math.exp(-2.0 * (x[0] * -x[1]))", "x"),
        ("math.exp(x[0] * x[0] / -4.0)", "x"),
        ("math.sqrt(x[0] * x[0] + abs(x[1]))", "x"),
        ("math.sqrt(x[0] * x[1])", "x"),
        ("math.expm1(-(x[0] ** 2))", "x"),
    ],
)
def test_checks_are_left_out_only_where_nothing_can_go_wrong(text: str, given: str) -> None:
    """Overflow and domain errors are raised on the rows where Python raises them."""
    both.check(f"import math\ndef reward({given}):\n    return {text}", COLUMNS)


def let(name: str, op: str, *args: Var | Lit, region: str | None = None) -> Let:
    """Make an operation on doubles."""
    return Let(Var(name, "f64"), op, args, region)


def kernel(body: list[Stmt]) -> Kernel:
    """A kernel of one input."""
    regions = {"x": Region("x", "f64", 3, "input"), "out": Region("out", "f64", 1, "output")}
    return Kernel("k", body, regions)


a, b, c, v = (Var(name, "f64") for name in "abcv")
vector_code = pytest.mark.skipif(
    vector_of("exp", "f64") is None, reason="this processor's NumPy has no vector code for exp"
)


@vector_code
def test_independent_calls_come_together() -> None:
    """The second call moves up with what it needs, over statements that do not concern it."""
    body: list[Stmt] = [
        let("a", "load", i64(0), region="x"),
        let("e", "np.exp", a),
        Store("out", i64(0), a),
        let("b", "load", i64(1), region="x"),
        let("c", "neg", b),
        let("f", "np.exp", c),
    ]
    pair_calls(kernel(body))
    names = [item.var.name for item in body if isinstance(item, Let)]
    assert names == ["a", "b", "c", "e", "f"]
    assert len(same_calls(body, 3)) == 2


@vector_code
@pytest.mark.parametrize(
    "between",
    [
        [let("c", "add", Var("e", "f64"), a)],
        [Set(v, a), let("c", "add", v, a)],
        [If(Lit(True, "b1"), [Set(v, a)], []), let("c", "add", v, a)],
        [let("c", "load", Var("i", "i64"), region="x")],
        [let("c", "load", i64(0), region="out")],
    ],
    ids=["result", "variable", "branch", "index", "output"],
)
def test_a_call_stays_where_something_before_it_must_come_first(between: list[Stmt]) -> None:
    """The result of the other call, a variable set meanwhile, an unchecked index, other memory."""
    body: list[Stmt] = [
        let("a", "load", i64(0), region="x"),
        let("e", "np.exp", a),
        *between,
        let("f", "np.exp", c),
    ]
    before = list(body)
    pair_calls(kernel(body))
    assert body == before

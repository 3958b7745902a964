"""Every admitted function of NumPy, compared with NumPy itself; made from the table.

Arguments are drawn by the names of the parameters. A newly admitted function is on the list by
itself, and fails until its parameters have values here with which it works at least once.
"""

from __future__ import annotations

import copy
import string
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness import ended, like

from sandbox.dialect import METHODS, MODULES, Entry
from sandbox.guards import Meter
from sandbox.limits import Limits
from sandbox.predeclared import Predeclared

REAL = {"numpy": np, "numpy.linalg": np.linalg, "numpy.fft": np.fft}
VIEWS = Predeclared(Meter(Limits(fuel=1 << 60)))
CASES = [
    (module, name)
    for module in REAL
    for name, entry in MODULES[module].items()
    if entry.kind in ("function", "ufunc")
]
DTYPE = np.dtype

SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.25], [0.5, -0.25, 2.0]])
FLOATS = [
    SQUARE,
    np.array([[1.5, -2.0, np.nan], [np.inf, 0.0, -0.0]]),
    np.array([0.5, 2.5, -1.0]),
    np.linspace(0, 1, 5, dtype=np.float32),
    np.zeros((0, 3)),
    np.float64(0.75),
    1.25,
]
WHOLE = [
    np.array([[1, 2, 0], [0, 1, 2], [2, 0, 1]]),
    np.array([2, 0, 1]),
    np.array([250, 3, 7], np.uint8),
    np.array([True, False, True]),
    2,
]
ARRAYS = st.sampled_from([*FLOATS, *WHOLE, [[1, 2, 3], [4, 5, 6]], [0.5, 1.5, 2.5]])
VECTORS = st.sampled_from([np.array([0.5, 2.5, 1.0]), np.array([1, 2, 0]), [3.0, 1.0, 2.0]])
COUNTS = st.sampled_from([np.array([2, 0, 1]), [1, 1, 0], np.array([0, 2, 2])])
MATRICES = st.sampled_from([SQUARE, SQUARE.astype(np.float32), SQUARE[:2], SQUARE[0], SQUARE * 1j])
AXES = st.sampled_from([None, 0, 1, -1, 5])
SMALL = st.sampled_from([0, 1, 2, 3, -1])
FLAGS = st.booleans()
MASKS = st.sampled_from([np.array([True, False, True]), True, SQUARE > 1])
TEXTS = st.sampled_from(["C", "F", "A"])
KINDS = st.sampled_from([DTYPE(float), DTYPE(np.float32), DTYPE(int), DTYPE(np.uint8), DTYPE(bool)])


def _one(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


PARAMS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        [
            "a",
            "x",
            "x1",
            "x2",
            "y",
            "z",
            "f",
            "m",
            "p",
            "b",
            "c",
            "v",
            "arr",
            "ary",
            "ar",
            "ar1",
            "ar2",
            "a1",
            "a2",
            "A",
            "d",
        ],
        ARRAYS,
    ),
    **dict.fromkeys(
        ["element", "test_elements", "array", "values", "condition", "q", "fill_value"], ARRAYS
    ),
    **dict.fromkeys(
        ["axis", "axis1", "axis2", "axisa", "axisb", "axisc", "source", "destination"], AXES
    ),
    **dict.fromkeys(
        [
            "n",
            "N",
            "M",
            "k",
            "num",
            "ndim",
            "count",
            "offset",
            "decimals",
            "ddof",
            "correction",
            "bins",
        ],
        SMALL,
    ),
    **dict.fromkeys(
        ["keepdims", "equal_nan", "assume_unique", "invert", "right", "returned", "density"], FLAGS
    ),
    **dict.fromkeys(
        ["endpoint", "retstep", "sparse", "stable", "rowvar", "bias", "increasing", "compute_uv"],
        FLAGS,
    ),
    **dict.fromkeys(
        ["return_index", "return_inverse", "return_counts", "full_matrices", "wrap"], FLAGS
    ),
    **dict.fromkeys(["include_initial", "copy"], FLAGS),
    **dict.fromkeys(
        ["start", "stop", "base", "rtol", "atol", "nan", "posinf", "neginf", "initial", "dx"],
        _one(0.5, 2, 3),
    ),
    **dict.fromkeys(
        ["period", "discont", "left", "default", "to_end", "to_begin", "tol", "rcond"],
        _one(0.5, 1, 9),
    ),
    **dict.fromkeys(
        ["shape", "new_shape", "dims", "dimensions", "reps"], _one((3, 3), 3, (2,), (1, 3, 1))
    ),
    **dict.fromkeys(
        [
            "prepend",
            "append",
            "val",
            "vals",
            "src",
            "object",
            "weights",
            "min",
            "max",
            "a_min",
            "a_max",
        ],
        ARRAYS,
    ),
    "dtype": KINDS,
    "order": TEXTS,
    "where": MASKS,
    "mask": MASKS,
    "axes": _one(None, (1, 0), 1, (0, 1)),
    "indices": COUNTS,
    "ind": COUNTS,
    "multi_index": _one(([0, 1], [2, 0]), (1, 2)),
    "sorter": COUNTS,
    "mode": _one("raise", "wrap", "clip", "same", "full", "valid", "edge", "reflect", "reduced"),
    "method": _one("linear", "lower", "nearest", "hazen"),
    "side": _one("left", "right"),
    "kind": _one("quicksort", "stable", None),
    "kth": SMALL,
    "repeats": st.one_of(SMALL, COUNTS),
    "shift": st.one_of(SMALL, _one((1, 2))),
    "pad_width": _one(1, (1, 2), ((0, 1), (2, 0)), -1),
    "constant_values": _one(0, 7, (1, 2)),
    "indices_or_sections": _one(3, 1, [1], [1, 2], 0),
    "obj": _one(0, 1, [0, 2], -1, 9),
    "arrays": _one([SQUARE, SQUARE], (SQUARE[0], SQUARE[1]), [SQUARE, SQUARE[0]], [[1, 2], [3, 4]]),
    "tup": _one([SQUARE, SQUARE], (SQUARE[0], SQUARE[1]), ([1, 2], [3, 4])),
    "keys": _one(([1, 2, 1], [3, 1, 2]), SQUARE),
    "choices": _one([[1, 2, 3], [4, 5, 6], [7, 8, 9]], SQUARE),
    "condlist": _one([np.array([True, False, True])], [SQUARE > 1, SQUARE > 0]),
    "choicelist": _one([np.array([1, 2, 3])], [SQUARE, -SQUARE]),
    "xp": _one([0.0, 1.0, 2.0]),
    "fp": _one([1.0, 3.0, 2.0]),
    "iter": _one([1, 2, 3], (0.5, 1.5), range(4)),
    "filt": _one([0, 1, 2, 0], np.array([0.0, 1.0, 0.0])),
    "trim": _one("f", "b", "fb"),
    "minlength": SMALL,
    "range": _one(None, (0.0, 2.0), (2.0, 0.0)),
    "deg": st.one_of(SMALL, FLAGS),
    "edge_order": _one(1, 2),
    "indexing": _one("xy", "ij", "zz"),
    "casting": _one("same_kind", "unsafe", "no"),
    "ndmin": SMALL,
    "ord": _one(None, 1, 2, np.inf, "fro", "nuc", 0),
    "UPLO": _one("L", "U", "X"),
    "norm": _one(None, "ortho", "forward", "loud"),
    "dst": _one(np.zeros((3, 3)), np.zeros(3), np.zeros(3, np.uint8)),
    "subscripts": _one("ij,jk->ik", "ij,ij", "i,i->", "ii", "...j,jk", "ij->"),
    **dict.fromkeys(["type1", "type2", "from_", "to", "arg1", "arg2"], KINDS),
    **dict.fromkeys(["all", "divide", "over", "under", "invalid"], _one("ignore", "warn")),
    "pyfunc": _one(lambda v: v * 2 + 1, lambda v, w=1: v - w, abs),
    "otypes": _one(None, ["float64"], [DTYPE(np.float32)]),
    "func1d": _one(lambda row: row.max() - row.min(), lambda row: row[::-1], sorted, lambda row: 1),
    "function": _one(lambda *index: sum(index), lambda i: i * 2.0),
    "funclist": _one([lambda v: v * 2, 7.0], [1, 2, 3], [abs]),
}
"""Values by the name of a parameter; some of them wrong on purpose, as errors have to agree too."""

OWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "numpy.linalg": {"a": MATRICES, "A": MATRICES, "b": MATRICES, "x": MATRICES},
    "polyfit": {"x": VECTORS, "y": VECTORS, "deg": _one(1, 2)},
    "polyval": {"p": VECTORS},
    "interp": {"x": VECTORS},
    "bincount": {"x": COUNTS, "weights": VECTORS},
    "histogram": {"a": VECTORS, "weights": VECTORS, "bins": _one(3, [0, 1, 2], 1)},
    "histogram_bin_edges": {"a": VECTORS, "weights": VECTORS, "bins": _one(3, [0, 1, 2])},
    "histogram2d": {"x": VECTORS, "y": VECTORS, "weights": VECTORS, "bins": _one(3, [2, 3])},
    "digitize": {"bins": _one([0.0, 1.0, 2.0], [2.0, 1.0])},
    "convolve": {"a": VECTORS, "v": VECTORS},
    "correlate": {"a": VECTORS, "v": VECTORS},
    "cross": {"a": VECTORS, "b": VECTORS},
    "matrix_power": {"n": _one(0, 3, -1)},
    "percentile": {"q": _one(50, [25, 75], 101)},
    "nanpercentile": {"q": _one(50, [25, 75], 101)},
    "quantile": {"q": _one(0.5, [0.25, 0.75], 2)},
    "nanquantile": {"q": _one(0.5, [0.25, 0.75], 2)},
    "reshape": {"a": _one(SQUARE, np.arange(3)), "shape": _one(-1, (-1, 1), (3, 3), (2,), 3)},
    "ravel_multi_index": {"dims": _one((3, 3)), "mode": _one("raise", "wrap")},
    "take": {"mode": _one("raise", "wrap", "clip")},
    "put": {"a": _one(np.zeros(3), SQUARE), "v": VECTORS, "mode": _one("raise", "wrap", "clip")},
    "choose": {"a": COUNTS, "mode": _one("raise", "wrap", "clip")},
    "pad": {"mode": _one("constant", "edge", "reflect", "wrap", "mean", "maximum")},
    "place": {"arr": _one(np.zeros(3)), "mask": _one(np.array([True, False, True]))},
    "putmask": {"a": _one(np.zeros(3)), "mask": _one(np.array([True, False, True]))},
    "take_along_axis": {"arr": VECTORS, "axis": _one(0, -1, None)},
    "put_along_axis": {
        "arr": _one(np.zeros(3)),
        "axis": _one(0, -1),
        "values": _one(7.0, [1, 2, 3]),
    },
    "fill_diagonal": {"a": _one(np.zeros((3, 3)), np.zeros((4, 2))), "val": _one(1, [1, 2, 3])},
    "lexsort": {"axis": _one(-1, 0)},
    "searchsorted": {"a": VECTORS},
    "trapezoid": {"y": VECTORS, "x": VECTORS},
    "cov": {"m": MATRICES, "y": st.none()},
    "average": {"weights": VECTORS, "a": VECTORS},
    "apply_along_axis": {"axis": _one(0, 1, 7), "arr": _one(SQUARE, np.arange(4.0))},
    "fromfunction": {"shape": _one((2, 3), (3,))},
    "piecewise": {"x": _one(np.array([-1.0, 0.0, 2.0]))},
    "copyto": {"where": _one(True, np.array([True, False, True])), "src": VECTORS},
    "unravel_index": {"shape": _one((3, 3), (2, 2))},
    "vecdot": {"axis": _one(-1, 0)},
    "multi_dot": {"arrays": _one([SQUARE, SQUARE, SQUARE], [SQUARE, SQUARE[0]])},
    "tensordot": {"axes": _one(1, 2, 0)},
    "fftfreq": {"n": _one(4, 5, 0), "d": _one(0.5, 2)},
    "rfftfreq": {"n": _one(4, 5, 0), "d": _one(0.5, 2)},
    "can_cast": {"from_": KINDS, "to": KINDS},
    "full": {"fill_value": _one(3, 0.5)},
    "full_like": {"fill_value": _one(3, 0.5)},
    "broadcast_to": {"array": VECTORS},
    "ediff1d": {"ary": VECTORS},
    "append": {"axis": _one(None)},
    "insert": {"values": _one(7, 0.5)},
    "delete": {"arr": VECTORS},
    "dtype": {"dtype": KINDS},
    "arange": {"a": _one(0, 2.5, 9), "b": _one(3, 7.5), "c": _one(1, 0.5, -1)},
    **{
        name: {"x1": st.sampled_from(WHOLE), "x2": st.sampled_from(WHOLE)}
        for name in (
            *("left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift", "gcd"),
            *("bitwise_and", "bitwise_or", "bitwise_xor", "lcm", "ldexp"),
        )
    },
    "outer": {"a": VECTORS, "b": VECTORS},
    "dsplit": {"ary": _one(np.arange(12).reshape(2, 2, 3))},
    "fill": {"value": _one(3, 0.5, -1)},
    "finfo": {"dtype": _one(DTYPE(float), DTYPE(np.float32))},
    "iinfo": {"dtype": _one(DTYPE(int), DTYPE(np.uint8))},
}
"""Values that one function, or one module, needs in the place of those above."""

REST: dict[str, st.SearchStrategy[Any]] = {
    "gradient": _one((), (0.5,), (1.0, 2.0)),
    "meshgrid": _one(([1, 2], [3, 4, 5]), ([1, 2],), ()),
    "ix_": _one(([0, 1], [2]), ([True, False],)),
    "ndindex": _one((2, 3), ((2, 2),), (), (0,), (-1,)),
    "broadcast_arrays": _one((np.ones(3), SQUARE), (1, [1, 2])),
    "broadcast_shapes": _one(((3, 1), (1, 4)), ((2,), (3,))),
    "result_type": _one((DTYPE(float), DTYPE(int)), (np.ones(2), 1)),
    "einsum": _one((SQUARE, SQUARE), (SQUARE,), (SQUARE[0], SQUARE[1])),
    "atleast_1d": _one((1,), (SQUARE, 2)),
    "atleast_2d": _one((1,), (SQUARE, 2)),
    "atleast_3d": _one((1,), (SQUARE, 2)),
}
"""What follows by position where any number of arguments is taken."""

DIFFERENT = {
    "errstate": "gives an object of its own that does nothing",
    "seterr": "gives the settings it has, which are always the same",
    "set_printoptions": "does nothing",
    "vectorize": "gives a function; compared below",
    "empty": "gives zeros in the place of old memory",
    "empty_like": "gives zeros in the place of old memory",
    "finfo": "gives one object for each type, which has no equality",
    "iinfo": "gives one object for each type, which has no equality",
}


@st.composite
def calls(
    draw: st.DrawFn, module: str, name: str, entry: Entry
) -> tuple[list[Any], dict[str, Any]]:
    """Draw arguments: what is required, mostly some of the rest, by position or by name."""
    own = {**OWN.get(module, {}), **OWN.get(name, {})}
    choose = {**PARAMS, **own}
    missing = [param for param in (*entry.params, *entry.keywords) if param not in choose]
    assert not missing, f"{module}.{name}: no values for {missing}"
    given = draw(st.integers(entry.required, len(entry.params)))
    if draw(st.booleans()):
        given = entry.required
    args = [draw(choose[param]) for param in entry.params[:given]]
    if entry.variadic:
        if given < len(entry.params):
            args = [draw(choose[param]) for param in entry.params]
        args.extend(draw(REST.get(name, st.just(()))))
    rest = [*(() if entry.variadic else entry.params[given:]), *entry.keywords]
    names = draw(st.sets(st.sampled_from(rest), max_size=2)) if rest else set()
    return args, {word: draw(choose[word]) for word in sorted(names)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("module", "name"), CASES)
def test_a_function_gives_what_numpy_gives(module: str, name: str) -> None:
    entry = MODULES[module][name]
    view, real = VIEWS.member(module, name), getattr(REAL[module], name)
    worked = []

    @settings(max_examples=16, deadline=None, database=None, derandomize=True)
    @given(calls(module, name, entry))
    def compare(call: tuple[list[Any], dict[str, Any]]) -> None:
        first, second = copy.deepcopy(call), copy.deepcopy(call)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = ended(lambda: view(*first[0], **first[1]))
            want = ended(lambda: real(*second[0], **second[1]))
        worked.append(not isinstance(want, type))
        if name in DIFFERENT:
            assert isinstance(got, type) == isinstance(want, type)
            return
        if isinstance(got, type) and _refused(got, want, second):
            return
        assert like(got, want), f"{got!r} is not {want!r}"
        # What is written into is written into alike.
        assert like(first[0], second[0])

    compare()
    assert any(worked), f"{module}.{name}: no drawn call works"


def _refused(got: type, want: Any, call: tuple[list[Any], dict[str, Any]]) -> bool:
    """Whether a view refuses what NumPy takes: its answer would hold objects or texts."""
    if isinstance(want, np.ndarray) and want.dtype.kind in "OUS":
        return issubclass(got, TypeError)
    # A view checks arguments before NumPy does, so two mistakes may be told in another order.
    return isinstance(want, type) and issubclass(got, (TypeError, ValueError, want))


@pytest.mark.parametrize("name", [n for n, e in METHODS["ndarray"].items() if e.callable])
@pytest.mark.filterwarnings("ignore")
def test_a_method_of_arrays_gives_what_numpy_gives(name: str) -> None:
    entry = METHODS["ndarray"][name]
    caller = VIEWS.get(f"$call {name}")
    worked = []
    arrays = st.sampled_from([item for item in (*FLOATS, *WHOLE) if isinstance(item, np.ndarray)])

    @settings(max_examples=16, deadline=None, database=None, derandomize=True)
    @given(arrays, calls("ndarray", name, _with_values(name, entry)))
    def compare(array: Any, call: tuple[list[Any], dict[str, Any]]) -> None:
        first, second = copy.deepcopy((array, call)), copy.deepcopy((array, call))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = ended(lambda: caller(first[0], *first[1][0], **first[1][1]))
            want = ended(lambda: getattr(second[0], name)(*second[1][0], **second[1][1]))
        worked.append(not isinstance(want, type))
        if isinstance(got, type) and isinstance(want, type):
            return
        assert like(got, want), f"{got!r} is not {want!r}"
        assert like(first[0], second[0])

    compare()
    assert any(worked), f"{name}: no drawn call works"


def _with_values(name: str, entry: Entry) -> Entry:
    """Take the variable arguments of three methods as one parameter."""
    shapes = {"reshape": ("shape",), "transpose": ("axes",), "item": ("k",)}
    return Entry(entry.reason, params=shapes[name], required=0) if name in shapes else entry


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (lambda v: v * 2, (np.array([1, 2, 3]),)),
        (lambda v: 0.5 if v > 1 else 1, (np.array([1, 2, 3]),)),
        (lambda a, b: a + b, (np.array([[1], [2]]), [10, 20])),
        (lambda v: v > 1, (np.array([1, 2]),)),
    ],
)
def test_a_vectorized_function_gives_what_numpys_gives(function: Any, args: Any) -> None:
    assert like(VIEWS.member("numpy", "vectorize")(function)(*args), np.vectorize(function)(*args))


@pytest.mark.parametrize(
    "text",
    [
        *("np.mgrid[0:3, 0:2]", "np.ogrid[0:3, 0:2]", "np.mgrid[-1:1:0.5]", "np.mgrid[0:0]"),
        *("np.r_[1:4, 0, 4.5]", "np.c_[[1, 2], [3, 4]]", "np.r_[[1, 2], [3]]", "np.mgrid[3:0:-1]"),
    ],
)
def test_ranges_in_brackets_give_what_numpys_give(text: str) -> None:
    views = {name: VIEWS.member("numpy", name) for name in ("mgrid", "ogrid", "r_", "c_")}
    got = eval(text.replace("np.", ""), views)  # noqa: S307  the texts stand above
    assert like(got, eval(text, {"np": np}))  # noqa: S307


@pytest.mark.parametrize("index", [slice(0, 1e12), slice(0, 1 << 40), slice(0, 1, 1e-12)])
def test_ranges_in_brackets_are_checked_before_they_are_made(index: slice) -> None:
    got = ended_with_stop(lambda: VIEWS.member("numpy", "mgrid")[index])
    assert got == "OutOfMemory"


def ended_with_stop(call: Any) -> str:
    """Give the name of the class that a call raises."""
    try:
        call()
    except BaseException as error:
        return type(error).__name__
    return string.whitespace

"""Views: exactly the names of the dialect, the values of the real libraries, and no way behind."""

from __future__ import annotations

import builtins
import itertools
import math
import operator
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest
import single
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sandbox.dialect import BUILTINS, METHODS, MODULES
from sandbox.guards import Meter, OutOfFuel, OutOfMemory
from sandbox.limits import Limits
from sandbox.predeclared import Predeclared
from sandbox.predeclared.functional import Grid
from sandbox.predeclared.methods import HOST_TYPES, is_direct
from sandbox.predeclared.views import AnnotationView, ModuleView, TypeView


def predeclared(fuel: int = 1 << 40) -> Predeclared:
    return Predeclared(Meter(Limits(fuel=fuel)))


MEMBERS = [(module, name) for module, table in MODULES.items() for name in table]


@pytest.mark.parametrize(("module", "name"), MEMBERS)
def test_every_name_of_the_dialect_has_a_view(module: str, name: str) -> None:
    view = predeclared().member(module, name)
    kind = MODULES[module][name].kind
    if kind == "module":
        assert isinstance(view, ModuleView)
    elif kind == "annotation":
        assert isinstance(view, AnnotationView | TypeView) or name == "NamedTuple"
    elif kind == "constant":
        assert view is None or isinstance(view, int | float | bool | str | np.bool_ | Grid)
    else:
        assert callable(view)


def test_every_built_in_of_the_dialect_has_a_view() -> None:
    views = predeclared().builtins()
    # The instrumentation replaces calls of these two; as values they do not exist.
    assert set(views) == set(BUILTINS) - {"hasattr", "getattr"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_view_has_the_names_of_the_dialect_and_no_other(module: str) -> None:
    view = predeclared().module(module)
    assert set(view._members) == set(MODULES[module])
    with pytest.raises(AttributeError):
        view.member("__builtins__")


@pytest.mark.parametrize(("module", "name"), MEMBERS)
def test_no_view_is_a_module_or_a_ufunc_or_a_class_of_numpy(module: str, name: str) -> None:
    view = predeclared().member(module, name)
    assert not isinstance(view, types.ModuleType | np.ufunc | np.dtype)
    if isinstance(view, type):
        # Real classes are exceptions, and a few whose attributes no guest can read.
        harmless = {"partial", "auto", "cmp_to_key", "itemgetter", "accumulate", "SimpleNamespace"}
        assert issubclass(view, Exception) or name in harmless


@pytest.mark.parametrize("table", METHODS)
def test_a_name_is_read_directly_only_if_it_is_admitted_wherever_it_exists(table: str) -> None:
    for name in METHODS[table]:
        if is_direct(name):
            for kind in HOST_TYPES:
                if kind is np.ufunc:
                    assert not hasattr(kind, name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "mro",
            "gi_frame",
            "gi_code",
            "with_traceback",
            "add_note",
            "real",
            "obj",
            "fget",
            "func",
        ),
        *(
            "keywords",
            "mapping",
            "_call",
            "_members",
            "_make",
            "_replace",
            "ctypes",
            "base",
            "data",
        ),
        *("flat", "setflags", "tofile", "dump", "resize", "view", "format", "send", "__class__"),
        *(
            "__init__",
            "maketrans",
            "encode",
            "newbyteorder",
            "type",
            "fields",
            "at",
            "_member_map_",
        ),
    ],
)
def test_dangerous_names_are_never_read_directly(name: str) -> None:
    assert not is_direct(name)


# --- values -----------------------------------------------------------------------------------

ARRAYS = hnp.arrays(
    dtype=st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
)
UNARY = [n for n, e in MODULES["numpy"].items() if e.kind == "ufunc" and len(e.params) == 1]
BINARY = [n for n, e in MODULES["numpy"].items() if e.kind == "ufunc" and len(e.params) == 2]
REDUCTIONS = ["sum", "prod", "mean", "std", "var", "min", "max", "argmin", "argmax", "all", "any"]
REDUCTIONS += ["median", "ptp", "cumsum", "count_nonzero", "nansum", "nanmax", "diff", "sort"]
VIEWS = predeclared()


def _outcome(call: Any) -> Any:
    with np.errstate(all="ignore"):
        try:
            return call()
        except (OutOfFuel, OutOfMemory):
            raise
        except Exception as error:
            return type(error)


def _same(got: Any, want: Any) -> None:
    if isinstance(want, type):
        assert got is want
        return
    assert type(got) is type(want)
    if isinstance(want, tuple | list):
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            _same(one, other)
        return
    if isinstance(want, np.ndarray):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
    assert np.array_equal(got, want, equal_nan=np.asarray(want).dtype.kind in "fc")


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
@given(name=st.sampled_from(UNARY), array=ARRAYS)
def test_a_function_of_one_array_gives_what_numpy_gives(name: str, array: np.ndarray) -> None:
    view = VIEWS.member("numpy", name)
    _same(_outcome(lambda: view(array)), _outcome(lambda: getattr(np, name)(array)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
@given(
    name=st.sampled_from(BINARY),
    first=ARRAYS,
    second=st.one_of(ARRAYS, st.integers(-3, 3), st.floats(-3, 3), st.booleans()),
)
def test_a_function_of_two_gives_what_numpy_gives(name: str, first: Any, second: Any) -> None:
    view = VIEWS.member("numpy", name)
    _same(_outcome(lambda: view(first, second)), _outcome(lambda: getattr(np, name)(first, second)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
@given(name=st.sampled_from(REDUCTIONS), array=ARRAYS, axis=st.sampled_from([None, 0, 1, -1, 7]))
def test_a_reduction_gives_what_numpy_gives(name: str, array: Any, axis: int | None) -> None:
    view = VIEWS.member("numpy", name)
    given_axis = {} if axis is None else {"axis": axis}
    _same(
        _outcome(lambda: view(array, **given_axis)),
        _outcome(lambda: getattr(np, name)(array, **given_axis)),
    )
    if hasattr(array, name) and name not in ("sort", "ptp"):
        call = VIEWS.get(f"$call {name}")
        _same(
            _outcome(lambda: call(array, **given_axis)),
            _outcome(lambda: getattr(array, name)(**given_axis)),
        )


@pytest.mark.parametrize(
    "text",
    [
        "np.array([[1, 2], [3, 4]], dtype=float)",
        "np.array([1, 2.5, True])",
        "np.zeros((2, 3), dtype=np.uint8)",
        "np.full((2,), 3)",
        "np.arange(2, 9, 3)",
        "np.linspace(0, 1, 7)",
        "np.eye(3, k=1)",
        "np.diag([1.0, 2.0])",
        "np.tile([1, 2], (2, 2))",
        "np.repeat([1, 2, 3], [2, 0, 1])",
        "np.pad([1, 2], (1, 2), constant_values=9)",
        "np.outer([1, 2], [3, 4])",
        "np.kron([1, 2], [1, 1])",
        "np.concatenate([[1], np.ones(2)])",
        "np.stack([np.ones(2), np.zeros(2)], axis=1)",
        "np.split(np.arange(6), 3)",
        "np.roll([1, 2, 3], 1)",
        "np.unique([3, 1, 3], return_counts=True)",
        "np.histogram([1.0, 2.0, 2.5], bins=3)",
        "np.bincount([1, 1, 3], minlength=6)",
        "np.convolve([1, 2, 3], [0, 1], mode='valid')",
        "np.einsum('ij,jk->ik', np.eye(2), np.ones((2, 2)))",
        "np.tensordot(np.eye(2), np.ones((2, 2)))",
        "np.cross([1, 0, 0], [0, 1, 0])",
        "np.cov([[1.0, 2.0], [3.0, 5.0]])",
        "np.polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1)",
        "np.select([np.array([True, False])], [np.array([1, 2])], default=9)",
        "np.where(np.array([True, False]))",
        "np.percentile([1.0, 2.0, 4.0], [50, 75])",
        "np.linalg.norm(np.arange(6.0).reshape(2, 3), axis=1)",
        "np.linalg.norm(np.ones((2, 2)), ord=2)",
        "np.linalg.svd(np.ones((2, 3)), compute_uv=False)",
        "np.linalg.solve(np.eye(2) * 2, np.ones(2))",
        "np.linalg.eigh(np.eye(2))[0]",
        "np.linalg.matrix_power(np.eye(2) * 2, 5)",
        "np.float32(1) / 3",
        "np.uint8([250, 3]) + np.uint8(10)",
        "np.meshgrid([1, 2], [3, 4], indexing='ij')",
        "np.ix_([0, 1], [2])",
        "np.triu_indices(3, k=1)",
        "np.trim_zeros([0, 1, 0])",
        "np.take([5, 6, 7], [2, 0])",
        "np.argsort([3, 1, 2])",
        "np.partition([4, 1, 3, 2], 1)",
        "np.interp([0.5], [0, 1], [2, 4])",
        "np.nan_to_num([float('nan'), 1.0])",
        "np.clip([1, 5, 9], 2, 8)",
        "np.isclose([1.0], [1.0 + 1e-9])",
        "np.issubdtype(np.float32, np.floating)",
        "np.result_type(np.float32, np.int64)",
        "np.maximum.accumulate([1, 3, 2])",
        "np.add.outer([1, 2], [3, 4])",
    ],
)
def test_a_call_gives_what_numpy_gives(text: str) -> None:
    source = f"import numpy as np\nVALUE = {text}\ndef reward():\n    return 0\n"
    runner = single.make(source)
    want = eval(text, {"np": np})  # noqa: S307  the texts stand above
    _same(runner._namespace["VALUE"], want)


@given(st.lists(st.one_of(st.integers(-50, 50), st.text(max_size=3)), max_size=6))
def test_a_set_goes_in_an_order_that_does_not_depend_on_hashes(items: list[Any]) -> None:
    values = list(VIEWS.builtins()["list"]({*items}))
    assert sorted(map(repr, values)) == sorted(map(repr, {*items}))
    if any(isinstance(item, str) for item in items):
        again = list(VIEWS.builtins()["list"]({*reversed(items)}))
        assert values == again


@pytest.mark.parametrize("module", ["math", "operator", "itertools"])
def test_small_modules_give_what_the_real_ones_give(module: str) -> None:
    real = {"math": math, "operator": operator, "itertools": itertools}[module]
    calls = {
        "math": {"hypot": (3, 4), "comb": (5, 2), "fsum": ([0.1] * 10,), "prod": ([2, 3],)},
        "operator": {"add": (1, 2), "contains": ([1], 1), "itemgetter": (1,), "mod": (7, 4)},
        "itertools": {
            "product": ([1, 2], "ab"),
            "permutations": ([1, 2, 3], 2),
            "islice": (range(9), 1, 7, 2),
            "starmap": (pow, [(2, 3), (3, 2)]),
            "zip_longest": ([1], [2, 3]),
            "takewhile": (lambda x: x < 3, [1, 2, 5, 1]),
            "compress": ("abc", [1, 0, 1]),
            "accumulate": ([1, 2, 3],),
        },
    }[module]
    for name, args in calls.items():
        got = predeclared().member(module, name)(*args)
        want = getattr(real, name)(*args)
        if name == "itemgetter":
            got, want = got([4, 5]), want([4, 5])
        if module == "itertools":
            got, want = list(got), list(want)
        assert got == want


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "np.sum(np.ones(2), out=np.zeros(()))",
        "np.add(np.ones(2), 1, np.zeros(2))",
        "np.array([1], dtype=object)",
        "np.array(['a'])",
        "np.array([None])",
        "np.array([print])",
        "np.zeros(2, dtype='U4')",
        "np.array([{}])",
        "np.sum({1: 2})",
        "np.pad(np.ones(2), 1, mode='empty')",
        "np.array([1], like=np.ones(1))",
        "np.float64",
        "np.histogram([1.0], bins='auto')",
    ],
)
def test_what_the_views_do_not_take_is_an_error_of_the_row(text: str) -> None:
    got = single.run(f"import numpy as np\ndef reward():\n    return {text}\n", checked=False)
    assert got.outcome.name in ("ERROR", "BAD_RESULT")
    if got.outcome.name == "ERROR":
        assert got.exception in ("TypeError", "ValueError")


def test_errors_of_arguments_name_the_function() -> None:
    view = predeclared().member("numpy", "sqrt")
    with pytest.raises(TypeError, match=r"np\.sqrt"):
        view(1, 2)


def test_fuel_is_charged_by_size() -> None:
    meter = Meter(Limits(fuel=1_000))
    views = Predeclared(meter)
    views.member("numpy", "sqrt")(np.ones(1600))
    assert meter.left == 1_000 - 101
    views.member("numpy", "sum")(np.ones((40, 4)), axis=0)
    assert meter.left == 1_000 - 101 - 11
    with pytest.raises(OutOfFuel):
        views.member("numpy", "exp")(np.ones(100_000))


def test_type_views_stand_for_their_types() -> None:
    views = predeclared()
    assert isinstance(views.builtins()["int"], TypeView)
    assert views.builtins()["isinstance"](3, views.builtins()["int"])
    assert views.member("numpy", "float32") == np.dtype("float32")
    assert getattr(builtins, "len") is views.builtins()["len"]  # noqa: B009


def test_what_a_guest_calls_never_imports_anything_late() -> None:
    """A locked worker cannot open files, so a late import would fail there and only there."""
    code = (
        "import sys, sandbox.predeclared\n"
        "import copy, heapq, re, statistics\n"
        "from collections import Counter\n"
        "import numpy as np\n"
        "before = set(sys.modules)\n"
        "Counter([1, 1, 2]).most_common(1)\n"
        "np.zeros(3).sum(), np.zeros(3).mean(), np.median(np.ones(3)), np.linalg.norm(np.ones(3))\n"
        "f'{1.5:.2f}', sorted({'b', 'a'})\n"
        "statistics.stdev([1, 2.5]), statistics.quantiles([1, 2, 3]), copy.deepcopy({'a': [1]})\n"
        "re.compile('([a-z]+) .*', re.I).sub('b', 'a b'), heapq.nsmallest(1, [2, 1])\n"
        "np.fft.rfft(np.ones(4)), np.vectorize(abs)(np.ones(2)), np.mgrid[0:2, 0:2], np.r_[1:3]\n"
        "np.apply_along_axis(max, 0, np.ones((2, 2))), np.histogram2d([1.0], [2.0])\n"
        "np.linalg.multi_dot([np.eye(2)] * 3), list(np.ndindex(2, 2)), np.polyfit([0, 1], [1, 2], 1)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"

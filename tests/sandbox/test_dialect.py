"""The tables are consistent with themselves, with Python and NumPy, and with their page."""

from __future__ import annotations

import builtins
import importlib
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path

import numpy as np
import pytest

import sandbox
from sandbox import dialect
from sandbox.dialect import BUILTINS, METHODS, MODULES, Entry, frozen
from sandbox.docs import language

TYPES = {
    "ndarray": np.ndarray, "ufunc": np.ufunc, "dtype": np.dtype, "str": str, "bytes": bytes,
    "list": list, "tuple": tuple, "dict": dict, "defaultdict": defaultdict, "set": set,
    "OrderedDict": OrderedDict, "Counter": Counter, "frozenset": frozenset, "deque": deque,
    "int": int, "bool": bool, "float": float, "range": range, "exception": Exception,
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_every_admitted_member_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert [item for item in MODULES[name] if not hasattr(module, item)] == []


def test_every_admitted_builtin_exists() -> None:
    assert [item for item in BUILTINS if not hasattr(builtins, item)] == []


@pytest.mark.parametrize("name", TYPES)
def test_every_admitted_method_exists(name: str) -> None:
    assert [item for item in METHODS[name] if not hasattr(TYPES[name], item)] == []


def test_nothing_is_both_admitted_and_refused() -> None:
    assert not set(BUILTINS) & set(dialect.REFUSED_BUILTINS)
    assert not set(MODULES) & set(dialect.REFUSED_MODULES)
    assert not dialect.attribute_names() & dialect.INTERNAL_ATTRIBUTES
    assert not dialect.attribute_names() & set(dialect.REFUSED_ATTRIBUTES)
    for path in dialect.REFUSED_MEMBERS:
        module, _, name = path.rpartition(".")
        assert name not in MODULES[module]


def test_no_admitted_name_begins_with_an_underscore() -> None:
    # What `namedtuple` documents is named so that fields cannot clash with it.
    tables = [table for name, table in METHODS.items() if name != "namedtuple"]
    for table in (BUILTINS, *MODULES.values(), *tables):
        assert not [name for name in table if name.startswith("_")]


def test_no_library_function_takes_an_output_array() -> None:
    """Some of NumPy's and Numba's functions do not check its length."""
    for table in (*MODULES.values(), *METHODS.values()):
        for entry in table.values():
            assert "out" not in (*entry.params, *entry.keywords)


def test_no_element_wise_function_takes_a_mask() -> None:
    """Where the mask is False the result of a ufunc would be uninitialised memory."""
    for table in MODULES.values():
        for entry in table.values():
            if entry.kind == "ufunc":
                assert "where" not in (*entry.params, *entry.keywords)


@pytest.mark.parametrize(
    "path",
    [
        "numpy.load", "numpy.save", "numpy.random", "numpy.frombuffer", "numpy.memmap", "numpy.lib",
        "numpy.ctypeslib", "numpy.f2py", "numpy.testing", "numpy.ma", "numpy.rec",
        "numpy.frompyfunc", "numpy.seterrcall", "numpy.object_", "numpy.nditer",
        "operator.attrgetter", "operator.methodcaller", "functools.cached_property",
        "typing.get_type_hints", "collections.UserDict", "itertools.tee", "copy.replace",
        "logging.FileHandler", "logging.config", "warnings.showwarning", "statistics.random",
        "types.FunctionType", "types.CodeType", "string.Formatter", "abc.ABCMeta",
    ],
)  # fmt: skip
def test_known_ways_out_are_not_in_the_tables(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert name not in MODULES[module]


def test_every_entry_says_why_it_is_harmless() -> None:
    for table in (BUILTINS, *MODULES.values(), *METHODS.values()):
        assert [name for name, entry in table.items() if not entry.reason] == []


def test_a_signature_reads_like_a_call() -> None:
    entry = MODULES["numpy"]["sum"]
    assert entry.signature == "(a, axis=…, dtype=…, *, keepdims=…, initial=…, where=…)"
    assert BUILTINS["max"].signature == "(*args, key=…, default=…)"
    assert Entry("x", any_keyword=True).signature == "(**names)"


def test_the_digest_changes_with_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dialect.digest()
    assert before == dialect.digest()
    monkeypatch.setattr(frozen, "BUILTINS", {**BUILTINS, "extra": Entry("x")})
    assert dialect.digest() != before


def test_the_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        MODULES["numpy"]["load"] = Entry("x")  # type: ignore[index]


def test_the_page_is_what_the_tables_say() -> None:
    """Renew it with ``python -m sandbox.docs > docs/language.md``."""
    page = Path(sandbox.__file__).parent.parent / "docs" / "language.md"
    assert page.read_text(encoding="utf-8") == language()

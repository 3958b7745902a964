"""The native module, made when it is first wanted, and tried before it is used.

A few hundred instructions of our own stand where Python would cost microseconds a step: taking
arrays out of observations, waking a worker and waiting for it, looking at what it wrote, running
compiled kernels one behind the other. They are written with LLVM's instruction builder and compiled
in a tenth of a second by llvmlite, which Numba needs anyway; no compiler has to be installed, and
Numba is not imported. Where anything is not as expected (another system, another Python, another
layout of objects) there is no library, and all of it is done in Python as before.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.native.places import Places, find_places

__all__ = ["Library", "Table", "library", "made"]

Table = NDArray[np.int64]

_FASTCALL: Final = 0x0080
_ENTRIES: Final = ("step", "post", "wait", "serve_requests", "ask", "answered", "tell")
_INNER: Final = ("keep", "spread", "helper", "recall", "digest")
_unset: Final = object()
_library: Any = _unset
_lock: Final = threading.Lock()
"""Held while LLVM works, which has a lock of its own that a forked child would find taken."""


class _MethodDef(ctypes.Structure):
    """CPython's ``PyMethodDef``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Library:
    """Compiled functions of this process.

    Attributes:
        keep: Address of ``keep(table, block, mask)``, see `sandbox.native.keep`.
        spread: Address of ``spread(rows, job)``, see `sandbox.native.team`.
        helper: Address of ``helper(member)``, which a thread begins with.
        recall: Address of ``recall(rows, table)``, see `sandbox.native.recall`.
        digest: Address of ``digest(keys, source, size, target, room)``, see `sandbox.native.digest`.
    """

    def __init__(self, places: Places) -> None:
        self._engine, addresses = _compile(places)
        self.keep = addresses.pop("keep")
        self.spread = addresses.pop("spread")
        self.helper = addresses.pop("helper")
        self.recall = addresses.pop("recall")
        self.digest = addresses.pop("digest")
        self._methods = {
            name: _MethodDef(name.encode(), address, _FASTCALL, None)
            for name, address in addresses.items()
        }
        self._new = ctypes.pythonapi.PyCFunction_NewEx
        self._new.restype = ctypes.py_object
        self._new.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.py_object)

    def bound(self, name: str, table: Table, alive: object) -> Callable[..., int]:
        """Give a function of Python over a table.

        Args:
            name: Which.
            table: What it works on; its places are addresses of memory.
            alive: What that memory belongs to. It lives as long as the function.
        """
        made: Callable[..., int] = self._new(
            ctypes.byref(self._methods[name]), table, (alive, self)
        )
        return made


def library() -> Library | None:
    """Give the library of this process; None where there is none to be had."""
    global _library
    if _library is _unset:
        with _lock:
            if _library is _unset:
                _library = _make()
    found: Library | None = _library
    return found


def made() -> Library | None:
    """Give the library if this process, or the one that it was forked from, has made it."""
    return None if _library is _unset else library()


def _make() -> Library | None:
    # Without the lock that one Python instruction at a time implies, nothing here holds.
    if sysconfig.get_config_var("Py_GIL_DISABLED") or sys.byteorder != "little":
        return None
    places = find_places()
    if places is None:
        return None
    try:
        made = Library(places)
    except (ImportError, OSError, RuntimeError):
        return None
    from sandbox.native.trial import holds

    return made if holds(made) else None


def _compile(places: Places) -> tuple[Any, dict[str, int]]:
    import llvmlite.binding as llvm
    from llvmlite import ir

    from sandbox.native import bell, digest, engine, inputs, keep, lane, recall, team

    module = ir.Module("carruntime")
    now = bell.clock(module, places)
    ring = bell.ring(module, places, host=True)
    answer = bell.ring(module, places, host=False)
    wait = bell.wait(module, places, now, host=True, gil=True)
    wait_worker = bell.wait(module, places, now, host=False, gil=False)
    run = engine.run(module)
    begin = lane.begin(
        module,
        places,
        collect=inputs.collect(module, places),
        write=inputs.write(module),
        ring=ring,
        run=run,
    )
    end = lane.end(module, wait)
    lane.entry(module, places, "step", begin, end)
    lane.entry(module, places, "post", begin, None)
    lane.entry(module, places, "wait", None, end)
    keep.keep(module).linkage = ""
    team.spread(module, places)
    recall.recall(module, places, now, digest.digest(module))
    engine.entry(module, places, engine.serve(module, now, wait_worker, answer, run))
    bell.entries(module, places, ring=ring, answer=answer, wait=wait)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    compiled = llvm.create_mcjit_compiler(parsed, machine)
    compiled.finalize_object()
    return compiled, {name: compiled.get_function_address(name) for name in (*_ENTRIES, *_INNER)}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )

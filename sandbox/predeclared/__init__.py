"""The names a guest sees, and those that only its instrumented code can use.

Every name of `sandbox.dialect` has a view here, and there is no view without a name there; a test
holds the two together. Views are made for one program at a time, because they charge its meter.

Names that the instrumentation writes start with ``$``, which no source can spell:

| name | stands for |
| --- | --- |
| ``$Add``, ``$iAdd``, ``$Lt``, ``$In`` | guards of operators |
| ``$iter``, ``$grow``, ``$star``, ``$zip``, ``$growzip`` | guards of loops and of taking apart |
| ``$text``, ``$show``, ``$format`` | guards of texts |
| ``$write``, ``$own``, ``$spot`` | guards of stores |
| ``$super x``, ``$initial`` | ``super().x`` and ``value.__init__`` |
| ``$undefined`` | a name that nothing defines |
| ``$typename`` | ``type(x).__name__`` |
| ``$meter``, ``$stop``, ``$tick`` | fuel |
| ``$exhausted`` | errors that no handler may keep |
| ``$read x``, ``$call x`` | the attribute or method ``x`` of a value |
| ``$view m.x``, ``$module m`` | a member of a module, a module |
| ``$real x`` | a built-in whose own implementation is called |
| ``$make x`` | a type that is called |
| ``$numbers`` | the types whose values need no guard |
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from sandbox.dialect import BUILTINS, FUNCTION_MEMBERS, METHODS, MODULES
from sandbox.formatting import formatting_guards
from sandbox.guards import (
    GUEST_MODULE,
    NUMBERS,
    Meter,
    OutOfFuel,
    iteration_guards,
    operator_guards,
    text_guards,
    undefined,
    write_guards,
)
from sandbox.predeclared.arrays import ArrayChecks, array_member, ufunc_method
from sandbox.predeclared.classes import ClassGuards, no_array, type_name
from sandbox.predeclared.functional import SPECIAL
from sandbox.predeclared.library import builtin_members, dict_from_keys, library_members
from sandbox.predeclared.methods import Attributes
from sandbox.predeclared.pictures import picture_member
from sandbox.predeclared.subscripts import spot_guard, subscript_guard
from sandbox.predeclared.views import ModuleView, maker_of

__all__ = ["Predeclared"]


class Predeclared:
    """The views of one program."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._checks = ArrayChecks(meter)
        self._attributes = Attributes(self._checks)
        self._modules: dict[str, ModuleView] = {}
        self._libraries: dict[str, dict[str, Any]] = {}
        self._classes = ClassGuards(meter)
        iteration = iteration_guards(meter)
        self._guards: dict[str, Any] = {
            **operator_guards(meter, formatting_guards(meter)["percent"]),
            **text_guards(meter),
            **{f"${name}": guard for name, guard in iteration.items()},
            **{f"${name}": guard for name, guard in write_guards(meter).items()},
            "$item": subscript_guard(meter),
            "$spot": spot_guard(meter),
            "$numbers": NUMBERS,
            "$meter": meter,
            "$stop": self._stop,
            "$exhausted": (RecursionError, MemoryError),
            "$tick": self._tick,
            "$getattr": self._attributes.read_default,
            "$hasattr": self._attributes.has,
            "$initial": self._classes.initial,
            "$typename": type_name,
            "$no_array": no_array,
            "$undefined": undefined,
        }

    def namespace(self, names: Iterable[str]) -> dict[str, Any]:
        """Make the globals of a program.

        Args:
            names: The ``$`` names and built-ins that the instrumented code uses.
        """
        plain = builtin_members(self._meter)
        found: dict[str, Any] = {
            "__name__": GUEST_MODULE,
            "__builtins__": {
                "__build_class__": builtins.__build_class__,
                "__import__": _numpy_parts,
            },
        }
        for name in names:
            if name.startswith("$make "):
                found[name] = maker_of(plain[name.removeprefix("$make ")])
            else:
                found[name] = self.get(name) if name.startswith("$") else plain[name]
        return found

    def get(self, name: str) -> Any:
        """Give what a ``$`` name stands for.

        Raises:
            LookupError: If there is nothing of that name.
        """
        if name in self._guards:
            return self._guards[name]
        kind, _, rest = name[1:].partition(" ")
        if kind == "read":
            return self._attributes.reader(rest)
        if kind == "call":
            return self._attributes.caller(rest)
        if kind == "super":
            return self._classes.inherited(rest)
        if kind == "module":
            return self.module(rest)
        if kind == "real":
            return getattr(builtins, rest)
        if kind == "view":
            module, _, member = rest.rpartition(".")
            if module in FUNCTION_MEMBERS:
                return self._function_member(module, member)
            if module.startswith("numpy.") and module not in MODULES:
                # np.maximum.reduce
                _, _, ufunc = module.partition(".")
                return ufunc_method(self._checks, ufunc, member, METHODS["ufunc"][member])
            return self.member(module, member)
        raise LookupError(name)

    def _function_member(self, owner: str, name: str) -> Any:
        """Give what is read from a function or type by its name, such as `dict.fromkeys`."""
        if owner == "str":
            return self._attributes.caller(name)
        if owner == "dict":
            return dict_from_keys(self._meter)
        module, _, function = owner.rpartition(".")
        return library_members(self._meter, module, every=True)[f"{function}.{name}"]

    def member(self, module: str, name: str) -> Any:
        """Give one member of a module."""
        entry = MODULES[module][name]
        if entry.kind == "module":
            return self.module(f"{module}.{name}")
        if module == "numpy":
            if name in SPECIAL:
                return SPECIAL[name](self._checks, entry)
            return array_member(self._checks, np, name, entry)
        if module == "numpy.fft":
            return array_member(self._checks, np.fft, name, entry)
        if module == "numpy.linalg":
            return array_member(self._checks, np.linalg, name, entry)
        if module == "cv2":
            return picture_member(self._checks, name, entry)
        if module not in self._libraries:
            self._libraries[module] = library_members(self._meter, module)
        return self._libraries[module][name]

    def module(self, name: str) -> ModuleView:
        """Give a module with all its members."""
        if name not in self._modules:
            members = {member: self.member(name, member) for member in MODULES[name]}
            self._modules[name] = ModuleView(name, members)
        return self._modules[name]

    def builtins(self) -> dict[str, Any]:
        """Give the views of all built-ins that have one."""
        return {
            name: view for name, view in builtin_members(self._meter).items() if name in BUILTINS
        }

    def _stop(self) -> None:
        raise OutOfFuel

    def _tick(self) -> bool:
        self._meter.left -= 1
        if self._meter.left < 0:
            raise OutOfFuel
        return True


def _numpy_parts(name: str, *_where: Any) -> Any:
    """Answer NumPy's own imports, which it makes with the built-ins of whoever calls it."""
    if name.partition(".")[0] == "numpy" and name in sys.modules:
        return sys.modules[name]
    raise ImportError(f"a program cannot import {name!r} while it runs")

"""Holes planted one at a time, to see that the oracle finds each.

A hole is a mistake that somebody could make in the tables or the guards, put into a process of its
own. The same programs as in a long run, hostile ones of the grammar, then run until the oracle
says something. What it must say is part of the hole: another finding does not count.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import random
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HOLES", "MOST", "NO_HOLE", "Caught", "search"]

MOST: Final = 1_000
"""Programs after which a hole counts as not found; each is found in fewer (`docs/fuzzing.md`)."""
HANG_S: Final = 0.5
NO_HOLE: Final = "no hole"
ENDED_BY_THE_CLOCK: Final = "slow: ended by the clock"
MORE_BYTES: Final = 512 << 20
"""Address space that programs may add to what this process has."""


@dataclass(frozen=True, slots=True)
class Caught:
    """How a hole was found.

    Attributes:
        programs: How many it took; None if it was not found.
        finding: What the oracle said.
        seconds: Wall clock.
    """

    programs: int | None
    finding: str
    seconds: float


def _inside(table: Any) -> dict[str, Any]:
    """Give the dict behind a read-only table."""
    (found,) = gc.get_referents(table)
    return cast("dict[str, Any]", found)


def _dunders_are_attributes() -> None:
    """Names with two underscores may be read, as if nobody had thought of them."""
    from sandbox.predeclared.methods import is_direct
    from sandbox.validate.names import Names

    plain_read, plain_direct = Names.read_attribute, is_direct

    def read_attribute(self: Any, node: Any, name: str, base: Any) -> None:
        if not name.startswith("__"):
            plain_read(self, node, name, base)

    setattr(Names, "read_attribute", read_attribute)
    _direct(lambda name: name.startswith("__") or plain_direct(name))
    _gate(known=True, names=True)


def _direct(is_direct: Callable[[str], bool]) -> None:
    """Decide which attributes are read without a guard."""
    from sandbox.instrument import calls, names, operators, scopes, statements

    for module in (calls, names, operators, scopes, statements):
        setattr(module, "is_direct", is_direct)


def _gate(*, known: bool, names: bool) -> None:
    """Open the second gate, which would refuse what the first now lets through."""
    from sandbox.instrument.rewriting import Transformer

    if known:
        setattr(Transformer, "_known", lambda *_: True)
    if names:
        setattr(Transformer, "check_name", lambda *_args, **_named: None)


def _frames_are_attributes() -> None:
    """The list of names that lead to frames and code was lost."""
    from sandbox.dialect import INTERNAL_ATTRIBUTES
    from sandbox.predeclared.methods import is_direct
    from sandbox.validate.names import Names

    plain_read, plain_direct = Names.read_attribute, is_direct

    def read_attribute(self: Any, node: Any, name: str, base: Any) -> None:
        if name not in INTERNAL_ATTRIBUTES:
            plain_read(self, node, name, base)

    setattr(Names, "read_attribute", read_attribute)
    _direct(lambda name: name in INTERNAL_ATTRIBUTES or plain_direct(name))
    _gate(known=True, names=False)


def _numpy_saves_and_loads() -> None:
    """Functions of NumPy that open files were added to the table."""
    from sandbox import dialect

    for name, params in (("save", ("file", "arr")), ("load", ("file",)), ("loadtxt", ("fname",))):
        entry = dialect.Entry("it looked harmless", params=params, required=len(params))
        _inside(dialect.MODULES["numpy"])[name] = entry


def _builtins_are_admitted() -> None:
    """Built-ins that look into their surroundings were added to the table."""
    from sandbox import dialect
    from sandbox.predeclared import library

    for name in ("vars", "dir", "globals", "open"):
        _inside(dialect.BUILTINS)[name] = dialect.Entry("a plain function", params=("x",))
        setattr(library, "DIRECT_BUILTINS", library.DIRECT_BUILTINS | {name})


def _getattr_takes_any_name() -> None:
    """`getattr` is the real one, whatever its second argument is."""
    from sandbox.instrument.rewriting import Transformer
    from sandbox.validate.calls import Calls

    plain = Calls.read_attribute

    def read_attribute(self: Any, node: Any, name: str, base: Any) -> None:
        if not (name.startswith("__") and not hasattr(node, "attr")):
            plain(self, node, name, base)

    def reflection(self: Any, node: Any, name: str) -> Any:
        node.func = self._name(f"$real {name}", node.func)
        return self._arguments(node)

    setattr(Calls, "read_attribute", read_attribute)
    setattr(Transformer, "_reflection", reflection)


def _format_walks() -> None:
    """The texts' own `format` is called, which walks into attributes."""
    from sandbox.predeclared import methods

    plain = methods.Attributes.__init__

    def init(self: Any, checks: Any) -> None:
        plain(self, checks)
        self.format = str.format

    setattr(methods.Attributes, "__init__", init)
    from sandbox.validate import calls

    setattr(calls, "plain_fields", lambda _text: None)


def _observations_are_shared() -> None:
    """Programs get the arrays of the batch, and may write into them."""
    from sandbox.schema import ArraySpec
    from sandbox.tiers.interpreted import InterpretedRunner

    plain = InterpretedRunner._reader

    def reader(self: Any, column: str, spec: Any) -> Any:
        if isinstance(spec, ArraySpec) and spec.kind == "array" and spec.shape:
            array = self._inputs[column]
            return lambda i: array[i]
        return plain(self, column, spec)

    setattr(InterpretedRunner, "_reader", reader)


def _modules_are_not_sealed() -> None:
    """What the top level of a program made can be changed by its rows."""
    from sandbox.tiers.interpreted import InterpretedRunner
    from sandbox.validate.shared import Shared

    setattr(InterpretedRunner, "_seal", lambda _self: None)
    setattr(Shared, "shared", lambda *_: None)


def _going_through_is_free() -> None:
    """Loops and comprehensions over something of a known length cost nothing."""
    from sandbox import guards, predeclared
    from sandbox.predeclared import library

    plain = guards.iteration_guards

    def iteration_guards(meter: Any) -> dict[str, Any]:
        return {**plain(meter), "iter": _as_it_is, "grow": _as_it_is}

    setattr(predeclared, "iteration_guards", iteration_guards)
    setattr(library, "iteration_guards", iteration_guards)


def _turns_are_free() -> None:
    """A `while` costs nothing."""
    from sandbox.instrument.rewriting import Transformer

    setattr(Transformer, "_charge", lambda *_: [])


def _as_it_is(value: Any) -> Any:
    return value


def _integers_are_unbounded() -> None:
    """The cap on the bits of an integer was set to what no machine has."""
    import fuzz_oracle

    limits = fuzz_oracle.LIMITS
    object.__setattr__(limits, "integer_bits", 1 << 60)


def _ufuncs_are_handed_out() -> None:
    """A function of NumPy is given as it is, with its own methods and attributes."""
    from sandbox.predeclared import arrays

    plain = arrays._member

    def member(checks: Any, real: Any, name: str, entry: Any) -> Any:
        return getattr(real, name) if entry.kind == "ufunc" else plain(checks, real, name, entry)

    setattr(arrays, "_member", member)


def _arrays_hold_objects() -> None:
    """Nobody looks at the dtype of what NumPy gives."""
    from sandbox.predeclared import arrays

    setattr(arrays.ArrayChecks, "result", lambda _self, value: value)
    setattr(arrays, "_REFUSED_KINDS", "")


HOLES: Final[dict[str, tuple[Callable[[], None], str]]] = {
    # hole: how it is planted, and how what the oracle says of it begins
    "names with two underscores are attributes": (_dunders_are_attributes, "held: "),
    "frames and code are attributes": (_frames_are_attributes, ""),
    "NumPy saves and loads": (_numpy_saves_and_loads, "audit: open"),
    "built-ins that look around are admitted": (_builtins_are_admitted, ""),
    "getattr takes any name": (_getattr_takes_any_name, ""),
    "texts format by walking": (_format_walks, "audit: object.__getattr__"),
    "observations are shared": (_observations_are_shared, "invariant: observation"),
    "the module's values are not sealed": (_modules_are_not_sealed, "invariant: rows differ"),
    "going through something is free": (_going_through_is_free, "slow"),
    "turns of a while are free": (_turns_are_free, "slow"),
    "integers have no bound": (_integers_are_unbounded, "slow"),
    "ufuncs are handed out": (_ufuncs_are_handed_out, "held: value of numpy.ufunc"),
    "arrays may hold objects": (_arrays_hold_objects, "held: array of objects"),
}


def search(most: int, seed: int) -> dict[str, Caught]:
    """Plant every hole in a fork of this process and look how long it stays unseen.

    Where there is none (`NO_HOLE`) the same programs must find nothing.
    """
    from fuzz_grammar import RandomChooser, program
    from fuzz_oracle import Oracle

    oracle = Oracle(lean=True, hang_s=HANG_S)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most_bytes = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    found: dict[str, Caught] = {}
    for hole, (plant, must) in {NO_HOLE: (_as_nothing, ""), **HOLES}.items():
        started = time.monotonic()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
                plant()
                oracle.settle()
                chooser = RandomChooser(random.Random(seed))
                for turn in range(most if hole != NO_HOLE else most // 2):
                    os.write(writer, b"%d \n" % (turn + 1))
                    seen = oracle.run(program(chooser, "hostile").encode())
                    said = [text for text in seen.violations if text.startswith(must)]
                    if said:
                        os.write(writer, b"%d %s\n" % (turn + 1, said[0].encode()))
                        break
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            lines = pipe.read().decode().splitlines()
        _, status = os.waitpid(child, 0)
        count, _, finding = (lines or ["0 "])[-1].partition(" ")
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGVTALRM:
            finding = ENDED_BY_THE_CLOCK if ENDED_BY_THE_CLOCK.startswith(must) else ""
        seconds = time.monotonic() - started
        found[hole] = Caught(int(count) if finding else None, finding, round(seconds, 2))
    return found


def _as_nothing() -> None:
    """Plant no hole."""


def main() -> None:
    """Print as JSON how each hole was found: programs, finding, seconds."""
    results = search(int(sys.argv[1]) if len(sys.argv) > 1 else MOST, seed=1)
    plain = {hole: dataclasses.astuple(caught) for hole, caught in results.items()}
    sys.stdout.write(json.dumps(plain, indent=1) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()

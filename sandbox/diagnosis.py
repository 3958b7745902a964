"""What stands between a program and this machine, found out by trying.

Two answers, never mixed: a layer *holds* (a worker was started just now, it was put under it, and
it said so), or it is *missing*. What is not tried is not claimed. A worker that is started for this
runs one row of a program of ours, because the last layer comes just before the first guest code.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, Final, Literal

from sandbox import cgroup, landlock, layers, seccomp, shm
from sandbox.cache import Standing as Kept
from sandbox.cache import shared
from sandbox.errors import SandboxError
from sandbox.host import WorkerGuest
from sandbox.limits import Limits
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema

__all__ = ["Diagnosis", "Standing", "doctor"]

State = Literal["holds", "missing"]

_LIBRARIES: Final = ("numpy", "numba", "llvmlite", "RestrictedPython")
_PLAN: Final = Plan(schema=Schema((("x", ArraySpec()),)), reward=Call("reward", (Param("x", "x"),)))


@dataclass(frozen=True, slots=True)
class Standing:
    """One layer on this machine.

    Attributes:
        name: Short name.
        state: ``"holds"`` or ``"missing"``.
        note: What it stops, or what its absence means.
    """

    name: str
    state: State
    note: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `doctor` found.

    Attributes:
        system: Facts about the machine and the libraries.
        standings: All layers, those that hold first.
        worker: Whether a worker process could be started; without one only ``isolation="none"``
            runs.
        problem: Why not, or empty.
        startup_s: Seconds from nothing to a worker that has read a source.
        cache: Where compiled code is kept, and how much of it there is; None if nobody asked.
    """

    system: Mapping[str, str]
    standings: tuple[Standing, ...]
    worker: bool
    problem: str
    startup_s: float
    cache: Kept | None = None

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the layers in force."""
        return tuple(item.name for item in self.standings if item.state == "holds")

    @property
    def require(self) -> Literal["full", "seccomp", "any"] | None:
        """The most that ``require=`` can be given here; None if no worker starts."""
        held = set(self.held)
        if not self.worker:
            return None
        if held >= {*layers.FULL, "seccomp-run", "sealed-inputs"}:
            return "full"
        return "seccomp" if held >= {*layers.LEAST, "seccomp-run"} else "any"

    @property
    def verdict(self) -> str:
        """What that means, in a sentence."""
        missing = ", ".join(item.name for item in self.standings if item.state == "missing")
        if self.require == "full":
            return (
                "Every layer holds: require='full' can be met here."
                if not missing
                else f"Every layer that require='full' asks for holds here; missing is {missing}."
            )
        if self.require == "seccomp":
            return f"require='seccomp', the default, can be met here, 'full' cannot: no {missing}."
        if self.require == "any":
            return (
                "A program that got past the checks on its text, the guards and the bounds checks "
                "could make system calls as this user: programs run here only with require='any'. "
                f"There is no {missing}."
            )
        return "No program runs here but with isolation='none'."

    def render(self) -> str:
        """Give the diagnosis as text."""
        width = max(len(item.name) for item in self.standings)
        lines = [f"{name}: {value}" for name, value in self.system.items()]
        lines.append("")
        if self.worker:
            lines.append(f"a worker starts, and had read a source after {self.startup_s:.2f} s")
        else:
            lines.append(f"no worker starts: {self.problem}")
        lines.append("")
        lines.extend(
            f"{item.state:8}{item.name.ljust(width)}  {item.note}" for item in self.standings
        )
        lines.append("")
        if self.cache is not None:
            lines += [self._kept(self.cache), ""]
        lines.append(self.verdict)
        return "\n".join(lines)

    @staticmethod
    def _kept(found: Kept) -> str:
        if found.problem:
            return f"compiled code is not kept: {found.problem}"
        return (
            f"compiled code is kept in {found.folder}: {found.entries} programs, "
            f"{found.size_bytes / 1e6:.1f} of {found.limit_bytes / 1e6:.0f} MB"
        )

    def to_json(self) -> dict[str, Any]:
        """Give the diagnosis as plain data."""
        return {
            "system": dict(self.system),
            "worker": self.worker,
            "problem": self.problem,
            "startup_s": round(self.startup_s, 4),
            "require": self.require,
            "cache": None if self.cache is None else asdict(self.cache),
            "layers": [
                {"name": item.name, "state": item.state, "note": item.note}
                for item in self.standings
            ],
        }


def doctor() -> Diagnosis:
    """Find out which layers hold on this machine. Starts a worker; takes well under a second."""
    import time

    begin = time.perf_counter()
    held: tuple[str, ...] = ()
    problem = ""
    try:
        guest = WorkerGuest(b"def reward(x):\n    return x\n", filename="doctor", limits=Limits())
        took = time.perf_counter() - begin
        try:
            guest.build(_PLAN, "interpreted")
            held = guest.layers
        finally:
            guest.close()
    except (SandboxError, OSError) as error:
        took = time.perf_counter() - begin
        problem = str(error)
    standings = [*_own_layers(held), *_memory()]
    order: dict[State, int] = {"holds": 0, "missing": 1}
    standings.sort(key=lambda item: order[item.state])
    kept = shared().standing()
    return Diagnosis(_system(), tuple(standings), not problem, problem, took, kept)


def _system() -> dict[str, str]:
    facts = {
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "user": "root" if os.geteuid() == 0 else "an ordinary user",
    }
    for name in _LIBRARIES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "not installed"
    return facts


def _own_layers(held: tuple[str, ...]) -> list[Standing]:
    found = []
    for layer in layers.LAYERS:
        note = f"stops {layer.stops}"
        if layer.name == "landlock" and layer.name in held:
            note += f"; ABI {landlock.abi()}"
        if layer.name not in held:
            note = f"would stop {layer.stops}"
        if layer.name.startswith("seccomp") and layer.name not in held:
            note += f"; {_why_no_filter()}"
        if layer.name == cgroup.NAME and layer.name not in held:
            note += f"; {cgroup.Groups(cgroup.places()).missing}"
        found.append(Standing(layer.name, "holds" if layer.name in held else "missing", note))
    return found


def _why_no_filter() -> str:
    if not sys.platform.startswith("linux"):
        return "this is a filter of Linux"
    if seccomp.architecture() is None:
        return f"there is no table of system calls for {platform.machine()} here"
    return "the kernel offers no filters" if not seccomp.available() else "no worker started"


def _memory() -> list[Standing]:
    found = []
    if shm.seals_hold():
        found.append(
            Standing("sealed-inputs", "holds", "stops a worker that writes into observations")
        )
    elif sys.platform.startswith("linux"):
        note = "observations are opened for reading only, without the seal (needs Linux 5.1)"
        found.append(Standing("sealed-inputs", "missing", note))
    else:
        note = "no memfd here: an unlinked temporary file, opened for reading only, serves"
        found.append(Standing("sealed-inputs", "missing", note))
    try:
        os.close(os.pidfd_open(os.getpid()))  # type: ignore[attr-defined,unused-ignore]
    except (AttributeError, OSError):
        note = "workers are killed through the process they were copied from"
        found.append(Standing("pidfd", "missing", note))
    else:
        found.append(Standing("pidfd", "holds", "stops a kill from reaching another process"))
    return found

"""What stands between a program and this machine, found out by trying.

Three answers, never mixed: a layer *holds* (a worker was started just now and it is in force),
it is *unused* (the system offers it and this version does not use it), or it is *missing*. What is
not tried is not claimed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from sandbox import layers, shm
from sandbox.errors import SandboxError
from sandbox.host import WorkerGuest
from sandbox.limits import Limits

__all__ = ["Diagnosis", "Standing", "doctor"]

State = Literal["holds", "unused", "missing"]

_LIBRARIES: Final = ("numpy", "numba", "llvmlite", "RestrictedPython")
_LANDLOCK_CREATE_RULESET: Final = 444  # one number on every architecture
_LANDLOCK_VERSION: Final = 1
_PR_GET_SECCOMP: Final = 21


@dataclass(frozen=True, slots=True)
class Standing:
    """One layer on this machine.

    Attributes:
        name: Short name.
        state: ``"holds"``, ``"unused"`` (offered here, not used by this version) or ``"missing"``.
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
    """

    system: Mapping[str, str]
    standings: tuple[Standing, ...]
    worker: bool
    problem: str
    startup_s: float

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the layers in force."""
        return tuple(item.name for item in self.standings if item.state == "holds")

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
        lines.append(
            "This version has no system-call filter: a program that got past the checks on its "
            "text, the guards and the bounds checks could still open files and sockets as this "
            "user. require='seccomp' and require='full' are refused until it has one."
        )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Give the diagnosis as plain data."""
        return {
            "system": dict(self.system),
            "worker": self.worker,
            "problem": self.problem,
            "startup_s": round(self.startup_s, 4),
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
        guest = WorkerGuest(b"x = 1\n", filename="doctor", limits=Limits())
    except (SandboxError, OSError) as error:
        problem = str(error)
    else:
        held = guest.layers
        guest.close()
    took = time.perf_counter() - begin
    standings = [*_own_layers(held), *_memory(), *_platform()]
    order: dict[State, int] = {"holds": 0, "unused": 1, "missing": 2}
    standings.sort(key=lambda item: order[item.state])
    return Diagnosis(_system(), tuple(standings), not problem, problem, took)


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
        if layer.name == "rlimits" and os.geteuid() == 0:
            note += "; root is not held back from new processes by them"
        found.append(Standing(layer.name, "holds" if layer.name in held else "missing", note))
    return found


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


def _platform() -> list[Standing]:
    return [
        _seccomp(),
        _landlock(),
        _namespaces(),
    ]


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _seccomp() -> Standing:
    note = "would stop system calls that a program does not need"
    if not sys.platform.startswith("linux"):
        return Standing("seccomp", "missing", f"{note}; Linux only")
    # 0 or a mode where the kernel has it, -1 (EINVAL) where it was built without.
    state: int = _libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)
    return Standing("seccomp", "unused" if state >= 0 else "missing", note)


def _landlock() -> Standing:
    note = "would stop files, TCP and signals to others"
    if not sys.platform.startswith("linux"):
        return Standing("landlock", "missing", f"{note}; Linux only")
    libc = _libc()
    libc.syscall.restype = ctypes.c_long
    version: int = libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET),
        None,
        ctypes.c_size_t(0),
        ctypes.c_uint32(_LANDLOCK_VERSION),
    )
    if version < 1:
        return Standing("landlock", "missing", f"{note}; not in this kernel, or switched off")
    return Standing("landlock", "unused", f"{note}; ABI {version}")


def _namespaces() -> Standing:
    note = "would stop sight of the network, of mounts and of other processes"
    if not Path("/proc/self/ns/user").exists():
        return Standing("namespaces", "missing", note)
    for place, closed in (
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
    ):
        try:
            value = Path(place).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if value == closed:
            return Standing("namespaces", "missing", f"{note}; {place} is {value}")
    return Standing("namespaces", "unused", f"{note}; the system's settings allow them, untried")

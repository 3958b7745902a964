"""A control group for each worker, where this system lets us make one.

The limit of `resource` is on address space, which a process takes more of than it uses; a control
group limits what is used. It needs a group that is ours to divide: one whose children have the
controllers, and in which we may make some. That is the case where the host itself was put into a
leaf of a group handed over to its user, and seldom else, so nothing depends on it: without one, the
limits of `resource` hold alone. ``CARRUNTIME_CGROUP`` may name such a group.

The group that is named there must have no processes of its own, because version 2 of control groups
gives controllers to the children of such a group only.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

__all__ = ["NAME", "VARIABLE", "Groups", "places"]

NAME: Final = "cgroup"
"""Name of the layer."""
VARIABLE: Final = "CARRUNTIME_CGROUP"
"""Environment variable with the folder of a group that is ours to divide."""
_PREFIX: Final = "carruntime-"
_CONTROLLERS: Final = ("memory", "pids", "cpu")
_NEEDED: Final = ("memory.max", "pids.max")
_CPU_US: Final = 100_000


def places(
    mounts: Path = Path("/proc/self/mountinfo"), own: Path = Path("/proc/self/cgroup")
) -> tuple[str, ...]:
    """Give the folders that may be divided: the one that was named, our own, and its parent.

    Only the one that was named is changed: its children get the controllers.
    """
    found = [os.environ[VARIABLE]] if os.environ.get(VARIABLE) else []
    for folder in found:
        for name in _CONTROLLERS:
            with contextlib.suppress(OSError):
                (Path(folder) / "cgroup.subtree_control").write_text(f"+{name}", "ascii")
    try:
        lines = [line.split() for line in mounts.read_text("utf-8").splitlines()]
        roots = [line[4] for line in lines if "cgroup2" in line[line.index("-") :]]
        path = next(
            line[3:].strip()
            for line in own.read_text("utf-8").splitlines()
            if line.startswith("0::")
        )
    except (OSError, ValueError, StopIteration):
        return tuple(found)
    for root in roots[:1]:
        here = Path(root + path)
        found += [str(item) for item in (here, here.parent) if item.is_relative_to(root)]
    return tuple(dict.fromkeys(found))


class Groups:
    """Makes groups in the first of some folders that takes them, and removes them.

    Attributes:
        missing: Why there are none, or empty.
    """

    def __init__(self, folders: tuple[str, ...]) -> None:
        """Find the folder, by making a group in it and removing it."""
        self._counter = 0
        self._parent: Path | None = None
        self.missing = "no control group that can be divided"
        for folder in folders:
            parent = Path(folder)
            self._remove_old(parent)
            trial = self._new(parent)
            if trial is None:
                continue
            lacking = [name for name in _NEEDED if not (trial / name).exists()]
            self.remove(trial)
            if not lacking:
                self._parent = parent
                self.missing = ""
                return
            self.missing = f"control groups here have no {' and no '.join(lacking)}"

    def make(self, memory_bytes: int, threads: int = 1) -> Path | None:
        """Make a group for one process with a cap on what it may use; None where there are none."""
        if self._parent is None:
            return None
        group = self._new(self._parent)
        if group is None:
            return None
        try:
            (group / "memory.max").write_text(str(memory_bytes), "ascii")
            (group / "pids.max").write_text(str(threads), "ascii")
        except OSError:
            self.remove(group)
            return None
        for name, value in (
            ("memory.swap.max", "0"),
            ("cpu.max", f"{threads * _CPU_US} {_CPU_US}"),
        ):
            # Without accounting of swap, or without that controller, there is no such file.
            if (group / name).exists():
                with contextlib.suppress(OSError):
                    (group / name).write_text(value, "ascii")
        return group

    def _new(self, parent: Path) -> Path | None:
        self._counter += 1
        group = parent / f"{_PREFIX}{os.getpid()}-{self._counter}"
        try:
            group.mkdir()
        except OSError:
            return None
        return group

    @staticmethod
    def put(group: Path, pid: int) -> bool:
        """Move a process into a group; whether that worked."""
        try:
            (group / "cgroup.procs").write_text(str(pid), "ascii")
        except OSError:
            return False
        return True

    @staticmethod
    def remove(group: Path) -> None:
        """Remove a group whose process has ended; one with a process stays."""
        with contextlib.suppress(OSError):
            group.rmdir()

    @staticmethod
    def _remove_old(parent: Path) -> None:
        """Remove what a zygote that was killed could not; groups in use cannot be removed."""
        with contextlib.suppress(OSError):
            for old in parent.glob(f"{_PREFIX}*"):
                maker = old.name.removeprefix(_PREFIX).partition("-")[0]
                if not Path("/proc", maker).exists():
                    Groups.remove(old)

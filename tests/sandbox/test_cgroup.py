"""Control groups, on folders that stand for them, and on this system's as far as it has any.

A kernel that hands over a group with the controllers is rare in a container, so what is written is
looked at in plain folders. That a process really is moved is tried where any group can be made.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import cgroup, spawn
from sandbox.host import WorkerGuest
from sandbox.limits import Limits

MOUNTS = """\
25 1 0:22 / /proc rw,relatime - proc proc rw
30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
"""


class Kernel(cgroup.Groups):
    """Groups in a plain folder, with the files that a kernel would make in a new one."""

    files: tuple[str, ...] = (
        *("memory.max", "pids.max", "cpu.max", "memory.swap.max", "cgroup.procs"),
    )

    def _new(self, parent: Path) -> Path | None:
        group = super()._new(parent)
        if group is not None:
            for name in self.files:
                (group / name).write_text("")
        return group

    @staticmethod
    def remove(group: Path) -> None:
        for path in group.iterdir():
            path.unlink()
        cgroup.Groups.remove(group)


def test_a_worker_gets_a_group_with_its_memory_one_process_and_one_cpu(tmp_path: Path) -> None:
    groups = Kernel((str(tmp_path),))
    assert groups.missing == ""
    group = groups.make(1 << 30)
    assert group is not None
    assert {path.name: path.read_text() for path in group.iterdir()} == {
        "memory.max": "1073741824",
        "pids.max": "1",
        "cpu.max": "100000 100000",
        "memory.swap.max": "0",
        "cgroup.procs": "",
    }
    assert groups.put(group, 123)
    assert (group / "cgroup.procs").read_text() == "123"
    groups.remove(group)
    assert list(tmp_path.iterdir()) == []


def test_two_workers_have_two_groups(tmp_path: Path) -> None:
    groups = Kernel((str(tmp_path),))
    assert groups.make(1) != groups.make(1)


def test_a_kernel_without_a_controller_offers_no_group_and_says_which(tmp_path: Path) -> None:
    class Bare(Kernel):
        files = ("cgroup.procs", "pids.max")

    groups = Bare((str(tmp_path),))
    assert groups.make(1) is None
    assert groups.missing == "control groups here have no memory.max"
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_divided_are_passed_over(tmp_path: Path) -> None:
    groups = Kernel((str(tmp_path / "missing"), str(tmp_path)))
    assert groups.make(1) is not None
    none = Kernel((str(tmp_path / "missing"),))
    assert none.make(1) is None
    assert none.missing == "no control group that can be divided"


def test_groups_of_a_zygote_that_is_gone_are_removed_and_those_of_a_living_one_stay(
    tmp_path: Path,
) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / f"carruntime-{child.pid}-7").mkdir()
    (tmp_path / f"carruntime-{os.getppid()}-7").mkdir()
    (tmp_path / "another").mkdir()
    cgroup.Groups((str(tmp_path),))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["another", f"carruntime-{os.getppid()}-7"]


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ("0::/a/b\n", ("/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a")),
        ("4:memory:/x\n0::/\n", ("/sys/fs/cgroup/",)),
        ("4:memory:/x\n", ()),
    ],
)
def test_the_own_group_and_its_parent_are_tried(
    own: str, found: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(cgroup.VARIABLE, raising=False)
    (tmp_path / "mounts").write_text(MOUNTS)
    (tmp_path / "own").write_text(own)
    told = cgroup.places(tmp_path / "mounts", tmp_path / "own")
    assert tuple(map(Path, told)) == tuple(map(Path, found))
    assert cgroup.places(tmp_path / "missing", tmp_path / "own") == ()


def test_a_group_that_is_named_comes_first_and_its_children_get_the_controllers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cgroup.VARIABLE, str(tmp_path))
    assert cgroup.places(tmp_path / "missing", tmp_path / "missing") == (str(tmp_path),)
    # The kernel takes one controller a write, so that one it lacks does not cost the others.
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"


def test_a_worker_is_in_its_group_as_long_as_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cgroup.VARIABLE, raising=False)
    monkeypatch.setattr(cgroup, "_NEEDED", ())
    folders = cgroup.places()
    if cgroup.Groups(folders).missing:
        pytest.skip("no group can be made here")
    parent = Path(folders[0])
    before = set(parent.iterdir())
    # In the zygote too: any group will do, whatever controllers this kernel has.
    patched = "import sandbox.cgroup as c\nc._NEEDED = ()\n"
    patched += "c.Groups.make = lambda self, memory_bytes, threads: self._new(self._parent)\n"
    patched += "from sandbox.zygote import main\n"
    start = spawn._START.replace("from sandbox.zygote import main\n", patched)
    assert patched in start
    monkeypatch.setattr(spawn, "_START", start)
    zygote = spawn.Zygote()
    guest = WorkerGuest(b"x = 1\n", filename="p", limits=Limits(), zygote=zygote)
    child = guest._holder.child
    assert child is not None
    (group,) = set(parent.iterdir()) - before
    assert cgroup.NAME in guest.layers
    assert (group / "cgroup.procs").read_text().split() == [str(child.pid)]
    guest.close()
    child.wait()
    zygote.ping()
    zygote.close()
    assert set(parent.iterdir()) == before

"""What stops which attack, and what the locked room costs: ``python -m benchmarks.isolation``.

The attacks are those of ``tests/sandbox/hostile.py``: raw system calls from inside a worker that
stands under one group of layers with the others switched off. The costs are taken with and without
the layers in turns, in one run. ``--write`` puts both into ``docs/isolation.md``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import machine, markdown_table
from sandbox import cache, landlock, layers, seccomp, spawn
from sandbox.host import Guest, InProcessGuest, TierWish, WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema

ROOT = Path(__file__).parent.parent
PLAN = Plan(
    schema=Schema((("next_obs", ArraySpec(shape=(3,))),)),
    reward=Call("reward", (Param("obs", "next_obs"),)),
)
SOURCE = b"""\
import numpy as np


def reward(obs):
    distance = float(np.linalg.norm(obs))
    return -distance, {"distance": distance}
"""


def attacks() -> str:
    """Let every attack run under every group of layers."""
    sys.path.insert(0, str(ROOT / "tests" / "sandbox"))
    import hostile  # type: ignore[import-not-found,unused-ignore]

    table: dict[str, list[str]] = {name: [] for name in hostile.ATTACKS}
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        Path(folder).chmod(0o777)
        (Path(folder) / "mount").mkdir()
        name = f"carruntime-{os.getpid()}"
        unix.bind("\0" + name)
        unix.listen()
        place = hostile.Place(server.getsockname()[1], name, folder, os.getpid())
        for group in hostile.GROUPS:
            zygote = hostile.zygote_with(group)
            for attack, cells in table.items():
                (Path(folder) / "victim").write_text("here", encoding="ascii")
                cells.append(hostile.attempt(zygote, attack, place))
            zygote.close()
    rows = [[attack, *cells] for attack, cells in table.items()]
    return markdown_table(["attack", *hostile.GROUPS], rows)


def attacks_as_an_ordinary_user() -> str:
    """Let every attack run once more from a host that is not root; nothing where that cannot be."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        return "Not tried: it takes root and setpriv to run this part as another user."
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        # The one right that is kept is to read files, for a Python that lies in root's folder.
        command = [setpriv, "--reuid=1000", "--regid=1000", "--clear-groups"]
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        command += [sys.executable, "-m", "benchmarks.isolation", "--attacks"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "HOME": home, "TMPDIR": home, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.strip()


def start(zygote: spawn.Zygote) -> None:
    """Start a worker, let it read a source, and end it."""
    WorkerGuest(SOURCE, filename="p", limits=Limits(), zygote=zygote).close()


def first_reward(zygote: spawn.Zygote, tier: TierWish) -> None:
    """From source text to the first reward in a fresh worker."""
    guest = WorkerGuest(SOURCE, filename="p", limits=Limits(), zygote=zygote)
    if guest.build(PLAN, tier).tier != tier:
        raise AssertionError(f"the program does not run in the {tier} tier")
    buffers = guest.bind(8)
    buffers.outputs.outcome[:] = PENDING
    guest.step()
    if buffers.outputs.outcome.any():
        raise AssertionError("a row failed")
    guest.close()


def interleaved(calls: list[Callable[[], None]], rounds: int) -> list[list[float]]:
    """Time calls in turns; seconds of each."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for place, call in enumerate(calls):
            begin = time.perf_counter()
            call()
            seconds[place].append(time.perf_counter() - begin)
    return seconds


def costs(locked: spawn.Zygote, bare: spawn.Zygote, rounds: int) -> str:
    """Milliseconds of a worker's life with and without the layers."""
    questions: list[tuple[str, Callable[[spawn.Zygote], None]]] = [
        ("a worker that has read a source", start),
        ("source text to first reward, interpreted", lambda z: first_reward(z, "interpreted")),
        ("source text to first reward, compiled", lambda z: first_reward(z, "compiled")),
    ]
    rows = []
    for name, question in questions:
        calls: list[Callable[[], None]] = [
            lambda q=question: q(locked),  # type: ignore[misc]
            lambda q=question: q(bare),  # type: ignore[misc]
        ]
        for call in calls:
            call()
        found = [statistics.median(item) * 1e3 for item in interleaved(calls, rounds)]
        rows.append([name, *(f"{item:.1f}" for item in found)])
    return markdown_table(["milliseconds, median", "all layers", "no layer"], rows)


def trips(locked: spawn.Zygote, bare: spawn.Zygote, rounds: int) -> str:
    """Microseconds of one batch with and without a worker and its layers."""
    rows = []
    for count in (8, 1024):
        guests: dict[str, Guest] = {
            "all layers": WorkerGuest(SOURCE, filename="p", limits=Limits(), zygote=locked),
            "no layer": WorkerGuest(SOURCE, filename="p", limits=Limits(), zygote=bare),
            "in process": InProcessGuest(SOURCE, filename="p", limits=Limits()),
        }
        calls = []
        for guest in guests.values():
            guest.build(PLAN, "compiled")
            buffers = guest.bind(count)
            buffers.inputs["next_obs"][:] = np.arange(3)
            calls.append(_batch(guest, buffers.outputs.outcome))
        for call in calls:
            call()
        for name, seconds in zip(guests, interleaved(calls, rounds), strict=True):
            half, most = np.percentile(np.array(seconds) * 1e6, [50, 99])
            rows.append([f"{count}", name, f"{half:.1f}", f"{most:.1f}"])
        for guest in guests.values():
            guest.close()
    return markdown_table(["rows", "worker", "p50, µs", "p99, µs"], rows)


def _batch(guest: Guest, outcome: Any) -> Callable[[], None]:
    def run() -> None:
        outcome[:] = PENDING
        guest.step()

    return run


def page(*, rounds: int) -> str:
    """Make the whole page."""
    about = machine()
    cache.use(None)
    locked, bare = spawn.Zygote(), spawn.Zygote(without=tuple(item.name for item in layers.LAYERS))
    try:
        life = costs(locked, bare, max(5, rounds // 200))
        batches = trips(locked, bare, rounds)
    finally:
        locked.close()
        bare.close()
    user = "root" if os.geteuid() == 0 else "an ordinary user"
    versions = ", ".join(f"{key} {value}" for key, value in about["versions"].items())
    return f"""\
# The locked room

Made by `python -m benchmarks.isolation --write`; do not edit. Taken on {about["date"]} as {user} on
{about["cpu"]}, {about["cpus"]} CPUs, {about["system"]}, Landlock ABI {landlock.abi()},
Python {about["python"]}, {versions}; load at the start {about["load_at_start"]}.

## What stops what

Each attack is native code inside a worker, where guest code runs: raw system calls, after every
check on the text is taken to have failed. A column is a worker under that group of layers only;
its descriptors are closed in every column.
*works*: it did what it was after. SIGSYS and SIGSEGV: the worker was killed on the spot. The rest
are the kernel's refusals, by name. Where the column without layers says anything but *works*, this
machine or this user could not do it anyway. Observations are read-only in every column, because
that is a property of the memory. The groups: *seccomp* is both filters, *ids, rights, namespaces*
is the change to nobody, the dropped capabilities and new namespaces of mounts, network, IPC and
names, *own process ids* is the namespace of process ids, *limits* are the rlimits.

{attacks()}

The same from a host that is an ordinary user (uid 1000):

{attacks_as_an_ordinary_user()}

## What it costs

{life}

The first line is the fork, the locking and the checks of a short text, and the wait for the worker
to be gone.

{batches}

A batch of a three-number observation in the compiled tier, one call of `step` each, in turns.

## The system calls of a worker

*compile* holds from before the first byte of a program is read, *run* in addition from before its
first line runs. KILL ends the process; EACCES and EPERM refuse the call and let it go on.
`sandbox/seccomp.py` is the table; there is one of numbers for x86_64 and one for aarch64, and the
tests run both filters in Python and this machine's in the kernel.

{seccomp.describe()}
"""


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/isolation.md")
    parser.add_argument("--attacks", action="store_true", help="print the table of attacks only")
    parser.add_argument("--rounds", type=int, default=4000, help="batches that are timed")
    args = parser.parse_args()
    if args.attacks:
        print(attacks())
        return
    text = page(rounds=args.rounds)
    print(text)
    if args.write:
        (ROOT / "docs" / "isolation.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The host's side of our kernels for pictures: compiled once, kept, and handed to workers.

Compiling a kernel takes Numba a second or two, which no program should wait for twice, and a worker
is no place to do it for others: what a worker says is worth nothing to the next program. So the host
has them compiled by a process of its own that sees no guest, keeps each in the cache of machine code
(`sandbox.cache`, under the user's key), and hands a worker those that its source can need, which is
told by the names of OpenCV's functions in it. Where no cache is used they are kept as long as this
process lives. A kernel that a worker misses all the same it compiles itself, for itself.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sandbox import cache, wire
from sandbox.errors import ProtocolError
from sandbox.pictures.costs import COSTS, COSTS_AFTER
from sandbox.pictures.table import KERNELS

__all__ = ["names_for", "picture_code"]

_NAME: Final = re.compile(rb"[A-Za-z_]\w*")
_LOOPED: Final = frozenset({"sort", "refine"})
"""Prices that are no plain formula, and so kernels themselves."""
_ALSO: Final = {
    "GaussianBlur": ("plane", "merged"), "blur": ("plane", "merged"),
    "medianBlur": ("plane", "merged"), "imread": ("channels_swapped", "gray_from_colour"),
}  # fmt: skip
"""Kernels that a function needs besides its own."""
_TIMEOUT_S: Final = 600.0
_WORKERS: Final = 2

_START: Final = """\
import sys
for place in sys.argv[1].split("\\n"):
    if place and place not in sys.path:
        sys.path.append(place)
from sandbox.tiers.compiled.links import main
main(sys.argv[2:])
"""

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_made: dict[str, bytes] = {}
"""Kernels that this process has or has had compiled."""
_failed: set[str] = set()


def names_for(source: bytes) -> tuple[str, ...]:
    """Say which kernels a program may need, by the names in its text.

    Args:
        source: Any text; it is searched for names, nothing more.
    """
    words = {word.decode() for word in _NAME.findall(source)}
    found: dict[str, None] = {}
    for opencv, kernels in KERNELS.items():
        if opencv not in words:
            continue
        found.update(dict.fromkeys(kernel.name for kernel in kernels))
        for table in (COSTS, COSTS_AFTER):
            price = table.get(opencv)
            if price is not None and price.__name__ in _LOOPED:
                found[f"cost.{price.__name__}"] = None
    for opencv, others in _ALSO.items():
        if opencv in words:
            found.update(dict.fromkeys(others))
    if "cv2" in words:
        found["channels_swapped"] = None
    return tuple(found)


def picture_code(source: bytes) -> bytes:
    """Give the kernels that a program may need as `sandbox.tiers.compiled.links.offer` takes them.

    The first program that needs a kernel waits until it is compiled. What cannot be compiled is left
    out, so that this never fails.
    """
    names = names_for(source)
    if not names:
        return b""
    with _lock:
        for name in names:
            if name not in _made:
                kept = cache.shared().load(_entry(name)) if _entry(name) else None
                if kept:
                    _made[name] = kept
        missing = [name for name in names if name not in _made and name not in _failed]
        if missing:
            _compile(missing)
        return wire.encode([[name, _made[name]] for name in names if name in _made])


def _entry(name: str) -> str:
    """Give the name of a kernel's entry in the cache, or nothing where nothing can be kept."""
    here = cache.environment()
    return "" if here is None else hashlib.sha256(here + b"\npicture " + name.encode()).hexdigest()


def _compile(names: list[str]) -> None:
    """Have kernels compiled by processes that do nothing else, and keep them."""
    _log.info("compiling %d kernels for pictures, once for this installation", len(names))
    shares = [share for k in range(_WORKERS) if (share := names[k::_WORKERS])]
    started = [_start(share) for share in shares]
    for process in started:
        try:
            data, errors = process.communicate(timeout=_TIMEOUT_S)
            for item in _read(data):
                _made[item[0]] = item[1]
                if _entry(item[0]):
                    cache.shared().store(_entry(item[0]), item[1])
        except (subprocess.TimeoutExpired, ProtocolError) as error:
            process.kill()
            _, errors = process.communicate()
            _log.warning("a kernel for pictures was not compiled: %s", error)
        if process.returncode:
            text = errors.decode("utf-8", "replace").strip()
            _log.warning("a kernel for pictures was not compiled: %s", text[-400:])
    _failed.update(name for name in names if name not in _made)


def _read(data: bytes) -> Iterable[tuple[str, bytes]]:
    found = wire.decode(data)
    for item in found if isinstance(found, list) else ():
        match item:
            case [str(name), bytes(code)]:
                yield name, code
            case _:
                raise ProtocolError("a compiled kernel has another shape than is written")


def _start(names: list[str]) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parent.parent)
    places = [here, *(place for place in sys.path if Path(place).is_absolute())]
    # Nothing of the caller's settings for Numba: bounds are checked by the kernels themselves.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")
    }
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-X", "utf8", "-c", _START, "\n".join(places), *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    )

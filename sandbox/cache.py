"""Machine code that is kept between runs: which entry is whose, and how it is kept from others.

Compiling a program takes some tens of milliseconds to a second; loading what was compiled before
takes two. But a store of machine code is also a place to attack. So:

- An entry belongs to one program on one machine: its name is a digest of the source, what it is
  called on, its limits, the versions of the libraries and of this package, and the processor. A
  worker is handed the entry of its own program and nothing else, and never touches a file itself.
- The host stores what a worker sent before any code of the guest had run there, and does not look
  into it. That the compiled tier then agreed with the interpreted one is the other half: only code
  of which this was found is stored. Both are facts of the same inputs that make up the name, so
  neither need be found again; a program that forged them in its own worker would deceive itself.
- Every entry has a code of authentication under a key of the user's that lies beside the entries.
  What somebody else wrote, cut or moved to another name has none: it is never loaded, it is deleted,
  and the program is compiled. A folder or a key that others may write is not used at all.

Entries are written under another name first, so that several processes may share a folder; the ones
that were not used for longest go when there is too much.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import platform
import secrets
import stat
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox import wire
from sandbox.errors import UsageError

if TYPE_CHECKING:
    from sandbox.limits import Limits
    from sandbox.plan import Plan

__all__ = [
    "BYTES",
    "FOLDER",
    "Cache",
    "Entry",
    "Standing",
    "entry_name",
    "environment",
    "shared",
    "use",
]

FOLDER: Final = "CARRUNTIME_CACHE"
"""Environment variable: the folder to use, or ``off``."""
BYTES: Final = "CARRUNTIME_CACHE_BYTES"
"""Environment variable: how much the folder may hold."""
_DEFAULT_BYTES: Final = 256 * 1024 * 1024
_MAGIC: Final = b"carruntime code 1\n"
_MAC_BYTES: Final = 32
_HEAD: Final = len(_MAGIC) + _MAC_BYTES
_KEY_NAME: Final = "key"
_KEY_BYTES: Final = 32
_SUFFIX: Final = ".code"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_LIBRARIES: Final = (
    *("numpy", "numba", "llvmlite", "RestrictedPython"),
    # A kernel agrees with the OpenCV that was here when it was compared; it comes under these names.
    *("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"),
    *("opencv-contrib-python",),
)
_CPU: Final = (
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features"),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What `sandbox.doctor` says of a cache.

    Attributes:
        folder: Where it is; empty where there is none.
        entries: Programs in it.
        size_bytes: What they take.
        limit_bytes: What they may take.
        problem: Why it is not used, or empty.
    """

    folder: str
    entries: int
    size_bytes: int
    limit_bytes: int
    problem: str


class Cache:
    """Entries in one folder, or none at all."""

    def __init__(self, folder: Path | None, limit_bytes: int = _DEFAULT_BYTES) -> None:
        """Take a folder; it is made when the first entry is stored.

        Args:
            folder: Where entries lie; None keeps nothing.
            limit_bytes: When entries take more, the ones that were not used for longest go.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._key: bytes | None = None
        self._problem = "" if folder is not None else "switched off"

    @property
    def on(self) -> bool:
        """Whether entries are kept, as far as is known."""
        return not self._problem

    def load(self, name: str) -> bytes | None:
        """Give the bytes of an entry; None if there is none that this user stored under the name."""
        folder = self._open(make=False)
        if folder is None:
            return None
        path = folder / f"{name}{_SUFFIX}"
        try:
            data = _read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("the stored code %s cannot be read (%s); not used", path, error)
            return None
        code = data[_HEAD:]
        good = data[: len(_MAGIC)] == _MAGIC and hmac.compare_digest(
            data[len(_MAGIC) : _HEAD], self._mac(name, code)
        )
        if not good:
            _log.warning("the stored code %s is not what was stored; deleted, not used", path)
            self.forget(name)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return code

    def store(self, name: str, code: bytes) -> None:
        """Keep an entry. A folder that is full or cannot be written is no error."""
        folder = self._open(make=True)
        if folder is None or len(code) > wire.MAX_BYTES:
            return
        data = _MAGIC + self._mac(name, code) + code
        try:
            _write(folder, f"{name}{_SUFFIX}", data)
            self._make_room()
        except OSError as error:
            self._problem = f"{folder} cannot be written: {error.strerror or error}"

    def forget(self, name: str) -> None:
        """Delete an entry."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                (self._folder / f"{name}{_SUFFIX}").unlink()

    def standing(self) -> Standing:
        """Say where it is and how full."""
        self._open(make=False)
        sizes = [size for _, size, _ in self._entries()]
        folder = "" if self._folder is None else str(self._folder)
        return Standing(folder, len(sizes), sum(sizes), self._limit_bytes, self._problem)

    def _mac(self, name: str, code: bytes) -> bytes:
        assert self._key is not None  # noqa: S101  opened before
        found = hmac.new(self._key, f"{name}\n".encode(), hashlib.sha256)
        found.update(code)
        return found.digest()

    def _open(self, *, make: bool) -> Path | None:
        """Give the folder once it is known to be ours alone, with the key read; None otherwise."""
        folder = self._folder
        if folder is None or self._problem:
            return None
        try:
            if make:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not folder.is_dir():
                return None
            _must_be_ours(folder, _OTHERS_WRITE)
            if self._key is None:
                self._key = _key_in(folder, make=make)
        except OSError as error:
            # The key or the folder, whichever it is that cannot be used.
            self._problem = f"{error.filename or folder}: {error.strerror or error}"
            _log.warning("no compiled code is kept: %s", self._problem)
            return None
        return folder if self._key is not None else None

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Give time of last use, size and path of each entry."""
        found = []
        if self._folder is not None:
            with contextlib.suppress(OSError):
                for path in self._folder.glob(f"*{_SUFFIX}"):
                    with contextlib.suppress(OSError):
                        about = path.stat()
                        found.append((about.st_mtime, about.st_size, path))
        return found

    def _make_room(self) -> None:
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self._limit_bytes:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


class Entry:
    """The machine code of one program, in a store or as long as the program is open.

    A worker that takes the place of a dead one is handed what the first one compiled even where
    nothing is stored.
    """

    def __init__(self, name: str | None) -> None:
        """Look it up.

        Args:
            name: From `entry_name`; None where nothing is to be kept.
        """
        self._name = name
        self.wanted = name is not None
        """Whether to ask a worker for its machine code."""
        self.code = (shared().load(name) or b"") if name is not None else b""
        """What to hand to a worker; empty where there is nothing."""

    def learn(self, code: bytes) -> None:
        """Keep what was found to agree with the interpreted tier."""
        if self._name is not None and code and code != self.code:
            self.code = code
            shared().store(self._name, code)

    def forget(self) -> None:
        """Do not use it again."""
        self.code = b""
        if self._name is not None:
            shared().forget(self._name)


def entry_name(source: bytes, plan: Plan, limits: Limits) -> str | None:
    """Give the name of a program's entry; None where the processor cannot be told from others."""
    here = environment()
    if here is None:
        return None
    about = wire.encode([here, source, wire.pack(plan), wire.pack(limits)])
    return hashlib.sha256(about).hexdigest()


def use(folder: str | os.PathLike[str] | None, *, limit_bytes: int = _DEFAULT_BYTES) -> None:
    """Keep compiled code in a folder from now on; None keeps none. For this process.

    The environment variables `FOLDER` and `BYTES` say the same for processes that are started.
    """
    global _shared
    _shared = Cache(None if folder is None else Path(folder), limit_bytes)


def shared() -> Cache:
    """Give the cache of this process.

    Raises:
        UsageError: If an environment variable says what cannot be.
    """
    global _shared
    if _shared is None:
        _shared = _fromenvironment()
    return _shared


_shared: Cache | None = None


def _fromenvironment() -> Cache:
    said = os.environ.get(FOLDER, "")
    limit = os.environ.get(BYTES, "")
    if limit and not limit.isdecimal():
        raise UsageError(
            f"{BYTES}={limit!r}: want how many bytes of compiled code may be kept, as a whole "
            f"number such as {_DEFAULT_BYTES}, or leave it unset"
        )
    limit_bytes = int(limit) if limit else _DEFAULT_BYTES
    if said.lower() in {"off", "0", "no", "none"}:
        return Cache(None, limit_bytes)
    if said:
        return Cache(Path(said), limit_bytes)
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return Cache(None, limit_bytes)
    return Cache(root / "carruntime" / "code", limit_bytes)


@cache
def environment() -> bytes | None:
    """Give a digest of what machine code depends on beside its program.

    The admitted language is part of this package's files, which stand for it with their sizes and
    times; what a worker does with them is decided by these files and these libraries alone.
    """
    cpu = _cpu()
    if cpu is None:
        return None
    lines = [sys.implementation.name, sys.version, platform.machine(), platform.system(), cpu]
    for name in _LIBRARIES:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} -")
    here = Path(__file__).resolve().parent
    for path in sorted(here.rglob("*.py")):
        about = path.stat()
        lines.append(f"{path.relative_to(here)} {about.st_size} {about.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).digest()


def _cpu(path: Path = Path("/proc/cpuinfo")) -> str | None:
    """Say which processor this is and what it can do; None where the system does not tell."""
    try:
        first = path.read_text("utf-8", "replace").partition("\n\n")[0]
    except OSError:
        return None
    fields = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in first.splitlines())
    }
    found = [f"{name}={fields[name]}" for name in _CPU if name in fields]
    return "\n".join(found) if "flags" in fields or "Features" in fields else None


def _must_be_ours(path: Path, forbidden: int) -> None:
    about = path.lstat()
    if about.st_uid != os.geteuid():
        raise PermissionError(0, "it belongs to another user", str(path))
    if stat.S_ISLNK(about.st_mode):
        raise PermissionError(0, "it is a link, which may be turned elsewhere", str(path))
    if about.st_mode & forbidden:
        may = "write" if about.st_mode & _OTHERS_WRITE else "read"
        raise PermissionError(
            0, f"others may {may} it; take that from them (chmod go=), or delete it", str(path)
        )


def _key_in(folder: Path, *, make: bool) -> bytes | None:
    """Read the key, or make one; whoever is first makes it."""
    path = folder / _KEY_NAME
    if make and not path.exists():
        _write(folder, _KEY_NAME, secrets.token_bytes(_KEY_BYTES), replace=False)
    try:
        _must_be_ours(path, _OTHERS)
        key = _read(path)
    except FileNotFoundError:
        return None
    if len(key) != _KEY_BYTES:
        raise PermissionError(0, f"its key has {len(key)} bytes; delete the folder")
    return key


def _read(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(fd, "rb") as file:  # noqa: PTH123  a descriptor
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise PermissionError(0, "it is no plain file")
        return file.read(_HEAD + wire.MAX_BYTES + 1)


def _write(folder: Path, name: str, data: bytes, *, replace: bool = True) -> None:
    """Write a file that nobody sees before it is whole, readable by this user alone."""
    fd, made = tempfile.mkstemp(prefix=".", suffix=".new", dir=folder)
    try:
        with open(fd, "wb") as file:  # noqa: PTH123  a descriptor
            file.write(data)
        if replace:
            Path(made).replace(folder / name)
            return
        with contextlib.suppress(FileExistsError):
            (folder / name).hardlink_to(made)
        Path(made).unlink()
    except BaseException:
        with contextlib.suppress(OSError):
            Path(made).unlink()
        raise

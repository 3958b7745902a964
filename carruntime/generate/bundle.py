"""One file with a program and all that is known of where it came from.

A bundle is JSON. It is data from outside, like the program in it: its size is capped before it is
read, its digests are recomputed, every field that is used has its type checked, and nothing in it
is a path, a setting or code for the host. `carruntime.load` takes the source out of it and treats
that as it treats any other source; verdicts and answers in it are what somebody says they were.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from carruntime.generate.errors import BundleError, GenerateError
from carruntime.generate.files import MAX_JSON_BYTES, read_json, to_text, write_whole

__all__ = ["FORMAT", "Bundle", "is_bundle", "make_bundle", "program_in", "read_bundle", "versions"]

FORMAT: Final = "carruntime-bundle/1"
_START: Final = re.compile(rb'\s*\{\s*"format"\s*:\s*"carruntime-bundle/')
_ORIGINS: Final = frozenset({"endpoint", "exchange", "authored"})
_FIELDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "source": str,
    "source_digest": str,
    "env_id": str,
    "style": str,
    "end": str,
    "chosen": (str, type(None)),
    "task": str,
    "subtasks": list,
    "pictures": list,
    "prompts": dict,
    "model": dict,
    "usage": dict,
    "versions": dict,
    "settings": dict,
    "candidates": list,
    "exchanges": list,
    "verdict": (dict, type(None)),
    "findings": list,
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in memory.

    Attributes:
        data: Its fields as plain data, checked.
        name: Where it was read from, for messages.
    """

    data: Mapping[str, Any]
    name: str = "<bundle>"

    @property
    def source(self) -> str:
        """The program; empty where the run found none."""
        return str(self.data["source"])

    @property
    def env_id(self) -> str:
        """The environment that it was written for."""
        return str(self.data["env_id"])

    @property
    def end(self) -> str:
        """What verification said when it was made: ``"accepted"``, say."""
        return str(self.data["end"])

    @property
    def origins(self) -> tuple[str, ...]:
        """Who answered: ``"endpoint"``, ``"exchange"``, ``"authored"``."""
        return tuple(sorted({str(item["answer"]["origin"]) for item in self.data["exchanges"]}))

    def candidate(self, name: str) -> Mapping[str, Any] | None:
        """Give a candidate by its id."""
        return next((item for item in self.data["candidates"] if item.get("id") == name), None)

    def ancestors(self, name: str | None) -> list[Mapping[str, Any]]:
        """Give a candidate and all that it was made from, the last first."""
        found: dict[str, Mapping[str, Any]] = {}
        waiting = [name] if name is not None else []
        while waiting:
            item = self.candidate(waiting.pop(0))
            if item is not None and item["id"] not in found:
                found[item["id"]] = item
                waiting += [one for one in item["parents"] if isinstance(one, str)]
        return list(found.values())

    def to_text(self) -> str:
        """Give the file's text; the same for the same data."""
        return _to_text(self.data)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            GenerateError: If it cannot be written.
        """
        write_whole(path, self.to_text(), "the bundle")


def make_bundle(fields: Mapping[str, Any]) -> Bundle:
    """Make a bundle of its fields, digests added."""
    data = {name: fields[name] for name in _FIELDS if name != "source_digest"}
    data["source_digest"] = _sha(data["source"])
    plain = json.loads(_to_text(data))
    return Bundle({name: plain[name] for name in _FIELDS})


def is_bundle(data: bytes) -> bool:
    """Whether bytes say of themselves that they are a bundle."""
    return _START.match(data[:200]) is not None


def read_bundle(source: Path | bytes, name: str = "") -> Bundle:
    """Read a bundle from outside.

    Args:
        source: A path, or the bytes of the file.
        name: For messages, where bytes are given.

    Raises:
        BundleError: If it cannot be read, is none, is damaged, or of another version.
    """
    name = str(source) if isinstance(source, Path) else name or "<bundle>"
    if isinstance(source, Path):
        try:
            with source.open("rb") as stream:
                source = stream.read(MAX_JSON_BYTES + 1)
        except OSError as error:
            raise BundleError(
                f"bundle {name}: cannot be read: {error.strerror or error}; want a file that "
                "carruntime generate wrote"
            ) from error
    try:
        data = read_json(source, f"bundle {name}")
    except GenerateError as error:
        raise BundleError(str(error)) from None
    if not isinstance(data, dict) or not isinstance(data.get("format"), str):
        raise BundleError(f"bundle {name}: no bundle: it has no format; want {FORMAT}")
    if data["format"] != FORMAT:
        raise BundleError(
            f"bundle {name}: of format {data['format'][:40]!r}; this version reads {FORMAT}: take the "
            "version of carruntime that wrote it"
        )
    problems = list(_problems(data))
    if problems:
        raise BundleError(f"bundle {name}: damaged: {'; '.join(problems[:5])}; take it as written")
    return Bundle({key: data[key] for key in _FIELDS}, name)


def versions() -> dict[str, str]:
    """Give the versions that a bundle records."""
    from carruntime.generate.contract import CONTRACT_VERSION
    from sandbox import dialect

    found = {
        "contract": str(CONTRACT_VERSION),
        "dialect": str(dialect.VERSION),
        "dialect_digest": dialect.digest(),
        "python": platform.python_version(),
    }
    for name in ("carruntime", "numpy", "gymnasium", "minigrid"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _problems(data: Mapping[str, Any]) -> Iterator[str]:
    missing = [name for name in _FIELDS if name not in data]
    if missing:
        yield f"no {', '.join(missing)}"
        return
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(data[name], kind)]
    if wrong:
        yield f"{', '.join(wrong)} of the wrong type"
        return
    if data["source_digest"] != _sha(data["source"]):
        yield "the source is not that of its digest"
    if data.get("digest") != _digest({key: data[key] for key in _FIELDS}):
        yield "it is not what its digest says; it was changed after it was written"
    for item in data["candidates"]:
        if not _is_candidate(item):
            yield "a candidate of the wrong form"
            return
    for item in data["exchanges"]:
        if not _is_exchange(item):
            yield "an exchange of the wrong form"
            return
        answer = item["answer"]
        if answer.get("digest") != _sha(answer["text"]):
            yield "an answer is not that of its digest"
            return


def _is_candidate(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("parents"), list):
        return False
    texts = ("id", "part", "ending", "source", "program", "request")
    return all(isinstance(item.get(key), str) for key in texts) and isinstance(
        item.get("judged"), dict | None
    )


def _is_exchange(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    request, answer = item.get("request"), item.get("answer")
    if not isinstance(request, dict) or not isinstance(answer, dict):
        return False
    return (
        all(isinstance(request.get(key), str) for key in ("digest", "purpose", "system", "text"))
        and isinstance(answer.get("text"), str)
        and answer.get("origin") in _ORIGINS
    )


def _to_text(data: Mapping[str, Any]) -> str:
    """Put format and digest in front."""
    fields = {key: data[key] for key in _FIELDS}
    return to_text({"format": FORMAT, "digest": _digest(fields), **fields})


def _digest(fields: Mapping[str, Any]) -> str:
    return _sha(to_text(fields))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def program_in(data: bytes, name: str) -> bytes:
    """Give the source in the bytes of a bundle, for `carruntime.load`.

    Raises:
        BundleError: If the bundle cannot be used, or holds no program.
    """
    bundle = read_bundle(data, name)
    if not bundle.source.strip():
        raise BundleError(
            f"bundle {name}: holds no program, for its run found none; carruntime inspect tells why"
        )
    return bundle.source.encode("utf-8", "surrogatepass")

"""Trajectories in one file: seeds, actions, observations, states and truths, but no frames.

The file is a zip of NumPy arrays (``.npz``) in which the episodes of a set follow each other, with a
JSON header that says where each begins, what it was, and the SHA-256 of every array. Reading takes
nothing on trust: no pickle is ever loaded, every array must be what the header says, and the
episodes are checked by `Trajectory` as if they had just been recorded. Writing goes to a file
beside the target that takes its name at the end, so that a reader never meets half of one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import CarruntimeError, TrajectoryFileError
from carruntime.files import replaced
from carruntime.trajectory import Observations, Trajectory, TrajectorySet

__all__ = ["FORMAT", "VERSION", "load", "save"]

FORMAT = "carruntime-trajectories"
VERSION = 1
_HEADER = "header"
_PLAIN_KINDS = "biuf"


def save(trajectories: TrajectorySet, path: Path) -> Path:
    """Write a set to a file; see `TrajectorySet.save`."""
    arrays = _Arrays()
    items = trajectories.trajectories
    if not items:
        raise TrajectoryFileError(f"{path}: nothing to save; collect some episodes first")
    facts = sorted({name for item in items for name in item.facts})
    states = sorted({name for item in items for name in item.states})
    try:
        header: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "env_id": trajectories.env_id,
            "policy": trajectories.policy,
            "horizon": trajectories.horizon,
            "episodes": [
                {
                    "length": len(item),
                    "seed": item.seed,
                    "success": item.success,
                    "policy": item.policy,
                    "env_id": item.env_id,
                    "provenance": dict(item.provenance),
                    "facts": sorted(item.facts),
                    "states": sorted(item.states),
                }
                for item in items
            ],
            "observations": arrays.add("observation", [item.observations for item in items]),
            "actions": arrays.add("action", [item.actions for item in items]),
            "rewards": arrays.add("reward", [item.rewards for item in items]),
            "terminated": arrays.add("terminated", [item.terminated for item in items]),
            "truncated": arrays.add("truncated", [item.truncated for item in items]),
            "facts": {
                name: arrays.add(f"fact.{name}", [i.facts[name] for i in items if name in i.facts])
                for name in facts
            },
            "states": {
                name: arrays.add(
                    f"state.{name}", [i.states[name] for i in items if name in i.states]
                )
                for name in states
            },
        }
    except _Unfit as error:
        raise TrajectoryFileError(f"{path}: {error}") from error
    header["digests"] = {name: _digest(array) for name, array in arrays.found.items()}
    text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
    try:
        _write(path, {_HEADER: text, **arrays.found})
    except OSError as error:
        raise TrajectoryFileError(
            f"{path}: cannot be written ({error.strerror or error}); want a path in a folder that "
            "is there and yours"
        ) from error
    return path


def load(path: Path) -> TrajectorySet:
    """Read a set from a file; see `TrajectorySet.load`."""
    try:
        # Opened here, because NumPy leaves a file open that it finds damaged.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise TrajectoryFileError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise TrajectoryFileError(
            f"{path}: is no file of trajectories, or is damaged ({error}); save it again"
        ) from error
    except Exception as error:  # zlib.error and whatever else a damaged zip leads to
        raise TrajectoryFileError(f"{path}: is damaged ({error}); save it again") from error
    header = _header(path, found)
    for name, digest in header["digests"].items():
        if name not in found or _digest(found[name]) != digest:
            raise TrajectoryFileError(
                f"{path}: array {name!r} is {'not there' if name not in found else 'not what was saved'}; "
                "the file was changed or damaged: save it again"
            )
    try:
        return _rebuild(header, {name: found[name] for name in header["digests"]})
    except (CarruntimeError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise TrajectoryFileError(
            f"{path}: its header and its arrays do not fit together ({type(error).__name__}: "
            f"{error}); save it again"
        ) from error


def _header(path: Path, found: dict[str, NDArray[Any]]) -> dict[str, Any]:
    try:
        header = json.loads(found[_HEADER].tobytes())
        known = header["format"] == FORMAT
        version = int(header["version"])
        complete = isinstance(header["digests"], dict)
    except (KeyError, TypeError, ValueError) as error:
        raise TrajectoryFileError(
            f"{path}: is no file of trajectories; want what TrajectorySet.save wrote"
        ) from error
    if not known or not complete:
        raise TrajectoryFileError(f"{path}: is no file of trajectories; its format is another one")
    if version != VERSION:
        raise TrajectoryFileError(
            f"{path}: version {version} of the format, this release reads version {VERSION}; record "
            "the episodes again, or use the release that wrote it"
        )
    return dict(header)


class _Unfit(ValueError):  # noqa: N818 - never leaves this module
    """Episodes cannot share one column."""


@dataclass(slots=True)
class _Arrays:
    """Columns by name, with all episodes one after the other."""

    found: dict[str, NDArray[Any]] = field(default_factory=dict)

    def add(self, name: str, trees: Sequence[Observations]) -> dict[str, Any]:
        """Add a column and give its layout: an array, texts, or a dict or tuple of layouts."""
        first = trees[0]
        if isinstance(first, dict):
            return {"dict": {k: self.add(f"{name}.{k}", [t[k] for t in trees]) for k in first}}
        if isinstance(first, tuple) and not (first and isinstance(first[0], str)):
            parts = range(len(first))
            return {"tuple": [self.add(f"{name}.{i}", [t[i] for t in trees]) for i in parts]}
        if isinstance(first, tuple):
            texts = [text for tree in trees for text in tree]
            table = {text: index for index, text in enumerate(dict.fromkeys(texts))}
            self.found[name] = np.array([table[text] for text in texts], dtype=np.uint32)
            return {"texts": name, "table": list(table)}
        columns = [np.asarray(tree) for tree in trees]
        forms = sorted({(str(each.dtype), each.shape[1:]) for each in columns})
        if len(forms) > 1:
            raise _Unfit(
                f"{name} is {forms[0][0]} {forms[0][1]} in one episode and {forms[1][0]} "
                f"{forms[1][1]} in another; want one form, as one space gives: save them apart"
            )
        if columns[0].dtype.kind not in _PLAIN_KINDS:
            raise _Unfit(
                f"{name} has dtype {columns[0].dtype}, which cannot be stored; want numbers, "
                "truths or text"
            )
        self.found[name] = np.concatenate(columns)
        return {"array": name}


def _rebuild(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> TrajectorySet:
    episodes = header["episodes"]
    lengths = [int(item["length"]) for item in episodes]
    seen = np.concatenate([[0], np.cumsum([length + 1 for length in lengths])])
    acted = np.concatenate([[0], np.cumsum(lengths)])

    def total(name: str, wanted: int) -> None:
        if len(arrays[name]) != wanted:
            raise ValueError(f"{name} has {len(arrays[name])} entries, want {wanted}")

    for layout, wanted in ((header["observations"], seen[-1]), (header["actions"], acted[-1])):
        for name in _names(layout):
            total(name, int(wanted))
    places: dict[tuple[str, str], int] = {}
    out = []
    for index, item in enumerate(episodes):
        observed = slice(int(seen[index]), int(seen[index + 1]))
        steps = slice(int(acted[index]), int(acted[index + 1]))
        named: dict[str, dict[str, Any]] = {"facts": {}, "states": {}}
        for group, chosen in named.items():
            for name in item[group]:
                start = places.get((group, name), 0)
                stop = places[group, name] = start + lengths[index] + 1
                chosen[name] = _piece(header[group][name], arrays, slice(start, stop))
        out.append(
            Trajectory(
                observations=_piece(header["observations"], arrays, observed),
                actions=_piece(header["actions"], arrays, steps),
                rewards=_piece(header["rewards"], arrays, steps),
                terminated=_piece(header["terminated"], arrays, steps),
                truncated=_piece(header["truncated"], arrays, steps),
                success=item["success"],
                seed=item["seed"],
                policy=item["policy"],
                env_id=item["env_id"],
                provenance=item["provenance"],
                facts=named["facts"],
                states=named["states"],
            )
        )
    return TrajectorySet(
        trajectories=tuple(out),
        env_id=header["env_id"],
        policy=header["policy"],
        horizon=header["horizon"],
    )


def _names(layout: dict[str, Any]) -> list[str]:
    if "dict" in layout:
        return [name for part in layout["dict"].values() for name in _names(part)]
    if "tuple" in layout:
        return [name for part in layout["tuple"] for name in _names(part)]
    return [layout["array"] if "array" in layout else layout["texts"]]


def _piece(layout: dict[str, Any], arrays: dict[str, NDArray[Any]], span: slice) -> Any:
    if "dict" in layout:
        return {key: _piece(part, arrays, span) for key, part in layout["dict"].items()}
    if "tuple" in layout:
        return tuple(_piece(part, arrays, span) for part in layout["tuple"])
    if "texts" in layout:
        return tuple(layout["table"][code] for code in arrays[layout["texts"]][span])
    return arrays[layout["array"]][span]


def _digest(array: NDArray[Any]) -> str:
    form = f"{array.dtype.str} {array.shape} "
    return sha256(form.encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _write(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with replaced(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

"""Inputs on which a program is tried before it is used.

A probe batch has two uses: to see which components a program pays, and to compare the tiers. Both
need its branches to be reached, and those hang on the program's own numbers and words. So values
are drawn from the bounds of each leaf, from the constants of the source and their neighbours, and
from rows where little or nothing changes between one observation and the next. Texts are its own
strings and the words of its documentation, put together. Everything is drawn from a seed: the same
program always meets the same batch.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.plan import Plan
from sandbox.probe_frames import PICTURE_ROWS, changed_frames, draw_frames, is_picture
from sandbox.schema import ArraySpec, Column, Schema

__all__ = ["Batch", "probe_batches", "probe_inputs"]

ROWS: Final = 192
EPISODES: Final = 24
STEPS: Final = 8
_BEFORE: Final = "obs"
_AFTER: Final = "next_obs"
_FIRST: Final = "initial_obs"
_FRAME: Final = "frame"
_OTHER_FRAMES: Final = ("prev_frame", "initial_frame")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]*")
_MAX_TEXTS: Final = 64

Batch = dict[str, NDArray[Any]]
"""Columns by name, text lengths included."""


@dataclass(frozen=True, slots=True)
class _Constants:
    """Numbers and texts of a source."""

    numbers: NDArray[np.float64]
    texts: tuple[str, ...]


def probe_inputs(schema: Schema, tree: ast.Module, rows: int = ROWS, seed: int = 0) -> Batch:
    """Draw a batch of unrelated rows.

    Args:
        schema: The slots a program reads.
        tree: Where its constants are found.
        rows: Number of rows; the first few are edges (zeros, least, greatest, no change).
        seed: Same seed, same batch.

    Returns:
        All columns of the schema.
    """
    rng = np.random.default_rng(seed)
    constants = _constants(tree)
    found: Batch = {}
    columns = list(schema.columns())
    style = rng.random(rows)
    _draw_frames(columns, rows, rng, found)
    for column in columns:
        if column.slot in (_AFTER, _FIRST) or column.name in found:
            continue
        found.update(_column(column, rows, rng, constants, style))
    for column in columns:
        if column.slot not in (_AFTER, _FIRST):
            continue
        twin = column.name.replace(column.slot, _BEFORE, 1)
        if twin not in found and column.slot == _FIRST:
            twin = column.name.replace(column.slot, _AFTER, 1)
        if twin not in found:
            found.update(_column(column, rows, rng, constants, style))
        else:
            drawn = _column(column, rows, rng, constants, style)
            found.update(_changed(column, twin, found, drawn, rng))
    return found


def probe_batches(plan: Plan, tree: ast.Module, seed: int = 0) -> list[Batch]:
    """Draw what a program is tried on: one batch, or the steps of some episodes.

    Within an episode ``next_obs`` of a step is ``obs`` of the next, as it will be.
    """
    schema = plan.schema
    sees = any(is_picture(column.spec) for column in schema.columns())
    if not plan.stateful:
        return [probe_inputs(schema, tree, PICTURE_ROWS if sees else ROWS, seed)]
    episodes = PICTURE_ROWS // STEPS if sees else EPISODES
    batches: list[Batch] = []
    for step in range(STEPS):
        batch = probe_inputs(schema, tree, episodes, seed * STEPS + step)
        if batches:
            before = batches[-1]
            _follow_frames(batch, before)
            for name in batch:
                slot = name.partition("/")[0]
                if slot.partition("#")[0] == _BEFORE:
                    after = name.replace(_BEFORE, _AFTER, 1)
                    if after in before:
                        batch[name] = before[after].copy()
                elif slot.partition("#")[0] == _FIRST:
                    batch[name] = batches[0][name].copy()
            if "t" in batch:
                batch["t"][...] = step
        else:
            for name in batch:
                if name.partition("/")[0].partition("#")[0] == _FIRST:
                    twin = name.replace(_FIRST, _BEFORE, 1)
                    if twin in batch:
                        batch[name] = batch[twin].copy()
            if "t" in batch:
                batch["t"][...] = 0
        if batches:
            _settle(schema, batch, step)
        batches.append(batch)
    return batches


def _draw_frames(columns: list[Column], rows: int, rng: np.random.Generator, found: Batch) -> None:
    """Draw the frames of each row; the earlier ones are like the one after the action."""
    wanted = [column for column in columns if column.slot in (_FRAME, *_OTHER_FRAMES)]
    if not wanted:
        return
    last = draw_frames(rows, wanted[0].spec.shape, rng)
    for column in wanted:
        found[column.name] = last if column.slot == _FRAME else changed_frames(last, rng)


def _follow_frames(batch: Batch, before: Batch) -> None:
    """Let the frames of a step follow on those of the step before."""
    first, earlier = _OTHER_FRAMES[1], _OTHER_FRAMES[0]
    if first in batch:
        batch[first] = before[first].copy()
    if _FRAME in batch:
        rng = np.random.default_rng(int(batch[_FRAME].sum() % (1 << 32)))
        batch[_FRAME] = changed_frames(before[_FRAME], rng)
        if earlier in batch:
            batch[earlier] = before[_FRAME].copy()


def _settle(schema: Schema, batch: Batch, step: int) -> None:
    """Make the next observation a small change of this one, as steps of an episode are."""
    rng = np.random.default_rng(step)
    for column in schema.columns():
        if column.slot != _AFTER or column.spec.kind == "text":
            continue
        twin = column.name.replace(_AFTER, _BEFORE, 1)
        if twin in batch:
            new, old = batch[column.name], batch[twin]
            keep = rng.random(new.shape) < rng.choice([0.5, 0.9, 0.98])
            batch[column.name] = np.where(keep, old, new)
    for column in schema.columns():
        if column.slot == _AFTER and column.spec.kind == "text":
            twin = column.name.replace(_AFTER, _BEFORE, 1)
            if twin in batch:
                batch[column.name] = batch[twin].copy()
                batch[f"{column.name}#len"] = batch[f"{twin}#len"].copy()


# --- constants --------------------------------------------------------------------------------


def _constants(tree: ast.Module) -> _Constants:
    numbers: dict[float, None] = {0.0: None, 1.0: None}
    texts: dict[str, None] = {}
    words: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, bool):
                continue
            if isinstance(value, int | float):
                if abs(value) < 1e300:
                    numbers[float(value)] = None
            elif isinstance(value, str):
                texts[value] = None
                words.update(dict.fromkeys(_WORD.findall(value)[:64]))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = node.operand
            if isinstance(inner, ast.Constant) and isinstance(inner.value, int | float):
                numbers[-float(inner.value)] = None
    found = np.array(list(numbers)[:256], dtype=np.float64)
    return _Constants(found, tuple(_texts(list(texts), list(words))))


def _texts(texts: list[str], words: list[str]) -> Iterator[str]:
    """Give the program's own texts, parts of sentences with its words, and sentences of words."""
    made: dict[str, None] = {"": None}
    short = [text for text in texts if 0 < len(text) <= 120 and "\n" not in text]
    made.update(dict.fromkeys(short[:24]))
    rng = np.random.default_rng(len(words))
    names = [text for text in short if " " not in text.strip()] or words
    for text in short:
        if " " in text and names:
            made[f"{text} {names[int(rng.integers(len(names)))]}".strip()] = None
            made[" ".join([*text.split(), *rng.choice(names, 2)])] = None
    pool = words[:48] or ["go"]
    while len(made) < _MAX_TEXTS:
        count = int(rng.integers(1, 9))
        made[" ".join(rng.choice(pool, count))] = None
        if len(pool) == 1:
            break
    return iter(list(made)[:_MAX_TEXTS])


# --- columns ----------------------------------------------------------------------------------


def _column(
    column: Column,
    rows: int,
    rng: np.random.Generator,
    constants: _Constants,
    style: NDArray[np.float64],
) -> Batch:
    spec = column.spec
    if spec.kind == "text":
        return _text_column(column, rows, rng, constants)
    if is_picture(spec):
        return {column.name: draw_frames(rows, spec.shape, rng)}
    values = _numbers((rows, *spec.shape), spec, rng, constants, style)
    return {column.name: values}


def _text_column(
    column: Column, rows: int, rng: np.random.Generator, constants: _Constants
) -> Batch:
    (width,) = column.spec.shape
    slots = np.zeros((rows, width), np.uint8)
    lengths = np.zeros(rows, np.int32)
    for row in range(rows):
        text = constants.texts[int(rng.integers(len(constants.texts)))]
        data = text.encode()[:width]
        data = data.decode(errors="ignore").encode()
        slots[row, : len(data)] = np.frombuffer(data, np.uint8)
        lengths[row] = len(data)
    return {column.name: slots, f"{column.name}#len": lengths}


def _numbers(
    shape: tuple[int, ...],
    spec: ArraySpec,
    rng: np.random.Generator,
    constants: _Constants,
    style: NDArray[np.float64],
) -> NDArray[Any]:
    dtype = np.dtype(spec.dtype)
    rows = shape[0]
    low, high = _range(spec, dtype)
    if dtype.kind == "b":
        values: NDArray[Any] = rng.random(shape) < 0.5
    else:
        values = _uniform(shape, spec, rng, low, high)
        own = _own(constants.numbers, dtype, low, high)
        if own.size:
            # Part of the elements are the program's own numbers, or just beside them.
            share = np.where(style < 0.5, 0.5, 0.1).reshape((rows,) + (1,) * (len(shape) - 1))
            chosen = rng.choice(own, shape)
            if dtype.kind == "f":
                scale = np.maximum(np.abs(chosen), 1.0)
                beside = rng.choice([0.0, 0.0, 1e-6, -1e-6, 0.05, -0.05], shape)
                chosen = np.clip(chosen + scale * beside, low, high)
            values = np.where(rng.random(shape) < share, chosen, values)
    values = values.astype(dtype)
    for row, edge in enumerate((0.0, low, high, low, high)[: min(rows, 5)]):
        values[row] = _cast(edge, dtype)
    return values


def _range(spec: ArraySpec, dtype: np.dtype[Any]) -> tuple[float, float]:
    """Give bounds from which values are drawn, whatever the leaf leaves open."""
    if dtype.kind == "b":
        return 0.0, 1.0
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low = max(spec.low, float(info.min)) if isfinite(spec.low) else max(-100.0, info.min)
        high = min(spec.high, float(info.max)) if isfinite(spec.high) else min(100.0, info.max)
        return float(low), float(high)
    low = spec.low if isfinite(spec.low) else -1e4
    high = spec.high if isfinite(spec.high) else 1e4
    return max(low, -1e30), min(high, 1e30)


def _uniform(
    shape: tuple[int, ...], spec: ArraySpec, rng: np.random.Generator, low: float, high: float
) -> NDArray[Any]:
    open_ended = not (isfinite(spec.low) and isfinite(spec.high))
    if np.dtype(spec.dtype).kind in "iu":
        # Large ranges mostly hold small numbers: kinds of objects, counts.
        wide = rng.integers(int(low), int(high), shape, endpoint=True)
        small = rng.integers(int(low), int(min(high, low + 12)), shape, endpoint=True)
        pick = rng.random((shape[0],) + (1,) * (len(shape) - 1)) < 0.7
        mixed: NDArray[Any] = np.where(pick & (high - low > 12), small, wide)
        return mixed
    flat = rng.uniform(low, high, shape) if high - low < 1e6 else rng.normal(0.0, 1.0, shape)
    if not open_ended:
        near = rng.normal(0.0, 0.05, shape) * (high - low)
        pick = rng.random((shape[0],) + (1,) * (len(shape) - 1)) < 0.3
        inside: NDArray[Any] = np.clip(np.where(pick, near, flat), low, high)
        return inside
    scale = rng.choice([0.01, 0.1, 1.0, 10.0], (shape[0],) + (1,) * (len(shape) - 1))
    drawn: NDArray[Any] = np.clip(rng.normal(0.0, 1.0, shape) * scale, low, high)
    return drawn


def _own(
    numbers: NDArray[np.float64], dtype: np.dtype[Any], low: float, high: float
) -> NDArray[np.float64]:
    inside: NDArray[np.float64] = numbers[(numbers >= low) & (numbers <= high)]
    if dtype.kind in "iu":
        whole = inside[inside == np.round(inside)]
        around = np.unique(np.concatenate([whole, whole + 1, whole - 1]))
        kept: NDArray[np.float64] = around[(around >= low) & (around <= high)]
        return kept
    return inside


def _cast(value: float, dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return min(max(int(value), int(info.min)), int(info.max))
    return dtype.type(value)


def _changed(
    column: Column, twin: str, found: Batch, drawn: Batch, rng: np.random.Generator
) -> Batch:
    """Give the observation after: often the one before with a few elements changed."""
    if column.spec.kind == "text":
        keep = rng.random(len(found[twin])) < 0.8
        slots = np.where(keep[:, None], found[twin], drawn[column.name])
        lengths = np.where(keep, found[f"{twin}#len"], drawn[f"{column.name}#len"])
        return {column.name: slots, f"{column.name}#len": lengths}
    before, new = found[twin], drawn[column.name]
    rows = len(before)
    kept_share = rng.choice([0.0, 0.8, 0.97, 1.0], rows, p=[0.35, 0.3, 0.25, 0.1])
    kept_share[: min(rows, 5)] = (1.0, 0.0, 0.0, 1.0, 1.0)[: min(rows, 5)]
    if rows > 5:
        new[3:5] = new[3:5][::-1]  # least to greatest and back
        kept_share[3:5] = 0.0
    keep = rng.random(before.shape) < kept_share.reshape((rows,) + (1,) * (before.ndim - 1))
    return {column.name: np.where(keep, before, new).astype(new.dtype)}

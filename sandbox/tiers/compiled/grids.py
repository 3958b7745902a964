"""Sets and dicts whose keys depend on the data: one place for each key that is possible.

A key is a whole number or a tuple of them, and the front end knows the range of each (cells of an
image, truth values, directions). If the ranges give few enough keys, the set is an array of truth
values, and the dict has an array of its values beside it. The order of such keys is not known, so
they are only looked up, counted and stored, never gone over.
"""

from __future__ import annotations

from typing import Final

from sandbox.tiers.compiled.core import FLOATS, Atom, Set, Store
from sandbox.tiers.compiled.iteration import Iteration
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.values import (
    Bounds,
    DictCell,
    GridCell,
    Num,
    Ref,
    SetCell,
    Tup,
    Value,
    boolean,
    integer,
)

__all__ = ["Grids", "join_bounds"]

_MOST_KEYS: Final = 4_096


class Grids(Iteration):
    """Operations on `GridCell`."""

    grids: list[bool] | None = None
    """Gets an entry where a grid is made."""

    def key_bounds(self, key: Value) -> tuple[Bounds, bool] | None:
        """Give the range of each part of a key, and whether it is a plain number."""
        parts = key.items if isinstance(key, Tup) else (key,)
        found = []
        for part in parts:
            if not isinstance(part, Num) or part.ty in FLOATS:
                return None
            found.append((part.low, part.high))
        return tuple(found), not isinstance(key, Tup)

    def grid_size(self, bounds: Bounds) -> int:
        """Count the keys that are possible; more than some are refused."""
        size = 1
        for low, high in bounds:
            size *= high - low + 1
        if size > _MOST_KEYS:
            raise self.refuse(
                "CMP201", "keys that depend on the data and may have more than 4096 values"
            )
        return size

    @staticmethod
    def few_keys(bounds: Bounds) -> bool:
        """Whether a grid may have so many keys."""
        size = 1
        for low, high in bounds:
            size *= high - low + 1
        return size <= _MOST_KEYS

    def grid_place(self, grid: GridCell, key: Value) -> tuple[Atom, Atom]:
        """Give the place of a key, and whether it is one of the possible ones."""
        bounds = self.key_bounds(key)
        if bounds is None or bounds[1] is not grid.plain or len(bounds[0]) != len(grid.bounds):
            # Another kind of key is never in, except that numbers of other types may be equal.
            raise self.refuse("CMP210", "keys of different kinds in one container")
        parts = key.items if isinstance(key, Tup) else (key,)
        place: Atom = i64(0)
        inside: Atom = TRUE
        for part, (low, high) in zip(parts, grid.bounds, strict=True):
            assert isinstance(part, Num)
            atom = self.cast(part.atom, "i64")
            if part.low < low or part.high > high:
                above = self.op("ge", "b1", atom, i64(low))
                below = self.op("le", "b1", atom, i64(high))
                here = self.both(above, below)
                inside = self.both(inside, here)
                atom = self.op("select", "i64", here, atom, i64(low))
            step = self.op("sub", "i64", atom, i64(low))
            place = self.op("mul", "i64", place, i64(high - low + 1))
            place = self.op("add", "i64", place, step)
        return place, inside

    def grid_has(self, grid: GridCell, key: Value) -> Num:
        """Compute ``key in grid``."""
        place, inside = self.grid_place(grid, key)
        return boolean(self.both(inside, self.load(grid.region, place)))

    def grid_length(self, grid: GridCell) -> Num:
        """Compute ``len(grid)``."""
        size = self.grid_size(grid.bounds)
        total = self.accumulate("i64", i64(0))

        def turn(index: Atom) -> None:
            one = self.cast(self.load(grid.region, index), "i64")
            self.emit(Set(total, self.op("add", "i64", total, one)))

        self.count(i64(size), turn)
        return integer(self.kept(total), 0, size)

    def grid_for(self, target: Ref, key: Value, value: Num | None) -> GridCell:
        """Give the grid of a container that is to hold a key; make or widen it where needed."""
        content = self.pt.heap[target.cell]
        found = self.key_bounds(key)
        if found is None:
            raise self.refuse("CMP201", "a set or dict with keys that depend on the data")
        bounds, plain = found
        if isinstance(content, GridCell):
            if content.plain is not plain or len(content.bounds) != len(bounds):
                raise self.refuse("CMP210", "keys of different kinds in one container")
            held = content.values
            if value is not None and held is not None and held[1:] != (value.ty, value.weak):
                raise self.refuse("CMP211", "a dict with values of different types")
            joined = join_bounds(content.bounds, bounds)
            if joined == content.bounds:
                return content
        elif isinstance(content, SetCell | DictCell):
            if isinstance(content, DictCell) and (content.factory or content.kind != "dict"):
                raise self.refuse("CMP203", "this kind of dict with keys that depend on the data")
            joined = bounds
            for entry in content.entries:
                other = self.key_bounds(entry[1])
                if other is None or other[1] is not plain or len(other[0]) != len(bounds):
                    raise self.refuse("CMP210", "keys of different kinds in one container")
                joined = join_bounds(joined, other[0])
        else:
            raise self.refuse("CMP202", "this container with keys that depend on the data")
        if self.grids is not None:
            self.grids.append(True)
        size = self.grid_size(joined)
        values = None
        if value is not None:
            if not isinstance(value.weak, bool):
                raise self.refuse("CMP211", "a dict with values of unknown kind")
            values = (self.scratch(value.ty, size), value.ty, value.weak)
        made = GridCell(joined, plain, self.scratch("b1", size), values, self.number())
        self.fill_grid(made, content)
        self.pt.heap[target.cell] = made
        return made

    def fill_grid(self, grid: GridCell, content: object) -> None:
        """Make a grid hold what another content holds."""
        size = self.grid_size(grid.bounds)
        self.count(i64(size), lambda k: self.emit(Store(grid.region, k, FALSE)))
        if isinstance(content, GridCell):
            self._copy_grid(grid, content)
            return
        assert isinstance(content, SetCell | DictCell)
        for entry in content.entries:
            place, _ = self.grid_place(grid, entry[1])
            self.emit(Store(grid.region, place, entry[2]))
        if isinstance(content, DictCell):
            for _, k, _, value in content.entries:
                place, _ = self.grid_place(grid, k)
                self._store_value(grid, place, value)

    def _store_value(self, grid: GridCell, place: Atom, value: Value) -> None:
        if grid.values is None:
            return
        region, ty, weak = grid.values
        if not isinstance(value, Num) or value.ty != ty or value.weak is not weak:
            raise self.refuse("CMP211", "a dict with values of different types")
        self.emit(Store(region, place, value.atom))

    def _copy_grid(self, grid: GridCell, source: GridCell) -> None:
        """Copy entries between grids of different ranges."""
        extents = [high - low + 1 for low, high in source.bounds]

        def turn(index: Atom) -> None:
            rest = index
            parts: list[Value] = []
            for extent, (low, high) in zip(reversed(extents), reversed(source.bounds), strict=True):
                here = self.op("mod", "i64", rest, i64(extent))
                rest = self.op("floordiv", "i64", rest, i64(extent))
                parts.insert(0, integer(self.op("add", "i64", here, i64(low)), low, high))
            key = parts[0] if source.plain else Tup(tuple(parts))
            place, _ = self.grid_place(grid, key)
            self.emit(Store(grid.region, place, self.load(source.region, index)))
            if grid.values is not None and source.values is not None:
                self.emit(Store(grid.values[0], place, self.load(source.values[0], index)))

        self.count(i64(self.grid_size(source.bounds)), turn)

    def grid_store(self, target: Ref, key: Value, value: Value | None) -> None:
        """Compute ``target.add(key)`` or ``target[key] = value``."""
        number_value = value
        if value is not None and not isinstance(value, Num):
            raise self.refuse("CMP211", "a dict with keys that depend on the data holds numbers")
        assert number_value is None or isinstance(number_value, Num)
        grid = self.grid_for(target, key, number_value)
        place, _ = self.grid_place(grid, key)
        self.emit(Store(grid.region, place, TRUE))
        if number_value is not None:
            self._store_value(grid, place, number_value)
        self.pt.heap[target.cell] = GridCell(
            grid.bounds, grid.plain, grid.region, grid.values, self.number()
        )

    def grid_discard(self, target: Ref, grid: GridCell, key: Value) -> None:
        """Compute ``target.discard(key)``."""
        place, inside = self.grid_place(grid, key)
        old = self.load(grid.region, place)
        self.emit(Store(grid.region, place, self.both(old, self.inverse(inside))))
        self.pt.heap[target.cell] = GridCell(
            grid.bounds, grid.plain, grid.region, grid.values, self.number()
        )

    def grid_value(self, grid: GridCell, place: Atom) -> Num:
        """Read the value of a key that is present."""
        assert grid.values is not None
        region, ty, weak = grid.values
        atom = self.load(region, place)
        if ty in FLOATS:
            return Num(atom, weak)
        return integer(atom) if ty == "i64" and weak else self.numpy_result(atom)


def join_bounds(a: Bounds, b: Bounds) -> Bounds:
    """Give the ranges that hold both."""
    return tuple((min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))

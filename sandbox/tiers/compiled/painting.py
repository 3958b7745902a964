"""OpenCV that draws into an image: filled and thin polygons, rectangles and circles.

What is drawn into is the program's own array. A frame that is drawn into is copied first, and the
copy and the drawing fall away where nobody looks at them afterwards.
"""

from __future__ import annotations

from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Place, Set, Store
from sandbox.tiers.compiled.outlines import ROOM, TOP, Outlines
from sandbox.tiers.compiled.pictures import Given
from sandbox.tiers.compiled.points import TRUE, i64
from sandbox.tiers.compiled.values import (
    Arr,
    Buffer,
    ListCell,
    Num,
    Points,
    Ref,
    SeqCell,
    Tup,
    Value,
    boolean,
    number,
)

__all__ = ["Painting"]

_FAR: Final = 1 << 14
_PATHS: Final = 1_024
"""Polygons that are drawn at once."""
_CORNERS: Final = 8_192
"""Points of all of them."""
_NO_SCALAR: Final = ("b1", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32")


class Painting(Outlines):
    """Functions of OpenCV that draw."""

    def canvas(self, value: Value | None) -> tuple[Arr, Place]:
        """Give what is drawn into: an array of bytes of its own, as [H, W, channels]."""
        if not isinstance(value, Arr) or value.ty != "u8" or len(value.shape) not in (2, 3):
            raise self.refuse("CMP531", f"drawing into {self.told(value)}; want a uint8 array")
        if len(value.shape) == 3 and value.shape[2] != 3:
            raise self.refuse("CMP531", "drawing into an image of other than 1 or 3 channels")
        if value.view is not None or value.size <= 16:
            raise self.refuse("CMP531", "drawing into a part of an image")
        target = self.writable(value)
        content = self.pt.heap[target.cell]
        assert isinstance(content, Buffer)
        shape = (*value.shape, 1) if len(value.shape) == 2 else value.shape
        return target, Place(content.region, i64(0), tuple(i64(size) for size in shape), True)

    def painted(self, target: Arr, kernel: str, *args: Atom | Place, sure: bool = False) -> Arr:
        """Call a kernel that draws, and note that the image was written.

        Args:
            target: What is drawn into.
            kernel: Its name.
            args: What it is given.
            sure: Whether all that it may refuse has been checked.
        """
        result = self.invoke(kernel, *args)
        if not sure:
            self.only_where(boolean(self.op("ge", "b1", result, i64(0))))
        content = self.pt.heap[target.cell]
        assert isinstance(content, Buffer)
        self.pt.heap[target.cell] = Buffer(content.region, self.number())
        return target

    def shades(self, name: str, given: Given, channels: int) -> tuple[Atom, ...]:
        """Give a colour: three bytes of which the last are 0 where there is one channel."""
        value = given.get("color")
        if isinstance(value, Num):
            items: tuple[Value, ...] = (value,)
        else:
            found = None if value is None else self.bracketed(value)
            if found is None or not found:
                raise self.refuse("CMP532", f"a colour that is {self.told(value)}")
            items = found
        atoms: list[Atom] = []
        for item in items[:3]:
            known = self.readable(name, item, _NO_SCALAR, truth=True).const
            if known is None or not abs(known) < 1e6:
                raise self.refuse("CMP532", "a colour that depends on the data")
            atoms.append(i64(max(0, min(255, round(float(known))))))
        atoms += [i64(0)] * (3 - len(atoms))
        return tuple(atoms[:channels]) + (i64(0),) * (3 - channels)

    def corner(self, name: str, value: Value | None) -> tuple[Atom, Atom]:
        """Give a pixel's x and y."""
        items = None if value is None else self.bracketed(value)
        if items is None or len(items) != 2:
            raise self.refuse("CMP532", f"a corner that is {self.told(value)}")
        atoms = []
        for item in items:
            found = self.readable(name, item, ("b1", "f32", "f64"), truth=False)
            if found.ty in FLOATS:
                self.cv_error(name, "a coordinate is a float")
            atoms.append(self.near(self.cast(found.atom, "i64")))
        return atoms[0], atoms[1]

    def near(self, atom: Atom) -> Atom:
        """Leave rows with a coordinate far outside to the interpreted tier."""
        good = self.both(
            self.op("ge", "b1", atom, i64(-_FAR)), self.op("le", "b1", atom, i64(_FAR))
        )
        self.only_where(boolean(good))
        return atom

    def _line(self, name: str, given: Given) -> bool:
        """Whether something is filled; lines are one pixel wide."""
        thick = self.constant_of(given, "thickness", 1)
        if thick not in (-1, 1):
            raise self.refuse("CMP530", f"cv2.{name} with thickness {thick}")
        if self.constant_of(given, "lineType", 8) != 8 or self.constant_of(given, "shift", 0):
            raise self.refuse("CMP530", f"cv2.{name} with this kind of line")
        return thick == -1

    def _pay_stroke(self, name: str, target: Arr) -> None:
        long = target.shape[0] + target.shape[1]
        self.pay_for(name, elements=target.size, points=long // 8 + 8)

    def cv_rectangle(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("rectangle", args, keywords)
        filled = self._line("rectangle", given)
        target, place = self.canvas(given.get("img"))
        channels = 1 if len(target.shape) == 2 else 3
        self._pay_stroke("rectangle", target)
        first = self.corner("rectangle", given.get("pt1"))
        second = self.corner("rectangle", given.get("pt2"))
        colour = self.shades("rectangle", given, channels)
        return self.painted(
            target, "rectangle", place, *first, *second, TRUE if filled else number(False).atom,
            *colour, sure=True,
        )  # fmt: skip

    def cv_circle(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("circle", args, keywords)
        filled = self._line("circle", given)
        target, place = self.canvas(given.get("img"))
        self._pay_stroke("circle", target)
        x, y = self.corner("circle", given.get("center"))
        size = given.get("radius")
        if not isinstance(size, Num) or size.ty == "b1":
            raise self.refuse("CMP532", f"a radius that is {self.told(size)}")
        if size.ty in FLOATS:
            self.cv_error("circle", "the radius is a float")
        radius = self.near(self.cast(size.atom, "i64"))
        self.only_where(boolean(self.op("ge", "b1", radius, i64(0))))
        channels = 1 if len(target.shape) == 2 else 3
        colour = self.shades("circle", given, channels)
        return self.painted(
            target, "circle", place, x, y, radius, TRUE if filled else number(False).atom, *colour
        )

    # -- polygons

    def paths(
        self, name: str, value: Value | None, chosen: Value | None
    ) -> tuple[str, Atom, Atom, Atom]:
        """Lay polygons one after the other into the memory for points.

        Returns:
            Memory of where each begins, their number, the first point, the number of points.
        """
        starts = self.scratch("i64", _PATHS + 1)
        first = self.value_now(TOP)
        end = self.accumulate("i64", first)
        self.emit(Store(starts, i64(0), i64(0)))
        room = self.op("lt", "b1", first, i64(ROOM - _CORNERS))
        self.only_where(boolean(room))

        def add(k: Atom, item: Points) -> None:
            at = self.value_now(end)
            behind = self.op("add", "i64", at, item.length)
            taken = self.op("sub", "i64", behind, first)
            # Too many are counted all the same, and are not written.
            fits = self.op("le", "b1", taken, i64(_CORNERS))
            count = self.op("select", "i64", fits, item.length, i64(0))
            memory = self.memory()
            source = self.op("mul", "i64", item.start, i64(2))
            target = self.op("mul", "i64", at, i64(2))

            def move(j: Atom) -> None:
                atom = self.load(memory, self.op("add", "i64", source, j))
                self.emit(Store(memory, self.op("add", "i64", target, j), atom))

            self.count(self.op("mul", "i64", count, i64(2)), move)
            self.emit(Set(end, self.op("select", "i64", fits, behind, i64(2 * ROOM))))
            self.emit(Store(starts, self.op("add", "i64", k, i64(1)), taken))

        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(content, SeqCell):
            count, rule = self.sequence_rows(content)
            if chosen is not None and not (isinstance(chosen, Num) and chosen.const == -1):
                item = self.sequence_item(content, chosen, "index of a contour")
                assert isinstance(item, Points)
                add(i64(0), item)
                number_of: Atom = i64(1)
            else:
                self.only_where(boolean(self.op("le", "b1", count.atom, i64(_PATHS))))

                def each(k: Atom) -> None:
                    item = rule(k)
                    assert isinstance(item, Points)
                    add(k, item)

                self.count(count.atom, each)
                number_of = count.atom
        else:
            items = self._known_paths(name, value, chosen)
            for k, item in enumerate(items):
                add(i64(k), item)
            number_of = i64(len(items))
        stop = self.value_now(end)
        self.only_where(boolean(self.op("le", "b1", stop, i64(ROOM))))
        return starts, number_of, first, self.op("sub", "i64", stop, first)

    def _known_paths(self, name: str, value: Value | None, chosen: Value | None) -> list[Points]:
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(value, Tup):
            items: tuple[Value, ...] = value.items
        elif isinstance(content, ListCell) and content.length is None:
            items = content.items
        else:
            raise self.refuse("CMP532", f"cv2.{name} of {self.told(value)} in place of a list")
        if isinstance(chosen, Num):
            place = self.constant(chosen, "the index of a contour")
            if place >= len(items):
                raise self.refuse("CMP532", "the index of a contour that is not there")
            items = items if place < 0 else (items[place],)
        return [self._path(name, item) for item in items]

    def _path(self, name: str, value: Value) -> Points:
        """Give a polygon as points; an array of a few of them is written there."""
        if isinstance(value, Points):
            return value
        if not isinstance(value, Arr) or value.ty != "i32" or value.shape[-1:] != (2,):
            raise self.refuse("CMP531", f"cv2.{name} of {self.told(value)}")
        count = value.size // 2
        start, free = self.free_points()
        del free
        self.only_where(boolean(self.op("lt", "b1", start, i64(ROOM - count))))
        memory = self.memory()
        base = self.op("mul", "i64", start, i64(2))
        for k in range(value.size):
            atom = self.get_flat(value, i64(k))
            self.near(self.cast(atom, "i64"))
            self.emit(Store(memory, self.op("add", "i64", base, i64(k)), atom))
        return self.take_points(start, i64(count))

    def cv_fillPoly(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("fillPoly", args, keywords)
        self.only("fillPoly", given, "img", "pts", "color", "lineType", "shift")
        self._line("fillPoly", given)
        return self._polygons("fillPoly", given, "pts", "img", None, True)

    def cv_drawContours(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("drawContours", args, keywords)
        self.only("drawContours", given, "image", "contours", "contourIdx", "color",
                  "thickness", "lineType")  # fmt: skip
        filled = self._line("drawContours", given)
        chosen = given.get("contourIdx")
        if not isinstance(chosen, Num) or chosen.ty in FLOATS or chosen.ty == "b1":
            raise self.refuse("CMP532", f"an index of a contour that is {self.told(chosen)}")
        return self._polygons("drawContours", given, "contours", "image", chosen, filled)

    def _polygons(  # noqa: PLR0917 - what both functions hand on
        self, name: str, given: Given, what: str, into: str, chosen: Value | None, filled: bool
    ) -> Value:
        from sandbox.pictures.drawing import fill_polygons_scratch

        # What is drawn is paid for as a whole, a chosen contour too.
        everything = self.all_points(name, given.get(what))
        starts, count, first, total = self.paths(name, given.get(what), chosen)
        target, place = self.canvas(given.get(into))
        channels = 1 if len(target.shape) == 2 else 3
        self.pay_for(name, elements=target.size, points=self.op("mul", "i64", everything, i64(2)))
        colour = self.shades(name, given, channels)
        corners = Place(self.memory(), self.op("mul", "i64", first, i64(2)), (total, i64(2)))
        ends = Place(starts, i64(0), (self.op("add", "i64", count, i64(1)),))
        if not filled:
            return self.painted(target, "polygon_lines", place, corners, ends, TRUE, *colour)
        work = self.working("i64", fill_polygons_scratch(_CORNERS, _PATHS))
        return self.painted(target, "fill_polygons", place, corners, ends, *colour, work)

    def all_points(self, name: str, value: Value | None) -> Atom:
        """Count polygons and their points."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(content, SeqCell):
            count, rule = self.sequence_rows(content)
            total = self.accumulate("i64", count.atom)

            def add(k: Atom) -> None:
                item = rule(k)
                if not isinstance(item, Points):
                    raise self.refuse("CMP531", f"cv2.{name} of a list that holds no contours")
                self.emit(Set(total, self.op("add", "i64", self.value_now(total), item.length)))

            self.count(count.atom, add)
            return self.value_now(total)
        found: Atom = i64(0)
        items = content.items if isinstance(content, ListCell) else ()
        if isinstance(value, Tup):
            items = value.items
        for item in items:
            size = item.length if isinstance(item, Points) else i64(0)
            if isinstance(item, Arr):
                size = i64(item.size // 2)
            found = self.op("add", "i64", found, self.op("add", "i64", size, i64(1)))
        return found

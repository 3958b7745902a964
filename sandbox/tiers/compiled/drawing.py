"""OpenCV on neighbourhoods and on components."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, Lit, Place, Region, Ty
from sandbox.tiers.compiled.pictures import Given, Image, Pictures
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.shapes import LONG
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Num,
    Tup,
    Value,
    Window,
    boolean,
    integer,
    number,
)

__all__ = ["Drawing"]


class Drawing(Pictures):
    """More functions of OpenCV on images."""

    def shared(self, name: str, size: int, ty: Ty = "") -> str:
        """Give memory for a kernel to work in, of which nothing is read after it."""
        ty = ty or name
        name = f"scratch.work.{name}"
        before = self.regions.get(name)
        if before is None or before.size < size:
            self.regions[name] = Region(name, ty, size, "scratch")
        return name

    def working(self, ty: Ty, size: int) -> Place:
        """Give a kernel memory to work in."""
        return Place(self.shared(ty, size), i64(0), (i64(size),), True)

    def longest_sides(self, image: Image) -> tuple[int, int]:
        """Give the most rows and columns that an image can have."""
        height, width = (max(extent.high, 1) for extent in self.extents_of(image)[:2])
        return height, width

    # -- neighbourhoods

    def cv_getStructuringElement(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("getStructuringElement", args, keywords)
        self.only("getStructuringElement", given, "shape", "ksize")
        kind = self.constant_of(given, "shape")
        width, height = self.sides_of(given, "ksize")
        self.pay_for("getStructuringElement", made=width * height)
        extents = (number(height), number(width))
        return self.made_once(
            ("getStructuringElement", kind, width, height),
            extents,
            lambda region: self.done(
                "structuring_element", i64(kind), i64(-1), i64(-1), self.out(region, extents)
            ),
        )

    def sides_of(self, given: Given, name: str) -> tuple[int, int]:
        """Give a width and a height that must be known."""
        value = given.get(name)
        if value is None:
            raise self.refuse("CMP408", f"a call of OpenCV without the argument {name!r}")
        items = self.listed(value)
        if len(items) != 2:
            raise self.refuse("CMP532", f"{name} of {len(items)} numbers")
        width, height = (self.constant(item, f"the argument {name!r}") for item in items)
        if not (0 < width < 256 and 0 < height < 256):
            raise self.refuse("CMP532", f"{name} of {width} by {height}")
        return width, height

    def cv_erode(self, args: Args, keywords: Keywords) -> Value:
        return self._morphology("erode", 0, args, keywords)

    def cv_dilate(self, args: Args, keywords: Keywords) -> Value:
        return self._morphology("dilate", 1, args, keywords)

    def cv_morphologyEx(self, args: Args, keywords: Keywords) -> Value:
        return self._morphology("morphologyEx", None, args, keywords)

    def _morphology(self, name: str, kind: int | None, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.morphology import morphology_scratch

        given = self.given(name, args, keywords)
        self.only(name, given, "src", "op", "kernel", "iterations")
        operation = self.constant_of(given, "op") if kind is None else kind
        if operation not in range(7):
            raise self.refuse("CMP530", f"morphologyEx with operation {operation}")
        times = self.constant_of(given, "iterations", 1)
        if times < 1 or times > 256:
            raise self.refuse("CMP532", f"{times} iterations")
        source = self.image(given.get("src"), (1,))
        element = given.get("kernel")
        if element is None:
            element = self._filled((3, 3), "u8", Lit(1, "u8"))
        if not isinstance(element, Arr) or len(element.shape) != 2 or not element.size:
            raise self.refuse("CMP532", f"a structuring element that is {self.told(element)}")
        if element.ty != "u8":
            # What is not 0 belongs to it, whatever its type.
            element = self.astype(self.astype(element, "b1"), "u8")
        tall, wide = element.shape
        if max(tall, wide) > 255 or max(tall, wide) * times > 16 * 255:
            raise self.refuse("CMP532", "a structuring element that is too large")
        passes = 2 if kind is None else 1
        self.pay_for(name, elements=self.elements_of(source), window=tall * wide * times * passes)
        extents = self.extents_of(source)
        size = morphology_scratch(*self.longest_sides(source))
        shape = element
        return self.made_once(
            (name, operation, times, self.identity(source), self.identity(shape)),
            extents,
            lambda region: self.done(
                "morphology", self.place(source), i64(operation), self.place(shape), i64(-1),
                i64(-1), i64(times), self.out(region, extents), self.working("u8", size),
            ),
        )  # fmt: skip

    # -- components

    def _labelled(self, name: str, given: Given) -> tuple[Atom, str, Image]:
        from sandbox.pictures.components import connected_components_scratch

        source = self.image(given.get("image"), (1,))
        joined = self.constant_of(given, "connectivity", 8)
        if joined not in (4, 8):
            raise self.refuse("CMP532", f"connectivity {joined}")
        if self.constant_of(given, "ltype", 4) != 4:
            raise self.refuse("CMP530", "labels of other than int32")
        self.pay_for(name, elements=self.elements_of(source))
        key = ("components", joined, self.identity(source))
        known = self.pt.known.get(key)
        if known is None:
            height, width = self.longest_sides(source)
            labels = self.scratch("i32", height * width)
            size = connected_components_scratch(height, width)
            extents = self.extents_of(source)
            count = self.invoke(
                "connected_components", self.place(source), i64(joined),
                self.out(labels, extents), self.working("i32", size),
            )  # fmt: skip
            self.only_where(boolean(self.op("ge", "b1", count, i64(0))))
            known = (count, labels)
            self.pt.known[key] = known
        count, labels = known
        self.pay_after(name, count=count)
        return count, labels, source

    def _labels(self, count: Atom, labels: str, source: Image) -> tuple[Num, Image]:
        height, width = self.longest_sides(source)
        found = self.of_memory(labels, i64(0), self.extents_of(source), "i32")
        return integer(count, 1, height * width), found

    def cv_connectedComponents(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("connectedComponents", args, keywords)
        self.only("connectedComponents", given, "image", "connectivity", "ltype")
        return Tup(self._labels(*self._labelled("connectedComponents", given)))

    def cv_connectedComponentsWithStats(self, args: Args, keywords: Keywords) -> Value:
        name = "connectedComponentsWithStats"
        given = self.given(name, args, keywords)
        self.only(name, given, "image", "connectivity", "ltype")
        count, labels, source = self._labelled(name, given)
        key = ("component_stats", labels)
        known = self.pt.known.get(key)
        if known is None:
            stats, centres = self.scratch("i32", 5 * LONG), self.scratch("f64", 2 * LONG)
            done = self.invoke(
                "component_stats", self.out(labels, self.extents_of(source)), count,
                Place(stats, i64(0), (i64(LONG), i64(5)), True),
                Place(centres, i64(0), (i64(LONG), i64(2)), True),
            )  # fmt: skip
            self.only_where(boolean(self.op("ge", "b1", done, i64(0))))
            known = (stats, centres)
            self.pt.known[key] = known
        stats, centres = known
        total, marks = self._labels(count, labels, source)
        rows = integer(count, 1, LONG)
        return Tup(
            (
                integer(total.atom, 1, LONG),
                marks,
                self.of_memory(stats, i64(0), (rows, number(5)), "i32"),
                self.of_memory(centres, i64(0), (rows, number(2)), "f64"),
            )
        )

    # -- positions in arrays of unknown extents

    def arg_extreme(self, most: bool, value: Value, axis: Value = NONE) -> Value:
        if isinstance(value, Window) and len(value.shape) == 1:
            return super().arg_extreme(most, self.rows_of_window(value), axis)
        return super().arg_extreme(most, value, axis)

    def indexed(self, value: Value) -> tuple[Num, Callable[[Atom], Value]] | None:
        if not isinstance(value, Window):
            return super().indexed(value)
        first = value.shape[0]
        rest: list[Value] = []

        def rule(index: Atom) -> Value:
            return self.part_of(value, [integer(index, 0, max(first.high - 1, 0)), *rest])

        return first, rule

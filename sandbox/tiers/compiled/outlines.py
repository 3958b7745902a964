"""OpenCV on contours: points in a row's own memory, and what is measured of them.

What OpenCV gives as arrays of points lies in one region of scratch memory that is filled from its
beginning while a row runs (`TOP` is its first free place), so that points once made are never
overwritten and are just a start and a length: contours can be kept, compared, put into lists and
carried round loops. A row that needs more points than there is room for is left to the interpreted
tier. To NumPy, points are an array whose first extent depends on the data: a selection of the first
so many rows, as a list of unknown length is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sandbox.opencv import installed
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Place, Region, Set, Store, Ty, Var
from sandbox.tiers.compiled.drawing import Drawing
from sandbox.tiers.compiled.points import TRUE, i64
from sandbox.tiers.compiled.shapes import LONG, ShapePoints
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    DictCell,
    Dty,
    Index,
    Lost,
    NoneV,
    Num,
    Points,
    Ref,
    Sel,
    SeqCell,
    SliceV,
    Str,
    Tup,
    Union,
    Value,
    Window,
    boolean,
    integer,
    number,
)

__all__ = ["Outlines"]

TOP: Final = Var("top", "i64")
"""First free place in a row's memory for points."""
ROOM: Final = 1 << 17
"""Points there is memory for in a row."""
MEMORY: Final = "scratch.points"
_UNKNOWN: Final = Lost("a central moment of an image, which OpenCV rounds otherwise,")
_COORDINATE: Final = float(1 << 24)
"""Farthest point that is tested; see `sandbox.predeclared.picture_checks`."""
_NO_POINT: Final = ("b1", "i8", "i16", "i32", "i64", "u16", "u32", "u64")
"""NumPy's types of numbers that OpenCV does not read as a coordinate."""
_MOMENTS: Final = [
    "m00",
    "m10",
    "m01",
    "m20",
    "m11",
    "m02",
    "m30",
    "m21",
    "m12",
    "m03",
    "mu20",
    "mu11",
    "mu02",
    "mu30",
    "mu21",
    "mu12",
    "mu03",
    "nu20",
    "nu11",
    "nu02",
    "nu30",
    "nu21",
    "nu12",
    "nu03",
]


class Outlines(Drawing):
    """Functions of OpenCV on points."""

    most_points = ROOM

    # -- memory

    def memory(self) -> str:
        """Declare a row's memory for points."""
        return self.region(Region(MEMORY, "i32", 2 * ROOM, "scratch"))

    def free_points(self) -> tuple[Atom, Place]:
        """Give the first free place, and all memory from there on to write points into."""
        start = self.value_now(TOP)
        room = self.op("sub", "i64", i64(ROOM), start)
        offset = self.op("mul", "i64", start, i64(2))
        return start, Place(self.memory(), offset, (room, i64(2)), True)

    def take_points(self, start: Atom, count: Atom, tail: tuple[int, ...] = (1, 2)) -> Points:
        """Keep points that a kernel wrote; fewer than none are left to the interpreted tier."""
        self.only_where(boolean(self.op("ge", "b1", count, i64(0))))
        self.emit(Set(TOP, self.op("add", "i64", start, count)))
        return Points(start, count, tail)

    def points_place(self, value: Points) -> Place:
        """Give points to a kernel."""
        offset = self.op("mul", "i64", value.start, i64(2))
        return Place(self.memory(), offset, (value.length, i64(2)))

    def outline(self, value: Value | None, name: str) -> Points | tuple[Place, Atom]:
        """Give what a function of OpenCV takes as points: a contour, or other numbers in pairs."""
        match value:
            case None:
                self.cv_error(name, "points are missing")
            case Points():
                return value
            case Arr(shape=shape, ty=ty) if ty in ("i32", "f32") and shape[-1:] == (2,):
                if len(shape) == 2 or (len(shape) == 3 and shape[1] == 1):
                    place, count = self._pairs_of(value), i64(shape[0])
                    return place, count
        raise self.refuse("CMP531", f"cv2.{name} of {self.told(value)}")

    def _pairs_of(self, value: Arr) -> Place:
        region = self.scratch(value.ty, max(value.size, 1))
        for position in range(value.size):
            self.emit(Store(region, i64(position), self.get_flat(value, i64(position))))
        return Place(region, i64(0), (i64(value.shape[0]), i64(2)))

    def measured(
        self,
        value: Value | None,
        name: str,
        kernel: str,
        *more: Atom | Place,
        before: bool = True,
    ) -> Atom:
        """Call a kernel that gives a number for points; the same call is made once."""
        found = self.outline(value, name)
        if isinstance(found, Points):
            place, count, suffix = self.points_place(found), found.length, ""
        else:
            place, count = found
            suffix = "" if self.regions[place.region].ty == "i32" else "#f32"
        if before:
            self.pay_for(name, points=count)
        key = (kernel, place.region, place.offset, count, more)
        atom = self.pt.known.get(key)
        if atom is None:
            atom = self.invoke(kernel + suffix, place, *more)
            if not any(isinstance(arg, Place) for arg in more):
                self.pt.known[key] = atom
        return atom

    def truth_of_argument(self, given: dict[str, Value], name: str, default: bool | None) -> Atom:
        """Give a truth value among the arguments."""
        value = given.get(name)
        if value is None:
            if default is None:
                raise self.refuse("CMP408", f"a call of OpenCV without the argument {name!r}")
            return Lit(default, "b1")
        if not isinstance(value, Num) or value.ty in FLOATS:
            raise self.refuse("CMP532", f"the argument {name!r} that is {self.told(value)}")
        return self.truth(value).atom

    def real(self, value: Value | None, what: str) -> Atom:
        """Give a number among the arguments as a double."""
        if not isinstance(value, Num) or value.ty == "b1":
            raise self.refuse("CMP532", f"{what} that is {self.told(value)}")
        return self.cast(value.atom, "f64")

    # -- contours

    def cv_findContours(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.contours import find_contours_scratch

        given = self.given("findContours", args, keywords)
        self.only("findContours", given, "image", "mode", "method")
        source = self.image(given.get("image"), (1,))
        mode, method = self.constant_of(given, "mode"), self.constant_of(given, "method")
        if mode not in (0, 1, 2, 3) or method not in (1, 2):
            raise self.refuse("CMP530", f"findContours with mode {mode} and method {method}")
        self.pay_for("findContours", elements=self.elements_of(source))
        key = ("findContours", mode, method, self.identity(source))
        known = self.pt.known.get(key)
        if known is None:
            known = self._trace(source, mode, method, find_contours_scratch)
            self.pt.known[key] = known
        count, total, regions, tree = known
        self.pay_after("findContours", found=total, count=count)
        record = ShapePoints((1, 2))
        length = integer(count, 0, LONG)
        content = SeqCell(record, regions, i64(0), length, LONG, None, "tuple", self.number())
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = content
        return Tup((cell, self._hierarchy(tree, length)))

    def _trace(self, source: Arr | Window, mode: int, method: int, scratch: Any) -> Any:
        height, width = (max(extent.high, 1) for extent in self.extents_of(source))
        starts = self.scratch("i64", LONG + 1)
        tree = self.scratch("i32", 4 * LONG)
        work = scratch(height, width, ROOM, LONG)
        memory = self.shared("i32", work)
        start, free = self.free_points()
        count = self.invoke(
            "find_contours", self.place(source), i64(mode), i64(method), free,
            Place(starts, i64(0), (i64(LONG + 1),), True),
            Place(tree, i64(0), (i64(LONG), i64(4)), True),
            Place(memory, i64(0), (i64(work),), True),
        )  # fmt: skip
        self.only_where(boolean(self.op("ge", "b1", count, i64(0))))
        total = self.load(starts, count)
        self.emit(Set(TOP, self.op("add", "i64", start, total)))
        record = ShapePoints((1, 2))
        regions = self.columns(record, LONG)

        def enter(k: Atom) -> None:
            first = self.load(starts, k)
            last = self.load(starts, self.op("add", "i64", k, i64(1)))
            self.emit(Store(regions[0], k, self.op("add", "i64", start, first)))
            self.emit(Store(regions[1], k, self.op("sub", "i64", last, first)))

        self.count(count, enter)
        return count, total, regions, tree

    def _hierarchy(self, tree: str, count: Num) -> Value:
        """Give the hierarchy: int32 [1, n, 4], or None without contours."""
        strides = (self.op("mul", "i64", count.atom, i64(4)), i64(4), i64(1))

        def rule(index: Index) -> Atom:
            place = self.op("mul", "i64", index[1], i64(4))
            return self.load(tree, self.op("add", "i64", place, index[2]))

        made = Window((number(1), count, number(4)), "i32", rule, (), (tree, i64(0), strides))
        some = self.op("gt", "b1", count.atom, i64(0))
        tag = self.op("select", "i64", some, i64(1), i64(0))
        return Union(tag, (NONE, made))

    def cv_contourArea(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("contourArea", args, keywords)
        self.only("contourArea", given, "contour", "oriented")
        oriented = self.truth_of_argument(given, "oriented", False)
        return Num(self.measured(given.get("contour"), "contourArea", "contour_area", oriented))

    def cv_arcLength(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("arcLength", args, keywords)
        self.only("arcLength", given, "curve", "closed")
        closed = self.truth_of_argument(given, "closed", None)
        return Num(self.measured(given.get("curve"), "arcLength", "arc_length", closed))

    def cv_isContourConvex(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("isContourConvex", args, keywords)
        self.only("isContourConvex", given, "contour")
        atom = self.measured(given.get("contour"), "isContourConvex", "is_contour_convex")
        return boolean(self.op("ne", "b1", atom, i64(0)))

    def cv_pointPolygonTest(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("pointPolygonTest", args, keywords)
        self.only("pointPolygonTest", given, "contour", "pt", "measureDist")
        name = "pointPolygonTest"
        _, count, _ = self._points_given(given.get("contour"), name)
        self.pay_for(name, points=count)
        pair = self.pair_of(name, given.get("pt"))
        for atom in pair:
            self.within(atom, _COORDINATE)
        distance = self.truth_of_argument(given, "measureDist", None)
        return Num(
            self.measured(
                given.get("contour"), name, "point_polygon_test", *pair, distance, before=False
            )
        )

    def pair_of(self, name: str, value: Value | None) -> tuple[Atom, Atom]:
        """Give the two numbers of a point, as OpenCV reads one in float32."""
        items = None if value is None else self.bracketed(value)
        if items is None or len(items) != 2:
            raise self.refuse("CMP532", f"a point that is {self.told(value)}")
        first, second = (
            self.cast(self.readable(name, item, _NO_POINT, truth=False).atom, "f64")
            for item in items
        )
        return first, second

    def within(self, atom: Atom, most: float) -> None:
        """Leave rows with a number farther from 0, or NaN, to the interpreted tier: OpenCV raises."""
        size = self.op("abs", "f64", atom)
        self.only_where(boolean(self.op("le", "b1", size, Lit(most, "f64"))))

    def _numbers(
        self, key: Any, ty: Ty, count: int, make: Callable[[Place], None]
    ) -> tuple[Atom, ...]:
        """Give what a kernel writes as some numbers, made once."""
        known: tuple[Atom, ...] | None = self.pt.known.get(key)
        if known is None:
            region = self.scratch(ty, count)
            make(Place(region, i64(0), (i64(count),), True))
            known = tuple(self.load(region, i64(k)) for k in range(count))
            self.pt.known[key] = known
        return known

    def cv_boundingRect(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("boundingRect", args, keywords)
        self.only("boundingRect", given, "array")
        value = given.get("array")
        if isinstance(value, Arr | Window) and value.ty == "u8":
            mask = self.image(value, (1,))
            self.pay_for("boundingRect", points=self.elements_of(mask))
            atoms = self._numbers(
                ("boundingRect", self.identity(mask)), "i64", 4,
                lambda out: self.done("bounding_rect_of_mask", self.place(mask), out),
            )  # fmt: skip
        else:
            place, count, suffix = self._points_given(value, "boundingRect")
            self.pay_for("boundingRect", points=self.op("mul", "i64", count, i64(2)))
            atoms = self._numbers(
                ("boundingRect", place), "i64", 4,
                lambda out: self.done("bounding_rect" + suffix, place, out),
            )  # fmt: skip
        x, y, w, h = (integer(atom, low, 1 << 24) for atom, low in zip(atoms, (-(1 << 24), -(1 << 24), 0, 0), strict=True))  # fmt: skip
        return Tup((x, y, w, h))

    def _points_given(self, value: Value | None, name: str) -> tuple[Place, Atom, str]:
        """Give memory of points, their number, and what a kernel's name ends with for them."""
        found = self.outline(value, name)
        if isinstance(found, Points):
            return self.points_place(found), found.length, ""
        place, count = found
        return place, count, "" if self.regions[place.region].ty == "i32" else "#f32"

    def cv_moments(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("moments", args, keywords)
        self.only("moments", given, "array", "binaryImage")
        value = given.get("array")
        binary = self.truth_of_argument(given, "binaryImage", False)
        if isinstance(value, Arr | Window) and value.ty == "u8":
            mask = self.image(value, (1,))
            self.pay_for("moments", points=self.elements_of(mask))
            atoms = self._numbers(
                ("moments", self.identity(mask), binary), "f64", 24,
                lambda out: self.done("moments_of_image", self.place(mask), binary, out),
            )  # fmt: skip
        else:
            place, count, suffix = self._points_given(value, "moments")
            self.pay_for("moments", points=self.op("mul", "i64", count, i64(2)))
            atoms = self._numbers(
                ("moments", place), "f64", 24,
                lambda out: self.done("moments_of_contour" + suffix, place, out),
            )  # fmt: skip
        cell = Ref(self.number())
        inexact = isinstance(value, Arr | Window) and value.ty == "u8" and binary != TRUE
        self.pt.heap[cell.cell] = DictCell(
            tuple(
                (("s", name), Str(name), TRUE, _UNKNOWN if inexact and k > 9 else Num(atom))
                for k, (name, atom) in enumerate(zip(_MOMENTS, atoms, strict=True))
            )
        )
        return cell

    def cv_convexHull(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("convexHull", args, keywords)
        self.only("convexHull", given, "points", "clockwise", "returnPoints")
        clockwise = self.truth_of_argument(given, "clockwise", False)
        if self.truth_of_argument(given, "returnPoints", True) != TRUE:
            raise self.refuse("CMP530", "convexHull with returnPoints=False")
        value = self.outline(given.get("points"), "convexHull")
        if not isinstance(value, Points):
            raise self.refuse("CMP530", "the hull of other than a contour")
        self.pay_for("convexHull", points=value.length)
        return self.hull_of(value, clockwise)

    def hull_of(self, value: Points, clockwise: Atom) -> Points:
        """Give the convex hull of points."""
        from sandbox.pictures.hull import convex_hull_scratch

        key = ("convexHull", value.start, value.length, clockwise)
        known: Points | None = self.pt.known.get(key)
        if known is None:
            place = self.points_place(value)
            room = ROOM + 2
            chosen = self.shared("i32#2", room, "i32")
            work = self.working("i32", convex_hull_scratch(ROOM))
            count = self.invoke(
                "convex_hull", place, clockwise, TRUE,
                Place(chosen, i64(0), (i64(room),), True), work,
            )  # fmt: skip
            self.only_where(boolean(self.op("ge", "b1", count, i64(0))))
            start, free = self.free_points()
            written = self.invoke(
                "convex_hull_points", place, Place(chosen, i64(0), (i64(room),)), count, free
            )
            known = self.take_points(start, written)
            self.pt.known[key] = known
        return known

    def cv_approxPolyDP(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.hull import approx_poly_scratch

        given = self.given("approxPolyDP", args, keywords)
        self.only("approxPolyDP", given, "curve", "epsilon", "closed")
        value = self.outline(given.get("curve"), "approxPolyDP")
        if not isinstance(value, Points):
            raise self.refuse("CMP530", "the approximation of other than a contour")
        epsilon = self.real(given.get("epsilon"), "epsilon")
        closed = self.truth_of_argument(given, "closed", None)
        self.within(epsilon, _COORDINATE)
        self.only_where(boolean(self.op("ge", "b1", epsilon, Lit(0.0, "f64"))))
        self.pay_for("approxPolyDP", points=value.length)
        key = ("approxPolyDP", value.start, value.length, epsilon, closed)
        known: Points | None = self.pt.known.get(key)
        if known is None:
            start, free = self.free_points()
            work = self.working("i32", approx_poly_scratch(ROOM))
            count = self.invoke(
                "approx_poly", self.points_place(value), epsilon, closed, free, work
            )
            known = self.take_points(start, count)
            self.pt.known[key] = known
        return known

    def cv_minEnclosingCircle(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.shapes import min_enclosing_circle_scratch

        given = self.given("minEnclosingCircle", args, keywords)
        self.only("minEnclosingCircle", given, "points")
        place, count, suffix = self._points_given(given.get("points"), "minEnclosingCircle")
        self.pay_for("minEnclosingCircle", points=count)
        size = min_enclosing_circle_scratch(ROOM)

        def make(out: Place) -> None:
            work = Place(self.shared("f32", size), i64(0), (i64(size),), True)
            self.invoke("min_enclosing_circle" + suffix, place, out, work)

        x, y, radius = self._numbers(("minEnclosingCircle", place), "f32", 3, make)
        # OpenCV gives Python floats.
        wide = [Num(self.cast(atom, "f64")) for atom in (x, y, radius)]
        return Tup((Tup((wide[0], wide[1])), wide[2]))

    def cv_findNonZero(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("findNonZero", args, keywords)
        self.only("findNonZero", given, "src")
        source = self.image(given.get("src"), (1,))
        self.pay_for("findNonZero", elements=self.elements_of(source))
        start, free = self.free_points()
        count = self.invoke("find_non_zero", self.place(source), free)
        made = self.take_points(start, count, self.tail_of_points())
        some = self.op("gt", "b1", count, i64(0))
        return Union(self.op("select", "i64", some, i64(1), i64(0)), (NONE, made))

    def tail_of_points(self) -> tuple[int, ...]:
        """Give the shape of a point where OpenCV 5 leaves out an axis that OpenCV 4 has."""
        return (2,) if installed()[0] >= 5 else (1, 2)

    # -- points as arrays

    def selection_of(self, value: Value, ty: Ty | None = None) -> Value:
        if not isinstance(value, Points):
            return super().selection_of(value, ty)
        region = self.memory()
        tail = value.tail

        def element(index: Index, rest: Index) -> Atom:
            place = self.op("add", "i64", value.start, index[0])
            return self.load(
                region, self.op("add", "i64", self.op("mul", "i64", place, i64(2)), rest[-1])
            )

        return Sel(
            (ROOM,),
            lambda index: self.op("lt", "b1", index[0], value.length),
            element,
            "i32",
            tail,
            (),
            ("points", value.start, value.length),
            None,
            value.length,
        )

    def attribute(self, owner: Value, name: str) -> Value:
        if not isinstance(owner, Points):
            return super().attribute(owner, name)
        match name:
            case "shape":
                return Tup((self.len_of(owner), *(number(size) for size in owner.tail)))
            case "size":
                return integer(self.op("mul", "i64", owner.length, i64(2)), 0, 2 * ROOM)
            case "ndim":
                return number(1 + len(owner.tail))
            case "dtype":
                return Dty("int32", "i32", False)
        return self.array_method(owner, name)

    def a_reshape(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if not isinstance(value, Points):
            return super().a_reshape(args, keywords)
        shape = (
            self.shape_of_value(args[1])
            if len(args) == 2
            else tuple(self.constant(part, "a shape") for part in args[1:])
        )
        if shape in ((-1, 2), (-1, 1, 2)):
            return Points(value.start, value.length, shape[1:])
        raise self.refuse("CMP408", "this reshape() of a contour")

    def np_squeeze(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if not isinstance(value, Points):
            return super().np_squeeze(args, keywords)
        axis = self._axis(args, keywords)
        if isinstance(axis, NoneV):
            # A single point loses its axis too.
            self.only_where(boolean(self.op("ne", "b1", value.length, i64(1))))
        elif not isinstance(axis, Num) or axis.const != 1:
            raise self.refuse("CMP408", "this squeeze() of a contour")
        return Points(value.start, value.length, (2,))

    def a_copy(self, args: Args, keywords: Keywords) -> Value:
        return args[0] if isinstance(args[0], Points) else super().a_copy(args, keywords)

    def np_astype(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Points):
            ty = self.dtype_value(args[1] if len(args) > 1 else keywords.get("dtype"))
            if ty == "i32":
                return value
        return super().np_astype(args, keywords)

    def subscript(self, owner: Value, index: Value) -> Value:
        if not isinstance(owner, Points) or isinstance(index, Union):
            return super().subscript(owner, index)
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        everything = SliceV(NONE, NONE, NONE)
        if len(owner.tail) == 2 and len(parts) >= 2 and parts[0] == everything:
            # contour[:, 0] is its points, contour[:, 0, 1] their y, contour[:, :, 1] a column of them.
            inner = parts[1]
            if isinstance(inner, Num) and inner.const in (0, -1):
                rows = Points(owner.start, owner.length, (2,))
                if len(parts) == 2:
                    return rows
                return super().subscript(self.selection_of(rows), Tup((everything, *parts[2:])))
            if inner == everything and len(parts) == 3 and isinstance(parts[2], Num):
                flat = Points(owner.start, owner.length, (2,))
                found = super().subscript(self.selection_of(flat), Tup((everything, parts[2])))
                assert isinstance(found, Sel)
                return Sel(
                    found.domain, found.keep, lambda i, r: found.element(i, ()), found.ty, (1,),
                    found.deps, found.source, found.bounds, found.bound,
                )  # fmt: skip
        return super().subscript(self.selection_of(owner), index)

    def indexed(self, value: Value) -> tuple[Num, Callable[[Atom], Value]] | None:
        if not isinstance(value, Points):
            return super().indexed(value)
        region = self.memory()

        def rule(index: Atom) -> Value:
            place = self.op("mul", "i64", self.op("add", "i64", value.start, index), i64(2))
            atoms = tuple(self.load(region, self.op("add", "i64", place, i64(k))) for k in range(2))
            return self.of_atoms(value.tail, "i32", atoms)

        return integer(value.length, 0, ROOM), rule

    def truth(self, value: Value) -> Num:
        if isinstance(value, Points):
            self.fail(
                "ValueError",
                "The truth value of an array with more than one element is ambiguous."
                " Use a.any() or a.all()",
            )
        return super().truth(value)

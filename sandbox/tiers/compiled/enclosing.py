"""OpenCV: rectangles, ellipses and triangles around points."""

from __future__ import annotations

from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Place, Store, Ty
from sandbox.tiers.compiled.filters import Filters
from sandbox.tiers.compiled.outlines import ROOM
from sandbox.tiers.compiled.points import TRUE, i64
from sandbox.tiers.compiled.values import Num, Points, Tup, Value, boolean, number

__all__ = ["Enclosing"]

_NO_FLOAT: Final[tuple[Ty, ...]] = ("b1", "i8", "i16", "i32", "i64", "u16", "u32", "u64")
"""NumPy's types of numbers that OpenCV does not read as a float."""


class Enclosing(Filters):
    """More functions of OpenCV on points."""

    def cv_minAreaRect(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.boxes import min_area_rect_scratch

        given = self.given("minAreaRect", args, keywords)
        self.only("minAreaRect", given, "points")
        value = self.outline(given.get("points"), "minAreaRect")
        if not isinstance(value, Points):
            raise self.refuse("CMP530", "minAreaRect of other than a contour")
        self.pay_for("minAreaRect", points=value.length)
        hull = self.hull_of(value, number(False).atom)
        work = min_area_rect_scratch(ROOM)

        def make(out: Place) -> None:
            made = self.invoke(
                "min_area_rect", self.points_place(hull), out, self.working("f32", work)
            )
            self.only_where(boolean(self.op("ge", "b1", made, i64(0))))

        key = ("minAreaRect", hull.start, hull.length)
        atoms = self._numbers(key, "f32", 5, make)
        x, y, w, h, angle = (Num(self.cast(atom, "f64")) for atom in atoms)
        return Tup((Tup((x, y)), Tup((w, h)), angle))

    def cv_fitEllipse(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.ellipses import fit_ellipse_scratch

        given = self.given("fitEllipse", args, keywords)
        self.only("fitEllipse", given, "points")
        place, count, suffix = self._points_given(given.get("points"), "fitEllipse")
        self.pay_for("fitEllipse", points=count)
        work = fit_ellipse_scratch(ROOM)

        def make(out: Place) -> None:
            made = self.invoke("fit_ellipse" + suffix, place, out, self.working("f64", work))
            self.only_where(boolean(self.op("ge", "b1", made, i64(0))))

        atoms = self._numbers(("fitEllipse", place), "f32", 5, make)
        x, y, w, h, angle = (Num(self.cast(atom, "f64")) for atom in atoms)
        return Tup((Tup((x, y)), Tup((w, h)), angle))

    def cv_minEnclosingTriangle(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.triangles import min_enclosing_triangle_scratch

        name = "minEnclosingTriangle"
        given = self.given(name, args, keywords)
        self.only(name, given, "points")
        value = self.outline(given.get("points"), name)
        if not isinstance(value, Points):
            raise self.refuse("CMP530", f"{name} of other than a contour")
        self.pay_for(name, points=value.length)
        hull = self.hull_of(value, TRUE)
        work = min_enclosing_triangle_scratch(ROOM)

        def make(out: Place) -> None:
            made = self.invoke(
                "min_enclosing_triangle", self.points_place(hull), out, self.working("f32", work)
            )
            self.only_where(boolean(self.op("ge", "b1", made, i64(0))))

        area, *corners = self._numbers((name, hull.start, hull.length), "f64", 7, make)
        shape = (3, *self.tail_of_points())
        made = self.of_atoms(shape, "f32", tuple(self.cast(atom, "f32") for atom in corners))
        return Tup((Num(area), made))

    def cv_boxPoints(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("boxPoints", args, keywords)
        self.only("boxPoints", given, "box")
        box = given.get("box")
        parts = None if box is None else self.bracketed(box)
        if parts is None or len(parts) != 3:
            raise self.refuse("CMP532", f"a box that is {self.told(box)}")
        pairs = [self.bracketed(part) for part in parts[:2]]
        if any(pair is None or len(pair) != 2 for pair in pairs):
            raise self.refuse("CMP532", "a box that is not ((x, y), (w, h), angle)")
        items = [*(pairs[0] or ()), *(pairs[1] or ()), parts[2]]
        numbers = []
        for item in items:
            found = self.readable("boxPoints", item, _NO_FLOAT, truth=False)
            numbers.append(self.cast(found.atom, "f64"))
        for atom in numbers:
            self.within(atom, float(1 << 24))
        self.pay_for("boxPoints", points=0)
        region = self.scratch("f32", 5)
        for k, atom in enumerate(numbers):
            self.emit(Store(region, i64(k), self.cast(atom, "f32")))
        made = self.scratch("f32", 8)
        self.invoke(
            "box_points", Place(region, i64(0), (i64(5),)),
            Place(made, i64(0), (i64(4), i64(2)), True),
        )  # fmt: skip
        return self.of_atoms((4, 2), "f32", tuple(self.load(made, i64(k)) for k in range(8)))

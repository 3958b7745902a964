"""OpenCV: smoothing, other sizes, distances, and what a whole image is measured by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Lit, Place
from sandbox.tiers.compiled.painting import Painting
from sandbox.tiers.compiled.pictures import Given, Image
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.values import (
    Arr,
    Num,
    Tup,
    Value,
    Window,
    boolean,
    integer,
    number,
)

__all__ = ["Filters"]

_NEAREST: Final = 0
_LINEAR: Final = 1
_AREA: Final = 3
_STEPS: Final = {(1, 3): (1.0, 2.0, 0.0), (3, 3): (1.0, 1.0, 0.0)}
"""By kind of distance and size of its mask: a step to the side, by a corner, and a knight's. DIST_L2 is
not among them: in one picture of a thousand OpenCV adds up its steps in another order."""


class Filters(Painting):
    """More functions of OpenCV on images."""

    # -- smoothing

    def by_planes(self, key: Any, source: Image, filtered: Callable[[Place, Place], None]) -> Image:
        """Filter an image of one channel, or each channel of one with three."""
        extents = self.extents_of(source)
        if len(extents) == 2:
            return self.made_once(
                key, extents, lambda region: filtered(self.place(source), self.out(region, extents))
            )
        flat = extents[:2]

        def make(region: str) -> None:
            size = 1
            for extent in flat:
                size *= max(extent.high, 1)
            before = self.scratch("u8", size)
            after = [self.scratch("u8", size) for _ in range(3)]
            for channel in range(3):
                self.invoke("plane", self.place(source), i64(channel), self.out(before, flat))
                filtered(self.image_place(before, flat), self.out(after[channel], flat))
            self.invoke(
                "merged",
                *(self.image_place(part, flat) for part in after),
                self.out(region, extents),
            )

        return self.made_once(key, extents, make)

    def image_place(self, region: str, extents: tuple[Num, ...]) -> Place:
        """Give memory that holds an image to a kernel."""
        return Place(region, i64(0), tuple(extent.atom for extent in extents))

    def cv_GaussianBlur(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.filters import gaussian_blur_scratch

        given = self.given("GaussianBlur", args, keywords)
        self.only("GaussianBlur", given, "src", "ksize", "sigmaX", "sigmaY")
        source = self.image(given.get("src"))
        width, height = self.sides_of(given, "ksize")
        across = self._sigma(given, "sigmaX")
        down = self._sigma(given, "sigmaY") or across
        for extent in self.extents_of(source)[:2]:
            self.only_where(boolean(self.op("gt", "b1", extent.atom, i64(1))))
        self.pay_for("GaussianBlur", elements=self.elements_of(source), window=width * height)
        if width % 2 == 0 or height % 2 == 0:
            self.cv_error("GaussianBlur", "the size of the window is even")
        sides = [self._weights(width, across), self._weights(height, down)]
        size = gaussian_blur_scratch(*self.longest_sides(source))
        key = ("GaussianBlur", width, height, across, down, self.identity(source))
        return self.by_planes(
            key,
            source,
            lambda image, out: self.done(
                "gaussian_blur", image, *sides, out, self.working("i32", size)
            ),
        )

    def _sigma(self, given: Given, name: str) -> float:
        value = given.get(name, number(0))
        if not isinstance(value, Num) or value.const is None or not abs(value.const) <= 30:
            raise self.refuse("CMP532", f"the argument {name!r} that depends on the data")
        return float(value.const)

    def _weights(self, size: int, sigma: float) -> Place:
        key = ("gaussian_weights", size, sigma)
        region = self.pt.known.get(key)
        if region is None:
            region = self.scratch("i64", size)
            self.invoke(
                "gaussian_weights", Lit(sigma, "f64"), Place(region, i64(0), (i64(size),), True),
                self.working("f64", size),
            )  # fmt: skip
            self.pt.known[key] = region
        return Place(region, i64(0), (i64(size),))

    def cv_blur(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.filters import blur_scratch

        given = self.given("blur", args, keywords)
        self.only("blur", given, "src", "ksize")
        source = self.image(given.get("src"))
        width, height = self.sides_of(given, "ksize")
        if width * height == 2:
            raise self.refuse("CMP530", "blur with a box of two pixels")
        for extent in self.extents_of(source)[:2]:
            self.only_where(boolean(self.op("gt", "b1", extent.atom, i64(1))))
        self.pay_for("blur", elements=self.elements_of(source), window=width * height)
        if width * height > 256:
            raise self.refuse("CMP530", "blur with a box of more than 256 pixels")
        size = blur_scratch(self.longest_sides(source)[1])
        return self.by_planes(
            ("blur", width, height, self.identity(source)),
            source,
            lambda image, out: self.done(
                "blur", image, i64(width), i64(height), out, self.working("i64", size)
            ),
        )

    def cv_medianBlur(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("medianBlur", args, keywords)
        self.only("medianBlur", given, "src", "ksize")
        source = self.image(given.get("src"))
        size = self.constant_of(given, "ksize")
        if not 0 < size < 256:
            raise self.refuse("CMP532", f"a window of {size}")
        self.pay_for("medianBlur", elements=self.elements_of(source), window=size * size)
        if size % 2 == 0:
            self.cv_error("medianBlur", "the size of the window is even")
        return self.by_planes(
            ("medianBlur", size, self.identity(source)),
            source,
            lambda image, out: self.done(
                "median_blur", image, i64(size), out, self.working("i32", 256)
            ),
        )

    # -- sizes

    def cv_resize(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.scaling import resize_area_scratch, resize_linear_scratch

        given = self.given("resize", args, keywords)
        self.only("resize", given, "src", "dsize", "fx", "fy", "interpolation")
        how = self.constant_of(given, "interpolation", _LINEAR)
        if how not in (_NEAREST, _LINEAR, _AREA):
            raise self.refuse("CMP530", f"resize with interpolation {how}")
        source = self.image(given.get("src"))
        width, height = self._new_sides(source, given)
        extents = self.extents_of(source)
        channels = 1 if len(extents) == 2 else 3
        self.pay_for("resize", elements=self.elements_of(source), made=width * height * channels)
        shape = (number(height), number(width), *extents[2:])

        def make(region: str) -> None:
            at = self.place(source)
            image = Place(at.region, at.offset, (*at.extents[:2], i64(channels)))
            to = Place(region, i64(0), (i64(height), i64(width), i64(channels)), True)
            if how == _NEAREST:
                self.invoke("resize_nearest", image, to)
                return
            if how == _AREA:
                size = resize_area_scratch(width, channels)
                made = self.invoke("resize_area", image, to, self.working("f32", size))
                self.only_where(boolean(self.op("ge", "b1", made, i64(0))))
                return
            size = resize_linear_scratch(width, channels)
            self.invoke("resize_linear", image, to, self.working("i32", size))

        return self.made_once(("resize", how, width, height, self.identity(source)), shape, make)

    def _new_sides(self, source: Image, given: Given) -> tuple[int, int]:
        asked = given.get("dsize")
        if asked is not None:
            items = self.bracketed(asked)
            if items is None or len(items) != 2 or "fx" in given or "fy" in given:
                raise self.refuse("CMP532", "this size for resize()")
            width, height = (self.constant(item, "a size for resize()") for item in items)
        else:
            sides = [extent.const for extent in self.extents_of(source)[1::-1]]
            found = []
            for name, side in zip(("fx", "fy"), sides, strict=True):
                value = given.get(name)
                factor = value.const if isinstance(value, Num) else None
                if factor is None or side is None or not float(side * factor).is_integer():
                    raise self.refuse("CMP532", "resize() by this factor")
                found.append(int(side * factor))
            width, height = found
        if not (0 < width <= 4_096 and 0 < height <= 4_096):
            raise self.refuse("CMP532", f"resize() to {width} by {height}")
        return width, height

    # -- measures

    def deep_place(self, source: Image) -> Place:
        """Give an image to a kernel that takes [H, W, channels]."""
        at = self.place(source)
        return at if len(at.extents) == 3 else Place(at.region, at.offset, (*at.extents, i64(1)))

    def mask_place(self, given: Given, source: Image) -> tuple[Place, Any]:
        """Give a mask to a kernel, of no rows where there is none."""
        value = given.get("mask")
        if value is None:
            none = self.no_picture()
            return Place(none.region, i64(0), (i64(0), i64(0))), None
        mask = self.image(value, (1,))
        for a, b in zip(self.extents_of(source)[:2], self.extents_of(mask), strict=True):
            self.same_extent(a, b)
        return self.place(mask), self.identity(mask)

    def cv_mean(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("mean", args, keywords)
        self.only("mean", given, "src", "mask")
        source = self.image(given.get("src"))
        self.pay_for("mean", elements=self.elements_of(source))
        mask, known = self.mask_place(given, source)
        atoms = self._numbers(
            ("mean", self.identity(source), known), "f64", 4,
            lambda out: self.done("mean", self.deep_place(source), mask, out),
        )  # fmt: skip
        return Tup(tuple(Num(atom) for atom in atoms))

    def cv_norm(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("norm", args, keywords)
        self.only("norm", given, "src1", "src2", "normType")
        second = given.get("src2")
        if isinstance(second, Num):
            # norm(image, kind): the second argument is the kind where it is a number.
            given["normType"], second = second, None
        kind = self.constant_of(given, "normType", 4)
        if kind not in (1, 2, 4):
            raise self.refuse("CMP530", f"norm of kind {kind}")
        first = self.image(given.get("src1"))
        self.pay_for("norm", elements=self.elements_of(first))
        if second is None:
            return Num(self.invoke("norm", self.place(first, flat=True), i64(kind)))
        given["src2"] = second
        a, b = self._pair("norm", given)
        return Num(
            self.invoke(
                "norm_between", self.place(a, flat=True), self.place(b, flat=True), i64(kind)
            )
        )

    def cv_minMaxLoc(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("minMaxLoc", args, keywords)
        self.only("minMaxLoc", given, "src", "mask")
        source = given.get("src")
        if isinstance(source, Arr | Window) and source.ty == "f32" and len(source.shape) == 2:
            image: Image = source
            suffix = "#f32"
        else:
            image, suffix = self.image(source, (1,)), ""
        self.pay_for("minMaxLoc", elements=self.elements_of(image))
        mask, _ = self.mask_place(given, image)
        values, places = self.scratch("f64", 2), self.scratch("i64", 4)
        self.invoke(
            "min_max" + suffix, self.place(image), mask,
            Place(values, i64(0), (i64(2),), True), Place(places, i64(0), (i64(4),), True),
        )  # fmt: skip
        low, high = (Num(self.load(values, i64(k))) for k in range(2))
        side = 1 << 24
        at = [integer(self.load(places, i64(k)), -1, side) for k in range(4)]
        return Tup((low, high, Tup((at[0], at[1])), Tup((at[2], at[3]))))

    def cv_distanceTransform(self, args: Args, keywords: Keywords) -> Value:
        from sandbox.pictures.distances import distance_transform_scratch

        given = self.given("distanceTransform", args, keywords)
        self.only("distanceTransform", given, "src", "distanceType", "maskSize")
        kind = self.constant_of(given, "distanceType")
        size = self.constant_of(given, "maskSize")
        steps = _STEPS.get((kind, 3 if kind in (1, 3) else size))
        if steps is None:
            raise self.refuse("CMP530", f"distanceTransform of kind {kind} with a mask of {size}")
        source = self.image(given.get("src"), (1,))
        self.pay_for("distanceTransform", elements=self.elements_of(source))
        height, width = self.longest_sides(source)
        work = distance_transform_scratch(height, width)
        region = self.scratch("f32", height * width)
        self.invoke(
            "distance_transform", self.place(source), *(Lit(step, "f64") for step in steps),
            self.out(region, self.extents_of(source)), self.working("f32", work),
        )  # fmt: skip
        return self.of_memory(region, i64(0), self.extents_of(source), "f32")

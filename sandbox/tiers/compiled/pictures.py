"""OpenCV on images: calls of our kernels, what they cost, and what need not be computed twice.

An image is an array as any other; a kernel is given it in C order (a copy, where it is a part of
something or an expression), and its result lies in memory of its own that nobody writes afterwards:
a program that writes into a result gets a copy then. So equal calls on equal images within a row are
computed once, a range test of a colour conversion is done in one sweep, and counting what a range
test found needs no sweep at all. Fuel is paid for every call all the same.

Where OpenCV would raise (an empty image, a wrong type), the row is left to the interpreted tier.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NoReturn

from sandbox.opencv import COMPARED, installed
from sandbox.pictures.costs import COSTS, COSTS_AFTER, sweep
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Invoke, Lit, Place, Ty, Var
from sandbox.tiers.compiled.cv2_names import CONSTANTS, OF_OPENCV_4, PARAMETERS, RESULTS
from sandbox.tiers.compiled.deep import Deep
from sandbox.tiers.compiled.links import has_kernel, signature_of
from sandbox.tiers.compiled.pairs import Pairs
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Builtin,
    Cells,
    Column,
    ListCell,
    NoneV,
    Num,
    Points,
    Ref,
    SliceV,
    Str,
    Tup,
    Value,
    Window,
    boolean,
    integer,
    number,
)

__all__ = ["Pictures", "Symbolic"]

Image = Arr | Window
Given = dict[str, Value]

_HSV: Final = {"COLOR_BGR2HSV": 0, "COLOR_RGB2HSV": 2}
_GRAY: Final = {"COLOR_BGR2GRAY": 0, "COLOR_RGB2GRAY": 2}
_OTSU: Final = 8
_PATH: Final = "frame path"
_NO_SCALAR: Final = ("b1", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32")
"""NumPy's types of numbers that OpenCV does not read as a colour or a bound."""
_ALL: Final = SliceV(NONE, NONE, NONE)


class Symbolic:
    """A whole number that only a row knows, as far as prices are computed with it."""

    def __init__(self, owner: Pictures, atom: Atom) -> None:
        self.owner = owner
        self.atom = atom

    def _with(self, op: str, other: Symbolic | int, swap: bool = False) -> Symbolic:
        atom = other.atom if isinstance(other, Symbolic) else i64(other)
        pair = (atom, self.atom) if swap else (self.atom, atom)
        return Symbolic(self.owner, self.owner.op(op, "i64", *pair))

    def __add__(self, other: Symbolic | int) -> Symbolic:
        return self._with("add", other)

    def __radd__(self, other: int) -> Symbolic:
        return self._with("add", other, True)

    def __sub__(self, other: Symbolic | int) -> Symbolic:
        return self._with("sub", other)

    def __mul__(self, other: Symbolic | int) -> Symbolic:
        return self._with("mul", other)

    def __rmul__(self, other: int) -> Symbolic:
        return self._with("mul", other, True)

    def __floordiv__(self, other: Symbolic | int) -> Symbolic:
        return self._with("floordiv", other)


class Pictures(Pairs):
    """Functions of OpenCV on images."""

    def begin_pictures(self) -> None:
        """Forget what was made of other images."""
        self.hsv_of: dict[str, tuple[Image, int]] = {}
        """By the memory of an HSV image: what it was converted from, and its channel of blue."""
        self.counted: dict[str, Atom] = {}
        """By the memory of a mask: how many of its pixels are not 0."""

    hsv_of: dict[str, tuple[Image, int]]
    counted: dict[str, Atom]

    # -- arguments and prices

    def given(self, name: str, args: Args, keywords: Keywords) -> Given:
        """Give the arguments of a function of OpenCV by name; results it would write are None."""
        version = installed()
        if name in COMPARED.get(version[:2], (name,)):
            which = ".".join(map(str, version)) or "of unknown version"
            raise self.refuse("CMP534", f"cv2.{name} with OpenCV {which}")
        names = PARAMETERS[name]
        if len(args) > len(names):
            raise self.refuse("CMP408", f"{len(args)} arguments of cv2.{name}")
        found = dict(zip(names, args, strict=False))
        # A few numbers that some paths give and others not are for the reader of arguments.
        for key, value in keywords.items():
            if key not in names or key in found:
                raise self.refuse("CMP408", f"the argument {key!r} of cv2.{name}")
            found[key] = value
        for key in list(found):
            if isinstance(found[key], NoneV):
                del found[key]
            elif key in RESULTS and name != "drawContours":
                raise self.refuse("CMP408", f"the argument {key!r} of cv2.{name}")
        return found

    def only(self, name: str, given: Given, *known: str) -> None:
        """Refuse arguments that are not taken."""
        other = given.keys() - set(known)
        if other:
            raise self.refuse("CMP408", f"the argument {min(other)!r} of cv2.{name}")

    def pay_for(self, name: str, table: Any = COSTS, **words: Atom | int) -> None:
        """Charge for a call, as the interpreted tier does."""
        price = table[name]
        needed = price.__code__.co_varnames[: price.__code__.co_argcount]
        found: dict[str, Any] = {}
        for word in needed:
            value = words[word]
            if isinstance(value, Lit):
                value = int(value.value)
            found[word] = value if isinstance(value, int) else Symbolic(self, value)
        if all(isinstance(value, int) for value in found.values()):
            self.charge(int(price(**found)))
            return
        try:
            made = price(**found)
        except TypeError:
            # A price that is no plain formula is a kernel like others.
            kernel = f"cost.{price.__name__}"
            atoms = tuple(v.atom if isinstance(v, Symbolic) else i64(v) for v in found.values())
            self.charge(self.invoke(kernel, *atoms))
            return
        self.charge(made.atom)

    def pay_after(self, name: str, **words: Atom | int) -> None:
        """Charge for what a call has found."""
        if name in COSTS_AFTER:
            self.pay_for(name, COSTS_AFTER, **words)

    def constant_of(self, given: Given, name: str, default: int | None = None) -> int:
        """Give a whole number that must be known."""
        value = given.get(name)
        if value is None:
            if default is None:
                raise self.refuse("CMP408", f"a call of OpenCV without the argument {name!r}")
            return default
        return self.constant(value, f"the argument {name!r}")

    def image(self, value: Value | None, channels: tuple[int, ...] = (1, 3)) -> Image:
        """Give an image of bytes, with one channel (two axes) or three."""
        if value is None:
            self.cv_error("", "an image is missing")
        if not isinstance(value, Arr | Window) or value.ty != "u8":
            raise self.refuse("CMP531", f"an image of {self.told(value)}; want uint8")
        axes = len(value.shape)
        if axes == 3 and self.extents_of(value)[2].const != 3:
            raise self.refuse("CMP531", "an image of other than one or three channels")
        if axes not in (2, 3) or (1 if axes == 2 else 3) not in channels:
            raise self.refuse("CMP531", f"an image of {axes} axes here")
        for extent in self.extents_of(value)[:2]:
            self.only_where(boolean(self.op("gt", "b1", extent.atom, i64(0))))
        return value

    def told(self, value: Value | None) -> str:
        """Say what an argument is."""
        if isinstance(value, Arr | Window):
            return f"type {value.ty}"
        return "nothing" if value is None else self.described(value)

    # -- calls

    def invoke(self, kernel: str, *args: Atom | Place) -> Var:
        """Call a kernel."""
        if not has_kernel(kernel):
            raise self.refuse("CMP530", f"there is no kernel {kernel} yet")
        wanted = signature_of(kernel)
        kinds = [
            (self.regions[arg.region].ty, len(arg.extents)) if isinstance(arg, Place)
            else ("" if arg.ty in ("b1", "i64") else arg.ty, 0)
            for arg in args
        ]  # fmt: skip
        asked = [(ty if axes or ty in FLOATS else "", axes) for ty, axes in wanted.args]
        if kinds != asked:
            raise self.refuse("CMP530", f"the kernel {kernel} takes {asked}, not {kinds}")
        made: list[Atom | Place] = [
            arg if isinstance(arg, Place) or arg.ty in FLOATS else self.cast(arg, "i64")
            for arg in args
        ]
        result = self.new("f64" if wanted.result in FLOATS else "i64", "k")
        self.emit(Invoke(result, kernel, tuple(made)))
        return result

    def place(self, image: Image, *, flat: bool = False) -> Place:
        """Give an image to a kernel."""
        region, offset = self.laid_out(image)
        if flat:
            return Place(region, offset, (self.elements_of(image),))
        return Place(region, offset, tuple(extent.atom for extent in self.extents_of(image)))

    def identity(self, value: Value) -> Any:
        """Name what an argument holds now; equal names hold the same."""
        if isinstance(value, Window):
            if value.memory is not None and not value.deps:
                region, offset, strides = value.memory
                return (region, offset, strides, tuple(e.atom for e in value.shape))
            self.keepalive.append(value)
            return ("id", id(value))
        if isinstance(value, Arr):
            content = self.pt.heap[value.cell]
            match content:
                case Column(region=region):
                    return (region, value.shape, value.view)
                case Buffer(region=region, version=version):
                    return (region, version, value.shape, value.view)
                case Cells(atoms=atoms):
                    return (atoms, value.shape, value.view)
            self.keepalive.append(content)
            return ("id", id(content), value.shape, value.view)
        return value

    def made_once(self, key: Any, extents: tuple[Num, ...], make: Callable[[str], None]) -> Image:
        """Make an image of bytes by kernels, unless it is at hand.

        Args:
            key: What it is made of; equal keys make the same.
            extents: Its shape.
            make: Calls the kernels; gets the memory for the result.
        """
        region = self.pt.known.get(("image", key))
        if region is None:
            size = 1
            for extent in extents:
                size *= max(extent.high, 1)
            region = self.scratch("u8", size)
            make(region)
            self.pt.known["image", key] = region
        return self.of_memory(region, i64(0), extents, "u8")

    def out(self, region: str, extents: tuple[Num, ...], *, flat: bool = False) -> Place:
        """Give memory for a result to a kernel."""
        atoms = tuple(extent.atom for extent in extents)
        if not flat:
            return Place(region, i64(0), atoms, True)
        total: Atom = i64(1)
        for atom in atoms:
            total = self.op("mul", "i64", total, atom)
        return Place(region, i64(0), (total,), True)

    def memory_name(self, value: Value) -> str | None:
        """Give the memory that an image is all of, if nobody writes it any more."""
        if isinstance(value, Window):
            whole = value.memory is not None and value.memory[1] == i64(0) and not value.deps
            if not whole or value.memory is None:
                return None
            step: Atom = i64(1)
            for extent, stride in zip(
                reversed(value.shape), reversed(value.memory[2]), strict=True
            ):
                if stride != step:
                    return None
                step = self.op("mul", "i64", step, extent.atom)
            return value.memory[0]
        content = self.pt.heap[value.cell] if isinstance(value, Arr) else None
        if isinstance(value, Arr) and value.view is None and isinstance(content, Column):
            return content.region
        return None

    def no_picture(self) -> Place:
        """Give a kernel an empty mask."""
        name = self.pt.known.get(("no mask",))
        if name is None:
            name = self.scratch("u8", 1)
            self.pt.known["no mask",] = name
        return Place(name, i64(0), (i64(0),))

    # -- colours

    def cv_cvtColor(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("cvtColor", args, keywords)
        self.only("cvtColor", given, "src", "code")
        code = self.constant_of(given, "code")
        kind = next(
            name for name, value in CONSTANTS.items() if value == code and name[:6] == "COLOR_"
        )
        names = {
            name for name, value in CONSTANTS.items() if value == code and name[:6] == "COLOR_"
        }
        gray = "COLOR_GRAY2BGR" in names or "COLOR_GRAY2RGB" in names
        source = self.image(given.get("src"), (1,) if gray else (3,))
        self.pay_for("cvtColor", elements=self.elements_of(source))
        extents = self.extents_of(source)
        key = ("cvtColor", code, self.identity(source))
        if names & _HSV.keys():
            blue = _HSV[(names & _HSV.keys()).pop()]

            def to_hsv(region: str) -> None:
                self.invoke(
                    "hsv_from_colour", self.place(source), i64(blue), self.out(region, extents)
                )
                self.hsv_of[region] = (self.unchanged(source), blue)

            return self.made_once(key, extents, to_hsv)
        if names & _GRAY.keys():
            side = _GRAY[(names & _GRAY.keys()).pop()]
            return self.made_once(
                key,
                extents[:2],
                lambda region: self.done(
                    "gray_from_colour", self.place(source), i64(side), self.out(region, extents[:2])
                ),
            )
        if names & {"COLOR_BGR2RGB", "COLOR_RGB2BGR"}:
            return self.made_once(
                key,
                extents,
                lambda region: self.done(
                    "channels_swapped", self.place(source), self.out(region, extents)
                ),
            )
        if gray:
            wide = (*extents, number(3))
            return self.made_once(
                key,
                wide,
                lambda region: self.done(
                    "gray_to_colour", self.place(source), self.out(region, wide)
                ),
            )
        raise self.refuse("CMP530", f"cvtColor to {kind}")

    def done(self, kernel: str, *args: Atom | Place) -> None:
        """Call a kernel that only writes."""
        self.invoke(kernel, *args)

    def unchanged(self, image: Image) -> Image:
        """Give an image that later writes to this one do not change."""
        return self.still(image) if isinstance(image, Arr) else image

    def cv_error(self, name: str, text: str) -> NoReturn:
        """Raise ``cv2.error`` as OpenCV does for an argument that it cannot read."""
        message = f"OpenCV: error: (-5:Bad argument) in function {name!r}: {text}"
        self.fail("error", message, "cv2")

    def readable(self, name: str, item: Value, bad: tuple[Ty, ...], *, truth: bool) -> Num:
        """Give a number that OpenCV reads from brackets; it does not read NumPy's of some types.

        Args:
            name: The function of OpenCV.
            item: What stands in the brackets.
            bad: NumPy's types that it does not take.
            truth: Whether it takes Python's truth values.
        """
        if not isinstance(item, Num):
            raise self.refuse("CMP532", f"{self.told(item)} in place of a number")
        if not isinstance(item.weak, bool):
            raise self.refuse("CMP532", "a number that is Python's or NumPy's by path")
        if (item.ty in bad and not item.weak) or (item.weak and item.ty == "b1" and not truth):
            self.cv_error(name, "an item of a sequence has a wrong type")
        return item

    def bracketed(self, value: Value) -> tuple[Value, ...] | None:
        """Give what stands in a tuple; None for anything else."""
        return value.items if isinstance(value, Tup) and value.cls == "tuple" else None

    def _levels(self, name: str, value: Value | None, channels: int) -> list[Atom]:
        """Give a bound for each channel, as OpenCV reads them."""
        items: tuple[Value, ...]
        if isinstance(value, Num):
            items = (value, *(number(0) for _ in range(channels - 1)))
            items = tuple(self.readable(name, item, _NO_SCALAR, truth=True) for item in items)
        elif isinstance(value, Arr) and value.shape == (channels,) and channels == 3:
            items = tuple(self.item(self.get(value, (i64(k),))) for k in range(value.size))
        elif (found := None if value is None else self.bracketed(value)) is not None:
            if len(found) not in (channels, 4):
                raise self.refuse("CMP532", f"{len(found)} bounds for {channels} channels")
            items = tuple(self.readable(name, item, _NO_SCALAR, truth=True) for item in found)
        elif isinstance(value, Ref) and isinstance(self.pt.heap[value.cell], ListCell):
            self.cv_error(name, "a list is no array")
        else:
            raise self.refuse("CMP532", "bounds of inRange that are no few numbers")
        return [self._level(item) for item in items[:channels] if isinstance(item, Num)]

    def _level(self, item: Num) -> Atom:
        if item.ty not in FLOATS:
            return self.cast(item.atom, "i64")
        # OpenCV rounds half to even; what is far outside of a byte may stay so.
        whole = item.const
        if whole is None or not math.isfinite(whole) or abs(whole) > 1e6:
            raise self.refuse("CMP532", "bounds of inRange that are floats")
        return i64(round(float(whole)))

    def cv_inRange(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("inRange", args, keywords)
        self.only("inRange", given, "src", "lowerb", "upperb")
        source = self.image(given.get("src"))
        extents = self.extents_of(source)
        channels = 1 if len(extents) == 2 else 3
        self.pay_for("inRange", elements=self.elements_of(source))
        low = self._levels("inRange", given.get("lowerb"), channels)
        high = self._levels("inRange", given.get("upperb"), channels)
        name = self.memory_name(source)
        key = ("inRange", self.identity(source), tuple(low), tuple(high))

        def make(region: str) -> None:
            if channels == 1:
                found = self.invoke(
                    "in_range_gray", self.place(source, flat=True), low[0], high[0],
                    self.out(region, extents, flat=True),
                )  # fmt: skip
            elif name in self.hsv_of and self._still_there(self.hsv_of[name][0]):
                origin, blue = self.hsv_of[name]
                found = self.invoke(
                    "in_range_hsv", self.place(origin), i64(blue), *low, *high,
                    self.out(region, extents[:2]),
                )  # fmt: skip
            else:
                found = self.invoke(
                    "in_range_pixels",
                    self.place(source),
                    *low,
                    *high,
                    self.out(region, extents[:2]),
                )
            self.counted[region] = found

        return self.made_once(key, extents[:2], make)

    def _still_there(self, image: Image) -> bool:
        """Whether an image is as it was when something was made of it."""
        if isinstance(image, Window):
            return not image.deps and image.memory is not None
        return isinstance(self.pt.heap.get(image.cell), Column)

    # -- counting

    def cv_countNonZero(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("countNonZero", args, keywords)
        self.only("countNonZero", given, "src")
        source = given.get("src")
        if not isinstance(source, Arr | Window) or len(source.shape) != 2:
            raise self.refuse("CMP531", f"countNonZero of {self.told(source)}")
        if source.ty == "b1":
            raise self.refuse("CMP531", "countNonZero of truth values, which OpenCV does not take")
        most = 1
        for extent in self.extents_of(source):
            most *= max(extent.high, 0)
        self.pay_for("countNonZero", elements=self.elements_of(source))
        name = self.memory_name(source)
        if name in self.counted:
            return integer(self.counted[name], 0, most)
        lies = self.memory_of(source)
        if source.ty != "u8" or lies is None or lies[2][-1] != i64(1):
            found = self.count_true(source)
            assert isinstance(found, Num)
            return integer(found.atom, 0, most)
        key = ("countNonZero", self.identity(source))
        atom = self.pt.known.get(key)
        if atom is None:
            if self._in_one_piece(source):
                atom = self.invoke("count_non_zero", self.place(source, flat=True))
            else:
                counted = self.count_true(source)
                assert isinstance(counted, Num)
                atom = counted.atom
            self.pt.known[key] = atom
        return integer(atom, 0, most)

    def _in_one_piece(self, image: Image) -> bool:
        """Whether an image lies in C order in memory."""
        lies = self.memory_of(image)
        if lies is None:
            return False
        step: Atom = i64(1)
        for extent, stride in zip(reversed(self.extents_of(image)), reversed(lies[2]), strict=True):
            if stride != step and extent.const != 1:
                return False
            step = self.op("mul", "i64", step, extent.atom)
        return True

    # -- element by element

    def _pair(self, name: str, given: Given) -> tuple[Image, Image]:
        first, second = given.get("src1"), given.get("src2")
        a, b = self.image(first), self.image(second)
        if len(a.shape) != len(b.shape):
            raise self.refuse("CMP531", f"cv2.{name} of images with other numbers of channels")
        for x, y in zip(self.extents_of(a), self.extents_of(b), strict=True):
            self.same_extent(x, y)
        return a, b

    def _mask(self, given: Given) -> tuple[Place, Any]:
        value = given.get("mask")
        if value is None:
            return self.no_picture(), None
        mask = self.image(value, (1,))
        return self.place(mask, flat=True), self.identity(mask)

    def _of_two(
        self, name: str, given: Given, kernel: str, *more: Atom, masked: bool = True
    ) -> Value:
        a, b = self._pair(name, given)
        mask = given.get("mask")
        if mask is not None and isinstance(mask, Arr | Window):
            for x, y in zip(self.extents_of(a)[:2], self.extents_of(mask), strict=True):
                self.same_extent(x, y)
        self.pay_for(name, elements=self.elements_of(a))
        where, known = self._mask(given) if masked else (None, None)
        extents = self.extents_of(a)
        key = (name, self.identity(a), self.identity(b), known)

        def make(region: str) -> None:
            places: list[Atom | Place] = [self.place(a, flat=True), self.place(b, flat=True)]
            if where is not None:
                places.append(where)
            self.invoke(kernel, *places, *more, self.out(region, extents, flat=True))

        return self.made_once(key, extents, make)

    def cv_bitwise_and(self, args: Args, keywords: Keywords) -> Value:
        return self._bitwise("bitwise_and", 0, args, keywords)

    def cv_bitwise_or(self, args: Args, keywords: Keywords) -> Value:
        return self._bitwise("bitwise_or", 1, args, keywords)

    def cv_bitwise_xor(self, args: Args, keywords: Keywords) -> Value:
        return self._bitwise("bitwise_xor", 2, args, keywords)

    def _bitwise(self, name: str, kind: int, args: Args, keywords: Keywords) -> Value:
        given = self.given(name, args, keywords)
        self.only(name, given, "src1", "src2", "mask")
        return self._of_two(name, given, "bitwise", i64(kind))

    def cv_bitwise_not(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("bitwise_not", args, keywords)
        self.only("bitwise_not", given, "src", "mask")
        source = self.image(given.get("src"))
        self.pay_for("bitwise_not", elements=self.elements_of(source))
        where, known = self._mask(given)
        extents = self.extents_of(source)
        return self.made_once(
            ("bitwise_not", self.identity(source), known),
            extents,
            lambda region: self.done(
                "bitwise_not", self.place(source, flat=True), where,
                self.out(region, extents, flat=True),
            ),
        )  # fmt: skip

    def cv_absdiff(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("absdiff", args, keywords)
        self.only("absdiff", given, "src1", "src2")
        return self._of_two("absdiff", given, "absolute_difference", masked=False)

    def cv_add(self, args: Args, keywords: Keywords) -> Value:
        return self._sum("add", 1, args, keywords)

    def cv_subtract(self, args: Args, keywords: Keywords) -> Value:
        return self._sum("subtract", -1, args, keywords)

    def _sum(self, name: str, sign: int, args: Args, keywords: Keywords) -> Value:
        given = self.given(name, args, keywords)
        self.only(name, given, "src1", "src2", "mask")
        return self._of_two(name, given, "saturated_sum", i64(sign))

    def cv_threshold(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("threshold", args, keywords)
        self.only("threshold", given, "src", "thresh", "maxval", "type")
        kind = self.constant_of(given, "type")
        otsu, plain = bool(kind & _OTSU), kind & ~_OTSU
        if plain not in range(5):
            raise self.refuse("CMP530", f"threshold of type {kind}")
        source = self.image(given.get("src"), (1,) if otsu else (1, 3))
        self.pay_for("threshold", elements=self.elements_of(source))
        extents = self.extents_of(source)
        top = given.get("maxval")
        if not isinstance(top, Num):
            raise self.refuse("CMP532", "a largest value that is no number")
        if top.ty in FLOATS:
            if top.const is None or not abs(top.const) < 1e6:
                raise self.refuse("CMP532", "a largest value that is a float")
            value: Atom = i64(round(float(top.const)))
        else:
            value = self.cast(top.atom, "i64")
        if otsu:
            level: Atom = self._otsu(source)
        else:
            asked = given.get("thresh")
            if not isinstance(asked, Num):
                raise self.refuse("CMP532", "a threshold that is no number")
            level = self.cast(asked.atom, "i64")
            if asked.ty in FLOATS:
                real = self.cast(asked.atom, "f64")
                self.only_where(
                    boolean(self.op("lt", "b1", self.op("abs", "f64", real), Lit(1e6, "f64")))
                )
                level = self.cast(self.op("floor", "f64", real), "i64")
        image = self.made_once(
            ("threshold", self.identity(source), level, value, plain),
            extents,
            lambda region: self.done(
                "threshold", self.place(source, flat=True), level, value, i64(plain),
                self.out(region, extents, flat=True),
            ),
        )  # fmt: skip
        return Tup((Num(self.cast(level, "f64")), image))

    def _otsu(self, source: Image) -> Atom:
        key = ("otsu", self.identity(source))
        level = self.pt.known.get(key)
        if level is None:
            counts = self.scratch("i64", 256)
            level = self.invoke(
                "threshold_otsu", self.place(source, flat=True),
                Place(counts, i64(0), (i64(256),), True),
            )  # fmt: skip
            self.pt.known[key] = level
        return level

    # -- planes

    def cv_split(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("split", args, keywords)
        self.only("split", given, "m")
        source = self.image(given.get("m"), (3,))
        self.pay_for("split", elements=self.elements_of(source))
        planes = []
        for channel in range(3):
            found = self.part_of(source, [_ALL, _ALL, number(channel)])
            assert isinstance(found, Arr | Window)
            planes.append(self.apart(found))
        return Tup(tuple(planes))

    def apart(self, image: Image) -> Image:
        """Give a copy, as far as a program can tell."""
        if isinstance(image, Window):
            found = self.a_copy([image], {})
            assert isinstance(found, Window | Arr)
            return found
        content = self.pt.heap[image.cell]
        if isinstance(content, Buffer):
            return self.materialise(image)
        cell = self.number()
        self.pt.heap[cell] = content
        return Arr(cell, image.shape, image.ty, image.view)

    def cv_merge(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("merge", args, keywords)
        self.only("merge", given, "mv")
        parts = [self.image(item, (1,)) for item in self.listed(given["mv"])]
        if len(parts) != 3:
            raise self.refuse("CMP531", "merge of other than three planes")
        extents = self.extents_of(parts[0])
        for other in parts[1:]:
            for a, b in zip(extents, self.extents_of(other), strict=True):
                self.same_extent(a, b)
        self.pay_for("merge", elements=self.elements_of(parts[0]))
        wide = (*extents, number(3))
        return self.made_once(
            ("merge", *(self.identity(part) for part in parts)),
            wide,
            lambda region: self.done(
                "merged", *(self.place(part) for part in parts), self.out(region, wide)
            ),
        )

    def cv_flip(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("flip", args, keywords)
        self.only("flip", given, "src", "flipCode")
        source = self.image(given.get("src"))
        code = self.constant_of(given, "flipCode")
        self.pay_for("flip", elements=self.elements_of(source))
        extents = self.extents_of(source)
        deep = extents if len(extents) == 3 else (*extents, number(1))

        def make(region: str) -> None:
            at = self.place(source)
            atoms = tuple(extent.atom for extent in deep)
            self.invoke(
                "flipped", Place(at.region, at.offset, atoms), i64(code), self.out(region, deep)
            )

        return self.made_once(("flip", code, self.identity(source)), extents, make)

    # -- frames

    def reversed_channels(self, frame: Arr) -> Image:
        """Give a frame with its channels the other way round."""
        extents = self.extents_of(frame)
        return self.made_once(
            ("reversed", self.identity(frame)),
            extents,
            lambda region: self.done(
                "channels_swapped", self.place(frame), self.out(region, extents)
            ),
        )

    @staticmethod
    def frame_token(frame: Arr) -> Builtin:
        """Give what stands for a frame until `cv2.imread` reads it."""
        return Builtin(_PATH, frame)

    def cv_imread(self, args: Args, keywords: Keywords) -> Value:
        given = self.given("imread", args, keywords)
        self.only("imread", given, "filename", "flags")
        token = given.get("filename")
        if isinstance(token, Str):
            self.charge(1)
            return NONE
        if not isinstance(token, Builtin) or token.name != _PATH:
            raise self.refuse("CMP531", f"imread of {self.told(token)}")
        frame = token.owner
        assert isinstance(frame, Arr)
        self.charge(int(sweep(frame.size)))
        flags = self.constant_of(given, "flags", CONSTANTS["IMREAD_COLOR"])
        if flags == CONSTANTS["IMREAD_COLOR_RGB"]:
            return self.apart(frame)
        pixels = self.reversed_channels(frame)
        if flags == CONSTANTS["IMREAD_GRAYSCALE"]:
            extents = self.extents_of(pixels)[:2]
            return self.made_once(
                ("imread gray", self.identity(pixels)),
                extents,
                lambda region: self.done(
                    "gray_from_colour", self.place(pixels), i64(0), self.out(region, extents)
                ),
            )
        if flags not in (CONSTANTS["IMREAD_COLOR"], CONSTANTS["IMREAD_UNCHANGED"]):
            raise self.refuse("CMP532", f"imread with flags {flags}")
        return pixels

    def deep_of(self, value: Value, seen: set[int]) -> Deep:
        if isinstance(value, Builtin) and value.name == _PATH:
            raise self.refuse_kept("CMP702", "keeps the path of a frame", self.kept_as)
        return super().deep_of(value, seen)

    # -- names

    def module_constant(self, name: str) -> Value | None:
        """Give a constant of OpenCV."""
        found = CONSTANTS.get(name)
        if name in OF_OPENCV_4 and installed()[:1] == (4,):
            found = OF_OPENCV_4[name]
        return None if found is None else number(found)

    def elements_within(self, value: Window | Points) -> Atom:
        if isinstance(value, Window):
            return self.window_size(value).atom
        return self.op("mul", "i64", value.length, i64(2))

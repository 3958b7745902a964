"""What the front end knows of a value while it lowers a program.

Names, functions, classes, modules, strings and None are known completely. A number is an atom of
the core language with its Python or NumPy type; tuples, lists, dicts and objects are known by
structure and hold such values; an array has a known shape and a rule that gives the atom of any
element. Where a value's type depends on the path taken, it is a `Union`: a tag and one value for
each tag; operations on it are done for each variant.

Values are immutable. What Python can change in place (lists, dicts, sets, objects, arrays) is a
reference to a *cell*; cells live in the state of a program point, so that a fork of the program
is a copy of two dicts.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sandbox.tiers.compiled.core import Atom, Lit, Ty, limits_of

__all__ = [
    "MADE_TEXT",
    "NONE",
    "UNBOUND",
    "Arr",
    "Bound",
    "Bounds",
    "Buffer",
    "Builtin",
    "Cell",
    "Cells",
    "Cls",
    "Column",
    "DictCell",
    "Dty",
    "Exc",
    "Facts",
    "Frame",
    "Func",
    "Gen",
    "GridCell",
    "Index",
    "Lazy",
    "ListCell",
    "Lost",
    "Mod",
    "NoneV",
    "Num",
    "ObjCell",
    "Points",
    "Range",
    "Record",
    "Ref",
    "Sel",
    "SeqCell",
    "SetCell",
    "SliceV",
    "Str",
    "TableCell",
    "Text",
    "Tup",
    "Unbound",
    "Union",
    "Value",
    "View",
    "Window",
    "Words",
    "boolean",
    "integer",
    "number",
]

Facts: TypeAlias = tuple[tuple[str, frozenset[int]], ...]
"""What is known of tags: name of the tag's variable, and the variants still possible."""

Index: TypeAlias = tuple[Atom, ...]
Bounds: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class NoneV:
    """None."""


@dataclass(frozen=True, slots=True)
class Unbound:
    """A name that has no value on this path."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that this tier cannot follow (a list made anew in each turn of a loop, say).

    It does no harm while nobody uses it.
    """

    why: str = "a container made in a loop is used after its turn"


MADE_TEXT: Final = "a string made of numbers, which something reads"
"""Why a text is lost that a program only makes, for a message say."""

NONE: Final = NoneV()
UNBOUND: Final = Unbound()


@dataclass(frozen=True, slots=True)
class Num:
    """A number.

    Attributes:
        atom: Where its value is.
        weak: Whether it is a Python number (True), a NumPy scalar (False), or which of the two
            is only known when it runs (an atom that is true for Python).
        low: Least value of an integer.
        high: Greatest value of an integer.
        yes: What holds where this truth value is true.
        no: What holds where it is false.
    """

    atom: Atom
    weak: bool | Atom = True
    low: int = 0
    high: int = 0
    yes: Facts = ()
    no: Facts = ()
    enum: str = ""
    """The name of the `IntEnum` that it is a member of."""

    @property
    def ty(self) -> Ty:
        """The core type."""
        return self.atom.ty

    @property
    def const(self) -> bool | int | float | None:
        """The value where it is known, else None."""
        return self.atom.value if isinstance(self.atom, Lit) else None

    @property
    def kind(self) -> str:
        """``"int"``, ``"float"`` or ``"bool"`` for Python numbers, else the NumPy name."""
        names = {"b1": "bool", "i64": "int", "f64": "float"}
        return names[self.ty] if self.weak is True else f"numpy {self.ty}"


def number(value: bool | float) -> Num:
    """Make a known Python number."""
    if isinstance(value, bool):
        return Num(Lit(value, "b1"), True, int(value), int(value))
    if isinstance(value, int):
        return Num(Lit(value, "i64"), True, value, value)
    return Num(Lit(float(value), "f64"), True)


def integer(atom: Atom, low: int | None = None, high: int | None = None) -> Num:
    """Make a Python int of an atom."""
    if isinstance(atom, Lit):
        return number(int(atom.value))
    least, most = limits_of("i64")
    return Num(atom, True, least if low is None else low, most if high is None else high)


def boolean(atom: Atom, weak: bool | Atom = True) -> Num:
    """Make a truth value of an atom."""
    if isinstance(atom, Lit):
        return Num(atom, weak, int(atom.value), int(atom.value))
    return Num(atom, weak, 0, 1)


@dataclass(frozen=True, slots=True)
class Str:
    """A known string."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A part of a text observation: bytes of a column, by start and length."""

    region: str
    start: Atom
    length: Atom
    lower: bool = False


_ZERO: Final = Lit(0, "i64")


@dataclass(frozen=True, slots=True)
class Words:
    """The list that ``text.split()`` gives; words are looked up when asked for.

    Attributes:
        text: What was split.
        separator: Where; empty for white space.
        first: Number of the first word; a slice begins later.
        stop: Number of the word after the last one; None where all of them are meant.
    """

    text: Text
    separator: str = ""
    first: Atom = _ZERO
    stop: Atom | None = None


@dataclass(frozen=True, slots=True)
class Tup:
    """A tuple. ``names`` are the fields of a named one."""

    items: tuple[Value, ...]
    names: tuple[str, ...] = ()
    cls: str = "tuple"
    weight: int = field(default=1, compare=False)
    """Values in it, those in tuples in it included."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a cell of the heap."""

    cell: int


@dataclass(frozen=True, slots=True)
class View:
    """How an array reads its cell: element (i, j) is at offset + i·strides[0] + j·strides[1]."""

    offset: Atom
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arr:
    """An array of a known shape over a cell. ``view`` is None where it is the whole cell."""

    cell: int
    shape: tuple[int, ...]
    ty: Ty
    view: View | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(eq=False, slots=True)
class Sel:
    """Elements of a known domain that satisfy a predicate, in order: what a mask selects.

    The first axis has as many entries as the predicate holds for; ``tail`` are further axes.

    Attributes:
        domain: Sizes of the loops that go through the candidates.
        keep: Gives the atom that says whether a candidate is selected.
        element: Gives the atom of a candidate's element at an index of the tail.
        deps: Buffers that the rules read, with their versions.
    """

    domain: tuple[int, ...]
    keep: Callable[[Index], Atom]
    element: Callable[[Index, Index], Atom]
    ty: Ty
    tail: tuple[int, ...] = ()
    deps: tuple[tuple[int, int], ...] = ()
    source: object = None
    """Selections with the same source select the same candidates."""
    bounds: tuple[int, int] | None = None
    bound: Atom | None = None
    """Where just the first so many candidates of one axis are selected: how many."""
    extents: tuple[Atom, ...] | None = None
    """Where the candidates are those of a `Window`: how many there are along each axis."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points (x, y) of int32 in a row's memory for points: what OpenCV gives for a contour.

    That memory only grows while a row runs, so points never change and are never overwritten.

    Attributes:
        start: Place of the first point.
        length: How many.
        tail: Shape of the array behind the first axis: ``(1, 2)``, or ``(2,)``.
    """

    start: Atom
    length: Atom
    tail: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, slots=True)
class Record:
    """A dict with known texts as keys, or an object, that is an element of a list of unknown length.

    It is never changed: a program that changes such a dict or object is not taken.
    """

    keys: tuple[str, ...]
    items: tuple[Value, ...]
    cls: str = ""
    """The name of an object's class; its attributes are the keys."""


@dataclass(eq=False, slots=True)
class Window:
    """An array whose extents depend on the data, such as ``image[y:y + h, x:x + w]``.

    Attributes:
        shape: Its extents; some of them are known.
        ty: Core type of its elements.
        rule: Gives an element; the index is within the extents.
        deps: Buffers that the rule reads, by cell and version.
        memory: Where it lies in memory as it is: region, place of the first element, strides.
        version: Of the buffer it is a view of, with its cell; writes go there.
    """

    shape: tuple[Num, ...]
    ty: Ty
    rule: Callable[[Index], Atom]
    deps: tuple[tuple[int, int], ...] = ()
    memory: tuple[str, Atom, tuple[Atom, ...]] | None = None
    source: tuple[Arr, tuple[Atom, ...]] | None = None
    """The array that it is a part of, and the index there of its first element."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range."""

    start: Num
    stop: Num
    step: Num


@dataclass(frozen=True, slots=True)
class SliceV:
    """A slice; each part is a number or None."""

    start: Value
    stop: Value
    step: Value


@dataclass(frozen=True, slots=True)
class Dty:
    """A type that converts numbers: a NumPy scalar type or Python's int, float, bool."""

    name: str
    ty: Ty
    weak: bool


@dataclass(frozen=True, slots=True)
class Mod:
    """A module, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of ours, by its dotted name; ``owner`` is what a method was read from."""

    name: str
    owner: Value | None = None


@dataclass(frozen=True, slots=True)
class Exc:
    """An exception class, or one instance of it."""

    name: str
    message: str | None = None


@dataclass(eq=False, slots=True)
class Frame:
    """A scope: which names are its own, and where to look for others."""

    number: int
    names: frozenset[str]
    parent: Frame | None
    function: str
    globals_: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Func:
    """A function of the guest."""

    node: ast.FunctionDef | ast.Lambda = field(hash=False, compare=False)
    identity: int
    frame: Frame = field(hash=False, compare=False)
    defaults: tuple[tuple[str, Value], ...] = ()
    binding: str = "plain"
    """``"static"`` and ``"class"`` methods are bound otherwise than plain ones; ``"property"``."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A method with its object."""

    owner: Value
    function: Func


@dataclass(eq=False, slots=True)
class Cls:
    """A class of the guest."""

    name: str
    body: dict[str, Value]
    bases: tuple[Value, ...] = ()
    fields: tuple[tuple[str, Value | None, Func | Builtin | Cls | Dty | None], ...] | None = None
    """Fields of a dataclass: name, default, factory of the default."""
    kind: str = "plain"
    members: tuple[str, ...] = ()
    """Of an enum, in the order of the source."""
    frozen: bool = False
    """A dataclass whose fields are not assigned."""


@dataclass(frozen=True, slots=True)
class Gen:
    """Something to iterate that is made on demand.

    Attributes:
        kind: ``"genexp"``, ``"zip"``, ``"enumerate"``, ``"reversed"``, ``"map"``, ``"keys"``,
            ``"values"``, ``"items"``, …
        parts: What it goes over.
        node: The expression, for generator expressions.
    """

    kind: str
    parts: tuple[Any, ...]
    node: ast.AST | None = field(default=None, hash=False, compare=False)
    frame: Frame | None = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Union:
    """A value whose type depends on the path: variant ``k`` where the tag is ``k``."""

    tag: Atom
    variants: tuple[Value, ...]


Value: TypeAlias = (
    NoneV | Unbound | Lost | Num | Str | Text | Words | Tup | Ref | Arr | Sel | Points | Window | Record | Range | SliceV | Dty
    | Mod | Builtin | Exc | Func | Bound | Cls | Gen | Union
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cells:
    """The content of a small array: one atom an element, in C order."""

    atoms: tuple[Atom, ...]
    frozen: bool = False
    """Made by a merge of arrays that somebody else may still hold: it must not be changed."""


@dataclass(frozen=True, slots=True)
class Column:
    """The content of an array that is a region nobody writes."""

    region: str


@dataclass(frozen=True, slots=True)
class Buffer:
    """The content of an array in scratch or state memory; the version counts writes."""

    region: str
    version: int = 0


@dataclass(eq=False, slots=True)
class Lazy:
    """The content of an array whose elements are computed when they are read."""

    shape: tuple[int, ...]
    ty: Ty
    rule: Callable[[Index], Atom]
    deps: tuple[tuple[int, int], ...] = ()
    """Buffers the rule reads, by cell and version."""
    flat: Callable[[Atom], Atom] | None = None
    """The same rule by the position in C order, where that is cheaper."""
    shared: bool = False
    """Another array was made as a view of this one, so it must not be written any more."""


@dataclass(frozen=True, slots=True)
class ListCell:
    """A list or deque. ``length`` is the number of valid items where that is not static."""

    items: tuple[Value, ...]
    length: Num | None = None
    maxlen: int | None = None
    kind: str = "list"


@dataclass(frozen=True, slots=True)
class DictCell:
    """A dict or Counter or defaultdict with known keys, in order of insertion.

    Each entry has an atom that says whether it is present (the literal true mostly).
    """

    entries: tuple[tuple[Any, Value, Atom, Value], ...] = ()
    """(hashable key, key value, present, value)."""
    factory: Value | None = None
    ordered: bool = True
    kind: str = "dict"


@dataclass(frozen=True, slots=True)
class SetCell:
    """A set of known candidates, each with an atom that says whether it is in."""

    entries: tuple[tuple[Any, Value, Atom], ...] = ()
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class ObjCell:
    """An object of a guest's class."""

    cls: Cls
    attributes: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class GridCell:
    """A set or dict whose keys depend on the data, as arrays over all keys that are possible.

    Attributes:
        bounds: Least and greatest value of each part of a key.
        plain: Whether keys are numbers, not tuples.
        region: Truth values, one a key.
        values: For dicts: region, core type, and whether they are Python numbers.
        version: Counts writes.
    """

    bounds: Bounds
    plain: bool
    region: str
    values: tuple[str, Ty, bool] | None
    version: int


@dataclass(frozen=True, slots=True)
class SeqCell:
    """A list, deque or tuple whose length depends on the data: records in columns of memory.

    Attributes:
        record: Shape of an element (see `sandbox.tiers.compiled.shapes`).
        regions: One for each column of the record.
        start: Place of the first element.
        length: Number of elements.
        room: Elements there is memory for.
        version: Counts writes.
    """

    record: Any
    regions: tuple[str, ...]
    start: Atom
    length: Num
    room: int
    maxlen: int | None
    kind: str
    version: int


@dataclass(frozen=True, slots=True)
class TableCell:
    """A dict or set whose keys depend on the data: entries in columns, found by an index of hashes.

    Attributes:
        key: Shape of a key.
        value: Shape of a value; None for sets.
        regions: The index, then whether entries are there, columns of keys, columns of values.
        used: Entries there have been, in order of insertion.
        length: Entries there are.
        room: Entries there is memory for.
        dense: Whether no entry has ever been taken out.
        version: Counts writes.
    """

    key: Any
    value: Any
    regions: tuple[str, ...]
    used: Atom
    length: Num
    room: int
    kind: str
    factory: Value | None
    dense: bool
    version: int


Cell: TypeAlias = (
    Cells | Column | Buffer | Lazy | ListCell | DictCell | SetCell | GridCell | ObjCell | SeqCell
    | TableCell
)  # fmt: skip

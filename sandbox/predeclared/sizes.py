"""How large the result of a function of NumPy would be, and how much it goes through, before it runs.

One function an admitted function that can make more than it is given, or that goes through it more
than once. What is no shape or no number is left to NumPy's own error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.guards import broadcast_size, matmul_price, matmul_size

__all__ = ["ALWAYS", "SIZERS", "SMALL_ELEMENTS", "Bound", "Sizer", "method_sizer", "spread"]

Bound = dict[str, Any]
ndarray: Final = np.ndarray
MOST_DECIMALS: Final = 400
"""A float64 has fewer digits before and after the point."""
MOST_AXES: Final = 64
"""Axes of an array of NumPy; it refuses a longer shape by itself."""
_ROW: Final = 512
"""Elements that are gone through in the time in which NumPy calls one function of its own in Python."""
SMALL_ELEMENTS: Final = 64
"""Elements of all arguments together up to which only they are counted, not what they spread to:
even three of them spread to a few thousand."""
ALWAYS: Final = -1
"""Stands for "ask at every call"."""


@dataclass(frozen=True, slots=True)
class Sizer:
    """How to find the size of what a function would make, before it does.

    Attributes:
        measure: Gives the elements of the result and the elements gone through.
        when: Elements of the array arguments above which it is worth asking; `ALWAYS` where
            plain numbers among the arguments decide the size.
    """

    measure: Callable[[Bound], tuple[int, int]]
    when: int


def _size(value: Any) -> int:
    return int(np.size(value))


def _shape_of(value: Any) -> tuple[int, ...]:
    return tuple(np.shape(value))


def _ndim(value: Any) -> int:
    return int(np.ndim(value))


def _count(shape: Any) -> int:
    """Give the elements of a shape; what is no shape is left to NumPy's own error."""
    if isinstance(shape, int | np.integer):
        return max(int(shape), 0)
    try:
        if len(shape) > MOST_AXES:
            return 0
        return math.prod(max(int(size), 0) for size in shape)
    except (TypeError, ValueError):
        return 0


def _along(shape: tuple[int, ...], axis: Any) -> int:
    """Give the length along an axis; 0 where there is none such, which is left to NumPy."""
    known = isinstance(axis, int | np.integer) and -len(shape) <= axis < len(shape)
    return shape[axis] if known else 0


def _shape(b: Bound) -> tuple[int, int]:
    made = _count(b.get("shape", b.get("new_shape")))
    return made, made


def _like(b: Bound) -> tuple[int, int]:
    made = _size(b.get("a"))
    return made, made


def _arange(b: Bound) -> tuple[int, int]:
    start, stop, step = b.get("a", 0), b.get("b"), b.get("c", 1)
    if stop is None:
        start, stop = 0, start
    try:
        made = max(math.ceil((stop - start) / step), 0)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0, 0
    except OverflowError:
        made = 1 << 62
    return made, made


def _linspace(b: Bound) -> tuple[int, int]:
    num = b.get("num", 50)
    points = broadcast_size(_shape_of(b.get("start")), _shape_of(b.get("stop")))
    made = _count(num) * points
    return made, made


def _square(b: Bound) -> tuple[int, int]:
    rows = _side(b.get("N", b.get("n", 0)))
    columns = b.get("M", b.get("m"))
    made = rows * (rows if columns is None else _side(columns))
    return made, made


def _side(value: Any) -> int:
    """Give the rows or columns of a matrix; NumPy's own code meets an array here only too late."""
    if np.ndim(value):
        raise TypeError("only integers can be the rows and columns of a matrix")
    return _count(math.ceil(value) if isinstance(value, float | np.floating) else value)


def _diag(b: Bound) -> tuple[int, int]:
    value, k = b.get("v"), b.get("k", 0)
    made = _size(value)
    if _ndim(value) == 1:
        made = (made + abs(int(k))) ** 2
    return made, made


def _diagflat(b: Bound) -> tuple[int, int]:
    made = (_size(b.get("v")) + abs(int(b.get("k", 0)))) ** 2
    return made, made


def _indices(b: Bound) -> tuple[int, int]:
    dimensions = b.get("dimensions", ())
    made = _count(dimensions) * len(dimensions)
    return made, made


def _diag_indices(b: Bound) -> tuple[int, int]:
    made = _count(b.get("n")) * _count(b.get("ndim", 2))
    return made, made


def _meshgrid(b: Bound) -> tuple[int, int]:
    grids = b["*"]
    made = math.prod(_size(grid) for grid in grids) * len(grids)
    return made, made


def _tile(b: Bound) -> tuple[int, int]:
    made = max(_size(b.get("A")), 1) * _count(b.get("reps"))
    return made, made


def _repeat(b: Bound) -> tuple[int, int]:
    value, repeats, axis = b.get("a"), b.get("repeats"), b.get("axis")
    size = _size(value)
    each = np.asarray(repeats)
    if each.dtype.kind not in "biuf":
        # NumPy makes a number of a text too; of the others it does not.
        raise TypeError(f"repeat: counts are integers, not {each.dtype}")
    if each.size == 1:
        made = size * max(int(each.reshape(-1)[0]), 0)
    else:
        total = sum(max(int(item), 0) for item in each.reshape(-1))
        across = _along(_shape_of(value), axis) if isinstance(axis, int) else size
        made = total * (size // across if across else 0)
    return made, made


def _pad(b: Bound) -> tuple[int, int]:
    if b.get("mode") == "empty":
        raise ValueError("pad: mode 'empty' would show old memory; use 'constant'")
    shape = _shape_of(b.get("array"))
    width = b.get("pad_width")
    try:
        pairs = np.broadcast_to(np.asarray(width), (len(shape), 2)).tolist()
        made = math.prod(
            size + int(before) + int(after)
            for size, (before, after) in zip(shape, pairs, strict=True)
        )
    except (TypeError, ValueError):
        return 0, 0
    return made, made


def spread(b: Bound) -> tuple[int, int]:
    """Give the size of an outer product, whatever its operands are called."""
    first, second = list(b.values())[:2] if len(b) > 2 else (b["*"][0], b["*"][-1])
    made = _size(first) * _size(second)
    return made, made


def _kron(b: Bound) -> tuple[int, int]:
    made = _size(b.get("a")) * _size(b.get("b"))
    return made, made


def _vander(b: Bound) -> tuple[int, int]:
    size = _size(b.get("x"))
    columns = b.get("N")
    made = size * (size if columns is None else _count(columns))
    return made, made


def _convolve(b: Bound) -> tuple[int, int]:
    first, second = _size(b.get("a")), _size(b.get("v"))
    work = first * second
    return first + second, work if work > cost.FREE_ELEMENTS else first + second


def _product(b: Bound) -> tuple[int, int]:
    values = b["*"]
    if len(values) < 2:
        return 0, 0
    left, right = np.asarray(values[0]), np.asarray(values[1])
    price = matmul_price(left, right) * cost.ELEMENTS_PER_UNIT
    return matmul_size(left.shape, right.shape), max(price, left.size + right.size)


def _dot(b: Bound) -> tuple[int, int]:
    left, right = np.asarray(b.get("a")), np.asarray(b.get("b"))
    if not left.ndim or not right.ndim:
        return left.size * right.size, left.size * right.size
    inner = max(left.shape[-1], 1)
    rest = right.size // (right.shape[-2] if right.ndim > 1 else right.shape[-1] or 1)
    made = left.size // inner * max(rest, 1) if right.size else 0
    work = made * inner
    return made, work if work > cost.FREE_ELEMENTS else left.size + right.size


def _tensordot(b: Bound) -> tuple[int, int]:
    # The result is at most the outer product, and the work at most that as well.
    made = _size(b.get("a")) * _size(b.get("b"))
    return made, made


def _einsum(b: Bound) -> tuple[int, int]:
    subscripts, operands = b.get("subscripts"), b["*"][1:]
    if not isinstance(subscripts, str):
        raise TypeError("einsum: the first argument is the text of the subscripts")
    sizes: dict[str, int] = {}
    parts = subscripts.replace(" ", "").split("->")[0].split(",")
    extra = 1
    for part, operand in zip(parts, operands, strict=False):
        shape = _shape_of(operand)
        letters = part.replace("...", "")
        for letter, size in zip(letters, shape[-len(letters) :] if letters else (), strict=False):
            sizes[letter] = max(sizes.get(letter, 1), size)
        if "." in part:
            extra = max(extra, _size(operand))
    work = math.prod(sizes.values()) * extra
    return min(work, max(work, 0)), work


def _cubic(b: Bound) -> tuple[int, int]:
    value = np.asarray(next(iter(b.values())))
    if value.ndim < 2:
        return value.size, value.size
    side = max(value.shape[-2:])
    right = _size(b.get("b", 0))
    work = value.size * side + right * side
    return value.size + right, work if work > cost.FREE_ELEMENTS else value.size + right


def _full_svd(b: Bound) -> tuple[int, int]:
    value = np.asarray(next(iter(b.values())))
    if value.ndim < 2:
        return value.size, value.size
    side = max(value.shape[-2:])
    made = value.size // max(min(value.shape[-2:]), 1) * side
    work = value.size * side
    return made * 2, work if work > cost.FREE_ELEMENTS else value.size


def _norm(b: Bound) -> tuple[int, int]:
    value = b.get("x")
    if b.get("ord") is not None and _ndim(value) > 1 and b.get("ord") in (2, -2, "nuc"):
        return _full_svd({"a": value})
    return 0, 0


def _vdot(b: Bound) -> tuple[int, int]:
    return 0, _size(b.get("a")) + _size(b.get("b"))


def _bincount(b: Bound) -> tuple[int, int]:
    values = np.asarray(b.get("x"))
    most = 0
    if values.size and values.dtype.kind in "biu":
        most = int(values.max()) + 1
    minimum = b.get("minlength", 0)
    made = max(most, _count(minimum))
    return made, made + values.size


def _histogram(b: Bound) -> tuple[int, int]:
    bins = b.get("bins", 10)
    if isinstance(bins, str):
        raise TypeError("histogram: bins are a number or a list of edges")
    made = _count(bins) if isinstance(bins, int | np.integer) else _size(bins)
    return made, made + _size(b.get("a"))


def _sections(b: Bound) -> tuple[int, int]:
    sections = b.get("indices_or_sections")
    made = _count(sections) if isinstance(sections, int | np.integer) else _size(sections)
    size = _size(b.get("ary"))
    # One view costs as much as some elements.
    return made * 16, made * 16 + size


def _diff(b: Bound) -> tuple[int, int]:
    if b.get("n", 1) == 1:
        return 0, 0
    size, turns = _size(b.get("a")), _count(b.get("n", 1))
    # Where nothing is left to subtract, NumPy still takes every turn.
    return size, size * min(max(turns, 1), max(size, 1)) + _ROW * max(turns - size, 0)


def _kth(b: Bound) -> tuple[int, int]:
    value, axis = np.asarray(b.get("a")), b.get("axis", -1)
    length = value.size if axis is None else _along(value.shape, axis)
    if isinstance(axis, int) and not -value.ndim <= axis < value.ndim:
        return value.size, value.size  # NumPy says so
    if not value.size:
        return 0, 0
    for item in np.asarray(b.get("kth")).reshape(-1).tolist():
        if not -length <= item < length:
            raise ValueError(f"kth(={item}) out of bounds ({length})")
    return value.size, value.size


def _take(b: Bound) -> tuple[int, int]:
    value, indices, axis = np.asarray(b.get("a")), _size(b.get("indices")), b.get("axis")
    row = 1
    if axis is not None and value.ndim:
        row = value.size // max(_along(value.shape, axis), 1)
    return indices * row, indices * row


def _broadcast(*names: str) -> Callable[[Bound], tuple[int, int]]:
    def sizer(b: Bound) -> tuple[int, int]:
        shapes = {
            _shape_of(value)
            for value in map(b.get, names)
            if isinstance(value, ndarray | list | tuple)
        }
        made = broadcast_size(*shapes) if len(shapes) > 1 else 0
        return made, made

    return sizer


def _along_axis(b: Bound) -> tuple[int, int]:
    """All axes but one are spread against each other; along that one only the indices count."""
    shape, chosen = _shape_of(b.get("arr")), _shape_of(b.get("indices"))
    axis: Any = b.get("axis", -1)
    length = _along(chosen, axis)
    if not length or len(shape) != len(chosen):
        return 0, 0
    position = int(axis) % len(shape)
    rest = [sides[:position] + sides[position + 1 :] for sides in (shape, chosen)]
    made = broadcast_size(*rest) * length
    return made, made


def _polyval(b: Bound) -> tuple[int, int]:
    size = _size(b.get("x"))
    return size, _size(b.get("p")) * max(size, 1)


def _broadcast_all(b: Bound) -> tuple[int, int]:
    values = b["*"]
    made = broadcast_size(*(_shape_of(value) for value in values)) * len(values)
    return made, made


def _select(b: Bound) -> tuple[int, int]:
    parts = [*b.get("condlist", ()), *b.get("choicelist", ())]
    made = broadcast_size(*(_shape_of(part) for part in parts))
    return made, made * max(len(parts), 1)


def _choose(b: Bound) -> tuple[int, int]:
    made = broadcast_size(
        _shape_of(b.get("a")), *(_shape_of(part) for part in b.get("choices", ()))
    )
    return made, made


def _quantile(b: Bound) -> tuple[int, int]:
    made = _size(b.get("a")) * max(_size(b.get("q")), 1)
    return made, made


def _quantile_without_nan(b: Bound) -> tuple[int, int]:
    # NumPy goes through the rows in Python, and looks for NaN in each.
    shape, axis = _shape_of(b.get("a")), b.get("axis")
    size = _size(b.get("a"))
    made, done = _quantile(b)
    rows = 1 if axis is None else size // max(_along(shape, axis), 1)
    return made, done + rows * _ROW


def _cov(b: Bound) -> tuple[int, int]:
    value = np.asarray(b.get("m", b.get("x")))
    other = _size(b.get("y")) if b.get("y") is not None else 0
    size = value.size + other
    side = max(value.shape) if value.ndim else 1
    return size, size * side if size * side > cost.FREE_ELEMENTS else size


def _polyfit(b: Bound) -> tuple[int, int]:
    degree = _count(b.get("deg"))
    size = _size(b.get("x"))
    return size * (degree + 1), size * (degree + 1) ** 2


def _outer_indices(b: Bound) -> tuple[int, int]:
    values = b["*"]
    made = sum(_size(value) for value in values)
    return made, made


def _power_of_matrix(b: Bound) -> tuple[int, int]:
    value = np.asarray(b.get("a"))
    side = value.shape[-1] if value.ndim else 1
    turns = max(int(b.get("n", 1)).bit_length() * 2, 1)
    work = value.size * side * turns
    return value.size, work if work > cost.FREE_ELEMENTS else value.size


def _cross(b: Bound) -> tuple[int, int]:
    made = broadcast_size(_shape_of(b.get("a"))[:-1], _shape_of(b.get("b"))[:-1]) * 3
    return made, made


def _decimals(b: Bound) -> tuple[int, int]:
    """NumPy multiplies by ten once for each digit, also for digits that no float has."""
    decimals = b.get("decimals", 0)
    if isinstance(decimals, int | np.integer) and abs(int(decimals)) > MOST_DECIMALS:
        raise ValueError(f"round: at most {MOST_DECIMALS} decimals, got {decimals}")
    return 0, 0


def _trimmed(b: Bound) -> tuple[int, int]:
    # NumPy goes through it in Python, element by element.
    size = _size(b.get("filt"))
    return size, size * 16


def _unwrapped(b: Bound) -> tuple[int, int]:
    made = int(_size(b.get("a", b.get("m"))))
    return made, made


def _transformed(b: Bound) -> tuple[int, int]:
    value, points = b.get("a"), b.get("n")
    size = _size(value) if value is not None else 0
    made = size
    if points is not None:
        axis = b.get("axis", -1)
        shape = _shape_of(value) if value is not None else ()
        length = max(_along(shape, axis), 1)
        made = max(size // length, 1) * _count(points)
    # Every element takes part in as many sums as the length has digits; complex ones have two parts.
    return 2 * made, max(made, size) * max(made.bit_length(), 1)


def _nothing(_b: Bound) -> tuple[int, int]:
    return 0, 0


def _histogram_of_two(b: Bound) -> tuple[int, int]:
    bins = b.get("bins", 10)
    if isinstance(bins, str):
        raise TypeError("histogram2d: bins are a number or a list of edges")
    made = 1
    if isinstance(bins, int | np.integer):
        made = _count(bins) ** 2
    else:
        for part in bins if len(bins) == 2 else (bins, bins):
            if isinstance(part, str):
                raise TypeError("histogram2d: bins are a number or a list of edges")
            made *= _count(part) if isinstance(part, int | np.integer) else max(_size(part), 1)
    return made, made + _size(b.get("x")) + _size(b.get("y"))


def _chain(b: Bound) -> tuple[int, int]:
    arrays = list(b.get("arrays", ()))
    sides = [side for array in arrays for side in _shape_of(array)]
    largest = max(sides, default=0)
    # It also tries all orders of the products, which is cubic in their number.
    return largest**2, largest**3 * max(len(arrays), 1) + len(arrays) ** 3


def _pieces(b: Bound) -> tuple[int, int]:
    size = _size(b.get("x"))
    return 0, size * 16


def _diagonal_of(b: Bound) -> tuple[int, int]:
    shape = _shape_of(b.get("arr"))
    made = sum(shape)
    return made, made


def _triangle_of(b: Bound) -> tuple[int, int]:
    made = _size(b.get("arr")) * 2
    return made, made


def _sizers(when: int, table: dict[str, Callable[[Bound], tuple[int, int]]]) -> dict[str, Sizer]:
    return {
        name: Sizer(measure, when) for names, measure in table.items() for name in names.split()
    }


SIZERS: Final[dict[str, Sizer]] = {
    **_sizers(
        ALWAYS,
        {
            "zeros ones empty full broadcast_to resize": _shape,
            "fft ifft rfft irfft fftfreq rfftfreq": _transformed,
            "broadcast_shapes": _nothing,
            "histogram2d": _histogram_of_two,
            "arange": _arange,
            "linspace logspace geomspace": _linspace,
            "eye identity tri tril_indices triu_indices": _square,
            "diag": _diag,
            "diagflat": _diagflat,
            "indices": _indices,
            "diag_indices": _diag_indices,
            "meshgrid": _meshgrid,
            "tile": _tile,
            "repeat": _repeat,
            "pad": _pad,
            "vander": _vander,
            "einsum": _einsum,
            "matrix_power": _power_of_matrix,
            "bincount": _bincount,
            "histogram histogram_bin_edges": _histogram,
            "split array_split hsplit vsplit dsplit": _sections,
            "diff": _diff,
            "partition argpartition": _kth,
            "polyfit": _polyfit,
            "trim_zeros": _trimmed,
            "round around": _decimals,
        },
    ),
    **_sizers(
        SMALL_ELEMENTS,
        {
            "zeros_like ones_like empty_like full_like": _like,
            "outer kron": _kron,
            "convolve correlate": _convolve,
            "matmul matvec vecmat": _product,
            "vecdot": _broadcast("x1", "x2"),
            "dot": _dot,
            "inner tensordot": _tensordot,
            "vdot": _vdot,
            "multi_dot": _chain,
            "unstack": _pieces,
            "diag_indices_from": _diagonal_of,
            "tril_indices_from triu_indices_from": _triangle_of,
            "det inv solve matrix_rank eigvalsh cholesky slogdet cond": _cubic,
            "svd svdvals pinv lstsq qr eigh": _full_svd,
            "norm matrix_norm": _norm,
            "take": _take,
            "where": _broadcast("condition", "x", "y"),
            "clip": _broadcast("a", "a_min", "a_max", "min", "max"),
            "take_along_axis": _along_axis,
            "polyval": _polyval,
            "isclose allclose": _broadcast("a", "b"),
            "broadcast_arrays": _broadcast_all,
            "select": _select,
            "choose": _choose,
            "percentile quantile": _quantile,
            "nanpercentile nanquantile": _quantile_without_nan,
            "cov corrcoef": _cov,
            "ix_": _outer_indices,
            "cross": _cross,
        },
    ),
}


def method_sizer(name: str) -> Sizer | None:
    """Give the sizer of an array method; the array itself is bound as ``a``."""
    known = ("repeat", "partition", "argpartition", "take", "dot", "clip", "round")
    return SIZERS[name] if name in known else None

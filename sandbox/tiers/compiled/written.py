"""Functions of the standard library and of NumPy that are written in the language of programs.

What CPython computes item by item over lists is said best in Python: the text below is lowered like
a function of the guest, in place, each time it is called. It pays nothing by itself; what the call
costs is charged before, as in the interpreted tier. A test runs the same text in CPython beside the
real functions.

Sums of `statistics` are exact fractions in CPython. Here they are pairs of floats that keep what
rounding loses, which differ from the exact value by less than the tolerance of this tier; rows with
infinite or NaN data are the interpreted tier's.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from functools import cache
from typing import Final

from sandbox import cost
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS
from sandbox.tiers.compiled.lasting import Lasting
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.shapes import Shape, ShapeNum, ShapeText, ShapeTup
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Builtin,
    Exc,
    Frame,
    Func,
    Gen,
    ListCell,
    NoneV,
    Num,
    Ref,
    Sel,
    SeqCell,
    SliceV,
    Tup,
    Value,
    boolean,
    integer,
    number,
)
from sandbox.weights import FREE_ITEMS

__all__ = ["SOURCE", "Written"]

SOURCE: Final = """
def sift_down(heap, start, place):
    item = heap[place]
    while place > start:
        parent = (place - 1) // 2
        above = heap[parent]
        if not item < above:
            break
        heap[place] = above
        place = parent
    heap[place] = item

def sift_up(heap, place):
    end = len(heap)
    start = place
    item = heap[place]
    child = 2 * place + 1
    while child < end:
        right = child + 1
        if right < end and not heap[child] < heap[right]:
            child = right
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = item
    sift_down(heap, start, place)

def heappush(heap, item):
    heap.append(item)
    sift_down(heap, 0, len(heap) - 1)

def heappop(heap):
    if len(heap) == 0:
        raise IndexError("index out of range")
    last = heap.pop()
    if len(heap) == 0:
        return last
    top = heap[0]
    heap[0] = last
    sift_up(heap, 0)
    return top

def heapreplace(heap, item):
    if len(heap) == 0:
        raise IndexError("index out of range")
    top = heap[0]
    heap[0] = item
    sift_up(heap, 0)
    return top

def heappushpop(heap, item):
    if len(heap) == 0 or not heap[0] < item:
        return item
    top = heap[0]
    heap[0] = item
    sift_up(heap, 0)
    return top

def heapify(heap):
    place = len(heap) // 2 - 1
    while place >= 0:
        sift_up(heap, place)
        place -= 1

def bisect_left(a, x):
    low = 0
    high = len(a)
    while low < high:
        middle = (low + high) // 2
        if a[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low

def bisect_right(a, x):
    low = 0
    high = len(a)
    while low < high:
        middle = (low + high) // 2
        if x < a[middle]:
            high = middle
        else:
            low = middle + 1
    return low

def insort_left(a, x):
    a.insert(bisect_left(a, x), x)

def insort_right(a, x):
    a.insert(bisect_right(a, x), x)

def sum_in_two(data):
    high = 0.0
    low = 0.0
    for value in data:
        x = exact(value)
        both = high + x
        back = both - high
        low += (high - (both - back)) + (x - back)
        high = both
    only_where(high - high == 0.0)
    return high, low

def fsum(data):
    high, low = sum_in_two(data)
    return high + low

def fmean(data):
    if len(data) == 0:
        raise StatisticsError("fmean requires at least one data point")
    high, low = sum_in_two(data)
    return (high + low) / len(data)

def squares(data, centre):
    high = 0.0
    low = 0.0
    rest = 0.0
    for value in data:
        away = exact(value) - centre
        rest += away
        x = away * away
        both = high + x
        back = both - high
        low += (high - (both - back)) + (x - back)
        high = both
    only_where(high - high == 0.0)
    return max(0.0, high + low - rest * rest / len(data))

def pvariance(data):
    if len(data) == 0:
        raise StatisticsError("pvariance requires at least one data point")
    high, low = sum_in_two(data)
    return squares(data, (high + low) / len(data)) / len(data)

def variance(data):
    if len(data) < 2:
        raise StatisticsError("variance requires at least two data points")
    high, low = sum_in_two(data)
    return squares(data, (high + low) / len(data)) / (len(data) - 1)

def pstdev(data):
    if len(data) == 0:
        raise StatisticsError("pstdev requires at least one data point")
    return root(pvariance(data))

def stdev(data):
    if len(data) < 2:
        raise StatisticsError("stdev requires at least two data points")
    return root(variance(data))

def median(data):
    ordered = sorted(data)
    count = len(ordered)
    if count == 0:
        raise StatisticsError("no median for empty data")
    if count % 2 == 1:
        return ordered[count // 2]
    half = count // 2
    return (ordered[half - 1] + ordered[half]) / 2

def median_low(data):
    ordered = sorted(data)
    count = len(ordered)
    if count == 0:
        raise StatisticsError("no median for empty data")
    return ordered[(count - 1) // 2]

def median_high(data):
    ordered = sorted(data)
    count = len(ordered)
    if count == 0:
        raise StatisticsError("no median for empty data")
    return ordered[count // 2]

def isclose(a, b, rel_tol=1e-09, abs_tol=0.0):
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    if a == b:
        return True
    if isinf(a) or isinf(b):
        return False
    away = abs(b - a)
    return away <= abs(rel_tol * b) or away <= abs(rel_tol * a) or away <= abs_tol

def interp(x, xp, fp, left, right, count):
    if x != x:
        return x
    if x < xp[0]:
        return left
    if x > xp[count - 1]:
        return right
    place = 0
    for k in range(1, count):
        if x >= xp[k]:
            place = k
    if place == count - 1 or xp[place] == x:
        return fp[place]
    slope = (fp[place + 1] - fp[place]) / (xp[place + 1] - xp[place])
    found = slope * (x - xp[place]) + fp[place]
    if found != found:
        found = slope * (x - xp[place + 1]) + fp[place + 1]
        if found != found and fp[place] == fp[place + 1]:
            found = fp[place]
    return found
"""
"""The functions. ``exact``, ``only_where`` and ``root`` are ours, the rest is Python's."""

_OURS: Final = ("exact", "only_where", "root", "isinf")
_PLAIN: Final = ("abs", "len", "max", "range", "sorted")


@cache
def _is_nested(record: Shape) -> bool:
    """Whether comparing two elements of a heap is more than comparing numbers, texts and pairs."""
    parts = record.items if isinstance(record, ShapeTup) else (record,)
    return not all(isinstance(part, ShapeNum | ShapeText) for part in parts)


def _functions() -> dict[str, ast.FunctionDef]:
    tree = ast.parse(SOURCE)
    return {item.name: item for item in tree.body if isinstance(item, ast.FunctionDef)}


def _placed(node: ast.FunctionDef, at: ast.AST | None) -> ast.FunctionDef:
    """Copy a function with the place of its call, which is where its errors are."""
    made = copy.deepcopy(node)
    for child in ast.walk(made):
        if at is not None and hasattr(child, "lineno"):
            ast.copy_location(child, at)
    return made


class Written(Lasting):
    """Functions of libraries, as programs."""

    def written(self, name: str, args: Args, keywords: Keywords | None = None) -> Value:
        """Lower a call of one of the functions above; it pays nothing."""
        functions = _functions()
        frame = Frame(
            self.number(),
            frozenset({*functions, *_OURS, *_PLAIN, "IndexError", "ValueError", "StatisticsError"}),
            None,
            "<library>",
        )
        at = self.node
        names: dict[str, Value] = {key: Builtin(key) for key in _PLAIN}
        names.update({key: Builtin(f"written.{key}") for key in _OURS})
        names.update({key: Exc(key) for key in ("IndexError", "ValueError", "StatisticsError")})
        for key, node in functions.items():
            defaults: list[tuple[str, Value]] = []
            given = node.args.args[len(node.args.args) - len(node.args.defaults) :]
            for parameter, default in zip(given, node.args.defaults, strict=True):
                assert isinstance(default, ast.Constant)
                assert isinstance(default.value, float)
                defaults.append((parameter.arg, number(default.value)))
            names[key] = Func(node, self.number(), frame, tuple(defaults))
        for key, value in names.items():
            self.pt.vars[(frame.number, key)] = value
        function = names[name]
        assert isinstance(function, Func)
        found: list[Value] = []

        def call() -> None:
            found.append(self.inline(function, args, keywords or {}))

        self.paying_nothing(call)
        for key in names:
            self.pt.vars.pop((frame.number, key), None)
        self.node = at
        return found[0]

    def inline(self, function: Func, args: Args, keywords: Keywords) -> Value:
        if function.frame.function == "<library>":
            node = function.node
            assert isinstance(node, ast.FunctionDef)
            function = Func(
                _placed(node, self.node), function.identity, function.frame, function.defaults
            )
        return super().inline(function, args, keywords)

    def w_exact(self, args: Args, keywords: Keywords) -> Value:
        """Give an item of data as a Python float."""
        value = args[0]
        if not isinstance(value, Num) or value.ty == "f32":
            raise self.refuse("CMP407", f"statistics of {self.described(value)}")
        if value.weak is not True and value.ty != "f64":
            raise self.refuse("CMP407", "statistics of NumPy integers")
        return self.float_of(value)

    def w_only_where(self, args: Args, keywords: Keywords) -> Value:
        cond = args[0]
        assert isinstance(cond, Num)
        self.only_where(cond)
        return NONE

    def w_root(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        assert isinstance(value, Num)
        return Num(self.op("sqrt", "f64", value.atom))

    def w_isinf(self, args: Args, keywords: Keywords) -> Value:
        return self.math_call("isinf", [self.number_of(args[0])])

    # -- heaps

    def _own_heap(self, heap: Value) -> None:
        """Charge for a change of a heap: by the bits of its length."""
        if not self.is_list(heap):
            self.fail("TypeError", f"heap argument must be a list, not {self.type_name(heap)}")
        length = self.len_of(heap)
        price = i64(1)
        for bits in range(max(length.high, 0).bit_length()):
            more = self.op("ge", "b1", length.atom, i64(1 << bits))
            price = self.op("add", "i64", price, self.cast(more, "i64"))  # type: ignore[assignment]
        if length.high > FREE_ITEMS:
            many = self.op("gt", "b1", length.atom, i64(FREE_ITEMS))
            units = self.op("floordiv", "i64", length.atom, i64(cost.ELEMENTS_PER_UNIT))
            units = self.op("select", "i64", many, units, i64(0))
            price = self.op("add", "i64", price, units)  # type: ignore[assignment]
        self.charge(price)
        content = self.pt.heap[heap.cell] if isinstance(heap, Ref) else None
        if isinstance(content, SeqCell) and _is_nested(content.record):
            self.pay_for_weight(heap, 1 + self.weight_of(content.record))

    def pay_for_weight(self, container: Value, each: int) -> None:
        """Charge for comparing the elements of a list, each of which weighs so much."""
        weight = self.op("mul", "i64", self.len_of(container).atom, i64(each))
        many = self.op("gt", "b1", weight, i64(FREE_ITEMS))
        units = self.op("floordiv", "i64", weight, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("select", "i64", many, units, i64(0)))

    def weight_of(self, record: Shape) -> int:
        """Give what an element of a list weighs besides being one, as `sandbox.weights` counts."""
        raise NotImplementedError

    def is_list(self, value: Value) -> bool:
        """Whether something is a list (and no deque)."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        return type(content).__name__ in ("ListCell", "SeqCell") and (
            getattr(content, "kind", "") == "list"
        )

    def q_heappush(self, args: Args, keywords: Keywords) -> Value:
        heap, item = args
        self._own_heap(heap)
        return self.written("heappush", [heap, item])

    def q_heappop(self, args: Args, keywords: Keywords) -> Value:
        self._own_heap(args[0])
        return self.written("heappop", [args[0]])

    def q_heapreplace(self, args: Args, keywords: Keywords) -> Value:
        heap, item = args
        self._own_heap(heap)
        return self.written("heapreplace", [heap, item])

    def q_heappushpop(self, args: Args, keywords: Keywords) -> Value:
        heap, item = args
        self._own_heap(heap)
        return self.written("heappushpop", [heap, item])

    def q_heapify(self, args: Args, keywords: Keywords) -> Value:
        self._own_heap(args[0])
        self.charge(self.len_of(args[0]).atom)
        return self.written("heapify", [args[0]])

    def _best(self, most: bool, args: Args, keywords: Keywords) -> Value:
        count, items = args[0], args[1]
        key = keywords.get("key", args[2] if len(args) > 2 else NONE)
        if isinstance(items, Gen):
            items = self.b_list([items], {})
        if not isinstance(count, Num) or count.ty in FLOATS:
            self.fail("TypeError", "the number of items must be an integer")
        self.charge(self.len_of(items).atom)
        made = self.sort_of(items, {"key": key, "reverse": number(most)})
        # Below zero it is none, where a slice would count from the end.
        stop = self.op("max", "i64", self.int_of(count).atom, i64(0))
        return self.subscript(made, SliceV(NONE, integer(stop, 0, max(count.high, 0)), NONE))

    def q_nlargest(self, args: Args, keywords: Keywords) -> Value:
        return self._best(True, args, keywords)

    def q_nsmallest(self, args: Args, keywords: Keywords) -> Value:
        return self._best(False, args, keywords)

    # -- sorted lists

    def _find_place(self, name: str, args: Args) -> Value:
        a, x = args
        self.charge(cost.LIBRARY_CALL)
        return self.written(name, [a, x])

    def _insert(self, name: str, args: Args) -> Value:
        a, x = args
        if not self.is_list(a):
            self.fail("TypeError", f"want a list, got a {self.type_name(a)!r} object")
        length = self.len_of(a)
        units = self.op("floordiv", "i64", length.atom, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("add", "i64", units, i64(cost.LIBRARY_CALL)))
        return self.written(name, [a, x])

    # -- statistics

    def _data(self, value: Value) -> Value:
        """Give data as something that is gone through more than once, and charge for it."""
        if isinstance(value, Gen):
            value = self.b_list([value], {})
        else:
            self.charge(self.len_of(value).atom)
        length = self.len_of(value)
        self.charge(self.op("mul", "i64", length.atom, i64(_EACH_EXACT)))
        return value

    def _statistic(self, name: str, args: Args) -> Value:
        (data,) = args
        return self.written(name, [self._data(data)])

    def _of_kind(self, name: str, args: Args) -> Value:
        """Compute what is of the type of its data: a mean or variance."""
        (data,) = args
        data = self._data(data)
        kinds: list[str] = []

        def look(item: Value) -> None:
            kinds.append(item.kind if isinstance(item, Num) else "?")

        if self.is_list(data) or isinstance(data, Ref | Tup | Arr | Sel):
            entry = self.pt
            lengths = [len(target.exits) for target in self.active]
            mark = len(entry.block)
            self.current = entry.fork(entry.block)
            self.paying_nothing(lambda: self.iterate(data, look))
            del entry.block[mark:]
            for target, length in zip(self.active, lengths, strict=True):
                del target.exits[length:]
            self.current = entry
        if set(kinds) == {"float"} or ("float" in kinds and set(kinds) <= {"float", "int", "bool"}):
            return self.written(name, [data])
        if set(kinds) <= {"float", "numpy f64", "int", "bool"} and "numpy f64" in kinds:
            found = self.written(name, [data])
            assert isinstance(found, Num)
            return self.item(found.atom)
        if set(kinds) <= {"int", "bool"}:
            # A whole result is an int, in CPython too.
            found = self.written(name, [data])
            assert isinstance(found, Num)
            whole = self.op("eq", "b1", found.atom, self.op("floor", "f64", found.atom))
            return self.choose(
                boolean(whole), lambda: self.int_of(found), lambda: self.float_of(found)
            )
        raise self.refuse("CMP407", f"statistics.{name} of values of several kinds")

    # -- math and NumPy

    def m_isclose(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "rel_tol", "abs_tol")
        a, b = (self.float_of(self.number_of(arg)) for arg in args)
        named: Keywords = {
            name: self.float_of(self.number_of(value)) for name, value in keywords.items()
        }
        return self.written("isclose", [a, b], named)

    def m_fsum(self, args: Args) -> Value:
        (data,) = args
        if isinstance(data, Gen):
            data = self.b_list([data], {})
        else:
            self.charge(self.len_of(data).atom)
        return self.written("fsum", [data])

    def np_interp(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "left", "right")
        x, xp, fp = args
        places, values = (self.as_array(self.as_float(part), "f64") for part in (xp, fp))
        good = isinstance(places, Arr) and isinstance(values, Arr)
        if not good or isinstance(x, Sel):
            raise self.refuse("CMP408", "interp() of these arguments")
        assert isinstance(places, Arr)
        assert isinstance(values, Arr)
        if len(places.shape) != 1 or places.shape != values.shape or not places.size:
            self.fail("ValueError", "fp and xp are not of the same length.")
        count = places.size
        if count > _CURVE:
            raise self.refuse("CMP515", f"interp() of more than {_CURVE} points")
        for k in range(1, count):
            pair = [self.item(self.get(places, (i64(j),))) for j in (k - 1, k)]
            # What NumPy finds in points out of order depends on how it searches.
            self.only_where(self.truth(self.ufunc("less_equal", pair[0], pair[1])))
        ends = [self.item(self.get(values, (i64(k),))) for k in (0, count - 1)]
        sides: list[Value] = []
        for name, end in zip(("left", "right"), ends, strict=True):
            given = keywords.get(name, NONE)
            sides.append(
                end if isinstance(given, NoneV)
                else self.item(self.cast(self.number_of(given).atom, "f64"))
            )  # fmt: skip

        def one(atom: Num) -> Num:
            found = self.written("interp", [atom, places, values, *sides, number(count)])
            assert isinstance(found, Num)
            return found

        at = self.as_array(x, "f64")
        if isinstance(at, Num):
            return one(at)
        if at.size > _CURVE:
            raise self.refuse("CMP515", f"interp() at more than {_CURVE} places")
        atoms = tuple(one(self.item(self.get_flat(at, i64(k)))).atom for k in range(at.size))
        return self.of_atoms(at.shape, "f64", atoms)

    def np_isscalar(self, args: Args, keywords: Keywords) -> Value:
        (value,) = args
        return number(isinstance(value, Num) or self.type_name(value) == "str")

    def remove_item(self, owner: Value, index: Value) -> None:
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if isinstance(content, ListCell | SeqCell):
            self.l_pop([owner, index], {})
        else:
            self.d_pop([owner, index], {})

    # -- functions with some arguments given

    def f_partial(self, args: Args, keywords: Keywords) -> Value:
        named = dict(keywords.items())
        return Builtin("partial", Tup((*args, *named.values()), ("",) * len(args) + tuple(named)))

    def call(self, function: Value, args: Args, keywords: Keywords) -> Value:
        if isinstance(function, Builtin) and function.name == "partial":
            held = function.owner
            assert isinstance(held, Tup)
            first = [v for v, name in zip(held.items, held.names, strict=True) if not name]
            named = {name: v for v, name in zip(held.items, held.names, strict=True) if name}
            inner = first[0]
            return self.spread(
                inner, lambda f: self.call(f, [*first[1:], *args], {**named, **keywords})
            )
        return super().call(function, args, keywords)


_EACH_EXACT: Final = 16
"""What one number costs where the interpreted tier adds up fractions."""
_CURVE: Final = 64


def _register() -> None:
    table = Library.table
    for name in ("exact", "only_where", "root", "isinf"):
        table[f"written.{name}"] = getattr(Written, f"w_{name}")
    for name in (
        "heappush", "heappop", "heapify", "heapreplace", "heappushpop", "nlargest", "nsmallest",
    ):  # fmt: skip
        table[f"heapq.{name}"] = getattr(Written, f"q_{name}")

    def place(name: str) -> Callable[[Written, Args, Keywords], Value]:
        return lambda self, args, keywords: self._find_place(name, args)

    def insert(name: str) -> Callable[[Written, Args, Keywords], Value]:
        return lambda self, args, keywords: self._insert(name, args)

    def statistic(name: str) -> Callable[[Written, Args, Keywords], Value]:
        return lambda self, args, keywords: self._statistic(name, args)

    def of_kind(name: str) -> Callable[[Written, Args, Keywords], Value]:
        return lambda self, args, keywords: self._of_kind(name, args)

    for name in ("bisect_left", "bisect_right"):
        table[f"bisect.{name}"] = place(name)
    table["bisect.bisect"] = place("bisect_right")
    for name in ("insort_left", "insort_right"):
        table[f"bisect.{name}"] = insert(name)
    table["bisect.insort"] = insert("insort_right")
    for name in ("fmean", "pstdev", "stdev", "median", "median_low", "median_high"):
        table[f"statistics.{name}"] = statistic(name)
    for name, written in (("mean", "fmean"), ("variance", "variance"), ("pvariance", "pvariance")):
        table[f"statistics.{name}"] = of_kind(written)
    table["functools.partial"] = Written.f_partial
    table["numpy.interp"] = Written.np_interp
    table["numpy.isscalar"] = Written.np_isscalar


_register()

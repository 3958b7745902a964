"""Python's builtin functions."""

from __future__ import annotations

import ast
import math
import sys

from sandbox.tiers.compiled.arguments import Args, Keywords, axes
from sandbox.tiers.compiled.containers import Containers
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Lit,
)
from sandbox.tiers.compiled.points import TRUE, i64
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Gen,
    GridCell,
    ListCell,
    NoneV,
    Num,
    ObjCell,
    Points,
    Range,
    Record,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    SliceV,
    Str,
    TableCell,
    Text,
    Tup,
    Union,
    Value,
    Window,
    Words,
    boolean,
    number,
)

__all__ = ["COMPENSATED", "Functions"]


COMPENSATED = sys.version_info >= (3, 12)
"""Whether ``sum()`` of floats makes up for rounding, as CPython's does from 3.12 on."""


class Functions(Containers):
    """Builtins."""

    def convert(self, target: Dty, args: Args) -> Value:
        if not args:
            zero: Atom = Lit(0.0, target.ty) if target.ty in FLOATS else Lit(0, target.ty)
            return Num(Lit(False, "b1") if target.ty == "b1" else zero, target.weak)
        value = args[0]
        if isinstance(value, Union):
            return self.spread(value, lambda v: self.convert(target, [v]))
        if not target.weak:
            if isinstance(value, Num):
                return self.item(self.cast(value.atom, target.ty))
            array = self.as_array(value)
            return self.np_astype([array, target], {})
        if target.ty == "b1":
            return self.truth(value)
        if isinstance(value, Str):
            return self._parse_number(target, value.text)
        found = self.number_of(value)
        return self.float_of(found) if target.ty == "f64" else self.int_of(found)

    def _parse_number(self, target: Dty, text: str) -> Value:
        try:
            return number(float(text) if target.ty == "f64" else int(text))
        except ValueError as error:
            self.fail("ValueError", str(error))

    def b_abs(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Num):
            return self.absolute(value)
        if isinstance(value, Arr | Sel):
            return self.ufunc("absolute", value)
        self.fail("TypeError", f"bad operand type for abs(): {self.type_name(value)!r}")

    def b_len(self, args: Args, keywords: Keywords) -> Value:
        return self.len_of(args[0])

    def b_any(self, args: Args, keywords: Keywords) -> Value:
        if isinstance(args[0], Arr | Sel) and axes(args[0]) == 1:
            self.charge(self.len_of(args[0]).atom)
            return boolean(self.reduce_any(args[0]).atom)
        return self.search(args[0], self.truth, True)

    def b_all(self, args: Args, keywords: Keywords) -> Value:
        if isinstance(args[0], Arr | Sel) and axes(args[0]) == 1:
            self.charge(self.len_of(args[0]).atom)
            found = self.any_or_all(True, args[0])
            assert isinstance(found, Num)
            return boolean(found.atom)
        return self.search(args[0], lambda v: self.negation(self.truth(v)), False)

    def b_sum(self, args: Args, keywords: Keywords) -> Value:
        start = args[1] if len(args) > 1 else keywords.get("start", number(0))
        if not COMPENSATED:
            return self.fold(args[0], start, lambda a, b: self.binary(ast.Add(), a, b))
        return self._compensated_sum(args[0], start)

    def _compensated_sum(self, value: Value, start: Value) -> Value:
        """Add as CPython does from 3.12 on: what rounding loses of Python floats is added last.

        That ends with the first element that is neither a Python float nor an int; what was lost
        by then is added there, and all further elements are added one by one.
        """
        zero = Num(Lit(0.0, "f64"))

        def step(state: Value, item: Value) -> Value:
            assert isinstance(state, Tup)
            total, lost, plain = state.items
            assert isinstance(lost, Num)
            assert isinstance(plain, Num)
            return self.spread(
                total, lambda t: self.spread(item, lambda v: self._add_one(t, lost, plain, v))
            )

        found = self.fold(value, Tup((start, zero, number(False))), step)
        assert isinstance(found, Tup)
        total, lost, _ = found.items
        assert isinstance(lost, Num)
        return self.spread(total, lambda t: self._with_lost(t, lost))

    def _add_one(self, total: Value, lost: Num, plain: Num, item: Value) -> Value:
        exact = [isinstance(v, Num) and v.weak is True for v in (total, item)]
        kinds = [v.ty if isinstance(v, Num) else "" for v in (total, item)]
        if all(exact) and (kinds[0] != "f64" or kinds[1] != "f64"):
            # Integers, and an integer beside a float, are added as they are.
            return Tup((self.binary(ast.Add(), total, item), lost, plain))
        if not all(exact):
            for v in (total, item):
                if isinstance(v, Num) and not isinstance(v.weak, bool):
                    raise self.refuse("CMP206", "sum() of floats of which some may be NumPy's")
            before = self._with_lost(total, lost)
            added = self.binary(ast.Add(), before, item)
            return Tup((added, Num(Lit(0.0, "f64")), number(True)))
        assert isinstance(total, Num)
        assert isinstance(item, Num)
        a, b = total.atom, item.atom
        both = self.op("add", "f64", a, b)
        larger = self.op("ge", "b1", self.op("abs", "f64", a), self.op("abs", "f64", b))
        big, small = (self.op("select", "f64", larger, *pair) for pair in ((a, b), (b, a)))
        rest = self.op("add", "f64", self.op("sub", "f64", big, both), small)
        more = self.op("add", "f64", lost.atom, rest)
        kept = self.op("select", "f64", plain.atom, lost.atom, more)
        return Tup((Num(both), Num(kept), plain))

    def _with_lost(self, total: Value, lost: Num) -> Value:
        """Add what was lost, unless it is nothing, or no number."""
        if not (isinstance(total, Num) and total.weak is True and total.ty == "f64"):
            return total
        some = self.op("ne", "b1", lost.atom, Lit(0.0, "f64"))
        finite = self.op("lt", "b1", self.op("abs", "f64", lost.atom), Lit(math.inf, "f64"))
        whole = self.op("add", "f64", total.atom, lost.atom)
        return Num(self.op("select", "f64", self.both(some, finite), whole, total.atom))

    def _extreme_builtin(self, most: bool, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "key", "default")
        key, default = keywords.get("key"), keywords.get("default")
        op: ast.cmpop = ast.Gt() if most else ast.Lt()
        name = "max" if most else "min"
        items: Value = args[0] if len(args) == 1 else Gen("tuples", tuple(args))
        if (
            len(args) == 1
            and isinstance(items, Arr | Sel)
            and axes(items) == 1
            and items.ty not in FLOATS
            and not keywords
        ):
            self.charge(self.len_of(items).atom)
            return self._array_extreme(most, items)
        known = self.known_items(items) if not isinstance(items, Sel) else None

        def mark(item: Value) -> Value:
            return item if key is None or isinstance(key, NoneV) else self.call(key, [item], {})

        if known and all(p == TRUE for p, _ in known):
            best, score = known[0][1], mark(known[0][1])
            if len(args) == 1:
                self.charge_for_taking(items, len(known))
            for _, item in known[1:]:
                new = mark(item)
                better = self.truth(self.compare(op, new, score))
                pair = self.choose(
                    better,
                    lambda item=item, new=new: Tup((item, new)),  # type: ignore[misc]
                    lambda best=best, score=score: Tup((best, score)),  # type: ignore[misc]
                )
                assert isinstance(pair, Tup)
                best, score = pair.items
            return best
        held = ("best", self.number())
        self.pt.vars[held] = UNBOUND

        def turn(item: Value) -> None:
            new = mark(item)
            old = self.pt.vars[held]
            if isinstance(old, Union):
                possible = self.possible(old)
                empty = [k for k in possible if old.variants[k] == UNBOUND]
                first = self.is_variant(old, empty, possible)
            else:
                first = number(old == UNBOUND)

            def take() -> None:
                self.pt.vars[held] = Tup((item, new))

            def weigh() -> None:
                def against(pair: Value) -> Value:
                    assert isinstance(pair, Tup)
                    better = self.truth(self.compare(op, new, pair.items[1]))
                    return self.choose(better, lambda: Tup((item, new)), lambda: pair)

                self.pt.vars[held] = self.spread(old, against)

            self.when(first, take, weigh)

        self.iterate(items, turn)
        final = self.pt.vars.pop(held)

        def result(value: Value) -> Value:
            assert isinstance(value, Tup)
            return value.items[0]

        def nothing() -> Value:
            if default is not None:
                return default
            text = (
                "iterable argument is empty"
                if sys.version_info >= (3, 12)
                else ("arg is an empty sequence")
            )
            self.fail("ValueError", f"{name}() {text}")

        if final == UNBOUND:
            return nothing()
        if isinstance(final, Union):
            possible = self.possible(final)
            empty = [k for k in possible if final.variants[k] == UNBOUND]
            none = self.is_variant(final, empty, possible)
            return self.choose(none, nothing, lambda: self.spread(final, result))
        return result(final)

    def _array_extreme(self, most: bool, items: Arr | Sel) -> Value:
        if isinstance(items, Sel):
            some = self.op("gt", "b1", self.length(items).atom, i64(0))
            name = "max" if most else "min"
            text = f"{name}() arg is an empty sequence"
            if sys.version_info >= (3, 12):
                text = f"{name}() iterable argument is empty"
            self.check(boolean(some), "ValueError", text)
        return self.extreme(most, items)

    def b_max(self, args: Args, keywords: Keywords) -> Value:
        return self._extreme_builtin(True, args, keywords)

    def b_min(self, args: Args, keywords: Keywords) -> Value:
        return self._extreme_builtin(False, args, keywords)

    def b_range(self, args: Args, keywords: Keywords) -> Value:
        parts: list[Num] = []
        for arg in args:
            if not isinstance(arg, Num) or arg.ty in FLOATS:
                self.fail(
                    "TypeError",
                    f"{self.type_name(arg)!r} object cannot be interpreted as an integer",
                )
            parts.append(self.int_of(arg))
        if len(parts) == 1:
            return Range(number(0), parts[0], number(1))
        if len(parts) == 3 and parts[2].const == 0:
            self.fail("ValueError", "range() arg 3 must not be zero")
        return Range(parts[0], parts[1], parts[2] if len(parts) > 2 else number(1))

    def b_enumerate(self, args: Args, keywords: Keywords) -> Value:
        start = args[1] if len(args) > 1 else keywords.get("start", number(0))
        self.charge_sized(args[0])
        return Gen("enumerate", (args[0], start))

    def b_zip(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "strict")
        if not self.direct_zip:
            for arg in args:
                self.charge_sized(arg)
        return Gen("zip", tuple(args))

    def b_map(self, args: Args, keywords: Keywords) -> Value:
        if len(args) != 2:
            raise self.refuse("CMP207", "map() over several iterables")
        self.charge_sized(args[1])
        known = None if isinstance(args[1], Sel) else self.known_items(args[1])
        if known is not None and all(p == TRUE for p, _ in known):
            return Gen("given", tuple(self.call(args[0], [v], {}) for _, v in known))
        return Gen("map", tuple(args))

    def b_filter(self, args: Args, keywords: Keywords) -> Value:
        self.charge_sized(args[1])
        return Gen("filter", tuple(args))

    def b_reversed(self, args: Args, keywords: Keywords) -> Value:
        self.charge_sized(args[0])
        return Gen("reversed", (args[0],))

    def b_tuple(self, args: Args, keywords: Keywords) -> Value:
        if args and not self.length_known(args[0]):
            if not (isinstance(args[0], Gen) and args[0].kind == "genexp"):
                return self.collected(args[0], "tuple")
            made = self.list_of(Gen("list", (), args[0].node, args[0].frame))
            if not self.length_known(made):
                found: list[Value] = []
                self.paying_nothing(lambda: found.append(self.collected(made, "tuple")))
                return found[0]
            return Tup(self.listed(made))
        return Tup(self.taken_apart(args[0]) if args else ())

    def charge_for_taking(self, value: Value, count: int) -> None:
        if self.already_paid():
            return
        if not isinstance(value, Gen) or value.kind in ("keys", "values", "items", "tuples"):
            self.charge(count)

    def b_list(self, args: Args, keywords: Keywords) -> Value:
        if not args:
            return self.new_list(())
        if isinstance(args[0], Words):
            return args[0]
        if isinstance(args[0], Gen) and args[0].kind in ("genexp", "list"):
            return self.list_of(Gen("list", (), args[0].node, args[0].frame))
        if not self.length_known(args[0]):
            return self.collected(args[0])
        return self.new_list(self.taken_apart(args[0]))

    def b_set(self, args: Args, keywords: Keywords) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = SetCell()
        if args:
            self.in_any_order(args[0], lambda item: self.set_add(cell, item))
        return cell

    def b_dict(self, args: Args, keywords: Keywords) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        if args:
            content = self.pt.heap[args[0].cell] if isinstance(args[0], Ref) else None
            if isinstance(content, DictCell):
                self.charge(self.len_of(args[0]).atom)
                self.pt.heap[cell.cell] = DictCell(content.entries, None, content.ordered)
            elif isinstance(content, TableCell):
                self.charge(content.length.atom)
                self.update_dict(cell, args[0])
            else:
                self.iterate(args[0], lambda pair: self.set_key(cell, *self.listed(pair)))
        for name, value in keywords.items():
            self.set_key(cell, Str(name), value)
        return cell

    def b_sorted(self, args: Args, keywords: Keywords) -> Value:
        return self.sort_of(args[0], keywords)

    def b_round(self, args: Args, keywords: Keywords) -> Value:
        with_digits = len(args) > 1 and not isinstance(args[1], NoneV)
        if isinstance(args[0], Arr) or (with_digits and not isinstance(args[0], Num)):
            # Arrays, lists and texts have no `__round__`: what the other tier raises is right.
            raise self.refuse("CMP410", "round() of other than a number; write np.round(...)")
        if not with_digits or not isinstance(args[0], Num):
            return self.round_of(self.number_of(args[0]))
        digits = self.constant(args[1], "the digits of round()")
        if args[0].weak is False:
            return self.rounded_array(args[0], digits)

        def rounded(value: Value) -> Value:
            if isinstance(value, Num) and value.weak:
                return self.round_to(value, digits)
            return self.rounded_array(value, digits)

        return self.spread_weak(args[0], rounded)

    def b_divmod(self, args: Args, keywords: Keywords) -> Value:
        return Tup(
            (
                self.binary(ast.FloorDiv(), args[0], args[1]),
                self.binary(ast.Mod(), args[0], args[1]),
            )
        )

    def b_pow(self, args: Args, keywords: Keywords) -> Value:
        if len(args) != 2:
            raise self.refuse("CMP407", "pow() with a modulus")
        return self.binary(ast.Pow(), args[0], args[1])

    def b_print(self, args: Args, keywords: Keywords) -> Value:
        list(args)
        for name in ("sep", "end", "flush"):
            keywords.get(name)
        self.charge(1)
        return NONE

    def b_str(self, args: Args, keywords: Keywords) -> Value:
        if not args:
            return Str("")
        match args[0]:
            case Str():
                return args[0]
            case Num() if args[0].const is not None and args[0].weak is True:
                return Str(str(args[0].const))
            case Text():
                return args[0]
        raise self.refuse("CMP601", "a string made of a value that is not known")

    def b_isinstance(self, args: Args, keywords: Keywords) -> Value:
        value, kinds = args
        items = kinds.items if isinstance(kinds, Tup) else (kinds,)
        return number(any(self._is_kind(value, kind) for kind in items))

    def _is_kind(self, value: Value, kind: Value) -> bool:
        if isinstance(value, Num) and isinstance(kind, Dty):
            if not isinstance(value.weak, bool):
                if value.ty == "f64" and kind.name == "float":
                    return True
                raise self.refuse("CMP405", "isinstance of a number of unknown kind")
            if kind.weak:
                if kind.ty == "f64":
                    return value.ty == "f64"
                if kind.ty == "i64":
                    return value.weak is True and value.ty in ("i64", "b1")
                return value.weak is True and value.ty == "b1"
            return value.weak is False and value.ty == kind.ty
        name = kind.name if isinstance(kind, Builtin) else ""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if name == "numpy.ndarray":
            return isinstance(value, Arr | Sel | Points | Window)
        if name in ("str", "tuple", "list", "dict", "set"):
            return {
                "str": isinstance(value, Str | Text),
                "tuple": isinstance(value, Tup)
                or (isinstance(content, SeqCell) and content.kind == "tuple"),
                "list": isinstance(content, ListCell | SeqCell) and content.kind == "list",
                "dict": isinstance(value, Record)
                or (
                    isinstance(content, DictCell | GridCell | TableCell)
                    and not self._holds_set(content)
                ),
                "set": self._holds_set(content),
            }[name]
        if isinstance(kind, Cls):
            if kind.kind == "enum" and isinstance(value, Num) and not value.enum:
                raise self.refuse("CMP411", "isinstance with this class")
            found = self.class_of(value)
            return found is not None and self.is_of(found, kind)
        if isinstance(value, Num) and name.startswith("numpy.") and isinstance(value.weak, bool):
            if name == "numpy.integer":
                return not value.weak and value.ty not in FLOATS and value.ty != "b1"
            if name == "numpy.floating":
                return not value.weak and value.ty in FLOATS
            if name in ("numpy.number", "numpy.generic"):
                return not value.weak
        if isinstance(kind, Dty):
            return False
        raise self.refuse("CMP411", "isinstance with this class")

    def _holds_set(self, content: object) -> bool:
        return isinstance(content, SetCell | GridCell | TableCell) and self.is_set(content)

    def b_hasattr(self, args: Args, keywords: Keywords) -> Value:
        owner, name = args
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if isinstance(content, ObjCell) and isinstance(name, Str):
            value = dict(content.attributes).get(name.text)
            if value is None:
                return number(name.text in content.cls.body)
            if isinstance(value, Union):
                possible = self.possible(value)
                have = [k for k in possible if value.variants[k] != UNBOUND]
                return self.is_variant(value, have, possible)
            return number(value != UNBOUND)
        raise self.refuse("CMP411", "hasattr of something else than an object")

    def b_next(self, args: Args, keywords: Keywords) -> Value:
        self.charge(1)
        if not isinstance(args[0], Gen) or args[0].kind in ("keys", "values", "items", "list"):
            raise self.refuse("CMP320", f"next() of {self.described(args[0])} is not taken")
        held = ("next", self.number())
        target = self.target("next")
        default = args[1] if len(args) > 1 else None
        self.pt.vars[held] = UNBOUND if default is None else default

        def one(item: Value) -> None:
            self.pt.vars[held] = item
            self.leave(target)

        self.block(target, lambda: self.iterate(args[0], one))
        found = self.pt.vars.pop(held)
        if default is not None:
            return found
        if found == UNBOUND:
            self.fail("StopIteration", "")
        if isinstance(found, Union):
            possible = self.possible(found)
            have = [k for k in possible if found.variants[k] != UNBOUND]
            self.check(self.is_variant(found, have, possible), "StopIteration", "")
        return found

    def b_slice(self, args: Args, keywords: Keywords) -> Value:
        if len(args) == 1:
            return SliceV(NONE, args[0], NONE)
        return SliceV(args[0], args[1], args[2] if len(args) > 2 else NONE)

    def b_iter(self, args: Args, keywords: Keywords) -> Value:
        if len(args) > 1:
            raise self.refuse("CMP408", "iter() with a sentinel")
        if isinstance(args[0], Gen) and args[0].kind not in ("keys", "values", "items", "list"):
            return args[0]
        self.charge_sized(args[0])
        return Gen("iter", (args[0],))

    def float_is_integer(self, args: Args, keywords: Keywords) -> Value:
        value = self.number_of(args[0])
        whole = self.op("eq", "b1", value.atom, self.op("floor", value.ty, value.atom))
        finite = self.op("lt", "b1", self.op("abs", value.ty, value.atom), Lit(math.inf, value.ty))
        return boolean(self.both(whole, finite))

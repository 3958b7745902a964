"""Numbers: Python's arithmetic, NumPy's on scalars, and what happens where they meet."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.core import (
    FLOATS,
    MATH,
    Atom,
    Let,
    Lit,
    Set,
    Ty,
    limits_of,
)
from sandbox.tiers.compiled.elements import Elements
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.values import Num, Value, boolean, integer, number

__all__ = ["BINARY", "COMPARE", "Scalars"]

BINARY: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.Pow: "power",
    ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
    ast.LShift: "left_shift", ast.RShift: "right_shift",
}  # fmt: skip
COMPARE: Final[dict[type[ast.AST], str]] = {
    ast.Eq: "equal", ast.NotEq: "not_equal", ast.Lt: "less", ast.LtE: "less_equal",
    ast.Gt: "greater", ast.GtE: "greater_equal",
}  # fmt: skip
_CORE: Final = {
    "equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt",
    "greater_equal": "ge",
}  # fmt: skip
_EXACT: Final = 2**53
_LOW, _HIGH = limits_of("i64")


class Scalars(Elements):
    """Operations on `Num`."""

    # -- truth

    def both(self, a: Atom, b: Atom) -> Atom:
        """Give the conjunction of two truth atoms."""
        return self.op("and", "b1", a, b)

    def either(self, a: Atom, b: Atom) -> Atom:
        """Give the disjunction of two truth atoms."""
        return self.op("or", "b1", a, b)

    def inverse(self, a: Atom) -> Atom:
        """Give the negation of a truth atom."""
        return self.op("not", "b1", a)

    def negation(self, value: Num) -> Num:
        """Give ``not value`` of a truth value, with what is known either way."""
        return Num(self.inverse(value.atom), True, 0, 1, value.no, value.yes)

    def truth_of(self, value: Num) -> Num:
        """Give the truth of a number."""
        if value.ty == "b1":
            return Num(value.atom, True, value.low, value.high, value.yes, value.no)
        return boolean(self.cast(value.atom, "b1"))

    def weakness(self, value: Num) -> Atom:
        """Give whether a number is Python's as an atom."""
        return Lit(value.weak, "b1") if isinstance(value.weak, bool) else value.weak

    def settled(self, value: Num) -> Num | None:
        """Give the number if it is known whether it is Python's, else None."""
        return value if isinstance(value.weak, bool) else None

    # -- binary operations

    def binary_number(self, name: str, a: Num, b: Num) -> Value:
        """Compute ``a <op> b``; ``name`` is the ufunc that does the same."""
        for first, value in ((True, a), (False, b)):
            if self.settled(value) is None and (
                value.ty != "f64"
                or (b if first else a).ty == "f32"
                or name
                not in (
                    "add",
                    "subtract",
                    "multiply",
                    "divide",
                    "power",
                    "floor_divide",
                    "remainder",
                    *_CORE,
                )
            ):
                return self._by_weakness(name, a, b, first)
        if name in _CORE:
            return self.compare_numbers(name, a, b)
        if a.weak is True and b.weak is True:
            return self._python(name, a, b)
        if a.ty == "f64" and b.ty == "f64":
            return self._doubles(name, a, b)
        if not isinstance(a.weak, bool) or not isinstance(b.weak, bool):
            x = a if a.ty == "f64" else Num(self.cast(a.atom, "f64"), a.weak)
            y = b if b.ty == "f64" else Num(self.cast(b.atom, "f64"), b.weak)
            return self._doubles(name, x, y)
        return self._numpy(name, a, b)

    def _by_weakness(self, name: str, a: Num, b: Num, first: bool) -> Value:
        """Do an operation for a Python number and for a NumPy one."""
        value = a if first else b

        def side(weak: bool) -> Value:
            sure = Num(value.atom, weak, value.low, value.high, value.yes, value.no)
            return self.binary_number(name, *((sure, b) if first else (a, sure)))

        assert not isinstance(value.weak, bool)
        return self.choose(boolean(value.weak), lambda: side(True), lambda: side(False))

    def _numpy(self, name: str, a: Num, b: Num) -> Value:
        weak_a, weak_b = a.weak is True, b.weak is True
        if name == "subtract" and a.ty == "b1" and b.ty == "b1":
            self.fail("TypeError", "numpy boolean subtract, the `-` operator, is not supported")
        tys = self.types_of(name, ((a.ty, weak_a), (b.ty, weak_b)))
        negative = isinstance(b.atom, Lit) and b.atom.value < 0
        if name == "power" and tys[0] not in FLOATS and negative:
            self.fail("ValueError", "Integers to negative integer powers are not allowed.")
        x = self.fit(a, tys[0]) if weak_a else self.cast(a.atom, tys[0])
        y = self.fit(b, tys[1]) if weak_b else self.cast(b.atom, tys[1])
        if name == "power" and tys[0] in FLOATS:
            # NumPy's scalars call the C library here, its arrays have a loop of their own.
            return self.numpy_result(self.op("pow", tys[0], x, y))
        return self.numpy_result(self.element(name, tys, x, y), name, (a, b))

    def numpy_result(self, atom: Atom, name: str = "", inputs: tuple[Num, ...] = ()) -> Num:
        """Make a NumPy scalar of an atom."""
        if atom.ty in FLOATS:
            return Num(atom, False)
        low, high = limits_of(atom.ty)
        if len(inputs) == 2 and name in ("add", "subtract", "multiply"):
            a, b = inputs
            found = _interval(name, (a.low, a.high), (b.low, b.high))
            if low <= found[0] and found[1] <= high:
                low, high = found
        if isinstance(atom, Lit):
            low = high = int(atom.value)
        return Num(atom, False, low, high)

    def _doubles(self, name: str, a: Num, b: Num) -> Num:
        """Do an operation on doubles of which each is Python's or NumPy's."""
        if a.weak is True and b.weak is True:
            python = TRUE
        elif a.weak is False or b.weak is False:
            python = FALSE
        else:
            python = self.both(self.weakness(a), self.weakness(b))
        weak: bool | Atom = bool(python.value) if isinstance(python, Lit) else python
        x, y = a.atom, b.atom
        if python != FALSE:
            self._python_float_errors(name, x, y, python)
        if name in ("add", "subtract", "multiply", "divide"):
            core = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div"}[name]
            return Num(self.op(core, "f64", x, y), weak)
        if name in ("floor_divide", "remainder"):
            pair = self.float_divmod("f64", x, y)
            return Num(pair[0 if name == "floor_divide" else 1], weak)
        if name == "power":
            result = self.op("pow", "f64", x, y)
            if python != FALSE:
                self._power_overflow(x, y, result, python)
            return Num(result, weak)
        self.fail("TypeError", f"unsupported operand types for {name}: 'float' and 'float'")

    def _python_float_errors(self, name: str, x: Atom, y: Atom, python: Atom) -> None:
        """Raise what Python raises for floats and NumPy does not."""
        zero = Lit(0.0, "f64")
        if name in ("divide", "floor_divide", "remainder"):
            text = {
                "divide": "float division by zero",
                "floor_divide": "float floor division by zero",
                "remainder": "float modulo",
            }[name]
            bad = self.both(python, self.op("eq", "b1", y, zero))
            self.check(boolean(self.inverse(bad)), "ZeroDivisionError", text)
        if name == "power":
            base = self.op("eq", "b1", x, zero)
            bad = self.both(python, self.both(base, self.op("lt", "b1", y, zero)))
            self.check(
                boolean(self.inverse(bad)),
                "ZeroDivisionError",
                "0.0 cannot be raised to a negative power",
            )
            broken = self.both(
                self.op("lt", "b1", x, zero),
                self.both(
                    self.op("ne", "b1", y, self.op("floor", "f64", y)),
                    self.both(self._finite(x), self._finite(y)),
                ),
            )
            self.check(
                boolean(self.inverse(self.both(python, broken))),
                "TypeError",
                "a negative number to a fractional power is a complex number",
            )

    def _power_overflow(self, x: Atom, y: Atom, result: Atom, python: Atom) -> None:
        given = self.both(self._finite(x), self._finite(y))
        bad = self.both(python, self.both(given, self.inverse(self._finite(result))))
        self.check(
            boolean(self.inverse(bad)), "OverflowError", "(34, 'Numerical result out of range')"
        )

    def _finite(self, x: Atom) -> Atom:
        size = self.op("abs", x.ty, x)
        return self.op("lt", "b1", size, Lit(float("inf"), x.ty))

    # -- Python numbers

    def to_int(self, value: Num) -> Num:
        """Give a Python bool as the int it is."""
        if value.ty != "b1":
            return value
        return Num(self.cast(value.atom, "i64"), True, value.low, value.high)

    def to_float(self, value: Num) -> Atom:
        """Give a Python number as a double, exactly or as an OverflowError of this tier."""
        if value.ty == "f64":
            return value.atom
        value = self.to_int(value)
        if not (value.low >= -_EXACT and value.high <= _EXACT):
            above = self.op("ge", "b1", value.atom, i64(-_EXACT))
            below = self.op("le", "b1", value.atom, i64(_EXACT))
            self.only_where(boolean(self.both(above, below)))
        return self.cast(value.atom, "f64")

    def _python(self, name: str, a: Num, b: Num) -> Value:
        if name.startswith("bitwise") and a.ty == "b1" and b.ty == "b1":
            return boolean(self.op(name.removeprefix("bitwise_"), "b1", a.atom, b.atom))
        if "f64" in (a.ty, b.ty):
            x, y = Num(self.to_float(a)), Num(self.to_float(b))
            return self._doubles(name, x, y)
        x, y = self.to_int(a), self.to_int(b)
        if x.const is not None and y.const is not None:
            known = self._known_integers(name, int(x.const), int(y.const))
            if known is not None:
                return known
        return self._integers(name, x, y)

    def _known_integers(self, name: str, x: int, y: int) -> Value | None:
        if name == "power" and (abs(x) > 2**32 or not 0 <= y <= 64):
            if y < 0 and x != 0:
                return number(float(x) ** y)
            return None
        if name in ("left_shift", "right_shift") and not 0 <= y <= 64:
            return None
        if name in ("divide", "floor_divide", "remainder") and y == 0:
            return None
        result = _PYTHON[name](x, y)
        if isinstance(result, int) and not _LOW <= result <= _HIGH:
            return None
        return number(result)

    def _integers(self, name: str, a: Num, b: Num) -> Value:
        match name:
            case "add" | "subtract" | "multiply":
                core = {"add": "add", "subtract": "sub", "multiply": "mul"}[name]
                low, high = _interval(name, (a.low, a.high), (b.low, b.high))
                if low < _LOW or high > _HIGH:
                    over = self.op(f"{core}_overflows", "b1", a.atom, b.atom)
                    self.only_where(boolean(self.inverse(over)))
                    low, high = max(low, _LOW), min(high, _HIGH)
                return integer(self.op(core, "i64", a.atom, b.atom), low, high)
            case "divide":
                self._not_zero(b, "division by zero")
                return Num(self.op("div", "f64", self.to_float(a), self.to_float(b)))
            case "floor_divide" | "remainder":
                self._not_zero(b, "integer division or modulo by zero")
                core = "floordiv" if name == "floor_divide" else "mod"
                safe = b.atom
                result = self.op(core, "i64", a.atom, safe)
                if name == "remainder":
                    if b.low > 0:
                        return integer(result, 0, b.high - 1)
                    return integer(result, min(b.low, 0), max(b.high, 0))
                if b.low > 0:
                    return integer(result, min(a.low, 0) if a.low < 0 else 0, max(a.high, 0))
                if a.low == _LOW:
                    least = self.op("ne", "b1", a.atom, i64(_LOW))
                    self.only_where(boolean(least))
                return integer(result)
            case "power":
                return self._integer_to_power(a, b)
            case "bitwise_and" | "bitwise_or" | "bitwise_xor":
                result = self.op(name.removeprefix("bitwise_"), "i64", a.atom, b.atom)
                if a.low >= 0 and b.low >= 0:
                    bits = max(a.high, b.high).bit_length()
                    return integer(result, 0, (1 << bits) - 1)
                return integer(result)
            case "left_shift" | "right_shift":
                return self._shift_python(name, a, b)
        raise self.refuse("CMP401", f"{name} is not taken for integers")

    def _not_zero(self, b: Num, text: str) -> None:
        if b.low > 0 or b.high < 0:
            return
        self.check(boolean(self.op("ne", "b1", b.atom, i64(0))), "ZeroDivisionError", text)

    def _integer_to_power(self, a: Num, b: Num) -> Value:
        if b.const is None:
            return self._integer_to_unknown(a, b)
        exponent = int(b.const)
        if exponent < 0:
            return self._doubles("power", Num(self.to_float(a)), Num(Lit(float(exponent), "f64")))
        if exponent > 64:
            raise self.refuse("CMP403", "an integer to a power above 64")
        result: Value = number(1)
        for _ in range(exponent):
            assert isinstance(result, Num)
            result = self._integers("multiply", result, a)
        return result

    def _integer_to_unknown(self, a: Num, b: Num) -> Num:
        """Compute ``a ** b`` for an exponent from 0 to 64; others are the interpreted tier's."""
        above = self.op("ge", "b1", b.atom, i64(0))
        below = self.op("le", "b1", b.atom, i64(64))
        self.only_where(boolean(self.both(above, below)))
        result, over = self.new("i64", "acc"), self.new("b1", "acc")
        self.emit(Set(result, i64(1)))
        self.emit(Set(over, FALSE))

        def turn(index: Atom) -> None:
            del index
            now = self.op("copy", "i64", result)
            wraps = self.op("mul_overflows", "b1", now, a.atom)
            self.emit(Set(over, self.either(self.op("copy", "b1", over), wraps)))
            self.emit(Set(result, self.op("mul", "i64", now, a.atom)))

        self.count(b.atom, turn)
        lost = Let(self.new("b1"), "copy", (over,))
        self.emit(lost)
        self.only_where(boolean(self.inverse(lost.var)))
        found = Let(self.new("i64"), "copy", (result,))
        self.emit(found)
        return integer(found.var)

    def _shift_python(self, name: str, a: Num, b: Num) -> Value:
        if b.low < 0:
            self.check(
                boolean(self.op("ge", "b1", b.atom, i64(0))), "ValueError", "negative shift count"
            )
        if name == "right_shift":
            small = self.op("lt", "b1", b.atom, i64(64))
            by = self.op("select", "i64", small, b.atom, i64(63))
            return integer(self.op("shr", "i64", a.atom, by), min(a.low, 0), max(a.high, 0))
        if b.const is None or not 0 <= b.const < 63:
            raise self.refuse("CMP403", "a left shift by an amount that is not a small constant")
        return self._integers("multiply", a, number(1 << int(b.const)))

    # -- comparison

    def compare_numbers(self, name: str, a: Num, b: Num) -> Num:
        """Compare two numbers exactly as Python and NumPy do."""
        core = _CORE[name]
        if a.weak is True and b.weak is True:
            weak: bool | Atom = True
        elif a.weak is False or b.weak is False:
            weak = False
        else:
            weak = self.both(self.weakness(a), self.weakness(b))
        if a.ty == b.ty:
            x, y = a.atom, b.atom
        elif a.ty in FLOATS or b.ty in FLOATS:
            x, y = self._float_pair(a, b)
        elif "u64" in (a.ty, b.ty):
            x, y = self._unsigned_pair(a, b)
        else:
            x, y = self.cast(a.atom, "i64"), self.cast(b.atom, "i64")
        if a.ty not in FLOATS and b.ty not in FLOATS and "u64" not in (a.ty, b.ty):
            known = _by_interval(core, (a.low, a.high), (b.low, b.high))
            if known is not None:
                return boolean(Lit(known, "b1"), weak)
        return boolean(self.op(core, "b1", x, y), weak)

    def _float_pair(self, a: Num, b: Num) -> tuple[Atom, Atom]:
        """Bring two numbers, one of them a float, to the type they are compared in."""
        if a.weak is True and b.weak is True:
            return self.to_float(a), self.to_float(b)
        ty: Ty = "f64"
        if "f32" in (a.ty, b.ty):
            other = b if a.ty == "f32" else a
            if other.weak is True or other.ty in ("i8", "u8", "i16", "u16", "b1"):
                ty = "f32"
        return self.cast(a.atom, ty), self.cast(b.atom, ty)

    def _unsigned_pair(self, a: Num, b: Num) -> tuple[Atom, Atom]:
        if a.low < 0 or b.low < 0:
            raise self.refuse("CMP404", "uint64 compared with a number that may be negative")
        return self.cast(a.atom, "u64"), self.cast(b.atom, "u64")

    # -- unary operations and conversions

    def negate(self, value: Num) -> Value:
        """Compute ``-value``."""
        if value.ty == "b1" and self.settled(value) is None:
            raise self.refuse("CMP405", "minus of a truth value of unknown kind")
        if value.weak is True:
            value = self.to_int(value)
            if value.ty == "i64":
                return self._python("subtract", number(0), value)
        if value.ty == "b1":
            self.fail("TypeError", "The numpy boolean negative, the `-` operator, is not supported")
        result = self.op("neg", value.ty, value.atom)
        if value.ty in FLOATS:
            return Num(result, value.weak)
        return self.numpy_result(result)

    def absolute(self, value: Num) -> Value:
        """Compute ``abs(value)``."""
        if value.ty in FLOATS:
            return Num(self.op("abs", value.ty, value.atom), value.weak)
        if value.weak is True:
            value = self.to_int(value)
            if value.low == _LOW:
                good = self.op("ne", "b1", value.atom, i64(_LOW))
                self.only_where(boolean(good))
            high = max(abs(value.low), abs(value.high))
            low = 0 if value.low <= 0 <= value.high else min(abs(value.low), abs(value.high))
            return integer(self.op("abs", "i64", value.atom), low, min(high, _HIGH))
        if value.ty == "b1":
            return value
        result = self.op("abs", value.ty, value.atom)
        low, high = limits_of(value.ty)
        if value.low > low:
            return Num(result, False, 0, max(abs(value.low), abs(value.high)))
        return self.numpy_result(result)

    def float_of(self, value: Num) -> Num:
        """Compute ``float(value)``."""
        if value.ty == "f64":
            return Num(value.atom)
        if value.weak is True:
            return Num(self.to_float(value))
        return Num(self.cast(value.atom, "f64"))

    def int_of(self, value: Num) -> Num:
        """Compute ``int(value)``; a float that is not finite raises as in Python."""
        if value.ty in FLOATS:
            x = value.atom
            nan = self.op("ne", "b1", x, x)
            self.check(
                boolean(self.inverse(nan)), "ValueError", "cannot convert float NaN to integer"
            )
            self.check(
                boolean(self._finite(x)),
                "OverflowError",
                "cannot convert float infinity to integer",
            )
            wide = self.cast(x, "f64")
            inside = self.op("lt", "b1", self.op("abs", "f64", wide), Lit(float(2**63), "f64"))
            self.only_where(boolean(inside))
            return integer(self.cast(wide, "i64"))
        if value.ty == "b1":
            return Num(self.cast(value.atom, "i64"), True, value.low, value.high)
        if value.ty == "u64":
            good = self.op("le", "b1", value.atom, Lit(_HIGH, "u64"))
            self.only_where(boolean(good))
            return integer(self.cast(value.atom, "i64"), 0, _HIGH)
        return integer(self.cast(value.atom, "i64"), value.low, value.high)

    def round_of(self, value: Num) -> Num:
        """Compute ``round(value)``: half to even, an int."""
        if value.ty == "b1" and value.weak is not True:
            raise self.refuse("CMP405", "round() of a NumPy truth value")
        if value.ty not in FLOATS:
            return self.int_of(value)
        return self.int_of(Num(self.op("rint", value.ty, value.atom), value.weak))

    # -- the math module

    def math_call(self, name: str, args: list[Num]) -> Num:
        """Call a function of `math` with the errors that Python raises."""
        atoms = [self.to_float(arg) if arg.weak is True else self.cast(arg.atom, "f64")
                 for arg in args]  # fmt: skip
        x = atoms[0]
        y = atoms[1] if len(atoms) > 1 else x
        if name in ("floor", "ceil", "trunc"):
            if args[0].ty not in FLOATS:
                return self.int_of(args[0])
            return self.int_of(Num(self.op(name, "f64", x)))
        if name == "fabs":
            return Num(self.op("abs", "f64", x))
        if name == "copysign":
            return Num(self.op("copysign", "f64", x, y))
        if name in ("isnan", "isinf", "isfinite"):
            return boolean(self.element(name, ("f64", "b1"), x))
        if name in ("radians", "degrees"):
            return Num(self.element(name, ("f64", "f64"), x))
        if name == "pow":
            self._domain(self.op("pow", "f64", x, y), atoms, overflow=True)
            return Num(self.op("pow", "f64", x, y))
        if name == "sqrt":
            result = self.op("sqrt", "f64", x)
        elif name in _NAMES or name in MATH:
            result = self.op(_NAMES.get(name, name), "f64", *atoms)
        else:
            raise self.refuse("CMP406", f"math.{name} is not taken")
        if name in ("log", "log2", "log10"):
            good = self.either(self.op("gt", "b1", x, Lit(0.0, "f64")), self.op("ne", "b1", x, x))
            self.check(boolean(good), "ValueError", "math domain error")
        elif name == "sqrt":
            # One comparison says what looking at the result would: -0.0 and NaN are fine.
            if self._may_be(x, above=False):
                negative = self.op("lt", "b1", x, Lit(0.0, "f64"))
                self.check(boolean(self.inverse(negative)), "ValueError", "math domain error")
        elif name in ("exp", "exp2", "expm1"):
            # NaN only comes of NaN, and only large numbers overflow: exp(-distance) never does.
            if not self._may_be(x, above=True):
                return Num(result)
            over = self.both(
                self.op("eq", "b1", result, Lit(float("inf"), "f64")),
                self.op("ne", "b1", x, Lit(float("inf"), "f64")),
            )
            self.check(boolean(self.inverse(over)), "OverflowError", "math range error")
        elif name not in ("atan", "tanh", "atan2", "erf", "asinh", "cbrt"):
            self._domain(result, atoms, overflow=name in _OVERFLOWS)
        return Num(result)

    def _may_be(self, atom: Atom, *, above: bool, depth: int = 6) -> bool:
        """Whether a double may lie above zero (or below it), as far as its making tells."""
        if isinstance(atom, Lit):
            return atom.value > 0 if above else atom.value < 0
        if not depth:
            return True
        depth -= 1
        op, args = self.made_by.get(atom.name, ("", ()))
        match op:
            case "sqrt" | "abs" | "exp" | "np.exp":
                return above
            case "neg":
                return self._may_be(args[0], above=not above, depth=depth)
            case "add":
                return any(self._may_be(arg, above=above, depth=depth) for arg in args)
            case "mul" if args[0] == args[1]:
                return above
            case "pow" if isinstance(args[1], Lit) and args[1].value == 2:
                return above
            case "mul" | "div":
                signs = [
                    [side for side in (True, False) if self._may_be(arg, above=side, depth=depth)]
                    for arg in args
                ]
                return any((x is y) is above for x in signs[0] for y in signs[1])
        return True

    def _domain(self, result: Atom, args: list[Atom], *, overflow: bool) -> None:
        known = TRUE
        finite = TRUE
        for atom in args:
            known = self.both(known, self.op("eq", "b1", atom, atom))
            finite = self.both(finite, self._finite(atom))
        nan = self.both(known, self.op("ne", "b1", result, result))
        self.check(boolean(self.inverse(nan)), "ValueError", "math domain error")
        big = self.both(finite, self.inverse(self._finite(result)))
        self.check(
            boolean(self.inverse(big)),
            "OverflowError" if overflow else "ValueError",
            "math range error" if overflow else "math domain error",
        )


_PYTHON: Final[dict[str, Callable[[int, int], int | float]]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "left_shift": operator.lshift,
    "right_shift": operator.rshift,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
}
_NAMES: Final = {"gamma": "tgamma"}
_OVERFLOWS: Final = frozenset({"exp", "exp2", "expm1", "sinh", "cosh", "hypot", "gamma", "lgamma"})


def _interval(name: str, a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    if name == "add":
        return a[0] + b[0], a[1] + b[1]
    if name == "subtract":
        return a[0] - b[1], a[1] - b[0]
    products = [x * y for x in a for y in b]
    return min(products), max(products)


def _by_interval(core: str, a: tuple[int, int], b: tuple[int, int]) -> bool | None:
    """Decide a comparison of integers by their ranges, or give None."""
    if a[1] < b[0]:
        return core in ("lt", "le", "ne")
    if a[0] > b[1]:
        return core in ("gt", "ge", "ne")
    if a[1] == b[0] and core in ("le", "gt"):
        return core == "le"
    if a[0] == b[1] and core in ("ge", "lt"):
        return core == "ge"
    return None

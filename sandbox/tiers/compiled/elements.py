"""NumPy's arithmetic on one element: which types a ufunc works in, and what it computes.

The types come from NumPy itself (`ufunc.resolve_dtypes`, which knows the promotion rules for
Python numbers too); what is computed in them is written down here in core operations. Arrays
and NumPy scalars share these rules.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.tiers.compiled.builder import Builder
from sandbox.tiers.compiled.core import (
    BITS,
    FLOATS,
    LIBRARY,
    MATH,
    SIGNED,
    Atom,
    Lit,
    Ty,
    dtype_of,
    limits_of,
    ty_of,
)
from sandbox.tiers.compiled.points import FALSE, TRUE
from sandbox.tiers.compiled.values import Num

__all__ = ["UFUNCS", "Elements"]

UFUNCS: Final = frozenset(
    {
        "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "fmod",
        "negative", "positive", "absolute", "fabs", "sign", "square", "sqrt", "reciprocal",
        "maximum", "minimum", "fmax", "fmin", "floor", "ceil", "trunc", "rint", "copysign",
        "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
        "logical_and", "logical_or", "logical_xor", "logical_not",
        "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
        "isnan", "isinf", "isfinite", "signbit", "deg2rad", "rad2deg", "radians", "degrees",
        "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
        "arccosh", "arctanh", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt",
        "arctan2", "hypot", "float_power", "logaddexp", "heaviside",
    }
)  # fmt: skip
"""The ufuncs that are taken, by NumPy's first name for each."""

_COMPARISONS: Final = {
    "equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt",
    "greater_equal": "ge",
}  # fmt: skip
_PYTHON: Final = {"b1": bool, "i64": int, "f64": float}


class Elements(Builder):
    """Ufuncs on atoms."""

    def types_of(self, name: str, inputs: tuple[tuple[Ty, bool], ...]) -> tuple[Ty, ...]:
        """Give the types a ufunc works in: one for each input, then the result's.

        Args:
            name: First name of the ufunc.
            inputs: Core type, and whether it is a Python number, of each input.
        """
        asked = tuple(_PYTHON[ty] if weak and ty != "b1" else dtype_of(ty) for ty, weak in inputs)
        if all(weak for _, weak in inputs):
            asked = tuple(dtype_of(ty) for ty, _ in inputs)
        ufunc = getattr(np, name)
        try:
            found = ufunc.resolve_dtypes((*asked, None))
        except TypeError as error:
            raise self.refuse("CMP401", f"numpy.{name} has no loop for these types") from error
        tys = [ty_of(dtype) for dtype in found]
        if any(ty is None for ty in tys):
            raise self.refuse("CMP402", f"numpy.{name} works in a type other than 8 to 64 bits")
        return tuple(ty for ty in tys if ty is not None)

    def cast(self, atom: Atom, ty: Ty) -> Atom:
        """Convert as ``astype`` does."""
        return self.op("cast", ty, atom)

    def fit(self, value: Num, ty: Ty) -> Atom:
        """Convert a Python number to the type a ufunc works in; one that does not fit raises."""
        if value.ty == "i64" and ty not in FLOATS and ty != "i64":
            low, high = limits_of(ty)
            if not (low <= value.low and value.high <= high):
                above = self.op("ge", "b1", value.atom, Lit(max(low, -(2**63)), "i64"))
                below = self.op("le", "b1", value.atom, Lit(min(high, 2**63 - 1), "i64"))
                self.check(
                    Num(self.op("and", "b1", above, below)),
                    "OverflowError",
                    f"Python integer out of bounds for {dtype_of(ty)}",
                )
        return self.cast(value.atom, ty)

    def element(self, name: str, tys: tuple[Ty, ...], *args: Atom) -> Atom:
        """Compute a ufunc on atoms of its own types (the last of ``tys`` is the result's)."""
        ty = tys[0]
        out = tys[-1]
        a = args[0]
        b = args[1] if len(args) > 1 else a
        if name in _COMPARISONS:
            return self.op(_COMPARISONS[name], "b1", a, b)
        if name in ("logical_and", "logical_or", "logical_xor", "logical_not"):
            x = self.cast(a, "b1")
            if name == "logical_not":
                return self.op("not", "b1", x)
            return self.op(name.removeprefix("logical_"), "b1", x, self.cast(b, "b1"))
        if ty == "b1" and out == "b1":
            return self._boolean(name, a, b)
        if name in ("add", "subtract", "multiply"):
            return self.op({"add": "add", "subtract": "sub", "multiply": "mul"}[name], out, a, b)
        if ty in FLOATS:
            return self._float(name, ty, out, a, b)
        return self._integer(name, ty, out, a, b)

    def _boolean(self, name: str, a: Atom, b: Atom) -> Atom:
        core = {
            "add": "or", "maximum": "or", "bitwise_or": "or", "multiply": "and", "minimum": "and",
            "bitwise_and": "and", "bitwise_xor": "xor", "invert": "not", "fmax": "or",
            "fmin": "and",
        }.get(name)  # fmt: skip
        if name in ("isnan", "isinf"):
            return FALSE
        if name == "isfinite":
            return TRUE
        if name == "absolute":
            return a
        if core is None:
            raise self.refuse("CMP401", f"numpy.{name} is not taken for truth values")
        return self.op("not", "b1", a) if core == "not" else self.op(core, "b1", a, b)

    def _integer(self, name: str, ty: Ty, out: Ty, a: Atom, b: Atom) -> Atom:
        zero = Lit(0, ty)
        match name:
            case "floor_divide" | "remainder":
                # NumPy gives 0 for an integer divided by 0.
                none = self.op("eq", "b1", b, zero)
                safe = self.op("select", ty, none, Lit(1, ty), b)
                core = "floordiv" if name == "floor_divide" else "mod"
                return self.op("select", ty, none, zero, self.op(core, ty, a, safe))
            case "negative":
                return self.op("neg", ty, a)
            case "positive" | "floor" | "ceil" | "trunc" | "rint":
                return a
            case "absolute":
                return self.op("abs", ty, a)
            case "square":
                return self.op("mul", ty, a, a)
            case "sign":
                above = self.op("select", ty, self.op("gt", "b1", a, zero), Lit(1, ty), zero)
                if ty not in SIGNED:
                    return above
                return self.op("select", ty, self.op("lt", "b1", a, zero), Lit(-1, ty), above)
            case "maximum" | "fmax":
                return self.op("select", ty, self.op("ge", "b1", a, b), a, b)
            case "minimum" | "fmin":
                return self.op("select", ty, self.op("le", "b1", a, b), a, b)
            case "bitwise_and" | "bitwise_or" | "bitwise_xor":
                return self.op(name.removeprefix("bitwise_"), ty, a, b)
            case "invert":
                return self.op("not", ty, a)
            case "isnan" | "isinf":
                return FALSE
            case "isfinite":
                return TRUE
            case "left_shift" | "right_shift":
                return self._shift(name, ty, a, b)
            case "power":
                return self._integer_power(ty, a, b)
        raise self.refuse("CMP401", f"numpy.{name} is not taken for integers")

    def _shift(self, name: str, ty: Ty, a: Atom, b: Atom) -> Atom:
        """Shift as NumPy does: by the width or more leaves nothing but the sign."""
        bits = BITS[ty]
        below = self.op("lt", "b1", b, Lit(bits, ty))
        if ty in SIGNED:
            below = self.op("and", "b1", below, self.op("ge", "b1", b, Lit(0, ty)))
        safe = self.op("select", ty, below, b, Lit(0, ty))
        if name == "left_shift":
            return self.op("select", ty, below, self.op("shl", ty, a, safe), Lit(0, ty))
        rest: Atom = Lit(0, ty)
        if ty in SIGNED:
            rest = self.op("shr", ty, a, Lit(bits - 1, ty))
        return self.op("select", ty, below, self.op("shr", ty, a, safe), rest)

    def _integer_power(self, ty: Ty, a: Atom, b: Atom) -> Atom:
        if not isinstance(b, Lit):
            raise self.refuse("CMP403", "an integer to a power that is not a constant")
        if b.value < 0 or b.value > 64:
            raise self.refuse("CMP403", "an integer to a negative or large power")
        result: Atom = Lit(1, ty)
        for _ in range(int(b.value)):
            result = self.op("mul", ty, result, a)
        return result

    def _float(self, name: str, ty: Ty, out: Ty, a: Atom, b: Atom) -> Atom:
        zero, one = Lit(0.0, ty), Lit(1.0, ty)
        match name:
            case "divide":
                return self.op("div", ty, a, b)
            case "floor_divide":
                return self.float_divmod(ty, a, b)[0]
            case "remainder":
                return self.float_divmod(ty, a, b)[1]
            case "power" | "float_power":
                return self.op("np.power", ty, a, b)
            case "negative":
                return self.op("neg", ty, a)
            case "positive":
                return a
            case "absolute" | "fabs":
                return self.op("abs", ty, a)
            case "square":
                return self.op("mul", ty, a, a)
            case "reciprocal":
                return self.op("div", ty, one, a)
            case "sign":
                above = self.op("select", ty, self.op("gt", "b1", a, zero), one, a)
                below = self.op("select", ty, self.op("lt", "b1", a, zero), Lit(-1.0, ty), above)
                return self.op("select", ty, self.op("eq", "b1", a, zero), zero, below)
            case "maximum" | "minimum":
                better = self.op("ge" if name == "maximum" else "le", "b1", a, b)
                nan = self.op("ne", "b1", a, a)
                return self.op("select", ty, self.op("or", "b1", better, nan), a, b)
            case "fmax" | "fmin":
                better = self.op("ge" if name == "fmax" else "le", "b1", a, b)
                nan = self.op("ne", "b1", b, b)
                return self.op("select", ty, self.op("or", "b1", better, nan), a, b)
            case "isnan":
                return self.op("ne", "b1", a, a)
            case "isinf":
                return self.op("eq", "b1", self.op("abs", ty, a), Lit(float("inf"), ty))
            case "isfinite":
                return self.op("lt", "b1", self.op("abs", ty, a), Lit(float("inf"), ty))
            case "signbit":
                sign = self.op("copysign", ty, one, a)
                return self.op("lt", "b1", sign, zero)
            case "deg2rad" | "radians":
                return self.op("mul", ty, a, Lit(_rounded(float(np.pi / 180.0), ty), ty))
            case "rad2deg" | "degrees":
                return self.op("mul", ty, a, Lit(_rounded(float(180.0 / np.pi), ty), ty))
            case "floor" | "ceil" | "trunc" | "rint" | "sqrt":
                return self.op(name, ty, a)
            case "copysign":
                return self.op("copysign", ty, a, b)
            case "heaviside":
                above = self.op("select", ty, self.op("gt", "b1", a, zero), one, a)
                below = self.op("select", ty, self.op("lt", "b1", a, zero), zero, above)
                return self.op("select", ty, self.op("eq", "b1", a, zero), b, below)
        if name == "fmod":
            return self.op("fmod", ty, a, b)
        if LIBRARY.get(name, name) in MATH:
            two = name in ("arctan2", "hypot", "power")
            return self.op(f"np.{name}", ty, a, b) if two else self.op(f"np.{name}", ty, a)
        raise self.refuse("CMP401", f"numpy.{name} is not taken for {dtype_of(ty)}")

    def float_divmod(self, ty: Ty, a: Atom, b: Atom) -> tuple[Atom, Atom]:
        """Divide with rounding down, as Python and NumPy do it (the rest has the sign of b)."""
        zero = Lit(0.0, ty)
        rest = self.op("fmod", ty, a, b)
        quotient = self.op("div", ty, self.op("sub", ty, a, rest), b)
        some = self.op("ne", "b1", rest, zero)
        apart = self.op("ne", "b1", self.op("lt", "b1", b, zero), self.op("lt", "b1", rest, zero))
        fix = self.op("and", "b1", some, apart)
        signed = self.op("copysign", ty, zero, b)
        rest_fixed = self.op("select", ty, fix, self.op("add", ty, rest, b), rest)
        rest_out = self.op("select", ty, some, rest_fixed, signed)
        lower = self.op("sub", ty, quotient, Lit(1.0, ty))
        quotient = self.op("select", ty, fix, lower, quotient)
        floored = self.op("floor", ty, quotient)
        far = self.op("gt", "b1", self.op("sub", ty, quotient, floored), Lit(0.5, ty))
        floored = self.op("select", ty, far, self.op("add", ty, floored, Lit(1.0, ty)), floored)
        nothing = self.op("copysign", ty, zero, self.op("div", ty, a, b))
        whole = self.op("select", ty, self.op("ne", "b1", quotient, zero), floored, nothing)
        by_zero = self.op("eq", "b1", b, zero)
        plain = self.op("div", ty, a, b)
        return (
            self.op("select", ty, by_zero, plain, whole),
            self.op("select", ty, by_zero, self.op("fmod", ty, a, b), rest_out),
        )


def _rounded(value: float, ty: Ty) -> float:
    return float(np.float32(value)) if ty == "f32" else value

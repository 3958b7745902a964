"""A small layer over LLVM's instruction builder, so that native code reads like code.

All numbers are 64-bit integers unless said otherwise, addresses included. A table is an array of
such numbers whose places have names, see `Fields`; Python fills it through a NumPy array and the
native code reads it by the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from llvmlite import ir

from sandbox.native.tables import Fields

__all__ = ["I8", "I32", "I64", "Code", "Value"]

I8: Final = ir.IntType(8)
I32: Final = ir.IntType(32)
I64: Final = ir.IntType(64)
Value = Any
"""A value of LLVM's instruction builder, or a plain int."""


class Code:
    """The body of one function ``i64 name(i64, ...)`` while it is written.

    Args:
        module: Where it goes.
        name: Its name.
        arity: How many arguments it takes.
        inner: Whether only this module calls it.
    """

    def __init__(self, module: ir.Module, name: str, arity: int, *, inner: bool = True) -> None:
        self.function = ir.Function(module, ir.FunctionType(I64, [I64] * arity), name)
        if inner:
            self.function.linkage = "internal"
        self._entry = ir.IRBuilder(self.function.append_basic_block("entry"))
        self._first = self.function.append_basic_block("body")
        self.builder = ir.IRBuilder(self._first)
        self.args = list(self.function.args)

    def done(self) -> ir.Function:
        """Close the function; it must have returned on every path."""
        self._entry.branch(self._first)
        return self.function

    # Numbers and memory ----------------------------------------------------------------------

    def value(self, number: Value) -> Value:
        """Give a number as a value."""
        return I64(number) if isinstance(number, int) else number

    def add(self, left: Value, right: Value) -> Value:
        """Add."""
        return self.builder.add(self.value(left), self.value(right))

    def sub(self, left: Value, right: Value) -> Value:
        """Subtract."""
        return self.builder.sub(self.value(left), self.value(right))

    def mul(self, left: Value, right: Value) -> Value:
        """Multiply."""
        return self.builder.mul(self.value(left), self.value(right))

    def both(self, left: Value, right: Value) -> Value:
        """Give the bits that both have."""
        return self.builder.and_(self.value(left), self.value(right))

    def either(self, left: Value, right: Value) -> Value:
        """Give the bits that one of both has."""
        return self.builder.or_(self.value(left), self.value(right))

    def test(self, left: Value, relation: str, right: Value) -> Value:
        """Compare signed numbers; a single bit."""
        return self.builder.icmp_signed(relation, self.value(left), self.value(right))

    def bit(self, condition: Value) -> Value:
        """Give 0 or 1 for a condition."""
        return self.builder.zext(condition, I64)

    def choose(self, condition: Value, yes: Value, no: Value) -> Value:
        """Give one of two numbers."""
        return self.builder.select(condition, self.value(yes), self.value(no))

    def pointer(self, address: Value, kind: Any = I8) -> Value:
        """Give an address as a pointer."""
        return self.builder.inttoptr(self.value(address), kind.as_pointer())

    def load(self, address: Value, kind: Any = I64) -> Value:
        """Read a number of any width, without sign."""
        found = self.builder.load(self.pointer(address, kind))
        found.align = 1
        return found if kind == I64 else self.builder.zext(found, I64)

    def store(self, address: Value, value: Value, kind: Any = I64) -> None:
        """Write a number, cut to its width."""
        number = self.value(value)
        if kind != I64:
            number = self.builder.trunc(number, kind)
        self.builder.store(number, self.pointer(address, kind)).align = 1

    def read(self, table: Value, fields: Fields, name: str) -> Value:
        """Read a place of a table."""
        return self.load(self.add(table, 8 * fields[name]))

    def write(self, table: Value, fields: Fields, name: str, value: Value) -> None:
        """Write a place of a table."""
        self.store(self.add(table, 8 * fields[name]), value)

    def atomic_load(self, address: Value) -> Value:
        """Read 32 bits that another process writes."""
        pointer = self.pointer(address, I32)
        return self.builder.zext(self.builder.load_atomic(pointer, "seq_cst", 4), I64)

    def atomic_store(self, address: Value, value: Value) -> None:
        """Write 32 bits that another process reads."""
        number = self.builder.trunc(self.value(value), I32)
        self.builder.store_atomic(number, self.pointer(address, I32), "seq_cst", 4)

    def copy(self, to: Value, origin: Value, count: Value) -> None:
        """Copy bytes that do not overlap."""
        kind = ir.FunctionType(
            ir.VoidType(), [I8.as_pointer(), I8.as_pointer(), I64, ir.IntType(1)]
        )
        self._intrinsic(
            "llvm.memcpy.p0.p0.i64",
            kind,
            [self.pointer(to), self.pointer(origin), self.value(count), ir.IntType(1)(0)],
        )

    def fill(self, to: Value, byte: Value, count: Value) -> None:
        """Write one byte again and again."""
        kind = ir.FunctionType(ir.VoidType(), [I8.as_pointer(), I8, I64, ir.IntType(1)])
        number = self.builder.trunc(self.value(byte), I8)
        self._intrinsic(
            "llvm.memset.p0.i64",
            kind,
            [self.pointer(to), number, self.value(count), ir.IntType(1)(0)],
        )

    def _intrinsic(self, name: str, kind: ir.FunctionType, values: list[Value]) -> None:
        module = self.function.module
        found = module.globals.get(name) or ir.Function(module, kind, name)
        self.builder.call(found, values)

    # Variables and control -------------------------------------------------------------------

    def variable(self, start: Value = 0) -> Value:
        """Make a variable that holds a number."""
        slot = self._entry.alloca(I64)
        self.builder.store(self.value(start), slot)
        return slot

    def room(self, kind: Any) -> Value:
        """Make room for one value of a kind; a pointer to it."""
        return self._entry.alloca(kind)

    def get(self, slot: Value) -> Value:
        """Read a variable."""
        return self.builder.load(slot)

    def put(self, slot: Value, value: Value) -> None:
        """Write a variable."""
        self.builder.store(self.value(value), slot)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Run the body if a condition holds."""
        with self.builder.if_then(condition):
            yield

    @contextmanager
    def each(self, count: Value) -> Iterator[Value]:
        """Run the body for 0, 1, ... below a count."""
        builder = self.builder
        slot = self.variable()
        head, body, after = (self.function.append_basic_block(name) for name in ("h", "b", "a"))
        builder.branch(head)
        builder.position_at_end(head)
        index = self.get(slot)
        builder.cbranch(self.test(index, "<", count), body, after)
        builder.position_at_end(body)
        yield index
        if not builder.block.is_terminated:
            self.put(slot, self.add(index, 1))
            builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def forever(self) -> Iterator[Value]:
        """Run the body until it branches to the block that this gives, or returns."""
        builder = self.builder
        head, after = (self.function.append_basic_block(name) for name in ("loop", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        yield after
        if not builder.block.is_terminated:
            builder.branch(head)
        builder.position_at_end(after)

    def leave(self, target: Value) -> None:
        """Go on behind a loop."""
        self.builder.branch(target)

    def give(self, value: Value) -> None:
        """Return."""
        self.builder.ret(self.value(value))

    # Calls -----------------------------------------------------------------------------------

    def call(self, function: ir.Function, *arguments: Value) -> Value:
        """Call a function of this module."""
        return self.builder.call(function, [self.value(item) for item in arguments])

    def call_at(self, address: Value, *arguments: Value) -> Value:
        """Call ``i64 f(i64, ...)`` at an address; narrower results are for the caller to cut."""
        kind = ir.FunctionType(I64, [I64] * len(arguments))
        target = self.builder.inttoptr(self.value(address), kind.as_pointer())
        return self.builder.call(target, [self.value(item) for item in arguments])

    def call_variadic(self, address: Value, first: Value, *rest: Value) -> Value:
        """Call ``long f(long, ...)`` at an address."""
        kind = ir.FunctionType(I64, [I64], var_arg=True)
        target = self.builder.inttoptr(self.value(address), kind.as_pointer())
        return self.builder.call(target, [self.value(item) for item in (first, *rest)])

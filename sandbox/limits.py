"""What a program may use; every number is settable and counted, never guessed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from sandbox.errors import UsageError

__all__ = ["Limits"]

_MAY_BE_0: Final = frozenset({"recall_bytes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds for one program, checked from the first byte to the last row.

    The defaults are far above what natural programs need: of 1,215 published reward programs the
    longest has 482 lines and 1,797 syntax nodes.
    """

    source_bytes: int = 64 * 1024
    """UTF-8 bytes of the source."""
    source_lines: int = 2_000
    line_bytes: int = 4_096
    """Bytes of one physical line."""
    tokens: int = 16_384
    """Tokens of the source, counted before the parser sees it."""
    nesting: int = 40
    """Brackets, indentation and operators that may be open at one place."""
    nodes: int = 20_000
    """Nodes of the syntax tree."""
    literal_elements: int = 1_024
    """Elements of one list, tuple, set or dict display."""
    string_bytes: int = 8_192
    """UTF-8 bytes of one string literal."""
    identifier_chars: int = 64
    functions: int = 128
    """Functions, methods and lambdas of one program."""
    fuel: int = 2_000_000
    """Units one row (or one reset) may use; about one per statement turn and 16 array elements."""
    memory_bytes: int = 64 * 1024 * 1024
    """Bytes that one row may ask for in one operation, and hold on its own account."""
    worker_memory_bytes: int = 2 * 1024 * 1024 * 1024
    """Address space a worker may add to what it has when it starts."""
    state_bytes: int = 16 * 1024 * 1024
    """Bytes that one episode may keep in ``self``."""
    integer_bits: int = 4_096
    """Bits of a Python integer in the interpreted tier."""
    recall_bytes: int = 32 * 1024 * 1024
    """Bytes of results that a worker keeps for frames which come again; 0 keeps none. What was found on
    the first frame of an episode is kept beside it: at most 64 numbers a call and environment."""
    wall_s: float = 10.0
    """Seconds of wall clock for one row, the backstop behind fuel: a batch goes on as long as a
    row of it ends in every such time, and never longer than its fuel can take."""
    compile_s: float = 30.0
    """Seconds of wall clock for parsing, checking and compiling one program."""
    text_bytes: int = 256
    """UTF-8 bytes of one text observation."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            may_be_0 = entry.name in _MAY_BE_0
            if not is_number or not (value > 0 or (may_be_0 and value == 0)):
                above = "of 0 or more" if may_be_0 else "above 0"
                raise UsageError(f"limits: {entry.name} is {value!r}; want a number {above}")

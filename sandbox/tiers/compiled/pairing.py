"""Calls of one vector function brought together: a pass from core to core.

A vector function of NumPy computes eight results in the time of one (see
`sandbox.tiers.compiled.vectors`), and a kernel has one element at a time for it. But rewards tend to
be sums of a few exponentials, so a block often calls a function more than once. Where the later
call depends on nothing in between that cannot move, it moves up behind the earlier one, and the
code generator makes one call of both.
"""

from __future__ import annotations

from sandbox.tiers.compiled.core import (
    Block,
    For,
    If,
    Invoke,
    Kernel,
    Let,
    Lit,
    Loop,
    Region,
    Set,
    Stmt,
    Var,
)
from sandbox.tiers.compiled.vectors import LANES, vector_of

__all__ = ["pair_calls", "same_calls"]

_REACH = 60
"""Statements that a call may move over."""


def pair_calls(kernel: Kernel) -> None:
    """Bring calls of the same vector function together, in place."""
    _pair(kernel.body, kernel.regions)


def same_calls(body: list[Stmt], place: int) -> list[Let]:
    """Give the calls of one vector function that follow one another from a place on."""
    found: list[Let] = []
    for item in body[place : place + LANES]:
        if not isinstance(item, Let) or not _is_call(item):
            break
        made = {call.var.name for call in found}
        if found and (item.op != found[0].op or made & _reads(item)):
            break
        found.append(item)
    return found


def _is_call(item: Let) -> bool:
    return (
        item.op.startswith("np.")
        and vector_of(item.op.removeprefix("np."), item.var.ty) is not None
    )


def _reads(item: Let) -> set[str]:
    return {arg.name for arg in item.args if isinstance(arg, Var)}


def _pair(body: list[Stmt], regions: dict[str, Region]) -> None:
    place = 0
    while place < len(body):
        item = body[place]
        match item:
            case If(then=then, other=other):
                _pair(then, regions)
                _pair(other, regions)
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                _pair(inner, regions)
            case Let() if _is_call(item):
                end = place + 1
                for later in range(place + 1, min(len(body), place + _REACH)):
                    other_item = body[later]
                    if isinstance(other_item, Let) and other_item.op == item.op:
                        moved = _needed(body, place, later, regions)
                        if moved is None or end - place >= LANES:
                            continue
                        before = [body[k] for k in moved]
                        for k in (later, *reversed(moved)):
                            del body[k]
                        body[place:place] = before
                        place += len(before)
                        end += len(before) + 1
                        body.insert(end - 1, other_item)
                place = end - 1
        place += 1


def _needed(
    body: list[Stmt], place: int, later: int, regions: dict[str, Region]
) -> list[int] | None:
    """Give what a later call needs of the statements since an earlier one, if all of it can move."""
    call, first = body[later], body[place]
    assert isinstance(call, Let)
    assert isinstance(first, Let)
    wanted, moved = _reads(call), list[int]()
    for k in range(later - 1, place - 1, -1):
        item = body[k]
        if isinstance(item, Let) and item.var.name in wanted:
            if k == place or not _can_move(item, regions):
                return None
            wanted |= _reads(item)
            moved.insert(0, k)
        elif _sets([item]) & wanted:
            return None
    return moved


def _can_move(item: Let, regions: dict[str, Region]) -> bool:
    """Whether an operation gives the same earlier, and does no harm where it was not reached."""
    if item.op == "load":
        # An index may have been checked on the way; only a literal one needs no check.
        return (
            item.region is not None
            and regions[item.region].kind == "input"
            and isinstance(item.args[0], Lit)
        )
    if item.op in ("floordiv", "mod"):
        return False
    return not item.op.startswith("np.") or _is_call(item)


def _sets(body: list[Stmt]) -> set[str]:
    found: set[str] = set()
    for item in body:
        match item:
            case Set(var=var) | Invoke(var=var):
                found.add(var.name)
            case If(then=then, other=other):
                found |= _sets(then) | _sets(other)
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                found |= _sets(inner)
    return found

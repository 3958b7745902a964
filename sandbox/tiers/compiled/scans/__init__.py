"""Loops that search and count, as what they find: a pass from core to core.

Programs look for things in grids and pictures: a loop, or an array expression that has become one,
goes over all cells, and at some of them counts, or notes where it is. Run as written, such a loop
takes a branch or two a cell, which the processor guesses wrong at the cells that matter, and keeps
64-bit numbers that leave few cells to a vector register.

A loop is a *scan* if each turn is a pure function of the indices and of memory that it only reads,
and changes variables in one of these ways alone: add an integer, take a minimum, a maximum, an
``or`` or an ``and``, or set a value under some condition. What a scan leaves behind follows from a
few *totals* over all turns: how often a condition held, the sum of an index where it did, the last
turn at which it did. Totals do not depend on the order of turns, have a known range, and so are
gathered in one loop without branches in the narrowest integers that hold them, which the code
generator turns into vector instructions. Values that were set are computed once, after the loop,
for the turn at which they were set last. Several scans over the same indices become one.

Nothing is reordered that rounds: sums of floats are no totals. Fuel and capacity are checked once
before the loop; where one of them might run out within it, the loop runs as it was written.
"""

from __future__ import annotations

from sandbox.tiers.compiled.scans.rewriting import rewrite_scans

__all__ = ["rewrite_scans"]

"""Texts that last: made in a loop, put into a list or dict of a state, or kept in ``self``.

A text mostly is a part of a column, which the next row overwrites, or of memory that belongs to the
place in the program where it was made, which the next turn of a loop overwrites. A text that has to
outlast either is copied to a row's memory for texts. That memory only grows while a row runs, so
what is there never changes. The state has a memory of the same size beside it: a step begins with
copies of the texts that are still kept, and ends with all of it being copied back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, Lit, Region, Set, Store, Var
from sandbox.tiers.compiled.deep import Deep, DeepSeq, DeepTable, DeepText, keeps_text
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.recipe import TEXTS as KEPT
from sandbox.tiers.compiled.shapes import LASTING, Shape, ShapeText, has_text, texts_in
from sandbox.tiers.compiled.text import Texts
from sandbox.tiers.compiled.values import (
    NONE,
    Cell,
    SeqCell,
    Str,
    TableCell,
    Text,
    Value,
    Words,
    boolean,
)

__all__ = ["Lasting"]

USED: Final = Var("texts", "i64")
"""First free place in a row's memory for texts."""
ROOM: Final = 8_192
"""Bytes of texts there is memory for in a row."""
_JOINED: Final = 4_096
"""Bytes that a joined text may have."""


class Lasting(Texts):
    """Texts that outlast the column or the turn they come from."""

    # -- memory

    def texts_memory(self) -> str:
        """Declare a row's memory for texts."""
        return self.region(Region(LASTING, "u8", ROOM, "scratch"))

    def lasting(self, value: Text | Str) -> Text:
        """Copy a text to where it lasts; a row with more text than fits is the other tier's."""
        region = self.texts_memory()
        if isinstance(value, Text) and value.region == LASTING:
            return value
        start = self.value_now(USED)
        if isinstance(value, Str):
            data = value.text.encode()
            if len(data) != len(value.text):
                raise self.refuse("CMP602", "a text outside of ASCII is kept")
            end = self._up_to(start, i64(len(data)))
            for k, code in enumerate(data):
                place = self.op("add", "i64", start, i64(k))
                self.emit(Store(region, place, Lit(code, "u8")))
            self.emit(Set(USED, end))
            return Text(region, start, i64(len(data)))
        length = self.kept_now(value.length)
        end = self._up_to(start, length)

        def one(index: Atom) -> None:
            place = self.op("add", "i64", start, index)
            self.emit(Store(region, place, self.byte(value, index)))

        self.count(length, one)
        self.emit(Set(USED, end))
        return Text(region, start, length)

    def capacity(self, text: Text) -> int:
        if text.region == LASTING:
            self.texts_memory()
        return super().capacity(text)

    def _up_to(self, start: Atom, length: Atom) -> Atom:
        end = self.op("add", "i64", start, length)
        self.only_where(boolean(self.op("le", "b1", end, i64(ROOM))))
        return end

    # -- state

    def _kept_memory(self) -> str:
        return self.region(Region(KEPT, "u8", ROOM, "state"))

    def load_state(self, deep: Deep, path: str) -> Value:
        if isinstance(deep, DeepText):
            region = self._kept_memory()
            start = self.load(self.slot(path, "i64"), i64(0))
            length = self.load(self.slot(f"{path}#len", "i64"), i64(0))
            return self.lasting(Text(region, start, length))
        return super().load_state(deep, path)

    def load_entries(
        self, shape: Shape, kept: tuple[str, ...], own: tuple[str, ...], count: Atom
    ) -> None:
        if not has_text(shape):
            super().load_entries(shape, kept, own, count)
            return
        self._kept_memory()
        stored = texts_in(shape, KEPT)

        def one(k: Atom) -> None:
            self.write_record(shape, own, k, self.read_record(stored, kept, k))

        self.count(count, one)

    def note_loaded(self, path: str, made: SeqCell | TableCell) -> None:
        shapes = (made.record,) if isinstance(made, SeqCell) else (made.key, made.value)
        # What holds texts is written anew, as these have moved.
        if not any(shape is not None and has_text(shape) for shape in shapes):
            super().note_loaded(path, made)

    def made_to_keep(self, deep: DeepSeq | DeepTable, content: Cell) -> Cell:
        if isinstance(deep, DeepSeq) and isinstance(content, SeqCell) and has_text(deep.record):
            if content.record == deep.record:
                return content
            made = self.sequence(deep.record, content.kind, content.maxlen, content.room)
            length = self.accumulate("i64", i64(0))
            self.fill_sequence(replace(made, length=replace(content.length, atom=length)), content)
            return replace(made, length=replace(content.length, atom=self.value_now(length)))
        if isinstance(deep, DeepTable) and isinstance(content, TableCell):
            shapes = [part for part in (deep.key, deep.value) if part is not None]
            now = [part for part in (content.key, content.value) if part is not None]
            if shapes != now and any(map(has_text, shapes)):
                return self.filled_table(deep.key, deep.value, content)
        return content

    def after_moves(self, deep: Deep) -> None:
        # All that was put there is in the room that the state has for it, too.
        if not keeps_text(deep) or LASTING not in self.regions:
            return
        region, kept = self.texts_memory(), self._kept_memory()
        used = self.value_now(USED)
        self.count(used, lambda k: self.emit(Store(kept, k, self.load(region, k))))

    def write_text(self, shape: ShapeText, value: Value) -> Text:
        if shape.region == LASTING and isinstance(value, Text | Str):
            return self.lasting(value)
        return super().write_text(shape, value)

    # -- texts made in loops

    def finished(self, text: Text) -> Text:
        return self.lasting(text) if self.turning else text

    # -- joining and single characters

    def str_join(self, args: Args, keywords: Keywords) -> Value:
        owner, items = args[0], args[1]
        if isinstance(items, Words) or not isinstance(owner, Str):
            return super().str_join(args, keywords)
        if self.length_known(items):
            parts = self.listed(items)
            if all(isinstance(part, Str) for part in parts):
                return super().str_join([owner, self.new_list(tuple(parts))], keywords)
        return self._joined(owner.text, items)

    def _joined(self, between: str, items: Value) -> Value:
        """Join texts of which some depend on the data."""
        data = between.encode()
        region = self.scratch("u8", _JOINED)
        end, some = self.accumulate("i64", i64(0)), self.accumulate("b1", Lit(False, "b1"))

        def put(code: Atom, at: Atom) -> None:
            self.emit(Store(region, at, code))

        def one(item: Value) -> None:
            self.spread(item, part)

        def part(item: Value) -> Value:
            if isinstance(item, Str):
                size: Atom = i64(len(item.text.encode()))
            elif isinstance(item, Text):
                self.only_ascii(item)
                size = self.kept_now(item.length)
            else:
                raise self.refuse("CMP602", f"join() of {self.described(item)}")
            start = self.value_now(end)
            gap = self.op("select", "i64", self.value_now(some), i64(len(data)), i64(0))
            first = self.op("add", "i64", start, gap)
            stop = self.op("add", "i64", first, size)
            # The separator may be written where there is none: room for it is needed as well.
            more = self.op("add", "i64", stop, i64(len(data)))
            self.only_where(boolean(self.op("le", "b1", more, i64(_JOINED))))
            for k, code in enumerate(data):
                put(Lit(code, "u8"), self.op("add", "i64", start, i64(k)))
            if isinstance(item, Str):
                for k, code in enumerate(item.text.encode()):
                    put(Lit(code, "u8"), self.op("add", "i64", first, i64(k)))
            else:
                text = item
                self.count(size, lambda k: put(self.byte(text, k), self.op("add", "i64", first, k)))
            self.emit(Set(end, stop))
            self.emit(Set(some, Lit(True, "b1")))
            return NONE

        self.iterate(items, one)
        length = self.kept(end)
        text = Text(region, i64(0), length)
        after = self.op("select", "i64", self.kept(some), i64(len(data)), i64(0))
        paid = self.op("add", "i64", length, after)
        self.charge(self.op("floordiv", "i64", paid, i64(16)))
        return self.finished(text)


Library.table["str.join"] = Lasting.str_join

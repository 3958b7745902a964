"""Text observations: comparing, splitting and searching the bytes of a column.

A text is a part of a column of UTF-8, by start and length; the words of a split are found again
each time they are asked for, so that no copy is made. Python splits at white space of all of
Unicode, so a row whose text has other than ASCII is computed by the interpreted tier where that
matters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, If, Lit, Set, Stmt, Store
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import FALSE, TRUE, Target, i64
from sandbox.tiers.compiled.state import Keeper
from sandbox.tiers.compiled.values import (
    NONE,
    Gen,
    ListCell,
    NoneV,
    Num,
    Ref,
    SeqCell,
    SliceV,
    Str,
    Text,
    Tup,
    Value,
    Words,
    boolean,
    integer,
    number,
)

__all__ = ["Texts"]

_SPACES: Final = (9, 10, 11, 12, 13, 28, 29, 30, 31, 32)


class Texts(Keeper):
    """Operations on text."""

    def capacity(self, text: Text) -> int:
        """Give how many bytes a text may have at most."""
        return self.regions[text.region].size

    def byte(self, text: Text, index: Atom) -> Atom:
        """Read a byte; an index outside of the column reads its last one."""
        size = self.capacity(text)
        place = self.op("add", "i64", text.start, index)
        low = self.op("lt", "b1", place, i64(0))
        high = self.op("ge", "b1", place, i64(size))
        safe = self.op("select", "i64", high, i64(size - 1), place)
        found = self.load(text.region, self.op("select", "i64", low, i64(0), safe))
        if not text.lower:
            return found
        upper = self.both(
            self.op("ge", "b1", found, Lit(65, "u8")), self.op("le", "b1", found, Lit(90, "u8"))
        )
        small = self.op("add", "u8", found, Lit(32, "u8"))
        return self.op("select", "u8", upper, small, found)

    def text_byte(self, text: Text, index: Atom) -> Atom:
        return self.byte(text, index)

    def only_ascii(self, text: Text) -> None:
        """Leave rows with characters outside of ASCII to the interpreted tier."""
        key = ("ascii", text.region, text.start, text.length)
        if key in self.pt.known:
            return
        top = self.accumulate("u8", Lit(0, "u8"))

        def turn(index: Atom) -> None:
            self.emit(Set(top, self.op("or", "u8", top, self.byte(text, index))))

        self.count(text.length, turn)
        plain = self.op("lt", "b1", self.kept(top), Lit(128, "u8"))
        self.only_where(boolean(plain))
        self.pt.known[key] = TRUE

    def _is_space(self, byte: Atom) -> Atom:
        found = FALSE
        for code in _SPACES:
            found = self.either(found, self.op("eq", "b1", byte, Lit(code, "u8")))
        return found

    # -- comparing

    def same_text(self, text: Text, known: str) -> Num:
        """Compare a text with a known one."""
        data = known.encode()
        if text.lower and known != known.lower():
            return number(False)
        size = self.capacity(text)
        if len(data) > size:
            return number(False)
        result = self.op("eq", "b1", text.length, i64(len(data)))
        for k, code in enumerate(data):
            here = self.op("eq", "b1", self.byte(text, i64(k)), Lit(code, "u8"))
            result = self.both(result, here)
        return boolean(result)

    def other_equal(self, a: Value, b: Value) -> Num | None:
        match a, b:
            case Text(), Str(text=known):
                return self.same_text(a, known)
            case Str(), Text():
                return self.other_equal(b, a)
            case Text(), Text():
                return self._same_texts(a, b)
            case Words(), Words():
                raise self.refuse("CMP105", "a comparison of these containers")
            case (Words(), Ref()) | (Ref(), Words()):
                return self._same_words(a, b) if isinstance(a, Words) else self._same_words(b, a)
        return super().other_equal(a, b)

    def _same_words(self, words: Value, other: Value) -> Num:
        """Compare words with a list of known length."""
        assert isinstance(words, Words)
        content = self.pt.heap[other.cell] if isinstance(other, Ref) else None
        if not isinstance(content, ListCell) or content.kind != "list":
            if isinstance(content, ListCell | SeqCell) and content.kind == "list":
                raise self.refuse("CMP105", "a comparison of these containers")
            return number(False)
        items = self.listed(other)
        result = self.op("eq", "b1", self.word_count(words).atom, i64(len(items)))
        for k, item in enumerate(items):
            word = self.word(words, i64(k))
            same = self.truth(self.spread(item, functools.partial(self.equal, word)))
            result = self.both(result, same.atom)
        return boolean(result)

    def _same_texts(self, a: Text, b: Text) -> Num:
        differ = self.accumulate("b1", self.op("ne", "b1", a.length, b.length))

        def turn(index: Atom) -> None:
            other = self.op("ne", "b1", self.byte(a, index), self.byte(b, index))
            self.emit(Set(differ, self.either(differ, other)))

        self.count(a.length, turn)
        return boolean(self.inverse(self.kept(differ)))

    def other_truth(self, value: Value) -> Num:
        if isinstance(value, Text):
            return boolean(self.op("gt", "b1", value.length, i64(0)))
        return super().other_truth(value)

    def other_length(self, value: Value) -> Num:
        if isinstance(value, Text):
            self.only_ascii(value)
            return integer(value.length, 0, self.capacity(value))
        if isinstance(value, Words):
            return self.word_count(value)
        return super().other_length(value)

    def other_contains(self, container: Value, value: Value) -> Num | None:
        if isinstance(container, Text):
            if isinstance(value, Str):
                return boolean(self.op("ge", "b1", self.find(container, value.text), i64(0)))
            if isinstance(value, Text):
                return boolean(self.op("ge", "b1", self._find_text(container, value), i64(0)))
            self.fail("TypeError", "'in <string>' requires string as left operand")
        if isinstance(container, Str) and isinstance(value, Text):
            raise self.refuse("CMP603", "a text of the observation searched in a known one")
        return super().other_contains(container, value)

    def find(self, text: Text, known: str, last: bool = False) -> Atom:
        """Give where a known text first occurs, or -1."""
        data = known.encode()
        place = self.accumulate("i64", i64(-1))
        most = self.capacity(text) - len(data) + 1
        if most <= 0:
            return i64(-1)
        turns = self.op("sub", "i64", text.length, i64(len(data) - 1))

        def turn(index: Atom) -> None:
            here = TRUE
            for k, code in enumerate(data):
                byte = self.byte(text, self.op("add", "i64", index, i64(k)))
                here = self.both(here, self.op("eq", "b1", byte, Lit(code, "u8")))
            if not last:
                here = self.both(here, self.op("lt", "b1", place, i64(0)))
            self.emit(Set(place, self.op("select", "i64", here, index, place)))

        self.count(turns, turn)
        return self.kept(place)

    def _find_text(self, text: Text, other: Text) -> Atom:
        """Give where another text first occurs, or -1."""
        place = self.accumulate("i64", i64(-1))
        turns = self.op("add", "i64", self.op("sub", "i64", text.length, other.length), i64(1))

        def turn(index: Atom) -> None:
            differ = self.accumulate("b1", FALSE)

            def one(k: Atom) -> None:
                byte = self.byte(text, self.op("add", "i64", index, k))
                wrong = self.op("ne", "b1", byte, self.byte(other, k))
                self.emit(Set(differ, self.either(differ, wrong)))

            self.count(other.length, one)
            here = self.both(
                self.inverse(self.op("copy", "b1", differ)), self.op("lt", "b1", place, i64(0))
            )
            self.emit(Set(place, self.op("select", "i64", here, index, place)))

        self.count(turns, turn)
        return self.kept(place)

    # -- words

    def _over_bytes(self, text: Text, on_start: Callable[[Atom, Atom], None]) -> None:
        """Go through the bytes; gets the index, and whether a word starts there."""
        self.only_ascii(text)
        inside = self.accumulate("b1", FALSE)

        def turn(index: Atom) -> None:
            letter = self.inverse(self._is_space(self.byte(text, index)))
            starts = self.both(letter, self.inverse(inside))
            on_start(index, starts)
            self.emit(Set(inside, letter))

        self.count(text.length, turn)

    def word_count(self, words: Words) -> Num:
        """Count the words."""
        if words.stop is None:
            return integer(self._all_words(words), 0, self.capacity(words.text) + 1)
        rest = self.op("sub", "i64", words.stop, words.first)
        count = self.op("max", "i64", rest, i64(0))
        return integer(count, 0, self.capacity(words.text) + 1)

    def _all_words(self, words: Words) -> Atom:
        """Count the words of the whole text."""
        key = ("words", words.text, words.separator)
        found = self.pt.known.get(key)
        if found is None:
            total = self.accumulate("i64", i64(0))

            def note(index: Atom, starts: Atom) -> None:
                del index
                more = self.op("add", "i64", total, self.cast(starts, "i64"))
                self.emit(Set(total, more))

            if words.separator:
                self._over_separators(words, note)
                found = self.op("add", "i64", self.kept(total), i64(1))
            else:
                self._over_bytes(words.text, note)
                found = self.kept(total)
            self.pt.known[key] = found
        return found

    def _over_separators(self, words: Words, on_match: Callable[[Atom, Atom], None]) -> None:
        """Go through the bytes; gets the index, and whether a separator begins there."""
        text, data = words.text, words.separator.encode()
        skip = self.accumulate("i64", i64(0))
        last = self.op("sub", "i64", text.length, i64(len(data)))

        def turn(index: Atom) -> None:
            here = self.op("le", "b1", index, last)
            here = self.both(here, self.op("eq", "b1", skip, i64(0)))
            for k, code in enumerate(data):
                byte = self.byte(text, self.op("add", "i64", index, i64(k)))
                here = self.both(here, self.op("eq", "b1", byte, Lit(code, "u8")))
            on_match(index, here)
            fewer = self.op("max", "i64", self.op("sub", "i64", skip, i64(1)), i64(0))
            self.emit(Set(skip, self.op("select", "i64", here, i64(len(data) - 1), fewer)))

        self.count(text.length, turn)

    def word(self, words: Words, which: Atom) -> Text:
        """Give a word by its number, which is in range."""
        text = words.text
        which = self.op("add", "i64", which, words.first)
        if words.separator:
            return self._part(words, which)
        first = self.accumulate("i64", i64(-1))
        length = self.accumulate("i64", i64(0))
        seen = self.accumulate("i64", i64(0))
        self.only_ascii(text)
        inside = self.accumulate("b1", FALSE)

        def turn(index: Atom) -> None:
            letter = self.inverse(self._is_space(self.byte(text, index)))
            starts = self.both(letter, self.inverse(inside))
            here = self.both(starts, self.op("eq", "b1", seen, which))
            self.emit(Set(first, self.op("select", "i64", here, index, first)))
            self.emit(Set(seen, self.op("add", "i64", seen, self.cast(starts, "i64"))))
            current = self.op("eq", "b1", seen, self.op("add", "i64", which, i64(1)))
            grows = self.cast(self.both(letter, current), "i64")
            self.emit(Set(length, self.op("add", "i64", length, grows)))
            self.emit(Set(inside, letter))

        self.count(text.length, turn)
        start = self.op("add", "i64", text.start, self.kept(first))
        return Text(text.region, start, self.kept(length), text.lower)

    def _part(self, words: Words, which: Atom) -> Text:
        """Give a part between separators by its number, which is in range."""
        text, width = words.text, len(words.separator.encode())
        first = self.accumulate("i64", i64(0))
        end = self.accumulate("i64", text.length)
        seen = self.accumulate("i64", i64(0))

        def note(index: Atom, here: Atom) -> None:
            ends = self.both(here, self.op("eq", "b1", seen, which))
            self.emit(Set(end, self.op("select", "i64", ends, index, end)))
            more = self.op("add", "i64", seen, i64(1))
            begins = self.both(here, self.op("eq", "b1", more, which))
            self.emit(Set(seen, self.op("select", "i64", here, more, seen)))
            after = self.op("add", "i64", index, i64(width))
            self.emit(Set(first, self.op("select", "i64", begins, after, first)))

        self._over_separators(words, note)
        start = self.kept(first)
        length = self.op("sub", "i64", self.kept(end), start)
        return Text(text.region, self.op("add", "i64", text.start, start), length, text.lower)

    def other_subscript(self, owner: Value, index: Value) -> Value | None:
        if isinstance(owner, Words):
            if isinstance(index, SliceV):
                return self._some_words(owner, index)
            if not isinstance(index, Num) or index.ty in ("f32", "f64"):
                self.fail("TypeError", "list indices must be integers or slices")
            count = self.word_count(owner)
            place = self._position_in(index, count, "list index out of range")
            return self.word(owner, place)
        if isinstance(owner, Text):
            self.only_ascii(owner)
            if isinstance(index, SliceV):
                first, size = self._words_span(index, owner.length)
                return self._cut(owner, first, size)
            if not isinstance(index, Num) or index.ty in ("f32", "f64"):
                self.fail("TypeError", "string indices must be integers")
            count = integer(owner.length, 0, self.capacity(owner))
            place = self._position_in(index, count, "string index out of range")
            return self._cut(owner, place, i64(1))
        return super().other_subscript(owner, index)

    def _words_span(self, index: SliceV, length: Atom) -> tuple[Atom, Atom]:
        """Give where a slice begins and how much it holds."""
        if index.step not in (NONE, number(1)):
            raise self.refuse("CMP604", "a slice of a text with a step")
        first = self.slice_edge(index.start, length, 1, True)
        last = self.slice_edge(index.stop, length, 1, False)
        size = self.op("sub", "i64", last, first)
        return first, self.op("max", "i64", size, i64(0))

    def _cut(self, text: Text, first: Atom, size: Atom) -> Text:
        return Text(text.region, self.op("add", "i64", text.start, first), size, text.lower)

    def _some_words(self, words: Words, index: SliceV) -> Words:
        first, size = self._words_span(index, self.word_count(words).atom)
        first = self.op("add", "i64", words.first, first)
        stop = self.op("add", "i64", first, size)
        return Words(words.text, words.separator, first, stop)

    def unpack_text(self, count: int, value: Value) -> list[Value] | None:
        if not isinstance(value, Words):
            return None
        words = self.word_count(value)
        few = self.op("ge", "b1", words.atom, i64(count))
        self.check(boolean(few), "ValueError", f"not enough values to unpack (expected {count})")
        many = self.op("le", "b1", words.atom, i64(count))
        self.check(boolean(many), "ValueError", f"too many values to unpack (expected {count})")
        return [self.word(value, i64(k)) for k in range(count)]

    beside = False
    """Whether words are gone through beside something else, or backwards."""

    def indexed(self, value: Value) -> tuple[Num, Callable[[Atom], Value]] | None:
        if isinstance(value, Words):
            if not self.beside:
                return None
            return self.word_count(value), lambda index: self.word(value, index)
        if not (isinstance(value, Gen) and value.kind in ("zip", "reversed")):
            return super().indexed(value)
        before, self.beside = self.beside, True
        try:
            return super().indexed(value)
        finally:
            self.beside = before

    def other_iteration(self, value: Value, body: Callable[[Value], None]) -> None:
        if isinstance(value, Words):
            count = self.word_count(value)
            self.charge_turns(count.atom)
            self.meter()
            self.guest_loop(
                lambda index, again: body(self.word(value, index or i64(0))), count.atom
            )
            return
        if isinstance(value, Text):
            self.only_ascii(value)
            self.charge_turns(value.length)
            self.meter()
            self.guest_loop(
                lambda index, again: body(self._cut(value, index or i64(0), i64(1))), value.length
            )
            return
        super().other_iteration(value, body)

    # -- methods

    def _text_of(self, args: Args) -> Str | Text:
        owner = args[0]
        assert isinstance(owner, Str | Text)
        return owner

    def str_split(self, args: Args, keywords: Keywords) -> Value:
        return self._split(args, keywords, "split")

    def str_rsplit(self, args: Args, keywords: Keywords) -> Value:
        return self._split(args, keywords, "rsplit")

    def _split(self, args: Args, keywords: Keywords, name: str) -> Value:
        owner = self._text_of(args)
        separator = keywords.get("sep", args[1] if len(args) > 1 else NONE)
        most = keywords.get("maxsplit", args[2] if len(args) > 2 else number(-1))
        limit = self.constant(most, "maxsplit")
        if not isinstance(separator, NoneV | Str):
            raise self.refuse("CMP602", "split() at a text that is not known")
        sep = None if isinstance(separator, NoneV) else separator.text
        if not isinstance(sep, str | None) or sep == "":
            self.fail("ValueError", "empty separator")
        if isinstance(owner, Str):
            parts = getattr(owner.text, name)(sep, limit)
            self.small(len(parts))
            return self.new_list(tuple(Str(part) for part in parts))
        if limit < 0:
            return Words(owner, sep or "")
        if limit != 1 or sep is None:
            raise self.refuse("CMP602", f"{name}() with maxsplit")
        place = self.find(owner, sep, last=name == "rsplit")
        found = self.op("ge", "b1", place, i64(0))
        before, _, after = self._around(owner, place, sep, name == "rsplit")
        first = Text(
            owner.region,
            self.op("select", "i64", found, before.start, owner.start),
            self.op("select", "i64", found, before.length, owner.length),
            owner.lower,
        )
        count = self.op("select", "i64", found, i64(2), i64(1))
        return self.new_list((first, after), integer(count, 1, 2))

    def _around(self, text: Text, place: Atom, sep: str, last: bool) -> tuple[Text, Text, Text]:
        """Cut a text at a separator, as ``partition`` does where there is none."""
        width = i64(len(sep.encode()))
        found = self.op("ge", "b1", place, i64(0))
        zero = i64(0)
        all_of = text.length
        end = self.op("add", "i64", place, width)
        cut = self.op("select", "i64", found, place, zero if last else all_of)
        middle = self.op("select", "i64", found, width, zero)
        rest = self.op("select", "i64", found, end, zero if last else all_of)
        before = self._cut(text, zero, cut)
        after = self._cut(text, rest, self.op("sub", "i64", all_of, rest))
        return before, self._cut(text, cut, middle), after

    def _partition(self, args: Args, last: bool) -> Value:
        owner, sep = self._text_of(args), args[1]
        if not isinstance(sep, Str):
            raise self.refuse("CMP603", "one text of the observation searched in another")
        if not sep.text:
            self.fail("ValueError", "empty separator")
        if isinstance(owner, Str):
            found = owner.text.rpartition(sep.text) if last else owner.text.partition(sep.text)
            return Tup(tuple(map(Str, found)))
        return Tup(self._around(owner, self.find(owner, sep.text, last), sep.text, last))

    def str_partition(self, args: Args, keywords: Keywords) -> Value:
        return self._partition(args, False)

    def str_rpartition(self, args: Args, keywords: Keywords) -> Value:
        return self._partition(args, True)

    def str_lower(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.lower())
        self.only_ascii(owner)
        return Text(owner.region, owner.start, owner.length, True)

    def str_casefold(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        return Str(owner.text.casefold()) if isinstance(owner, Str) else self.str_lower(args, {})

    def _strip(self, args: Args, front: bool, back: bool) -> Value:
        owner = self._text_of(args)
        chars = args[1] if len(args) > 1 else NONE
        if not isinstance(chars, NoneV | Str):
            raise self.refuse("CMP602", "strip() of characters that are not known")
        if isinstance(owner, Str):
            name = "strip" if front and back else "lstrip" if front else "rstrip"
            return Str(getattr(owner.text, name)(None if isinstance(chars, NoneV) else chars.text))
        self.only_ascii(owner)
        codes = _SPACES if isinstance(chars, NoneV) else tuple(sorted(set(chars.text.encode())))
        first, last = self.accumulate("i64", owner.length), self.accumulate("i64", i64(-1))

        def turn(index: Atom) -> None:
            byte = self.byte(owner, index)
            gone = FALSE
            for code in codes:
                gone = self.either(gone, self.op("eq", "b1", byte, Lit(code, "u8")))
            least = self.op("min", "i64", first, index)
            self.emit(Set(first, self.op("select", "i64", gone, first, least)))
            self.emit(Set(last, self.op("select", "i64", gone, last, index)))

        self.count(owner.length, turn)
        start = self.kept(first) if front else i64(0)
        end = self.op("add", "i64", self.kept(last), i64(1)) if back else owner.length
        size = self.op("max", "i64", self.op("sub", "i64", end, start), i64(0))
        return self._cut(owner, start, size)

    def str_strip(self, args: Args, keywords: Keywords) -> Value:
        return self._strip(args, True, True)

    def str_lstrip(self, args: Args, keywords: Keywords) -> Value:
        return self._strip(args, True, False)

    def str_rstrip(self, args: Args, keywords: Keywords) -> Value:
        return self._strip(args, False, True)

    def _without(self, args: Args, front: bool) -> Value:
        owner, part = self._text_of(args), args[1]
        if not isinstance(part, Str):
            raise self.refuse("CMP603", "one text of the observation searched in another")
        if isinstance(owner, Str):
            text = owner.text
            cut = text.removeprefix(part.text) if front else text.removesuffix(part.text)
            return Str(cut)
        there = self._ends([owner, part], front)
        assert isinstance(there, Num)
        gone = self.op("select", "i64", there.atom, i64(len(part.text.encode())), i64(0))
        size = self.op("sub", "i64", owner.length, gone)
        return self._cut(owner, gone if front else i64(0), size)

    def str_removeprefix(self, args: Args, keywords: Keywords) -> Value:
        return self._without(args, True)

    def str_removesuffix(self, args: Args, keywords: Keywords) -> Value:
        return self._without(args, False)

    def _search(self, args: Args, name: str) -> Value:
        owner, part = self._text_of(args), args[1]
        if isinstance(owner, Str) and isinstance(part, Str):
            try:
                return number(getattr(owner.text, name)(part.text))
            except ValueError:
                self.fail("ValueError", "substring not found")
        if not isinstance(owner, Text) or not isinstance(part, Str):
            raise self.refuse("CMP603", "one text of the observation searched in another")
        self.only_ascii(owner)
        size = self.capacity(owner)
        if name == "count":
            if not part.text:
                return integer(self.op("add", "i64", owner.length, i64(1)), 1, size + 1)
            parts = self._all_words(Words(owner, part.text))
            return integer(self.op("sub", "i64", parts, i64(1)), 0, size)
        place = self.find(owner, part.text, last=name.startswith("r"))
        if name.endswith("index"):
            good = boolean(self.op("ge", "b1", place, i64(0)))
            self.check(good, "ValueError", "substring not found")
        return integer(place, -1, size)

    def str_find(self, args: Args, keywords: Keywords) -> Value:
        return self._search(args, "find")

    def str_rfind(self, args: Args, keywords: Keywords) -> Value:
        return self._search(args, "rfind")

    def str_index(self, args: Args, keywords: Keywords) -> Value:
        return self._search(args, "index")

    def str_rindex(self, args: Args, keywords: Keywords) -> Value:
        return self._search(args, "rindex")

    def str_count(self, args: Args, keywords: Keywords) -> Value:
        return self._search(args, "count")

    def _all_bytes(self, args: Args, name: str, good: Callable[[Atom], Atom]) -> Value:
        """Whether all characters of a text that has some are of one kind."""
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return number(getattr(owner.text, name)())
        self.only_ascii(owner)
        wrong = self.accumulate("b1", self.op("eq", "b1", owner.length, i64(0)))

        def turn(index: Atom) -> None:
            bad = self.inverse(good(self.byte(owner, index)))
            self.emit(Set(wrong, self.either(wrong, bad)))

        self.count(owner.length, turn)
        return boolean(self.inverse(self.kept(wrong)))

    def _between(self, byte: Atom, low: str, high: str) -> Atom:
        above = self.op("ge", "b1", byte, Lit(ord(low), "u8"))
        return self.both(above, self.op("le", "b1", byte, Lit(ord(high), "u8")))

    def _is_letter(self, byte: Atom) -> Atom:
        return self.either(self._between(byte, "a", "z"), self._between(byte, "A", "Z"))

    def str_isdigit(self, args: Args, keywords: Keywords) -> Value:
        return self._all_bytes(args, "isdigit", lambda b: self._between(b, "0", "9"))

    def str_isalpha(self, args: Args, keywords: Keywords) -> Value:
        return self._all_bytes(args, "isalpha", self._is_letter)

    def str_isalnum(self, args: Args, keywords: Keywords) -> Value:
        return self._all_bytes(
            args, "isalnum", lambda b: self.either(self._is_letter(b), self._between(b, "0", "9"))
        )

    def str_isspace(self, args: Args, keywords: Keywords) -> Value:
        return self._all_bytes(args, "isspace", self._is_space)

    def str_startswith(self, args: Args, keywords: Keywords) -> Value:
        return self._ends(args, True)

    def str_endswith(self, args: Args, keywords: Keywords) -> Value:
        return self._ends(args, False)

    def _ends(self, args: Args, front: bool) -> Value:
        owner = self._text_of(args)
        wanted = args[1]
        if isinstance(wanted, Tup):
            found = FALSE
            for item in wanted.items:
                part = self._ends([owner, item], front)
                assert isinstance(part, Num)
                found = self.either(found, part.atom)
            return boolean(found)
        if not isinstance(wanted, Str):
            raise self.refuse("CMP603", "one text of the observation searched in another")
        if isinstance(owner, Str):
            text = owner.text
            return number(text.startswith(wanted.text) if front else text.endswith(wanted.text))
        data = wanted.text.encode()
        if len(data) > self.capacity(owner):
            return number(False)
        result = self.op("ge", "b1", owner.length, i64(len(data)))
        base = i64(0) if front else self.op("sub", "i64", owner.length, i64(len(data)))
        for k, code in enumerate(data):
            byte = self.byte(owner, self.op("add", "i64", base, i64(k)))
            result = self.both(result, self.op("eq", "b1", byte, Lit(code, "u8")))
        return boolean(result)

    # -- texts that are made

    def _made(self, size: int) -> str:
        """Give memory for a text that is no part of a column; see `finished`."""
        return self.scratch("u8", size)

    def finished(self, text: Text) -> Text:
        """Give a text that was made; in a loop the next turn writes over its memory."""
        raise NotImplementedError

    turning = 0
    """Loops around what is being lowered."""

    def guest_loop(self, body: Callable[[Atom | None, Target], None], count: Atom | None) -> None:
        self.turning += 1
        try:
            super().guest_loop(body, count)
        finally:
            self.turning -= 1

    def _mapped(self, text: Text, rule: Callable[[Atom, Atom], Atom]) -> Text:
        """Make a text of the same length, byte by byte from the byte and the one before it."""
        self.only_ascii(text)
        region = self._made(self.capacity(text))
        before = self.accumulate("u8", Lit(0, "u8"))

        def turn(index: Atom) -> None:
            byte = self.byte(text, index)
            self.emit(Store(region, index, rule(byte, before)))
            self.emit(Set(before, byte))

        self.count(text.length, turn)
        return self.finished(Text(region, i64(0), text.length))

    def _upper(self, byte: Atom) -> Atom:
        small = self._between(byte, "a", "z")
        return self.op("select", "u8", small, self.op("sub", "u8", byte, Lit(32, "u8")), byte)

    def _lower(self, byte: Atom) -> Atom:
        large = self._between(byte, "A", "Z")
        return self.op("select", "u8", large, self.op("add", "u8", byte, Lit(32, "u8")), byte)

    def str_upper(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.upper())
        return self._mapped(owner, lambda byte, before: self._upper(byte))

    def str_title(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.title())
        return self._mapped(
            owner,
            lambda byte, before: self.op(
                "select", "u8", self._is_letter(before), self._lower(byte), self._upper(byte)
            ),
        )

    def str_capitalize(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.capitalize())
        # No text has a byte 0 before its first one only: `before` starts with it.
        return self._mapped(
            owner,
            lambda byte, before: self.op(
                "select", "u8", self.op("eq", "b1", before, Lit(0, "u8")),
                self._upper(byte), self._lower(byte),
            ),
        )  # fmt: skip

    def str_replace(self, args: Args, keywords: Keywords) -> Value:
        owner, parts = self._text_of(args), args[1:3]
        if len(args) > 3 or not all(isinstance(part, Str) for part in parts):
            raise self.refuse("CMP602", "replace() with these arguments")
        old, new = [part.text for part in parts if isinstance(part, Str)]
        if isinstance(owner, Str):
            self.small(len(owner.text) + (owner.text.count(old) + 1) * len(new))
            return Str(owner.text.replace(old, new))
        if not old:
            raise self.refuse("CMP602", "replace() of an empty text")
        data, width = new.encode(), len(old.encode())
        size = self.capacity(owner)
        region = self._made(size + max(0, len(data) - width) * (size // width) + len(data) + 1)
        end = self.accumulate("i64", i64(0))
        left = self.accumulate("i64", i64(0))

        def note(index: Atom, here: Atom) -> None:
            # A byte is kept unless a match covers it; a match writes the new text at its start.
            keeps = self.both(self.inverse(here), self.op("eq", "b1", left, i64(0)))
            at = self.op("copy", "i64", end)
            self.emit(Store(region, at, self.byte(owner, index)))
            inside: list[Stmt] = [
                Store(region, self.op("add", "i64", at, i64(k)), Lit(code, "u8"))
                for k, code in enumerate(data)
            ]
            self.emit(If(here, inside, []))
            grown = self.op("select", "i64", here, i64(len(data)), self.cast(keeps, "i64"))
            self.emit(Set(end, self.op("add", "i64", at, grown)))
            fewer = self.op("max", "i64", self.op("sub", "i64", left, i64(1)), i64(0))
            self.emit(Set(left, self.op("select", "i64", here, i64(width - 1), fewer)))

        self._over_separators(Words(owner, old), note)
        return self.finished(Text(region, i64(0), self.kept(end)))

    def str_join(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if not isinstance(owner, Str):
            raise self.refuse("CMP602", "join() with a text that is not known")
        if isinstance(args[1], Words):
            return self._joined_words(owner.text, args[1])
        parts = self.listed(args[1])
        if all(isinstance(part, Str) for part in parts):
            texts = [part.text for part in parts if isinstance(part, Str)]
            self.small(sum(map(len, texts)) + len(owner.text) * len(texts))
            return Str(owner.text.join(texts))
        raise self.refuse("CMP602", "join() of texts that depend on the data")

    def _joined_words(self, between: str, words: Words) -> Value:
        count = self.word_count(words)
        self.charge(count.atom)
        data, size = between.encode(), self.capacity(words.text)
        region = self._made(size + (size + 1) * len(data))
        if not words.separator:
            self.only_ascii(words.text)
        end = self.accumulate("i64", i64(0))

        def each(which: Atom) -> None:
            for k, code in enumerate(data):
                # Before every word but the first: written, and written over by the first.
                at = self.op("add", "i64", self.op("copy", "i64", end), i64(k))
                self.emit(Store(region, at, Lit(code, "u8")))
            later = self.op("gt", "b1", which, i64(0))
            gap = self.op("select", "i64", later, i64(len(data)), i64(0))
            at = self.op("add", "i64", self.op("copy", "i64", end), gap)
            word = self.word(words, which)

            def one(index: Atom) -> None:
                place = self.op("add", "i64", at, index)
                self.emit(Store(region, place, self.byte(word, index)))

            self.count(word.length, one)
            self.emit(Set(end, self.op("add", "i64", at, word.length)))

        self.count(count.atom, each)
        length = self.kept(end)
        # The other tier pays for a separator after the last word, too.
        some = self.op("gt", "b1", count.atom, i64(0))
        after = self.op("select", "i64", some, i64(len(data)), i64(0))
        paid = self.op("add", "i64", length, after)
        self.charge(self.op("floordiv", "i64", paid, i64(16)))
        return self.finished(Text(region, i64(0), length))

    def str_format(self, args: Args, keywords: Keywords) -> Value:
        return self.formatted(args[0])

    def _found_word(self, args: Args) -> tuple[Words, Value]:
        words, value = args
        assert isinstance(words, Words)
        return words, value

    def words_index(self, args: Args, keywords: Keywords) -> Value:
        words, value = self._found_word(args)
        count = self.word_count(words)
        self.pay_for_length(count)
        place = self.accumulate("i64", i64(-1))

        def one(which: Atom) -> None:
            same = self.equal(self.word(words, which), value)
            here = self.both(same.atom, self.op("lt", "b1", place, i64(0)))
            self.emit(Set(place, self.op("select", "i64", here, which, place)))

        self.count(count.atom, one)
        found = self.kept(place)
        self.check(boolean(self.op("ge", "b1", found, i64(0))), "ValueError", "not in list")
        return integer(found, 0, count.high)

    def words_count(self, args: Args, keywords: Keywords) -> Value:
        words, value = self._found_word(args)
        count = self.word_count(words)
        self.pay_for_length(count)
        total = self.accumulate("i64", i64(0))

        def one(which: Atom) -> None:
            same = self.equal(self.word(words, which), value)
            more = self.op("add", "i64", total, self.cast(same.atom, "i64"))
            self.emit(Set(total, more))

        self.count(count.atom, one)
        return integer(self.kept(total), 0, count.high)

    def words_copy(self, args: Args, keywords: Keywords) -> Value:
        return args[0]


for _name in dir(Texts):
    if _name.startswith("str_"):
        Library.table[f"str.{_name.removeprefix('str_')}"] = getattr(Texts, _name)
    if _name.startswith("words_"):
        Library.table[f"words.{_name.removeprefix('words_')}"] = getattr(Texts, _name)

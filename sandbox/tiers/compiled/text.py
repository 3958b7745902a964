"""Text observations: comparing, splitting and searching the bytes of a column.

A text is a part of a column of UTF-8, by start and length; the words of a split are found again
each time they are asked for, so that no copy is made. Python splits at white space of all of
Unicode, so a row whose text has other than ASCII is computed by the interpreted tier where that
matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, Lit, Set
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.state import Keeper
from sandbox.tiers.compiled.values import (
    NONE,
    Num,
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

    def byte(self, text: Text, index: Atom) -> Atom:
        """Read a byte; an index outside of the column reads its last one."""
        size = self.regions[text.region].size
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
        size = self.regions[text.region].size
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
        return super().other_equal(a, b)

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
            return integer(value.length, 0, self.regions[value.region].size)
        if isinstance(value, Words):
            return self.word_count(value)
        return super().other_length(value)

    def other_contains(self, container: Value, value: Value) -> Num | None:
        if isinstance(container, Text):
            if isinstance(value, Str):
                return boolean(self.op("ge", "b1", self.find(container, value.text), i64(0)))
            if isinstance(value, Text):
                raise self.refuse("CMP603", "one text of the observation searched in another")
            self.fail("TypeError", "'in <string>' requires string as left operand")
        return super().other_contains(container, value)

    def find(self, text: Text, known: str, last: bool = False) -> Atom:
        """Give where a known text first occurs, or -1."""
        data = known.encode()
        place = self.accumulate("i64", i64(-1))
        most = self.regions[text.region].size - len(data) + 1
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
        key = ("words", words.text)
        found = self.pt.known.get(key)
        if found is None:
            total = self.accumulate("i64", i64(0))

            def note(index: Atom, starts: Atom) -> None:
                del index
                more = self.op("add", "i64", total, self.cast(starts, "i64"))
                self.emit(Set(total, more))

            self._over_bytes(words.text, note)
            found = self.kept(total)
            self.pt.known[key] = found
        return integer(found, 0, self.regions[words.text.region].size)

    def word(self, words: Words, which: Atom) -> Text:
        """Give a word by its number, which is in range."""
        text = words.text
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

    def other_subscript(self, owner: Value, index: Value) -> Value | None:
        if isinstance(owner, Words):
            if isinstance(index, SliceV):
                raise self.refuse("CMP604", "a slice of the words of a text")
            if not isinstance(index, Num) or index.ty in ("f32", "f64"):
                self.fail("TypeError", "list indices must be integers or slices")
            count = self.word_count(owner)
            place = self._position_in(index, count, "list index out of range")
            return self.word(owner, place)
        if isinstance(owner, Text):
            raise self.refuse("CMP604", "single characters of a text")
        return super().other_subscript(owner, index)

    def unpack_text(self, count: int, value: Value) -> list[Value] | None:
        if not isinstance(value, Words):
            return None
        words = self.word_count(value)
        few = self.op("ge", "b1", words.atom, i64(count))
        self.check(boolean(few), "ValueError", f"not enough values to unpack (expected {count})")
        many = self.op("le", "b1", words.atom, i64(count))
        self.check(boolean(many), "ValueError", f"too many values to unpack (expected {count})")
        return [self.word(value, i64(k)) for k in range(count)]

    def other_iteration(self, value: Value, body: Callable[[Value], None]) -> None:
        if isinstance(value, Words):
            count = self.word_count(value)
            self.charge(count.atom)
            self.meter()
            self.guest_loop(
                lambda index, again: body(self.word(value, index or i64(0))), count.atom
            )
            return
        if isinstance(value, Text):
            raise self.refuse("CMP604", "single characters of a text")
        super().other_iteration(value, body)

    # -- methods

    def _text_of(self, args: Args) -> Str | Text:
        owner = args[0]
        assert isinstance(owner, Str | Text)
        return owner

    def str_split(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        rest = [arg for arg in args[1:] if arg != NONE]
        if isinstance(owner, Str):
            if all(isinstance(arg, Str) for arg in rest) and not keywords:
                separators = [arg.text for arg in rest if isinstance(arg, Str)]
                if len(separators) > 1:
                    raise self.refuse("CMP602", "split() with these arguments")
                parts = owner.text.split(separators[0] if separators else None)
                return self.new_list(tuple(Str(part) for part in parts))
            raise self.refuse("CMP602", "split() with these arguments")
        if rest == [Str(" ")] and not keywords:
            return self._split_at(owner, " ")
        if len(rest) == 1 and isinstance(rest[0], Str) and not keywords:
            return self._split_at(owner, rest[0].text)
        if rest or keywords:
            raise self.refuse("CMP602", "split() with these arguments")
        return Words(owner)

    def _split_at(self, text: Text, separator: str) -> Value:
        """Split at a separator: only the case of two parts is known to be asked for."""
        del text
        raise self.refuse("CMP602", f"split({separator!r}); split() without arguments is taken")

    def str_lower(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.lower())
        self.only_ascii(owner)
        return Text(owner.region, owner.start, owner.length, True)

    def str_strip(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str) and len(args) == 1:
            return Str(owner.text.strip())
        raise self.refuse("CMP602", "strip() of a text of the observation")

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
        if len(data) > self.regions[owner.region].size:
            return number(False)
        result = self.op("ge", "b1", owner.length, i64(len(data)))
        base = i64(0) if front else self.op("sub", "i64", owner.length, i64(len(data)))
        for k, code in enumerate(data):
            byte = self.byte(owner, self.op("add", "i64", base, i64(k)))
            result = self.both(result, self.op("eq", "b1", byte, Lit(code, "u8")))
        return boolean(result)

    def str_upper(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.upper())
        raise self.refuse("CMP602", "upper() of a text of the observation")

    def str_replace(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str) and [type(arg) for arg in args[1:]] == [Str, Str]:
            old, new = [arg.text for arg in args[1:3] if isinstance(arg, Str)]
            self.small(len(owner.text) + owner.text.count(old) * len(new))
            return Str(owner.text.replace(old, new))
        raise self.refuse("CMP602", "replace() in a text of the observation")

    def str_join(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        parts = self.listed(args[1])
        if isinstance(owner, Str) and all(isinstance(part, Str) for part in parts):
            texts = [part.text for part in parts if isinstance(part, Str)]
            self.small(sum(map(len, texts)) + len(owner.text) * len(texts))
            return Str(owner.text.join(texts))
        raise self.refuse("CMP602", "join() of texts that depend on the data")

    def str_format(self, args: Args, keywords: Keywords) -> Value:
        return self.formatted(args[0])

    def str_title(self, args: Args, keywords: Keywords) -> Value:
        owner = self._text_of(args)
        if isinstance(owner, Str):
            return Str(owner.text.title())
        raise self.refuse("CMP602", "title() of a text of the observation")

    def words_index(self, args: Args, keywords: Keywords) -> Value:
        raise self.refuse("CMP602", "index() in the words of a text")


for _name in dir(Texts):
    if _name.startswith("str_"):
        Library.table[f"str.{_name.removeprefix('str_')}"] = getattr(Texts, _name)

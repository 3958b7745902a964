"""Guesses at the name that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.spelling import distance, nearest

KEYS = ("direction", "image", "mission", "next_image", "position")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("imgae", "image"),
        ("Image", "image"),
        ("img", "image"),
        ("dir", "direction"),
        ("pos", "position"),
        ("image_next", "next_image"),
        ("missions", "mission"),
        ("agent", None),
        ("im", None),
        ("i", None),
    ],
)
def test_a_misspelt_cut_or_turned_word_is_recognised(word: str, meant: str | None) -> None:
    assert nearest(word, KEYS) == meant


def test_a_word_that_cuts_two_names_short_is_no_guess() -> None:
    assert nearest("pos", ("position", "positive")) is None


def test_a_spelling_is_nearer_than_an_abbreviation() -> None:
    assert nearest("sqroot", ("sqrt", "sin")) == "sqrt"
    assert nearest("sumn", ("sum", "summation_of_all")) == "sum"


@given(st.text("abc_", max_size=8), st.lists(st.text("abc_", max_size=8), max_size=8))
def test_what_is_guessed_is_another_of_the_names_whatever_their_order(
    word: str, offered: list[str]
) -> None:
    found = nearest(word, offered)
    assert found is None or (found in offered and found != word)
    assert found == nearest(word, reversed(offered))


@given(st.text("abcd", max_size=6), st.text("abcd", max_size=6))
def test_a_distance_counts_both_ways_alike(left: str, right: str) -> None:
    assert distance(left, right, 9) == distance(right, left, 9)
    assert (distance(left, right, 9) == 0) == (left == right)

"""Exact binomial intervals, against published values and closed forms."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carruntime.errors import OptionError
from carruntime.intervals import Share, binomial_cdf, clopper_pearson, trials_needed


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 5
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0000, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_intervals_are_the_published_ones(count: int, total: int, low: float, high: float) -> None:
    assert clopper_pearson(count, total) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("total", [1, 10, 36, 100, 5_000])
def test_no_hit_at_all_has_the_closed_form(total: int) -> None:
    low, high = clopper_pearson(0, total)
    assert low == 0.0
    assert high == pytest.approx(1.0 - 0.025 ** (1.0 / total), rel=1e-9)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_mirrors(pair: tuple[int, int]) -> None:
    count, total = pair
    low, high = clopper_pearson(count, total)
    assert 0.0 <= low <= count / total <= high <= 1.0
    assert clopper_pearson(total - count, total) == pytest.approx((1.0 - high, 1.0 - low), abs=1e-9)


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.integers(-1, 61))
def test_the_tail_is_the_sum_of_its_terms(total: int, rate: float, count: int) -> None:
    terms = (
        comb(total, k) * rate**k * (1.0 - rate) ** (total - k) for k in range(min(count, total) + 1)
    )
    assert binomial_cdf(count, total, rate) == pytest.approx(sum(terms), rel=1e-9, abs=1e-12)


def test_the_interval_covers_at_least_as_often_as_it_says() -> None:
    """Exact coverage over a grid of rates, which is what sets this interval apart."""
    total = 30
    intervals = [clopper_pearson(k, total) for k in range(total + 1)]
    for step in range(1, 100):
        rate = step / 100
        covered = sum(
            comb(total, k) * rate**k * (1.0 - rate) ** (total - k)
            for k, (low, high) in enumerate(intervals)
            if low <= rate <= high
        )
        assert covered >= 0.95


def test_more_trials_narrow_the_interval() -> None:
    widths = [high - low for low, high in (clopper_pearson(n // 10, n) for n in (10, 100, 1000))]
    assert all(wider > narrower for wider, narrower in pairwise(widths))


def test_thirty_six_clean_trials_settle_a_tenth() -> None:
    assert trials_needed(0.0, 0.1, "below") == 36
    assert trials_needed(1.0, 0.9, "above") == 36
    assert clopper_pearson(0, 35)[1] > 0.1 >= clopper_pearson(0, 36)[1]


def test_the_number_of_trials_named_is_enough_and_one_less_is_not() -> None:
    needed = trials_needed(0.05, 0.1, "below", more_than=100)
    assert needed is not None
    assert needed > 100
    count = -(-needed // 20)
    assert clopper_pearson(count, needed)[1] <= 0.1


def test_a_rate_on_the_bound_is_never_settled() -> None:
    assert trials_needed(0.1, 0.1, "below") is None
    assert trials_needed(0.1, 0.1, "above") is None


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(count: int, total: int) -> None:
    with pytest.raises(OptionError, match="want 0 <= hits <= trials"):
        clopper_pearson(count, total)


def test_an_impossible_confidence_is_refused() -> None:
    with pytest.raises(OptionError, match=r"confidence 95.0; want a probability"):
        clopper_pearson(1, 3, confidence=95.0)


def test_nothing_tried_says_nothing() -> None:
    share = Share.of(0, 0)
    assert (share.low, share.high) == (0.0, 1.0)
    assert share.rate != share.rate

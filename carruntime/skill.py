"""Whether a program's judgement grows with skill: expert, noisy experts, random play.

The score of an episode is what the program says of it as a whole: for a program of sub-tasks the share
that was completed, else the undiscounted return. Two figures compare levels: the probability that
an episode of a more skilled policy scores higher than one of a less skilled (ties half; the area
under the ROC curve), and Spearman's rank correlation between skill and score over all episodes.

Reference:
    Spearman, The proof and measurement of association between two things, American Journal of
    Psychology 15(1), 1904; with mean ranks for ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from carruntime.replay import Episode

__all__ = ["LevelPair", "auc", "curve", "pairs", "scores", "spearman"]

POINTS = 40
"""Points of a curve over steps."""


@dataclass(frozen=True, slots=True)
class LevelPair:
    """How often an episode of the better policy scores higher than one of the worse.

    Attributes:
        better: The more skilled policy.
        worse: The less skilled one.
        auc: Probability, 0 to 1; 0.5 is no difference.
    """

    better: str
    worse: str
    auc: float


def scores(episodes: Sequence[Episode]) -> NDArray[np.float64]:
    """Give the score of each episode, float64 ``[N]``: share of sub-tasks completed, or return."""
    return np.array(
        [
            float(episode.completed[-1].mean()) if episode.completed.shape[1] else episode.total
            for episode in episodes
        ]
    )


def auc(better: NDArray[np.float64], worse: NDArray[np.float64]) -> float:
    """Give the probability that one of ``better`` exceeds one of ``worse``, ties counting half."""
    left, right = better[:, None], worse[None, :]
    return float(((left > right) + 0.5 * (left == right)).mean())


def pairs(levels: Sequence[tuple[str, NDArray[np.float64]]]) -> tuple[LevelPair, ...]:
    """Compare each level with each below it; ``levels`` begins with the most skilled."""
    return tuple(
        LevelPair(better, worse, auc(high, low))
        for index, (better, high) in enumerate(levels)
        for worse, low in levels[index + 1 :]
    )


def spearman(levels: Sequence[NDArray[np.float64]]) -> float | None:
    """Correlate the rank of skill with the rank of score over all episodes.

    Args:
        levels: Scores by level, the most skilled first.

    Returns:
        -1 to 1, or None where all scores, or all levels, are the same.
    """
    skill = np.concatenate([np.full(len(one), -float(k)) for k, one in enumerate(levels)])
    ranks = [_ranks(values) for values in (skill, np.concatenate(list(levels)))]
    centred = [values - values.mean() for values in ranks]
    size = float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum() / size) if size > 0.0 else None


def curve(episodes: Sequence[Episode]) -> tuple[tuple[int, float], ...]:
    """Give the mean reward earned up to a step, over all episodes, at up to ``POINTS`` steps.

    An episode that has ended keeps what it earned. For a program of sub-tasks it is the mean share of
    them completed.
    """
    longest = max(len(episode.outcome) for episode in episodes)
    steps = np.unique(np.linspace(0, longest - 1, min(POINTS, longest)).astype(int))
    total = np.zeros(len(steps))
    for episode in episodes:
        earned = (
            episode.completed.mean(axis=1)
            if episode.completed.shape[1]
            else np.nancumsum(episode.reward)
        )
        total += earned[np.minimum(steps, len(earned) - 1)]
    mean = total / len(episodes)
    return tuple((int(step) + 1, float(value)) for step, value in zip(steps, mean, strict=True))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank from 1; equal values share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    sums = np.zeros(len(counts))
    np.add.at(sums, inverse, ranks)
    mean: NDArray[np.float64] = (sums / counts)[inverse]
    return mean

"""The laws of a reward program, each an object with an id, a claim and a function that tries it.

A property gets a `Stage`, in which the program runs, and an `Example`: episodes, played in the
environment or drawn from its spaces. It says nothing, or where and how the claim is broken. What it
never does is search: `carruntime.testing.running` looks for examples and makes them short.

Some claims the program must keep (it never errs, it pays once), others this runtime promises for
every program (a batch equals its rows). Both are tried, because a promise that nobody tries is
worth little, and ``blames`` says who is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from carruntime.arrangement import Stage, Told, difference
from carruntime.evidence import place_of_task
from carruntime.playing import Play, same_observations
from carruntime.trajectory import Trajectory, leaves, take
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch
    from carruntime.reward import RewardProgram
    from carruntime.session import RewardSession
    from sandbox.diagnostics import Span

__all__ = ["PROPERTIES", "Bench", "Broken", "Example", "Property", "property_named"]

_TOLERANCE: Final = 1e-9
"""Relative; what the tiers may differ in, as at load. Most programs agree to the bit."""
_NOT_ERRORS: Final = (Outcome.OK, Outcome.SKIPPED, Outcome.NOT_FINITE, Outcome.OUT_OF_FUEL)
_CUTS: Final = 6
_ALONE: Final = 8


@dataclass(frozen=True, eq=False, slots=True)
class Example:
    """Episodes on which a property is tried.

    Attributes:
        episodes: At least one.
        plays: Seed and actions of each; None where they were drawn from the spaces.
    """

    episodes: tuple[Trajectory, ...]
    plays: tuple[Play, ...] | None = None

    @property
    def steps(self) -> int:
        """Transitions of all episodes."""
        return sum(len(item) for item in self.episodes)


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a claim does not hold.

    Attributes:
        episode: Index in the example.
        step: Index of the transition, or -1 for the reset.
        expected: What the claim asks for.
        came: What the program said.
        span: Place in the program, where one is known.
    """

    episode: int
    step: int
    expected: str
    came: str
    span: Span | None = None


class Bench:
    """The stages on which properties are tried: the program's own, and others where needed.

    Args:
        stage: The program in the tier that runs.
        reference: The same program in the interpreted tier, where that is another one.
        again: Another worker of the same program.
    """

    def __init__(
        self, stage: Stage, *, reference: Stage | None = None, again: Stage | None = None
    ) -> None:
        self.stage = stage
        self.reference = reference
        self.again = again

    @property
    def program(self) -> RewardProgram:
        """What is tried."""
        return self.stage.program


Holds = Callable[[Bench, Example], Broken | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One claim about a program.

    Attributes:
        id: Such as ``"CAR301"``; never used twice.
        name: Such as ``"never_errs"``, for the command line and for test ids.
        claim: In one sentence.
        holds: Tries it; None if nothing speaks against the claim.
        hint: What to change where it is broken.
        blames: Whose fault it is: the program's, or that of this runtime.
        episodes: Episodes of an example.
        anything: Whether it is tried on whatever the spaces allow, not only on what the
            environment shows. For what the program must keep, that is asked only by ``strict``.
        applies: Says why a program cannot have the property, or None where it can.
        score: What a search may make large, because the claim breaks at the top.
    """

    id: str
    name: str
    claim: str
    holds: Holds
    hint: str
    blames: Literal["program", "runtime"] = "program"
    episodes: int = 1
    anything: bool = False
    applies: Callable[[Bench], str | None] = lambda _: None
    score: Callable[[Bench, Example], float] | None = None


def property_named(name: str) -> Property | None:
    """Find a property by its name or id."""
    wanted = name.lower().replace("-", "_")
    return next((p for p in PROPERTIES if wanted in {p.name, p.id.lower()}), None)


# What the program must keep -------------------------------------------------------------------


def _failures(
    bench: Bench, example: Example, bad: Callable[[int], bool], expected: str
) -> Broken | None:
    for index, told in enumerate(_side_by_side(bench, example)):
        for step in range(len(told)):
            codes = [int(told.outcome[step]), *map(int, told.task_outcome[step])]
            if any(bad(code) for code in codes):
                failure = told.failures.get(step)
                return Broken(
                    index,
                    step,
                    expected,
                    _words(told, step),
                    failure.span if failure is not None else None,
                )
    return None


def _never_errs(bench: Bench, example: Example) -> Broken | None:
    return _failures(
        bench, example, lambda code: Outcome(code) not in _NOT_ERRORS, "a number or a truth value"
    )


def _finite(bench: Bench, example: Example) -> Broken | None:
    return _failures(
        bench, example, lambda code: code == Outcome.NOT_FINITE, "finite reward and components"
    )


def _fuel_bounded(bench: Bench, example: Example) -> Broken | None:
    found = _failures(
        bench,
        example,
        lambda code: code == Outcome.OUT_OF_FUEL,
        f"at most {bench.program.limits.fuel:,} units of fuel",
    )
    bound = int(bench.program.facts.get("fuel_bound", -1))
    if found is not None or bound < 0:
        return found
    for index, told in enumerate(_side_by_side(bench, example)):
        over = np.flatnonzero(told.fuel > bound)
        if over.size:
            step = int(over[0])
            came = f"{int(told.fuel[step])}"
            return Broken(index, step, f"at most {bound} units, as the compiler says", came)
    return None


def _within_range(bench: Bench, example: Example) -> Broken | None:
    low, high = _range_of(bench)
    for index, told in enumerate(_side_by_side(bench, example)):
        good = told.outcome == Outcome.OK
        outside = np.flatnonzero(good & ((told.reward < low) | (told.reward > high)))
        if outside.size:
            step = int(outside[0])
            came = f"reward {float(told.reward[step])!r}"
            return Broken(index, step, f"a reward from {low:g} to {high:g}", came)
    return None


def _latches_once(bench: Bench, example: Example) -> Broken | None:
    for index, (told, episode) in enumerate(
        zip(_side_by_side(bench, example), example.episodes, strict=True)
    ):
        found = _tasks_latch(bench, told, index)
        if found is None and bench.program.form != "tasks":
            found = _still_pays(told, episode, index)
        if found is not None:
            return found
    return None


def _tasks_latch(bench: Bench, told: Told, index: int) -> Broken | None:
    done = told.at_reset.copy()
    for step in range(len(told)):
        new, now = told.newly_completed[step], told.completed[step]
        for k, name in enumerate(bench.program.task_names):
            place = place_of_task(bench.program.source, name)
            if new[k] and done[k]:
                text = f"sub-task {name} to be completed once"
                return Broken(index, step, text, "completed again", place)
            if done[k] and not now[k]:
                return Broken(
                    index, step, f"sub-task {name} to stay completed", "not completed", place
                )
        done |= now
    if bench.program.form == "tasks":
        paid = np.round(told.newly_completed.mean(axis=1), 12)
        good = told.outcome == Outcome.OK
        wrong = np.flatnonzero(good & (np.abs(told.reward - paid) > _TOLERANCE))
        if wrong.size:
            step = int(wrong[0])
            text = f"reward {paid[step]:g} for what is newly completed"
            return Broken(index, step, text, f"{float(told.reward[step])!r}")
    return None


def _still_pays(told: Told, episode: Trajectory, index: int) -> Broken | None:
    """Find two steps after each other that changed nothing and were both paid for."""
    paid_before = False
    for step in range(len(told)):
        pays = bool(told.outcome[step] == Outcome.OK and told.reward[step] > 0.0)
        if pays:
            before = take(episode.observations, step)
            pays = same_observations(before, take(episode.observations, step + 1))
        if pays and paid_before:
            return Broken(
                index,
                step,
                "nothing more for a second step that changes nothing",
                f"reward {float(told.reward[step])!r} again",
            )
        paid_before = pays
    return None


# What this runtime promises -------------------------------------------------------------------


def _deterministic(bench: Bench, example: Example) -> Broken | None:
    lanes = [[item] for item in example.episodes]
    first = bench.stage.run(lanes)
    for other in (bench.stage, bench.again):
        if other is None:
            continue
        for index, (one, two) in enumerate(zip(first, other.run(lanes), strict=True)):
            found = difference(one[0], two[0])
            if found is not None:
                return _parted(index, found, "the first time", "the second time")
    return None


def _pure(bench: Bench, example: Example) -> Broken | None:
    before = [[_copy(value) for _, value in leaves(item.observations)] for item in example.episodes]
    first = [bench.stage.one(item) for item in example.episodes]
    # In between it sees everything else, the other way round.
    bench.stage.run([list(reversed(example.episodes))])
    for index, (item, copies) in enumerate(zip(example.episodes, before, strict=True)):
        found = _handed_over(bench, item, first[index])
        for (path, value), copied in zip(leaves(item.observations), copies, strict=True):
            if not np.array_equal(np.asarray(value), np.asarray(copied), equal_nan=_floats(value)):
                changed = f"{path or 'the observation'} was written into"
                return Broken(index, 0, "observations as they were given", changed)
        if found is not None:
            step, want, got = found
            return Broken(index, step, f"{want} (before it had seen others)", f"{got} (afterwards)")
    alone = not bench.program.stateful and not bench.program.reads_frames
    return _rows_alone(bench, example, first) if alone else None


def _handed_over(bench: Bench, item: Trajectory, want: Told) -> tuple[int, str, str] | None:
    """Run an episode on the very arrays of its recording, and compare the rewards."""
    session = bench.stage.session(1)
    session.reset(_one(item.observations, 0), frame=_picture(item, 0))
    for step in range(len(item)):
        batch = _row_of(session, item, step)
        reward, came = float(want.reward[step]), float(batch.reward[0])
        if reward != came and not (np.isnan(reward) and np.isnan(came)):
            return step, f"reward {reward!r}", f"{came!r}"
    return None


def _row_of(session: RewardSession, item: Trajectory, step: int) -> RewardBatch:
    return session.step(
        _one(item.observations, step),
        _one(item.actions, step),
        _one(item.observations, step + 1),
        item.terminated[step : step + 1],
        item.truncated[step : step + 1],
        frame=_picture(item, step + 1),
    )


def _picture(item: Trajectory, index: int) -> Any:
    """Give one frame as a batch of one; None where there are none."""
    return None if item.frames is None else np.asarray(item.frames[index])[None]


def _rows_alone(bench: Bench, example: Example, first: list[Told]) -> Broken | None:
    """Give a program without state one row of an episode, and not those before it."""
    session = bench.stage.session(1)
    for index, item in enumerate(example.episodes):
        for step in _spread(len(item), _ALONE):
            session.reset(_one(item.observations, 0), t=np.array([step]))
            batch = _row_of(session, item, step)
            want, got = float(first[index].reward[step]), float(batch.reward[0])
            if bench.program.form == "tasks":
                # What is paid depends on what is completed already; what they say does not.
                said = first[index].tasks[step]
                if (said != batch.tasks[0]).any():
                    texts = (
                        f"tasks {said.tolist()} in its episode",
                        f"{batch.tasks[0].tolist()} alone",
                    )
                    return Broken(index, step, *texts)
            elif want != got and not (np.isnan(want) and np.isnan(got)):
                return Broken(index, step, f"reward {want!r} in its episode", f"{got!r} alone")
    return None


def _batch_equals_rows(bench: Bench, example: Example) -> Broken | None:
    together = _side_by_side(bench, example)
    for index, item in enumerate(example.episodes):
        found = difference(bench.stage.one(item), together[index])
        if found is not None:
            return _parted(index, found, "alone", f"in a batch of {len(together)}")
    return None


def _row_order(bench: Bench, example: Example) -> Broken | None:
    together = _side_by_side(bench, example)
    turned = bench.stage.run([[item] for item in reversed(example.episodes)])
    for index, (one, two) in enumerate(zip(together, reversed(turned), strict=True)):
        found = difference(one, two[0])
        if found is not None:
            return _parted(index, found, "in this order", "in the reverse order")
    return None


def _other_envs(bench: Bench, example: Example) -> Broken | None:
    watched, *others = example.episodes
    want = bench.stage.run([[watched], *([item] for item in others)])[0][0]
    # The other environments show something else, reset at other times, and end earlier or later.
    strangers = [*others[1:], watched] if len(others) > 1 else [watched]
    for lanes in ([[item, item] for item in strangers], [[watched] for _ in others]):
        found = difference(want, bench.stage.run([[watched], *lanes])[0][0])
        if found is not None:
            return _parted(0, found, "beside these environments", "beside others")
    return None


def _causal(bench: Bench, example: Example) -> Broken | None:
    whole = bench.stage.one(example.episodes[0])
    episode = example.episodes[0]
    cuts = [cut for cut in _spread(len(episode), _CUTS) if 0 < cut < len(episode)]
    if not cuts:
        return None
    for cut, told in zip(cuts, bench.stage.run([[_cut(episode, at)] for at in cuts]), strict=True):
        found = difference(whole, told[0])
        if found is not None:
            return _parted(
                0, found, "in the whole episode", f"in one that is cut after {cut} steps"
            )
    return None


def _reset_resets(bench: Bench, example: Example) -> Broken | None:
    earlier, *_, last = example.episodes
    want = bench.stage.run([[last]], fresh=True)[0][0]
    found = difference(want, bench.stage.run([[earlier, last]])[0][1])
    if found is None:
        return None
    return _parted(len(example.episodes) - 1, found, "in a new session", "after another episode")


def _tiers_agree(bench: Bench, example: Example) -> Broken | None:
    if bench.reference is None:
        return None
    lanes = [[item] for item in example.episodes]
    compiled, interpreted = bench.stage.run(lanes), bench.reference.run(lanes)
    for index, (one, two) in enumerate(zip(interpreted, compiled, strict=True)):
        found = difference(one[0], two[0], tolerance=_TOLERANCE)
        if found is not None:
            return _parted(index, found, "interpreted", "compiled")
    return None


# Means ----------------------------------------------------------------------------------------


def _side_by_side(bench: Bench, example: Example) -> list[Told]:
    return [told[0] for told in bench.stage.run([[item] for item in example.episodes])]


def _parted(index: int, found: tuple[int, str, str], here: str, there: str) -> Broken:
    step, want, got = found
    return Broken(index, step, f"{want} ({here})", f"{got} ({there})")


def _words(told: Told, step: int) -> str:
    failure = told.failures.get(step)
    name = Outcome(int(told.outcome[step])).name
    if failure is None:
        return name
    what = f"{failure.exception}: {failure.message}" if failure.exception else failure.message
    task = f"sub-task {failure.task}: " if failure.task else ""
    return f"{task}{failure.outcome.name} {what}".strip()


def _spread(length: int, most: int) -> Iterator[int]:
    """Give at most so many places of a range, its ends among them."""
    yield from dict.fromkeys(np.linspace(0, length - 1, min(most, length)).astype(int).tolist())


def _one(column: Any, index: int) -> Any:
    """Give one row of a column as a batch of one."""
    if isinstance(column, tuple) and column and isinstance(column[0], str):
        return column[index : index + 1]
    if isinstance(column, dict):
        return {key: _one(value, index) for key, value in column.items()}
    if isinstance(column, tuple):
        return tuple(_one(value, index) for value in column)
    return column[index : index + 1]


def _cut(episode: Trajectory, length: int) -> Trajectory:
    return Trajectory(
        observations=take(episode.observations, slice(0, length + 1)),
        actions=take(episode.actions, slice(0, length)),
        rewards=episode.rewards[:length],
        terminated=episode.terminated[:length],
        truncated=episode.truncated[:length],
        seed=episode.seed,
        frames=None if episode.frames is None else episode.frames[: length + 1],
    )


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _floats(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _needs_range(bench: Bench) -> str | None:
    if bench.program.reward_range is None:
        return "no range was declared (--reward-range, or reward_range= of carruntime.load)"
    return None


def _range_of(bench: Bench) -> tuple[float, float]:
    return bench.program.reward_range or (-np.inf, np.inf)


def _needs_memory(bench: Bench) -> str | None:
    if not bench.program.stateful and not bench.program.task_names:
        return "the program is a function and keeps nothing from one call to the next"
    return None


def _needs_two_tiers(bench: Bench) -> str | None:
    if bench.reference is None:
        reason = bench.program.tier_reason
        because = "" if reason is None else f": {reason}"
        return f"the program runs interpreted, which is the reference{because}"
    return None


def _most_fuel(bench: Bench, example: Example) -> float:
    return float(max(told.fuel.max() for told in _side_by_side(bench, example)))


def _farthest(bench: Bench, example: Example) -> float:
    """Give how far rewards lie towards, or beyond, an end of the range."""
    low, high = _range_of(bench)
    worst = 0.0
    for told in _side_by_side(bench, example):
        good = told.reward[told.outcome == Outcome.OK]
        if good.size:
            worst = max(worst, float(good.max()) - high, low - float(good.min()))
    return worst


PROPERTIES: Final = (
    Property(
        id="CAR301",
        name="never_errs",
        claim="no row, sub-task or reset of the program ends badly",
        holds=_never_errs,
        hint="treat this case: every observation must give a number",
    ),
    Property(
        id="CAR302",
        name="finite",
        claim="rewards and components are finite",
        holds=_finite,
        hint="guard divisions, logarithms and roots",
    ),
    Property(
        id="CAR303",
        name="within_range",
        claim="rewards lie in the declared range",
        holds=_within_range,
        hint="clip the reward, or declare the range that is meant",
        applies=_needs_range,
        score=_farthest,
    ),
    Property(
        id="CAR304",
        name="fuel_bounded",
        claim="no row runs out of fuel, nor uses more than the compiler says",
        holds=_fuel_bounded,
        hint="bound every loop by something that the observation fixes",
        score=_most_fuel,
    ),
    Property(
        id="CAR305",
        name="latches_once",
        claim="a sub-task is completed and paid once, and a step that changes nothing is not paid "
        "again and again",
        holds=_latches_once,
        hint="pay for change, or remember in `self` what was paid; sub-tasks do it by themselves",
    ),
    Property(
        id="CAR311",
        name="deterministic",
        claim="the same episode gives the same, in another worker too",
        holds=_deterministic,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        anything=True,
    ),
    Property(
        id="CAR312",
        name="pure",
        claim="what is said of an episode depends on nothing outside it, and leaves it unchanged",
        holds=_pure,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        episodes=2,
        anything=True,
    ),
    Property(
        id="CAR313",
        name="batch_equals_rows",
        claim="episodes side by side give what each gives alone",
        holds=_batch_equals_rows,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        episodes=3,
        anything=True,
    ),
    Property(
        id="CAR314",
        name="row_order",
        claim="the order of the rows of a batch makes no difference",
        holds=_row_order,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        episodes=3,
        anything=True,
    ),
    Property(
        id="CAR315",
        name="other_envs",
        claim="what other environments do makes no difference",
        holds=_other_envs,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        episodes=3,
        anything=True,
    ),
    Property(
        id="CAR316",
        name="causal",
        claim="what is said of a step does not depend on later ones",
        holds=_causal,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        anything=True,
    ),
    Property(
        id="CAR317",
        name="reset_resets",
        claim="an episode after another one gives what it gives in a new session",
        holds=_reset_resets,
        hint="report it: this is a fault of carruntime",
        blames="runtime",
        episodes=2,
        anything=True,
        applies=_needs_memory,
    ),
    Property(
        id="CAR318",
        name="tiers_agree",
        claim="the compiled tier gives what the interpreted tier gives",
        holds=_tiers_agree,
        hint="report it, and load with tier='interpreted' until it is mended",
        blames="runtime",
        episodes=2,
        anything=True,
        applies=_needs_two_tiers,
    ),
)
"""All of them, those of the program first."""

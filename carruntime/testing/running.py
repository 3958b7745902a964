"""Look for examples that break a property, and make them short.

What is tried, in this order: counterexamples saved earlier; whole episodes of random play, and of
an expert with a share of random actions where there is one, many at once, because a defect of the
late game is far from where short lists of actions lead; then lists of actions that Hypothesis
draws, which it shrinks; then, where a claim is about whatever a space allows, episodes drawn from
the spaces. What breaks a claim is made shorter once more by `carruntime.shrinking`, because long
episodes were not drawn by Hypothesis.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from carruntime.arrangement import Stage
from carruntime.collection import collect
from carruntime.errors import OptionError
from carruntime.minigrid.views import quick_views
from carruntime.playing import Play, Player, alphabet, plays_of, trimmed
from carruntime.recording import SuccessRule
from carruntime.showing import rows_of
from carruntime.shrinking import shortest
from carruntime.testing.properties import PROPERTIES, Bench, Broken, Example, Property
from carruntime.testing.report import (
    Counterexample,
    PropertyReport,
    PropertyResult,
    Status,
)
from carruntime.testing.store import Store
from carruntime.trajectory import take

if TYPE_CHECKING:
    import gymnasium as gym
    from hypothesis.strategies import SearchStrategy

    from carruntime.reward import RewardProgram

__all__ = ["Tester", "check_properties"]

_WHOLE: Final = 8
"""Whole episodes of each policy that are tried before anything is drawn."""
_WHOLE_STEPS: Final = 120
_SHRINK_TRIES: Final = 400
_ROWS: Final = 12
"""Steps of a counterexample that are shown."""


def check_properties(
    program: RewardProgram,
    env: gym.Env[Any, Any],
    properties: Sequence[Property] = PROPERTIES,
    *,
    examples: int = 100,
    max_steps: int = 40,
    seed: int = 0,
    strict: bool = False,
    save: Path | None = None,
    success: SuccessRule | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PropertyReport:
    """Try properties of a program on an environment.

    Args:
        program: A loaded program.
        env: An environment whose spaces are those of the program; it is stepped and reset.
        properties: What to try, in order.
        examples: Examples that Hypothesis draws for each, from each source.
        max_steps: Longest list of actions that it draws.
        seed: Of everything random; the same seed tries the same examples.
        strict: Ask of the program that it never errs, and so on, on whatever its spaces allow,
            and not only on what the environment shows.
        save: Folder for counterexamples; they are read from there first. None keeps nothing.
        success: See `carruntime.playing.Player`.
        progress: Told after each property.

    Returns:
        A result for each property.

    Raises:
        OptionError: If a number is wrong, or Hypothesis is missing.
    """
    results = []
    with Tester(
        program,
        env,
        examples=examples,
        max_steps=max_steps,
        seed=seed,
        strict=strict,
        save=save,
        success=success,
    ) as tester:
        for index, claim in enumerate(properties):
            results.append(tester.run(claim))
            if progress is not None:
                progress(index + 1, len(properties))
        return tester.report(results)


class Tester:
    """Tries properties one by one; use it as a context manager. Arguments of `check_properties`."""

    def __init__(
        self,
        program: RewardProgram,
        env: gym.Env[Any, Any],
        *,
        examples: int = 100,
        max_steps: int = 40,
        seed: int = 0,
        strict: bool = False,
        save: Path | None = None,
        success: SuccessRule | None = None,
    ) -> None:
        _want_hypothesis()
        for name, value in (("examples", examples), ("max_steps", max_steps)):
            if value < 1:
                raise OptionError(f"{name}={value!r}: want a whole number of at least 1")
        if seed < 0:
            raise OptionError(f"seed={seed!r}: want 0 or above")
        self.program = program
        self.player = Player(env, success, frames=program.reads_frames)
        self._examples = examples
        self._max_steps = max_steps
        self._seed = seed
        self._strict = strict
        self._store = None
        if save is not None:
            spaces = env.observation_space, env.action_space
            self._store = Store(save, self.player.name, *spaces)
        self._notes: list[str] = []
        self._opened = contextlib.ExitStack()
        self._opened.enter_context(quick_views(env))
        self._bench: Bench | None = None
        self._whole: list[Play] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all sessions that were opened, and none of the caller's."""
        self._opened.close()
        self._bench = None

    @property
    def bench(self) -> Bench:
        """The stages on which it is tried; made when first asked for."""
        if self._bench is None:
            self._bench = self._open()
        return self._bench

    def _open(self) -> Bench:
        from carruntime.loading import load

        program = self.program
        reference = None
        if program.tier == "compiled":
            other = load(
                program.source,
                spaces=(self.player.env.observation_space, self.player.env.action_space),
                entry=program.entry,
                bindings=program.bindings,
                frame=program.frame_shape,
                frame_order=program.inputs.frame_order,
                call_at_reset=program.inputs.call_at_reset,
                limits=program.limits,
                tier="interpreted",
                isolation=program.isolation,
            )
            self._opened.callback(other.close)
            reference = self._stage(other)
        return Bench(self._stage(program), reference=reference, again=self._stage(program))

    def _stage(self, program: RewardProgram) -> Stage:
        stage = Stage(program)
        self._opened.callback(stage.close)
        return stage

    def report(self, results: Sequence[PropertyResult]) -> PropertyReport:
        """Put results together."""
        program = self.program
        reason = program.tier_reason
        return PropertyReport(
            program=program.filename,
            source=program.source,
            digest=program.digest,
            env_id=self.player.name,
            tier=program.tier,
            tier_reason=None if reason is None else str(reason),
            results=tuple(results),
            notes=tuple(self._notes),
        )

    def run(self, claim: Property) -> PropertyResult:
        """Try one property."""
        why_not = claim.applies(self.bench)
        if why_not is not None:
            return PropertyResult(claim, Status.SKIPPED, reason=why_not)
        tried = 0
        for origin, source in self._sources(claim):
            for example in source:
                tried += 1
                broken = claim.holds(self.bench, example)
                if broken is not None:
                    found = self._told(claim, example, broken, origin)
                    return PropertyResult(claim, Status.FAILS, tried, counterexample=found)
        return self._drawn(claim, tried)

    # What is tried before anything is drawn ----------------------------------------------------

    def _sources(self, claim: Property) -> Iterator[tuple[str, Iterator[Example]]]:
        if self._store is not None:
            for path, example in self._store.load(claim, self.player):
                yield str(path), iter([example])
        yield "environment", self._whole_episodes(claim)

    def _whole_episodes(self, claim: Property) -> Iterator[Example]:
        if self._whole is None:
            self._whole = self._collected()
        # What the runtime promises has nothing to do with how far an episode goes.
        plays = self._whole if claim.blames == "program" else self._whole[:_WHOLE]
        size = max(claim.episodes, _WHOLE)
        for start in range(0, len(plays), size):
            some = tuple(plays[start : start + size])
            if len(some) >= claim.episodes:
                yield self._example(some)

    def _collected(self) -> list[Play]:
        env = self.player.env
        policies: list[str | float] = ["random"]
        from carruntime.experts import expert_for

        with contextlib.suppress(OptionError):
            expert_for(env)
            policies += ["expert", 0.3]
        found: list[Play] = []
        for policy in policies:
            found += plays_of(
                collect(env, policy, _WHOLE, self._seed, max_steps=_WHOLE_STEPS).trajectories
            )
        if found and not self.player.repeatable(found[0]):
            self._notes.append(
                f"{self.player.name} does not repeat itself from its seed, so a counterexample may "
                "not come again"
            )
        return found

    def _example(self, plays: tuple[Play, ...]) -> Example:
        episodes = tuple(self.player.play(play) for play in plays)
        return Example(
            episodes,
            tuple(trimmed(play, item) for play, item in zip(plays, episodes, strict=True)),
        )

    # What Hypothesis draws ---------------------------------------------------------------------

    def _drawn(self, claim: Property, tried: int) -> PropertyResult:
        from hypothesis import strategies as st

        from carruntime.testing.strategies import constants_of, invented_episodes, plays

        env = self.player.env
        count = claim.episodes

        def several(one: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
            return st.lists(one, min_size=count, max_size=count)

        from_env = several(plays(env.action_space, max_steps=self._max_steps)).map(
            lambda drawn: self._example(tuple(drawn))
        )
        sources: list[tuple[str, SearchStrategy[Example]]] = [("environment", from_env)]
        # What a frame may show is no space to draw from that would tell anything.
        if (claim.anything or self._strict) and not self.program.reads_frames:
            invented = invented_episodes(
                env.observation_space, env.action_space, constants_of(self.program.source)
            )
            sources.append(("spaces", several(invented).map(lambda drawn: Example(tuple(drawn)))))
        for origin, strategy in sources:
            seen, found = self._search(claim, strategy)
            tried += seen
            if found is not None:
                told = self._told(claim, *found, origin)
                return PropertyResult(claim, Status.FAILS, tried, counterexample=told)
        return PropertyResult(claim, Status.HOLDS, tried)

    def _search(
        self, claim: Property, strategy: SearchStrategy[Example]
    ) -> tuple[int, tuple[Example, Broken] | None]:
        import hypothesis
        from hypothesis import HealthCheck, Phase, Verbosity, given, settings

        found: list[tuple[Example, Broken]] = []
        count = 0

        @hypothesis.seed(self._seed)
        @settings(
            max_examples=self._examples,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.target, Phase.shrink),
        )
        @given(strategy)
        def attempt(example: Example) -> None:
            nonlocal count
            count += not found
            broken = claim.holds(self.bench, example)
            if claim.score is not None:
                hypothesis.target(claim.score(self.bench, example))
            if broken is not None:
                found.append((example, broken))
                raise _BrokenError

        # A claim that breaks only now and then is reported as what was seen, not as unsteady.
        with contextlib.suppress(_BrokenError, hypothesis.errors.Flaky):
            attempt()
        return count, found[-1] if found else None

    # Making short, saving ----------------------------------------------------------------------

    def _told(
        self, claim: Property, example: Example, broken: Broken, origin: str
    ) -> Counterexample:
        if example.plays is not None:
            example, broken = self._short(claim, example, broken)
        again = claim.holds(self.bench, example)
        names = tuple(
            tuple(self.player.name_of(take(item.actions, step)) for step in range(len(item)))
            for item in example.episodes
        )
        told = self.bench.stage.one(example.episodes[broken.episode])
        found = Counterexample(
            example=example,
            broken=broken,
            names=names,
            rows=rows_of(
                example.episodes[broken.episode],
                told,
                names[broken.episode],
                self.program.task_names,
                start=broken.step + 1 - _ROWS,
                stop=max(broken.step, 0) + 1,
            ),
            origin=origin,
            steady=again is not None,
        )
        if self._store is None:
            return found
        about = {
            "program": Path(self.program.filename).name,
            "digest": self.program.digest,
            "step": broken.step,
            "expected": broken.expected,
            "came": broken.came,
        }
        saved = self._store.save(claim, example, names=[list(one) for one in names], told=about)
        return replace(found, saved=saved)

    def _short(self, claim: Property, example: Example, broken: Broken) -> tuple[Example, Broken]:
        """Leave out episodes, actions, and height of seeds, as long as the claim stays broken."""
        best, seen = example, broken

        def breaks(plays: tuple[Play, ...]) -> bool:
            nonlocal best, seen
            if any(not play.actions for play in plays):
                return False
            candidate = self._example(plays)
            found = claim.holds(self.bench, candidate)
            if found is None:
                return False
            best, seen = candidate, found
            return True

        def plays() -> tuple[Play, ...]:
            return best.plays or ()

        for index in reversed(range(len(plays()))):
            if len(plays()) > claim.episodes:
                breaks(plays()[:index] + plays()[index + 1 :])
        for index in range(len(plays())):
            for lower in range(min(4, plays()[index].seed)):
                if breaks(_with(plays(), index, Play(lower, plays()[index].actions))):
                    break
            shortest(
                plays()[index].actions,
                lambda actions, at=index: breaks(  # type: ignore[misc]
                    _with(plays(), at, Play(plays()[at].seed, actions))
                ),
                alphabet=alphabet(self.player.env.action_space),
                tries=_SHRINK_TRIES,
            )
        return best, seen


class _BrokenError(Exception):
    """Tells Hypothesis that an example breaks the claim."""


def _with(plays: tuple[Play, ...], index: int, play: Play) -> tuple[Play, ...]:
    return (*plays[:index], play, *plays[index + 1 :])


def _want_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401
    except ModuleNotFoundError:
        raise OptionError(
            "property tests need Hypothesis, which is not installed: "
            "pip install 'carruntime[properties]'"
        ) from None

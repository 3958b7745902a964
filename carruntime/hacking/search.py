"""The search: go back to a place, do something there, ask the program, keep what is new.

Any Gymnasium environment will do whose ``reset(seed=...)`` fixes all that follows: places are gone
back to by playing their actions again, which needs no copies of the environment. A generation of
episodes is played, then the program judges all of them side by side. What it says decides which
places differ, so the search climbs the program's own account of the task, with no hint of the
environment's.

The budget counts steps of the environment, so a seed always gives the same result; a limit of
seconds, which is not so exact, may end it earlier.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carruntime.arrangement import Stage, Told
from carruntime.collection import collect
from carruntime.errors import OptionError
from carruntime.hacking.archive import Archive, digest_of
from carruntime.hacking.claims import Claim, Kind, claim_of, first_loop
from carruntime.hacking.report import Hack, HackReport
from carruntime.hacking.shortcut import shortcut
from carruntime.minigrid.views import quick_views
from carruntime.playing import Play, Player
from carruntime.recording import SuccessRule, keep
from carruntime.showing import rows_of
from carruntime.shrinking import shortest
from carruntime.spaces import spec_of
from carruntime.trajectory import Trajectory, stack, take
from sandbox.schema import Schema

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.reward import RewardProgram

__all__ = ["find_hacks"]

_GENERATION: Final = 16
_REPEAT: Final = 0.25
"""Share of actions, where there are too many to count, that are the one before once more."""
_CURIOUS: Final = 0.8
"""Share of actions that are those tried least where it looks the same; the others are random."""
_MOST_PLACES: Final = 200_000
_STAGES: Final = 6
"""Records of the reward within an episode that make a place further along."""
_ROUNDS: Final = 4
"""Times a loop must pay again before it is believed."""
_UNBELIEVED: Final = 32
"""Loops that did not pay again, after which no more are tried."""
_EXPERTS: Final = 5
_A_WHILE: Final = 20
"""The part of the budget that is spent at least after a first finding."""
_MOST_ROWS: Final = 48
_LIST: Final = 12


def find_hacks(
    program: RewardProgram,
    env: gym.Env[Any, Any],
    *,
    steps: int = 150_000,
    seconds: float | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3),
    seed: int = 0,
    max_steps: int = 80,
    rollout: int = 8,
    success: SuccessRule | None = None,
    success_when: str | float | None = None,
    reference: float | None = None,
    shrink_tries: int = 1_000,
    progress: Callable[[int, int], None] | None = None,
) -> HackReport:
    """Search for the shortest ways to deceive a program.

    It ends when the budget is spent, or some time after the first finding.

    Args:
        program: A loaded program.
        env: An environment of the same spaces; it is stepped and reset.
        steps: Steps of the environment that may be made, making findings short not included.
        seconds: CPU seconds of this process after which it ends too; no limit when left out.
        seeds: Of the episodes it looks at.
        seed: Of the search's own choices.
        max_steps: Longest list of actions.
        rollout: Random actions from each place that it goes back to.
        success: Says from info, reward and ``terminated`` whether the task is solved; what the
            environment itself says where left out. Without either, only farming can be found.
        success_when: When the program claims completion, if it has no sub-tasks: a component above
            0, or a reward reached. Half of an expert's best step where left out.
        reference: What an episode that succeeds earns; what a scripted expert, or else a success
            of the search, earns where left out.
        shrink_tries: Episodes that may be played to make one finding short.
        progress: Told the steps made and allowed.

    Returns:
        The report; it is true if anything was found.

    Raises:
        OptionError: If a number is wrong, or ``success_when`` does not fit the program.
    """
    for name, value in (("steps", steps), ("max_steps", max_steps), ("rollout", rollout)):
        if value < 1:
            raise OptionError(f"find_hacks: {name}={value!r}; want a whole number of at least 1")
    if not seeds or any(one < 0 for one in seeds):
        raise OptionError(f"find_hacks: seeds={seeds!r}; want at least one, from 0 on")
    with contextlib.closing(Stage(program)) as stage, quick_views(env):
        search = _Search(
            stage,
            Player(env, success, frames=program.reads_frames),
            seeds=tuple(seeds),
            seed=seed,
            max_steps=max_steps,
            rollout=rollout,
            success_when=success_when,
            reference=reference,
            shrink_tries=shrink_tries,
        )
        return search.run(steps, seconds, progress)


@dataclass(eq=False, slots=True)
class _Found:
    """Something seen, not yet made short."""

    kind: Kind
    play: Play
    after: int
    loop: tuple[int, int] | None = None


@dataclass(eq=False, slots=True)
class _Episode:
    """One episode of a generation."""

    play: Play
    trajectory: Trajectory
    looks: list[bytes]
    solved: list[bool | None]

    @property
    def first_success(self) -> int | None:
        """Give the first step that solved the task."""
        return next((step for step, done in enumerate(self.solved) if done), None)


class _Search:
    def __init__(
        self,
        stage: Stage,
        player: Player,
        *,
        seeds: tuple[int, ...],
        seed: int,
        max_steps: int,
        rollout: int,
        success_when: str | float | None,
        reference: float | None,
        shrink_tries: int,
    ) -> None:
        self.stage = stage
        self.program = stage.program
        self.player = player
        self.env = player.env
        self.seeds = seeds
        self.max_steps = max_steps
        self.rollout = rollout
        self.shrink_tries = shrink_tries
        self.shrink_steps = 40 * shrink_tries
        self.rng = np.random.default_rng(seed)
        self.space = copy.deepcopy(self.env.action_space)
        self.space.seed(seed)
        self.count = _small(self.space)
        # Floats hardly ever come again, so places are told apart by what is near enough.
        spec = spec_of(self.env.observation_space)
        self.floats = any(
            column.spec.dtype.startswith("float") for column in Schema((("obs", spec),)).columns()
        )
        self.archive = Archive(self.rng)
        self.times: dict[Any, Any] = {}
        """How often each action was tried, by seed, stage and digest of the observation."""
        self.reference = reference
        self.judged = False
        self.found: dict[Kind, _Found] = {}
        self.unbelieved = 0
        self.notes: list[str] = []
        self.made = 0
        """Steps of the search alone."""
        self.fixed_reference = reference is not None
        expert = self._ask_experts()
        self.claim: Claim = claim_of(self.program, success_when, expert)

    # Before the search -------------------------------------------------------------------------

    def _ask_experts(self) -> list[Told]:
        """Let a scripted expert, where there is one, show what success looks like to the program."""
        from carruntime.experts import expert_for

        with contextlib.suppress(OptionError):
            expert_for(self.env)
            shown = collect(
                self.env,
                "expert",
                _EXPERTS,
                self.seeds[0],
                success=self.player.solved,
                frames=self.program.reads_frames,
            )
            good = [item for item in shown if item.success]
            if good:
                told = [one[0] for one in self.stage.run([[item] for item in good])]
                if not self.fixed_reference:
                    self.reference = max(one.total for one in told)
                    self.fixed_reference = True
                return told
        return []

    # The loop ----------------------------------------------------------------------------------

    def run(
        self, steps: int, seconds: float | None, progress: Callable[[int, int], None] | None
    ) -> HackReport:
        began = time.process_time()
        stop_at = steps
        first = self._generation([(Play(seed, ()), 0) for seed in self.seeds])
        self._judge(first)
        if not self.player.repeatable(first[0].play):
            self.notes.append(
                f"{self.player.name} does not repeat itself from its seed, so what was found may "
                "not come again"
            )
        while self.made < stop_at:
            if seconds is not None and time.process_time() - began > seconds:
                self.notes.append(f"ended by the limit of {seconds:g} s after {self.made:,} steps")
                break
            shortest_claim = self.found.get(Kind.FALSE_CLAIM)
            longest = self.max_steps if shortest_claim is None else len(shortest_claim.play) - 1
            cells = self.archive.choose(_GENERATION, max(0, longest - 1))
            episodes = self._generation(
                [(Play(cell.seed, cell.actions), cell.stage) for cell in cells]
            )
            self._judge(episodes)
            if self.found and stop_at == steps:
                # A while longer: there may be a shorter way, or one of another kind.
                stop_at = min(steps, self.made + max(self.made // 2, steps // _A_WHILE))
            if progress is not None:
                progress(min(self.made, stop_at), stop_at)
        if not self.judged:
            self.notes.append(
                f"{self.player.name} never said that the task is solved, nor that it can: only "
                "farming can be found here; say what success is (success=, or --env-success)"
            )
        hacks = self._all_short()
        return HackReport(
            program=self.program.filename,
            digest=self.program.digest,
            env_id=self.player.name,
            hacks=tuple(hacks),
            steps=self.made + self.player.steps,
            seconds=time.process_time() - began,
            cells=len(self.archive),
            rule=self.claim.words,
            reference=self.reference,
            judged=self.judged,
            notes=tuple(self.notes),
        )

    def _generation(self, starts: Sequence[tuple[Play, int]]) -> list[_Episode]:
        found = [self._episode(start, stage) for start, stage in starts]
        return [item for item in found if item is not None]

    def _episode(self, start: Play, stage: int) -> _Episode | None:
        """Play the actions of a place again, and others from there on."""
        observation, _ = self.env.reset(seed=start.seed)
        seen = [keep(observation)]
        looks = [digest_of(observation)]
        film = self.player.film()
        actions: list[Any] = []
        rewards: list[float] = []
        solved: list[bool | None] = []
        ended = (False, False)
        wanted = min(self.max_steps, len(start.actions) + self.rollout)
        while len(actions) < wanted:
            action = start.actions[len(actions)] if len(actions) < len(start.actions) else None
            if action is None:
                action = self._draw((start.seed, stage, looks[-1]), actions)
            observation, reward, terminated, truncated, info = self.env.step(action)
            actions.append(action)
            seen.append(keep(observation))
            looks.append(digest_of(observation))
            film.look()
            rewards.append(float(reward))
            ended = bool(terminated), bool(truncated)
            solved.append(self.player.solved(info, rewards[-1], ended[0]))
            if any(ended):
                break
        self.made += len(actions)
        if not actions:
            return None
        flags = np.zeros((2, len(actions)), np.bool_)
        flags[:, -1] = ended
        trajectory = Trajectory(
            observations=stack(seen),
            actions=stack([self.player.action(action) for action in actions]),
            rewards=np.array(rewards),
            terminated=flags[0],
            truncated=flags[1],
            success=solved[-1],
            seed=start.seed,
            frames=film.table(),
        )
        return _Episode(Play(start.seed, tuple(actions)), trajectory, looks, solved)

    def _draw(self, place: Any, actions: Sequence[Any]) -> Any:
        """Draw an action: often the one that was seldom tried where it looks like this."""
        if not self.count:
            if actions and self.rng.random() < _REPEAT:
                return actions[-1]
            drawn = self.space.sample()
            return int(drawn) if isinstance(drawn, np.integer) else drawn
        times = self.times.get(place)
        if times is None:
            if len(self.times) >= _MOST_PLACES:
                self.times.clear()
            times = self.times[place] = np.zeros(self.count, np.int32)
        if self.rng.random() < _CURIOUS:
            chosen = int(self.rng.choice(np.flatnonzero(times == times.min())))
        else:
            chosen = int(self.rng.integers(self.count))
        times[chosen] += 1
        return chosen + int(self.space.start)  # type: ignore[attr-defined]

    # Judging -----------------------------------------------------------------------------------

    def _judge(self, episodes: Sequence[_Episode]) -> None:
        if not episodes:
            return
        for episode, lane in zip(
            episodes, self.stage.run([[item.trajectory] for item in episodes]), strict=True
        ):
            told = lane[0]
            self.judged = self.judged or any(done is not None for done in episode.solved)
            self._keep(episode, told)
            self._false_claim(episode, told)
            self._overpaid(episode, told)
            self._farmed(episode, told)

    def _keep(self, episode: _Episode, told: Told) -> None:
        records, highest = 0, 0.0
        for step in range(len(told)):
            reward = float(told.reward[step])
            if reward > highest:
                highest, records = reward, min(records + 1, _STAGES)
            if episode.trajectory.terminated[step] or episode.trajectory.truncated[step]:
                return  # nothing can be done from there
            done = told.completed[step]
            stage = int(done.sum()) if done.size else records
            look = episode.looks[step + 1]
            if self.floats:
                look = digest_of(take(episode.trajectory.observations, step + 1), exact=False)
            key = (episode.play.seed, look, done.tobytes(), stage)
            self.archive.offer(key, episode.play.seed, episode.play.actions[: step + 1], stage)

    def _false_claim(self, episode: _Episode, told: Told) -> None:
        step = self.claim.first(told)
        if step is None or not self._denied(episode.solved, step):
            return
        play = Play(episode.play.seed, episode.play.actions[: max(step, 0) + 1])
        self._note(_Found(Kind.FALSE_CLAIM, play, self.made))

    def _denied(self, solved: Sequence[bool | None], step: int) -> bool:
        """Whether the environment says that the task was not solved up to a step."""
        upto = solved[: max(step, 0) + 1]
        return not any(upto) and any(done is not None for done in upto)

    def _overpaid(self, episode: _Episode, told: Told) -> None:
        first = episode.first_success
        if first is not None:
            if not self.fixed_reference:
                total = float(np.nansum(told.reward[: first + 1]))
                self.reference = total if self.reference is None else max(self.reference, total)
            return
        if self.reference is None or not self._denied(episode.solved, len(told) - 1):
            return
        sums = np.nancumsum(told.reward)
        over = np.flatnonzero(sums > _above(self.reference))
        if over.size:
            play = Play(episode.play.seed, episode.play.actions[: int(over[0]) + 1])
            self._note(_Found(Kind.OVERPAID, play, self.made))

    def _farmed(self, episode: _Episode, told: Told) -> None:
        if Kind.FARMED in self.found or self.unbelieved >= _UNBELIEVED:
            return
        loop = first_loop(episode.looks, told.reward)
        if loop is None:
            return
        start, stop = loop
        play = Play(episode.play.seed, episode.play.actions[:stop])
        if self._pays_again(play.seed, play.actions[:start], play.actions[start:]):
            self._note(_Found(Kind.FARMED, play, self.made, loop))
        else:
            self.unbelieved += 1

    def _note(self, found: _Found) -> None:
        known = self.found.get(found.kind)
        if known is None or len(found.play) < len(known.play):
            if known is not None:
                found.after = known.after
            self.found[found.kind] = found

    def _pays_again(self, seed: int, way: tuple[Any, ...], loop: tuple[Any, ...]) -> bool:
        """Play a loop some more times: each round must pay, and the task stay unsolved."""
        if not loop:
            return False
        trajectory = self.player.play(Play(seed, way + loop * _ROUNDS))
        if len(trajectory) < len(way) + len(loop) * _ROUNDS or trajectory.success:
            return False
        paid = self.stage.one(trajectory).reward[len(way) :].reshape(_ROUNDS, len(loop))
        return bool((paid.sum(axis=1) > 0.0).all())

    # Making short ------------------------------------------------------------------------------

    def _all_short(self) -> list[Hack]:
        """Make all findings short, the gravest first; farming explains what it overpays."""
        hacks: dict[Kind, Hack] = {}
        for kind in (Kind.FALSE_CLAIM, Kind.FARMED, Kind.OVERPAID):
            found = self.found.get(kind)
            if found is None or (kind is Kind.OVERPAID and Kind.FARMED in hacks):
                continue
            hack = self._short(found)
            if hack is not None:
                hacks[kind] = hack
        return list(hacks.values())

    def _short(self, found: _Found) -> Hack | None:
        if found.kind is Kind.FARMED:
            return self._short_loop(found)
        seed = found.play.seed

        def shown(trajectory: Trajectory, told: Told) -> int | None:
            """Give the step on which it shows, or None."""
            if trajectory.success:
                return None
            if found.kind is Kind.FALSE_CLAIM:
                return self.claim.first(told)
            over = np.flatnonzero(np.nancumsum(told.reward) > _above(self.reference or 0.0))
            return int(over[0]) if over.size else None

        def where(actions: tuple[Any, ...]) -> int | None:
            if not actions:
                return None
            trajectory = self.player.play(Play(seed, actions))
            return shown(trajectory, self.stage.one(trajectory))

        actions, letters = found.play.actions, _alphabet(self.space)
        for _ in range(2):
            actions = shortest(
                actions, lambda candidate: where(candidate) is not None, tries=self.shrink_tries
            )
            if letters:
                known = Play(seed, actions)
                actions = shortcut(
                    self.stage, self.player, known, shown, letters, steps=self.shrink_steps
                ).actions
        step = where(actions)
        if step is None:
            self.notes.append(f"a {found.kind.value} was seen once and did not come again")
            return None
        actions = actions[: max(step, 0) + 1]
        trajectory = self.player.play(Play(seed, actions))
        told = self.stage.one(trajectory)
        if found.kind is Kind.FALSE_CLAIM:
            when = "at the reset" if step < 0 else f"at step {step}"
            says = f"complete {when} ({self.claim.words}), return {told.total:.6g}"
        else:
            says = f"return {told.total:.6g}, where success earns {self.reference:.6g}"
        return self._hack(found, actions, trajectory, told=told, says=says)

    def _short_loop(self, found: _Found) -> Hack:
        start, _ = found.loop or (0, 0)
        seed, way, loop = found.play.seed, found.play.actions[:start], found.play.actions[start:]
        letters = _alphabet(self.space)
        loop = shortest(
            loop,
            lambda shorter: self._pays_again(seed, way, shorter),
            alphabet=letters,
            tries=self.shrink_tries // 2,
        )
        way = shortest(
            way,
            lambda shorter: self._pays_again(seed, shorter, loop),
            alphabet=letters,
            tries=self.shrink_tries // 2,
        )
        rounds = _ROUNDS
        told = self.stage.one(self.player.play(Play(seed, way + loop * rounds)))
        gain = float(told.reward[len(way) :].reshape(rounds, len(loop)).sum(axis=1).min())
        more = ""
        if self.reference is not None and gain > 0.0:
            before = float(np.nansum(told.reward[: len(way)]))
            needed = max(1, ceil((self.reference - before) / gain) + 1)
            many = self.player.play(Play(seed, way + loop * min(needed, 10_000 // len(loop) + 1)))
            total = self.stage.one(many).total
            word = "more" if total > self.reference else "not more, the episode ended before that"
            more = (
                f"; {needed} rounds give {total:.6g} in {len(many)} actions, {word} than the "
                f"{self.reference:.6g} of success"
            )
        says = f"each round pays {gain:.6g} again{more}"
        actions = way + loop * 2
        trajectory = self.player.play(Play(seed, actions))
        where = len(way), len(way) + len(loop)
        told = self.stage.one(trajectory)
        return self._hack(found, actions, trajectory, told=told, says=says, loop=where)

    def _hack(
        self,
        found: _Found,
        actions: tuple[Any, ...],
        trajectory: Trajectory,
        *,
        told: Told,
        says: str,
        loop: tuple[int, int] | None = None,
    ) -> Hack:
        names = tuple(self.player.name_of(action) for action in actions)
        ended = ""
        if trajectory.terminated[-1] or trajectory.truncated[-1]:
            ended = ", episode over"
        verdict = {False: "not solved", None: "nothing about success", True: "solved"}
        return Hack(
            kind=found.kind,
            seed=found.play.seed,
            actions=names,
            codes=actions,
            program_says=says,
            environment_says=f"{verdict[trajectory.success]}, return {trajectory.env_return:g}{ended}",
            rows=rows_of(
                trajectory,
                told,
                names,
                self.program.task_names,
                start=len(trajectory) - _MOST_ROWS,
            ),
            loop=loop,
            found_after=found.after,
            found_length=len(found.play),
        )


def _above(reference: float) -> float:
    """Give what counts as more than a reference, rounding aside."""
    return reference + 1e-9 * max(1.0, abs(reference))


def _small(space: Any) -> int:
    """Give the number of actions of a Discrete space, else 0."""
    return int(getattr(space, "n", 0)) if hasattr(space, "start") else 0


def _alphabet(space: Any) -> tuple[Any, ...]:
    count = _small(space)
    if not 0 < count <= _LIST:
        return ()
    return tuple(range(int(space.start), int(space.start) + count))

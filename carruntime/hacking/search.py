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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carruntime.arrangement import Stage, Told
from carruntime.collection import collect
from carruntime.errors import OptionError
from carruntime.hacking.archive import Archive, digest_of
from carruntime.hacking.claims import Claim, Kind, claim_of, loops
from carruntime.hacking.episodes import Episode, Rollouts, rollouts_for
from carruntime.hacking.report import HackReport
from carruntime.hacking.saved import Saved
from carruntime.hacking.shortening import Found, Shortener, above
from carruntime.minigrid.views import quick_views
from carruntime.playing import Play, Player
from carruntime.recording import SuccessRule
from carruntime.spaces import spec_of
from carruntime.trajectory import take
from sandbox.schema import Schema

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.reward import RewardProgram

__all__ = ["find_hacks"]

_REPEAT: Final = 0.25
"""Share of actions, where there are too many to count, that are the one before once more."""
_CURIOUS: Final = 0.8
"""Share of actions that are those tried least where it looks the same; the others are random."""
_MOST_PLACES: Final = 200_000
_STAGES: Final = 6
"""Records of the reward within an episode that make a place further along."""
_REFUTED: Final = 2
"""Times a loop of the same actions and payments may fail to pay again; then it is passed over."""
_UNBELIEVED: Final = 256
"""Loops that did not pay again, after which no more are tried."""
_EXPERTS: Final = 5
_A_WHILE: Final = 20
"""The part of the budget that is spent at least after a first finding."""


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
    save: Path | None = None,
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
        save: Folder for counterexamples; what is there of this environment is tried first, and
            what is found is written there. None keeps nothing.
        progress: Told the steps made and allowed.

    Returns:
        The report; it is true if anything was found.

    Raises:
        OptionError: If a number is wrong, or ``success_when`` does not fit the program,
            or nothing can be saved.
    """
    for name, value in (("steps", steps), ("max_steps", max_steps), ("rollout", rollout)):
        if value < 1:
            raise OptionError(f"find_hacks: {name}={value!r}; want a whole number of at least 1")
    if not seeds or any(one < 0 for one in seeds):
        raise OptionError(f"find_hacks: seeds={seeds!r}; want at least one, from 0 on")
    with contextlib.closing(Stage(program)) as stage, quick_views(env):
        player = Player(env, success, frames=program.reads_frames)
        search = _Search(
            stage,
            player,
            rollouts_for(player, rule_is_given=success is not None),
            seeds=tuple(seeds),
            seed=seed,
            max_steps=max_steps,
            rollout=rollout,
            success_when=success_when,
            reference=reference,
            shrink_tries=shrink_tries,
        )
        saved = None if save is None else Saved(save, player)
        return search.run(steps, seconds, saved, progress)


class _Search:
    def __init__(
        self,
        stage: Stage,
        player: Player,
        rollouts: Rollouts,
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
        self.rollouts = rollouts
        self.env = player.env
        self.seeds = seeds
        self.max_steps = max_steps
        self.rollout = rollout
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
        self.found: dict[Kind, Found] = {}
        self.unbelieved = 0
        self.refuted: dict[Any, int] = {}
        self.notes: list[str] = []
        self.origin: Path | None = None
        self.made = 0
        """Steps of the search alone."""
        self.fixed_reference = reference is not None
        expert = self._ask_experts()
        self.claim: Claim = claim_of(self.program, success_when, expert)
        self.shortener = Shortener(stage, player, rollouts, self.claim, shrink_tries)
        self.replayed: list[tuple[Episode, Path]] = []

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
        self,
        steps: int,
        seconds: float | None,
        saved: Saved | None,
        progress: Callable[[int, int], None] | None,
    ) -> HackReport:
        began = time.process_time()
        stop_at = steps
        if saved is not None:
            self._replay(saved)
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
            cells = self.archive.choose(self.rollouts.lanes, max(0, longest - 1))
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
        for episode, path in self.replayed:
            self.origin = path
            # What success earns may have been learnt since it was played.
            self._overpaid(episode, self._said([episode])[0])
        hacks = self.shortener.hacks(self.found, self.reference)
        if saved is not None:
            hacks = [replace(hack, saved=saved.save(hack, self.program)) for hack in hacks]
        return HackReport(
            program=self.program.filename,
            digest=self.program.digest,
            env_id=self.player.name,
            hacks=tuple(hacks),
            steps=self.rollouts.steps + self.player.steps,
            seconds=time.process_time() - began,
            cells=len(self.archive),
            rule=self.claim.words,
            reference=self.reference,
            judged=self.judged,
            notes=(*self.notes, *self.shortener.notes),
            replayed=len(self.replayed),
        )

    def _generation(self, starts: Sequence[tuple[Play, int]]) -> list[Episode]:
        """Play the actions of places again, and others from there on."""
        plays = [play for play, _ in starts]
        episodes = self.rollouts.run(
            plays,
            [min(self.max_steps, len(play) + self.rollout) for play in plays],
            lambda index, actions, look: self._draw((*_key(starts[index]), look), actions),
        )
        self.made = self.rollouts.steps
        return episodes

    def _replay(self, saved: Saved) -> None:
        """Play what was saved earlier, before anything is searched."""
        for path, play in saved.plays():
            (episode,) = self.rollouts.run([play], [len(play)])
            self._judge([episode], path)
            self.replayed.append((episode, path))
        self.made = self.rollouts.steps

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

    def _said(self, episodes: Sequence[Episode]) -> list[Told]:
        if not episodes:
            return []
        return [lane[0] for lane in self.stage.run([[item.trajectory] for item in episodes])]

    def _judge(self, episodes: Sequence[Episode], origin: Path | None = None) -> None:
        self.origin = origin
        for episode, told in zip(episodes, self._said(episodes), strict=True):
            self.judged = self.judged or any(done is not None for done in episode.solved)
            self._keep(episode, told)
            self._false_claim(episode, told)
            self._overpaid(episode, told)
            self._farmed(episode, told)

    def _keep(self, episode: Episode, told: Told) -> None:
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

    def _false_claim(self, episode: Episode, told: Told) -> None:
        step = self.claim.first(told)
        if step is None or not self._denied(episode.solved, step):
            return
        play = Play(episode.play.seed, episode.play.actions[: max(step, 0) + 1])
        self._note(Found(Kind.FALSE_CLAIM, play, self.made))

    def _denied(self, solved: Sequence[bool | None], step: int) -> bool:
        """Whether the environment says that the task was not solved up to a step."""
        upto = solved[: max(step, 0) + 1]
        return not any(upto) and any(done is not None for done in upto)

    def _overpaid(self, episode: Episode, told: Told) -> None:
        first = episode.first_success
        if first is not None:
            if not self.fixed_reference:
                total = float(np.nansum(told.reward[: first + 1]))
                self.reference = total if self.reference is None else max(self.reference, total)
            return
        if self.reference is None or not self._denied(episode.solved, len(told) - 1):
            return
        sums = np.nancumsum(told.reward)
        over = np.flatnonzero(sums > above(self.reference))
        if over.size:
            play = Play(episode.play.seed, episode.play.actions[: int(over[0]) + 1])
            self._note(Found(Kind.OVERPAID, play, self.made))

    def _farmed(self, episode: Episode, told: Told) -> None:
        if Kind.FARMED in self.found:
            return
        for start, stop in loops(episode.looks, told.reward):
            play = Play(episode.play.seed, episode.play.actions[:stop])
            # A payment that has a latch looks like this once in every episode.
            kind = Play(0, play.actions[start:]).key(), told.reward[start:stop].tobytes()
            refuted = self.refuted.get(kind, 0)
            if refuted >= _REFUTED or self.unbelieved >= _UNBELIEVED:
                continue
            if self.shortener.pays_again(play.seed, play.actions[:start], play.actions[start:]):
                self._note(Found(Kind.FARMED, play, self.made, (start, stop)))
                return
            self.refuted[kind] = refuted + 1
            self.unbelieved += 1

    def _note(self, found: Found) -> None:
        found.origin = self.origin
        known = self.found.get(found.kind)
        if known is None or len(found.play) < len(known.play):
            if known is not None:
                found.after, found.origin = known.after, known.origin
            self.found[found.kind] = found


def _key(start: tuple[Play, int]) -> tuple[int, int]:
    return start[0].seed, start[1]


def _small(space: Any) -> int:
    """Give the number of actions of a Discrete space, else 0."""
    return int(getattr(space, "n", 0)) if hasattr(space, "start") else 0

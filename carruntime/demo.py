"""The main job, end to end, on the real environment: ``carruntime demo``.

Six programs that ship with the package go the way every generated program goes: checked, loaded,
verified on expert and random episodes that are collected there and then, and the accepted ones
drive a vector environment of MiniGrid-DoorKey-8x8. Beside each stands the same reward by plain
``exec``, one call per observation, on the same transitions: for speed, and because both must pay
the same. That comparison runs in this process, which is right for the shipped programs alone,
because their text is ours.
"""

from __future__ import annotations

import platform
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import LoadError, OptionError
from carruntime.plain import PlainReward, split
from carruntime.progress import ProgressLine
from carruntime.verdict import Decision
from sandbox.diagnostics import Report, escape
from sandbox.schema import DictSpec, Spec

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch
    from carruntime.reward import RewardProgram
    from carruntime.session import RewardSession
    from carruntime.trajectory import TrajectorySet
    from carruntime.verdict import Verdict

__all__ = ["ENV_ID", "PROGRAMS", "Demo", "DemoProgram", "Driven", "program_path", "run"]

ENV_ID: Final = "MiniGrid-DoorKey-8x8-v0"
EXPERT_EPISODES: Final = 60
RANDOM_EPISODES: Final = 150
HORIZON: Final = 200

End = Literal["refused", "rejected", "not enough evidence", "accepted"]


_ENDS: Final[dict[Decision, End]] = {
    Decision.ACCEPT: "accepted",
    Decision.REJECT: "rejected",
    Decision.NOT_ENOUGH_EVIDENCE: "not enough evidence",
}


@dataclass(frozen=True, slots=True)
class DemoProgram:
    """One of the shipped programs.

    Attributes:
        name: File name without the ending.
        title: What it is, in a few words.
        end: What must become of it, or the demonstration has failed.
    """

    name: str
    title: str
    end: End


PROGRAMS: Final = (
    DemoProgram("subtasks", "three sub-tasks as predicates", "accepted"),
    DemoProgram("dense_reward", "a dense reward with components", "accepted"),
    DemoProgram("milestones", "a class that remembers what it has paid", "accepted"),
    DemoProgram("wrong_key", "reads a field that the observation does not have", "rejected"),
    DemoProgram("unlatched", "pays every step, and nothing on some paths", "rejected"),
    DemoProgram("hostile", "tries to get at files and processes", "refused"),
)


@dataclass(frozen=True, slots=True)
class Driven:
    """A program paying for the steps of a vector environment.

    Attributes:
        num_envs: Environments.
        steps: Vector steps.
        observations: Transitions that were rewarded; steps that only reset an env are not.
        per_second: Of these, in the calls of a session alone, one after the other.
        share: Part of the loop's time spent in the session, 0 to 1. Per call it is more than back
            to back: between two steps the worker sleeps and the caches hold environments.
        loop_per_second: Environment steps per second of the whole loop.
        plain_per_second: Observations per second by plain ``exec``, one after the other.
        mean_reward: Mean over the rewarded transitions.
        plain_mean_reward: The same by plain ``exec``.
        equal: Whether every single reward is the same.
    """

    num_envs: int
    steps: int
    observations: int
    per_second: float
    share: float
    loop_per_second: float
    plain_per_second: float
    mean_reward: float
    plain_mean_reward: float
    equal: bool

    @property
    def speedup(self) -> float:
        """How many times as fast as plain ``exec``."""
        return self.per_second / self.plain_per_second


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of one program."""

    program: DemoProgram
    report: Report
    loaded_s: float
    tier: str | None
    tier_reason: str | None
    verdict: Verdict | None
    driven: Driven | None

    @property
    def end(self) -> End:
        """What became of it."""
        if self.verdict is None:
            return "refused"
        return _ENDS[self.verdict.decision]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        driven = self.driven
        return {
            "name": self.program.name,
            "title": self.program.title,
            "end": self.end,
            "expected_end": self.program.end,
            "report": self.report.to_json(),
            "load_s": self.loaded_s,
            "tier": self.tier,
            "tier_reason": self.tier_reason,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "driven": None
            if driven is None
            else {name: getattr(driven, name) for name in (*Driven.__slots__, "speedup")},
        }


@dataclass(frozen=True, slots=True)
class Demo:
    """The whole demonstration.

    Attributes:
        programs: One for each program, in order.
        seconds: What it took.
    """

    programs: tuple[Shown, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every program came to its end and was paid as by plain Python."""
        return all(
            item.end == item.program.end and (item.driven is None or item.driven.equal)
            for item in self.programs
        )

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        return {
            "env_id": ENV_ID,
            "ok": self.ok,
            "seconds": self.seconds,
            "python": platform.python_version(),
            "programs": [item.to_json() for item in self.programs],
        }


def program_path(name: str) -> Path:
    """Give the file of a shipped program.

    Raises:
        OptionError: If there is none of that name, or the package lies in an archive.
    """
    place = resources.files("carruntime") / "demo_programs" / f"{name}.py"
    if not isinstance(place, Path) or not place.is_file():
        offered = ", ".join(item.name for item in PROGRAMS)
        raise OptionError(f"program_path: no shipped program {name!r}; there are: {offered}")
    return place


def run(
    *,
    num_envs: int = 64,
    steps: int = 300,
    seed: int = 0,
    expert_episodes: int = EXPERT_EPISODES,
    random_episodes: int = RANDOM_EPISODES,
    show_progress: bool | None = None,
    say: Callable[[str], None] = lambda text: None,  # noqa: ARG005
) -> Demo:
    """Run the demonstration.

    Args:
        num_envs: Environments of the vector environment.
        steps: Vector steps per accepted program.
        seed: Of everything random.
        expert_episodes: Expert episodes to verify on.
        random_episodes: Random episodes to verify on, cut at 200 steps.
        show_progress: Draw progress on standard error; by default if it is a terminal.
        say: Takes the text of each part as it is ready.

    Returns:
        What became of every program.
    """
    if num_envs < 1 or steps < 1:
        raise OptionError(f"demo: {num_envs} environments and {steps} steps; want at least 1 each")
    from carruntime.collection import collect
    from carruntime.environments import make_env

    began = time.perf_counter()
    with ProgressLine("expert episodes", show=show_progress) as line:
        expert = collect(ENV_ID, "expert", expert_episodes, seed, progress=line)
    with ProgressLine("random episodes", show=show_progress) as line:
        random = collect(
            ENV_ID,
            "random",
            random_episodes,
            seed + 1_000_000,
            max_steps=HORIZON,
            progress=line,
        )
    collected = time.perf_counter() - began
    say(
        f"carruntime demo: {len(PROGRAMS)} programs for {ENV_ID}\n"
        f"collected {len(expert)} expert episodes ({expert.successes} solved) and {len(random)} "
        f"random ones\n({random.successes} solved, cut at {HORIZON} steps): "
        f"{expert.transitions + random.transitions:,} steps in {collected:.1f} s\n"
    )
    env = make_env(ENV_ID)
    shown = []
    try:
        for number, item in enumerate(PROGRAMS, start=1):
            with ProgressLine(f"{item.name}: load, verify", show=show_progress):
                one, program = _load_and_verify(item, env, expert, random)
            if program is not None:
                try:
                    if one.end == "accepted":
                        with ProgressLine(f"{item.name}: driving", show=show_progress) as line:
                            driven = drive(
                                program, num_envs=num_envs, steps=steps, seed=seed, progress=line
                            )
                        one = replace(one, driven=driven)
                finally:
                    program.close()
            shown.append(one)
            say(render_one(number, one))
    finally:
        env.close()
    demo = Demo(tuple(shown), time.perf_counter() - began)
    say(render_summary(demo))
    return demo


def _load_and_verify(
    item: DemoProgram, env: Any, expert: TrajectorySet, random: TrajectorySet
) -> tuple[Shown, RewardProgram | None]:
    from carruntime.loading import load
    from carruntime.verification import verify

    began = time.perf_counter()
    try:
        program = load(program_path(item.name), env)
    except LoadError as error:
        report = _short_name(error.report, item)
        return Shown(item, report, time.perf_counter() - began, None, None, None, None), None
    loaded = time.perf_counter() - began
    try:
        verdict = verify(program, expert=expert, random=random)
    except BaseException:
        program.close()
        raise
    reason = None if program.tier_reason is None else str(program.tier_reason)
    report = _short_name(program.report, item)
    return Shown(item, report, loaded, program.tier, reason, verdict, None), program


def _short_name(report: Report, item: DemoProgram) -> Report:
    """Give findings the bare file name: where the package is installed matters to nobody."""
    return Report(f"{item.name}.py", report.source, report.findings, report.facts)


def drive(
    program: RewardProgram,
    *,
    num_envs: int,
    steps: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Driven:
    """Let a trusted program pay for random steps of a vector environment, and check it.

    The program also runs by plain ``exec`` in this process, on the same transitions.
    """
    import gymnasium as gym

    from carruntime.wrappers import CodeRewardVectorWrapper

    venv = gym.make_vec(ENV_ID, num_envs=num_envs, vectorization_mode="sync")
    wrapper = CodeRewardVectorWrapper(venv, program)
    try:
        with _metered(wrapper.session) as meter:
            wrapper.action_space.seed(seed)
            wrapper.reset(seed=seed)
            meter.seconds = 0.0
            began = time.perf_counter()
            for step in range(steps):
                wrapper.step(wrapper.action_space.sample())
                if progress is not None:
                    progress(step + 1, steps)
            elapsed = time.perf_counter() - began
    finally:
        wrapper.close()
    ran = np.stack([call.mask for call in meter.calls if call.reward is not None])
    paid = np.stack([call.reward for call in meter.calls if call.reward is not None])
    plain, plain_s = _plain(program, meter.calls, num_envs)
    again, alone_s = _back_to_back(program, meter.calls, num_envs)
    return Driven(
        num_envs=num_envs,
        steps=steps,
        observations=int(ran.sum()),
        per_second=float(ran.sum() / alone_s),
        share=meter.seconds / elapsed,
        loop_per_second=num_envs * steps / elapsed,
        plain_per_second=float(ran.sum() / plain_s),
        mean_reward=float(paid[ran].mean()),
        plain_mean_reward=float(plain[ran].mean()),
        equal=bool(
            np.array_equal(paid, again)
            and np.allclose(paid[ran], plain[ran], rtol=1e-12, atol=1e-12)
        ),
    )


@dataclass(slots=True)
class _Call:
    """One call of the session: a reset (no reward) or a step, with the rows it was for."""

    mask: NDArray[np.bool_]
    inputs: dict[str, Any]
    reward: NDArray[np.float64] | None


class _Meter:
    """Times the calls of one session and keeps what they were given."""

    def __init__(self, session: RewardSession) -> None:
        self.seconds = 0.0
        self.calls: list[_Call] = []
        self._every = np.ones(session.num_envs, dtype=np.bool_)
        self._reset = session.reset
        self._step = session.step

    def reset(self, obs: Any = None, **options: Any) -> None:
        began = time.perf_counter()
        self._reset(obs, **options)
        self.seconds += time.perf_counter() - began
        self.calls.append(_Call(self._mask(options), {"initial_obs": obs}, None))

    def step(self, *values: Any, **options: Any) -> RewardBatch:
        began = time.perf_counter()
        batch = self._step(*values, **options)
        self.seconds += time.perf_counter() - began
        names = ("obs", "action", "next_obs", "terminated", "truncated")
        inputs = dict(zip(names, values, strict=True))
        self.calls.append(_Call(self._mask(options), inputs, batch.reward))
        return batch

    def _mask(self, options: dict[str, Any]) -> NDArray[np.bool_]:
        mask = options.get("mask")
        return self._every if mask is None else np.array(mask)


@contextmanager
def _metered(session: RewardSession) -> Iterator[_Meter]:
    """Stand between a wrapper and its session; the wrapper is measured as it is."""
    meter = _Meter(session)
    methods: dict[str, Any] = vars(session)
    methods["reset"], methods["step"] = meter.reset, meter.step
    try:
        yield meter
    finally:
        del methods["reset"], methods["step"]


def _back_to_back(
    program: RewardProgram, calls: list[_Call], num_envs: int
) -> tuple[NDArray[np.float64], float]:
    """Run recorded calls by a session: rewards ``[steps, N]`` and seconds."""
    rewards = []
    with program.start(num_envs=num_envs) as session:
        began = time.perf_counter()
        for call in calls:
            if call.reward is None:
                session.reset(call.inputs["initial_obs"], mask=call.mask)
            else:
                rewards.append(session.step(**call.inputs, mask=call.mask).reward)
        seconds = time.perf_counter() - began
    return np.stack(rewards), seconds


def _plain(
    program: RewardProgram, calls: list[_Call], num_envs: int
) -> tuple[NDArray[np.float64], float]:
    """Run recorded calls by plain ``exec``: rewards ``[steps, N]`` and seconds in the program."""
    # The shipped programs are our own text; nothing else comes here.
    plain = PlainReward(program, num_envs, trust=True)
    slots = program.plan.schema.read()
    unread = dict.fromkeys(name for name, _ in program.plan.schema.slots)
    rewards, seconds = [], 0.0
    counts = [0] * num_envs
    for call in calls:
        rows = np.flatnonzero(call.mask).tolist()
        parts = {
            name: split(_held(program.inputs.observation, value), value, num_envs)
            if name in {"obs", "next_obs", "initial_obs"}
            else split(program.inputs.action, value, num_envs)
            if name == "action"
            else np.asarray(value).tolist()
            for name, value in call.inputs.items()
            if name in slots or name == "initial_obs"
        }
        if call.reward is None:
            began = time.perf_counter()
            for row in rows:
                plain.reset(row, parts["initial_obs"][row])
            seconds += time.perf_counter() - began
            for row in rows:
                counts[row] = 0
            continue
        given = {
            row: {
                **unread,
                "t": counts[row],
                **{name: values[row] for name, values in parts.items()},
            }
            for row in rows
        }
        out = np.zeros(num_envs)
        began = time.perf_counter()
        for row in rows:
            out[row] = plain.step(row, given[row])
        seconds += time.perf_counter() - began
        for row in rows:
            counts[row] += 1
        rewards.append(out)
    return np.stack(rewards), seconds


def render_one(number: int, item: Shown) -> str:
    """Give what became of one program as text."""
    head = f"[{number}/{len(PROGRAMS)}] {item.program.name}.py: {item.program.title}"
    lines = ["=" * 80, head, ""]
    if item.report.findings:
        for line in item.report.render().split("\n"):
            # Words are wrapped; quoted source and carets must stay as they are.
            wraps = line.startswith(("  why:", "  try:")) or not line.startswith(" ")
            lines += textwrap.wrap(line, 80, subsequent_indent="    ") if wraps else [line]
        lines.append("")
    if item.verdict is None:
        count = len(item.report.errors)
        lines.append(f"refused in {item.loaded_s:.2f} s: {count} findings; nothing of it ran")
        return "\n".join(lines) + "\n"
    facts = item.report.facts
    loaded = f"loaded in {item.loaded_s:.2f} s; {'; '.join(_facts(facts))}"
    lines += textwrap.wrap(loaded, 80, subsequent_indent="  ")
    why = ": all of it compiles, and gives what the interpreted tier gives on a probe batch"
    if item.tier_reason is not None:
        why = f": {escape(item.tier_reason)}"
    lines += textwrap.wrap(f"tier: {item.tier}{why}", 80, subsequent_indent="  ")
    lines += ["", item.verdict.summary()]
    driven = item.driven
    if driven is not None:
        loop = f"driving {driven.num_envs} envs for {driven.steps} vector steps "
        ours = f"  reward alone   {driven.per_second:>12,.0f} observations/s, "
        plain = f"  plain exec     {driven.plain_per_second:>12,.0f} observations/s, "
        means = f"  mean reward    {driven.mean_reward:>12.6f}, plain exec "
        equal = "every reward equal" if driven.equal else "REWARDS DIFFER"
        lines += [
            "",
            loop + f"({driven.loop_per_second:,.0f} env steps/s):",
            ours + f"{driven.speedup:,.1f} times plain exec",
            plain + "called one by one",
            f"  in the loop    {driven.share:>12.1%} of its time went to the reward",
            means + f"{driven.plain_mean_reward:.6f}: {equal}",
        ]
    return "\n".join(lines) + "\n"


def _facts(facts: Any) -> Iterator[str]:
    for name in ("form", "entry", "components"):
        if name in facts:
            yield f"{name} {escape(str(facts[name]))}"


def render_summary(demo: Demo) -> str:
    """Give the end of all programs as a table."""
    lines = ["=" * 80, f"{'program':<16}{'verdict':<21}{'tier':<14}{'obs/s':>14}{'x exec':>10}"]
    for item in demo.programs:
        driven = item.driven
        speed = "-" if driven is None else f"{driven.per_second:,.0f}"
        times = "-" if driven is None else f"{driven.speedup:,.1f}"
        lines.append(
            f"{item.program.name:<16}{item.end:<21}{item.tier or '-':<14}{speed:>14}{times:>10}"
        )
    lines += [
        f"{item.program.name}: expected {item.program.end}, found {item.end}"
        for item in demo.programs
        if item.end != item.program.end
    ]
    good = [item for item in demo.programs if item.verdict is not None and item.verdict.accepted]
    refused = sum(not item.verdict.published.accepts for item in good if item.verdict is not None)
    lines.append("obs/s: the reward alone; x exec: times as fast as plain exec per observation")
    if good:
        lines += [
            f"the rule as published would have rejected {refused} of the {len(good)} accepted ones: it",
            "counts frames with any output and never resets a program between episodes",
        ]
    lines.append(
        f"{'all as expected' if demo.ok else 'NOT AS EXPECTED'}; {demo.seconds:.1f} s in all"
    )
    return "\n".join(lines)


def _held(spec: Spec, batch: Any) -> Spec:
    """Cut a dict down to the fields that a recorded batch has; the others are never read."""
    if not isinstance(spec, DictSpec):
        return spec
    return DictSpec(tuple(item for item in spec.fields if item[0] in batch))

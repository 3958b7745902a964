"""Record episodes of a Gymnasium environment under a policy.

Episode i is reset with ``seed + i`` (or with the i-th of the seeds given), and everything random in
it follows from that number, so the same call gives the same trajectories, a longer call begins with
those of a shorter one, and many sub-environments side by side give what one gives alone.
Success is the environment's own word: ``info["is_success"]`` or ``info["success"]`` where there is
one, for MiniGrid an end with a positive reward, else unknown, unless the caller passes a rule.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from carruntime.environments import make_env
from carruntime.errors import OptionError
from carruntime.experts import CallablePolicy, MixturePolicy, Policy, RandomPolicy, expert_for
from carruntime.facts import Fact
from carruntime.frame_table import FramePool, FrameRule, frame_of
from carruntime.minigrid.views import quick_views
from carruntime.recording import Recorder, Recording, SuccessRule, env_name
from carruntime.trajectory import Trajectory, TrajectorySet

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["Progress", "SuccessRule", "collect", "make_policy"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of episodes done and wanted."""
_Env: TypeAlias = "gym.Env[Any, Any]"
_PolicyLike: TypeAlias = str | float | Policy | Callable[[Any], Any]


def collect(
    env: str | _Env | Callable[[], _Env],
    policy: _PolicyLike,
    episodes: int,
    seed: int = 0,
    *,
    seeds: Sequence[int] | None = None,
    max_steps: int | None = None,
    num_envs: int = 1,
    success: SuccessRule | None = None,
    facts: Mapping[str, Fact] | None = None,
    frames: bool | FrameRule = False,
    progress: Progress | None = None,
) -> TrajectorySet:
    """Record episodes.

    Args:
        env: Id of a registered environment, an environment, or a function that makes one. One
            that was made here is closed here.
        policy: ``"random"``, ``"expert"``, the share of random actions of an otherwise expert
            policy (0.3, say), a `Policy`, or a function from observation to action.
        episodes: How many.
        seed: Episode i is reset with ``seed + i``.
        seeds: The seed of each episode, in place of ``seed``; for instance those whose mission a
            program is about.
        max_steps: Horizon; a recording is cut there, without the truncated flag.
        num_envs: Sub-environments that play side by side, each with a copy of the policy. A policy
            with a method ``act_many(envs, observations) -> actions`` is asked for all of them in
            one call, which is what a network wants. The result does not depend on the number.
        success: Says from the end of an episode whether it succeeded.
        facts: Named truths of the simulator to read after every step; left out, those that
            `carruntime.facts` knows of the environment.
        frames: Whether to take a picture after every step, or a function from the environment to
            its picture.
        progress: Told after each episode.

    Returns:
        The trajectories, in order of their seeds.

    Raises:
        OptionError: If the environment is unknown, has no scripted expert, or a number is wrong.
    """
    if episodes < 1:
        raise OptionError(f"collect: {episodes} episodes; want at least 1")
    if max_steps is not None and max_steps < 1:
        raise OptionError(
            f"collect: max_steps {max_steps}; want at least 1, or None for no horizon"
        )
    if seeds is not None and len(seeds) != episodes:
        raise OptionError(f"collect: {len(seeds)} seeds for {episodes} episodes; want one for each")
    chosen_seeds = [seed + index for index in range(episodes)] if seeds is None else list(seeds)
    if min(chosen_seeds) < 0:
        raise OptionError(f"collect: seed {min(chosen_seeds)}; want 0 or above")
    if num_envs < 1:
        raise OptionError(f"collect: num_envs {num_envs}; want at least 1")
    made, own = _open(env, min(num_envs, episodes))
    try:
        # Of a mixture, the seed is that of the policy's own noise, whichever episodes it plays.
        policies = _policies(policy, made, seed)
        recording = Recording(
            max_steps=max_steps,
            success=success,
            facts=facts,
            frame=None if frames is False else frame_of if frames is True else frames,
            pool=FramePool(),
            provenance=_provenance(made[0], max_steps),
        )
        with contextlib.ExitStack() as quick:
            for each in made:
                quick.enter_context(quick_views(each))
            trajectories = _play(made, policies, chosen_seeds, recording, progress)
        env_id = env_name(made[0])
    finally:
        if own:
            for each in made:
                each.close()
    return TrajectorySet(
        trajectories=tuple(trajectories),
        env_id=env_id,
        policy=policies[0].name,
        horizon=max_steps,
    )


def make_policy(policy: _PolicyLike, env: _Env, seed: int = 0) -> Policy:
    """Turn a name, a share of noise or a function into a policy for ``env``.

    Raises:
        OptionError: If it names nothing known, or ``env`` has no scripted expert.
    """
    if isinstance(policy, str):
        if policy == "random":
            return RandomPolicy(seed)
        if policy == "expert":
            return expert_for(env)
        raise OptionError(
            f"policy {policy!r} is not known; want 'random', 'expert', a share of random actions "
            "such as 0.3, or a function from observation to action"
        )
    if isinstance(policy, (int, float)):
        return MixturePolicy(expert_for(env), float(policy), seed)
    if hasattr(policy, "act") and hasattr(policy, "start"):
        return cast("Policy", policy)
    if callable(policy):
        return CallablePolicy(policy)
    raise OptionError(
        f"policy of type {type(policy).__name__} cannot act; want a name, a number, a Policy or a "
        "function from observation to action"
    )


def _play(
    envs: list[_Env],
    policies: list[Policy],
    seeds: list[int],
    recording: Recording,
    progress: Progress | None,
) -> list[Trajectory]:
    """Play all episodes; a sub-environment that has ended one begins the next."""
    done: dict[int, Trajectory] = {}
    waiting = iter(enumerate(seeds))
    playing: dict[int, tuple[int, Recorder]] = {}
    many = getattr(policies[0], "act_many", None)

    def begin(slot: int) -> None:
        following = next(waiting, None)
        if following is None:
            playing.pop(slot, None)
            return
        index, seed = following
        playing[slot] = (index, Recorder(envs[slot], policies[slot], seed, recording))

    for slot in range(len(envs)):
        begin(slot)
    while playing:
        slots = list(playing)
        recorders = [playing[slot][1] for slot in slots]
        if many is None:
            actions = [recorder.act() for recorder in recorders]
        else:
            actions = list(many([envs[slot] for slot in slots], [r.observation for r in recorders]))
        for slot, recorder, action in zip(slots, recorders, actions, strict=True):
            recorder.take(action)
            if recorder.over:
                done[playing[slot][0]] = recorder.trajectory()
                begin(slot)
                if progress is not None:
                    progress(len(done), len(seeds))
    return [done[index] for index in range(len(seeds))]


def _policies(policy: _PolicyLike, envs: list[_Env], seed: int) -> list[Policy]:
    first = make_policy(policy, envs[0], seed)
    if hasattr(first, "act_many") or isinstance(first, CallablePolicy):
        return [first] * len(envs)  # it keeps no episode, or keeps them apart itself
    # A policy keeps its episode, so each sub-environment has one of its own.
    return [first, *(copy.deepcopy(first) for _ in envs[1:])]


def _open(env: str | _Env | Callable[[], _Env], count: int) -> tuple[list[_Env], bool]:
    if isinstance(env, str):
        return [make_env(env) for _ in range(count)], True
    if hasattr(env, "reset") and hasattr(env, "action_space"):
        if count > 1:
            raise OptionError(
                f"collect: num_envs {count} with one environment; pass its id, or a function that "
                "makes one"
            )
        return [cast("_Env", env)], False
    if callable(env):
        return [env() for _ in range(count)], True
    raise OptionError(
        f"environment of type {type(env).__name__} cannot be used; want an id, an environment, "
        "or a function that makes one"
    )


def _provenance(env: _Env, max_steps: int | None) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    package = type(env.unwrapped).__module__.partition(".")[0]
    facts = {"horizon": "none" if max_steps is None else str(max_steps)}
    if env.spec is not None and env.spec.kwargs:
        facts["kwargs"] = json.dumps(env.spec.kwargs, default=repr, sort_keys=True)
    for name in sorted({"gymnasium", "numpy", package}):
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            continue
    return facts

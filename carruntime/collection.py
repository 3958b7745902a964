"""Record episodes of a Gymnasium environment under a policy.

Episode i is reset with ``seed + i``, and everything random in it follows from that number, so
the same call gives the same trajectories, and a longer call begins with those of a shorter one.
Success is the environment's own word: ``info["is_success"]`` or ``info["success"]`` where there is
one, for MiniGrid an end with a positive reward, else unknown, unless the caller passes a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from carruntime.environments import make_env
from carruntime.errors import OptionError
from carruntime.experts import CallablePolicy, MixturePolicy, Policy, RandomPolicy, expert_for
from carruntime.trajectory import Trajectory, TrajectorySet, stack

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = [
    "Progress",
    "SuccessRule",
    "collect",
    "env_name",
    "keep_sample",
    "make_policy",
    "success_rule",
]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of episodes done and wanted."""
SuccessRule: TypeAlias = Callable[[dict[str, Any], float, bool], bool | None]
"""From the last info, the last reward and the last ``terminated`` to success."""
_Env: TypeAlias = "gym.Env[Any, Any]"


def collect(
    env: str | _Env | Callable[[], _Env],
    policy: str | float | Policy | Callable[[Any], Any],
    episodes: int,
    seed: int = 0,
    *,
    max_steps: int | None = None,
    success: SuccessRule | None = None,
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
        max_steps: Horizon; a recording is cut there, without the truncated flag.
        success: Says from the end of an episode whether it succeeded.
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
    if seed < 0:
        raise OptionError(f"collect: seed {seed}; want 0 or above")
    made, own = _open(env)
    try:
        chosen = make_policy(policy, made, seed)
        env_id = env_name(made)
        provenance = _provenance(made, max_steps)
        trajectories = []
        for index in range(episodes):
            trajectories.append(
                _episode(
                    made,
                    chosen,
                    seed + index,
                    max_steps=max_steps,
                    success=success,
                    provenance=provenance,
                )
            )
            if progress is not None:
                progress(index + 1, episodes)
    finally:
        if own:
            made.close()
    return TrajectorySet(
        trajectories=tuple(trajectories), env_id=env_id, policy=chosen.name, horizon=max_steps
    )


def make_policy(
    policy: str | float | Policy | Callable[[Any], Any], env: _Env, seed: int = 0
) -> Policy:
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


def env_name(env: _Env) -> str:
    """Give the id an environment was made by, or its class name."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def _open(env: str | _Env | Callable[[], _Env]) -> tuple[_Env, bool]:
    if isinstance(env, str):
        return make_env(env), True
    if hasattr(env, "reset") and hasattr(env, "action_space"):
        return cast("_Env", env), False
    if callable(env):
        return env(), True
    raise OptionError(
        f"environment of type {type(env).__name__} cannot be used; want an id, an environment, "
        "or a function that makes one"
    )


def _provenance(env: _Env, max_steps: int | None) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    package = type(env.unwrapped).__module__.partition(".")[0]
    facts = {"horizon": "none" if max_steps is None else str(max_steps)}
    for name in sorted({"gymnasium", "numpy", package}):
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            continue
    return facts


def _episode(
    env: _Env,
    policy: Policy,
    seed: int,
    *,
    max_steps: int | None,
    success: SuccessRule | None,
    provenance: dict[str, str],
) -> Trajectory:
    observation, info = env.reset(seed=seed)
    policy.start(env, seed)
    observations: list[Any] = [keep_sample(observation)]
    actions: list[Any] = []
    rewards: list[float] = []
    terminated = truncated = False
    while not (terminated or truncated) and (max_steps is None or len(actions) < max_steps):
        action = policy.act(env, observation)
        observation, reward, terminated, truncated, info = env.step(action)
        observations.append(keep_sample(observation))
        actions.append(keep_sample(action))
        rewards.append(float(reward))
    ended = np.zeros((2, len(actions)), dtype=np.bool_)
    ended[:, -1] = terminated, truncated
    rule = success if success is not None else success_rule(env)
    return Trajectory(
        observations=stack(observations),
        actions=stack(actions),
        rewards=np.array(rewards),
        terminated=ended[0],
        truncated=ended[1],
        success=rule(info, rewards[-1], terminated),
        seed=seed,
        policy=policy.name,
        env_id=env_name(env),
        provenance=provenance,
    )


def success_rule(env: _Env) -> SuccessRule:
    """Give what tells success where the caller does not say: the environment's own word."""
    minigrid = any(base.__name__ == "MiniGridEnv" for base in type(env.unwrapped).__mro__)

    def rule(info: dict[str, Any], reward: float, terminated: bool) -> bool | None:
        for key in ("is_success", "success"):
            if key in info:
                return bool(info[key])
        return terminated and reward > 0.0 if minigrid else None

    return rule


def keep_sample(sample: Any) -> Any:
    """Copy what an environment might write into again."""
    if isinstance(sample, np.ndarray):
        return sample.copy()
    if isinstance(sample, dict):
        return {key: keep_sample(value) for key, value in sample.items()}
    if isinstance(sample, tuple):
        return tuple(keep_sample(value) for value in sample)
    return sample

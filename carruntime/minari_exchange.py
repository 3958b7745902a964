"""Trajectories from and to Minari data sets, with the extra ``carruntime[minari]``.

A Minari episode has observations ``[T + 1]`` and actions, rewards and flags ``[T]``, as ours have, so
nothing is lost on the way but what Minari has no place for: success, facts and states go
into the infos of each step, under the key ``carruntime``, and come back from there.

Reference:
    Minari's data set format: https://minari.farama.org/content/dataset_standards/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.trajectory import Trajectory, TrajectorySet, leading_size

__all__ = ["from_minari", "to_minari"]

_KEY = "carruntime"


def from_minari(dataset: Any, *, policy: str = "") -> TrajectorySet:
    """Read a Minari data set.

    Args:
        dataset: A ``minari.MinariDataset``, or its id, which must have been downloaded or made
            before: nothing is fetched here.
        policy: Name of the policy; left out, the algorithm the data set names.

    Returns:
        Its episodes. Success is known where `to_minari` wrote it, or where the infos have
        ``success`` or ``is_success``.

    Raises:
        OptionError: If minari is not installed, or an episode is not whole.
    """
    minari = _minari()
    if isinstance(dataset, str):
        try:
            dataset = minari.load_dataset(dataset)
        except FileNotFoundError as error:
            raise OptionError(
                f"from_minari: no data set {dataset!r} on this machine; download it with minari first"
            ) from error
    env_id = dataset.env_spec.id if dataset.env_spec is not None else ""
    name = policy or str(dataset.storage.metadata.get("algorithm_name") or "")
    # Seeds are kept in the data set's own notes on its episodes, not with the episodes.
    seeds = {
        int(note["id"]): note.get("seed")
        for note in dataset.storage.get_episode_metadata(dataset.episode_indices)
    }
    items = tuple(
        _trajectory(episode, seeds.get(int(episode.id)), env_id=env_id, policy=name)
        for episode in dataset.iterate_episodes()
    )
    return TrajectorySet(trajectories=items, env_id=env_id, policy=name)


def to_minari(trajectories: TrajectorySet, dataset_id: str, *, env: Any = None) -> Any:
    """Write a set as a Minari data set.

    Args:
        trajectories: At least one.
        dataset_id: Such as ``"carruntime/doorkey-expert-v0"``; must be new on this machine.
        env: The environment, whose spaces the data set names; left out, it is made from its id.

    Returns:
        The ``minari.MinariDataset``.

    Raises:
        OptionError: If minari is not installed, the set is empty, or the id is taken.
    """
    minari = _minari()
    try:
        from minari.data_collector import EpisodeBuffer
    except ImportError as error:
        raise OptionError(f"to_minari: {error}; install carruntime[minari]") from error
    if not len(trajectories):
        raise OptionError("to_minari: no trajectories; collect some first")
    own = env is None
    if own:
        from carruntime.environments import make_env

        env = make_env(trajectories.env_id)
    try:
        buffers = [
            EpisodeBuffer(
                id=number,
                seed=item.seed,
                observations=_steps(item.observations),
                actions=_steps(item.actions),
                rewards=item.rewards.tolist(),
                terminations=item.terminated.tolist(),
                truncations=_closed(item).tolist(),
                infos={_KEY: _infos(item)},
            )
            for number, item in enumerate(trajectories)
        ]
        return minari.create_dataset_from_buffers(
            dataset_id,
            buffer=buffers,
            env=env,
            observation_space=_space(
                env.observation_space, [item.observations for item in trajectories]
            ),
            action_space=_space(env.action_space, [item.actions for item in trajectories]),
            algorithm_name=trajectories.policy or None,
        )
    except ValueError as error:
        raise OptionError(f"to_minari: {dataset_id!r} cannot be made: {error}") from error
    finally:
        if own:
            env.close()


def _space(space: Any, seen: Sequence[Any]) -> Any:
    """Put Text in the place of spaces of text that Minari cannot store, such as MiniGrid's missions."""
    from gymnasium import spaces

    first = seen[0]
    if isinstance(space, spaces.Dict):
        parts = {key: _space(part, [each[key] for each in seen]) for key, part in space.items()}
        return spaces.Dict(parts)
    if isinstance(space, spaces.Tuple):
        return spaces.Tuple(
            [_space(part, [each[i] for each in seen]) for i, part in enumerate(space.spaces)]
        )
    if isinstance(first, tuple):
        texts = {text for each in seen for text in each}
        return spaces.Text(
            max_length=max(1, *map(len, texts)),
            min_length=0,
            charset="".join(sorted({char for text in texts for char in text})) or " ",
        )
    return space


def _minari() -> Any:
    try:
        import minari
    except ImportError as error:
        raise OptionError("minari is not installed; install carruntime[minari]") from error
    return minari


def _closed(item: Trajectory) -> NDArray[np.bool_]:
    """Mark the last step as truncated where a recording was cut: Minari wants every episode ended."""
    truncated = item.truncated.copy()
    truncated[-1] = truncated[-1] or not item.terminated[-1]
    return truncated


def _steps(tree: Any) -> Any:
    """Give text as the list that Minari stores; all else stays as it is."""
    if isinstance(tree, dict):
        return {key: _steps(value) for key, value in tree.items()}
    if isinstance(tree, tuple) and not (tree and isinstance(tree[0], str)):
        return tuple(_steps(value) for value in tree)
    return list(tree) if isinstance(tree, tuple) else tree


def _infos(item: Trajectory) -> dict[str, Any]:
    count = len(item) + 1
    cut = not (item.terminated[-1] or item.truncated[-1])
    about = json.dumps(
        {
            "success": item.success,
            "policy": item.policy,
            "cut": bool(cut),
            "provenance": dict(item.provenance),
        }
    )
    codes = np.frombuffer(about.encode(), np.uint8)
    return {
        # An info is an array with an entry a step, so what is said once is said again.
        "about": np.broadcast_to(codes, (count, len(codes))).copy(),
        **{f"fact.{name}": values for name, values in item.facts.items()},
        **{f"state.{name}": values for name, values in item.states.items()},
    }


def _trajectory(episode: Any, seed: Any, *, env_id: str, policy: str) -> Trajectory:
    infos = dict(episode.infos or {})
    kept = infos.get(_KEY, {})
    about: dict[str, Any] = {}
    if "about" in kept:
        about = json.loads(bytes(np.asarray(kept["about"], np.uint8)[0]))
    truncated = np.array(episode.truncations, dtype=np.bool_)
    if about.get("cut"):
        truncated[-1] = False
    success = about.get("success")
    for key in ("success", "is_success"):
        if success is None and key in infos and len(infos[key]):
            success = bool(infos[key][-1])
    observations = _plain(episode.observations)
    if leading_size(observations) != len(episode.rewards) + 1:
        raise OptionError(
            f"from_minari: episode {episode.id} has {leading_size(observations)} observations and "
            f"{len(episode.rewards)} rewards; want one observation more, that of the reset"
        )
    return Trajectory(
        observations=observations,
        actions=_plain(episode.actions),
        rewards=np.array(episode.rewards, dtype=np.float64),
        terminated=np.array(episode.terminations, dtype=np.bool_),
        truncated=truncated,
        success=success,
        seed=None if seed is None else int(seed),
        policy=about.get("policy", policy),
        env_id=env_id,
        provenance=about.get("provenance", {}),
        facts=_named(kept, "fact.", np.bool_),
        states=_named(kept, "state.", None),
    )


def _named(kept: dict[str, Any], prefix: str, dtype: Any) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): np.asarray(values, dtype)
        for name, values in kept.items()
        if name.startswith(prefix)
    }


def _plain(tree: Any) -> Any:
    """Give lists of text as tuples, and bytes as text: that is how Minari gives Text spaces back."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, tuple) and not (tree and isinstance(tree[0], str | bytes)):
        return tuple(_plain(value) for value in tree)
    if isinstance(tree, list | tuple):
        return tuple(each.decode() if isinstance(each, bytes) else str(each) for each in tree)
    array = np.asarray(tree)
    if array.dtype.kind in "SUO":
        return tuple(each.decode() if isinstance(each, bytes) else str(each) for each in array)
    return array

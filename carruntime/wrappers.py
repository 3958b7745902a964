"""Gymnasium environments whose reward is that of a program.

The difficulty is time. A program must see the last observation of an episode with the transition
that led there, and the first observation of the next episode as a beginning, whatever the
environment does when an episode ends:

    mode        the step that ends it returns      the step after it
    NEXT_STEP   the last observation               ignores its action, returns the first
    SAME_STEP   the first; the last in final_obs   an ordinary step
    DISABLED    the last observation               only after reset(options={"reset_mask": ...})

So NEXT_STEP resets the program with what the step after returned and skips these rows;
SAME_STEP puts ``final_obs`` in place, pays, and resets afterwards; DISABLED resets with the
environment. Spaces, seeds and observations are handed through untouched, and the environment's
own reward stays in ``info["env_reward"]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from numpy.typing import NDArray

from carruntime.batch import RewardBatch
from carruntime.columns import copy_batch, overlay
from carruntime.errors import OptionError, RewardError
from carruntime.frames import Source as FrameFrom
from carruntime.payment import Mode, Payment
from carruntime.reward import RewardProgram, Source
from carruntime.session import OnError, RewardSession
from carruntime.spaces import spec_of
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.telemetry import Telemetry

__all__ = ["CodeRewardVectorWrapper", "CodeRewardWrapper", "Mode"]


class CodeRewardWrapper(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """An environment whose reward comes from a program.

    ``info`` of a step has the environment's own reward as ``env_reward``, how the row ended as
    ``outcome`` (see `carruntime.Outcome`), and where the program has them ``components`` (name to
    float, those present) and ``completed`` (bool ``[K]``, latched since reset).

    Modes, with ``r`` the environment's reward and ``p`` the program's:

    ``"replace"``
        ``p``.
    ``"add"``
        ``r + p``.
    ``"milestones"``
        ``1/K`` for each of the K tasks when it is first completed, nothing else; what holds at
        reset is never paid.
    ``"potential"``
        ``r + γ Φ(s') - Φ(s)``, which keeps optimal policies optimal. Φ is the program, which then
        must be a function of the state alone, or for a program of tasks the share completed.
        Φ(s') is 0 where the episode terminated, and not where it was truncated.

    Args:
        env: The environment.
        program: A loaded program, or its source (``str``) or file (``os.PathLike``).
        mode: See above.
        gamma: Discount of ``"potential"``, in ``[0, 1]``; must be the agent's.
        on_error: What the program's reward of a bad row becomes, see `RewardProgram.start`.
        telemetry: Keep counts and running quantiles in ``wrapper.telemetry``.
        frame_source: Where the frames come from, if the program looks at any: a source of
            `carruntime.frames`, or its name; ``env.render()`` if left out.
        **options: Further arguments of `carruntime.load`, where ``program`` is a source.

    Raises:
        LoadError: If the source has findings that refuse it.
        OptionError: If an argument cannot be used, or the program is for other spaces.

    Reference:
        Ng, Harada and Russell, Policy invariance under reward transformations, ICML 1999.
    """

    _disable_deepcopy = True

    def __init__(
        self,
        env: gym.Env[Any, Any],
        program: RewardProgram | Source,
        *,
        mode: Mode = "replace",
        gamma: float | None = None,
        on_error: OnError = "raise",
        telemetry: bool = False,
        frame_source: FrameFrom = None,
        **options: Any,
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self,
            program=program,
            mode=mode,
            gamma=gamma,
            on_error=on_error,
            telemetry=telemetry,
            frame_source=frame_source,
            **options,
        )
        gym.Wrapper.__init__(self, env)
        self._payment = Payment(
            env,
            program,
            1,
            mode=mode,
            gamma=gamma,
            on_error=on_error,
            options=options,
            telemetry=telemetry,
            frame_source=frame_source,
        )
        self._obs: Any = None

    @property
    def program(self) -> RewardProgram:
        """The program that pays."""
        return self._payment.program

    @property
    def session(self) -> RewardSession:
        """Its session; ``session.outcomes`` counts how rows ended."""
        return self._payment.session

    @property
    def telemetry(self) -> Telemetry | None:
        """What was paid so far, if ``telemetry=True``."""
        return self._payment.session.telemetry

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the environment, and the program with its first observation."""
        obs, info = self.env.reset(seed=seed, options=options)
        self._payment.begin(obs, None, self._payment.look(self.env, obs, info))
        self._keep(obs)
        return obs, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step the environment and reward the transition.

        Raises:
            RewardError: If the program failed and ``on_error`` is ``"raise"``. The environment
                has made the step, and can be stepped further.
        """
        obs, env_reward, terminated, truncated, info = self.env.step(action)
        payment = self._payment
        failed: RewardError | None = None
        try:
            batch = payment.session.step(
                self._obs,
                action,
                obs,
                bool(terminated),
                bool(truncated),
                frame=payment.look(self.env, obs, info),
                extra={name: info.get(name) for name in payment.extras},
            )
        except RewardError as error:
            failed, batch = error, error.batch
        own = float(env_reward)
        reward = payment.pay(batch, np.array([own]), np.array([bool(terminated)]))
        self._keep(obs)
        if failed is not None:
            raise failed
        info = dict(info)
        info["env_reward"] = own
        info["outcome"] = int(batch.outcome[0])
        if batch.components:
            info["components"] = {
                name: float(values[0])
                for name, values in batch.components.items()
                if batch.present[name][0]
            }
        if batch.task_names:
            info["completed"] = batch.completed[0]
        return obs, float(reward[0]), bool(terminated), bool(truncated), info

    def _keep(self, obs: Any) -> None:
        # An environment may return one array again and again and write into it.
        before = self._payment.before
        self._obs = None if before is None else copy_batch(before, obs)

    def close(self) -> None:
        """Close the session and the environment."""
        self._payment.close()
        super().close()


class CodeRewardVectorWrapper(VectorWrapper):
    """A vector environment whose rewards come from a program, in any autoreset mode.

    ``info`` of a step has ``env_reward`` (float64 ``[N]``), ``outcome`` (uint8 ``[N]``,
    SKIPPED on the step that only resets) and, where the program has them, ``components`` (a dict
    of float64 ``[N]``) and ``completed`` (bool ``[N, K]``), each with Gymnasium's mask under the
    same name with an underscore before it. With SAME_STEP they belong to the transition that
    ended, as the reward does.

    Args:
        env: The vector environment.
        program: A loaded program, or its source (``str``) or file (``os.PathLike``).
        mode: See `CodeRewardWrapper`.
        gamma: Discount of ``mode="potential"``.
        on_error: What the program's reward of a bad row becomes.
        telemetry: Keep counts and running quantiles in ``wrapper.telemetry``.
        frame_source: Where the frames come from, if the program looks at any: a source of
            `carruntime.frames`, or its name; ``info["frame"]`` if left out, where
            `carruntime.frames.RenderFrames` puts it inside of each sub-environment.
        autoreset_mode: How the environment resets itself, where its metadata does not say so.
        **options: Further arguments of `carruntime.load`, where ``program`` is a source.

    Raises:
        LoadError: If the source has findings that refuse it.
        OptionError: If an argument cannot be used, or the program is for other spaces.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        program: RewardProgram | Source,
        *,
        mode: Mode = "replace",
        gamma: float | None = None,
        on_error: OnError = "raise",
        telemetry: bool = False,
        frame_source: FrameFrom = None,
        autoreset_mode: AutoresetMode | str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(env)
        self.autoreset_mode = _autoreset_mode(env, autoreset_mode)
        self._payment = Payment(
            env,
            program,
            env.num_envs,
            mode=mode,
            gamma=gamma,
            on_error=on_error,
            options=options,
            telemetry=telemetry,
            frame_source=frame_source,
            many=True,
        )
        self._check_source()
        self._obs: Any = None
        self._ended = np.zeros(env.num_envs, np.bool_)

    @property
    def program(self) -> RewardProgram:
        """The program that pays."""
        return self._payment.program

    @property
    def session(self) -> RewardSession:
        """Its session; ``session.outcomes`` counts how rows ended."""
        return self._payment.session

    @property
    def telemetry(self) -> Telemetry | None:
        """What was paid so far, if ``telemetry=True``."""
        return self._payment.session.telemetry

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the environments, or those of ``options["reset_mask"]``, and the program."""
        # Gymnasium takes the mask out of the caller's dict, so it is read before.
        mask = None if options is None else options.get("reset_mask")
        mask = None if mask is None else np.array(mask)
        obs, info = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        self._payment.begin(obs, mask, self._payment.look(self.env, obs, info))
        self._ended[slice(None) if mask is None else mask] = False
        self._keep(obs)
        return obs, info

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step the environments and reward their transitions.

        Raises:
            RewardError: If a row failed and ``on_error`` is ``"raise"``. The environments have
                made the step, and can be stepped further.
        """
        obs, env_reward, terminated, truncated, info = self.env.step(actions)
        payment = self._payment
        ended = np.logical_or(terminated, truncated)
        mask: NDArray[np.bool_] | None = None
        extra = {name: info.get(name) for name in payment.extras}
        after = obs
        frame = first = payment.look(self.env, obs, info)
        if self.autoreset_mode is AutoresetMode.NEXT_STEP:
            if self._ended.any():
                mask = ~self._ended
                payment.begin(obs, self._ended, first)
        elif self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            after = self._with_final(obs, ended, info)
            extra = _with_final_info(extra, ended, info)
            if payment.frame_source is not None:
                last = self._last_frames(obs, ended, info)
                frame = np.array(first)
                frame[ended] = np.asarray(last)[ended]
        failed: RewardError | None = None
        try:
            batch = payment.session.step(
                self._obs,
                actions,
                after,
                terminated,
                truncated,
                frame=frame,
                extra=extra,
                mask=mask,
            )
        except RewardError as error:
            failed, batch = error, error.batch
        own = np.array(env_reward, dtype=np.float64)
        reward = payment.pay(batch, own, np.asarray(terminated))
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            payment.begin(obs, ended, first)
        self._ended = ended
        self._keep(obs)
        if failed is not None:
            raise failed
        return obs, reward, terminated, truncated, self._tell(info, batch, own)

    def _check_source(self) -> None:
        """Refuse a source that would show the next episode in place of the end of this one."""
        source = self._payment.frame_source
        if source is None or source.sees_ends or self.autoreset_mode is not AutoresetMode.SAME_STEP:
            return
        self._payment.close()
        raise OptionError(
            f"frame_source={source!r}: in autoreset mode SAME_STEP the environments have reset "
            "themselves before it is asked, and the last frame of an episode is lost; make them "
            "with wrappers=[carruntime.frames.RenderFrames] and leave frame_source out, or use "
            "another autoreset mode"
        )

    def _last_frames(self, obs: Any, ended: NDArray[np.bool_], info: Mapping[str, Any]) -> Any:
        """Give the frames that ended episodes had last."""
        final = info.get("final_info")
        told = {**info, **final} if isinstance(final, Mapping) else info
        rows = np.flatnonzero(ended).tolist()
        kept = info.get("final_obs")
        if isinstance(obs, Mapping) and kept is not None:
            whole = spec_of(self.env.single_observation_space, text_bytes=1 << 16, path="")
            obs = overlay(whole, obs, {row: _row(kept, row) for row in rows})
        elif kept is not None:
            obs = np.array(obs)
            for row in rows:
                obs[row] = _row(kept, row)
        return self._payment.look(self.env, obs, told)

    def _with_final(self, obs: Any, ended: NDArray[np.bool_], info: Mapping[str, Any]) -> Any:
        spec = self._payment.after
        if spec is None:
            return obs
        rows = np.flatnonzero(ended).tolist()
        final = info.get("final_obs")
        if final is None:
            raise OptionError(
                f"{type(self.env).__name__}: env {rows[0]} ended in autoreset mode SAME_STEP and "
                'info has no "final_obs"; without it the last observation of an episode is lost: '
                "mend the environment, or use another autoreset mode"
            )
        return overlay(spec, obs, {row: _row(final, row) for row in rows})

    def _tell(
        self, info: Mapping[str, Any], batch: RewardBatch, own: NDArray[np.float64]
    ) -> dict[str, Any]:
        every = np.ones(len(own), np.bool_)
        ran = batch.outcome != Outcome.SKIPPED
        told: dict[str, Any] = dict(info)
        told["env_reward"], told["_env_reward"] = own, every
        told["outcome"], told["_outcome"] = batch.outcome, every.copy()
        if batch.components:
            parts: dict[str, Any] = {}
            for name, values in batch.components.items():
                parts[name], parts[f"_{name}"] = values, batch.present[name]
            told["components"], told["_components"] = parts, ran
        if batch.task_names:
            told["completed"], told["_completed"] = batch.completed, every.copy()
        return told

    def _keep(self, obs: Any) -> None:
        # A vector environment made with copy=False writes the next batch into the same arrays.
        before = self._payment.before
        self._obs = None if before is None else copy_batch(before, obs)

    def close(self, **kwargs: Any) -> None:
        """Close the session and the environments."""
        self._payment.close()
        super().close(**kwargs)


def _autoreset_mode(
    env: VectorEnv[Any, Any, Any], given: AutoresetMode | str | None
) -> AutoresetMode:
    told = env.metadata.get("autoreset_mode") if given is None else given
    try:
        return AutoresetMode(told)
    except ValueError:
        raise OptionError(
            f"{type(env).__name__}: autoreset mode {told!r} is not known, and when a program is "
            "reset depends on it; pass autoreset_mode= one of "
            f"{', '.join(f'AutoresetMode.{mode.name}' for mode in AutoresetMode)}"
        ) from None


def _row(final: Any, row: int) -> Any:
    """Give one environment's value: Gymnasium keeps them as objects, others as a batch."""
    if isinstance(final, Mapping):
        return {key: _row(value, row) for key, value in final.items()}
    return final[row]


def _with_final_info(
    extra: dict[str, Any], ended: NDArray[np.bool_], info: Mapping[str, Any]
) -> dict[str, Any]:
    """Take the extra values of environments that ended from their last info."""
    final = info.get("final_info")
    if not isinstance(final, Mapping):
        return extra
    found: dict[str, Any] = {}
    for name, value in extra.items():
        last = final.get(name)
        if last is None:
            found[name] = value
        elif value is None:
            found[name] = last
        else:
            found[name] = np.array(value)
            found[name][ended] = np.asarray(last)[ended]
    return found

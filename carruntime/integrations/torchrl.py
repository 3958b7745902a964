"""A TorchRL transform whose reward is that of a program; extra ``torchrl``.

``TransformedEnv(env, CodeRewardTransform(program))`` pays what the program says of each
transition, for one environment or a batch of them. TorchRL resets environments by mask and never
behind one's back, so a program's episodes begin exactly where ``reset`` is called.

Observations are looked up by their space: the keys of a Dict, else ``"observation"``. A Discrete
action or observation may come as a number or one-hot, as TorchRL has it by default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from sandbox.schema import ArraySpec, DictSpec, Spec, TupleSpec

try:
    import torch
    from torchrl.data.tensor_specs import Unbounded
    from torchrl.envs.transforms import Transform
except ModuleNotFoundError as error:
    raise OptionError(
        f"carruntime.integrations.torchrl needs {error.name}, which is not installed: "
        "pip install 'carruntime[torchrl]'"
    ) from error

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from carruntime.session import OnError, RewardSession
    from carruntime.telemetry import Telemetry

__all__ = ["CodeRewardTransform"]


class CodeRewardTransform(Transform):  # type: ignore[misc]  # TorchRL has no types
    """Replace the reward of an environment by a program's, or add it.

    Args:
        program: A loaded program for the spaces of a single environment.
        mode: ``"replace"``, or ``"add"`` to pay the environment's own reward too.
        on_error: What the reward of a bad row becomes, see `RewardProgram.start`.
        telemetry: Keep counts and running quantiles in ``transform.telemetry``.
        observation_key: Where an observation lies that is no Dict.
        action_key: Where the action lies.

    Raises:
        OptionError: If the program reads texts or extra values, which no tensor holds.
    """

    def __init__(
        self,
        program: RewardProgram,
        *,
        mode: Literal["replace", "add"] = "replace",
        on_error: OnError = "raise",
        telemetry: bool = False,
        observation_key: str = "observation",
        action_key: str = "action",
    ) -> None:
        if mode not in {"replace", "add"}:
            raise OptionError(f"CodeRewardTransform: mode={mode!r}; want 'replace' or 'add'")
        super().__init__(in_keys=["reward"], out_keys=["reward"])
        self.program = program
        self._mode = mode
        self._on_error: OnError = on_error
        self._telemetry = telemetry
        self._observation_key = observation_key
        self._action_key = action_key
        self._slots = program.plan.schema.read()
        self._session: RewardSession | None = None
        strange = [name for name in self._slots if name.startswith("extra/") or "frame" in name]
        texts = [name for name, spec in self._slots.items() if _has_text(spec)]
        if strange or texts:
            raise OptionError(
                f"CodeRewardTransform: {program.filename} reads {', '.join([*strange, *texts])} "
                "with parts that are no tensors; write it without these, or use "
                "carruntime.CodeRewardWrapper below TorchRL"
            )

    @property
    def session(self) -> RewardSession | None:
        """The session, once the environments were reset."""
        return self._session

    @property
    def telemetry(self) -> Telemetry | None:
        """What was paid so far, if ``telemetry=True`` and the environments were reset."""
        return None if self._session is None else self._session.telemetry

    def _reset(self, tensordict: Any, tensordict_reset: Any) -> Any:
        count = tensordict_reset.batch_size.numel()
        if self._session is None or self._session.num_envs != count:
            self._end()
            self._session = self.program.start(count, self._on_error, telemetry=self._telemetry)
        given = None if tensordict is None else tensordict.get("_reset", None)
        mask = None if given is None else np.asarray(_array(given, count).any(axis=1))
        first: dict[str, Any] = {}
        for slot in ("next_obs", "initial_obs"):
            if slot in self._slots:
                found = self._observation(self._slots[slot], tensordict_reset, count)
                first = {**first, **found} if isinstance(found, dict) else found
        self._session.reset(None if isinstance(first, dict) and not first else first, mask=mask)
        return tensordict_reset

    def _step(self, tensordict: Any, next_tensordict: Any) -> Any:
        session = self._session
        if session is None:
            raise OptionError("CodeRewardTransform: a step before any reset; reset the env first")
        count = session.num_envs
        slots = self._slots
        given: dict[str, Any] = {}
        for slot, where in (("obs", tensordict), ("next_obs", next_tensordict)):
            if slot in slots:
                given[slot] = self._observation(slots[slot], where, count)
        if "action" in slots:
            given["action"] = _read(slots["action"], tensordict.get(self._action_key), count)
        for flag in ("terminated", "truncated"):
            if flag in slots:
                given[flag] = _array(next_tensordict.get(flag), count).reshape(count).astype(bool)
        reward = next_tensordict.get("reward")
        paid = torch.as_tensor(session.step(**given).reward, device=reward.device)
        paid = paid.to(reward.dtype).reshape(reward.shape)
        next_tensordict.set("reward", reward + paid if self._mode == "add" else paid)
        return next_tensordict

    def transform_reward_spec(self, reward_spec: Any) -> Any:
        """Give the reward its shape and dtype, and no bounds: a program declares none."""
        own = reward_spec["reward"]
        reward_spec["reward"] = Unbounded(shape=own.shape, dtype=own.dtype, device=own.device)
        return reward_spec

    def close(self) -> None:
        """End the session."""
        self._end()
        super().close()

    def _end(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _observation(self, spec: Spec, tensordict: Any, count: int) -> Any:
        if isinstance(spec, DictSpec):
            return _read(spec, tensordict, count)
        return _read(spec, tensordict.get(self._observation_key), count)


def _read(spec: Spec, value: Any, count: int) -> Any:
    if isinstance(spec, DictSpec):
        return {key: _read(child, value.get(key), count) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(_read(child, value[at], count) for at, child in enumerate(spec.items))
    array = _array(value, count)
    if spec.kind == "int":
        width = int(spec.high - spec.low) + 1
        if array.size == count * width and width > 1:
            return array.reshape(count, width).argmax(axis=-1) + int(spec.low)
        return array.reshape(count).astype(np.int64)
    return np.ascontiguousarray(array.reshape(count, *spec.shape))


def _array(value: Any, count: int) -> NDArray[Any]:
    found: NDArray[Any] = value.detach().cpu().numpy()
    return found.reshape(count, -1)


def _has_text(spec: Spec) -> bool:
    if isinstance(spec, DictSpec):
        return any(_has_text(child) for _, child in spec.fields)
    if isinstance(spec, TupleSpec):
        return any(_has_text(child) for child in spec.items)
    return isinstance(spec, ArraySpec) and spec.kind == "text"

"""A reward program: loaded once, started for as many environments and as often as needed.

`carruntime.loading` makes them.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from carruntime.background import Compiling, MovingGuest
from carruntime.binding import Inputs
from carruntime.errors import OptionError, translated
from carruntime.frame_columns import FRAME_SLOTS
from carruntime.session import OnError, RewardSession
from sandbox.diagnostics import Report
from sandbox.limits import Limits
from sandbox.tiers.base import TierReason

if TYPE_CHECKING:
    from sandbox.host import Guest
    from sandbox.plan import Form, Plan
    from sandbox.tiers.base import Tier
    from sandbox.wire import Loaded

__all__ = ["Isolation", "Request", "Require", "RewardProgram", "Source", "TierWish"]

Source: TypeAlias = "str | os.PathLike[str]"
Isolation: TypeAlias = Literal["process", "none"]
Require: TypeAlias = Literal["any", "seccomp", "full"]
TierWish: TypeAlias = Literal["auto", "interpreted", "compiled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What `load` was asked for, in a form that can be sent to another process."""

    source: bytes
    filename: str
    inputs: Inputs | None
    entry: str | None = None
    bindings: Mapping[str, str] = field(default_factory=dict)
    reward_range: tuple[float, float] | None = None
    limits: Limits = field(default_factory=Limits)
    isolation: Isolation = "process"
    require: Require | None = None
    threads: int = 1

    def open(self) -> Guest:
        """Hand the source to a new worker, or read it in this process."""
        from sandbox.host import open_guest

        return open_guest(
            self.source,
            filename=self.filename,
            limits=self.limits,
            isolation=self.isolation,
            require=self.require,
            threads=self.threads,
        )


class RewardProgram:
    """A program that can be started; made by `load`.

    It can be pickled: the copy carries the text and reads it again, in its own worker, when it is
    first started.

    Attributes:
        source: The text.
        filename: Its name.
        digest: SHA-256 of its bytes in hex.
        report: Findings and facts (entry, form, binding, tier).
        tier: ``"compiled"`` or ``"interpreted"``: what runs.
        tier_reason: Why it is not compiled; None where it is.
        core: Lines of the compiled tier's core language, for people; none where interpreted.
        facts: What compilation found out, in numbers by name; empty where interpreted.
        component_names: Names of the parts of the reward, fixed.
        task_names: Names of the predicates, in order.
        reward_range: Lowest and highest reward as declared, or None. Rewards outside are counted
            in ``session.outside_range``; they are no errors.
    """

    def __init__(
        self, request: Request, plan: Plan, loaded: Loaded, guest: Guest, report: Report
    ) -> None:
        self._request = request
        self.plan = plan
        self.source = report.source
        self.filename = request.filename
        self.digest = guest.digest
        self.report = report
        self.tier: Tier = loaded.tier
        self.tier_reason: TierReason | None = loaded.tier_reason
        self.core: tuple[str, ...] = tuple(loaded.core)
        self.facts: dict[str, float] = dict(loaded.facts)
        self.component_names: tuple[str, ...] = tuple(loaded.component_names)
        self.task_names: tuple[str, ...] = tuple(task.function for task in plan.tasks)
        self.reward_range = request.reward_range
        self._spare: Guest | None = guest
        self._owner = os.getpid()
        self._compiling: Compiling | None = None
        self._compiled_names = self.component_names

    def _compile(self, interpreted: Loaded) -> None:
        """Begin to compile in another worker."""
        self.tier_reason = TierReason("CMP996", "it is being compiled in the background")
        self._compiling = Compiling(self._request.open, self.plan, interpreted, self._compiled)

    def _compiled(self, compiling: Compiling) -> None:
        loaded = compiling.loaded
        if loaded is None:
            self.tier_reason = compiling.reason
            return
        self._compiled_names = tuple(loaded.component_names)
        self.core = tuple(loaded.core)
        self.facts = dict(loaded.facts)
        self.tier_reason = None
        self.tier = "compiled"

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until a program that was loaded with ``background=True`` is compiled, or is not.

        `tier` and `tier_reason` say which; sessions move from then on.

        Args:
            timeout_s: Seconds to wait at most; no end where left out.

        Returns:
            Whether it is known by now. True at once for every other program.
        """
        return self._compiling is None or self._compiling.wait(timeout_s)

    def compiled_names(self) -> tuple[str, ...]:
        """Give the names of components in the order of the compiled tier."""
        return self._compiled_names

    @property
    def form(self) -> Form:
        """Which of the known forms the program has."""
        return self.plan.form

    @property
    def stateful(self) -> bool:
        """Whether it keeps something between the steps of an episode."""
        return self.plan.stateful

    @property
    def inputs(self) -> Inputs:
        """What its parameters could be bound to."""
        if self._request.inputs is None:
            raise OptionError("the program was read without spaces")
        return self._request.inputs

    @property
    def frame_shape(self) -> tuple[int, ...] | None:
        """Shape ``(H, W, 3)`` of the frames it was loaded for; None if it was for none."""
        frame = self.inputs.frame
        return None if frame is None else frame.shape

    @property
    def reads_frames(self) -> bool:
        """Whether a session needs frames."""
        return any(slot in FRAME_SLOTS for slot in self.plan.schema.read())

    @property
    def entry(self) -> str | None:
        """``entry=`` as given to `load`."""
        return self._request.entry

    @property
    def bindings(self) -> Mapping[str, str]:
        """``bindings=`` as given to `load`."""
        return self._request.bindings

    @property
    def limits(self) -> Limits:
        """What one row and one batch may use."""
        return self._request.limits

    @property
    def isolation(self) -> Isolation:
        """Whether it runs in a process of its own."""
        return self._request.isolation

    def start(
        self,
        num_envs: int = 1,
        on_error: OnError = "raise",
        *,
        keep_failed: int = 8,
        record_episodes: bool = False,
        spin_us: float = 200.0,
        telemetry: bool = False,
    ) -> RewardSession:
        """Bind the program to a number of environments.

        Args:
            num_envs: Environments, which is the size of every batch. With 1, values of a single
                environment are taken as well as batches of one.
            on_error: What the reward of a bad row becomes: ``"raise"`` a `RewardError` that holds
                the whole batch, ``"nan"``, ``"zero"``, ``"last"`` (that environment's reward
                before it, 0.0 on the first transition of an episode), or a number.
            keep_failed: Bad rows of a batch whose inputs are kept, for ``failure.save``.
            record_episodes: Keep all inputs since reset of a class, so that its failures can be
                saved whole. Costs one copy of the inputs a step.
            spin_us: Microseconds that a step may look for the worker's answer, giving the core
                away in between, before it sleeps; a sleeper needs about 50 to be woken. The
                worker looks a quarter as long for the next step. Where waits are much longer,
                neither looks for long. 0 for machines on which every core has something better
                to do; four times what the environments need for a step, so that the worker is
                always awake and keeps a core for itself.
            telemetry: Keep counts and running quantiles in ``session.telemetry``, see
                `carruntime.telemetry`.

        Returns:
            The session; close it, or use it as a context manager.

        Raises:
            OptionError: If an argument cannot be used.
        """
        if isinstance(num_envs, bool) or not hasattr(num_envs, "__index__") or num_envs < 1:
            raise OptionError(f"num_envs={num_envs!r}: want a whole number of at least 1")
        num_envs = operator.index(num_envs)
        if not isinstance(keep_failed, int) or keep_failed < 0:
            raise OptionError(f"keep_failed={keep_failed!r}: want a whole number from 0 on")
        is_number = isinstance(spin_us, int | float) and not isinstance(spin_us, bool)
        if not is_number or not 0 <= spin_us <= 1e6:
            raise OptionError(f"spin_us={spin_us!r}: want microseconds, from 0 to 1,000,000")
        guest, self._spare = self._spare, None
        if guest is None or self._owner != os.getpid():
            # After a fork the waiting worker still belongs to the parent process.
            guest = self._reopen()
            self._owner = os.getpid()
        moving = self._compiling
        if moving is not None and not (moving.wait(0) and moving.loaded is None):
            guest = MovingGuest(guest, moving, self.component_names)  # type: ignore[assignment]  # used as one
        try:
            kind: type[RewardSession] = RewardSession
            if telemetry:
                from carruntime.telemetry import WatchedSession

                kind = WatchedSession
            with translated("RewardProgram.start"):
                return kind(
                    self,
                    guest,
                    num_envs,
                    on_error=on_error,
                    keep_failed=keep_failed,
                    record_episodes=record_episodes,
                    spin_s=spin_us / 1e6,
                )
        except BaseException:
            guest.close()
            raise

    def _reopen(self) -> Guest:
        """Load the same source into another worker, in the tier that was decided at load."""
        with translated("RewardProgram.start"):
            guest = self._request.open()
            try:
                guest.build(self.plan, self.tier if self._compiling is None else "interpreted")
            except BaseException:
                guest.close()
                raise
        return guest

    def _take_back(self, guest: Guest) -> None:
        """Keep the worker of a closed session for the next one; called by the session."""
        mine = self._owner == os.getpid() and self._compiling is None
        if self._spare is None and mine:
            self._spare = guest
        else:
            guest.close()

    def close(self) -> None:
        """End the worker that waits for the next session, if any; may be called again."""
        guest, self._spare = self._spare, None
        if guest is not None:
            guest.close()
        if self._compiling is not None:
            self._compiling.close()

    def __getstate__(self) -> dict[str, Any]:
        # A copy is of the tier that is known by now.
        names = self._compiled_names if self.tier == "compiled" else self.component_names
        return {**self.__dict__, "_spare": None, "_compiling": None, "component_names": names}

    def __copy__(self) -> RewardProgram:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> RewardProgram:
        # Configurations are deep-copied by training frameworks; a program never changes.
        return self

    def __repr__(self) -> str:
        return f"RewardProgram({self.filename}, {self.form}, {self.tier}, {self.digest[:12]})"

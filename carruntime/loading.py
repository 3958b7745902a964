"""From a source to a reward program, or to a report.

`load` goes through the passes in their order. A worker reads the source and answers with names
and findings; the binding pass here decides what is called with what; the worker builds it in the
fastest tier that is equal to the reference. Whatever speaks against the program, in whichever
pass, ends up in one report, so that a person or a model can mend all of it at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from carruntime.binding import Binding, Inputs, bind
from carruntime.errors import LoadError, OptionError, translated
from carruntime.limits import plain_limits
from carruntime.reward import Isolation, Request, Require, RewardProgram, Source, TierWish
from carruntime.rules import finding
from sandbox.diagnostics import Finding, Report
from sandbox.errors import ProgramRefusedError, WorkerDiedError, WorkerTimeoutError
from sandbox.limits import Limits

if TYPE_CHECKING:
    import gymnasium as gym

    from sandbox.host import Guest
    from sandbox.plan import Plan
    from sandbox.wire import Loaded

__all__ = ["check", "load"]

_READ_BYTES: Final = 16 * 1024 * 1024
_RESERVED: Final = frozenset(
    {"obs", "observation", "state", "next_obs", "next_observation", "next_state", "initial_obs"}
    | {"action", "terminated", "truncated", "t", "frame", "initial_frame", "prev_frame", "self"}
)


def load(
    source: Source,
    env: object = None,
    *,
    spaces: tuple[gym.Space[Any], gym.Space[Any]] | None = None,
    entry: str | None = None,
    bindings: Mapping[str, str] | None = None,
    frame: object = None,
    frame_order: Literal["rgb", "bgr"] = "rgb",
    call_at_reset: bool = False,
    extra: Mapping[str, gym.Space[Any]] | None = None,
    reward_range: tuple[float, float] | None = None,
    limits: Limits | None = None,
    tier: TierWish = "auto",
    isolation: Isolation = "process",
    require: Require | None = None,
    threads: int = 1,
    background: bool = False,
) -> RewardProgram:
    """Check a program against an environment and make it ready to run.

    Args:
        source: A ``str`` is the program itself, an ``os.PathLike`` a file that holds it.
        env: An environment, a vector environment or the id of a registered environment whose
            spaces the program is for.
        spaces: ``(observation_space, action_space)`` in place of ``env``.
        entry: Function or class to use, or ``"TASKS"``; found by itself if left out.
        bindings: Parameter name to input, where names do not say it: ``{"x": "next_obs/pose"}``.
        frame: What a frame is, as ``(height, width, 3)`` or ``Box(0, 255, (H, W, 3), uint8)``; its
            size is part of what the program is loaded for. Left out, it is the size that ``env``
            draws, if that was made with ``render_mode="rgb_array"``, and the program asks for it.
        frame_order: Order of the channels in which the program is given its frames: ``"rgb"``, as
            environments render, or ``"bgr"``, as OpenCV reads files.
        call_at_reset: Call the paying method of a class when an episode begins too, after its
            `reset`, with the first frame or observation, and drop what it answers. Programs
            published with the paper are called with every picture of an episode, the first one
            included; without this, they see first what is there after the first action.
        extra: Further inputs per environment, name to space.
        reward_range: Lowest and highest reward that is meant; others are counted.
        limits: What the program may use.
        tier: ``"auto"`` takes the compiled tier if the program is equal in it; ``"compiled"``
            refuses a program that is not; ``"interpreted"`` is the reference.
        isolation: ``"process"``, or ``"none"`` for text that is trusted like own code.
        require: Least isolation to go on with: ``"seccomp"``, which holds in a worker process if
            left out, ``"full"`` for every layer there is, or ``"any"`` for what the system has;
            `sandbox.doctor` says which layers hold.
        threads: How many threads share the rows of a batch of at least 4,096 rows, where the
            program is compiled. Results are the same for any number of them, and smaller batches
            take one. More than one for a machine with cores to spare: relabelling, say.
        background: Do not wait for the compiler: sessions begin in the interpreted tier, and each
            environment moves at its own first reset after the program is compiled. Rewards are the
            same in both tiers within the tolerance tried at load; which tier ran a row depends on
            timing, and ``batch.tier`` says it. `RewardProgram.wait` waits. Only with
            ``tier="auto"``.

    Returns:
        The program, with its worker warm.

    Raises:
        LoadError: If anything speaks against it; holds the report.
        OptionError: If an argument cannot be used.
        SpaceError: If a space cannot be handed to a program.
        IsolationRefusedError: If less isolation than required can be had.
    """
    request = _request(
        source,
        env,
        spaces,
        entry=entry,
        bindings=bindings,
        frame=frame,
        frame_order=frame_order,
        call_at_reset=call_at_reset,
        extra=extra,
        reward_range=reward_range,
        limits=limits,
        isolation=isolation,
        require=require,
        tier=tier,
        threads=threads,
    )
    if background and tier != "auto":
        raise OptionError(f"background=True with tier={tier!r}: want tier='auto', or leave it out")
    with translated("load"):
        opened = _open(request, "interpreted" if background else tier, env, deciding=not background)
    if opened.guest is None or opened.plan is None or opened.loaded is None:
        raise LoadError(opened.report)
    made = RewardProgram(opened.request, opened.plan, opened.loaded, opened.guest, opened.report)
    if background:
        made._compile(opened.loaded)  # noqa: SLF001  # its own maker
    return made


def check(
    source: Source,
    env: object = None,
    *,
    spaces: tuple[gym.Space[Any], gym.Space[Any]] | None = None,
    entry: str | None = None,
    bindings: Mapping[str, str] | None = None,
    frame: object = None,
    frame_order: Literal["rgb", "bgr"] = "rgb",
    call_at_reset: bool = False,
    extra: Mapping[str, gym.Space[Any]] | None = None,
    limits: Limits | None = None,
    isolation: Isolation = "process",
    require: Require | None = None,
) -> Report:
    """Say all that can be said about a program without running it on data.

    Takes the arguments of `load`. Without ``env`` and ``spaces`` only the text and the entry are
    looked at, not the parameters. The compiler is not needed, so the answer is quick.

    Returns:
        The report; ``report.ok`` tells whether `load` would take the program.

    Raises:
        OptionError: If an argument cannot be used.
        SpaceError: If a space cannot be handed to a program.
        IsolationRefusedError: If less isolation than required can be had.
    """
    request = _request(
        source,
        env,
        spaces,
        entry=entry,
        bindings=bindings,
        frame=frame,
        frame_order=frame_order,
        call_at_reset=call_at_reset,
        extra=extra,
        reward_range=None,
        limits=limits,
        isolation=isolation,
        require=require,
        tier="interpreted",
        spaces_needed=False,
    )
    with translated("check"):
        opened = _open(request, "interpreted", env, deciding=False)
    if opened.guest is not None:
        opened.guest.close()
    return opened.report


@dataclass(slots=True)
class _Opened:
    request: Request
    report: Report
    guest: Guest | None = None
    plan: Plan | None = None
    loaded: Loaded | None = None


def _open(
    request: Request, tier: TierWish, env: object = None, *, deciding: bool = True
) -> _Opened:
    """Go through the passes; a guest is given back only if the program can be used.

    Where the program asks for a frame and nothing says what one is, ``env`` is looked at. Without
    ``deciding`` the tier is no fact about the program: it was built to look at it.
    """
    findings: list[Finding] = []
    facts: dict[str, str] = {}
    guest: Guest | None = None
    done = False
    text = request.source.decode("utf-8", "replace")
    try:
        guest = request.open()
        text = guest.text
        findings += guest.findings
        outline = guest.outline or guest.sketch
        if outline is None:
            return _Opened(request, _report(request, text, findings, facts))
        bound: Binding = bind(
            outline, request.inputs, entry=request.entry, bindings=request.bindings
        )
        if bound.lacks_frame and request.inputs is not None and env is not None:
            request, reason = _with_frame(request, request.inputs, env)
            if not reason and request.inputs is not None and request.inputs.frame is not None:
                height, width = request.inputs.frame.shape[:2]
                facts["frame"] = f"{height} x {width}, as the environment draws it"
            bound = bind(
                outline,
                request.inputs,
                entry=request.entry,
                bindings=request.bindings,
                no_frame=reason,
            )
        findings += bound.findings
        facts.update(bound.facts)
        if guest.outline is None or bound.plan is None:
            # It will not be built; what else there is to mend is told in the same run.
            known = bound.plan or bound.sketch
            if known is not None:
                findings += guest.judge(known)
            return _Opened(request, _report(request, text, findings, facts))
        loaded = guest.build(bound.plan, tier)
        findings += loaded.findings
        findings += _masked(loaded.component_names)
        if deciding:
            facts["tier"] = loaded.tier
            if loaded.tier_reason is not None:
                facts["tier_reason"] = str(loaded.tier_reason)
        if loaded.component_names:
            facts["components"] = ", ".join(loaded.component_names)
        report = _report(request, text, findings, facts)
        if not report.ok:
            return _Opened(request, report)
        done = True
        return _Opened(request, report, guest, bound.plan, loaded)
    except ProgramRefusedError as error:
        findings += error.report.findings
    except WorkerDiedError as error:
        rule = "CAR132" if error.gave_up else "CAR130"
        findings.append(finding(rule, None, reason=error.reason))
    except WorkerTimeoutError as error:
        findings.append(_too_slow(error, tier))
    finally:
        if guest is not None and not done:
            guest.close()
    return _Opened(request, _report(request, text, findings, facts))


def _with_frame(request: Request, inputs: Inputs, env: object) -> tuple[Request, str]:
    """Take the size of a frame from what the environment draws, or say why it cannot be had."""
    from carruntime.frames import drawn_shape
    from carruntime.spaces import frame_spec

    shape, reason = drawn_shape(env)
    if shape is None:
        return request, reason
    return replace(request, inputs=replace(inputs, frame=frame_spec(shape))), ""


def _masked(names: tuple[str, ...]) -> list[Finding]:
    """Find components called like the mask that stands beside another one in an info.

    A lone `_total` is taken: there is no `total` whose mask it could be.
    """
    return [finding("CAR122", None, name=name) for name in names if f"_{name}" in names]


def _too_slow(error: WorkerTimeoutError, tier: TierWish) -> Finding:
    advice = "look for a loop that does not end, lower limits.fuel, which bounds every trial row"
    if tier != "interpreted":
        advice += ', load with tier="interpreted", which needs no compiler'
    return finding("CAR131", None, wall_s=f"{error.wall_s:g}", setting=error.setting, advice=advice)


def _report(
    request: Request, text: str, findings: Iterable[Finding], facts: Mapping[str, str]
) -> Report:
    # A finding can be made in two passes that look at the same place; it is told once.
    unique = dict.fromkeys(findings)
    order = sorted(
        unique,
        key=lambda item: (
            (item.span.line, item.span.column) if item.span else (0, 0),
            item.rule,
            item.message,
        ),
    )
    return Report(request.filename, text, tuple(order), dict(facts))


def _request(
    source: Source,
    env: object,
    spaces: tuple[gym.Space[Any], gym.Space[Any]] | None,
    *,
    entry: str | None,
    bindings: Mapping[str, str] | None,
    frame: object,
    frame_order: str,
    call_at_reset: bool,
    extra: Mapping[str, gym.Space[Any]] | None,
    reward_range: tuple[float, float] | None,
    limits: Limits | None,
    isolation: Isolation,
    require: Require | None,
    tier: TierWish,
    spaces_needed: bool = True,
    threads: int = 1,
) -> Request:
    for name, value, offered in (
        ("tier", tier, ("auto", "interpreted", "compiled")),
        ("isolation", isolation, ("process", "none")),
        ("require", require or "any", ("any", "seccomp", "full")),
        ("frame_order", frame_order, ("rgb", "bgr")),
    ):
        if value not in offered:
            raise OptionError(f"{name}={value!r}: want one of {', '.join(map(repr, offered))}")
    if not isinstance(call_at_reset, bool):
        raise OptionError(f"call_at_reset={call_at_reset!r}: want True or False")
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 64:
        raise OptionError(f"threads={threads!r}: want a whole number from 1 to 64")
    _must_be_kinds(entry, bindings, extra)
    limits = plain_limits(limits)
    inputs = None
    if env is not None or spaces is not None or spaces_needed:
        # Gymnasium takes half a second to import, and a check of a text alone needs none of it.
        from carruntime.spaces import frame_spec, spaces_of, spec_of

        observation, action = spaces_of(env, spaces)
        inputs = Inputs(
            spec_of(observation, text_bytes=limits.text_bytes, path="observation_space"),
            spec_of(action, text_bytes=limits.text_bytes, path="action_space"),
            _extra(extra, limits) if extra else {},
            frame_spec(frame),
            "bgr" if frame_order == "bgr" else "rgb",
            call_at_reset,
        )
    data, filename = _read(source)
    if data.lstrip()[:1] == b"{":
        from carruntime.generate.bundle import is_bundle, program_in

        data = program_in(data, filename) if is_bundle(data) else data
    return Request(
        source=data,
        filename=filename,
        inputs=inputs,
        entry=entry,
        bindings=dict(bindings or {}),
        reward_range=_range(reward_range),
        limits=limits,
        isolation=isolation,
        require=require,
        threads=threads,
    )


def _must_be_kinds(entry: object, bindings: object, extra: object) -> None:
    """Refuse arguments of the wrong kind before they fail somewhere deep."""
    if not isinstance(entry, str | None):
        raise OptionError(f"entry={entry!r}: want the name of a function or class, or 'TASKS'")
    if bindings is not None and not (
        isinstance(bindings, Mapping)
        and all(isinstance(text, str) for pair in bindings.items() for text in pair)
    ):
        raise OptionError(
            f"bindings={bindings!r}: want a dict of parameter names to inputs, such as "
            "{'x': 'next_obs/pose'}"
        )
    if extra is not None and not (
        isinstance(extra, Mapping) and all(isinstance(name, str) for name in extra)
    ):
        raise OptionError(
            f"extra={extra!r}: want a dict of names to spaces, such as {{'battery': Box(0, 1)}}"
        )


def _extra(extra: Mapping[str, gym.Space[Any]], limits: Limits) -> dict[str, Any]:
    for name in extra:
        if not name.isidentifier() or name in _RESERVED:
            raise OptionError(
                f"extra= declares {name!r}; want a name that a parameter can have and that the "
                f"contract does not use itself ({', '.join(sorted(_RESERVED))})"
            )
    from carruntime.spaces import spec_of

    return {
        name: spec_of(space, text_bytes=limits.text_bytes, path=f"extra[{name!r}]")
        for name, space in extra.items()
    }


def _range(reward_range: tuple[float, float] | None) -> tuple[float, float] | None:
    if reward_range is None:
        return None
    try:
        low, high = (float(bound) for bound in reward_range)
    except (TypeError, ValueError):
        low = high = nan
    if isnan(low) or isnan(high) or low > high:
        raise OptionError(
            f"reward_range={reward_range!r}: want (lowest, highest) with lowest <= highest"
        )
    return low, high


def _read(source: Source) -> tuple[bytes, str]:
    if isinstance(source, str):
        if source.endswith(".py") and "\n" not in source:
            raise OptionError(
                f"source={source!r} looks like the name of a file, but a str is the program "
                f"itself: pass pathlib.Path({source!r})"
            )
        # What is no UTF-8 comes through as bytes that the parser refuses with a place.
        return source.encode("utf-8", "surrogatepass"), "<program>"
    if not isinstance(source, os.PathLike):
        raise OptionError(
            f"source is a {type(source).__name__}; want a str with the program itself, or a "
            "pathlib.Path to a file"
        )
    path = Path(source)
    try:
        with path.open("rb") as stream:
            # More than any limit allows is not read; the parser refuses it by its size. A bundle
            # has a source and much beside it.
            return stream.read(_READ_BYTES), str(path)
    except OSError as error:
        raise OptionError(
            f"source={str(path)!r} cannot be read: {error.strerror or error}; want a readable file"
        ) from error

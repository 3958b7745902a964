"""An analysis and a plan to a runner: findings, components, tiers, and whether the tiers agree.

Compiling comes first, because it works on the tree alone and runs nothing of the guest: a worker
gives up what only a compiler needs before the first line of the guest runs. The interpreted tier
says what a program means. It runs on a probe batch, which shows the components and, where the
compiler takes the program, what the kernel has to give. A kernel that differs anywhere is not
used. How much is tried is counted in fuel, not in time, so that the tier and the names of a
program do not depend on how busy the machine is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox import wire
from sandbox.components import MAX_COMPONENTS, static_components
from sandbox.diagnostics import Finding, Report, Severity
from sandbox.errors import ProgramRefusedError, ProtocolError
from sandbox.instrument import InstrumentError
from sandbox.late import LateRunner
from sandbox.limits import Limits
from sandbox.lint import lint
from sandbox.opencv import opencv
from sandbox.outcome import PENDING, Outcome
from sandbox.parse import Places
from sandbox.plan import Plan
from sandbox.probe import Batch, probe_batches
from sandbox.rules import RULES
from sandbox.tiers.base import NO_FAILURE, Failure, Outputs, Runner, TierReason
from sandbox.tiers.interpreted import GuestModuleError, InterpretedRunner

if TYPE_CHECKING:
    from sandbox.passes import Analysis
    from sandbox.tiers.compiled.runner import CompiledRunner

__all__ = ["Assembled", "TierWish", "assemble", "outputs_for"]

TierWish = Literal["auto", "interpreted", "compiled"]
PROBE_FUEL: Final = 2_000_000
"""Units after which no further rows are tried; also what one of them may use at most."""
BLOCK_ROWS: Final = 64
"""Good rows are tried again in a batch of a multiple of so many, as a kernel goes through them."""
ENOUGH_ROWS: Final = 16
"""Rows that must have been tried for a kernel to be trusted, 4 for each step of a short probe."""
FLOAT64_TOLERANCE: Final = 1e-12
"""Relative; a few ulp of the steps of a formula. Most programs agree to the bit."""
FLOAT32_TOLERANCE: Final = 2e-6


@dataclass(frozen=True, slots=True)
class Assembled:
    """What `sandbox.passes.build` gives."""

    runner: Runner
    tier_reason: TierReason | None
    component_names: tuple[str, ...]
    findings: tuple[Finding, ...]
    stored: bool = False


def assemble(
    analysis: Analysis,
    plan: Plan,
    limits: Limits,
    tier: TierWish,
    before_guest_code: Callable[[], None] | None = None,
    *,
    code: bytes = b"",
    keep_code: Callable[[bytes], None] | None = None,
    pictures: bytes = b"",
) -> Assembled:
    """Make a runner; see `sandbox.passes.build`."""
    if pictures and tier != "interpreted":
        from sandbox.tiers.compiled.links import offer

        offer(pictures)
    tree = analysis.tree
    if tree is None or analysis.outline is None:
        raise ProgramRefusedError(analysis.report)
    ready = _load(code, plan, limits) if tier != "interpreted" else None
    if ready is not None:
        if before_guest_code is not None:
            before_guest_code()
        # That it agrees was found when it was compiled, from the same text, plan and limits; so
        # were the findings.
        found, told = ready
        found.lend(LateRunner(lambda: InterpretedRunner(tree, analysis.text, plan, limits)))
        return Assembled(found, None, tuple(found.component_names), told, stored=True)
    findings = list(lint(tree, plan, analysis.text))
    unseen = _import_of_opencv(tree)
    if unseen is not None and opencv() is None:
        findings.append(RULES["SBX706"].finding(Places(analysis.text).span(unseen)))
    _refuse_errors(analysis, findings)
    compiled: CompiledRunner | TierReason = TierReason(
        "CMP000", "the interpreted tier was asked for"
    )
    if tier != "interpreted":
        compiled = _compile(tree, plan, limits, analysis.text)
        if keep_code is not None and not isinstance(compiled, TierReason):
            # Now, because what this process says after guest code has run is worth less.
            frozen = compiled.freeze()
            if frozen is not None:
                keep_code(wire.encode([frozen, wire.pack(wire.Refused(tuple(findings)))]))
    if before_guest_code is not None:
        before_guest_code()
    try:
        interpreted = InterpretedRunner(tree, analysis.text, plan, limits)
    except GuestModuleError as error:
        failure = error.failure
        finding = RULES["SBX701"].finding(
            failure.span, exception=failure.exception, message=failure.message
        )
        raise _refused(analysis, [*findings, finding]) from None
    except InstrumentError as error:
        places = Places(analysis.text)
        more = [
            RULES["SBX702"].finding(places.span(node), message=text)
            for node, text in error.problems
        ]
        raise _refused(analysis, [*findings, *more]) from None
    batches = probe_batches(plan, tree)
    interpreted.fuel = min(limits.fuel, PROBE_FUEL)
    interpreted.learning = True
    _try(interpreted, plan, batches, None)
    names = tuple(dict.fromkeys([*interpreted.seen, *static_components(tree, plan)]))
    if len(names) > MAX_COMPONENTS:
        finding = RULES["SBX703"].finding(None, count=len(names), limit=MAX_COMPONENTS)
        raise _refused(analysis, [*findings, finding])
    interpreted.use_components(names)
    if not isinstance(compiled, TierReason):
        cut = limits.fuel > PROBE_FUEL
        difference = _compare(interpreted, compiled, plan, batches, _tolerance(plan), cut=cut)
        interpreted.use_components(names)
        if difference is None:
            compiled.failures.clear()
            interpreted.fuel = limits.fuel
            compiled.lend(interpreted)
            return Assembled(compiled, None, tuple(compiled.component_names), tuple(findings))
        compiled = difference
    if tier == "compiled":
        finding = RULES["SBX704"].finding(compiled.span, reason=str(compiled))
        raise _refused(analysis, [*findings, finding])
    interpreted.fuel = limits.fuel
    return Assembled(interpreted, compiled, names, tuple(findings))


def _import_of_opencv(tree: ast.Module) -> ast.AST | None:
    """Give the import of OpenCV, if there is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(item.name == "cv2" for item in node.names):
            return node
        if isinstance(node, ast.ImportFrom) and node.module == "cv2":
            return node
    return None


def _load(
    code: bytes, plan: Plan, limits: Limits
) -> tuple[CompiledRunner, tuple[Finding, ...]] | None:
    """Take what was given to ``keep_code``: the machine code, and the findings."""
    if not code:
        return None
    from sandbox.tiers.compiled import load_program

    try:
        parts = wire.decode(code)
        if not isinstance(parts, list) or [type(part) for part in parts] != [bytes, bytes]:
            return None
        findings = wire.unpack(wire.Refused, parts[1]).findings
    except ProtocolError:
        return None
    made = load_program(parts[0], plan, limits)
    return None if made is None else (made, findings)


def _compile(
    tree: ast.Module, plan: Plan, limits: Limits, text: str
) -> CompiledRunner | TierReason:
    from sandbox.tiers.compiled import compile_program

    try:
        made: CompiledRunner | TierReason = compile_program(tree, plan, limits, text)
    except Exception as error:
        # A compiler fails in many ways; the program still has a tier to run in.
        return TierReason(
            "CMP991", f"the compiler failed with {type(error).__name__}: {str(error)[:200]}"
        )
    return made


def _tolerance(plan: Plan) -> float:
    narrow = any(column.spec.dtype in ("float32", "float16") for column in plan.schema.columns())
    return FLOAT32_TOLERANCE if narrow else FLOAT64_TOLERANCE


def outputs_for(rows: int, plan: Plan, components: int) -> Outputs:
    """Make result arrays in which no row is asked for."""
    tasks = len(plan.tasks)
    return Outputs(
        outcome=np.full(rows, Outcome.SKIPPED, np.uint8),
        reward=np.zeros(rows),
        components=np.zeros((components, rows)),
        present=np.zeros((components, rows), np.bool_),
        tasks=np.zeros((rows, tasks), np.bool_),
        task_outcome=np.full((rows, tasks), Outcome.SKIPPED, np.uint8),
        failure=np.full(rows, NO_FAILURE, np.int32),
        task_failure=np.full((rows, tasks), NO_FAILURE, np.int32),
        fuel=np.zeros(rows, np.int64),
    )


@dataclass(slots=True)
class _Trial:
    """The rows of a batch that were run, and what came out."""

    ran: list[NDArray[np.bool_]]
    results: list[Outputs]


def _try(
    runner: Runner, plan: Plan, batches: list[Batch], ran: list[NDArray[np.bool_]] | None
) -> _Trial:
    """Run the batches until the fuel of a probe is used up, or just the rows given."""
    rows = len(next(iter(batches[0].values()))) if batches[0] else 4
    count = len(runner.component_names)
    inputs = {name: array.copy() for name, array in batches[0].items()}
    live = outputs_for(rows, plan, count)
    runner.bind(rows, inputs, live)
    trial = _Trial([], [])
    left = PROBE_FUEL
    steps = [None, *batches] if plan.stateful else list(batches)
    for index, batch in enumerate(steps):
        if batch is not None:
            for name, array in batch.items():
                inputs[name][...] = array
        done = np.zeros(rows, np.bool_)
        wanted = ran[index] if ran is not None else None
        for row in range(rows):
            if wanted is None:
                if left <= 0:
                    break
            elif not wanted[row]:
                continue
            live.outcome[row] = PENDING
            live.task_outcome[row] = PENDING
            if batch is None:
                runner.reset()
            else:
                runner.step()
            left -= int(live.fuel[row])
            done[row] = True
        trial.ran.append(done)
        trial.results.append(_copy(live))
        live.outcome[...] = Outcome.SKIPPED
        live.task_outcome[...] = Outcome.SKIPPED
    return trial


def _copy(results: Outputs) -> Outputs:
    return Outputs(
        outcome=results.outcome.copy(),
        reward=results.reward.copy(),
        components=results.components.copy(),
        present=results.present.copy(),
        tasks=results.tasks.copy(),
        task_outcome=results.task_outcome.copy(),
        failure=results.failure.copy(),
        task_failure=results.task_failure.copy(),
        fuel=results.fuel.copy(),
    )


def _compare(
    reference: InterpretedRunner,
    kernel: CompiledRunner,
    plan: Plan,
    batches: list[Batch],
    tolerance: float,
    *,
    cut: bool,
) -> TierReason | None:
    """Run both tiers on the same rows; say how they differ, if they do.

    Where the probe is ``cut``, rows of the reference have less fuel than they will have, and
    those that used it up say nothing about the kernel.
    """
    names = tuple(dict.fromkeys([*kernel.component_names, *reference.component_names]))
    reference.use_components(names)
    wanted = _try(reference, plan, batches, None)
    if cut:
        _leave_out_the_cut(wanted)
    raised = list(reference.failures)
    # Rows that the kernel hands over are computed as they will be: by this same runner.
    kernel.lend(reference)
    try:
        given = _try(kernel, plan, batches, wanted.ran)
    except Exception as error:
        return TierReason("CMP992", f"the kernel failed with {type(error).__name__}: {error}")
    if sum(int(ran.sum()) for ran in wanted.ran) < min(ENOUGH_ROWS, 4 * len(batches)):
        return TierReason("CMP993", "its rows take too long to compare the tiers on enough of them")
    for step, (want, got) in enumerate(zip(wanted.results, given.results, strict=True)):
        for row in np.flatnonzero(wanted.ran[step]).tolist():
            text = _row_differs(names, raised, kernel, want, got, row, tolerance)
            if text:
                place = f"row {row}" if not plan.stateful else f"episode {row}, step {step}"
                return TierReason(
                    "CMP900", f"differs from the interpreted tier on {place} of the probe: {text}"
                )
    if kernel.works_in_blocks:
        text = _blocks_differ(kernel, plan, batches, given)
        if text:
            return TierReason("CMP900", f"differs between one row and many: {text}")
    tried = sum(int(ran.sum()) for ran in wanted.ran)
    if 2 * kernel.handed_over > tried:
        return TierReason("CMP994", "most of its rows need more than a kernel has room for")
    return None


def _blocks_differ(kernel: CompiledRunner, plan: Plan, batches: list[Batch], alone: _Trial) -> str:
    """Run the good rows of a trial again, all at once; say which results are others then."""
    good = np.logical_and.reduce(
        [
            ran & (results.outcome == Outcome.OK) & (results.task_outcome == Outcome.OK).all(axis=1)
            for ran, results in zip(alone.ran, alone.results, strict=True)
        ]
    )
    rows = np.flatnonzero(good)
    if not rows.size:
        return ""
    many = np.resize(rows, -(-rows.size // BLOCK_ROWS) * BLOCK_ROWS)
    inputs = {name: array[many] for name, array in batches[0].items()}
    live = outputs_for(len(many), plan, len(kernel.component_names))
    kernel.bind(len(many), inputs, live)
    steps = [None, *batches] if plan.stateful else list(batches)
    for batch, want in zip(steps, alone.results, strict=True):
        live.outcome[...] = PENDING
        live.task_outcome[...] = PENDING
        if batch is None:
            kernel.reset()
        else:
            for name, array in batch.items():
                inputs[name][...] = array[many]
            kernel.step()
        for name in ("outcome", "reward", "tasks", "task_outcome", "fuel"):
            if not np.array_equal(getattr(live, name), getattr(want, name)[many]):
                return name
        for name in ("components", "present"):
            if not np.array_equal(getattr(live, name), getattr(want, name)[:, many]):
                return name
    return ""


def _leave_out_the_cut(trial: _Trial) -> None:
    """Take out what used up its fuel, and for a class what came after it in the episode."""
    gone = np.zeros(len(trial.ran[0]), np.bool_)
    for ran, results in zip(trial.ran, trial.results, strict=True):
        gone |= ran & (results.outcome == Outcome.OUT_OF_FUEL)
        gone |= ran & (results.task_outcome == Outcome.OUT_OF_FUEL).any(axis=1)
        ran[gone] = False


def _row_differs(  # noqa: PLR0917  two runners, two results, one row
    names: tuple[str, ...],
    raised_by_reference: list[Failure],
    kernel: Runner,
    want: Outputs,
    got: Outputs,
    row: int,
    tolerance: float,
) -> str:
    outcomes = int(want.outcome[row]), int(got.outcome[row])
    if outcomes[0] != outcomes[1]:
        return f"outcome {_outcome(outcomes[1])}, want {_outcome(outcomes[0])}"
    raised = (
        _exceptions(raised_by_reference, want, row),
        _exceptions(kernel.failures, got, row),
    )
    if raised[0] != raised[1]:
        return f"raised {raised[1]}, want {raised[0]}"
    if (want.task_outcome[row] != got.task_outcome[row]).any():
        return f"task outcomes {got.task_outcome[row]}, want {want.task_outcome[row]}"
    if (want.tasks[row] != got.tasks[row]).any():
        return f"tasks {got.tasks[row]}, want {want.tasks[row]}"
    if outcomes[0] != Outcome.OK:
        return ""
    if want.fuel[row] != got.fuel[row]:
        return f"fuel {int(got.fuel[row])}, want {int(want.fuel[row])}"
    if not _close(float(want.reward[row]), float(got.reward[row]), tolerance):
        return f"reward {float(got.reward[row])!r}, want {float(want.reward[row])!r}"
    places = {name: index for index, name in enumerate(kernel.component_names)}
    for index, name in enumerate(names):
        here = bool(want.present[index, row])
        place = places.get(name)
        if place is None:
            if here:
                return f"component {name!r} is missing"
            continue
        if here != bool(got.present[place, row]):
            return f"component {name!r} present {not here}, want {here}"
        value, wanted = float(got.components[place, row]), float(want.components[index, row])
        if here and not _close(wanted, value, tolerance):
            return f"component {name!r} {value!r}, want {wanted!r}"
    return ""


def _exceptions(failures: list[Failure], results: Outputs, row: int) -> list[str]:
    ids = [int(results.failure[row]), *map(int, results.task_failure[row])]
    outcomes = [int(results.outcome[row]), *map(int, results.task_outcome[row])]
    return [
        failures[item].exception
        for item, outcome in zip(ids, outcomes, strict=True)
        if item != NO_FAILURE and outcome == Outcome.ERROR
    ]


def _close(a: float, b: float, tolerance: float) -> bool:
    return a == b or abs(a - b) <= tolerance * max(abs(a), abs(b)) or (isnan(a) and isnan(b))


def _outcome(code: int) -> str:
    return Outcome(code).name if code in set(Outcome) else str(code)


def _refuse_errors(analysis: Analysis, findings: list[Finding]) -> None:
    if any(item.severity is Severity.ERROR for item in findings):
        raise _refused(analysis, findings)


def _refused(analysis: Analysis, findings: list[Finding]) -> ProgramRefusedError:
    every = (*analysis.findings, *findings)
    return ProgramRefusedError(Report(analysis.filename, analysis.text, every))

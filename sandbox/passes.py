"""The passes in their order: bytes to an `Analysis`, an `Analysis` and a `Plan` to a runner.

These two functions are all that a worker (or a host that asked for ``isolation="none"``) calls.
`analyse` only looks: it parses and judges, and nothing of the guest runs. `build` first compiles,
from the tree alone, then calls what a worker locks itself with, and only then runs guest code, the
module's level included.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from sandbox.diagnostics import Finding, Report, Severity
from sandbox.foreign import FOREIGN
from sandbox.limits import Limits
from sandbox.normal import normal_of
from sandbox.outline import outline_of
from sandbox.parse import Parsed, compile_findings, parse
from sandbox.plan import Normal, Outline, Plan
from sandbox.rules import RULES
from sandbox.tasks import with_tasks
from sandbox.tiers.base import Runner, TierReason
from sandbox.trees import remembered
from sandbox.validate import validate

__all__ = ["Analysis", "Built", "analyse", "build", "judge"]


MAX_FINDINGS: Final = 100
"""Findings of one analysis; hostile text could give one for each token."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a source before anybody says what it is for.

    Attributes:
        text: The decoded source, with the line ends it came with; empty where it is not text.
        filename: Name for people; never opened.
        digest: SHA-256 of the source bytes in hex.
        findings: All findings of parser and validator, in source order.
        tree: The tree that the later passes work on, without a trailing ``__main__`` block;
            None where the parser refused.
        outline: None where a finding is an error.
        sketch: The outline of a program with errors that could still be read, so that `judge` can
            tell what else there is to mend. It is for findings only, never to be built.
        normal: Digests of the tree; None where the parser refused.
    """

    text: str
    filename: str
    digest: str
    findings: tuple[Finding, ...]
    tree: ast.Module | None
    outline: Outline | None
    sketch: Outline | None = None
    normal: Normal | None = None

    @property
    def report(self) -> Report:
        """The findings with the text they refer to."""
        return Report(self.filename, self.text, self.findings)


@dataclass(frozen=True, slots=True)
class Built:
    """A program that is ready to be bound to arrays.

    Attributes:
        runner: The tier that will run.
        tier_reason: Why it is not the compiled one; None where it is.
        component_names: Names of the parts of the reward, fixed from here on.
        findings: Those that needed the plan.
        stored: Whether the machine code was given and not made.
    """

    runner: Runner
    tier_reason: TierReason | None
    component_names: tuple[str, ...]
    findings: tuple[Finding, ...]
    stored: bool = False


def analyse(source: bytes, filename: str, limits: Limits) -> Analysis:
    """Parse and judge a source; nothing of it runs.

    Args:
        source: Untrusted bytes.
        filename: Name for people; never opened.
        limits: Caps on the text and its tree.

    Returns:
        The analysis. Bad text is described by findings, never by an exception.
    """
    digest = hashlib.sha256(source).hexdigest()
    parsed = parse(source, limits)
    if parsed.tree is None:
        return Analysis(parsed.text, filename, digest, parsed.findings, None, None)
    try:
        # No pass changes the tree of another, so what one learns of it holds for all.
        with remembered():
            return _judged(parsed, parsed.tree, filename, digest, limits)
    except RecursionError:
        # The caps on depth leave room for our own walks; a caller deep in its stack may not.
        deep = RULES["SBX105"].finding(None, what="operators or blocks", limit=limits.nesting)
        return Analysis(parsed.text, filename, digest, (deep,), None, None)


def _judged(
    parsed: Parsed, tree: ast.Module, filename: str, digest: str, limits: Limits
) -> Analysis:
    text = parsed.text
    normal = normal_of(tree)
    judged = validate(tree, text, limits)
    findings = _capped(in_source_order((*parsed.findings, *judged.findings)))
    refused = any(item.severity is Severity.ERROR for item in findings)
    if not refused:
        late = compile_findings(judged.tree, text)
        refused = bool(late)
        findings = in_source_order((*findings, *late))
    if refused:
        sketch = outline_of(judged.tree, text) if _is_program(findings) else None
        return Analysis(text, filename, digest, findings, judged.tree, None, sketch, normal)
    tasks = with_tasks(judged.tree)
    outline = outline_of(tasks.tree, text, tasks.names)
    return Analysis(text, filename, digest, findings, tasks.tree, outline, None, normal)


def judge(analysis: Analysis, plan: Plan) -> tuple[Finding, ...]:
    """Give the findings that need a plan, of a program that is not built; nothing of it runs.

    Args:
        analysis: What `analyse` gave, with an outline or a sketch.
        plan: What would be called on which inputs, as far as that is known.
    """
    if analysis.tree is None or (analysis.outline is None and analysis.sketch is None):
        return ()
    # Only reports about inputs need it, and those without a program's spaces are to be quick.
    from sandbox.lint import lint

    try:
        return tuple(lint(analysis.tree, plan, analysis.text))
    except RecursionError:
        return ()  # the caps leave room for this walk; a caller deep in its stack may not


def build(
    analysis: Analysis,
    plan: Plan,
    limits: Limits,
    tier: Literal["auto", "interpreted", "compiled"] = "auto",
    *,
    before_guest_code: Callable[[], None] | None = None,
    code: bytes = b"",
    keep_code: Callable[[bytes], None] | None = None,
    pictures: bytes = b"",
) -> Built:
    """Make a program ready to run; the first pass that runs guest code.

    Args:
        analysis: What `analyse` gave, without errors.
        plan: What is called on which inputs.
        limits: Caps on every row and on what is tried here.
        tier: ``"auto"`` takes the compiled tier where it exists and agrees with the interpreted
            one on a probe batch.
        before_guest_code: Called once after compiling and before any code of the guest runs.
        code: What an earlier build gave to ``keep_code`` and was found to agree with the
            interpreted tier. It is loaded, and nothing is compiled or tried out.
        keep_code: Called before ``before_guest_code`` with the machine code, if there is any.

        pictures: Kernels for pictures that were compiled before; see `sandbox.kernels`.

    Returns:
        The runner, and why it is not the compiled one where it is not.

    Raises:
        ProgramRefusedError: If a finding that needs the plan is an error, if the top level
            fails, or if ``tier="compiled"`` is not possible.
    """
    # The tiers and their libraries take a second to import; `analyse` alone needs none of them.
    from sandbox.assemble import assemble

    made = assemble(
        analysis,
        plan,
        limits,
        tier,
        before_guest_code,
        code=code,
        keep_code=keep_code,
        pictures=pictures,
    )
    return Built(made.runner, made.tier_reason, made.component_names, made.findings, made.stored)


def _is_program(findings: tuple[Finding, ...]) -> bool:
    """Whether what was refused is a program for this runtime, within the caps on its text."""
    errors = {item.rule for item in findings if item.severity is Severity.ERROR}
    return all(rule > "SBX200" for rule in errors) and not errors & FOREIGN


def _capped(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Keep the first findings, errors before others, and say how many are left out."""
    if len(findings) <= MAX_FINDINGS:
        return findings
    by_weight = sorted(findings, key=lambda item: item.severity is not Severity.ERROR)
    more = RULES["SBX117"].finding(None, count=len(findings) - MAX_FINDINGS)
    return in_source_order((*by_weight[:MAX_FINDINGS], more))


def in_source_order(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Sort findings by place, then by rule; those about the whole source come first."""
    return tuple(
        sorted(
            findings,
            key=lambda item: (
                (item.span.line, item.span.column) if item.span else (0, 0),
                item.rule,
                item.message,
            ),
        )
    )

"""A verdict as text: a table for people, plain data for machines, feedback for a model.

The feedback diagnoses instead of listing metrics, because that is what makes the next program
better: published work on MiniGrid DoorKey-8x8 reports 97.6 % success with diagnoses in the loop
and 68.6 % with metrics alone (arXiv:2605.28918). Each problem names its place in the source and an
episode that shows it. Text that came from a guest is escaped before it can reach a terminal.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from carruntime.failures import FAILURES
from carruntime.intervals import Share
from carruntime.verdict import Decision, Weight
from sandbox.diagnostics import Severity, escape

if TYPE_CHECKING:
    from carruntime.verdict import Diagnosis, Group, Verdict
    from sandbox.diagnostics import Span

__all__ = ["SCHEMA", "by_cause", "feedback", "render", "summary", "to_json"]

SCHEMA = "carruntime.verdict/2"
"""Name and version of the JSON form; a change that takes something away raises the number."""
_WIDTH = 80
_NAME, _CELL = 28, 25
_WORDS = {
    "accept": "ACCEPTED",
    "reject": "REJECTED",
    "not_enough_evidence": "NOT ENOUGH EVIDENCE",
}
_MARKS = {"rejects": "rejects", "leaves_open": "open", "warns": "warns"}
_MOST_COMPONENTS = 12


def render(verdict: Verdict) -> str:
    """Give a verdict as a table for a terminal of 80 columns."""
    expert, random = verdict.expert, verdict.random
    lines = [
        f"{_WORDS[verdict.decision.value]}: {escape(verdict.program)} on {verdict.env_id or 'trajectories'}",
        *_wrap(f"complete means: {escape(verdict.rule)}", "  "),
        *_wrap(
            f"expert: {_set(expert)}; random: {_set(random)}"
            + ("" if verdict.horizon is None else f", cut at {verdict.horizon}"),
            "  ",
        ),
        "",
        _row("", "expert", "random"),
        _row("complete", _share(expert.complete), _share(random.complete)),
    ]
    if expert.env_success is not None or random.env_success is not None:
        lines.append(_row("solved in the environment", _maybe(expert), _maybe(random)))
        lines.append(
            _row("  complete but not solved", str(expert.claimed_only), str(random.claimed_only))
        )
        lines.append(
            _row("  solved but not complete", str(expert.true_only), str(random.true_only))
        )
    if expert.tasks:
        lines += ["", _row("sub-task, first completed at", "expert", "random")]
        for left, right in zip(expert.tasks, random.tasks, strict=True):
            lines.append(
                _row(f"  {escape(left.name)}", _share(left.completed), _share(right.completed))
            )
            lines.append(
                _row("    least, median, greatest", _first(left.first), _first(right.first))
            )
    lines += ["", _row("least mean greatest; nonzero", "expert", "random")]
    for left_c, right_c in list(zip(expert.components, random.components, strict=True))[
        : _MOST_COMPONENTS + 1
    ]:
        indent = "  " if left_c.name == "reward" else "    "
        lines.append(_row(f"{indent}{escape(left_c.name)}", _values(left_c), _values(right_c)))
    left_out = len(expert.components) - _MOST_COMPONENTS - 1
    if left_out > 0:
        lines.append(f"    ... and {left_out} more components (--json has all)")
    lines.append(_row("  return per episode", _returns(expert), _returns(random)))
    lines += _wrap(
        f"an expert episode earns more than a random one with probability {verdict.separation:.3f}",
        "  ",
    )
    lines.append(_row("rows by outcome", _outcomes(expert), _outcomes(random)))
    lines += _skill(verdict) + _truth(verdict) + _negatives(verdict)
    if verdict.diagnoses:
        lines.append("")
    for item in verdict.diagnoses:
        lines += _diagnosis(item)
    paper = verdict.published
    lines += [
        "",
        *_wrap(
            f"Rule as published, for comparison only (at least {paper.n_tasks} non-zero outputs, no "
            f"reset between trajectories): random {paper.random[0]}/{paper.random[1]}, expert "
            f"{paper.expert[0]}/{paper.expert[1]}: {'accepted' if paper.accepts else 'rejected'}.",
            "",
        ),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _skill(verdict: Verdict) -> list[str]:
    if not verdict.levels:
        return []
    lines = ["", "further policies: complete; return or share of sub-tasks"]
    lines += [
        f"  {escape(group.policy):<26} {_share(group.complete):<25} "
        f"{_short(group.curve[-1][1]) if group.curve else ''}"
        for group in verdict.levels
    ]
    correlation = verdict.rank_correlation
    told = "not defined" if correlation is None else f"{correlation:.2f}"
    lines += _wrap(f"rank correlation of skill and score, all policies: {told}", "  ")
    if verdict.pairs:
        worst = min(verdict.pairs, key=lambda pair: pair.auc)
        lines += _wrap(
            f"hardest to tell apart: {escape(worst.better)} scores above {escape(worst.worse)} with "
            f"probability {worst.auc:.2f}",
            "  ",
        )
    return lines


def _truth(verdict: Verdict) -> list[str]:
    if not verdict.truth:
        return []
    lines = ["", "claims and facts of the simulator"]
    last = ""
    for row in verdict.truth:
        about = f"{row.claim} {row.fact}"
        if about != last:
            how = "as stated" if row.stated else "as the expert shows"
            lines += _wrap(f"{escape(row.claim)} is about {row.fact}, {how}", "  ", "    ")
            last = about
        lines += _wrap(
            f"{escape(row.policy)}: claimed {row.claimed.count}/{row.claimed.total}, true "
            f"{row.true.count}/{row.true.total}; {row.false_claims.count} false, "
            f"{row.missed.count} missed, {row.late} late",
            "    ",
            "      ",
        )
    return lines


def _negatives(verdict: Verdict) -> list[str]:
    if not verdict.negatives:
        return []
    lines = ["", "episodes that never happened: complete; median return, of the real ones"]
    for item in verdict.negatives:
        name = f"{item.kind} (added steps)" if item.kind == "held" else item.kind
        lines.append(
            f"  {name:<26} {_share(item.complete):<25} {_short(item.return_median)}, "
            f"{_short(item.real_median)}"
        )
    return lines


def summary(verdict: Verdict) -> str:
    """Give a verdict in a few lines: the decision, the rates, and what decided."""
    expert, random, paper = verdict.expert, verdict.random, verdict.published
    counts = (
        f"complete in {expert.complete.count} of {expert.complete.total} expert and "
        f"{random.complete.count} of {random.complete.total} random episodes"
    )
    lines = [
        f"{_WORDS[verdict.decision.value]}: {counts}",
        *_wrap(f"complete means: {escape(verdict.rule)}", "  "),
        *_wrap(
            f"true rate, {verdict.confidence:.0%} sure: expert {_interval(expert.complete)}, "
            f"random {_interval(random.complete)}",
            "  ",
        ),
    ]
    for left, right in zip(expert.tasks, random.tasks, strict=True):
        firsts = "" if left.first is None else f"; expert at step {left.first[1]:g}"
        lines.append(
            f"  sub-task {escape(left.name)}: expert {left.completed.count}/"
            f"{left.completed.total}, random {right.completed.count}/{right.completed.total}{firsts}"
        )
    for item in verdict.diagnoses:
        lines += _diagnosis(item)
    lines += _wrap(
        f"the rule as published would have {'accepted' if paper.accepts else 'rejected'} it: "
        f"random {paper.random[0]}/{paper.random[1]}, expert {paper.expert[0]}/{paper.expert[1]}",
        "  ",
    )
    return "\n".join(lines)


def feedback(verdict: Verdict) -> str:
    """Give the text to send back to the model that wrote the program."""
    expert, random = verdict.expert, verdict.random
    introduction = (
        f"Your reward program {escape(verdict.program)} was run on {expert.trajectories} expert and "
        f"{random.trajectories} random episodes of {verdict.env_id or 'the environment'}."
    )
    outcome = (
        f"Verdict: {_WORDS[verdict.decision.value].lower()}. An episode counts as complete when: "
        f"{escape(verdict.rule)}."
    )
    counts = (
        f"Complete: {expert.complete.count} of {expert.complete.total} expert episodes (all should "
        f"be), {random.complete.count} of {random.complete.total} random ones (at most "
        f"{verdict.threshold:.0%} may be)."
    )
    lines = [introduction, outcome, counts]
    # What only more data can mend is nothing the model can act on.
    told = [item for item in verdict.diagnoses if item.check not in _ABOUT_DATA]
    problems = by_cause([item for item in told if item.model_hint != ""])
    lines += [
        f"The program is not at fault for this: {escape(item.message)}."
        for item in told
        if item.model_hint == ""
    ]
    doubts = [item for item in verdict.findings if item.severity is not Severity.NOTE]
    lines += _missing_evidence(verdict)
    if not problems and not doubts:
        lines.append("No problem was found in the program.")
    if problems:
        first = FAILURES[problems[0].failure]
        begin = (
            "What went wrong first"
            if problems[0].weight is Weight.REJECTS
            else "Worth mending first"
        )
        lines += ["", f"{begin}: {first.title}: {first.means}."]
    for number, item in enumerate(problems, start=1):
        kind = "Problem" if item.weight is Weight.REJECTS else "Warning"
        lines += [
            "",
            f"{kind} {number} ({FAILURES[item.failure].title}): {escape(item.message)}.",
        ]
        lines += _source_line(verdict, item.span)
        if item.witness is not None:
            lines.append(f"  Seen in: {item.witness}.")
            lines += [f"    {escape(text, 300)}" for text in item.witness.story]
        hint = item.hint if item.model_hint is None else item.model_hint
        lines.append(f"  What to do: {escape(hint)}.")
    for number, doubt in enumerate(doubts, start=len(problems) + 1):
        lines += ["", f"Doubt {number}: {escape(doubt.message)}: {escape(doubt.why)}."]
        lines += _source_line(verdict, doubt.span)
        lines.append(f"  What to do: {escape(doubt.hint)}.")
    lines += _facts_for_the_model(verdict)
    if expert.tasks:
        lines += ["", "Sub-tasks completed (expert, random):"]
        for left, right in zip(expert.tasks, random.tasks, strict=True):
            lines.append(
                f"  {escape(left.name)}: {left.completed.count}/{left.completed.total}, "
                f"{right.completed.count}/{right.completed.total}"
            )
    if any(item.weight is Weight.REJECTS for item in problems):
        lines += ["", "Write the whole program again with these problems mended."]
    return "\n".join(lines)


def by_cause(problems: Sequence[Diagnosis]) -> list[Diagnosis]:
    """Put what rejects first, and of equal weight the cause before what follows from it."""
    order = list(Weight)
    return sorted(
        problems, key=lambda item: (order.index(item.weight), FAILURES[item.failure].rank)
    )


def _facts_for_the_model(verdict: Verdict) -> list[str]:
    """Say which sub-tasks agree with the simulator, so that they are left as they are."""
    right: list[str] = []
    for name in dict.fromkeys(row.claim for row in verdict.truth):
        rows = [row for row in verdict.truth if row.claim == name]
        if not any(row.false_claims.count or row.missed.count for row in rows):
            right.append(f"{escape(name)} (it is {rows[0].fact})")
    if not right:
        return []
    return ["", f"Right on every episode, keep as it is: {', '.join(right)}."]


def _missing_evidence(verdict: Verdict) -> list[str]:
    """Say that a verdict is open for want of episodes, lest the model mends what is not broken."""
    if verdict.decision is not Decision.NOT_ENOUGH_EVIDENCE:
        return []
    wanted = [
        item.hint
        for item in verdict.diagnoses
        if item.weight is Weight.LEAVES_OPEN and item.check in _ABOUT_DATA
    ]
    if not wanted:
        return []
    needed = "; ".join(wanted)
    return [
        f"The program is not at fault: there were too few episodes to tell. What is needed: {needed}."
    ]


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Give a verdict as plain data for machines."""
    return {
        "schema": SCHEMA,
        "decision": verdict.decision.value,
        "program": verdict.program,
        "digest": verdict.digest,
        "env_id": verdict.env_id,
        "rule": verdict.rule,
        "threshold": verdict.threshold,
        "confidence": verdict.confidence,
        "horizon": verdict.horizon,
        "expert": _plain(verdict.expert),
        "random": _plain(verdict.random),
        "separation": verdict.separation,
        "published_rule": {
            "n_tasks": verdict.published.n_tasks,
            "random": list(verdict.published.random),
            "expert": list(verdict.published.expert),
            "accepts": verdict.published.accepts,
        },
        "levels": _plain(verdict.levels),
        "pairs": _plain(verdict.pairs),
        "rank_correlation": verdict.rank_correlation,
        "truth": _plain(verdict.truth),
        "negatives": _plain(verdict.negatives),
        "failures": {
            name: {"title": FAILURES[name].title, "means": FAILURES[name].means}
            for name in dict.fromkeys(item.failure for item in by_cause(verdict.diagnoses))
        },
        "diagnoses": [item.to_json() for item in verdict.diagnoses],
        "findings": [item.to_json() for item in verdict.findings],
    }


_ABOUT_DATA = frozenset({"CAR204", "CAR205", "CAR218"})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _row(name: str, left: str, right: str) -> str:
    """Give one line, or three where the cells are too wide for one."""
    if max(len(left), len(right)) <= _CELL:
        return f"{name:<{_NAME}.{_NAME}} {left:<{_CELL}} {right:<{_CELL}}"
    return "\n".join(
        [
            f"{name:.{_WIDTH}}",
            *_wrap(f"expert: {left}", "        ", "          "),
            *_wrap(f"random: {right}", "        ", "          "),
        ]
    )


def _share(share: Share) -> str:
    return f"{share.count}/{share.total} [{share.low:.3f} {share.high:.3f}]"


def _interval(share: Share) -> str:
    return f"{share.low:.3f} to {share.high:.3f}"


def _maybe(group: Group) -> str:
    return "not known" if group.env_success is None else _share(group.env_success)


def _set(group: Group) -> str:
    return (
        f"{group.trajectories} trajectories, {group.transitions} steps, the longest {group.longest}"
    )


def _first(first: tuple[int, float, int] | None) -> str:
    return "never" if first is None else f"{first[0]} / {first[1]:g} / {first[2]}"


def _values(summary: Any) -> str:
    return (
        f"{_short(summary.least)} {_short(summary.mean)} {_short(summary.greatest)}; "
        f"{_percent(summary.fires)}"
    )


def _percent(share: float) -> str:
    """Round, but never to none or all of something that is neither."""
    if 0.0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1.0:
        return ">99%"
    return f"{share:.0%}"


def _returns(group: Group) -> str:
    return " ".join(_short(value) for value in group.returns)


def _short(value: float) -> str:
    return f"{value:.3g}"


def _outcomes(group: Group) -> str:
    return ", ".join(f"{name} {count}" for name, count in group.outcomes.items())


def _diagnosis(item: Diagnosis) -> list[str]:
    place = f" line {item.span.line}:" if item.span is not None else ""
    lines = _wrap(
        f"{item.check} {_MARKS[item.weight.value]}:{place} {escape(item.message)}", "", "    "
    )
    if item.witness is not None:
        lines += _wrap(f"see: {item.witness}", "  ", "    ")
    return lines + _wrap(f"try: {escape(item.hint)}", "  ", "    ")


def _source_line(verdict: Verdict, span: Span | None) -> list[str]:
    lines = verdict.source.split("\n")
    if span is None or not 1 <= span.line <= len(lines):
        return []
    return [f"  Line {span.line}: {escape(lines[span.line - 1].strip(), 160)}"]


def _wrap(text: str, indent: str, further: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_long_words=True,
    )

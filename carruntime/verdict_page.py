"""A verdict as one HTML page: no file beside it, no script, nothing fetched.

Names of components, messages of exceptions and the source itself come from a program that nobody
trusts, and a page is opened in a browser that somebody is logged in with. So every text goes through
`carruntime.plots.text`, and the page forbids scripts and every address but its own pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carruntime.errors import CarruntimeError
from carruntime.failures import FAILURES
from carruntime.plots import COLORS, Line, bars, dots, lines, text
from carruntime.png import data_url
from carruntime.verdict import Weight
from carruntime.verdict_text import SCHEMA, by_cause

if TYPE_CHECKING:
    from carruntime.intervals import Share
    from carruntime.trajectory import Trajectory
    from carruntime.verdict import Diagnosis, Group, Verdict, Witness

__all__ = ["page"]

_WORDS = {
    "accept": "Accepted",
    "reject": "Rejected",
    "not_enough_evidence": "Not enough evidence",
}
_WEIGHTS = {"rejects": "rejects", "leaves_open": "leaves open", "warns": "warns"}
_MOST_PICTURES = 6
"""Witnesses that are shown as pictures, three of each."""
_LARGEST = 512
"""Pixels above which a picture is thinned out before it goes into the page."""

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1a1a1a; background: #fff;
  max-width: 1060px; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem;
  border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
.badge { display: inline-block; padding: .1rem .7rem; border-radius: 1rem; color: #fff; }
.accept { background: #1b7837; } .reject { background: #b2182b; }
.not_enough_evidence { background: #8a6d00; }
.about { color: #555; margin: .2rem 0; }
table { border-collapse: collapse; margin: .6rem 0; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #e4e4e4;
  vertical-align: top; } th { font-weight: 600; color: #444; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.rate { display: block; height: 5px; background: #e8e8e8; position: relative; margin-top: 2px;
  min-width: 110px; } .rate b { position: absolute; top: 0; height: 5px; background: #9ab8d6; }
.rate i { position: absolute; top: -2px; width: 2px; height: 9px; background: #14406b; }
.card { border: 1px solid #ddd; border-left: 6px solid #999; border-radius: 4px;
  padding: .6rem .9rem; margin: .8rem 0; }
.card.rejects { border-left-color: #b2182b; } .card.leaves_open { border-left-color: #8a6d00; }
.card h3 { margin: 0 0 .2rem; font-size: 1rem; } .card p { margin: .3rem 0; }
.card .id { color: #666; font-weight: 400; }
.frames { display: flex; gap: .8rem; flex-wrap: wrap; margin: .5rem 0; }
figure { margin: 0; } figcaption { font-size: .8rem; color: #555; }
img { image-rendering: pixelated; width: 190px; height: auto; border: 1px solid #ccc; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .8rem; margin: .4rem 0; }
dt { color: #666; } dd { margin: 0; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; display: block; } svg text { font: 11px sans-serif; }
svg .tick { fill: #555; } svg .name { fill: #1a1a1a; } svg .grid { stroke: #e6e6e6; }
.legend span { margin-right: 1.1rem; font-size: .85rem; }
.legend i { display: inline-block; width: 12px; height: 12px; margin-right: .3rem; }
pre { background: #f7f7f5; padding: .6rem 0; overflow-x: auto; font: 13px/1.45 "DejaVu Sans Mono",
  monospace; border: 1px solid #e4e4e4; }
pre span { display: block; padding: 0 .8rem; white-space: pre; min-width: max-content; }
pre span.rejects { background: #fbdcdc; } pre span.leaves_open { background: #fdf0c8; }
pre span.warns { background: #fff6d9; }
pre em { color: #999; font-style: normal; display: inline-block; width: 3.2em; }
pre small { color: #8a1c1c; margin-left: 2em; }
@media print { body { margin: 0; } .card { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(verdict: Verdict, *, frames: bool = True) -> str:
    """Give a verdict as a page; see `Verdict.to_html`."""
    title = f"{_WORDS[verdict.decision.value]}: {verdict.program}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f'<meta name="generator" content="{SCHEMA}">',
        f"<title>{text(title)}</title><style>{_STYLE}</style></head><body>",
        _head(verdict),
        _diagnoses(verdict, frames),
        _rates(verdict),
        _tasks(verdict),
        _facts(verdict),
        _over_time(verdict),
        _components(verdict),
        _skill(verdict),
        _negatives(verdict),
        _source(verdict),
        _published(verdict),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _groups(verdict: Verdict) -> list[Group]:
    """All sets, the most skilled first."""
    return [verdict.expert, *verdict.levels, verdict.random]


def _colors(count: int) -> list[str]:
    """Colours from the most skilled to the least: the expert's and that of random play are fixed."""
    between = [COLORS[1 + k % 2] for k in range(max(0, count - 2))]
    return [COLORS[0], *between, COLORS[3]]


def _head(verdict: Verdict) -> str:
    decision = verdict.decision.value
    problems = by_cause([d for d in verdict.diagnoses if d.weight is not Weight.WARNS])
    cause = ""
    if problems:
        failure = FAILURES[problems[0].failure]
        cause = f"<p><b>{text(failure.title)}</b>: {text(failure.means)}.</p>"
    horizon = "" if verdict.horizon is None else f", random play cut at {verdict.horizon} steps"
    return (
        f'<h1><span class="badge {decision}">{_WORDS[decision]}</span> {text(verdict.program)}</h1>'
        f'<p class="about">{text(verdict.env_id or "recorded trajectories")}{horizon}. SHA-256 '
        f"{text(verdict.digest[:16])}.</p>"
        f"<p>An episode is complete when: {text(verdict.rule)}.</p>{cause}"
    )


def _rates(verdict: Verdict) -> str:
    rows = []
    for group in _groups(verdict):
        solved = "not known" if group.env_success is None else _share(group.env_success)
        rows.append(
            f"<tr><td>{text(group.policy)}</td><td class=n>{group.trajectories}</td>"
            f"<td class=n>{group.transitions:,}</td><td>{_share(group.complete)}</td>"
            f"<td>{solved}</td><td class=n>{group.claimed_only}</td><td class=n>{group.true_only}</td>"
            f"<td>{text(', '.join(f'{n} {c:,}' for n, c in group.outcomes.items()))}</td></tr>"
        )
    return (
        "<h2>Episodes</h2><table><tr><th>policy</th><th class=n>episodes</th><th class=n>steps</th>"
        "<th>complete</th><th>solved in the environment</th><th class=n>complete, not solved</th>"
        f"<th class=n>solved, not complete</th><th>rows</th></tr>{''.join(rows)}</table>"
        f'<p class="about">Bars: {verdict.confidence:.0%} Clopper-Pearson interval and rate. At most '
        f"{verdict.threshold:.0%} of random episodes may be complete, with the whole interval.</p>"
    )


def _tasks(verdict: Verdict) -> str:
    if not verdict.expert.tasks:
        return ""
    groups = _groups(verdict)
    head = "".join(f"<th>{text(group.policy)}</th>" for group in groups)
    rows = []
    for index, task in enumerate(verdict.expert.tasks):
        cells = "".join(
            f"<td>{_share(group.tasks[index].completed)}{_at_reset(group.tasks[index].at_reset)}</td>"
            for group in groups
        )
        rows.append(f"<tr><td>{text(task.name)}</td>{cells}</tr>")
    return f"<h2>Sub-tasks</h2><table><tr><th>sub-task</th>{head}</tr>{''.join(rows)}</table>"


def _at_reset(count: int) -> str:
    return f"<small>held at the reset in {count}</small>" if count else ""


def _facts(verdict: Verdict) -> str:
    if not verdict.truth:
        return ""
    rows = []
    for row in verdict.truth:
        wrong = row.false_claims.count or row.missed.count
        mark = ' style="background:#fbeaea"' if wrong else ""
        rows.append(
            f"<tr{mark}><td>{text(row.claim)}</td><td>{text(row.fact)}"
            f"{'' if row.stated else ' <small>(as the expert shows)</small>'}</td>"
            f"<td>{text(row.policy)}</td><td>{_share(row.claimed)}</td><td>{_share(row.true)}</td>"
            f"<td class=n>{row.false_claims.count}</td><td class=n>{row.missed.count}</td>"
            f"<td class=n>{row.late}</td></tr>"
        )
    return (
        "<h2>Claims and facts</h2><table><tr><th>claim</th><th>fact of the simulator</th>"
        "<th>policy</th><th>claimed</th><th>true</th><th class=n>false</th><th class=n>missed</th>"
        f"<th class=n>late</th></tr>{''.join(rows)}</table>"
    )


def _over_time(verdict: Verdict) -> str:
    groups = _groups(verdict)
    colors = _colors(len(groups))
    what = "share of sub-tasks completed" if verdict.expert.tasks else "return so far"
    # Random play lasts long: what the others do in the first steps would be a dot on its axis.
    longest = max(group.longest for group in groups)
    span = min(longest, 3 * max(group.longest for group in groups[:-1]))
    drawn = [
        Line(group.policy, _cut(group.curve, span), color)
        for group, color in zip(groups, colors, strict=True)
    ]
    out = f"<h2>Over the steps of an episode</h2>{lines(drawn, x='steps', y=what)}"
    if span < longest:
        out += f'<p class="about">Shown to step {span}; the longest episode has {longest}.</p>'
    if verdict.expert.tasks:
        rows = [
            (
                task.name,
                [
                    (group.policy, group.tasks[index].times[:200], color)
                    for group, color in zip(groups, colors, strict=True)
                ],
            )
            for index, task in enumerate(verdict.expert.tasks)
        ]
        out += f"<h2>First completion</h2>{dots(rows, x='step of first completion')}"
    return out


def _cut(points: Sequence[tuple[int, float]], span: int) -> list[tuple[float, float]]:
    kept = [(float(step), value) for step, value in points if step <= span]
    if kept and kept[-1][0] < span and points[-1][0] <= span:
        kept.append((float(span), kept[-1][1]))  # what an ended episode earned stays earned
    return kept


def _components(verdict: Verdict) -> str:
    groups = _groups(verdict)
    if len(verdict.expert.components) < 2:
        return ""
    shares = []
    for group in groups:
        sizes = [
            (item.name, max(abs(item.least), abs(item.greatest)) * item.fires)
            if abs(item.mean) < 1e-300
            else (item.name, abs(item.mean))
            for item in group.components[1:]
        ]
        total = sum(size for _, size in sizes)
        shares.append((group.policy, [(n, s / total if total > 0 else 0.0) for n, s in sizes]))
    rows = []
    for index, item in enumerate(verdict.expert.components):
        cells = "".join(
            f"<td class=n>{group.components[index].least:.3g}</td>"
            f"<td class=n>{group.components[index].mean:.3g}</td>"
            f"<td class=n>{group.components[index].greatest:.3g}</td>"
            f"<td class=n>{group.components[index].fires:.0%}</td>"
            for group in (verdict.expert, verdict.random)
        )
        rows.append(f"<tr><td>{text(item.name)}</td>{cells}</tr>")
    one = "<th class=n>least</th><th class=n>mean</th><th class=n>greatest</th><th class=n>nonzero</th>"
    return (
        f"<h2>Components</h2>{bars(shares)}"
        "<table><tr><th></th><th colspan=4>expert</th><th colspan=4>random</th></tr>"
        f"<tr><th>component</th>{one}{one}</tr>{''.join(rows)}</table>"
        '<p class="about">Bars: share of the mean size of what is paid on a step.</p>'
    )


def _skill(verdict: Verdict) -> str:
    if not verdict.pairs:
        return ""
    rows = "".join(
        f"<tr><td>{text(pair.better)}</td><td>{text(pair.worse)}</td>"
        f"<td class=n>{pair.auc:.3f}</td></tr>"
        for pair in verdict.pairs
    )
    correlation = verdict.rank_correlation
    told = "not defined" if correlation is None else f"{correlation:.3f}"
    return (
        "<h2>Skill</h2><table><tr><th>more skilled</th><th>less skilled</th><th class=n>probability "
        f"of the higher score</th></tr>{rows}</table>"
        f"<p>Rank correlation of skill and score: {told}.</p>"
    )


def _negatives(verdict: Verdict) -> str:
    if not verdict.negatives:
        return ""
    rows = "".join(
        f"<tr><td>{text(item.kind)}</td><td>{_share(item.complete)}</td>"
        f"<td class=n>{item.return_median:.4g}</td><td class=n>{item.real_median:.4g}</td></tr>"
        for item in verdict.negatives
    )
    return (
        "<h2>Episodes that never happened</h2><table><tr><th>made from the expert's</th>"
        "<th>complete</th><th class=n>median return</th><th class=n>of the real ones</th></tr>"
        f"{rows}</table><p class='about'>Frozen: the first observation throughout. Reversed: backwards. "
        "Held: a few more steps at the end; the return is that of these steps.</p>"
    )


def _diagnoses(verdict: Verdict, frames: bool) -> str:
    found = by_cause(verdict.diagnoses)
    if not found:
        return "<h2>Findings</h2><p>None.</p>"
    cards = []
    pictures = 0
    for item in found:
        shown: list[tuple[str, Any]] = []
        if frames and item.witness is not None and pictures < _MOST_PICTURES:
            shown = _pictures(item.witness)
            pictures += bool(shown)
        cards.append(_card(item, shown))
    return f"<h2>Findings</h2>{''.join(cards)}"


def _card(item: Diagnosis, shown: Sequence[tuple[str, Any]]) -> str:
    place = f", line {item.span.line}" if item.span is not None else ""
    parts = [
        (
            f'<div class="card {item.weight.value}"><h3>{text(FAILURES[item.failure].title)} '
            f'<span class="id">{item.check}, {_WEIGHTS[item.weight.value]}{place}</span></h3>'
            f"<p>{text(item.message, 600)}.</p><p><b>Try:</b> {text(item.hint, 400)}.</p>"
        )
    ]
    if item.witness is not None:
        told = "".join(
            f"<dt>{text(name)}</dt><dd>{text(value, 300)}</dd>"
            for name, _, value in (line.partition(": ") for line in item.witness.story)
        )
        parts.append(f"<dl><dt>seen in</dt><dd>{text(item.witness)}</dd>{told}</dl>")
    if shown:
        figures = "".join(
            f'<figure><img src="{data_url(picture)}" alt=""><figcaption>{text(caption)}</figcaption>'
            "</figure>"
            for caption, picture in shown
        )
        parts.append(f'<div class="frames">{figures}</div>')
    return "".join(parts) + "</div>"


def _pictures(witness: Witness) -> list[tuple[str, Any]]:
    """Give the first picture of an episode and those before and after the step."""
    item = witness.source
    seen = None if item is None else _frames(item, witness)
    if seen is None or not len(seen):
        return []
    step = max(0, min(witness.step, len(seen) - 2))
    chosen = [("at the reset", 0)]
    if witness.step >= 0:
        chosen += [(f"before step {step}", step), (f"after step {step}", step + 1)]
    return [(caption, _thin(seen[index])) for caption, index in chosen]


def _frames(item: Trajectory, witness: Witness) -> Any:
    if item.frames is not None:
        return item.frames
    if not item.env_id.startswith("MiniGrid-") or witness.policy in ("frozen", "reversed", "held"):
        return None
    from carruntime.rerendering import with_frames
    from carruntime.trajectory import TrajectorySet

    try:
        one = TrajectorySet(trajectories=(item,), env_id=item.env_id)
        return with_frames(one)[0].frames
    except CarruntimeError:
        return None  # another version, or wrappers: the page then does without pictures


def _thin(picture: Any) -> Any:
    array = np.asarray(picture)
    factor = 1 + max(array.shape[:2]) // (_LARGEST + 1)
    return array[::factor, ::factor]


def _source(verdict: Verdict) -> str:
    marks: dict[int, list[Diagnosis]] = {}
    for item in by_cause(verdict.diagnoses):
        if item.span is not None:
            marks.setdefault(item.span.line, []).append(item)
    out = []
    for number, line in enumerate(verdict.source.split("\n"), start=1):
        found = marks.get(number, [])
        kind = f' class="{found[0].weight.value}"' if found else ""
        names = dict.fromkeys(f"{d.check} {FAILURES[d.failure].title}" for d in found)
        note = f"<small>{text(', '.join(names))}</small>" if names else ""
        out.append(f"<span{kind}><em>{number}</em>{text(line, 400)}{note}</span>")
    return f"<h2>Program</h2><pre>{''.join(out)}</pre>"


def _published(verdict: Verdict) -> str:
    paper = verdict.published
    return (
        "<h2>The rule as published</h2><p>For comparison only. Code as Reward (Venuto et al., ICML 2024, "
        f"arXiv:2402.04764) calls an episode complete when at least {paper.n_tasks} of its frames give a "
        "non-zero output, and its released code never resets the program between episodes: random "
        f"{paper.random[0]}/{paper.random[1]}, expert {paper.expert[0]}/{paper.expert[1]}, so it would "
        f"have <b>{'accepted' if paper.accepts else 'rejected'}</b> this program. It counts frames, not "
        "sub-tasks, and each answer depends on the episodes before.</p>"
    )


def _share(share: Share) -> str:
    if not share.total:
        return "0/0"
    return (
        f"{share.count}/{share.total}"
        f'<span class="rate" title="{share.low:.3f} to {share.high:.3f}">'
        f'<b style="left:{share.low:.1%};width:{share.high - share.low:.1%}"></b>'
        f'<i style="left:{share.rate:.1%}"></i></span>'
    )

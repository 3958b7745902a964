"""What a search has come to: a table for a terminal, and a page for a browser.

The page is one file without scripts, fonts or pictures from elsewhere. Everything in it that came
from a model is escaped; a policy in its head forbids whatever an escape might have missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape as html_escape
from typing import Any, Final

from carruntime.generate.candidates import Candidate
from sandbox.diagnostics import escape

__all__ = ["page", "table"]

_HEAD: Final = (
    *("rank", "id", "generation", "from", "end", "expert", "random", "separation", "warnings"),
    "trained",
)
_STYLE: Final = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1c2430; background: #fff; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #d9dee6; }
th { font-weight: 600; }
pre { background: #f4f6f9; padding: 1rem; overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; }
details { margin: .6rem 0; } summary { cursor: pointer; }
.accepted { color: #0a6b3d; } .rejected, .refused { color: #a1260d; }
@media (prefers-color-scheme: dark) {
  body { color: #dde3ec; background: #14181f; } pre { background: #1d232d; }
  th, td { border-color: #323a47; } .accepted { color: #5fd39b; }
  .rejected, .refused { color: #ff8f75; }
}
"""


def rows(candidates: Sequence[Candidate]) -> list[tuple[str, ...]]:
    """Give the cells of the table, the best first as they come."""
    return [
        (
            str(place),
            item.id,
            str(item.round),
            ", ".join(item.parents) or "-",
            item.end,
            *_numbers(item),
        )
        for place, item in enumerate(candidates, start=1)
    ]


def table(candidates: Sequence[Candidate]) -> str:
    """Give the leaderboard as text."""
    lines = [_HEAD, *rows(candidates)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            escape(cell, 40).ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def page(candidates: Sequence[Candidate], *, title: str, facts: Mapping[str, str]) -> str:
    """Give the leaderboard as a page that stands alone.

    Args:
        candidates: The best first.
        title: What was searched for.
        facts: What else to say, name to text.
    """
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    body = "\n".join(
        f"<tr>{''.join(_cell(column, cell, item) for column, cell in zip(_HEAD, line, strict=True))}</tr>"
        for line, item in zip(rows(candidates), candidates, strict=True)
    )
    said = "".join(f"<dt>{_safe(name)}</dt><dd>{_safe(text)}</dd>" for name, text in facts.items())
    programs = "\n".join(_program(item) for item in candidates if item.source)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_safe(title)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>{_safe(title)}</h1>
<dl>{said}</dl>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
<h2>Programs</h2>
{programs}
</body>
</html>
"""


def _numbers(item: Candidate) -> tuple[str, ...]:
    judged = item.judged
    trained = "-"
    if item.trained is not None:
        success = item.trained.get("success")
        trained = "failed" if item.trained.get("failed") else "-"
        trained = trained if success is None else f"{success:.0%}"
    if judged is None or judged.verdict is None:
        return ("-", "-", "-", "-", trained)
    verdict: Mapping[str, Any] = judged.verdict
    shares = [
        f"{verdict[name]['complete']['count']}/{verdict[name]['complete']['total']}"
        for name in ("expert", "random")
    ]
    return (*shares, f"{verdict['separation']:.3f}", str(judged.warned), trained)


def _cell(column: str, text: str, item: Candidate) -> str:
    if column == "id" and item.source:
        return f'<td><a href="#{_safe(item.id)}">{_safe(text)}</a></td>'
    if column == "end":
        kind = text if text in ("accepted", "rejected", "refused") else "other"
        return f'<td class="{kind}">{_safe(text)}</td>'
    return f"<td>{_safe(text)}</td>"


def _program(item: Candidate) -> str:
    told = "" if item.judged is None else f"<pre>{_text(item.judged.feedback)}</pre>"
    return (
        f'<details id="{_safe(item.id)}"><summary>{_safe(item.id)}: {_safe(item.end)}</summary>\n'
        f"<pre>{_text(item.source)}</pre>\n{told}</details>"
    )


def _safe(text: str) -> str:
    return html_escape(escape(text, 2_000))


def _text(text: str) -> str:
    """Keep lines, show control characters, escape markup."""
    return html_escape("\n".join(escape(line, 4_000) for line in text.split("\n")))

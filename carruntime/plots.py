"""Plots of a verdict as inline SVG: lines over steps, dots over steps, and bars of shares.

Every text that comes from a program is escaped here, at the one place where it becomes markup.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from sandbox.diagnostics import escape

__all__ = ["COLORS", "Line", "bars", "dots", "lines", "text"]

COLORS = ("#1b7837", "#5aae61", "#b08a00", "#b2182b", "#2166ac", "#762a83", "#666666")
"""From the most skilled policy to random play, then for components."""

_WIDTH, _HEIGHT = 640, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 34


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot.

    Attributes:
        name: For the legend.
        points: x and y, x ascending.
        color: CSS colour.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: str


def text(value: object, limit: int = 200) -> str:
    """Escape a text for a page: control characters first, then what HTML reads."""
    return html.escape(escape(str(value), limit), quote=True)


def lines(items: Sequence[Line], *, x: str, y: str) -> str:
    """Draw lines with axes and a legend; points that are not finite are left out."""
    kept = [
        Line(item.name, [p for p in item.points if isfinite(p[0]) and isfinite(p[1])], item.color)
        for item in items
    ]
    every = [point for item in kept for point in item.points]
    if not every:
        return "<p>Nothing to draw.</p>"
    across = _scale(0.0, max(p[0] for p in every), _LEFT, _WIDTH - _RIGHT)
    low, high = min(0.0, *(p[1] for p in every)), max(0.0, *(p[1] for p in every))
    up = _scale(low, high if high > low else low + 1.0, _HEIGHT - _BOTTOM, _TOP)
    parts = [_axes(across, up, x, y)]
    for item in kept:
        path = " ".join(f"{across(px):.1f},{up(py):.1f}" for px, py in item.points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{item.color}" stroke-width="2"/>'
        )
    return _svg(parts, _HEIGHT) + _legend([(item.name, item.color) for item in kept])


def dots(rows: Sequence[tuple[str, Sequence[tuple[str, Sequence[int], str]]]], *, x: str) -> str:
    """Draw a row of dots for each name and policy.

    Args:
        rows: Name, and for each policy its name, the values and a colour.
        x: Label of the axis.
    """
    values = [value for _, groups in rows for _, numbers, _ in groups for value in numbers]
    if not values:
        return "<p>Never, in any episode.</p>"
    step = 15
    count = sum(len(groups) for _, groups in rows)
    height = _TOP + count * step + len(rows) * 10 + _BOTTOM
    left = 270
    across = _scale(0.0, float(max(values)), left, _WIDTH - _RIGHT)
    parts = []
    top = float(_TOP)
    for name, groups in rows:
        parts.append(
            f'<text x="{left - 132}" y="{top + 11:.0f}" text-anchor="end" class="name">'
            f"{text(name, 20)}</text>"
        )
        for policy, numbers, color in groups:
            middle = top + step / 2
            parts.append(
                f'<line x1="{left}" x2="{_WIDTH - _RIGHT}" y1="{middle:.1f}" y2="{middle:.1f}" '
                'class="grid"/>'
            )
            label = text(policy, 22) if numbers else f"{text(policy, 14)}: never"
            parts.append(
                f'<text x="{left - 6}" y="{middle + 3:.1f}" text-anchor="end" class="tick">'
                f"{label}</text>"
            )
            parts += [
                f'<circle cx="{across(value):.1f}" cy="{middle:.1f}" r="3.2" fill="{color}" '
                'fill-opacity="0.35"/>'
                for value in numbers
            ]
            top += step
        top += 10
    parts += [
        f'<text x="{across(value):.1f}" y="{height - 18}" text-anchor="middle" class="tick">'
        f"{value:g}</text>"
        for value in _ticks(0.0, float(max(values)))
    ]
    parts.append(
        f'<text x="{(left + _WIDTH) / 2:.0f}" y="{height - 4}" text-anchor="middle" class="tick">'
        f"{text(x)}</text>"
    )
    return _svg(parts, height)


def bars(rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> str:
    """Draw shares as stacked bars, one for each row; the shares of a row add up to 1 or are all 0."""
    names = list(dict.fromkeys(name for _, shares in rows for name, _ in shares))
    color = {name: COLORS[(index + 4) % len(COLORS)] for index, name in enumerate(names)}
    left, step = 150, 26
    parts = []
    for index, (label, shares) in enumerate(rows):
        y = _TOP + index * step
        parts.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" class="name">{text(label, 22)}</text>'
        )
        start = float(left)
        for name, share in shares:
            width = share * (_WIDTH - _RIGHT - left)
            if width <= 0.0:
                continue
            parts.append(
                f'<rect x="{start:.1f}" y="{y}" width="{width:.1f}" height="18" fill="{color[name]}">'
                f"<title>{text(name)} {share:.1%}</title></rect>"
            )
            start += width
        if start == left:
            parts.append(f'<text x="{left}" y="{y + 14}" class="tick">nothing was paid</text>')
    return _svg(parts, _TOP + len(rows) * step + 4) + _legend([(n, color[n]) for n in names])


class _Scale:
    """A linear map from values to places."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self.low, self.high = low, high if high > low else low + 1.0
        self.start, self.stop = start, stop

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def _scale(low: float, high: float, start: float, stop: float) -> _Scale:
    return _Scale(low, high, start, stop)


def _ticks(low: float, high: float) -> list[float]:
    """Give round numbers between two ends, about five of them."""
    raw = (high - low) / 5 or 1.0
    size = 10.0 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first = ceil(low / step - 1e-9)
    return [step * k for k in range(first, floor(high / step + 1e-9) + 1)]


def _axes(across: _Scale, up: _Scale, x: str, y: str) -> str:
    parts = []
    for value in _ticks(up.low, up.high):
        place = up(value)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{place:.1f}" y2="{place:.1f}" class="grid"/>'
            f'<text x="{_LEFT - 6}" y="{place + 3:.1f}" text-anchor="end" class="tick">{value:.3g}</text>'
        )
    parts += [
        f'<text x="{across(value):.1f}" y="{_HEIGHT - 18}" text-anchor="middle" class="tick">'
        f"{value:.4g}</text>"
        for value in _ticks(across.low, across.high)
    ]
    parts.append(
        f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 4}" text-anchor="middle" class="tick">'
        f"{text(x)}</text>"
        f'<text x="12" y="{_HEIGHT / 2:.0f}" text-anchor="middle" class="tick" '
        f'transform="rotate(-90 12 {_HEIGHT / 2:.0f})">{text(y)}</text>'
    )
    return "".join(parts)


def _legend(items: Sequence[tuple[str, str]]) -> str:
    spans = "".join(
        f'<span><i style="background:{color}"></i>{text(name, 40)}</span>' for name, color in items
    )
    return f'<p class="legend">{spans}</p>'


def _svg(parts: Sequence[str], height: float) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}" role="img">'
        + "".join(parts)
        + "</svg>"
    )

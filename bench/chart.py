"""Line charts, in SVG and in a terminal: written by hand, as one plot is no reason for a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WIDTH, _HEIGHT, _LEFT, _TOP = 300, 260, 52, 40
_COLOURS: Final = ("#b2182b", "#ef8a62", "#2166ac", "#4d4d4d")
_MARKS: Final = "123456789"


@dataclass(frozen=True, slots=True)
class Line:
    """One named line through (x, y) points, both from 0 up."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart; `limit` is a horizontal line worth comparing with, named `limit_name`."""

    title: str
    lines: Sequence[Line]
    limit: float
    limit_name: str


def svg(panels: Sequence[Panel], title: str, across: str, up: str) -> str:
    """Return panels side by side, all to the same scale, as an SVG document."""
    right, top = _extent(panels)
    width = len(panels) * (_WIDTH + _LEFT) + 20
    height = _HEIGHT + _TOP + 60
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="16" font-size="13" font-weight="bold">{title}</text>',
    ]
    for number, panel in enumerate(panels):
        x0, y0 = number * (_WIDTH + _LEFT) + _LEFT, _TOP + _HEIGHT
        parts += _axes(panel, x0, y0, right, top)
        for colour, line in zip(_COLOURS, panel.lines, strict=False):
            path = " ".join(
                f"{x0 + x / right * _WIDTH:.1f},{y0 - y / top * _HEIGHT:.1f}" for x, y in line.points
            )
            x, y = line.points[-1]
            at = f'x="{x0 + x / right * _WIDTH - 4:.1f}" y="{y0 - y / top * _HEIGHT - 5:.1f}"'
            parts += [
                f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>',
                f'<text {at} fill="{colour}" text-anchor="end">{line.name}</text>',
            ]
        parts.append(f'<text x="{x0 + _WIDTH / 2}" y="{y0 + 34}" text-anchor="middle">{across}</text>')
    parts.append(
        f'<text x="14" y="{_TOP + _HEIGHT / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {_TOP + _HEIGHT / 2})">{up}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def _axes(panel: Panel, x0: float, y0: float, right: float, top: float) -> list[str]:
    parts = [
        f'<text x="{x0}" y="{_TOP - 8}">{panel.title}</text>',
        f'<path d="M{x0} {_TOP} V{y0} H{x0 + _WIDTH}" fill="none" stroke="#888"/>',
    ]
    for fraction in (0.25, 0.5, 0.75, 1):
        x, y = x0 + fraction * _WIDTH, y0 - fraction * _HEIGHT
        number = f"{right * fraction:,.0f}"
        parts += [
            f'<text x="{x:.0f}" y="{y0 + 15}" text-anchor="middle" fill="#555">{number}</text>',
            f'<text x="{x0 - 5}" y="{y + 4:.0f}" text-anchor="end" fill="#555">{top * fraction:.3g}</text>',
        ]
    if panel.limit <= top:
        y = y0 - panel.limit / top * _HEIGHT
        parts += [
            f'<path d="M{x0} {y:.1f} H{x0 + _WIDTH}" stroke="#777" stroke-dasharray="4 3"/>',
            f'<text x="{x0 + 4}" y="{y - 4:.1f}" fill="#555">{panel.limit_name}</text>',
        ]
    return parts


def terminal(panel: Panel, *, columns: int = 60, rows: int = 12) -> list[str]:
    """Return one panel in characters; each line is drawn with its number."""
    right, top = _extent([panel])
    cells = [[" "] * columns for _ in range(rows)]
    if panel.limit <= top:
        cells[_row(panel.limit, top, rows)] = ["-"] * columns
    for mark, line in zip(_MARKS, panel.lines, strict=False):
        for x, y in line.points:
            cells[_row(y, top, rows)][min(columns - 1, int(x / right * columns))] = mark
    named = ", ".join(f"{mark}: {line.name}" for mark, line in zip(_MARKS, panel.lines, strict=False))
    if panel.limit <= top:
        named += f"; ---: {panel.limit_name}"
    body = [
        f"{top * (rows - number) / rows:7.2f} |{''.join(row).rstrip()}" for number, row in enumerate(cells)
    ]
    return [panel.title, *body, " " * 8 + "+" + "-" * columns, f"{'':9}{named}"]


def _row(y: float, top: float, rows: int) -> int:
    return max(0, min(rows - 1, rows - 1 - int(y / top * rows)))


def _extent(panels: Sequence[Panel]) -> tuple[float, float]:
    points = [point for panel in panels for line in panel.lines for point in line.points]
    return max(x for x, _ in points), max(y for _, y in points)

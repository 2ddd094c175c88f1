"""The figures of a run as a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
PLOT = Path("images") / "speech.svg"

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("word error rate", "word_error_rate", "%"),
    ("against the model's own offline reading", "word_error_rate_to_offline", "%"),
    ("first interim after the voice begins, p50 / p95", "first_interim_s", "s"),
    ("interim word after its end, p50 / p95", "interim_word_s", "s"),
    ("committed word after its end, p50 / p95", "committed_word_s", "s"),
    ("last word of a turn fixed after its end, p50 / p95", "last_word_s", "s"),
    ("final after the voice ends, p50 / p95", "final_s", "s"),
    ("erasure of interims", "erasure", ""),
    ("committed words changed", "committed_words_changed", ""),
    ("CPU-seconds for a second of speech", "cpu_s_per_speech_s", ""),
)
_PLOTTED = ("first_interim_s", "interim_word_s", "committed_word_s", "final_s")
_COLOURS = ("#0b7285", "#e8590c", "#868e96")
_WIDTH, _LEFT, _BAR = 760, 190, 14


def table(figures: dict[str, Any]) -> str:
    """Return the figures as a Markdown table, a column for each system."""
    systems = figures["systems"]
    lines = [f"| | {' | '.join(system['system'] for system in systems)} |", "|---" * (len(systems) + 1) + "|"]
    lines += [
        f"| {title} | {' | '.join(_cell(system.get(key), unit) for system in systems)} |" for title, key, unit in _ROWS
    ]
    invented = figures.get("invented_words")
    if invented:
        said = ", ".join(f"{name} {invented[name]['final']}" for name in ("silence", "noise", "music"))
        lines += ["", f"Words invented in {invented['seconds'] / 60:g} minutes without speech: {said}."]
    return "\n".join(lines) + "\n"


def _cell(value: Any, unit: str) -> str:
    if value is None or value == {}:
        return "–"
    if isinstance(value, dict):
        return f"{value['p50']:.2f} / {value['p95']:.2f} {unit}"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:g}"


def plot(figures: dict[str, Any]) -> str:
    """Return latencies as an SVG: a bar to the median and a line to the 95th percentile."""
    titles = {key: title.partition(",")[0] for title, key, _ in _ROWS}
    systems = [system for system in figures["systems"] if system.get("final_s")]
    rows = [(key, number, system) for key in _PLOTTED for number, system in enumerate(systems) if system.get(key)]
    longest_s = max([system[key]["p95"] for key, _, system in rows] + [1.0])
    scale = (_WIDTH - _LEFT - 60) / longest_s
    parts, y, shown = [], 40, ""
    for key, number, system in rows:
        if key != shown:
            y += 12
            parts.append(f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(titles[key])}</text>')
            shown = key
        parts.append(_bar(y, system[key], scale, _COLOURS[number]))
        y += _BAR + 3
    legend = "".join(
        f'<text x="{_LEFT + 210 * number}" y="22" fill="{_COLOURS[number]}">{escape(system["system"])}</text>'
        for number, system in enumerate(systems)
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 16}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n{legend}\n{body}\n</svg>\n'
    )


def _bar(y: int, value: dict[str, float], scale: float, colour: str) -> str:
    to_p50, to_p95, middle = _LEFT + max(0.0, value["p50"]) * scale, _LEFT + value["p95"] * scale, y + _BAR / 2
    return (
        f'<rect x="{_LEFT}" y="{y}" width="{to_p50 - _LEFT:.1f}" height="{_BAR}" fill="{colour}"/>'
        f'<line x1="{to_p50:.1f}" x2="{to_p95:.1f}" y1="{middle}" y2="{middle}" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{to_p95 + 4:.1f}" y="{y + 11}">{value["p50"]:.2f} / {value["p95"]:.2f} s</text>'
    )


def write_page(page: Path, figures: dict[str, Any]) -> None:
    """Put the table between the marks of `page`, and the plot beside it.

    Raises:
        ValueError: If the page has no marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} … {END} to put figures between")
    heading = _heading(figures)
    page.write_text(
        f"{before}{BEGIN}\n{heading}\n\n{table(figures)}\n![Latencies]({PLOT.as_posix()})\n{END}{after}",
        encoding="utf-8",
    )
    (page.parent / PLOT).parent.mkdir(exist_ok=True)
    (page.parent / PLOT).write_text(plot(figures), encoding="utf-8")


def _heading(figures: dict[str, Any]) -> str:
    names: Sequence[str] = figures["pieces"]
    return f"{figures['spoken_s']:g} s of speech ({', '.join(names)}), model `{figures['model']}`, {figures['device']}:"

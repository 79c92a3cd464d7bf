"""Tables and plots of docs/benchmarks.md: what a part measured stands between its own markers and is written over each time."""

from __future__ import annotations

import math
import platform
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
import pygal
from pygal.style import CleanStyle

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = DOCS / "benchmarks.md"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return str(value)


def machine(*packages: str) -> str:
    """Return one line that says on what was measured.

    Args:
        *packages: Distributions whose versions matter.
    """
    memory = psutil.virtual_memory().total / 2**30
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    named = [f"{name} {version(name)}" for name in packages]
    parts = [
        f"{psutil.cpu_count()} cores of {model[1] if model else platform.machine()}",
        f"{memory:.0f} GiB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        *named,
    ]
    return ", ".join(parts)


def poppler_version() -> str:
    """Return the version of poppler's tools."""
    done = subprocess.run([shutil.which("pdftoppm") or "pdftoppm", "-v"], capture_output=True, text=True, check=True)
    return "poppler " + done.stderr.split()[2]


def write_section(part: str, text: str, seconds: float) -> None:
    """Put what a part measured into docs/benchmarks.md, in place of what it measured before."""
    stamp = f"`tests/bench/run {part}` · {datetime.now(UTC):%Y-%m-%d} · took {seconds:.0f} s"
    begin, end = f"<!-- {part}: written by tests/bench/run -->", f"<!-- end of {part} -->"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    section = f"{begin}\n\n{stamp}\n\n{text.strip()}\n\n{end}"
    before, found, rest = page.partition(begin)
    page = before + section + rest.partition(end)[2] if found else f"{page}\n{section}\n"
    PAGE.write_text(page, encoding="utf-8")


def lines(
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    x: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    **options: object,
) -> str:
    """Draw lines over a common axis into docs/NAME.svg and return the Markdown that shows it."""
    chart = pygal.XY(**_looks(title, x_title, y_title), **options)
    if options.get("logarithmic"):
        chart.y_labels = _powers_of_ten(series)
    for label, values in series.items():
        chart.add(label, [(at, value) for at, value in zip(x, values, strict=True) if value is not None])
    return _save(chart, name, title)


def bars(
    name: str,
    title: str,
    unit: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    **options: object,
) -> str:
    """Draw groups of bars, one below the other so that their labels can be read, into docs/NAME.svg; return the Markdown."""
    looks = _looks(title, unit, "") | {"height": 130 + len(labels) * (12 * len(series) + 12), "show_y_guides": True}
    chart = pygal.HorizontalBar(**looks, **options)
    if options.get("logarithmic"):
        chart.y_labels = _powers_of_ten(series)
        chart.zero = chart.y_labels[0]
    chart.x_labels = list(reversed(labels))  # the first is drawn at the bottom
    for label, values in series.items():
        chart.add(label, list(reversed(values)))
    return _save(chart, name, title)


def _powers_of_ten(series: Mapping[str, Sequence[float | None]]) -> list[float]:
    """Return the labels of a logarithmic axis, so few that no two numbers overlap."""
    values = [value for values in series.values() for value in values if value]
    return [10.0**power for power in range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)]


def _looks(title: str, x_title: str, y_title: str) -> dict[str, object]:
    # No script and no random ids: the file shows the same everywhere and changes only with its figures.
    return {
        "title": title,
        "x_title": x_title or None,
        "y_title": y_title or None,
        "truncate_label": -1,
        "truncate_legend": -1,
        "style": CleanStyle(font_family="sans-serif", background="white", plot_background="white"),
        "js": (),
        "no_prefix": True,
        "legend_at_bottom": True,
        "width": 900,
        "height": 450,
    }


def _save(chart: pygal.graph.graph.Graph, name: str, title: str) -> str:
    DOCS.mkdir(exist_ok=True)
    (DOCS / f"{name}.svg").write_bytes(chart.render())
    return f"![{title}]({name}.svg)\n"


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]

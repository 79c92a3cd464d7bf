"""Tables of docs/benchmarks.md: each part's figures stand between its own markers and are replaced by every run."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


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
    """Return the machine and the versions of Python and of some packages, on one line."""
    memory = psutil.virtual_memory().total / 2**30
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    parts = [
        f"{psutil.cpu_count()} cores of {model[1] if model else platform.machine()}",
        f"{memory:.0f} GiB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in packages),
    ]
    return ", ".join(parts)


def write_section(part: str, text: str, seconds: float) -> None:
    """Put what a part measured into docs/benchmarks.md."""
    stamp = f"`tests/bench/run {part}` · {datetime.now(UTC):%Y-%m-%d} · took {seconds:.0f} s"
    begin, end = f"<!-- {part}: written by tests/bench/run -->", f"<!-- end of {part} -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    section = f"{begin}\n\n{stamp}\n\n{text.strip()}\n\n{end}"
    PAGE.write_text(before + section + (rest.partition(end)[2] or "\n"), encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share (0 to 1) of all values does not exceed, by nearest rank; 0.0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)] if ordered else 0.0

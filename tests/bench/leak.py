"""Does anything leak? 20,000 page jobs through the whole stack: memory of each function, and the slope of that of `ocr`.

Memory is what the functions log: resident pages (RSS). The share of pages that processes have in common (PSS) would fall
whenever something else on the machine loads the same libraries, and look like a slope.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench import bills
from tests.bench.environment import bench_stack, log_lines
from tests.bench.report import machine, table

PAGES = 20_000
BILL_PAGES = 100
SETTLED = 1_000
"""Pages before the measured ones: first use of each library and of the heap is no leak."""
MARKS = (0.05, 0.5, 1.0)
"""Shares of the measured pages after which the memory of every function is noted."""
DEADLINE_S = 900.0
T_95 = 1.97
"""Student's t for 95 % and some 200 to 400 degrees of freedom."""


def slope(x: list[float], y: list[float]) -> tuple[float, float]:
    """Return the slope of the least-squares line and half the width of its 95 % confidence interval.

    The residuals of neighbours are correlated (a heap that grew stays grown for a while), which makes the interval too
    narrow; it is widened by the first autocorrelation (1 + r) / (1 - r), as for an AR(1) process.
    """
    line = statistics.linear_regression(x, y)
    left = [b - line.intercept - line.slope * a for a, b in zip(x, y, strict=True)]
    spread = sum((a - statistics.fmean(x)) ** 2 for a in x)
    error = math.sqrt(sum(r * r for r in left) / (len(x) - 2) / spread)
    again = statistics.correlation(left[:-1], left[1:]) if len(set(left)) > 1 else 0.0
    widened = math.sqrt((1 + again) / (1 - again)) if 0 < again < 1 else 1.0
    return line.slope, T_95 * error * widened


def memory_over(lines: Sequence[Mapping[str, Any]], bills_read: int) -> tuple[list[float], list[float]]:
    """Return pages read after settling, and the memory of `ocr` in MiB when the fields of each bill were read.

    Args:
        lines: Log lines of all functions in the order of time.
        bills_read: How many bills there must be.
    """
    read = [float(line["rss_mb"]) for line in lines if line["message"] == "fields extracted"]
    if len(read) != bills_read:
        raise AssertionError(f"{len(read)} bills were read, not {bills_read}")
    settled = SETTLED // BILL_PAGES
    return [float(BILL_PAGES * (number + 1)) for number in range(len(read) - settled)], read[settled:]


def at_marks(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """Return the memory in MiB of each function by its last line up to each mark."""
    ends = [line["time"] for line in lines if line["message"] == "fields extracted"]
    until = [ends[round((SETTLED + PAGES * share) / BILL_PAGES) - 1] for share in MARKS]
    found: dict[str, list[float | None]] = {}
    for function in sorted({str(line["function"]) for line in lines}):
        own = [line for line in lines if line["function"] == function]
        found[function] = [
            next((float(line["rss_mb"]) for line in reversed(own) if line["time"] <= end), None) for end in until
        ]
    return found


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    bill = bills.pdf("mixed", BILL_PAGES)
    bills_read = (PAGES + SETTLED) // BILL_PAGES
    with bench_stack(env={"SHEET_WRITE_INTERVAL_SECONDS": "0"}) as submitter:
        for _ in range(bills_read):
            end = submitter.ended(submitter.submit(bill), DEADLINE_S)
            if end["stage"] != "done":
                raise AssertionError(end)
        lines = sorted(log_lines(submitter.stack, {}), key=lambda line: str(line["time"]))
    return described(lines, bills_read)


def described(lines: Sequence[Mapping[str, Any]], bills_read: int) -> str:
    """Return the text for docs/benchmarks.md about what the functions logged."""
    x, y = memory_over(lines, bills_read)
    found, half = slope(x, y)
    rows = [[f"{PAGES:,} pages", y[0], y[-1], min(y), max(y), f"{found * 1000:.3f} ± {half * 1000:.3f}"]]
    verdict = "zero is within" if abs(found) <= half else "zero is NOT within"
    return "\n".join(
        [
            f"{machine('PyMuPDF')}. Resident memory in MiB by the functions' own log lines, worker process included; what the"
            " two share is counted for each, so that nothing else on the machine changes it. `ocr`: after each bill of"
            f" {BILL_PAGES} mixed pages, {SETTLED:,} pages to settle left out; slope by least squares with its 95 % interval:"
            f" {verdict} it.\n",
            table(["ocr after", "first", "last", "least", "most", "slope, MiB per 1,000 pages"], rows),
            "The soak: one instance of each function served these jobs.\n",
            table(
                [f"MiB after {SETTLED:,} pages and so much of {PAGES:,}", *(f"{share:.0%}" for share in MARKS)],
                [[function, *cells] for function, cells in at_marks(lines).items()],
            ),
        ]
    )

"""Does anything leak? 20,000 page jobs through the whole stack: memory of each function, and the slope of that of `ocr`."""

from __future__ import annotations

import math
import statistics

from tests.bench import bills
from tests.bench.memory import master_of, memory_of
from tests.bench.report import lines, machine, table
from tests.bench.surroundings import bench_stack

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


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    bill = bills.pdf("mixed", BILL_PAGES)
    x: list[float] = []
    y: list[float] = []
    marks = {SETTLED + round(PAGES * share): share for share in MARKS}
    noted: dict[float, dict[str, float]] = {}
    with bench_stack(env={"SHEET_WRITE_INTERVAL_SECONDS": "0"}) as submitter:
        for read in range(BILL_PAGES, PAGES + SETTLED + 1, BILL_PAGES):
            end = submitter.ended(submitter.submit(bill), DEADLINE_S)
            if end["stage"] != "done":
                raise AssertionError(end)
            if read > SETTLED:
                x.append(float(read - SETTLED))
                y.append(memory_of(master_of("ocr")).once)
            if read in marks:
                noted[marks[read]] = submitter.stack.memory()
    found, half = slope(x, y)
    rows = [[f"{PAGES:,} pages", y[0], y[-1], max(y), f"{found * 1000:.3f} ± {half * 1000:.3f}"]]
    verdict = "zero is within" if abs(found) <= half else "zero is NOT within"
    return "\n".join(
        [
            f"{machine('PyMuPDF')}. MiB of the process tree of `ocr` between bills of {BILL_PAGES} mixed pages, after"
            f" {SETTLED:,} pages to settle; slope by least squares with its 95 % interval: {verdict} it.\n",
            table(["ocr after", "first", "last", "most", "slope, MiB per 1,000 pages"], rows),
            lines("leak", "Memory of ocr between bills", "pages read", "MiB", x, {"ocr": y}, dots_size=1),
            "The soak: all functions served these jobs, one instance each.\n",
            table(
                [f"MiB after {SETTLED:,} pages and so much of {PAGES:,}", *(f"{share:.0%}" for share in MARKS)],
                [[name, *(noted[share][name] for share in MARKS)] for name in noted[MARKS[0]]],
            ),
        ]
    )

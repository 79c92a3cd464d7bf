"""End to end: one page from POST to row without the OCR, and 100 pages by the number of instances of `ocr`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime

from intake.settings import Settings

from tests.bench import bills
from tests.bench.environment import EagerDeliverer, bench_stack, log_lines
from tests.bench.report import lines, machine, median, percentile, table
from tests.pipeline import documents
from tests.pipeline.submitter import Submitter

RUNS = 12
PAUSE_S = 2.6
"""Between two bills: the Sheet is written once in 1.1 s at most, and no bill shall wait for the row or copy of another."""
LOOK_EVERY_S = 0.02
PAGES, OCR_S, CALLS_IN_FLIGHT = 100, 1.0, 4
INSTANCES = (1, 2, 5, 10, 20)
STEPS = {
    "submission accepted": "POST answered (files stored, intake made, nudge sent)",
    "page read": "words of the page saved",
    "bill read": "fields read, earlier bills looked up",
    "rows recorded": "row in the Sheet",
}


def _until_done(submitter: Submitter, intake_id: str) -> None:
    while submitter.progress(intake_id)["stage"] not in ("done", "failed"):
        time.sleep(LOOK_EVERY_S)


def steps_of(submitter: Submitter, bill: bytes, offsets: dict[str, int]) -> dict[str, float]:
    """Submit one bill and return milliseconds from the POST to the end of each step, by the functions' own log lines."""
    log_lines(submitter.stack, offsets)
    began = time.time()
    intake_id = submitter.submit(bill)
    _until_done(submitter, intake_id)
    seen: dict[str, float] = {}
    while "rows recorded" not in seen:
        for line in log_lines(submitter.stack, offsets):
            if line["message"] in STEPS and line.get("intake_id", intake_id) == intake_id:
                seen[line["message"]] = (datetime.fromisoformat(line["time"]).timestamp() - began) * 1000
    return seen


def one_page() -> tuple[str, dict[str, float]]:
    """Return the table of one-page bills, and the median milliseconds of each step by kind of bill and step."""
    kinds: dict[str, bytes] = {
        "digital PDF": documents.text_pdf(1),
        "scan (PDF)": documents.scan_pdf([1]),
        "photo, 12 megapixels": bills.photo(),
    }
    rows, medians = [], {}
    with bench_stack() as submitter:
        offsets: dict[str, int] = {}
        for label, bill in kinds.items():
            steps_of(submitter, bill, offsets)
            seen = []
            for _ in range(RUNS):
                time.sleep(PAUSE_S)
                seen.append(steps_of(submitter, bill, offsets))
            before = 0.0
            for step, what in STEPS.items():
                ends = [run[step] for run in seen]
                rows.append([f"{label}: {what}", median(ends) - before, median(ends), percentile(ends, 0.95)])
                medians[f"{label}/{step}"] = median(ends) - before
                before = median(ends)
    return table(["milliseconds since the POST", "step", "p50", "p95"], rows), medians


def limit_s(instances: int) -> float:
    """Return the least seconds that the OCR itself takes: rounds of calls, when nothing else costs anything.

    However many instances there are, one bill has only some of them.
    """
    return math.ceil(PAGES / (min(instances, Settings.chunks_in_flight) * CALLS_IN_FLIGHT)) * OCR_S


def hundred_pages(settings: dict[str, dict[str, str]]) -> tuple[str, str]:
    """Return table and plot of 100 scanned pages by instances.

    Args:
        settings: Environment of the functions by the name under which the table shows it.
    """
    bill = bills.pdf("scan", PAGES)
    times: dict[str, list[float]] = {}
    for name, env in settings.items():
        for instances in INSTANCES:
            with bench_stack(OCR_S, env, ocr_workers=instances) as submitter:
                with EagerDeliverer(submitter.stack, parallel=instances) as deliverer:
                    for _ in range(instances):  # each instance has its clients
                        submitter.submit(documents.text_pdf(1))
                    _settle(lambda: deliverer.delivered, 2 * instances)
                    found = []
                    for _ in range(1 if instances == 1 else 2):
                        began = time.perf_counter()
                        _until_done(submitter, submitter.submit(bill))
                        found.append(time.perf_counter() - began)
                times.setdefault(name, []).append(min(found))
    limits = [limit_s(instances) for instances in INSTANCES]
    rows = []
    for at, instances in enumerate(INSTANCES):
        cells = [cell for name in times for cell in (times[name][at], f"{times[name][at] / limits[at]:.2f}")]
        rows.append([f"{instances} instances", limits[at], *cells])
    head = ["seconds", "limit", *(cell for name in times for cell in (name, "× limit"))]
    chart = lines("endtoend", "100 pages at 1 s of OCR", "instances of ocr", "s", INSTANCES, {"limit": limits, **times})
    return table(head, rows), chart


def _settle(count: Callable[[], int], wanted: int) -> None:
    until = time.monotonic() + 60
    while count() < wanted and time.monotonic() < until:
        time.sleep(0.1)


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    single, _ = one_page()
    many, chart = hundred_pages({"as deployed": {}})
    return "\n".join(
        [
            f"{machine('functions-framework', 'google-cloud-firestore')}. The whole local stack (emulators, gateway, five"
            f" functions) and the client share the machine; OCR: a stub of 0 s; {RUNS} bills a kind, one at a time.\n",
            single,
            f"{PAGES} scanned pages with an OCR of {OCR_S:.0f} s; the limit is rounds of {CALLS_IN_FLIGHT} calls an instance"
            " and nothing else. All instances share the two cores, and so do the emulators. Messages are delivered to"
            " as many instances as there are (the emulator alone would deliver two at once).\n",
            many,
            chart,
        ]
    )

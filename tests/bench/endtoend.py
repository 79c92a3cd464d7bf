"""End to end: one page from POST to row without the OCR, and 100 pages by the number of instances of `ocr`."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from datetime import datetime
from statistics import median

from intake.settings import Settings

from tests.bench import bills
from tests.bench.environment import EagerDeliverer, bench_stack, log_lines
from tests.bench.report import machine, percentile, table
from tests.support import documents
from tests.support.submitter import Submitter

RUNS = 12
PAUSE_S = 2.6
"""Between two bills: the Sheet is written once in 1.1 s at most, and no bill shall wait for the row or copy of another."""
LOOK_EVERY_S = 0.02
PAGES, OCR_S, CALLS_IN_FLIGHT = 100, 1.0, 4
INSTANCES = (1, 2, 5, 10, 20)
STEPS = {
    "submission accepted": "POST answered (files stored, intake made, nudge sent)",
    "page read": "words of the page saved",
    "fields extracted": "fields read, earlier bills looked up",
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


def one_page() -> str:
    """Return the table of one-page bills."""
    kinds: dict[str, bytes] = {
        "digital PDF": documents.text_pdf(1),
        "scan (PDF)": documents.scan_pdf([1]),
        "photo, 12 megapixels": bills.photo(),
    }
    rows: list[list[object]] = []
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
                before = median(ends)
    return table(["milliseconds since the POST", "step", "p50", "p95"], rows)


def limit_s(instances: int) -> float:
    """Return the least seconds that the OCR itself takes: rounds of calls, when nothing else costs anything.

    However many instances there are, one bill has only some of them.
    """
    return math.ceil(PAGES / (min(instances, Settings.chunks_in_flight) * CALLS_IN_FLIGHT)) * OCR_S


def hundred_pages() -> str:
    """Return the table of 100 scanned pages by instances."""
    bill, rows = bills.pdf("scan", PAGES), []
    for instances in INSTANCES:
        with (
            bench_stack(OCR_S, ocr_workers=instances) as submitter,
            EagerDeliverer(submitter.stack, parallel=instances) as deliverer,
        ):
            for _ in range(instances):  # each instance has its clients
                submitter.submit(documents.text_pdf(1))
            _settle(functools.partial(getattr, deliverer, "delivered"), 2 * instances)
            found = []
            for _ in range(1 if instances == 1 else 2):
                began = time.perf_counter()
                _until_done(submitter, submitter.submit(bill))
                found.append(time.perf_counter() - began)
        limit = limit_s(instances)
        rows.append([f"{instances} instances", limit, min(found), f"{min(found) / limit:.2f}"])
    return table(["seconds", "limit", "as deployed", "× limit"], rows)


def _settle(count: Callable[[], int], wanted: int) -> None:
    until = time.monotonic() + 60
    while count() < wanted and time.monotonic() < until:
        time.sleep(0.1)


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    single, many = one_page(), hundred_pages()
    return "\n".join(
        [
            f"{machine('functions-framework', 'google-cloud-firestore')}. The whole local stack (emulators, gateway, five"
            f" functions) and the client share the machine; OCR: a stub of 0 s; {RUNS} bills a kind, one at a time.\n",
            single,
            f"{PAGES} scanned pages with an OCR of {OCR_S:.0f} s; the limit is rounds of {CALLS_IN_FLIGHT} calls an instance"
            " and nothing else. All instances share the two cores, and so do the emulators. Messages are delivered to"
            " as many instances as there are (the emulator alone would deliver two at once).\n",
            many,
        ]
    )

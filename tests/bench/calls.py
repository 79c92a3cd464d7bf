"""Calls to Google a bill, counted where they leave the functions, and what 1,000 bills cost by infra/gcp/prices.toml."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.gcp.costs import prices
from infra.spec import FunctionSpec, load
from tests.bench import bills
from tests.bench.environment import bench_stack, log_lines
from tests.bench.report import ROOT, machine, table
from tests.support import documents
from tests.support.counted_calls import CallsFile, totals
from tests.support.submitter import Submitter, wait_for

OCR_S = 1.0
VCPU = 1.0
"""A function with a concurrency above 1 needs a whole one (https://cloud.google.com/run/docs/about-concurrency)."""
BILLED_S = 0.1
"""Cloud Run counts a request's time in steps of 100 ms (https://cloud.google.com/run/pricing)."""
ROUNDS = 3


def kinds() -> dict[str, tuple[int, list[bytes]]]:
    """Return pages and files by kind of bill."""
    return {
        "digital PDF, 1 page": (1, [documents.text_pdf(1)]),
        "digital PDF, 4 pages": (4, [documents.text_pdf(4)]),
        "photo, 12 megapixels": (1, [bills.photo()]),
        "two photos": (2, [bills.photo(), bills.photo(11)]),
        "scan, 4 pages": (4, [documents.scan_pdf([1, 2, 3, 4])]),
        "scan, 100 pages": (100, [bills.pdf("scan", 100)]),
    }


@dataclass(frozen=True)
class Bill:
    """What one bill took.

    Attributes:
        pages: Pages.
        counts: Calls, as `totals` names them.
        seconds: Seconds of each function.
        requests: Requests of all functions.
        stored: Bytes that stay in Storage (files and words).
    """

    pages: int
    counts: Counter[str]
    seconds: dict[str, float]
    requests: int
    stored: int


def dollars(bill: Bill, specs: dict[str, FunctionSpec], *, ocr_every_page: bool = False) -> dict[str, float]:
    """Return what one bill costs by product, free tiers left out."""
    price, counts = prices(), bill.counts
    firestore, storage, run = price["firestore"], price["storage"], price["run"]
    time_of = {name: math.ceil(seconds / BILLED_S) * BILLED_S for name, seconds in bill.seconds.items()}
    pictures = bill.pages if ocr_every_page else counts["vision"]
    return {
        "Vision": pictures * price["vision"]["thousand_pages"] / 1_000,
        "Firestore": (
            counts["firestore.reads"] * firestore["hundred_thousand_reads"]
            + counts["firestore.writes"] * firestore["hundred_thousand_writes"]
            + counts["firestore.deletes"] * firestore["hundred_thousand_deletes"]
        )
        / 1e5,
        # A resumable upload is one operation, however many requests carry it.
        "Storage": (counts["storage.upload"] + counts["storage.list"]) * storage["ten_thousand_writes"] / 1e4
        + counts["storage.get"] * storage["ten_thousand_reads"] / 1e4
        + bill.stored / 2**30 * storage["gib_month"],
        "Pub/Sub": 2 * counts["pubsub.messages"] * 1000 / 2**40 * price["pubsub"]["tib"],
        "functions": sum(
            seconds * (VCPU * run["vcpu_second"] + specs[name].memory_mb / 1024 * run["gib_second"])
            for name, seconds in time_of.items()
        )
        + bill.requests * run["million_requests"] / 1e6,
    }


def one(submitter: Submitter, calls: CallsFile, offsets: dict[str, int], pages: int, files: list[bytes]) -> Bill:
    """Send one bill and return what it took."""
    calls.new()
    log_lines(submitter.stack, offsets)
    intake_id = submitter.submit(*files)
    submitter.ended(intake_id)
    seconds: Counter[str] = Counter()
    events = 0
    for line in _until_record_is_done(submitter, intake_id, offsets):
        if line["message"] in ("submission accepted", "event handled"):
            seconds[line["function"]] += line["ms"] / 1000
            events += 1
    made = [call for call in calls.new() if call["function"] != "progress"]
    uploads = [call for call in made if call["product"] == "storage" and call["method"] in ("upload", "piece")]
    stored = sum(int(str(call["bytes"])) for call in uploads)
    return Bill(pages, totals(made), dict(seconds), events, stored)


def _until_record_is_done(submitter: Submitter, intake_id: str, offsets: dict[str, int]) -> list[dict[str, Any]]:
    """Return the functions' lines up to the last one of a bill: `record` links the copy after the progress says done."""
    lines = log_lines(submitter.stack, offsets)

    def record_is_done() -> bool:
        lines.extend(log_lines(submitter.stack, offsets))
        return any(
            line["function"] == "record" and line["message"] == "event handled" and line["intake_id"] == intake_id
            for line in lines
        )

    wait_for("the end of `record`", record_is_done)
    return lines


def measured() -> dict[str, Bill]:
    """Return what each kind of bill took, the median round by time."""
    found: dict[str, list[Bill]] = {}
    with tempfile.TemporaryDirectory() as folder:
        calls = CallsFile(Path(folder, "calls.jsonl"))
        source = ROOT / "tests" / "bench" / "counting.py"
        with bench_stack(OCR_S, {"CALLS_FILE": str(calls.path)}, source=source) as submitter:
            offsets: dict[str, int] = {}
            submitter.recorded(documents.text_pdf(1))
            for _ in range(ROUNDS):
                for kind, (pages, files) in kinds().items():
                    found.setdefault(kind, []).append(one(submitter, calls, offsets, pages, files))
    return {kind: sorted(runs, key=lambda run: sum(run.seconds.values()))[ROUNDS // 2] for kind, runs in found.items()}


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    found = measured()
    specs, _ = load()
    names = ["vision", "firestore.reads", "firestore.writes", "firestore.deletes", "storage.upload", "storage.get"]
    names += ["storage.list", "pubsub.messages", "sheets", "drive"]
    counts = [[kind, *(bill.counts[name] for name in names)] for kind, bill in found.items()]
    cost = {kind: dollars(bill, specs) for kind, bill in found.items()}
    every = {kind: sum(dollars(bill, specs, ocr_every_page=True).values()) for kind, bill in found.items()}
    rows = []
    for kind, bill in found.items():
        total = sum(cost[kind].values())
        gib = sum(seconds * specs[name].memory_mb / 1024 for name, seconds in bill.seconds.items())
        parts = [f"{1000 * value:.2f}" for value in cost[kind].values()]
        rows.append([kind, f"{gib:.2f}", *parts, f"{1000 * total:.2f}", f"{1000 * every[kind]:.2f}"])
    head = ["$ for 1,000 bills", "GiB-s a bill", *next(iter(cost.values())), "all", "with OCR for every page"]
    return "\n".join(
        [
            f"{machine()}. Counted by an interceptor on every gRPC channel and at every HTTP request of the functions; a warm"
            f" stack, OCR of {OCR_S:.0f} s, median of {ROUNDS} rounds. Prices: `infra/gcp/prices.toml`, {VCPU:.0f} vCPU a"
            " function, free tiers left out (they cover the first thousands of bills a month). Each bill is also copied to"
            " Drive here: two of the Firestore writes; without DRIVE_FOLDER they fall away.\n",
            table(["calls a bill", *names], counts),
            table(head, rows),
        ]
    )

"""Where it saturates: 1 to 100 bills a second, simulated with steps measured in the same run; beside it the real stack.

Limits, each as documented by Google:

    Vision     1,800 requests a minute (https://cloud.google.com/vision/quotas)
    Sheets     60 writes a minute and user (https://developers.google.com/workspace/sheets/api/limits)
    the others in `simulation`; instances in infra/functions.toml
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import psutil

from infra.spec import load
from tests.bench.calls import measured
from tests.bench.environment import EagerDeliverer, bench_stack, log_lines
from tests.bench.report import lines, machine, median, percentile, table
from tests.bench.simulation import Load, Places, Steps, limits
from tests.pipeline import documents
from tests.pipeline.submitter import Submitter

OCR_S = 1.0
COLD_S = 2.0
"""What an instance's first bill takes longer: `coldstart` measures 1 to 1.5 s here; Google's start of a container comes on
top."""
RATES = (1, 2, 5, 10, 15, 20, 30, 50, 75, 100)
MIXES = {"photos": 1.0, "half digital PDFs": 0.5, "digital PDFs": 0.0}
VISION_PER_S = 1800 / 60
MORE_INSTANCES = 60
CHECK_RATES = (0.5, 1, 2, 3, 5)
CHECK_S = 30.0
CHECK_BILLS = 20
CHECK_INSTANCES = 2
PLAIN = {"DRIVE_FOLDER": "", "SHEET_WRITE_INTERVAL_SECONDS": "0"}
"""No waiting for the Sheet's interval while steps are measured: the simulation does that."""


def deployed() -> Places:
    """Return what infra/functions.toml deploys."""
    specs, _ = load()
    submit, ocr = specs["submit"], specs["ocr"]
    return Places(submit.max_instances * submit.concurrency, ocr.max_instances, VISION_PER_S, COLD_S)


def measured_steps() -> dict[bool, Steps]:
    """Measure what a photo (True) and a digital PDF (False) take, one at a time."""
    found = measured(OCR_S, only=("digital PDF, 1 page", "photo, 12 megapixels"), env=PLAIN)
    steps = {}
    for photo, kind in ((False, "digital PDF, 1 page"), (True, "photo, 12 megapixels")):
        bill, vision = found[kind], OCR_S if photo else 0.0
        ocr = max(0.0, bill.seconds["ocr"] - vision)
        submit, record = bill.seconds["submit"], bill.seconds["record"]
        message = max(0.0, bill.until_row - submit - ocr - vision - record) / 2
        counts = bill.counts
        steps[photo] = Steps(submit, message, ocr, vision, record, counts["firestore.writes"], counts["storage.upload"])
    return steps


# --- the real stack, where both can run -------------------------------------------------------------------------------------


def real(submitter: Submitter, bill: bytes, rate: float) -> list[float]:
    """Send digital bills at a rate to the real stack and return seconds from POST to row, by the functions' log lines."""
    rng = random.Random(7)
    offsets: dict[str, int] = {}
    log_lines(submitter.stack, offsets)
    began: dict[str, float] = {}

    def one() -> None:
        at = time.time()
        began[submitter.submit(bill)] = at

    with ThreadPoolExecutor(64) as pool:
        futures, until = [], time.monotonic() + CHECK_S
        while time.monotonic() < until:
            futures.append(pool.submit(one))
            time.sleep(rng.expovariate(rate))
        for future in futures:
            future.result()
    for intake_id in began:
        submitter.ended(intake_id)
    ended = {
        line["intake_id"]: datetime.fromisoformat(line["time"]).timestamp()
        for line in log_lines(submitter.stack, offsets)
        if line["message"] == "event handled" and line["function"] == "record"
    }
    return [ended[intake_id] - at for intake_id, at in began.items() if intake_id in ended]


def _cpu_s() -> float:
    """Return the processor seconds of this process and of all that it started: client, emulators and functions."""
    tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in tree)


def _busy_share(submitter: Submitter, bill: bytes, steps: Steps) -> float:
    """Return which share of the measured seconds of a bill a processor is at work, anywhere on this machine."""
    before = _cpu_s()
    for _ in range(CHECK_BILLS):
        submitter.recorded(bill)
    return min(1.0, (_cpu_s() - before) / CHECK_BILLS / steps.seconds)


def _check(steps: dict[bool, Steps]) -> str:
    rows = []
    bill = documents.text_pdf(1)
    with (
        bench_stack(env={"DRIVE_FOLDER": ""}, ocr_workers=CHECK_INSTANCES) as submitter,
        EagerDeliverer(submitter.stack, parallel=2 * CHECK_INSTANCES),
    ):
        for _ in range(2 * CHECK_INSTANCES):
            submitter.recorded(bill)
        busy = _busy_share(submitter, bill, steps[False])
        places = Places(8, CHECK_INSTANCES, 0.0, copies=False, cpus=2, busy=busy)
        for rate in CHECK_RATES:
            times = real(submitter, bill, rate)
            load = Load(steps, places, rate, 0.0).run()
            seen: list[Sequence[float]] = [times, load.times]
            p50s, p95s = [median(each) for each in seen], [percentile(each, 0.95) for each in seen]
            rows.append([f"{rate} bills a second", len(times), *p50s, *p95s, f"{p50s[1] / p50s[0]:.2f}"])
    head = ["digital PDFs, seconds from POST to row", "bills", "real p50", "simulated p50", "real p95", "simulated p95"]
    said = (
        f"The simulation beside the real stack, where both can run ({CHECK_INSTANCES} instances of `ocr`, 2 cores shared with"
        f" the emulators and the client, no copies, all warm). For {busy:.0%} of a bill's seconds a processor is at work, the"
        f" rest is waiting (counted over {CHECK_BILLS} bills, all processes together):\n"
    )
    return said + "\n" + table([*head, "simulated / real p50"], rows)


def section() -> str:
    """Measure, simulate, and return the text for docs/benchmarks.md."""
    steps, places = measured_steps(), deployed()
    more = replace(places, ocr=MORE_INSTANCES)
    cases = [(mix, photos, places) for mix, photos in MIXES.items()]
    cases.append((f"photos, {MORE_INSTANCES} instances of `ocr`", 1.0, more))
    bounds, rows, series = [], [], {}
    for mix, photos, there in cases:
        found = limits(steps, there, photos)
        bounds.append(
            [mix, *(f"{limit.name} {limit.bills_per_s:,.0f}{'' if limit.hard else '*'}" for limit in found[:5])]
        )
        first = next(limit for limit in found if limit.hard)
        for rate in RATES:
            load = Load(steps, there, rate, photos).run()
            p50, p95 = median(load.times), percentile(load.times, 0.95)
            held = first.name if rate > first.bills_per_s else ""
            rows.append([f"{mix}, {rate} bills a second", p50, p95, len(load.times) / load.seconds, held])
            series.setdefault(mix, []).append(p95)
    seen = "; ".join(
        f"{'photo' if photo else 'digital PDF'}: submit {s.submit:.3f}, message {s.message:.3f}, ocr {s.ocr:.3f},"
        f" OCR {s.vision:.1f}, record {s.record:.3f} s, {s.writes} Firestore writes"
        for photo, s in steps.items()
    )
    chart = lines("scaling", "Seconds from POST to row (p95)", "bills a second", "s", RATES, series, logarithmic=True)
    return "\n".join(
        [
            f"{machine('simpy')}. Measured in this run, one bill at a time ({seen}). Simulated: {Load.seconds / 60:.0f}"
            f" minutes from a cold start ({COLD_S:.0f} s more for the first bill of each instance), Poisson arrivals of bills"
            " of one page, the deployment of infra/functions.toml, Google's published limits (in the modules' text), copies to"
            " Drive on.\n",
            "What bounds the bills a second, the narrowest first (* no bill waits for it: Google raises it with the load, or"
            " only the links to the copies come later):\n",
            table(["bills a second", "first", "second", "third", "fourth", "fifth"], bounds),
            table(["one page each", "p50 s", "p95 s", "rows a second", "held up by"], rows),
            chart,
            _check(steps),
        ]
    )

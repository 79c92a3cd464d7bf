"""Where it saturates: a discrete-event simulation of 1 to 100 bills a second, checked against the real stack.

Each part is a queue with as many servers as the deployment or Google allows; what a bill spends in each is measured in the
same run (`calls`), not assumed:

    arrivals ─▶ submit (instances × concurrency) ─▶ ocr (instances, one chunk each) ─▶ Vision quota ─▶ record (one writer)

Limits, each as documented by Google:

    Vision     1,800 requests a minute (https://cloud.google.com/vision/quotas)
    Firestore  500 writes a second to begin with, growing by half in 5 minutes
               (https://cloud.google.com/firestore/docs/best-practices#ramping_up_traffic); no fixed limit after that
    Sheets     60 writes a minute and user (https://developers.google.com/workspace/sheets/api/limits), 500 rows in each
    instances  infra/functions.toml
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import simpy

from infra.local import functions
from tests.bench.calls import measured
from tests.bench.report import lines, machine, median, percentile, table
from tests.bench.surroundings import EagerDeliverer, bench_stack
from tests.pipeline import documents
from tests.pipeline.submitter import Submitter

SIMULATED_S = 300.0
RATES = (1, 2, 5, 10, 20, 30, 50, 75, 100)
MIXES = {"photos only": 1.0, "half digital PDFs": 0.5, "digital PDFs only": 0.0}
VISION_PER_S = 1800 / 60
FIRESTORE_WRITES_PER_S = 500
SHEET_INTERVAL_S = 1.1
SHEET_ROWS = 500
MORE_INSTANCES = 60
CHECK_RATES = (1, 2, 4)
CHECK_S = 20.0


@dataclass(frozen=True)
class Steps:
    """Seconds that a bill spends where, as measured, and what it writes.

    Attributes:
        submit: In `submit`.
        ocr: In `ocr`, without the OCR.
        vision: Of the OCR.
        record: Of one flush in `record`.
        writes: Firestore writes.
    """

    submit: float
    ocr: float
    vision: float
    record: float
    writes: int


@dataclass
class Places:
    """How many of each there are.

    Attributes:
        submit: Requests at once.
        ocr: Instances.
        vision_per_s: OCR calls a second; 0 for no quota.
        cpus: Processors that everything shares, for the check on one machine; 0 for as many as needed.
    """

    submit: int
    ocr: int
    vision_per_s: float = VISION_PER_S
    cpus: int = 0


@dataclass
class Load:
    """One simulated load: bills of a mix arrive at random (Poisson), seconds from POST to row are collected."""

    steps: dict[bool, Steps]
    places: Places
    rate: float
    photos: float
    seconds: float = SIMULATED_S
    times: list[float] = field(default_factory=list)
    arrived: int = 0
    writes: int = 0
    _due: list[float] = field(default_factory=list)
    _vision_free: float = 0.0
    _busy: float = 0.0

    def run(self) -> Load:
        """Simulate; returns itself."""
        self._env = simpy.Environment()
        self._rng = random.Random(7)
        self._submit = simpy.Resource(self._env, self.places.submit)
        self._ocr = simpy.Resource(self._env, self.places.ocr)
        self._cpu = simpy.Resource(self._env, self.places.cpus) if self.places.cpus else None
        self._env.process(self._arrivals())
        self._env.process(self._record())
        self._env.run(until=self.seconds)
        return self

    @property
    def busy_ocr(self) -> float:
        """Share of the time that the instances of `ocr` were at work."""
        return self._busy / (self.places.ocr * self.seconds)

    def _arrivals(self) -> Generator[Any, Any, None]:
        while True:
            yield self._env.timeout(self._rng.expovariate(self.rate))
            self.arrived += 1
            self._env.process(self._bill(self._rng.random() < self.photos))

    def _work(self, seconds: float) -> Generator[Any, Any, None]:
        """Take processor time: at once in production, in turn where the processors are counted."""
        if self._cpu is None:
            yield self._env.timeout(seconds)
            return
        with self._cpu.request() as turn:
            yield turn
            yield self._env.timeout(seconds)

    def _bill(self, photo: bool) -> Generator[Any, Any, None]:
        came, steps = self._env.now, self.steps[photo]
        with self._submit.request() as turn:
            yield turn
            yield from self._work(steps.submit)
        with self._ocr.request() as turn:
            yield turn
            began = self._env.now
            yield from self._work(steps.ocr)
            if photo:
                if self.places.vision_per_s:
                    self._vision_free = max(self._vision_free, self._env.now) + 1 / self.places.vision_per_s
                    yield self._env.timeout(self._vision_free - self._env.now)
                yield self._env.timeout(steps.vision)
            self._busy += self._env.now - began
        self.writes += steps.writes
        self._due.append(came)

    def _record(self) -> Generator[Any, Any, None]:
        while True:
            yield self._env.timeout(0.01)
            if not self._due:
                continue
            flushed, self._due = self._due[:SHEET_ROWS], self._due[SHEET_ROWS:]
            began = self._env.now
            yield from self._work(self.steps[True].record)
            self.times += [self._env.now - came for came in flushed]
            yield self._env.timeout(max(0.0, SHEET_INTERVAL_S - (self._env.now - began)))


def deployed() -> Places:
    """Return what infra/functions.toml deploys."""
    specs, _ = functions.load()
    return Places(specs["submit"].max_instances * specs["submit"].concurrency, specs["ocr"].max_instances)


def measured_steps(ocr_s: float) -> dict[bool, Steps]:
    """Measure what a photo (True) and a digital PDF (False) take."""
    found = measured(ocr_s, only=("digital PDF, 1 page", "photo, 12 megapixels"))
    steps = {}
    for photo, kind in ((False, "digital PDF, 1 page"), (True, "photo, 12 megapixels")):
        bill, vision = found[kind], ocr_s if photo else 0.0
        ocr = max(0.0, bill.seconds["ocr"] - vision)
        steps[photo] = Steps(
            bill.seconds["submit"], ocr, vision, bill.seconds["record"], bill.counts["firestore.writes"]
        )
    return steps


def first_limit(load: Load) -> str:
    """Return what holds the bills up, where they are held up."""
    finished = len(load.times) / max(1, load.arrived)
    if finished > 0.95:
        return "none"
    needs = {
        "Vision's 1,800 a minute": load.rate * load.photos / VISION_PER_S,
        "instances of ocr": load.rate
        * sum(share * (load.steps[kind].ocr + load.steps[kind].vision) for kind, share in _shares(load))
        / load.places.ocr,
        "Sheets": load.rate / (SHEET_ROWS / SHEET_INTERVAL_S),
    }
    return max(needs, key=needs.__getitem__)


def _shares(load: Load) -> tuple[tuple[bool, float], ...]:
    return ((True, load.photos), (False, 1 - load.photos))


# --- the real stack, where both can run -------------------------------------------------------------------------------------


def real(submitter: Submitter, bill: bytes, rate: float) -> list[float]:
    """Send digital bills at a rate to the real stack and return seconds from POST to row."""
    rng = random.Random(7)

    def one() -> float:
        began = time.perf_counter()
        submitter.ended(submitter.submit(bill))
        return time.perf_counter() - began

    with EagerDeliverer(submitter.stack, parallel=4), ThreadPoolExecutor(64) as pool:
        futures, until = [], time.monotonic() + CHECK_S
        while time.monotonic() < until:
            futures.append(pool.submit(one))
            time.sleep(rng.expovariate(rate))
        return [future.result() for future in futures]


def _check(steps: dict[bool, Steps]) -> str:
    rows = []
    with bench_stack(ocr_workers=2) as submitter:
        submitter.recorded(documents.text_pdf(1))
        for rate in CHECK_RATES:
            times = real(submitter, documents.text_pdf(1), rate)
            load = Load(steps, Places(8, 2, 0.0, cpus=2), rate, 0.0, 300.0).run()
            rows.append(
                [
                    f"{rate} bills a second",
                    median(times),
                    median(load.times),
                    percentile(times, 0.95),
                    percentile(load.times, 0.95),
                ]
            )
    return table(["seconds, digital PDFs", "real p50", "simulated p50", "real p95", "simulated p95"], rows)


def section() -> str:
    """Measure, simulate, and return the text for docs/benchmarks.md."""
    steps = measured_steps(1.0)
    rows, series = [], {}
    more = replace(deployed(), ocr=MORE_INSTANCES)
    mixes = [(mix, photos, deployed()) for mix, photos in MIXES.items()]
    for mix, photos, places in [*mixes, (f"photos only, {MORE_INSTANCES} instances of ocr", 1.0, more)]:
        for rate in RATES:
            load = Load(steps, places, rate, photos).run()
            writes = load.writes / SIMULATED_S
            p50, p95 = median(load.times), percentile(load.times, 0.95)
            warm = "" if writes <= FIRESTORE_WRITES_PER_S else " (ramp up first)"
            rows.append(
                [
                    f"{mix}, {rate} bills a second",
                    p50,
                    p95,
                    f"{load.busy_ocr:.0%}",
                    f"{writes:,.0f}{warm}",
                    first_limit(load),
                ]
            )
            series.setdefault(mix, []).append(p95)
    head = ["one page each", "p50 s", "p95 s", "ocr busy", "Firestore writes/s", "held up by"]
    seen = ", ".join(
        f"{'photo' if photo else 'digital'}: submit {s.submit:.3f}, ocr {s.ocr:.3f} + {s.vision:.1f}, record {s.record:.3f} s"
        for photo, s in steps.items()
    )
    chart = lines("scaling", "Seconds from POST to row (p95)", "bills a second", "s", RATES, series, logarithmic=True)
    return "\n".join(
        [
            f"{machine('simpy')}. Measured in this run ({seen}); {SIMULATED_S / 60:.0f} minutes simulated, the deployment of"
            " infra/functions.toml, Google's published limits (in the module's text).\n",
            table(head, rows),
            chart,
            "The simulation beside the real stack, where both can run (2 instances of `ocr`, 2 cores shared with the emulators"
            " and the client):\n",
            _check(steps),
        ]
    )

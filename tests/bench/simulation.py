"""A discrete-event simulation of the deployment under load: each part is a queue with as many servers as it is given.

    arrivals ─▶ submit ─▶ message ─▶ ocr (instances, cold at first) ─▶ Vision's quota ─▶ message ─▶ the Sheet's one writer

What a bill spends in each is measured; what there is of each comes from infra/functions.toml and from what Google allows.
Calls over Vision's quota wait their turn here, in the instance that makes them; the real ones are refused and come again.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy
from intake.settings import Settings
from intake.stages.archive import BATCH as COPIES_IN_A_WRITE
from intake.stages.record import FLUSH_ROWS

SHEET_INTERVAL_S = Settings.sheet_write_interval_s
_LOOK_S = 0.01

Events = Generator[Any, Any, None]


@dataclass(frozen=True)
class Steps:
    """Seconds that a bill of one page spends where, and what it writes.

    Attributes:
        submit: In `submit`.
        message: From a message's sending to its function, and in the framework around it.
        ocr: In `ocr`, without the OCR.
        vision: Of the OCR; 0 where none is needed.
        record: Of one write to the Sheet with what belongs to it.
        writes: Firestore writes.
        uploads: Objects written to Storage.
    """

    submit: float
    message: float
    ocr: float
    vision: float
    record: float
    writes: int
    uploads: int

    @property
    def instance(self) -> float:
        """Seconds of an instance of `ocr`."""
        return self.ocr + self.vision

    @property
    def seconds(self) -> float:
        """All of them but the OCR's."""
        return self.submit + 2 * self.message + self.ocr + self.record


@dataclass(frozen=True)
class Places:
    """How many of each there are.

    Attributes:
        submit: Requests at once.
        ocr: Instances.
        vision_per_s: OCR calls a second; 0 for no quota.
        cold_s: Seconds more that an instance's first bill takes.
        copies: Whether bills are copied to Drive: their links share the Sheet's writer.
        cpus: Processors that everything shares, for the check on one machine; 0 for as many as needed.
        busy: Share of a step's seconds in which a processor works; the rest is waiting and hinders nobody.
    """

    submit: int
    ocr: int
    vision_per_s: float
    cold_s: float = 0.0
    copies: bool = True
    cpus: int = 0
    busy: float = 1.0


@dataclass
class Load:
    """One simulated load: bills of a mix arrive at random (Poisson), seconds from POST to row are collected.

    Args:
        steps: By whether the bill is a photo.
        places: What there is.
        rate: Bills a second.
        photos: Share of photos; the others are digital PDFs.
        seconds: How long.

    Attributes:
        times: Seconds from POST to row of each bill that got there.
        links_due: Copies at the end whose link is not in the Sheet yet.
    """

    steps: dict[bool, Steps]
    places: Places
    rate: float
    photos: float
    seconds: float = 300.0
    times: list[float] = field(default_factory=list)
    links_due: int = 0
    _due: list[float] = field(default_factory=list)
    _vision_free: float = 0.0
    _started: int = 0

    def run(self) -> Load:
        """Simulate; returns itself."""
        self._env = simpy.Environment()
        self._rng = random.Random(7)
        self._submit = simpy.Resource(self._env, self.places.submit)
        self._ocr = simpy.Resource(self._env, self.places.ocr)
        self._cpu = simpy.Resource(self._env, self.places.cpus) if self.places.cpus else None
        self._env.process(self._arrivals())
        self._env.process(self._write_sheet())
        self._env.run(until=self.seconds)
        return self

    def _arrivals(self) -> Events:
        while True:
            yield self._env.timeout(self._rng.expovariate(self.rate))
            self._env.process(self._bill(self._rng.random() < self.photos))

    def _work(self, seconds: float) -> Events:
        """Take processor time: at once in production, in turn where the processors are counted."""
        if self._cpu is None:
            yield self._env.timeout(seconds)
            return
        with self._cpu.request() as turn:
            yield turn
            yield self._env.timeout(seconds * self.places.busy)
        yield self._env.timeout(seconds * (1 - self.places.busy))

    def _bill(self, photo: bool) -> Events:
        came, steps = self._env.now, self.steps[photo]
        with self._submit.request() as turn:
            yield turn
            yield from self._work(steps.submit)
        yield from self._work(steps.message)
        with self._ocr.request() as turn:
            yield turn
            if self._ocr.count > self._started:
                self._started += 1
                yield from self._work(self.places.cold_s)
            yield from self._work(steps.ocr)
            if photo:
                yield from self._take_quota()
                yield self._env.timeout(steps.vision)
        yield from self._work(steps.message)
        self._due.append(came)

    def _take_quota(self) -> Events:
        if self.places.vision_per_s:
            self._vision_free = max(self._vision_free, self._env.now) + 1 / self.places.vision_per_s
            yield self._env.timeout(self._vision_free - self._env.now)

    def _write_sheet(self) -> Events:
        """Write the rows that are due, then the links of copies: one write at a time, never two within the interval."""
        while True:
            yield self._env.timeout(_LOOK_S)
            if self._due:
                rows, self._due = self._due[:FLUSH_ROWS], self._due[FLUSH_ROWS:]
                began = self._env.now
                yield from self._work(self.steps[False].record)
                self.times += [self._env.now - came for came in rows]
                if self.places.copies:
                    self.links_due += len(rows)
                yield self._env.timeout(max(0.0, began + SHEET_INTERVAL_S - self._env.now))
            if self.links_due:
                self.links_due -= min(self.links_due, COPIES_IN_A_WRITE)
                yield self._env.timeout(SHEET_INTERVAL_S)


@dataclass(frozen=True)
class Limit:
    """What bounds the bills a second.

    Attributes:
        name: What it is.
        bills_per_s: The bound.
        hard: Whether bills wait from there on; else Google lets the limit grow with the load, or only links come later.
    """

    name: str
    bills_per_s: float
    hard: bool = True


FIRESTORE_WRITES_PER_S = 500
"""To begin with, growing by half in 5 minutes (https://firebase.google.com/docs/firestore/best-practices#ramping_up_traffic)."""
SEQUENTIAL_WRITES_PER_S = 500
"""In a collection with an indexed time (https://firebase.google.com/docs/firestore/solutions/shard-timestamp)."""
WRITES_TO_INTAKES = 4
"""Accepted, counted, read, recorded; two more for a copy in Drive."""
STORAGE_WRITES_PER_S = 1000
"""To begin with, then growing (https://cloud.google.com/storage/docs/request-rate)."""


def limits(steps: dict[bool, Steps], places: Places, photos: float) -> list[Limit]:
    """Return what bounds the bills a second of a mix, the narrowest first."""
    shares = ((steps[True], photos), (steps[False], 1 - photos))

    def each(name: str) -> float:
        return sum(getattr(kind, name) * share for kind, share in shares)

    between_rows = 2 * SHEET_INTERVAL_S if places.copies else SHEET_INTERVAL_S
    to_intakes = WRITES_TO_INTAKES + (2 if places.copies else 0)
    found = [
        Limit("instances of `submit`", places.submit / each("submit")),
        Limit("instances of `ocr`", places.ocr / each("instance")),
        Limit("rows of the Sheet", FLUSH_ROWS / between_rows),
        Limit("times in `intakes` (indexed)", SEQUENTIAL_WRITES_PER_S / to_intakes),
        Limit("Firestore, to begin with", FIRESTORE_WRITES_PER_S / each("writes"), hard=False),
        Limit("Storage, to begin with", STORAGE_WRITES_PER_S / each("uploads"), hard=False),
    ]
    if photos:
        found.append(Limit("Vision's quota", places.vision_per_s / photos))
    if places.copies:
        found.append(Limit("links to copies", COPIES_IN_A_WRITE / between_rows, hard=False))
    return sorted(found, key=lambda limit: limit.bills_per_s)

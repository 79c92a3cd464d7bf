"""Many submissions within a minute, offered at a steady rate whatever the answers do."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests
from google.cloud.firestore_v1.base_query import FieldFilter

from infra.local.stack import StackOptions
from tests.bench.load.measuring import Sampler, percentile, rows
from tests.support import documents
from tests.support.deliverer import Deliverer
from tests.support.stacks import running
from tests.support.submitter import ANSWERS, Submitter

SENDERS = 64
STALL_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Load:
    """What is offered."""

    submissions: int
    over_s: float
    vision_ms: int
    ocr_instances: int


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    status: int
    intake_id: str
    due_at: float
    sent_at: float
    seconds: float
    wall: datetime


def run(load: Load) -> tuple[str, bool]:
    """Offer the load to a stack of its own; return the table and whether every accepted intake has one row."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        options = StackOptions(
            state_dir=Path(folder) / "stack",
            port=0,
            ocr_workers=load.ocr_instances,
            vision_args=("--recordings", str(Path(folder) / "recordings"), "--mode", "record"),
        )
        # The Pub/Sub emulator pushes at most two messages at a time; production pushes as many as instances take.
        with running(options) as stack, Deliverer(stack, parallel=2 * load.ocr_instances):
            submitter = Submitter(stack)
            submitter.recorded(photo(-1))  # the picture is recognised once; from then on only its time is taken
            submitter.vision(delay_ms=load.vision_ms)
            with Sampler(stack) as sampler:
                answers = _offer(load, stack.url)
                accepted = {answer.intake_id: answer for answer in answers if answer.status == 202}
                ends = _ends(submitter, accepted)
            found = Counter(submitter.rows(set(accepted)))
    good = len(accepted) == load.submissions == len(ends) and set(found.values()) == {1} and len(found) == len(accepted)
    return _table(load, answers, ends, found, sampler), good


def photo(number: int) -> bytes:
    """Return the photo of a one-page bill: the same picture for every number, in a file of its own."""
    picture = documents.jpeg(documents.page_picture(1))
    note = f"bill {number}".encode()
    return picture[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + picture[2:]


def _offer(load: Load, url: str) -> list[Answer]:
    started = time.monotonic()

    def send(number: int) -> Answer:
        due = started + number * load.over_s / load.submissions
        time.sleep(max(0.0, due - time.monotonic()))
        sent, wall = time.monotonic(), datetime.now(UTC)
        try:
            answer = requests.post(
                f"{url}/submit",
                data=ANSWERS,
                files={"bill": ("photo.jpg", photo(number))},
                headers={"Idempotency-Key": str(uuid.uuid4())},
                timeout=300,
            )
            status, intake_id = answer.status_code, answer.json().get("intake_id", "")
        except (requests.RequestException, ValueError):
            status, intake_id = 0, ""
        return Answer(status, intake_id, due, sent, time.monotonic() - sent, wall)

    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(send, range(load.submissions)))


def _ends(submitter: Submitter, accepted: dict[str, Answer]) -> dict[str, float]:
    """Wait until all have ended; return the seconds from sending to the end, by intake."""
    until = time.monotonic() + STALL_TIMEOUT_S
    ended: dict[str, datetime] = {}
    while time.monotonic() < until and len(ended) < len(accepted):
        time.sleep(2)
        query = submitter.db.collection("intakes").where(filter=FieldFilter("status", "in", ["recorded", "failed"]))
        for snapshot in query.select(["updated_at"]).stream():
            if snapshot.id in accepted:
                ended[snapshot.id] = snapshot.get("updated_at")
    return {intake_id: (at - accepted[intake_id].wall).total_seconds() for intake_id, at in ended.items()}


def _table(load: Load, answers: list[Answer], ends: dict[str, float], found: Counter[str], sampler: Sampler) -> str:
    good = [answer for answer in answers if answer.status == 202]
    sending = max(answer.sent_at for answer in answers) - min(answer.sent_at for answer in answers)
    waited = [answer.seconds for answer in good]
    lag = [answer.sent_at - answer.due_at for answer in answers]
    took = list(ends.values())
    reads, writes = sampler.most_in_a_minute()
    cores = os.cpu_count() or 1
    cells: dict[str, object] = {
        "offered": f"{load.submissions} in {load.over_s:.0f} s, one photo each; Vision {load.vision_ms} ms",
        "sent within": f"{sending:.0f} s (sent late by p50 {percentile(lag, 0.5):.1f} s, p99 {percentile(lag, 0.99):.1f} s)",
        "accepted": len(good),
        "ended": len(ends),
        "rows": found.total(),
        "duplicate rows": found.total() - len(found),
        "accept, p50 / p95 / p99": _three(waited),
        "from sending to the row, p50 / p95 / p99": _three(took),
        "all recorded after": f"{sampler.seconds:.0f} s",
        "bills a minute, sustained": f"{60 * len(ends) / sampler.seconds:.0f}",
        "Sheets reads / writes in the busiest minute": f"{reads} / {writes} of 60 / 60",
    }
    cells |= {f"peak memory of {name}": f"{mib:.0f} MiB" for name, mib in _peaks(sampler).items()}
    total = sum(sampler.cpu_s.values())
    cells["processors"] = f"{cores}, busy {100 * total / (cores * sampler.seconds):.0f} % with this stack"
    for name, seconds in _by_part(sampler.cpu_s):
        cells[f"– {name}"] = f"{seconds:.0f} s, {1000 * seconds / max(1, len(good)):.0f} ms a bill"
    return "\n".join(rows(cells))


def _three(values: list[float]) -> str:
    return " / ".join(f"{percentile(values, share):.2f}" for share in (0.5, 0.95, 0.99)) + " s"


def _peaks(sampler: Sampler) -> dict[str, float]:
    peaks: dict[str, float] = {}
    for name, mib in sampler.peak_mib.items():
        function = name.partition("-")[0]
        peaks[function] = max(peaks.get(function, 0.0), mib)
    return peaks


def _by_part(cpu_s: dict[str, float]) -> list[tuple[str, float]]:
    parts: Counter[str] = Counter()
    for name, seconds in cpu_s.items():
        parts[name.partition("-")[0]] += seconds  # type: ignore[assignment]
    return sorted(parts.items(), key=lambda part: -part[1])

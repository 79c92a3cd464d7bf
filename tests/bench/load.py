"""Many submissions within a minute, offered at a steady rate whatever the answers do.

    python -m tests.bench.load       2,000 submissions within a minute, Vision at a fixed 300 ms

Client, emulators, stand-ins and functions share the processors of this machine, so the figures also say who used them.
`--write` puts the table into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import requests
from google.cloud.firestore_v1.base_query import FieldFilter

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from infra.local.stack import LocalStack, StackOptions  # noqa: E402
from tests.bench.report import percentile  # noqa: E402
from tests.faults import tables  # noqa: E402
from tests.support import documents  # noqa: E402
from tests.support.deliverer import Deliverer  # noqa: E402
from tests.support.stacks import running  # noqa: E402
from tests.support.submitter import ANSWERS, Submitter  # noqa: E402

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
    peaks: dict[str, float] = {}
    for name, mib in sampler.peak_mib.items():
        peaks[_part(name)] = max(peaks.get(_part(name), 0.0), mib)
    cells |= {f"peak memory of {name}": f"{mib:.0f} MiB" for name, mib in peaks.items()}
    total = sum(sampler.cpu_s.values())
    cells["processors"] = f"{cores}, busy {100 * total / (cores * sampler.seconds):.0f} % with this stack"
    parts: dict[str, float] = {}
    for name, seconds in sampler.cpu_s.items():
        parts[_part(name)] = parts.get(_part(name), 0.0) + seconds
    for name, seconds in sorted(parts.items(), key=lambda part: -part[1]):
        cells[f"– {name}"] = f"{seconds:.0f} s, {1000 * seconds / max(1, len(good)):.0f} ms a bill"
    lines = [f"| {name} | {value} |" for name, value in cells.items()]
    return "\n".join([lines[0], "|---|--:|", *lines[1:]])


def _three(values: list[float]) -> str:
    return " / ".join(f"{percentile(values, share):.2f}" for share in (0.5, 0.95, 0.99)) + " s"


def _part(name: str) -> str:
    """Return the part of the stack that a process belongs to: instances are numbered behind a hyphen."""
    return name.partition("-")[0]


class Sampler:
    """Samples while it is entered.

    Attributes:
        peak_mib: Highest memory seen of each function's instance with all its processes (PSS), MiB.
        cpu_s: Processor seconds of each part of the stack, and of this process as `client`.
        sheet_calls: (seconds, reads, writes) counted by the Sheets stand-in since its start.
    """

    def __init__(self, stack: LocalStack, every_s: float = 2.0) -> None:
        self._stack = stack
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="sampler")
        self.peak_mib: dict[str, float] = defaultdict(float)
        self.cpu_s: dict[str, float] = {}
        self.sheet_calls: list[tuple[float, int, int]] = []

    def __enter__(self) -> Sampler:
        self._before = self._cpu()
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._started
        after = self._cpu()
        self.cpu_s = {name: after[name] - self._before.get(name, 0.0) for name in after}

    def _sample(self) -> None:
        while not self._stopping.wait(self._every_s):
            for name, mib in self._stack.memory().items():
                self.peak_mib[name] = max(self.peak_mib[name], mib)
            stats = requests.get(f"{self._stack.control['sheets']}/stats", timeout=30).json()
            self.sheet_calls.append((time.monotonic(), stats["reads"], stats["writes"]))

    def most_in_a_minute(self) -> tuple[int, int]:
        """Return the most reads, and the most writes, of the Sheet within 60 s."""
        reads = writes = 0
        for at, first_reads, first_writes in self.sheet_calls:
            within = [sample for sample in self.sheet_calls if at <= sample[0] <= at + 60]
            reads = max(reads, within[-1][1] - first_reads)
            writes = max(writes, within[-1][2] - first_writes)
        return reads, writes

    def _cpu(self) -> dict[str, float]:
        used: dict[str, float] = {}
        for name in self._stack.log_names():
            pid = self._stack.pid(name)
            if pid is not None:
                used[name] = _tree_cpu_s(pid)
        own = psutil.Process().cpu_times()
        return {**used, "client": own.user + own.system}


def _tree_cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, its descendants, and those of them that have ended."""
    total = 0.0
    process = psutil.Process(pid)
    for member in [process, *process.children(recursive=True)]:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def main() -> int:
    """Run what was asked for; return 0 if everything that was accepted has exactly one row."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load")
    parser.add_argument(
        "--submissions", type=int, default=2000, metavar="N", help="within --over seconds (default: 2000)"
    )
    parser.add_argument("--over", type=float, default=60.0, metavar="S", help="(default: 60)")
    parser.add_argument("--vision-ms", type=int, default=300, metavar="MS", help="time of one OCR call (default: 300)")
    parser.add_argument("--ocr-instances", type=int, default=6, metavar="N", help="instances of ocr (default: 6)")
    parser.add_argument("--write", action="store_true", help="write the section of docs/reliability.md")
    options = parser.parse_args()
    text, good = run(Load(options.submissions, options.over, options.vision_ms, options.ocr_instances))
    print(text)
    if options.write:
        tables.write_section("load", text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

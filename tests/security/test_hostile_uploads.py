"""Uploads by which one stranger could stop the service: each ends within a minute, and an honest bill gets its turn."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from intake.settings import Settings

from infra.local.stack import LocalStack
from tests.security.bombs import slow_pages
from tests.security.hostile_words import hostile_words
from tests.security.test_reading_and_cleaning import overlapping_directories
from tests.support import documents
from tests.support.submitter import Submitter, wait_for

ALL_CPU_S = 32.0
ENDED_S = 240.0
"""How long to wait for an end. Alone on a machine it comes within a minute; what is limited is processor time."""
RUNS_BEFORE = Settings.chunks_in_flight
"""Most runs over the hostile bill that an honest one waits for, each of which takes its share (`lease.SHARE_S`) or a page.
One instance reads everything here; in production another one, as a rule, takes the honest bill at once."""
MEMORY_MB = {"ocr": 512, "record": 256}


UPLOADS: dict[str, Callable[[], bytes]] = {
    "an address of dots": lambda: hostile_words("address", "dots", 640),
    "500 slow pages": lambda: slow_pages(500, 4),
    "a page without end": lambda: slow_pages(1, 12),
    "tiff of directories": lambda: overlapping_directories(2_000),
}


class Watched:
    """What the processes of a function take: the most memory of all together, and processor time."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self.most_mb = dict.fromkeys(MEMORY_MB, 0.0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for function in MEMORY_MB:
                mb = sum(rss for rss, _ in self._of(function)) / 2**20
                self.most_mb[function] = max(self.most_mb[function], mb)

    def _of(self, function: str) -> list[tuple[int, float]]:
        """Return memory and processor time of each process of an instance: the server's worker and what it started."""
        pid = self._stack.pid(function)
        found: list[tuple[int, float]] = []
        if pid is None:
            return found
        for process in psutil.Process(pid).children(recursive=True):
            try:
                times = process.cpu_times()
                found.append(
                    (process.memory_info().rss, times.user + times.system + times.children_user + times.children_system)
                )
            except psutil.NoSuchProcess:
                continue
        return found

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()


@contextmanager
def cpu_of(watched: Watched) -> Iterator[Callable[[], float]]:
    before = sum(cpu for function in MEMORY_MB for _, cpu in watched._of(function))
    yield lambda: sum(cpu for function in MEMORY_MB for _, cpu in watched._of(function)) - before


def runs_before(stack: LocalStack, since: int, hostile: str, honest: str) -> int:
    """Return how many runs over the hostile bill ended before the honest one was read.

    Args:
        stack: Where both were read, by one instance.
        since: Length of its log when the honest bill was accepted.
        hostile: Id of the one.
        honest: Id of the other.
    """
    with stack.logs("ocr").open("rb") as log:
        log.seek(since)
        lines = [json.loads(line) for line in log if line.startswith(b"{")]
    read = next(
        n for n, line in enumerate(lines) if (line["message"], line.get("intake_id")) == ("fields extracted", honest)
    )
    return sum((line["message"], line.get("intake_id")) == ("event handled", hostile) for line in lines[:read])


def copy_of(submitter: Submitter, intake_id: str) -> str:
    """Return what became of the copy in Drive."""
    document = submitter.db.collection("intakes").document(intake_id).get().to_dict() or {}
    return str((document.get("copy") or {}).get("state"))


@pytest.mark.parametrize("name", UPLOADS)
def test_hostile_upload(submitter: Submitter, name: str) -> None:
    """It ends, with a row or a sentence; no function passes 90 % of its memory; the bill behind it gets its turn."""
    data = UPLOADS[name]()
    submitter.recorded(documents.text_pdf(1))  # loads what the first bill loads
    with Watched(submitter.stack) as watched, cpu_of(watched) as taken:
        began = time.monotonic()
        hostile = submitter.submit(data)
        honest = submitter.submit(documents.text_pdf(1))
        accepted, log_bytes = time.monotonic(), submitter.stack.logs("ocr").stat().st_size
        assert submitter.ended(honest, ENDED_S)["stage"] == "done"
        honest_s = time.monotonic() - accepted
        progress = submitter.ended(hostile, ENDED_S)
        ended_s = time.monotonic() - began
        if progress["stage"] == "done":
            wait_for("the copy", lambda: copy_of(submitter, hostile) in ("done", "failed"), ENDED_S)
        cpu_s = taken()
    said = progress["error"]["code"] if progress["error"] else [item["code"] for item in progress["attention"]]
    runs = runs_before(submitter.stack, log_bytes, hostile, honest)
    print(f"| {name} | {len(data) / 1e6:.1f} MB | {progress['stage']}, {said} | {ended_s:.1f} "
          f"| {honest_s:.1f} | {runs} | {cpu_s:.1f} | "
          + " | ".join(f"{mb:.0f}" for mb in watched.most_mb.values()) + " |")  # fmt: skip
    assert runs <= RUNS_BEFORE
    assert cpu_s < ALL_CPU_S
    for function, mb in watched.most_mb.items():
        assert mb < 0.9 * MEMORY_MB[function], function

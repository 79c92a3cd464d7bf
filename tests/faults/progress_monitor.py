"""Watches every intake while the faults strike: progress is always there, never goes back, and ends once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import firestore

from infra.local.layout import PROJECT
from infra.local.stack import LocalStack

STAGES = ("waiting", "reading", "recording", "done", "failed")
LOOK_EVERY_S = 0.8
ASKED_AT_ONCE = 4


@dataclass
class Seen:
    """What was last seen of an intake's progress."""

    stage: str = "waiting"
    percent: int = 0
    pages_done: int = 0


class ProgressMonitor:
    """Reads progress documents and GET /progress again and again while it is entered.

    Args:
        stack: Where.
        intakes: Returns the ids that were promised so far.
    """

    def __init__(self, stack: LocalStack, intakes: Callable[[], Iterable[str]]) -> None:
        self._stack = stack
        self._intakes = intakes
        self._db = firestore.Client(project=PROJECT)
        self._seen: dict[str, dict[str, Seen]] = {"Firestore": {}, "GET /progress": {}}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress_monitor")
        self.wrong: list[str] = []
        self.looks = 0

    def __enter__(self) -> ProgressMonitor:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def ended(self, intake_id: str) -> bool:
        """Whether an intake's progress was seen to end."""
        return self._seen["Firestore"].get(intake_id, Seen()).stage in ("done", "failed")

    def _watch(self) -> None:
        luck = random.Random("progress_monitor")
        while not self._stopping.wait(LOOK_EVERY_S):
            promised = list(self._intakes())
            open_ones = [intake_id for intake_id in promised if not self.ended(intake_id)]
            self._look_into_firestore(open_ones + luck.sample(promised, min(5, len(promised))))
            for intake_id in luck.sample(promised, min(ASKED_AT_ONCE, len(promised))):
                self._ask(intake_id)

    def _look_into_firestore(self, intake_ids: list[str]) -> None:
        refs = [self._db.collection("progress").document(intake_id) for intake_id in intake_ids]
        try:
            snapshots = list(self._db.get_all(refs, timeout=20)) if refs else []
        except (GoogleAPICallError, RetryError):
            return  # Firestore hangs: one of the faults
        for snapshot in snapshots:
            self.looks += 1
            if not snapshot.exists:
                self.wrong.append(f"{snapshot.id}: its progress document is gone")
                continue
            document = snapshot.to_dict() or {}
            self._compare("Firestore", snapshot.id, document)
            finished = document["stage"] in ("done", "failed")
            if ("expire_at" in document) != finished:
                self.wrong.append(f"{snapshot.id}: {document['stage']}, but expire_at in {sorted(document)}")

    def _ask(self, intake_id: str) -> None:
        try:
            answer = requests.get(f"{self._stack.url}/progress/{intake_id}", timeout=30)
        except requests.RequestException:
            return  # a dying function
        self.looks += 1
        if answer.status_code == 200:
            self._compare("GET /progress", intake_id, answer.json())
        elif answer.status_code < 500:
            self.wrong.append(f"{intake_id}: GET /progress answered {answer.status_code}")

    def _compare(self, source: str, intake_id: str, document: Mapping[str, Any]) -> None:
        """Compare with what was seen before from the same source; the two are read at different times."""
        before = self._seen[source].setdefault(intake_id, Seen())
        now = Seen(document["stage"], document["percent"], document["pages_done"])
        back = STAGES.index(now.stage) < STAGES.index(before.stage)
        other_end = before.stage in ("done", "failed") and now.stage != before.stage
        fewer = now.percent < before.percent or now.pages_done < before.pages_done
        if back or other_end or fewer:
            self.wrong.append(f"{intake_id}: {source} went from {before} to {now}")
        self._seen[source][intake_id] = now


def wait_until(what: Callable[[], bool], deadline_s: float, pause_s: float = 0.2) -> bool:
    """Wait for a condition; return whether it came true in time."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(pause_s)
    return what()

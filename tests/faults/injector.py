"""Decides, from a seed, which request of which function fails and how, and records it.

Each decision is drawn from the seed, the boundary, and how often a function came to that boundary, so it does not depend on
which process or thread came first. A boundary is a line of a stage, a request that it leads to, and the moment before or after
that request. Until both a crash and an error have struck a boundary, faults are likely there; later they are rare. Towards the
end a campaign becomes eager: a boundary that no fault has struck is struck the next time.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path

OCR = "ImageAnnotator/BatchAnnotateImages"
FRESH_RATE, LATER_RATE = 0.3, 0.004
LONGEST_DELAY_S = 1.5
_GRPC_BEFORE = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL")
_GRPC_AFTER = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")
_HTTP_BEFORE = ("cut", "503", "500", "429")
_HTTP_AFTER = ("cut", "503", "500")
_CORRUPT = ("no answer", "no size")


@dataclass
class Record:
    """What happened.

    Attributes:
        faults: Faults by kind.
        asked: How often each boundary was passed.
        struck: Kinds of fault by boundary that was passed while faults were drawn.
        runs: Granted claims of chunks by intake.
        answers: Answers of Vision by intake.
        lost_answers: Those of them that a fault kept from the product.
    """

    faults: Counter[str] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    runs: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    lost_answers: Counter[str] = field(default_factory=Counter)


class FaultInjector:
    """Answers the functions' questions while it is entered.

    Args:
        seed: Of all decisions.
        address: Unix socket to listen on.

    Attributes:
        record: What happened.
        active: Whether faults are drawn at present.
        eager: Whether the next request at a boundary that was not struck yet fails for certain.
        doomed: Intakes for which Vision never answers.
    """

    def __init__(self, seed: int, address: Path) -> None:
        self.record = Record()
        self.address = address
        self.active = self.eager = False
        self.doomed: set[str] = set()
        self._seed = seed
        self._lock = threading.Lock()
        self._listener = Listener(str(address), backlog=128)

    def __enter__(self) -> FaultInjector:
        threading.Thread(target=self._accept, name="injector", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.close()

    def spared(self) -> list[str]:
        """Return the boundaries that were passed and that no fault struck."""
        with self._lock:
            return sorted(f"{moment} {place}" for (place, moment), kinds in self.record.struck.items() if not kinds)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with suppress(EOFError, OSError):  # the function's process has ended
            while True:
                connection.send(self.decide(*connection.recv()))

    def decide(self, place: str, request: str, moment: str, intake_id: str | None) -> str:
        """Return what happens at a boundary: `go`, `crash`, `delay S`, or a way to fail."""
        with self._lock:
            if moment == "claimed":
                self.record.runs[intake_id or ""] += 1
                return "go"
            if intake_id in self.doomed and (request, moment) == (OCR, "before"):
                self.record.faults["Vision never answers"] += 1
                return "INTERNAL"
            order, kind = self._draw(f"{place} → {request}", request, moment)
            if (request, moment) == (OCR, "after") and intake_id:
                self.record.answers[intake_id] += 1
                self.record.lost_answers[intake_id] += kind in ("crash", "answer lost", "corrupt answer")
            return order

    def _draw(self, place: str, request: str, moment: str) -> tuple[str, str]:
        boundary = (place, moment)
        self.record.asked[boundary] += 1
        if not self.active:
            return "go", ""
        struck = self.record.struck[boundary]
        # A number from the boundary and how often it was passed, not the next one of a common sequence.
        luck = random.Random(f"{self._seed} {boundary} {self.record.asked[boundary]}")
        kind = self._kind(request, moment, struck, luck)
        if not kind:
            return "go", ""
        struck.add(kind)
        self.record.faults[kind] += 1
        return _order(request, kind, luck), kind

    def _kind(self, request: str, moment: str, struck: set[str], luck: random.Random) -> str:
        kinds = ["crash", "error before" if moment == "before" else "answer lost", "delay"]
        if (request, moment) == (OCR, "after"):
            kinds.append("corrupt answer")
        untried = [kind for kind in kinds[:2] if kind not in struck]
        if untried and luck.random() < (1.0 if self.eager and not struck else FRESH_RATE):
            return luck.choice(untried)
        if luck.random() >= LATER_RATE:
            return ""
        return luck.choices(kinds, [1, 4, 2, 4][: len(kinds)])[0]  # a crash costs seconds, the others hardly anything


def _order(request: str, kind: str, luck: random.Random) -> str:
    if kind == "crash":
        return "crash"
    if kind == "delay":
        return f"delay {luck.uniform(0.05, LONGEST_DELAY_S):.3f}"
    if kind == "corrupt answer":
        return luck.choice(_CORRUPT)
    if request.startswith(("Sheets/", "Storage/", "Drive/")):
        return luck.choice(_HTTP_BEFORE if kind == "error before" else _HTTP_AFTER)
    return luck.choice(_GRPC_BEFORE if kind == "error before" else _GRPC_AFTER)

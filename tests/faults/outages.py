"""Outages of whole services while a campaign runs: they hang, start again, run out of quota, slow down.

Firestore only ever hangs here (SIGSTOP for seconds, connections stay): its emulator forgets everything when it stops, which
the real one never does, so a restart would test nothing of ours. Storage keeps its objects and loses uploads in flight;
Vision and Sheets keep what they have; Pub/Sub loses every message that was not delivered, which the product must bear. The
office, too, goes on working in its Sheet meanwhile.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
from intake.office.tabs import MASS_MARKET

from infra.local.stack import LocalStack
from tests.faults.delivery_proxy import DeliveryProxy
from tests.support.submitter import ANSWERS

CALM_S = (2.0, 5.0)


class Outages:
    """Causes one outage after another while it is entered.

    Args:
        stack: Where.
        delivery_proxy: Has to take the subscriptions over again when Pub/Sub was started again.
        seed: Of what comes when.
        outage_s: Seconds that the Sheet's quota stays used up.
    """

    def __init__(self, stack: LocalStack, delivery_proxy: DeliveryProxy, seed: int, outage_s: float) -> None:
        self._stack = stack
        self._delivery_proxy = delivery_proxy
        self._luck = random.Random(f"outages {seed}")
        self._outage_s = outage_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outages")
        self.faults: Counter[str] = Counter()
        self.failed: BaseException | None = None

    def __enter__(self) -> Outages:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.calm()

    def calm(self) -> None:
        """Let the present outage end and cause no other."""
        self._stopping.set()
        self._thread.join()
        if self.failed:
            raise self.failed

    def _run(self) -> None:
        outages = self._outages()
        round_: list[str] = []
        try:
            while not self._stopping.wait(self._luck.uniform(*CALM_S)):
                # Each comes once before any comes again.
                round_ = round_ or self._luck.sample(list(outages), len(outages))
                name = round_.pop()
                self.faults[name] += 1
                outages[name]()
        except BaseException as exc:
            self.failed = exc

    def _outages(self) -> dict[str, Callable[[], None]]:
        return {
            "Firestore hangs": lambda: self._hang("firestore", 4),
            "Storage hangs": lambda: self._hang("storage", 3),
            "Sheets hangs": lambda: self._hang("sheets", 3),
            "Storage started again": lambda: self._stack.restart("storage"),
            "Vision started again": lambda: self._stack.restart("vision"),
            # Google does not forget an answered write; the stand-in, killed, could forget its last moment.
            "Sheets started again": lambda: self._stack.restart("sheets", gently=True),
            "Pub/Sub started again": self._new_pubsub,
            "Sheets quota used up": self._no_quota,
            "Drive hangs": lambda: self._hang("drive", 3),
            "Drive started again": lambda: self._stack.restart("drive"),
            "an instance of ocr freezes": lambda: self._hang("ocr-2", 9),
            "the office sorts the Sheet": self._sort,
            "the office changes its lists": self._lists,
            "Vision answers 429": lambda: self._vision_fails("RESOURCE_EXHAUSTED", False),
            "Vision answers 503": lambda: self._vision_fails("UNAVAILABLE", False),
            "Vision fails single pictures": lambda: self._vision_fails("INTERNAL", True),
            "Vision slow": self._vision_slow,
        }

    def _hang(self, name: str, longest_s: float) -> None:
        self._stack.pause(name)
        try:
            self._stopping.wait(self._luck.uniform(1, longest_s))
        finally:
            self._stack.resume(name)

    def _new_pubsub(self) -> None:
        self._stack.restart("pubsub")
        self._delivery_proxy.take_over()

    def _no_quota(self) -> None:
        faults = [{"calls": 1_000_000, "kind": kind, "status": 429, "when": "before"} for kind in ("read", "write")]
        self._sheets(faults)
        try:
            self._stopping.wait(self._outage_s)
        finally:
            self._sheets([])

    def _sheets(self, faults: list[dict[str, Any]]) -> None:
        requests.put(f"{self._stack.control['sheets']}/control", json={"faults": faults}, timeout=20).raise_for_status()

    def _sort(self) -> None:
        self._edit("Intakes", "sort", column="A", descending=self._luck.random() < 0.5)

    def _lists(self) -> None:
        """Write a line that cannot be taken over, and, after a while, what makes it right."""
        lines = [("A2", ANSWERS["developer"]), ("B2", MASS_MARKET), ("A3", f"Solar {self._luck.randrange(1000)}")]
        for cell, text in (*lines, ("B3", "a utility that is not there")):
            self._edit("Developers", "set_cell", cell=cell, value=text)
        self._stopping.wait(self._luck.uniform(2, 4))
        self._edit("Developers", "set_cell", cell="B3", value=ANSWERS["utility"])
        self._edit("Agents", "set_cell", cell="A2", value=ANSWERS["agent_id"])
        self._edit("Agents", "set_cell", cell="B2", value=f"Agent {self._luck.randrange(1000)}")

    def _edit(self, tab: str, action: str, **edit: Any) -> None:
        control = self._stack.control["sheets"]
        answer = requests.put(f"{control}/control/grid", json={"tab": tab, "action": action, **edit}, timeout=20)
        if answer.status_code != 400:  # there is no such tab before the first row
            answer.raise_for_status()

    def _vision_fails(self, code: str, per_image: bool) -> None:
        self._vision(failures={"rate": 0.6, "seed": self._luck.randrange(1000), "code": code, "per_image": per_image})
        try:
            self._stopping.wait(self._luck.uniform(4, 8))
        finally:
            self._vision(failures=None)

    def _vision_slow(self) -> None:
        self._vision(delay_ms=self._luck.randrange(2000, 4000))
        try:
            self._stopping.wait(self._luck.uniform(4, 7))
        finally:
            self._vision(delay_ms=0)

    def _vision(self, **changes: Any) -> None:
        requests.put(f"{self._stack.control['vision']}/control", json=changes, timeout=20).raise_for_status()

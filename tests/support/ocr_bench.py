"""The ocr stage with fakes around it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from intake.model import Intake
from intake.objects import words_object
from intake.pages.sandbox.process import Pay
from intake.stages.ocr import Ocr
from intake.stages.page_plan import done_pages

from tests.support.fakes import (
    INTAKE_ID,
    Bucket,
    OpenGate,
    SandboxClient,
    Store,
    TaskPublisher,
    Vision,
    an_intake,
)


class Bench:
    """The stage with everything it depends on in memory."""

    def __init__(self, **changes: Any) -> None:
        self.store, self.bucket, self.tasks, self.vision = Store(), Bucket(), TaskPublisher(), Vision()
        settings = {
            "sandbox": SandboxClient(),
            "chunk_pages": 4,
            "calls_in_flight": 4,
            "max_pages": 20,
            "lease_s": 90.0,
        }
        settings |= {"chunks_in_flight": 4, **changes}
        settings = {"extract": SimpleNamespace(extract=self.finish), "admission": OpenGate(), **settings}
        self.ocr = Ocr(store=self.store, bucket=self.bucket, tasks=self.tasks, vision=self.vision, **settings)  # type: ignore[arg-type]

    def finish(self, intake: Intake, _pay: Pay, calls: int) -> bool:
        return self.store.finish_reading(intake, {}, [], "", calls)

    def submitted(self, *files: tuple[str, bytes], **changes: Any) -> Intake:
        """Put a submission in place, as `submit` leaves it."""
        intake = self.store.add(an_intake(INTAKE_ID, *(kind for kind, _ in files), **changes))
        for stored, (_, data) in zip(intake.files, files, strict=True):
            self.bucket.objects[stored.object] = data
        return intake

    def deliver(self, chunk: int = 0, event: str = "m0") -> None:
        """Deliver a message once."""
        self.ocr.read_chunk(INTAKE_ID, chunk, event)

    def deliver_all(self) -> None:
        """Deliver the first message and every one that follows from it."""
        self.deliver()
        for number, (_, chunk) in enumerate(self.tasks.to_ocr):
            self.deliver(chunk, f"n{number}")

    @property
    def intake(self) -> Intake:
        return self.store.intakes[INTAKE_ID]

    @property
    def done(self) -> set[int]:
        return done_pages(self.bucket, INTAKE_ID)

    def page(self, number: int) -> dict[str, Any]:
        saved: dict[str, Any] = json.loads(self.bucket.objects[words_object(INTAKE_ID, number)])
        return saved

"""The submit stage with fakes around it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from intake.errors import (
    BadRequest,
    IntakeError,
)
from intake.office.office_lists import OfficeLists
from intake.rate_limits import Caller
from intake.settings import Limits
from intake.stages.submit import Accepted, Submit

from tests.support.fakes import ANSWERS, Bucket, OpenGate, Store, TaskPublisher, some_office_lists
from tests.support.uploads import CONTENT_TYPE, CutStream, form_body

KEY = "5f0c8f0e-6a52-4f4e-9d5e-0f6f0b6b7c11"

OTHER_KEY = "9b3de1a2-1111-4f4e-9d5e-0f6f0b6b7c11"


@dataclass
class Service:
    """One deployment in memory."""

    store: Store = field(default_factory=Store)
    bucket: Bucket = field(default_factory=Bucket)
    tasks: TaskPublisher = field(default_factory=TaskPublisher)
    office_lists: OfficeLists = field(default_factory=some_office_lists)
    limits: Limits = field(default_factory=Limits)

    def send(self, body: bytes | CutStream, key: str | None = KEY, content_type: str = CONTENT_TYPE) -> Accepted:
        stream = io.BytesIO(body) if isinstance(body, bytes) else body
        stage = Submit(
            store=self.store,
            bucket=self.bucket,
            tasks=self.tasks,
            office_lists=self.office_lists,
            admission=OpenGate(),
            limits=self.limits,
        )
        return stage.submit(stream, content_type, key, Caller("", ""))  # type: ignore[arg-type]

    def refused(self, body: bytes | CutStream, **changes: str) -> IntakeError:
        """Submit a body that is refused, and return why; nothing of it may be left."""
        with pytest.raises(IntakeError) as caught:
            self.send(body, **changes)
        self.bucket.collect_garbage()
        assert self.bucket.objects == {}
        assert self.store.uploads == {}
        assert self.store.intakes == {}
        assert self.tasks.to_ocr == []
        return caught.value

    def problems(self, files: Iterable[bytes]) -> list[tuple[str, str, str]]:
        """Return what is said of some files that are refused."""
        error = self.refused(form_body(ANSWERS, list(files)))
        assert isinstance(error, BadRequest)
        return [(problem.code, problem.field, problem.message) for problem in error.problems]

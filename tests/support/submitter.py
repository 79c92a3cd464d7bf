"""What the pipeline tests do again and again: submit a bill over HTTP, wait for its end, look at what there is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import google.cloud.storage as storage
import requests
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from intake.cloud.sheets.table import Cell, SheetTable, open_sheet_table
from intake.model import PageWords
from intake.settings import Settings

from infra.contract import examples
from infra.local.layout import BUCKET, PROJECT
from infra.local.stack import LocalStack

ANSWERS = {
    **examples(),
    "agent_id": "A-017",
    "business_entity": "",
    "account_name": "PAT Q EXAMPLE",
    "contact_name": "Pat Example",
    "title": "Owner",
    "phone": "607-555-0123",
    "email": "pat@example.com",
    "utility": "NYSEG",
    "account_type": "Mass Market",
    "developer": "Sunny Fields Solar",
    "sms_consent": "",
}
DEADLINE_S = 120.0

T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T:
    """Return the first result of `look` that is true; fail after the deadline."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {deadline_s:.0f} s for {what}")


@dataclass(frozen=True)
class Submitter:
    """An agent with a browser, and an operator who can look into everything."""

    stack: LocalStack

    def post(
        self,
        files: Sequence[bytes | tuple[str, bytes]],
        answers: Mapping[str, str] = ANSWERS,
        key: str | None = None,
        **request: Any,
    ) -> requests.Response:
        """Submit files as one bill and return the answer."""
        named = [file if isinstance(file, tuple) else (f"IMG_{n}.jpg", file) for n, file in enumerate(files)]
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        parts = [("bill", part) for part in named]
        return requests.post(
            f"{self.stack.url}/submit", data=answers, files=parts, headers=headers, timeout=60, **request
        )

    def submit(self, *files: bytes) -> str:
        """Submit files that are fine and return the intake's id."""
        answer = self.post(files)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["intake_id"])

    def progress(self, intake_id: str) -> dict[str, Any]:
        """Return the progress document as the page gets it."""
        answer = requests.get(f"{self.stack.url}/progress/{intake_id}", timeout=10)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, intake_id: str, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """Wait until an intake is done or failed and return its progress."""

        def look() -> dict[str, Any] | None:
            progress = self.progress(intake_id)
            return progress if progress["stage"] in ("done", "failed") else None

        return wait_for(f"the end of {intake_id}", look, deadline_s)

    def recorded(self, *files: bytes) -> dict[str, Cell]:
        """Submit files, wait until they are recorded, and return the row with its id."""
        intake_id = self.submit(*files)
        progress = self.ended(intake_id)
        assert progress["stage"] == "done", progress
        row = self.table.find(intake_id)
        assert row is not None
        return row

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.stack.env)

    @property
    def table(self) -> SheetTable:
        return open_sheet_table(self.settings)

    def rows(self, intake_ids: set[str]) -> list[str]:
        """Return the id of every row that belongs to one of some intakes, as often as it stands there."""
        values = requests.get(f"{self.stack.control['sheets']}/control/grid", params={"tab": "Intakes"}, timeout=30)
        values.raise_for_status()
        header, *rows = values.json()["values"]
        column = header.index("Intake ID")
        return [row[column] for row in rows if len(row) > column and row[column] in intake_ids]

    @property
    def db(self) -> firestore.Client:
        """Firestore as the functions see it."""
        return firestore.Client(project=PROJECT)

    def uploads(self, intake_id: str) -> list[str]:
        """Return the ids of uploads for an intake that are neither accepted nor discarded."""
        query = self.db.collection("uploads").where(filter=FieldFilter("intake_id", "==", intake_id))
        return [snapshot.id for snapshot in query.stream()]

    def objects(self, prefix: str) -> list[str]:
        """Return the names of all objects below a prefix."""
        client = storage.Client(project=PROJECT)
        return [blob.name for blob in client.list_blobs(BUCKET, prefix=prefix)]

    def words(self, intake_id: str, page: int) -> PageWords:
        import json

        blob = storage.Client(project=PROJECT).bucket(BUCKET).blob(f"words/{intake_id}/{page:04d}.json")
        return PageWords.from_dict(json.loads(blob.download_as_bytes()))

    def text(self, intake_id: str, page: int) -> str:
        return " ".join(word.text for word in self.words(intake_id, page).words)

    def vision(self, **changes: Any) -> dict[str, Any]:
        """Tell the Vision stand-in how to behave from now on, and return its figures."""
        control = self.stack.control["vision"]
        if changes:
            requests.put(f"{control}/control", json=changes, timeout=10).raise_for_status()
        return dict(requests.get(f"{control}/stats", timeout=10).json())

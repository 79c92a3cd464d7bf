"""A specimen bill through the deployment: sent, followed to its row, looked up everywhere, and taken away again."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.check.target import NotHere, Target, Wrong
from infra.demo import draw_specimen
from infra.gcp.steps import gcloud
from infra.intake_client import IntakeClient
from infra.progress_bar import ProgressBar
from infra.submit_bill import read_row, submit

if TYPE_CHECKING:
    from intake.cloud.drive import Drive

PATIENCE_S = 300.0
"""A cold start of three functions and the OCR of three pages; on this machine the OCR alone takes half a minute."""
LOGS_S = 60.0
"""Cloud Logging shows a line within seconds."""
WRITERS = ("submit", "ocr", "record")

Say = Callable[[str], None]


class Journey:
    """One specimen bill.

    Args:
        target: The deployment.
        say: Takes one line for the person.

    Attributes:
        intake_id: Of the specimen's intake, "" before it is accepted.
        intake: Its document, as it was at the end.
    """

    def __init__(self, target: Target, say: Say) -> None:
        self._target = target
        self._say = say
        self.intake_id = ""
        self.intake: dict[str, Any] = {}
        self._secrets: list[str] = []

    def go(self) -> bool:
        """Make it and take everything away again; return whether all of it was as it should be."""
        outcomes = []
        try:
            with tempfile.TemporaryDirectory(prefix="greenwatt-check-") as folder:
                outcomes += [self._step(name, work) for name, work in self._work(Path(folder))]
        finally:
            if self.intake_id:
                outcomes += [self._step(name, work) for name, work in self._cleaning()]
        return all(outcomes)

    def _step(self, name: str, work: Callable[[], str]) -> bool:
        began = time.monotonic()
        try:
            text, fine = work(), True
        except NotHere as exc:
            text, fine = f"not looked at: {exc}", True
        except (Wrong, LookupError) as exc:
            text, fine = f"WRONG: {exc}", False
        self._say(f"  {time.monotonic() - began:6.1f} s  {name}: {text}")
        return fine

    def _work(self, folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
        with self._specimen(folder) as sent:
            yield "send a specimen bill and follow it", sent
        if self.intake_id:
            yield "the row", self._row
            yield "the files and words in the bucket", self._objects
            yield "the copy in Drive", self._copy
            yield "the logs", self._logs

    @contextmanager
    def _specimen(self, folder: Path) -> Iterator[Callable[[], str]]:
        files, fields = draw_specimen(folder)
        truth = json.loads(files[0].with_suffix(".json").read_text("utf-8"))["truth"]
        self._secrets = [str(truth["customer_name"]), str(truth["account_number"])]

        def send() -> str:
            with IntakeClient(self._target.url) as client:
                outcome = submit(client, fields, files, ProgressBar(sys.stderr), PATIENCE_S)
            self.intake_id = outcome.intake_id or ""
            if outcome.status != "recorded":
                raise Wrong(str((outcome.error or {}).get("message", "it did not arrive")))
            documents = self._target.services.store.client.collection("intakes")
            self.intake = documents.document(self.intake_id).get().to_dict() or {}
            return f"intake {self.intake_id}, {outcome.pages} pages"

        yield send

    def _row(self) -> str:
        row = read_row(self.intake_id, self._target.env)
        if row is None:
            raise Wrong("the Sheet has no row of it")
        filled = [name for name, value in row.items() if value not in ("", None)]
        return f"{len(filled)} of {len(row)} cells are filled"

    def _objects(self) -> str:
        names = [name for part in ("bills", "words") for name in self._target.services.bucket.names(self._prefix(part))]
        if len(names) < 2:
            raise Wrong(f"{len(names)} objects")
        return f"{len(names)} objects"

    def _copy(self) -> str:
        found, files = self._drive().find(self.intake_id)
        if found is None or not files:
            raise Wrong("there is none")
        return f"{len(files)} files"

    def _drive(self) -> Drive:
        from intake.cloud.drive import open_drive

        settings = self._target.services.settings
        if not settings.drive_folder:
            raise NotHere("no Drive folder is configured")
        return open_drive(settings)

    def _prefix(self, part: str) -> str:
        return f"{part}/{self.intake_id}/"

    def _logs(self) -> str:
        """Show that each function wrote of the intake, and that no name or number of the bill stands there."""
        until = time.monotonic() + LOGS_S
        while True:
            lines = self._lines()
            told = {str(line.get("function")) for line in lines}
            if told >= set(WRITERS) or time.monotonic() > until:
                break
            time.sleep(2)
        missing = set(WRITERS) - told
        if missing:
            raise Wrong(f"no line of {', '.join(sorted(missing))}")
        text = json.dumps(lines)
        if any(secret in text for secret in self._secrets):
            raise Wrong("a name or number of the bill stands in the logs")
        errors = [line for line in lines if line.get("severity") in ("ERROR", "CRITICAL")]
        # A step that fails and is delivered again is as it should be; the person should know of it all the same.
        first = f"{len(errors)} errors, the first: {errors[0].get('message')}" if errors else "no error"
        return f"{len(lines)} lines of {', '.join(sorted(told))}; {first}; nothing of the bill's text"

    def _lines(self) -> list[dict[str, Any]]:
        if self._target.logs is None and self._target.deployment:
            query = f'jsonPayload.intake_id="{self.intake_id}"'
            read = ("logging", "read", query, self._target.deployment.project_flag, "--freshness=1h", "--format=json")
            found = json.loads(self._target.google(gcloud(*read)))
            return [{**entry["jsonPayload"], "severity": entry.get("severity")} for entry in found]
        folder = self._target.logs or Path()
        texts = [
            line for path in folder.glob("*.log") for line in path.read_text("utf-8", errors="replace").splitlines()
        ]
        return [json.loads(line) for line in texts if line.startswith("{") and self.intake_id in line]

    def _cleaning(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "take the row out of the Sheet", self._without_row
        yield "put the copy in the bin", self._without_copy
        yield "delete files and words", self._without_objects
        yield "delete intake and progress", self._without_documents

    def _without_row(self) -> str:
        """Delete the row that holds the intake's id; read and deleted at once, for rows have no name of their own."""
        book, title = self._target.book, self._target.services.settings.sheet_tab
        tab = next(tab for tab in book.look()[0] if tab.title == title)
        (area,) = book.read([{"sheetId": tab.id}])
        held = [index for index, row in enumerate(area.cells) if self.intake_id in row]
        for index in reversed(held):
            place = {"sheetId": tab.id, "dimension": "ROWS", "startIndex": index, "endIndex": index + 1}
            book.change([{"deleteDimension": {"range": place}}])
        if read_row(self.intake_id, self._target.env) is not None:
            raise Wrong("it is still there; were rows sorted meanwhile?")
        return f"{len(held)} row"

    def _without_copy(self) -> str:
        from google.auth import default
        from google.auth.transport.requests import AuthorizedSession
        from intake.cloud.drive import SCOPE

        found, files = self._drive().find(self.intake_id)
        if self._target.deployment is None:
            raise NotHere("the stand-in for Drive deletes nothing")
        if found is None:
            return "there is none"
        session = AuthorizedSession(default(scopes=[SCOPE])[0])  # type: ignore[no-untyped-call]
        url = f"https://www.googleapis.com/drive/v3/files/{found.id}?supportsAllDrives=true"
        answer = session.patch(url, json={"trashed": True}, timeout=30)
        if not answer.ok:
            raise Wrong(f"Drive answered {answer.status_code}")
        return f"{len(files)} files"

    def _without_objects(self) -> str:
        bucket, count = self._target.services.bucket, 0
        for part in ("bills", "words"):
            count += len(bucket.names(self._prefix(part)))
            bucket.delete_all(self._prefix(part))
        return f"{count} objects"

    def _without_documents(self) -> str:
        client = self._target.services.store.client
        count = 0
        for collection in ("intakes", "progress"):
            count += client.recursive_delete(client.collection(collection).document(self.intake_id))
        return f"{count} documents"

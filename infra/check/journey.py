"""A specimen bill through the deployment: sent, followed to its row, looked up everywhere, and taken away again."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.check.assumptions import WRONG, step
from infra.check.drive_rules import take_away
from infra.check.target import NotHere, Target, Wrong
from infra.demo import draw_specimen
from infra.intake_client import IntakeClient, SubmitError
from infra.progress_bar import ProgressBar
from infra.submit_bill import read_row

STALL_TIMEOUT_S = 300.0
"""A cold start of three functions and the OCR of three pages; on this machine the OCR alone takes half a minute."""
LOGS_S = 60.0
"""Cloud Logging shows a line within seconds."""
WRITERS = ("submit", "ocr", "record")

if TYPE_CHECKING:
    from intake.settings import Settings

Step = tuple[str, Callable[[], str]]


class Journey:
    """One specimen bill.

    Args:
        target: The deployment.

    Attributes:
        intake_id: Of the specimen's intake; known before it is sent, so that it can be taken away whenever this is interrupted.
        intake: Its document, as it was at the end.
    """

    def __init__(self, target: Target) -> None:
        from intake.stages.submit import intake_id_for

        self._target = target
        self._key = str(uuid.uuid4())
        self.intake_id = intake_id_for(self._key)
        self.intake: dict[str, Any] = {}
        self._secrets: list[str] = []

    def go(self) -> bool:
        """Make it and take everything away again; return whether all of it was as it should be."""
        outcomes = []
        try:
            with tempfile.TemporaryDirectory(prefix="greenwatt-check-") as folder:
                send = functools.partial(self._send, Path(folder))
                outcomes.append(step("send a specimen bill and follow it", send, 2 * STALL_TIMEOUT_S))
            if self.intake:
                outcomes += [step(name, work) for name, work in self._looks()]
        finally:
            # The documents first: what is not known any more goes no further.
            outcomes += [step(name, work) for name, work in self._cleaning()]
        return WRONG not in outcomes

    def _looks(self) -> Iterator[Step]:
        yield "the row", self._row
        yield "the files and words in the bucket", self._objects
        yield "the copy in Drive", self._copy
        yield "the logs", self._logs

    def _send(self, folder: Path) -> str:
        files, fields = draw_specimen(folder)
        truth = json.loads(files[0].with_suffix(".json").read_text("utf-8"))["truth"]
        self._secrets = [str(truth["customer_name"]), str(truth["account_number"])]
        bar = ProgressBar(sys.stderr)
        try:
            with IntakeClient(self._target.url) as client:
                accepted = client.submit(fields, files, bar.sent, self._key)
                for document in client.follow(accepted, STALL_TIMEOUT_S):
                    bar.progress(document)
        except SubmitError as exc:
            raise (NotHere if exc.code == "not_from_the_page" else Wrong)(exc.message) from exc
        finally:
            bar.close()
        if document["stage"] != "done":
            raise Wrong(str((document["error"] or {}).get("message", "it did not arrive")))
        documents = self._target.services.store.client.collection("intakes")
        self.intake = documents.document(self.intake_id).get().to_dict() or {}
        return f"intake {self.intake_id}, {document['pages_total']} pages"

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
        from intake.cloud.drive import open_drive

        found, files = open_drive(self._with_drive()).find(self.intake_id)
        if found is None or not files:
            raise Wrong("there is none")
        return f"{len(files)} files"

    def _with_drive(self) -> Settings:
        settings = self._target.services.settings
        if not settings.drive_folder:
            raise NotHere("no Drive folder is configured")
        return settings

    def _prefix(self, part: str) -> str:
        return f"{part}/{self.intake_id}/"

    def _logs(self) -> str:
        """Show that each function wrote of the intake, and that no name or number of the bill stands there."""
        until = time.monotonic() + LOGS_S
        while True:
            lines = self._target.lines(intake_id=self.intake_id)
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

    def _cleaning(self) -> Iterator[Step]:
        yield "delete intake and progress", self._without_documents
        yield "take the row out of the Sheet", self._without_row
        yield "put the copy in the bin", self._without_copy
        yield "delete files and words", self._without_objects

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
        from intake.cloud.drive import SCOPE

        self._with_drive()
        return f"{take_away(self._target, self._target.person(SCOPE), self.intake_id)} files and folders"

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

"""A sample bill through the deployment: submit it, find all that it left behind, and delete that."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra import specimen
from infra.check.assumptions import WRONG, step
from infra.check.drive_rules import delete_copies
from infra.check.target import NotHere, Target, Wrong
from infra.intake_client import IntakeClient, SubmitError
from infra.submit_bill import SPECIMEN_FIELDS, read_row, show

STALL_TIMEOUT_S = 300.0
"""Time for a cold start of three functions and the OCR of one page."""
LOGS_S = 60.0
"""Cloud Logging shows a line within seconds."""
WRITERS = {"submit", "ocr", "record"}


class Journey:
    """One sample bill.

    Attributes:
        intake_id: Id of the intake; known before the bill is sent, so that an interrupted check can clean up.
        intake: The intake's document at the end.
    """

    def __init__(self, target: Target) -> None:
        from intake.stages.submit import intake_id_for

        self._target, self._services = target, target.services
        self._key = str(uuid.uuid4())
        self.intake_id = intake_id_for(self._key)
        self.intake: dict[str, Any] = {}

    def go(self) -> bool:
        """Submit the bill, look for it everywhere, delete it; return whether all went well."""
        outcomes = []
        try:
            outcomes.append(step("submit a sample bill and wait for it", self._send, 2 * STALL_TIMEOUT_S))
            if self.intake:
                outcomes += _steps(
                    {
                        "find the row": self._row,
                        "find files and words in the bucket": self._objects,
                        "find the copy in Drive": self._copy,
                        "read the logs": self._logs,
                    }
                )
        finally:
            # The documents come first: without them no function continues with the intake.
            outcomes += _steps(
                {
                    "delete intake and progress": self._delete_documents,
                    "delete the row": self._delete_row,
                    "delete the copy in Drive": self._delete_copy,
                    "delete files and words": self._delete_objects,
                }
            )
        return WRONG not in outcomes

    def _send(self) -> str:
        fields = {**SPECIMEN_FIELDS, "account_name": specimen.CUSTOMER}
        try:
            with tempfile.TemporaryDirectory() as folder, IntakeClient(self._target.url) as client:
                accepted = client.submit(fields, [specimen.draw(Path(folder))], self._key)
                for document in client.follow(accepted, STALL_TIMEOUT_S):
                    show(document)
        except SubmitError as exc:
            raise (NotHere if exc.code == "not_from_the_page" else Wrong)(exc.message) from exc
        if document["stage"] != "done":
            raise Wrong(str((document["error"] or {}).get("message", "the bill was not recorded")))
        intakes = self._services.store.client.collection("intakes")
        self.intake = intakes.document(self.intake_id).get().to_dict() or {}
        return f"intake {self.intake_id}, {document['pages_total']} page"

    def _row(self) -> str:
        row = read_row(self.intake_id, self._target.env)
        if row is None:
            raise Wrong("the Sheet has no row for it")
        return f"{sum(value not in ('', None) for value in row.values())} of {len(row)} cells have a value"

    def _objects(self) -> str:
        names = [name for prefix in self._prefixes() for name in self._services.bucket.names(prefix)]
        if len(names) < 2:
            raise Wrong(f"{len(names)} objects")
        return f"{len(names)} objects"

    def _copy(self) -> str:
        from intake.cloud.drive import open_drive

        self._need_drive()
        found, files = open_drive(self._services.settings).find(self.intake_id)
        if found is None or not files:
            raise Wrong("Drive has no copy")
        return f"{len(files)} files"

    def _need_drive(self) -> None:
        if not self._services.settings.drive_folder:
            raise NotHere("no Drive folder is configured")

    def _prefixes(self) -> list[str]:
        return [f"bills/{self.intake_id}/", f"words/{self.intake_id}/"]

    def _logs(self) -> str:
        """Check that each function logged the intake, and that no text of the bill is in the logs."""
        until = time.monotonic() + LOGS_S
        lines = self._target.lines(intake_id=self.intake_id)
        while (missing := WRITERS - {line.get("function") for line in lines}) and time.monotonic() < until:
            time.sleep(2)
            lines = self._target.lines(intake_id=self.intake_id)
        if missing:
            raise Wrong(f"no line from {', '.join(sorted(missing))}")
        text = json.dumps(lines)
        if specimen.CUSTOMER in text or specimen.ACCOUNT_NUMBER in text:
            raise Wrong("the logs contain a name or number of the bill")
        errors = [line for line in lines if line.get("severity") in ("ERROR", "CRITICAL")]
        # A failed step is retried, so an error is not a failure of the check; the person should know about it all the same.
        first = f"{len(errors)} errors, the first: {errors[0].get('message')}" if errors else "no errors"
        return f"{len(lines)} lines, {first}, no text of the bill"

    def _delete_documents(self) -> str:
        client = self._services.store.client
        documents = [client.collection(name).document(self.intake_id) for name in ("intakes", "progress")]
        return f"{sum(client.recursive_delete(document) for document in documents)} documents"

    def _delete_row(self) -> str:
        """Delete the row with the intake's id; at once after it is found, because a row has no name of its own."""
        book, title = self._target.book, self._services.settings.sheet_tab
        tab = next(tab for tab in book.look()[0] if tab.title == title)
        (area,) = book.read([{"sheetId": tab.id}])
        held = [index for index, row in enumerate(area.cells) if self.intake_id in row]
        for index in reversed(held):
            place = {"sheetId": tab.id, "dimension": "ROWS", "startIndex": index, "endIndex": index + 1}
            book.change([{"deleteDimension": {"range": place}}])
        if read_row(self.intake_id, self._target.env) is not None:
            raise Wrong("the row is still there; did somebody sort the Sheet during the check?")
        return f"{len(held)} row"

    def _delete_copy(self) -> str:
        from intake.cloud.drive import SCOPE

        self._need_drive()
        return f"{delete_copies(self._target, self._target.person(SCOPE), self.intake_id)} files and folders"

    def _delete_objects(self) -> str:
        bucket = self._services.bucket
        count = sum(len(bucket.names(prefix)) for prefix in self._prefixes())
        for prefix in self._prefixes():
            bucket.delete_all(prefix)
        return f"{count} objects"


def _steps(work: dict[str, Callable[[], str]]) -> list[str]:
    return [step(name, do) for name, do in work.items()]

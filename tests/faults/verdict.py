"""What must be true when a campaign is over, looked up in Firestore, the Sheet, the bucket and Drive as an operator would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import google.cloud.storage as storage
from intake.objects import words_object
from intake.settings import Settings

from infra.local.layout import BUCKET, PROJECT
from tests.faults.agents import Sent
from tests.faults.copies import judge_copies
from tests.faults.invariants import Book
from tests.support.submitter import Submitter


@dataclass
class Resolution:
    """The figures of a campaign's end, and every sentence that should not have to be said.

    Attributes:
        intakes: Promised submissions.
        hostile: Of these, made to do harm.
        recorded: Of the promised ones, in the Sheet and done.
        failed: Likewise, failed with the reason that they must fail with.
        rows: Rows of theirs.
        duplicates: Rows beyond the first of an intake.
        lost: Intakes that are recorded without a row, or are not there.
        stuck: Intakes that have not ended.
        orphans: Objects that belong to nothing, and what there is in Drive beyond one copy of each recorded bill.
        copied: Files of recorded bills that are in Drive once, in the folder that the row links to.
        pages: Pages of bills that were recorded.
        answers: Times that Vision answered for them.
        wrong: What else is not as it must be.
    """

    intakes: int = 0
    hostile: int = 0
    recorded: int = 0
    failed: int = 0
    rows: int = 0
    duplicates: int = 0
    lost: int = 0
    stuck: int = 0
    orphans: int = 0
    copied: int = 0
    pages: int = 0
    answers: int = 0
    wrong: list[str] = field(default_factory=list)


def judge(submitter: Submitter, sent: Sequence[Sent], book: Book) -> Resolution:
    """Look at everything that is left after a campaign."""
    verdict = Resolution()
    intakes = {snapshot.id: snapshot.to_dict() or {} for snapshot in submitter.db.collection("intakes").stream()}
    progress = {snapshot.id: snapshot.to_dict() or {} for snapshot in submitter.db.collection("progress").stream()}
    rows = Counter(submitter.rows({one.intake_id for one in sent}))
    for one in sent:
        if one.accepted:
            verdict.intakes += 1
            _judge_intake(verdict, one, intakes.get(one.intake_id), progress.get(one.intake_id), rows[one.intake_id])
            if intakes.get(one.intake_id, {}).get("status") == "recorded":
                _judge_ocr(verdict, one, book)
        elif one.intake_id in intakes:
            verdict.wrong.append(f"{one.intake_id} ({one.bill.kind}) is an intake that nobody was promised")
    verdict.rows = rows.total()
    verdict.duplicates = sum(count - 1 for count in rows.values())
    if left := [snapshot.id for snapshot in submitter.db.collection("uploads").stream()]:
        verdict.wrong.append(f"{len(left)} uploads are still written down")
    _judge_objects(verdict, sent, intakes)
    judge_copies(verdict, submitter, sent, intakes)
    return verdict


def _judge_intake(
    verdict: Resolution, one: Sent, intake: dict[str, Any] | None, progress: dict[str, Any] | None, rows: int
) -> None:
    name = f"{one.intake_id} ({one.bill.kind})"
    if intake is None or progress is None:
        verdict.lost += 1
        verdict.wrong.append(f"{name} was promised and is not there")
        return
    status, code = intake["status"], (intake["error"] or {}).get("code", "")
    if status not in ("recorded", "failed"):
        verdict.stuck += 1
        verdict.wrong.append(f"{name} is {status} after {intake['attempts']} attempts")
        return
    verdict.hostile += one.bill.kind.startswith("hostile")
    if one.bill.end == "recorded":
        good = status == "recorded" and rows == 1
        verdict.lost += status == "recorded" and rows == 0
    else:
        good = status == "failed" and code == one.bill.end and rows == 0 and bool(intake["error"]["message"])
    verdict.recorded += status == "recorded"
    verdict.failed += status == "failed"
    if not good:
        verdict.wrong.append(f"{name} ended {status} {code} with {rows} rows")
    shown = {"recorded": "done", "failed": "failed"}[status]
    if progress["stage"] != shown or "expire_at" not in progress or progress["percent"] != 100:
        verdict.wrong.append(f"{name} is {status} and its progress says {progress['stage']} {progress['percent']} %")


def _judge_ocr(verdict: Resolution, one: Sent, book: Book) -> None:
    """Each run of a chunk asks for a page at most once more than answers were lost to it."""
    verdict.pages += one.bill.pages
    answers = book.answers[one.intake_id]
    verdict.answers += answers
    chunks = -(-one.bill.pages // Settings.chunk_pages)
    repeated = max(0, book.runs[one.intake_id] - chunks)
    explained = one.bill.pages + book.lost_answers[one.intake_id] + repeated * min(Settings.chunk_pages, one.bill.pages)
    if answers > explained:
        verdict.wrong.append(f"{one.intake_id}: {answers} answers of Vision for {one.bill.pages} pages")


def _judge_objects(verdict: Resolution, sent: Iterable[Sent], intakes: dict[str, dict[str, Any]]) -> None:
    """The bucket holds the files of kept intakes, unharmed, and the words of their pages; nothing else."""
    bucket = storage.Client(project=PROJECT).bucket(BUCKET)
    held = {blob.name for blob in bucket.list_blobs()}
    expected: dict[str, str] = {}
    for one in sent:
        intake = intakes.get(one.intake_id)
        if intake is None or not one.accepted:
            continue
        if intake["status"] == "recorded" or one.bill.end == "gave_up":  # the reason says that the files are kept
            expected |= {file["object"]: digest for file, digest in zip(intake["files"], one.hashes, strict=True)}
        if intake["status"] == "recorded":
            expected |= {words_object(one.intake_id, page): "" for page in range(1, one.bill.pages + 1)}
    for name in sorted(held - set(expected)):
        verdict.orphans += 1
        verdict.wrong.append(f"the object {name} belongs to nothing")
    for name, digest in expected.items():
        if name not in held:
            verdict.wrong.append(f"the object {name} is gone")
        elif digest and sha256(bucket.blob(name).download_as_bytes()).hexdigest() != digest:
            verdict.wrong.append(f"the object {name} is not what was sent")

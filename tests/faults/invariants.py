"""What must be true when a campaign is over, looked up in Firestore, the Sheet, the bucket and Drive as an operator would."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import requests
from google.cloud import storage
from intake.objects import words_object
from intake.rows import COPY_COLUMN, ID_COLUMN
from intake.settings import Settings
from PIL import Image

from infra.local.layout import BUCKET, PROJECT
from tests.faults.agents import Sent
from tests.faults.injector import Record
from tests.support.submitter import Submitter

Item = Mapping[str, Any]


@dataclass
class Findings:
    """The figures of a campaign's end by their names in the table, and a sentence for each broken promise."""

    figures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def check(submitter: Submitter, sent: Sequence[Sent], record: Record) -> Findings:
    """Look at everything that is left after a campaign."""
    found = Findings()
    intakes = {snapshot.id: snapshot.to_dict() or {} for snapshot in submitter.db.collection("intakes").stream()}
    progress = {snapshot.id: snapshot.to_dict() or {} for snapshot in submitter.db.collection("progress").stream()}
    rows = Counter(submitter.rows({one.intake_id for one in sent}))
    for one in sent:
        if one.accepted:
            found.figures["intakes promised"] += 1
            _check_intake(found, one, intakes.get(one.intake_id), progress.get(one.intake_id), rows[one.intake_id])
            if intakes.get(one.intake_id, {}).get("status") == "recorded":
                _check_ocr(found, one, record)
        elif one.intake_id in intakes:
            found.wrong.append(f"{one} is an intake that nobody was promised")
    found.figures["rows in the Sheet"] = rows.total()
    if left := [snapshot.id for snapshot in submitter.db.collection("uploads").stream()]:
        found.wrong.append(f"{len(left)} uploads are still written down")
    _check_objects(found, sent, intakes)
    _check_copies(found, submitter, sent, intakes)
    return found


def _check_intake(
    found: Findings, one: Sent, intake: Mapping[str, Any] | None, progress: Mapping[str, Any] | None, rows: int
) -> None:
    if intake is None or progress is None:
        found.wrong.append(f"{one} was promised and is lost")
        return
    status, code = intake["status"], (intake["error"] or {}).get("code", "")
    if status not in ("recorded", "failed"):
        found.wrong.append(f"{one} is stuck: {status} after {intake['attempts']} attempts")
        return
    found.figures[status] += 1
    found.figures["from strangers who mean harm"] += one.bill.kind.startswith("hostile")
    if one.bill.end == "recorded":
        good = status == "recorded" and rows == 1
    else:
        good = status == "failed" and code == one.bill.end and rows == 0 and bool(intake["error"]["message"])
    if not good:
        found.wrong.append(f"{one} ended {status} {code} with {rows} rows")
    shown = {"recorded": "done", "failed": "failed"}[status]
    if progress["stage"] != shown or "expire_at" not in progress or progress["percent"] != 100:
        found.wrong.append(f"{one} is {status} and its progress says {progress['stage']} {progress['percent']} %")


def _check_ocr(found: Findings, one: Sent, record: Record) -> None:
    """Each run of a chunk asks for a page at most once more than answers were lost to it."""
    answers = record.answers[one.intake_id]
    found.figures["pages recorded"] += one.bill.pages
    found.figures["answers of Vision for them"] += answers
    chunks = -(-one.bill.pages // Settings.chunk_pages)
    repeated = max(0, record.runs[one.intake_id] - chunks)
    explained = (
        one.bill.pages + record.lost_answers[one.intake_id] + repeated * min(Settings.chunk_pages, one.bill.pages)
    )
    if answers > explained:
        found.wrong.append(f"{one}: {answers} answers of Vision for {one.bill.pages} pages")


def _check_objects(found: Findings, sent: Iterable[Sent], intakes: Mapping[str, Mapping[str, Any]]) -> None:
    """The bucket holds the files of kept intakes, unharmed, and the words of their pages; nothing else."""
    bucket = storage.Client(project=PROJECT).bucket(BUCKET)
    held = {blob.name for blob in bucket.list_blobs()}
    expected: dict[str, str] = {}
    for one in sent:
        intake = intakes.get(one.intake_id)
        if intake is None or not one.accepted:
            continue
        if intake["status"] == "recorded" or one.bill.end == "gave_up":  # the reason says that the files are kept
            digests = [sha256(file).hexdigest() for file in one.bill.files]
            expected |= {file["object"]: digest for file, digest in zip(intake["files"], digests, strict=True)}
        if intake["status"] == "recorded":
            expected |= {words_object(one.intake_id, page): "" for page in range(1, one.bill.pages + 1)}
    found.wrong += [f"the object {name} belongs to nothing" for name in sorted(held - set(expected))]
    for name, digest in expected.items():
        if name not in held:
            found.wrong.append(f"the object {name} is gone")
        elif digest and sha256(bucket.blob(name).download_as_bytes()).hexdigest() != digest:
            found.wrong.append(f"the object {name} is not what was sent")


def _check_copies(
    found: Findings, submitter: Submitter, sent: Iterable[Sent], intakes: Mapping[str, Mapping[str, Any]]
) -> None:
    """Of each recorded bill Drive holds one folder, with each file once, linked in its row; and nothing else."""
    control = submitter.stack.control
    there: dict[str, list[Item]] = defaultdict(list)
    for item in requests.get(f"{control['drive']}/control/items", timeout=60).json()["items"]:
        there[item["appProperties"]["intake_id"]].append(item)
    grid = requests.get(f"{control['sheets']}/control/grid", params={"tab": "Intakes"}, timeout=30).json()
    header, *rows = grid["values"]
    name, link = header.index(ID_COLUMN), header.index(COPY_COLUMN)
    links = {row[name]: row[link] for row in rows if len(row) > max(name, link)}
    for one in sent:
        items = there.pop(one.intake_id, [])
        if one.accepted and intakes.get(one.intake_id, {}).get("status") == "recorded":
            _check_copy(found, submitter, one, items, links.get(one.intake_id, ""))
        elif items:
            found.wrong.append(f"{one} was not recorded and has {len(items)} things in Drive")
    found.wrong += [f"{intake_id} is in Drive and nobody sent it" for intake_id in there]


def _check_copy(found: Findings, submitter: Submitter, one: Sent, items: Sequence[Item], link: str) -> None:
    if not one.bill.copied:
        if "was not copied" not in link:
            found.wrong.append(f"{one} cannot be copied and its row says {link or 'nothing'}")
        return
    folders = [item for item in items if "file" not in item["appProperties"]]
    files = [item for item in items if "file" in item["appProperties"]]
    if len(folders) != 1 or not link.endswith(f"/drive/folders/{folders[0]['id']}"):
        found.wrong.append(f"{one} has {len(folders)} folders in Drive and its row links to {link or 'none'}")
        return
    if sorted(int(item["appProperties"]["file"]) for item in files) != [*range(1, len(one.bill.files) + 1)]:
        found.wrong.append(f"{one} has {len(files)} files in Drive for {len(one.bill.files)}")
        return
    for item in files:
        address = f"{submitter.stack.env['DRIVE_EMULATOR_HOST']}/drive/v3/files/{item['id']}"
        copy = requests.get(address, params={"alt": "media", "supportsAllDrives": "true"}, timeout=60).content
        file = one.bill.files[int(item["appProperties"]["file"]) - 1]
        if _same(file, copy) and item["parents"] == [folders[0]["id"]]:
            found.figures["files copied to Drive, each once and linked"] += 1
        else:
            found.wrong.append(f"{one}: file {item['appProperties']['file']} in Drive is not what was sent")


def _same(file: bytes, copy: bytes) -> bool:
    """Whether a copy is what it must be: a PDF to the byte, a picture to the pixel; metadata is left out."""
    if file.startswith(b"%PDF"):
        return copy == file
    with Image.open(io.BytesIO(file)) as here, Image.open(io.BytesIO(copy)) as there:
        return here.size == there.size and here.tobytes() == there.tobytes()

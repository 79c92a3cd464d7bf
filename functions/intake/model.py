"""What the stages hand to each other and what Firestore keeps, as data classes without any Google import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from intake import objects


class Status(StrEnum):
    """Where an intake is; it only ever moves to a later status."""

    WAITING = "waiting"  # accepted; its pages are not counted yet
    READING = "reading"  # pages are being read
    READ = "read"  # all pages are read; the row is due
    ASIDE = "aside"  # read, but its row cannot be written; tried again once a day
    RECORDED = "recorded"  # the row is in the Sheet
    FAILED = "failed"  # it cannot go on; `error` says why

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to the intake."""
        return self in (Status.RECORDED, Status.FAILED)


class Stage(StrEnum):
    """What the submitter sees; `stage` of the progress document."""

    WAITING = "waiting"
    READING = "reading"
    RECORDING = "recording"
    DONE = "done"
    FAILED = "failed"


class Quad(NamedTuple):
    """Four corners in fractions of the upright page: top left, top right, bottom right, bottom left OF THE TEXT AS READ.

    A word that runs up the page has its first corner below its second; so the corners also tell the direction of reading.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    x2: float
    y2: float
    x3: float
    y3: float


class Word(NamedTuple):
    """One run of text without white space, as printed, wherever it came from (text layer or OCR).

    Attributes:
        text: The characters.
        quad: Its place.
        confidence: 0..1 as the OCR said; 1.0 for a text layer.
    """

    text: str
    quad: Quad
    confidence: float


_LIKE_A_ONE = frozenset("|!")


def certainty(parts: Iterable[tuple[str, float]]) -> float:
    """Return how sure a text is whose parts are given with their confidence: the least over those that tell something.

    Those are the parts with a letter, a digit, or a mark that may be a 1. Engines doubt other marks all the time, beside
    signs that they are sure of: in a recorded answer of Vision the dashes have .77 in the mean, the words around them .98
    (https://github.com/xavctn/img2table, tests/_mock_data/vision.json); in one of a handwritten page a `/` has .09
    (https://github.com/dinosauria123/gcv2hocr, sample/gcv2hocr2sample). Where a doubted mark is a letter or a digit in
    truth, its neighbours are doubted as well.
    """
    told, all_parts = [], []
    for text, confidence in parts:
        all_parts.append(confidence)
        if any(sign.isalnum() or sign in _LIKE_A_ONE for sign in text):
            told.append(confidence)
    return min(told or all_parts)


@dataclass(frozen=True)
class PageWords:
    """All words of one page.

    Attributes:
        page: 1-based number within the submission.
        width: Width of the upright page; only the ratio to the height means anything (points or pixels).
        height: Height of the upright page, in the same unit.
        source: How the words were got: `text`, `picture` (own bytes) or `render`.
        words: In the order of the source.
    """

    page: int
    width: float
    height: float
    source: str
    words: Sequence[Word]

    def to_dict(self) -> dict[str, Any]:
        """Return the compact JSON shape kept in Storage; corners are rounded to a hundred-thousandth of the page."""
        return {
            "page": self.page,
            "width": round(self.width, 2),
            "height": round(self.height, 2),
            "source": self.source,
            "words": [
                [word.text, round(word.confidence, 3), *(round(corner, 5) for corner in word.quad)]
                for word in self.words
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PageWords:
        """Read what `to_dict` wrote."""
        words = [Word(text, Quad(*corners), confidence) for text, confidence, *corners in data["words"]]
        return cls(data["page"], data["width"], data["height"], data["source"], words)


@dataclass(frozen=True)
class StoredFile:
    """One uploaded file.

    Attributes:
        object: Name of the object in the bucket; made of ids only.
        kind: What its bytes say it is: `pdf`, `jpeg`, `png`, `tiff`, `webp` or `heic`.
        size: Bytes.
        sha256: Hex digest of the bytes.
    """

    object: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Intake:
    """One submission; the private document `intakes/{id}`.

    Attributes:
        id: 32 hex digits (128 bits).
        status: Where it stands.
        submitted_at: When it was accepted, UTC.
        form: The agent's answers by field name.
        files: The uploaded files in order.
        fingerprint: Digest of answers and files: tells a repeated submission from another one with the same key.
        file_pages: Pages of each file, once counted; empty before.
        attempts: How often in a row the sweeper resumed it without progress.
        pages_seen: Pages that were done when the sweeper last looked.
        error: Why it failed: code and message.
        reading: What was read from the bill, as `intake.extraction` wrote it; None before.
        attention: What somebody should check: code, field and message of each.
        bill_key: The same for every submission of one bill; "" when that is not known.
        agent: Who submitted it by the office's list: id as the office spells it, and name; None without a list.
        updated_at: When it last changed; None if it never did.
        origin: Hashes of where it came from, written once so that `intake.rate_limits` can count them.
    """

    id: str
    status: Status
    submitted_at: datetime
    form: Mapping[str, str]
    files: Sequence[StoredFile]
    fingerprint: str
    file_pages: Sequence[int] = ()
    attempts: int = 0
    pages_seen: int = 0
    error: Mapping[str, str] | None = None
    reading: Mapping[str, Any] | None = None
    attention: Sequence[Mapping[str, str]] = ()
    bill_key: str = ""
    agent: Mapping[str, str] | None = None
    updated_at: datetime | None = None
    origin: Mapping[str, str] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """Pages of all files together; 0 before they are counted."""
        return sum(self.file_pages)

    @property
    def upload_id(self) -> str:
        """Id of the upload that brought the files."""
        return objects.upload_of(self.files[0].object)

    def to_document(self) -> dict[str, Any]:
        """Return the Firestore fields; the id is the document's name."""
        return {
            "status": self.status.value,
            "submitted_at": self.submitted_at,
            "form": dict(self.form),
            "files": [asdict(file) for file in self.files],
            "file_hashes": [file.sha256 for file in self.files],  # what another submission of a file is found by
            "fingerprint": self.fingerprint,
            "file_pages": list(self.file_pages),
            "attempts": self.attempts,
            "pages_seen": self.pages_seen,
            "error": dict(self.error) if self.error else None,
            "reading": dict(self.reading) if self.reading else None,
            "attention": [dict(item) for item in self.attention],
            "bill_key": self.bill_key,
            "agent": dict(self.agent) if self.agent else None,
            "pages": max(1, self.pages),  # what the day's budget adds up; in the end the calls of the OCR that it took
            **self.origin,
        }

    @classmethod
    def from_document(cls, intake_id: str, data: Mapping[str, Any]) -> Intake:
        """Read the Firestore fields that `to_document` wrote."""
        return cls(
            id=intake_id,
            status=Status(data["status"]),
            submitted_at=data["submitted_at"],
            form=data["form"],
            files=[StoredFile(**file) for file in data["files"]],
            fingerprint=data["fingerprint"],
            file_pages=data["file_pages"],
            attempts=data["attempts"],
            pages_seen=data["pages_seen"],
            error=data["error"],
            reading=data["reading"],
            attention=data["attention"],
            bill_key=data["bill_key"],
            agent=data.get("agent"),
            updated_at=data.get("updated_at"),
            origin={name: data[name] for name in ("client", "peer") if name in data},
        )

    def shown_fields(self) -> dict[str, dict[str, Any]]:
        """Return the fields as the submitter sees them: value, confidence and page of each."""
        fields = (self.reading or {}).get("fields", {})
        return {
            name: {key: found[key] for key in ("value", "confidence", "page")} for name, found in sorted(fields.items())
        }


@dataclass(frozen=True)
class Progress:
    """What the submitter may see; the public document `progress/{id}`.

    Attributes:
        stage: Where the intake stands, in the page's words.
        submitted_at: When it was accepted, UTC.
        updated_at: When this was written, UTC.
        pages_done: Pages read so far.
        pages_total: Pages in all; 0 before they are counted.
        error: Code and message when it failed.
        fields: What was read from the bill, by field name.
        attention: What the agent should check.
        expire_at: When Firestore may delete the document; only ever set on a finished one.
    """

    stage: Stage
    submitted_at: datetime
    updated_at: datetime
    pages_done: int = 0
    pages_total: int = 0
    error: Mapping[str, str] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    attention: Sequence[Mapping[str, Any]] = ()
    expire_at: datetime | None = None

    @property
    def percent(self) -> int:
        """Progress, 0..100; it never decreases. A failed intake has 100."""
        if self.stage in (Stage.DONE, Stage.FAILED):
            return 100
        if self.stage is Stage.RECORDING:
            return 95
        if self.stage is Stage.READING and self.pages_total:
            return 5 + 85 * self.pages_done // self.pages_total
        return 0

    def to_document(self) -> dict[str, Any]:
        """Return the Firestore fields; `expire_at` is left out unless it is set."""
        document = {
            "stage": self.stage.value,
            "submitted_at": self.submitted_at,
            "updated_at": self.updated_at,
            "pages_done": self.pages_done,
            "pages_total": self.pages_total,
            "percent": self.percent,
            "error": dict(self.error) if self.error else None,
            "fields": dict(self.fields),
            "attention": [dict(item) for item in self.attention],
        }
        if self.expire_at is not None:
            document["expire_at"] = self.expire_at
        return document

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Progress:
        """Read the Firestore fields that `to_document` wrote."""
        return cls(
            stage=Stage(data["stage"]),
            submitted_at=data["submitted_at"],
            updated_at=data["updated_at"],
            pages_done=data["pages_done"],
            pages_total=data["pages_total"],
            error=data["error"],
            fields=data["fields"],
            attention=data["attention"],
            expire_at=data.get("expire_at"),
        )

"""The agents of a campaign: what they send, how they repeat it when the line or the server fails, and how it must end."""

from __future__ import annotations

import random
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

import requests
from intake.settings import MIB
from intake.stages.submit import intake_id_for

from infra.local.stack import LocalStack
from tests.security.hostile_words import one_of_many
from tests.support import documents
from tests.support.submitter import ANSWERS

STALL_TIMEOUT_S = 240.0
AGENTS = 8
UPLOAD_BYTES = 3 * MIB
"""What a submission may hold in a campaign, so that passing the limit takes no minutes."""


@dataclass(frozen=True)
class Bill:
    """A submission to be made.

    Attributes:
        kind: What it is.
        files: Bytes of the files.
        end: `recorded`, the code with which the intake must fail, or the code with which `submit` must refuse it; "" for an
            upload that its agent gives up half-way.
        pages: Pages of a bill that can be read.
        copied: Whether its files can be copied to Drive; else its row must say that they are not.
        answers: Of the form.
    """

    kind: str
    files: tuple[bytes, ...]
    end: str = "recorded"
    pages: int = 0
    copied: bool = True
    answers: Mapping[str, str] = field(default_factory=lambda: ANSWERS)

    @property
    def refused(self) -> bool:
        """Whether `submit` itself must refuse it."""
        return self.end in ("malformed_field", "unsupported_file_type", "upload_too_large")


_photo = cache(lambda number: documents.jpeg(documents.page_picture(number)))
_scan = cache(lambda pages: documents.scan_pdf(range(pages)))
_text = cache(documents.text_pdf)
_locked = cache(documents.encrypted_pdf)


def _own(file: bytes, mark: str) -> bytes:
    """Return a file with its own bytes but the same pages: a comment in a JPEG, or after the end of a PDF."""
    note = mark.encode()
    if file.startswith(b"%PDF"):
        return file + b"\n% " + note
    return file[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + file[2:]


KINDS = {
    "photo": 26, "two photos": 10, "text PDF": 16, "scanned PDF": 10, "text PDF of 40 pages": 5,
    "scanned PDF of 18 pages": 4, "PDF with a password": 5, "damaged photo": 5, "answers with a mistake": 4,
    "second file of no known type": 5, "upload given up half-way": 5, "photo that the OCR never answers": 2,
    "more than the limit": 2, "hostile words": 5, "hostile photo": 4,
}  # fmt: skip
"""How often each kind of submission comes."""


def _one_bill(kind: str, luck: random.Random, mark: str) -> Bill:
    """Make a submission; the pictures are few, so that the OCR reads each once and then knows it."""
    number = luck.randrange(4)
    photo = _own(_photo(number), mark)
    match kind:
        case "photo":
            return Bill(kind, (photo,), pages=1)
        case "two photos":
            return Bill(kind, (photo, _own(_photo(number + 1), mark)), pages=2)
        case "text PDF":
            return Bill(kind, (_own(_text(1 + number), mark),), pages=1 + number)
        case "scanned PDF":
            return Bill(kind, (_own(_scan(2), mark),), pages=2)
        case "text PDF of 40 pages":
            return Bill(kind, (_own(_text(40), mark),), pages=40)
        case "scanned PDF of 18 pages":
            return Bill(kind, (_own(_scan(18), mark),), pages=18)
        case "PDF with a password":
            return Bill(kind, (_own(_locked(), mark), photo), "encrypted_pdf")
        case "damaged photo":
            return Bill(kind, (b"\xff\xd8\xff\xe0" + mark.encode() * 9,), "broken_file")
        case "answers with a mistake":
            return Bill(kind, (photo,), "malformed_field", answers={**ANSWERS, "email": "nobody"})
        case "second file of no known type":
            return Bill(kind, (photo, b"PK\x03\x04" + mark.encode()), "unsupported_file_type")
        case "more than the limit":
            return Bill(kind, (photo + bytes(UPLOAD_BYTES),), "upload_too_large")
        case "hostile words":
            return Bill(kind, (_own(one_of_many(luck), mark),), pages=1)
        case "hostile photo":  # of empty segments, from which the place has to be cut out for the copy
            return Bill(kind, (photo[:2] + b"\xff\xe0\0\2" * 300_000 + photo[2:],), pages=1, copied=False)
        case "photo that the OCR never answers":
            return Bill(kind, (photo,), "gave_up", pages=1)
        case _:
            return Bill(kind, (photo * 3,), "")


@dataclass
class Sent:
    """A submission and what became of it so far.

    Attributes:
        bill: What was sent.
        key: Its idempotency key.
        intake_id: The id that belongs to the key, known before it is accepted.
        accepted: Whether `submit` has promised it.
        refusal: Code with which it was refused.
    """

    bill: Bill
    key: str
    intake_id: str
    accepted: bool = False
    refusal: str = ""

    def __str__(self) -> str:
        return f"{self.intake_id} ({self.bill.kind})"


class Agents:
    """Send bills through the site, a few at a time.

    Args:
        stack: Where.
        seed: Of the bills, keys and habits.
        doomed: Takes the ids of the intakes that can never go on.
    """

    def __init__(self, stack: LocalStack, seed: int, doomed: set[str]) -> None:
        self._stack = stack
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.sent: list[Sent] = []
        self._lock = threading.Lock()
        self._seed = seed
        self._doomed = doomed
        self._luck = random.Random(f"agents {seed}")
        self._drawn = 0

    def run(self, count: int) -> None:
        """Send bills and return when each is accepted, refused or given up."""
        batch = [self._draw() for _ in range(count)]
        self.sent += batch
        with ThreadPoolExecutor(AGENTS, thread_name_prefix="agent") as pool:
            list(pool.map(self._send, batch))

    def _draw(self) -> Sent:
        # Each kind once before chance decides, so that a short campaign has all of them.
        number, luck = self._drawn, self._luck
        kind = list(KINDS)[number] if number < len(KINDS) else luck.choices(list(KINDS), list(KINDS.values()))[0]
        self._drawn += 1
        key = str(uuid.UUID(int=luck.getrandbits(128), version=4))
        bill = _one_bill(kind, luck, f"bill {number} of {self._seed}")
        sent = Sent(bill, key, intake_id_for(key))
        if bill.end == "gave_up":
            self._doomed.add(sent.intake_id)
        return sent

    def _send(self, sent: Sent) -> None:
        luck = random.Random(f"habits {sent.key}")
        if not sent.bill.end or luck.random() < 0.05:
            self._break_off(sent)
            if not sent.bill.end:
                return
        if luck.random() < 0.05:
            requests.post(f"{self._stack.url}/submit", params={"wake": "1"}, timeout=60)
        if luck.random() < 0.08:
            self._count("sent twice at once")
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(self._until_answered, [sent] * 2))
        else:
            self._until_answered(sent)
        if luck.random() < 0.06:
            self._count("sent again afterwards")
            self._until_answered(sent)

    def _until_answered(self, sent: Sent) -> None:
        """Post as the form does: the same key again as long as the answer says, or its absence, that a retry may help."""
        until = time.monotonic() + STALL_TIMEOUT_S
        while time.monotonic() < until:
            answer = self._post(sent)
            if answer is not None and answer.status_code < 500:
                self._note(sent, answer)
                return
            time.sleep(0.3)
        self._accuse(f"{sent} was never answered")

    def _post(self, sent: Sent) -> requests.Response | None:
        parts = [("bill", (f"{n}", file)) for n, file in enumerate(sent.bill.files)]
        try:
            return requests.post(
                f"{self._stack.url}/submit",
                data=sent.bill.answers,
                files=parts,
                headers={"Idempotency-Key": sent.key},
                timeout=120,
            )
        except requests.RequestException:
            return None

    def _note(self, sent: Sent, answer: requests.Response) -> None:
        if not answer.headers.get("Content-Type", "").startswith("application/json"):
            self._accuse(f"{sent} was answered {answer.status_code} {answer.text[:80]!r}")
            return
        body = answer.json()
        if answer.status_code == 202:
            sent.accepted = True
            if sent.bill.refused or body["intake_id"] != sent.intake_id:
                self._accuse(f"{sent} was accepted as {body['intake_id']}")
            return
        sent.refusal = body["code"]
        if not sent.bill.refused or sent.accepted:
            self._accuse(f"{sent} was refused: {sent.refusal}")

    def _break_off(self, sent: Sent) -> None:
        """Send the first part of an upload and let the line break."""
        self._count("line broke during the upload")
        prepared = requests.Request(
            "POST", self._stack.url, data=sent.bill.answers, files={"bill": sent.bill.files[0]}
        ).prepare()
        body = prepared.body
        assert isinstance(body, bytes)
        address = urlsplit(self._stack.url)
        head = (
            f"POST /submit HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {prepared.headers['Content-Type']}\r\n"
            f"Content-Length: {len(body)}\r\nIdempotency-Key: {sent.key}\r\n\r\n"
        )
        with socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=30) as line:
            line.sendall(head.encode() + body[: len(body) * 2 // 3])

    def _count(self, fault: str) -> None:
        with self._lock:
            self.faults[fault] += 1

    def _accuse(self, sentence: str) -> None:
        with self._lock:
            self.wrong.append(sentence)

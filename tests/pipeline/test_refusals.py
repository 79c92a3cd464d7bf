"""Bad input gets its code and its sentence, and leaves nothing behind: no object, no intake, no upload."""

from __future__ import annotations

import gc
import hashlib
import io
import socket
import struct
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from intake.cloud.storage import Bucket
from intake.settings import MIB

from infra.local.layout import BUCKET, PROJECT
from tests.support import documents
from tests.support.submitter import ANSWERS, Submitter, wait_for

LIMIT = 30 * MIB


def padded_pdf(size: int) -> bytes:
    """Return a readable PDF of exactly `size` bytes: what follows the end of a PDF is ignored."""
    pdf = documents.text_pdf(1)
    return pdf + b"\n%" + b"x" * (size - len(pdf) - 2)


def intake_id_of(key: str) -> str:
    """Return the id that the intake of a key has or would have."""
    return hashlib.sha256(f"intake:{key}".encode()).hexdigest()[:32]


def assert_nothing_left(submitter: Submitter, key: str) -> None:
    """Check that no trace of a refused submission is in the bucket or in Firestore."""
    intake_id = intake_id_of(key)
    assert submitter.objects(f"bills/{intake_id}/") == []
    assert not submitter.db.collection("intakes").document(intake_id).get().exists
    assert submitter.uploads(intake_id) == []


REFUSED_AT_ONCE: dict[str, tuple[Any, str, str]] = {
    "no file": ([], "no_file", "Add the utility bill: at least one photo or PDF."),
    "empty file": (
        [b""],
        "empty_file",
        "File 1 is empty (0 bytes). Take the photo again or choose another file.",
    ),
    "eleven files": (
        [documents.text_pdf(1)] * 11,
        "too_many_files",
        "You added 11 files; the limit is 10. Remove some.",
    ),
    "one byte too large": (
        [padded_pdf(LIMIT + 1)],
        "upload_too_large",
        "The files are 30.1 MB together; the limit is 30 MB. Remove some, or take the photos at a smaller size.",
    ),
    "wrong type behind a right name": (
        [("bill.pdf", b"a text of no kind that has a name")],
        "unsupported_file_type",
        "File 1 is not a PDF, JPEG, PNG, TIFF, WebP or HEIC. Send a photo or a PDF of the bill.",
    ),
    "known type behind a right name": (
        [("bill.pdf", b"PK\x03\x04 a word document")],
        "unsupported_file_type",
        "File 1 is an archive, which is not supported. Open it and send the bill that is inside.",
    ),
}


@pytest.mark.parametrize("case", REFUSED_AT_ONCE)
def test_what_submit_can_see_is_refused_at_once(submitter: Submitter, case: str) -> None:
    """The answer comes with the request, says what to do, and the same answer stands at the field of the bill."""
    files, code, message = REFUSED_AT_ONCE[case]
    key = str(uuid.uuid4())
    answer = submitter.post(files, key=key) if files else _without_files(submitter, key)
    assert answer.status_code == 422
    assert answer.json() == {
        "code": code,
        "message": message,
        "errors": [{"code": code, "field": "bill", "message": message}],
    }
    assert_nothing_left(submitter, key)


def _without_files(submitter: Submitter, key: str) -> requests.Response:
    parts = {name: (None, value) for name, value in ANSWERS.items()}
    headers = {"Idempotency-Key": key}
    return requests.post(f"{submitter.stack.url}/submit", files=parts, headers=headers, timeout=30)


def test_exactly_thirty_megabytes_and_ten_files_are_taken(submitter: Submitter) -> None:
    """The limits themselves are allowed."""
    rest = [documents.text_pdf(1)] * 9
    first = padded_pdf(LIMIT - sum(len(file) for file in rest))
    row = submitter.recorded(first, *rest)
    assert row["Pages"] == 10


def test_a_right_type_behind_a_wrong_name_is_taken(submitter: Submitter) -> None:
    """The bytes say what a file is, never its name."""
    answer = submitter.post([("holiday.exe", documents.text_pdf(1))])
    assert answer.status_code == 202
    assert submitter.ended(answer.json()["intake_id"])["stage"] == "done"


REFUSED_WHEN_OPENED = {
    "encrypted PDF": (
        [documents.encrypted_pdf()],
        "encrypted_pdf",
        "File 1 is a PDF that needs a password. Send it without a password, or send photos of the pages.",
    ),
    "broken PDF": (
        [b"%PDF-1.7\nthis is no PDF at all"],
        "broken_file",
        "File 1 is damaged and cannot be opened. Take the photo again, or download the PDF again, and send that.",
    ),
    "PDF without pages": (
        [documents.PDF_WITHOUT_PAGES],
        "no_pages",
        "File 1 is a PDF without pages. Send the PDF of the whole bill, or photos of its pages.",
    ),
    "501 pages": (
        [documents.text_pdf(1), documents.text_pdf(500)],
        "too_many_pages",
        "The files have 501 pages together; the limit is 500. Send only the pages of this bill.",
    ),
    "picture over the cap": (
        [documents.png_header(8000, 5001)],
        "picture_too_large",
        "File 1 has a picture of 41 megapixels; the limit for its format is 40. Send it as a JPEG photo at normal quality.",
    ),
    "broken picture after a good one": (
        [documents.text_pdf(1), b"\xff\xd8\xff\xe0 no JPEG"],
        "broken_file",
        "File 2 is damaged and cannot be opened. Take the photo again, or download the PDF again, and send that.",
    ),
}


@pytest.mark.parametrize("case", REFUSED_WHEN_OPENED)
def test_what_shows_only_when_opened_ends_the_intake(submitter: Submitter, case: str) -> None:
    """The progress says why and what to do; files and words are deleted; no row is written."""
    files, code, message = REFUSED_WHEN_OPENED[case]
    intake_id = submitter.submit(*files)
    progress = submitter.ended(intake_id)
    assert progress["stage"] == "failed"
    assert progress["error"] == {"code": code, "message": message}
    wait_for("the files to be deleted", lambda: submitter.objects(f"bills/{intake_id}/") == [] or None, 10)
    assert submitter.objects(f"words/{intake_id}/") == []
    assert submitter.table.find(intake_id) is None


def test_five_hundred_pages_are_taken(submitter: Submitter) -> None:
    """The limit itself is allowed."""
    assert submitter.recorded(documents.text_pdf(499), documents.text_pdf(1))["Pages"] == 500


def test_all_problems_are_reported_at_once_by_field(submitter: Submitter) -> None:
    """An agent mends everything in one go."""
    key = str(uuid.uuid4())
    answers = {**ANSWERS, "phone": "12", "email": "nobody", "utility": "Acme Power", "consent": "", "title": "x" * 201}
    answer = submitter.post([b""], answers, key)
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "invalid_submission"
    assert body["message"] == "Fix 6 problems, then send the form again."
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("title", "field_too_long"),
        ("phone", "malformed_field"),
        ("email", "malformed_field"),
        ("utility", "malformed_field"),
        ("consent", "missing_field"),
        ("bill", "empty_file"),
    ]
    assert_nothing_left(submitter, key)


def test_other_methods_and_bodies_are_refused(submitter: Submitter) -> None:
    """Each has its own status and sentence."""
    url = submitter.stack.function_url("submit")
    got = requests.get(url, timeout=10)
    assert (got.status_code, got.json()["code"], got.headers["Allow"]) == (405, "wrong_method", "POST")
    sent = requests.post(url, json={"bill": "no form"}, timeout=10)
    assert (sent.status_code, sent.json()["code"]) == (415, "not_multipart")
    posted = requests.post(f"{submitter.stack.function_url('progress')}/progress/{'0' * 32}", timeout=10)
    assert (posted.status_code, posted.json()["code"]) == (405, "wrong_method")


def test_an_id_that_never_was_is_a_clear_404(submitter: Submitter) -> None:
    """A well-formed unknown id and nonsense are told apart from a known one only."""
    for unknown in ("0" * 32, "nonsense", "../intakes"):
        answer = requests.get(f"{submitter.stack.url}/progress/{unknown}", timeout=10)
        assert answer.status_code == 404
        if unknown != "../intakes":  # which the client turns into another path
            assert answer.json()["code"] == "unknown_intake"


@pytest.mark.parametrize("size", [100, 2 * MIB + 100], ids=["not begun", "under way"])
def test_an_upload_that_was_forgotten_never_becomes_an_object(submitter: Submitter, size: int) -> None:
    """A writer that could not be cancelled is collected some day, perhaps after all else was deleted: nothing comes of it."""
    name = f"bills/{uuid.uuid4().hex}/forgotten/01"
    writer = Bucket(PROJECT, BUCKET).create(name, "image/jpeg")
    writer.write(b"x" * size)
    del writer
    gc.collect()
    assert submitter.objects(name) == []


def test_a_client_that_disconnects_leaves_nothing_behind(submitter: Submitter) -> None:
    """The phone loses its network in the middle of a file; what was stored is deleted again."""
    key = str(uuid.uuid4())
    picture = io.BytesIO(b"\xff\xd8\xff" + b"x" * (3 * MIB))
    request = requests.Request("POST", "http://x/submit", data=ANSWERS, files={"bill": picture}).prepare()
    assert isinstance(request.body, bytes)
    head = (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\nContent-Length: {len(request.body)}\r\n"
        f"Content-Type: {request.headers['Content-Type']}\r\n\r\n"
    )
    address = urlsplit(submitter.stack.function_url("submit"))
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.replace("POST /", f"POST {address.path}", 1).encode() + request.body[: 2 * MIB])

        def upload_began() -> bool | None:
            return bool(submitter.uploads(intake_id_of(key))) or None

        wait_for("the upload to begin", upload_began, 10)
        # A reset, as when a phone drops off the network.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def nothing_left() -> bool | None:
        try:
            assert_nothing_left(submitter, key)
        except AssertionError:
            return None
        return True

    wait_for("the upload to be cleaned away", nothing_left, 20)

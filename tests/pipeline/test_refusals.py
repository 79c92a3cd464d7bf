"""Bad input gets its code and its sentence, and leaves nothing behind: no object, no intake, no upload."""

from __future__ import annotations

import gc
import hashlib
import io
import socket
import struct
import uuid
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


def test_exactly_thirty_megabytes_and_ten_files_are_taken(submitter: Submitter) -> None:
    """The limits themselves are allowed."""
    rest = [documents.text_pdf(1)] * 9
    first = padded_pdf(LIMIT - sum(len(file) for file in rest))
    row = submitter.recorded(first, *rest)
    assert row["Pages"] == 10


def test_what_shows_only_when_opened_ends_the_intake(submitter: Submitter) -> None:
    """The progress says why and what to do; files and words are deleted, also of the file before; no row is written."""
    intake_id = submitter.submit(documents.text_pdf(1), b"\xff\xd8\xff\xe0 no JPEG")
    progress = submitter.ended(intake_id)
    assert progress["stage"] == "failed"
    assert progress["error"]["code"] == "broken_file"
    assert progress["error"]["message"].startswith("File 2 is damaged and cannot be opened. ")
    wait_for("the files to be deleted", lambda: submitter.objects(f"bills/{intake_id}/") == [] or None, 10)
    assert submitter.objects(f"words/{intake_id}/") == []
    assert submitter.table.find(intake_id) is None


def test_five_hundred_pages_are_taken(submitter: Submitter) -> None:
    """The limit itself is allowed."""
    assert submitter.recorded(documents.text_pdf(499), documents.text_pdf(1))["Pages"] == 500


def test_what_submit_can_see_is_refused_at_once(submitter: Submitter) -> None:
    """Every problem comes with the answer, by its field, and nothing of the submission is kept."""
    key = str(uuid.uuid4())
    answer = submitter.post([documents.text_pdf(1), b"PK\x03\x04 a word document"], {**ANSWERS, "phone": "12"}, key)
    assert answer.status_code == 422
    errors = [(error["field"], error["code"]) for error in answer.json()["errors"]]
    assert errors == [("phone", "malformed_field"), ("bill", "unsupported_file_type")]
    assert_nothing_left(submitter, key)


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

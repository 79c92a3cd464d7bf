"""Requests made to do harm: each gets an answer with a code, leaves nothing behind, and the next one is accepted."""

from __future__ import annotations

import gzip
import io
import re
import tracemalloc
from collections.abc import Callable

import pytest
from intake.errors import IntakeError

from tests.support.fakes import ANSWERS
from tests.support.submission import KEY, OTHER_KEY, Service
from tests.support.uploads import (
    BOUNDARY,
    CONTENT_TYPE,
    JPEG,
    PDF,
    CutStream,
    body_of,
    field_part,
    file_part,
    form_body,
)

MIB = 1024 * 1024
ANSWER_PARTS = [field_part(*answer) for answer in ANSWERS.items()]
WHOLE = form_body(ANSWERS, [PDF])
MARK = f"--{BOUNDARY}".encode()


class Sink:
    """A file in a bucket far away: what is written is not here any more."""

    def write(self, piece: bytes) -> None:
        return

    def abandon(self) -> None:
        return

    def close(self) -> None:
        return


def headed(*headers: bytes, content: bytes = PDF) -> bytes:
    """Return a body with one part of the given headers."""
    return body_of([b"\r\n".join(headers) + b"\r\n\r\n" + content])


def nested(depth: int) -> bytes:
    """Return a body whose part is a multipart body, and so on."""
    inner = PDF
    for level in range(depth):
        head = b'Content-Disposition: form-data; name="bill"\r\nContent-Type: multipart/mixed; boundary=b%d' % level
        inner = body_of([head + b"\r\n\r\n" + inner], boundary=f"b{level}")
    return inner


REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # what it is, the content type, the code
    "no boundary": (lambda: WHOLE, "multipart/form-data", "not_multipart"),
    "boundary of 10 KB": (lambda: WHOLE, f"multipart/form-data; boundary={'b' * 10_000}", "not_multipart"),
    "boundary that breaks lines": (lambda: WHOLE, "multipart/form-data; boundary=a\r\nX-Evil: 1", "malformed_upload"),
    "boundary that is a pattern": (lambda: WHOLE, "multipart/form-data; boundary=(.*)+$", "not_multipart"),
    "another boundary": (lambda: WHOLE, "multipart/form-data; boundary=another", "malformed_upload"),
    "10,000 parts": (lambda: body_of([field_part(f"f{n}", "x") for n in range(10_000)]), CONTENT_TYPE, "malformed_upload"),
    "header of 10 MB": (lambda: headed(b"Content-Disposition: form-data; name=bill; x=" + b"y" * 10 * MIB), CONTENT_TYPE,
                        "malformed_upload"),
    "100,000 headers": (lambda: headed(*[b"X-%d: y" % n for n in range(100_000)]), CONTENT_TYPE, "malformed_upload"),
    "options without end": (lambda: headed(b"Content-Disposition: form-data; " + b"a*0=b;" * 30_000), CONTENT_TYPE,
                            "malformed_upload"),
    "boundaries without lines": (lambda: MARK * 200_000, CONTENT_TYPE, "no_file"),
    "almost boundaries": (lambda: body_of([file_part((b"\r\n" + MARK[:-1]) * 100_000)]), CONTENT_TYPE, "unsupported_file_type"),
    "dashes under a boundary of one dash": (lambda: b"-" * 20 * MIB, "multipart/form-data; boundary=-", "no_file"),
    "dashes in a file under a boundary of one dash": (
        lambda: body_of([file_part(b"-" * 20 * MIB)], boundary="-"), "multipart/form-data; boundary=-",
        "unsupported_file_type"),
    "answer of 20 MB": (lambda: body_of([field_part("agent_id", "x" * 20 * MIB), file_part(PDF)]), CONTENT_TYPE,
                        "malformed_upload"),
    "answer in another alphabet's bytes": (lambda: body_of([field_part("agent_id", b"\xff\xfe\x80")]), CONTENT_TYPE,
                                           "malformed_upload"),
    "form in a form": (lambda: body_of([nested(50)]), CONTENT_TYPE, "malformed_upload"),
    "compressed": (lambda: gzip.compress(WHOLE), CONTENT_TYPE, "malformed_upload"),
    "transfer encoding that lies": (
        lambda: headed(b'Content-Disposition: form-data; name="bill"; filename="b"', b"Content-Transfer-Encoding: base64",
                       content=b"JVBERi0xLjc="), CONTENT_TYPE, "invalid_submission"),
    "length that lies": (
        lambda: headed(b'Content-Disposition: form-data; name="bill"; filename="b"', b"Content-Length: 999999999"),
        CONTENT_TYPE, "malformed_upload"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_body(name: str) -> None:
    """A body that is no form, or more than any form, is refused with a code and leaves nothing; the next is accepted."""
    make, content_type, code = REFUSED[name]
    service = Service()
    error = service.refused(CutStream(make(), cuts=(65536, 7, 1)), content_type=content_type)
    assert error.status in (400, 415, 422)
    answer = error.to_dict()
    assert code in {answer["code"], *(problem["code"] for problem in answer["errors"])}  # type: ignore[attr-defined]
    assert not service.send(WHOLE, OTHER_KEY).repeated


def test_hostile_bodies_stay_small_in_memory() -> None:
    """Whatever a body is made of, less than 1 MiB is needed at a time."""
    bodies = [(make(), content_type) for make, content_type, _ in REFUSED.values()]
    for stream, content_type in [(io.BytesIO(body), content_type) for body, content_type in bodies]:
        service = Service()
        setattr(service.bucket, "create", lambda name, content_type: Sink())  # noqa: B010
        tracemalloc.start()
        with pytest.raises(IntakeError):
            service.send(stream, content_type=content_type)  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MIB


NAMES = [
    "../../../../etc/passwd",
    "bill.pdf\\0.exe",
    "bill\u202efdp.exe",
    "n" * 10_000 + ".pdf",
    'a";filename="b',
    "words/bills/",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_hostile_file_names(name: str) -> None:
    """What a file is called leaves no trace: objects are named by ids and numbers alone."""
    service = Service()
    files = [file_part(content, filename=name) for content in (PDF, JPEG)]
    accepted = service.send(body_of([*ANSWER_PARTS, *files]))
    for number, stored in enumerate(sorted(service.bucket.objects), 1):
        assert re.fullmatch(rf"bills/{accepted.intake_id}/[0-9a-f]{{16}}/{number:02d}", stored)
    assert name not in repr(service.store)


FIELD_NAMES = ["../../bill", "bill\\0", "__proto__", "bill[]", "b" * 10_000, "", "consent\\r\\nX: y"]


@pytest.mark.parametrize("name", FIELD_NAMES, ids=range(len(FIELD_NAMES)))
def test_hostile_field_names(name: str) -> None:
    """An answer that the form does not ask for is not kept, whatever it is called."""
    service = Service()
    accepted = service.send(body_of([field_part(name, "=1+1"), *ANSWER_PARTS, file_part(PDF)]))
    assert set(service.store.intakes[accepted.intake_id].form) <= set(ANSWERS)


@pytest.mark.parametrize("value", ["a\0b", "a\r\nBcc: everybody@example.com", "a\ue000b", "x" * 10_000], ids=range(4))
def test_hostile_answers(value: str) -> None:
    """Control characters and answers without end are refused with the field they are in."""
    error = Service().refused(form_body({**ANSWERS, "account_name": value}, [PDF]))
    assert [problem["field"] for problem in error.to_dict()["errors"]] == ["account_name"]  # type: ignore[attr-defined]


KEYS = ["../" * 12, "a" * 31, "a" * 65, "0" * 40 + "\0", "\u0660" * 40, "a" * 32 + "\n", "' OR 1=1 --" + "a" * 30]


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_hostile_keys(key: str) -> None:
    """A key becomes an id by its digest, and one with other characters than a key has is refused."""
    assert Service().refused(WHOLE, key=key).code == "bad_idempotency_key"


def test_repeated_answers() -> None:
    """The last of several answers to one question counts, and is checked like any."""
    service = Service()
    twice = body_of([*ANSWER_PARTS, field_part("consent", "no"), file_part(PDF)])
    assert service.refused(twice, key=KEY).code == "invalid_submission"

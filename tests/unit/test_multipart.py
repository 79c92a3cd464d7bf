"""The multipart reader: the same parts however the body is cut, and only two ways to fail."""

from __future__ import annotations

import contextlib
import io
import math
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intake.errors import MalformedUpload, NotMultipart
from intake.multipart import (
    MAX_ANSWER_BYTES,
    MAX_BODY_BYTES,
    MAX_PARTS,
    FieldValue,
    FilePiece,
    FileStart,
    boundary_of,
    drain,
    read_parts,
)
from werkzeug.exceptions import ClientDisconnected

from tests.support.uploads import BOUNDARY, CONTENT_TYPE, CutStream, body_of, field_part, file_part


def parts_of(stream: object) -> list[object]:
    """Return the parts of a body, with the pieces of each file put together."""
    parts: list[object] = []
    content: list[bytes] = []
    for part in read_parts(stream, CONTENT_TYPE):  # type: ignore[arg-type]
        if isinstance(part, FilePiece):
            content.append(part.data)
            if part.last:
                parts.append(b"".join(content))
                content.clear()
        else:
            parts.append(part)
    return parts


# Bytes in which a careless reader would see line ends and boundaries.
CONTENTS = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--" + BOUNDARY.encode()[:-1], b"x", b" ", b"\0", b"\xff"])
    | st.binary(max_size=30)
).map(b"".join)


@given(
    contents=st.lists(CONTENTS, max_size=3), answer=st.text(max_size=20), cuts=st.lists(st.integers(1, 40), min_size=1)
)
@settings(max_examples=50)
@example(contents=[b"hello"], answer="", cuts=[1])
def test_any_cut_of_the_body_gives_the_same_parts(contents: list[bytes], answer: str, cuts: list[int]) -> None:
    """Names, answers and every byte of every file arrive whole, however the network cuts the body."""
    body = body_of([field_part("title", answer), *(file_part(content) for content in contents)])
    expected: list[object] = [FieldValue("title", answer)]
    for content in contents:
        expected += [FileStart("bill", True), content]
    assert parts_of(CutStream(body, cuts)) == expected


@given(st.data())
def test_damaged_bodies(data: st.DataObject) -> None:
    """A body that was damaged anywhere is read or refused, and nothing else happens."""
    body = bytearray(body_of([field_part("title", "Owner"), file_part(b"%PDF-1.7 and so on"), field_part("a", "b")]))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedUpload):
        parts_of(CutStream(bytes(body), [7]))


@given(st.text(max_size=80))
def test_random_content_types(content_type: str) -> None:
    """Any other content type is refused in one way and no other."""
    with contextlib.suppress(NotMultipart):
        boundary_of(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=é",
        f"multipart/form-data; boundary={'b' * 201}",
    ],
)
def test_not_multipart(content_type: str) -> None:
    """Without a usable boundary there is no form."""
    with pytest.raises(NotMultipart):
        list(read_parts(io.BytesIO(b""), content_type))


@pytest.mark.parametrize(
    "content_type", [f'multipart/form-data; boundary="{"b" * 200}"', "Multipart/Form-Data; boundary=x"]
)
def test_multipart(content_type: str) -> None:
    """Quotes, case and a long boundary are all allowed."""
    assert boundary_of(content_type) in (b"b" * 200, b"x")


def test_body_breaks_off_anywhere() -> None:
    """A body without its last boundary is refused, wherever it ends."""
    body = body_of([field_part("title", "Owner"), file_part(b"bytes")])
    for end in range(len(body) - len(b"--\r\n")):
        with pytest.raises(MalformedUpload):
            parts_of(io.BytesIO(body[:end]))


@pytest.mark.parametrize("error", [ClientDisconnected(), ConnectionResetError(), OSError("timed out")], ids=repr)
def test_connection_breaks(error: Exception) -> None:
    """A client that goes away in the middle of a file is an upload that broke off."""
    with pytest.raises(MalformedUpload):
        parts_of(CutStream(body_of([file_part(b"x" * 100)])[:150], breaks=error))


def test_form_without_a_chosen_file() -> None:
    """What browsers send for an empty file input is a file without name and bytes."""
    assert parts_of(io.BytesIO(body_of([file_part(b"", filename="")]))) == [FileStart("bill", False), b""]


def test_most_parts() -> None:
    """64 parts are read, 65 are not."""
    parts = [field_part(f"f{number}", "") for number in range(MAX_PARTS)]
    assert len(parts_of(io.BytesIO(body_of(parts)))) == MAX_PARTS
    with pytest.raises(MalformedUpload):
        parts_of(io.BytesIO(body_of([*parts, field_part("one", "over")])))


def test_longest_answer() -> None:
    """An answer of 16 KiB is read, one byte more is not."""
    assert parts_of(io.BytesIO(body_of([field_part("title", "x" * MAX_ANSWER_BYTES)])))
    with pytest.raises(MalformedUpload):
        parts_of(io.BytesIO(body_of([field_part("title", "x" * (MAX_ANSWER_BYTES + 1))])))


def test_answer_that_is_not_utf_8() -> None:
    """Answers are UTF-8; what is not was damaged."""
    with pytest.raises(MalformedUpload):
        parts_of(io.BytesIO(body_of([field_part("title", b"\xff\xfe")])))


def most_memory_of(stream: object, boundary: str) -> int:
    """Return the most bytes that were held while a body was read to its refusal or its end."""
    tracemalloc.start()
    try:
        with contextlib.suppress(MalformedUpload):
            for _ in read_parts(stream, f'multipart/form-data; boundary="{boundary}"'):  # type: ignore[arg-type]
                pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("boundary", ["-", "--", "x", " x", "\t-", "a" * 200, BOUNDARY])
@pytest.mark.parametrize("filling", [b"-", b"\r", b"\n", b"\r\n", b"\r\n--", b" ", b"x", b"\r\n---"])
@pytest.mark.parametrize("place", ["preamble", "headers", "file", "answer", "epilogue"])
def test_no_body_stays_in_memory(boundary: str, filling: bytes, place: str) -> None:
    """Whatever is sent without an end, wherever it stands and whatever the boundary, a stream stays a stream."""
    line = f"--{boundary}\r\n".encode()
    start = {
        "preamble": b"",
        "headers": line + b"X-Long: ",
        "file": line + file_part(b""),
        "answer": line + field_part("title", ""),
        "epilogue": f"--{boundary}--\r\n".encode(),
    }[place]
    assert most_memory_of(Endless(start, filling, end=8_000_000), boundary) < 1024 * 1024


@pytest.mark.parametrize(
    "disposition",
    [
        'name="bill"; filename="B\xe4ckerei.jpg"'.encode("latin-1"),
        'name="bill"; filename="電気.jpg"'.encode("shift_jis"),
        b'name="bill"; filename="' + b"a" * 30_000 + b'.jpg"',
        b"name=\"bill\"; filename*=klingon''%ff%fe.jpg",
        b'name="bill"; filename="a"b".jpg"',
        b'name="bill"; filename="a\\"; name=\\"evil.jpg"',
        b"name=bill; filename=my photo.jpg",
        b'name="bill"; filename="C:\\Users\\x.jpg"; size=1',
        b'name="bill"; filename="\x00\x1b[31m\xff.jpg"',
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "declared", [b"", b"nonsense", b"text/plain; charset=klingon", b"image/jpeg; charset=\xff", b";;;"]
)
def test_names_and_types_are_used_for_nothing(disposition: bytes, declared: bytes) -> None:
    """What a device calls a file, in whatever charset, and what type it declares never make an upload fail."""
    part = b"Content-Disposition: form-data; %b\r\nContent-Type: %b\r\n\r\nbytes" % (disposition, declared)
    assert parts_of(io.BytesIO(body_of([part]))) == [FileStart("bill", True), b"bytes"]


def test_endless_file() -> None:
    """A file without an end is cut off where no platform would let it go on."""
    stream = Endless(f"--{BOUNDARY}\r\n".encode() + file_part(b""))
    pieces = read_parts(stream, CONTENT_TYPE)  # type: ignore[arg-type]
    with pytest.raises(MalformedUpload):
        assert max(len(piece.data) for piece in pieces if isinstance(piece, FilePiece)) < 256 * 1024
    assert MAX_BODY_BYTES < stream.given < MAX_BODY_BYTES + 1024 * 1024


def test_drain_reads_the_rest() -> None:
    """What a refusal left unread is read, so that the client gets to see the answer."""
    stream = io.BytesIO(bytes(3_000_000))
    stream.read(1_000_000)
    drain(stream)
    assert stream.read() == b""


def test_drain_stops() -> None:
    """A client that never stops sending does not hold the function for ever."""
    stream = Endless(b"")
    drain(stream)  # type: ignore[arg-type]
    assert stream.given <= MAX_BODY_BYTES


class Endless:
    """A body that begins in some way and goes on with the same bytes for ever, or up to some length."""

    def __init__(self, start: bytes, filling: bytes = b"x", end: float = math.inf) -> None:
        self._start = start
        self._filling = filling
        self._end = end
        self.given = 0

    def read(self, size: int) -> bytes:
        piece, self._start = self._start[:size], self._start[size:]
        if self.given >= self._end:
            return piece
        piece += (self._filling * (size // len(self._filling) + 1))[: size - len(piece)]
        self.given += size
        return piece

"""A multipart form read as a stream: small pieces in, field values and pieces of files out.

The parser is Werkzeug's sans-IO decoder, which functions-framework brings along; here are only the limits and the drain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from werkzeug.exceptions import BadRequest as WerkzeugBadRequest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from intake.errors import MalformedUpload, NotMultipart
from intake.settings import MIB

READ_BYTES = 64 * 1024
BUFFER_BYTES = 256 * 1024
"""Most bytes that the decoder may hold back while it looks for the end of a part's headers or for a boundary."""
MAX_PARTS = 64
MAX_ANSWER_BYTES = 16 * 1024
"""Most bytes of one answer; the form's rules, which report by field, begin far below."""
MAX_BOUNDARY_PADDING = 64
"""Most characters behind a boundary that are looked at for its end; real clients send none but the closing `--`."""
MAX_BODY_BYTES = 64 * MIB
"""Where reading stops for good. The platform cuts requests at 32 MiB, so only a local run ever comes here."""


@dataclass(frozen=True)
class FieldValue:
    """One complete answer."""

    name: str
    value: str


@dataclass(frozen=True)
class FileStart:
    """A file begins; pieces follow. A form without a chosen file sends one with an empty name and no bytes."""

    field: str
    named: bool


@dataclass(frozen=True)
class FilePiece:
    """Some bytes of the current file; `last` marks its end (with or without bytes)."""

    data: bytes
    last: bool


Part = FieldValue | FileStart | FilePiece


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a multipart content type.

    Raises:
        NotMultipart: It is another type, or has no boundary.
    """
    media_type, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if media_type.lower() != "multipart/form-data" or not boundary or not boundary.isascii() or len(boundary) > 200:
        raise NotMultipart
    return boundary.encode("ascii")


def read_parts(stream: IO[bytes], content_type: str) -> Iterator[Part]:
    """Read a multipart body piece by piece; at most a few hundred KiB are in memory at a time.

    Args:
        stream: The request body.
        content_type: The request's Content-Type header.

    Yields:
        Answers and files in the order of the body.

    Raises:
        NotMultipart: The content type is not multipart/form-data with a boundary.
        MalformedUpload: The body breaks off, cannot be parsed, or has more parts or larger answers than any form.
    """
    boundary = boundary_of(content_type)
    decoder = MultipartDecoder(boundary, BUFFER_BYTES, max_parts=MAX_PARTS)
    try:
        yield from _parts(decoder, _pieces(stream, boundary))
    except (ValueError, WerkzeugBadRequest, RequestEntityTooLarge, OSError) as exc:
        # ValueError: the decoder's word for data it cannot parse (UnicodeDecodeError included); BadRequest with
        # ClientDisconnected: the body ended early; OSError: the connection broke.
        raise MalformedUpload from exc


def _parts(decoder: MultipartDecoder, pieces: Iterator[bytes]) -> Iterator[Part]:
    field: str | None = None  # name of the answer that is being read; None while in a file
    answer = bytearray()
    for event in _events(decoder, pieces):
        if isinstance(event, Field):
            field, answer = event.name or "", bytearray()
        elif isinstance(event, File):
            field = None
            yield FileStart(event.name or "", bool(event.filename))
        elif isinstance(event, Data) and field is None:
            yield FilePiece(event.data, not event.more_data)
        elif isinstance(event, Data):
            answer += event.data
            if len(answer) > MAX_ANSWER_BYTES:
                raise RequestEntityTooLarge
            if not event.more_data:
                yield FieldValue(field or "", answer.decode("utf-8"))


def _events(decoder: MultipartDecoder, pieces: Iterator[bytes]) -> Iterator[Event]:
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, NeedData):
            decoder.receive_data(next(pieces, None))
        else:
            yield event


def _pieces(stream: IO[bytes], boundary: bytes) -> Iterator[bytes]:
    """Yield the body in pieces of which none ends inside a boundary line.

    Werkzeug's decoder (seen in 3.1.9) takes the carriage return before a boundary for data of the part when what it
    has been given ends one character, or some blanks, behind the boundary: a file would then get a byte more or not,
    depending on how the network cut the body.
    """
    unfinished_line = re.compile(rb"--%s(-|[ \t]*)\Z" % re.escape(boundary))
    longest_line = len(boundary) + MAX_BOUNDARY_PADDING
    received, end = 0, b""
    while piece := stream.read(READ_BYTES):
        end = (end + piece)[-longest_line:]
        while unfinished_line.search(end) and (more := stream.read(READ_BYTES)):
            piece += more
            end = (end + more)[-longest_line:]
        received += len(piece)
        if received > MAX_BODY_BYTES:
            raise RequestEntityTooLarge
        yield piece


def drain(stream: IO[bytes]) -> None:
    """Read what is left of a refused body and throw it away.

    A server that answers while the client is still sending may have its answer lost with the connection, and
    functions-framework reads the rest of the body into memory before it answers.

    Args:
        stream: The request body, read to wherever it was refused.
    """
    try:
        for _ in range(MAX_BODY_BYTES // READ_BYTES):
            if not stream.read(READ_BYTES):
                return
    except (WerkzeugBadRequest, OSError):
        return  # The client is gone: nobody is left to answer, and nothing is left to read.

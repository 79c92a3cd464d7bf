"""A multipart form read as a stream: small pieces in, field values and pieces of files out.

The parser is the `multipart` package, which keeps no more than a boundary's length between two pieces
(https://multipart.readthedocs.io); here are only the limits and the drain. What a file is called and what type, charset or
language its headers declare is never looked at, so none of it can make an upload fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from werkzeug.exceptions import BadRequest as WerkzeugBadRequest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header

from intake.errors import MalformedUpload, NotMultipart
from intake.settings import MIB

READ_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
"""Maximum bytes of one header of a part: a file's name may be as long as a device allows."""
MAX_PARTS = 64
MAX_ANSWER_BYTES = 16 * 1024
"""Maximum bytes of one answer; the form's rules, which report by field, begin far below."""
MAX_BODY_BYTES = 64 * MIB
"""Where reading stops. The platform cuts requests at 32 MiB, so only local runs get here."""


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
    try:
        # Latin-1 decodes any byte: the charset of a file's name does not matter.
        parser = PushMultipartParser(
            boundary, max_header_size=MAX_HEADER_BYTES, max_segment_count=MAX_PARTS, header_charset="latin-1"
        )
        yield from _parts(parser, stream)
    except (MultipartError, UnicodeDecodeError, WerkzeugBadRequest, RequestEntityTooLarge, OSError) as exc:
        # UnicodeDecodeError: an answer that is not UTF-8; BadRequest with ClientDisconnected: the body ended early;
        # OSError: the connection broke.
        raise MalformedUpload from exc


def _parts(parser: PushMultipartParser, stream: IO[bytes]) -> Iterator[Part]:
    in_file = False
    name, answer = "", bytearray()
    for event in parser.parse_blocking(_limited(stream), READ_BYTES):
        if isinstance(event, MultipartSegment):
            in_file = _is_file(event)
            name, answer = event.name or "", bytearray()
            if in_file:
                yield FileStart(name, event.filename != "")
        elif in_file:
            yield FilePiece(event or b"", last=event is None)
        elif event is not None:
            answer += event
            if len(answer) > MAX_ANSWER_BYTES:
                raise RequestEntityTooLarge
        else:
            yield FieldValue(name, answer.decode("utf-8"))


def _is_file(segment: MultipartSegment) -> bool:
    """Return whether a part is a file: files have a name, perhaps in the extended form (RFC 5987)."""
    if segment.filename is not None:
        return True
    return any(header == "Content-Disposition" and "filename*=" in value for header, value in segment.headerlist)


def _limited(stream: IO[bytes]) -> Callable[[int], bytes]:
    received = 0

    def read(size: int) -> bytes:
        nonlocal received
        piece = stream.read(size)
        received += len(piece)
        if received > MAX_BODY_BYTES:
            raise RequestEntityTooLarge
        return piece

    return read


def drain(stream: IO[bytes]) -> None:
    """Read and discard the rest of a refused body.

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
        return  # The client is gone: there is nothing to read, and nobody to answer.

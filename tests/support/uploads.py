"""Multipart bodies, made by hand so that any part of them can be wrong, and streams that give them out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

BOUNDARY = "----boundary7MA4YWxk"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PDF = b"%PDF-1.7\nnot more than the beginning matters here"
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


def field_part(name: str, value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (name.encode(), content)


def file_part(content: bytes, *, filename: str = "bill.pdf", name: str = "bill") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + content


def body_of(parts: Iterable[bytes], boundary: str = BOUNDARY) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def form_body(answers: Mapping[str, str], files: Sequence[bytes]) -> bytes:
    """Return the body of a form with files in the bill's field."""
    return body_of([*(field_part(*answer) for answer in answers.items()), *(file_part(file) for file in files)])


class CutStream(io.RawIOBase):
    """A connection that gives a body in pieces of its own choice, and can break.

    Args:
        body: All that is sent.
        cuts: Sizes of the pieces, in turn, repeated for ever.
        breaks: Raised after the last byte instead of an orderly end.
    """

    def __init__(self, body: bytes, cuts: Sequence[int] = (1 << 30,), breaks: Exception | None = None) -> None:
        self._rest = body
        self._cuts = list(cuts)
        self._breaks = breaks
        self._turn = 0

    def read(self, size: int = -1) -> bytes:
        if not self._rest and self._breaks:
            raise self._breaks
        cut = self._cuts[self._turn % len(self._cuts)]
        self._turn += 1
        taken = cut if size < 0 else min(cut, size)
        piece, self._rest = self._rest[:taken], self._rest[taken:]
        return piece

"""The protocol between a function and its worker: frames of JSON, each followed by pictures.

The worker parses files from anybody and is not trusted. What it sends is plain data of bounded size. It is never executed,
as a pickle would be.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from array import array
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from intake.model import Quad, Word
from intake.pages.content import MAX_PICTURE_BYTES, MAX_PIECES, SOURCES, PageContent, Piece, Placement
from intake.pages.metadata.pieces import MAX_SCATTERED, Part, length_of

MAX_JSON_BYTES = 8_000_000
"""Maximum bytes of a frame's JSON."""

MAX_WRITTEN_BYTES = 200
"""Maximum bytes of one part of a picture that do not come from the picture."""

_HEX = re.compile("(?:[0-9a-f]{2})*")
_LENGTHS = struct.Struct(">II")
_NUMBERS = 9  # of a word: four corners and the confidence
_PIECE = 1 << 20


class ProtocolError(Exception):
    """The other side ended in the middle of a frame, or sent something that is not a frame."""


def send(
    channel: socket.socket, message: Mapping[str, Any], pictures: Sequence[bytes] = (), fd: int | None = None
) -> None:
    """Send a frame.

    Args:
        channel: A Unix socket.
        message: The data; numbers must be finite.
        pictures: Bytes that follow the data, one after the other.
        fd: A file descriptor to pass on: the receiver gets its own for the same open file.

    Raises:
        OSError: The other side is gone.
        ValueError: A number is not finite.
    """
    text = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")
    head = _LENGTHS.pack(len(text), sum(map(len, pictures)))
    if fd is not None:
        socket.send_fds(channel, [head], [fd])  # a few bytes into an empty buffer: sent completely or not at all
        head = b""
    if len(text) + sum(map(len, pictures)) < _PIECE:
        # In one call: the other side wakes up at the first bytes, and would have to wait for the rest.
        channel.sendall(b"".join((head, text, *pictures)))
        return
    for part in (head, text, *pictures):
        channel.sendall(part)


def receive(channel: socket.socket, until: float | None = None) -> tuple[dict[str, Any], bytes, int | None]:
    """Wait for a frame; return its data, the bytes behind it, and its file descriptor.

    Args:
        channel: A Unix socket.
        until: Deadline for the whole frame, by `time.monotonic`: a sender that trickles bytes is cut off.

    Raises:
        EOFError: The other side ended between two frames.
        ProtocolError: It ended inside a frame, or sent no frame.
        TimeoutError: The channel's timeout, or the time, passed.
    """
    try:
        head, fds, _, _ = socket.recv_fds(channel, _LENGTHS.size, 1)
        if not head:
            raise EOFError
        head += _exactly(channel, _LENGTHS.size - len(head), until)
        text_length, picture_length = _LENGTHS.unpack(head)
        if text_length > MAX_JSON_BYTES or picture_length > MAX_PICTURE_BYTES:
            raise ProtocolError
        message = json.loads(_exactly(channel, text_length, until))
        if not isinstance(message, dict):
            raise ProtocolError
        return message, bytes(_exactly(channel, picture_length, until)), fds[0] if fds else None
    except (ValueError, RecursionError, ConnectionError) as exc:
        raise ProtocolError from exc


def _exactly(channel: socket.socket, count: int, until: float | None) -> bytes | bytearray:
    received = bytearray()
    while len(received) < count:
        if until is not None:
            channel.settimeout(max(until - time.monotonic(), 0.001))
        piece = channel.recv(min(count - len(received), _PIECE))
        if not piece:
            raise ProtocolError
        received += piece
    return received


def frame_of(content: PageContent) -> tuple[dict[str, Any], list[bytes]]:
    """Return a page as the data of a frame and the bytes behind it: the words' numbers, then the pictures.

    Sent as text, the numbers would take longer than finding the words.
    """
    numbers = array("d")
    for word in content.words:
        numbers.extend(word.quad)
        numbers.append(word.confidence)
    message = {
        "width": content.width,
        "height": content.height,
        "source": content.source,
        "words": [word.text for word in content.words],
        "pieces": [[len(piece.picture), *piece.placement] for piece in content.pieces],
    }
    return message, [numbers.tobytes(), *(piece.picture for piece in content.pieces)]


def content_of(message: Mapping[str, Any], behind: bytes) -> PageContent:
    """Return the page that a frame holds.

    Args:
        message: Its data.
        behind: The bytes behind the data.

    Raises:
        ProtocolError: It does not hold one.
    """
    try:
        size = float(message["width"]), float(message["height"])
        texts, numbers = message["words"], array("d")
        if not isinstance(texts, list) or any(type(text) is not str for text in texts):
            raise ProtocolError
        length = len(texts) * _NUMBERS * numbers.itemsize
        numbers.frombytes(behind[:length])
        if len(numbers) != len(texts) * _NUMBERS or not isfinite(sum(numbers) + sum(size)):
            raise ProtocolError
        each = iter(numbers)
        words = [
            Word(text, Quad._make(corners), confidence)
            for text, (*corners, confidence) in zip(texts, zip(*[each] * _NUMBERS, strict=True), strict=True)
        ]
        source = SOURCES[SOURCES.index(message["source"])]
        return PageContent(*size, source, words, _pieces(message["pieces"], behind[length:]))
    except (KeyError, TypeError, ValueError) as exc:
        raise ProtocolError from exc


def message_of_parts(parts: Sequence[Part]) -> list[Any]:
    """Return the parts of a picture as the data of a frame; bytes are hexadecimal."""
    return [part.hex() if isinstance(part, bytes) else part for part in parts]


def parts_of(described: object, size: int) -> list[Part]:
    """Return the parts of a picture that a frame holds.

    Args:
        described: Its data.
        size: Bytes of the picture that they are parts of.

    Raises:
        ProtocolError: It holds none, or they are more than the picture.
    """
    if not isinstance(described, list) or len(described) > MAX_SCATTERED:
        raise ProtocolError
    parts = [_part(each, size) for each in described]
    if length_of(parts) > size + MAX_WRITTEN_BYTES:
        raise ProtocolError
    return parts


def _part(described: object, size: int) -> Part:
    match described:
        case [int(start), int(end)] if 0 <= start <= end <= size:
            return start, end
        case str(text) if len(text) <= 2 * MAX_WRITTEN_BYTES and _HEX.fullmatch(text):
            return bytes.fromhex(text)
        case int(count) if 0 < count <= size:
            return count
    raise ProtocolError


def _pieces(described: Sequence[Sequence[float]], pictures: bytes) -> list[Piece]:
    if len(described) > MAX_PIECES or sum(int(length) for length, *_ in described) != len(pictures):
        raise ProtocolError
    pieces = []
    position = 0
    for length, *placement in described:
        end = position + int(length)
        if end <= position:
            raise ProtocolError
        pieces.append(Piece(pictures[position:end], Placement(*map(float, placement))))
        position = end
    return pieces

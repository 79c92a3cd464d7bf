"""JPEG without metadata. Marker layout: ITU-T T.81, annex B; JFIF: ITU-T T.871; colour profiles: ICC.1:2022, annex B.4."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from intake.location.exif import block_with, orientation_of
from intake.location.pieces import Bytes, Part, Unreadable, counted, keep

_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
_SCAN = 0
"""Stands for the coded pixels behind a start of scan."""
_SHOWS = {_SCAN, _EOI, *range(0xC0, 0xD0), *range(0xDA, 0xE0)}
"""Frames, tables, scans, restarts and number of lines; not those of applications, and no comment."""
# In coded pixels FF is always followed by 00 or a restart marker; FF before a marker is filling. 01 has no meaning.
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")
_ICC, _ADOBE, _JFIF = b"ICC_PROFILE\0", b"Adobe", b"JFIF\0"


def segments(data: Bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment behind the first marker, coded pixels as segments of their own.

    Bytes between two segments, which decoders skip, belong to none. A picture that breaks off ends with its last segment.

    Raises:
        Unreadable: A segment leads out of the picture, or another picture begins in it.
    """
    position, in_scan = start + 2, False
    while found := _MARKER.search(data, position, end):
        begin, marker = found.start(), data[found.start() + 1]
        if in_scan:
            yield _SCAN, position, begin
        if marker == _EOI:
            yield _EOI, begin, begin + 2
            return
        position = begin + 2 + int.from_bytes(data[begin + 2 : begin + 4], "big")
        if marker == _SOI or position < begin + 4 or position > end:
            raise Unreadable
        yield marker, begin, position
        in_scan = marker == _SOS
    if in_scan:
        yield _SCAN, position, end


def clean_jpeg(data: Bytes) -> list[Part]:
    """Return what shows the picture, up to its end."""
    head, orientation = b"", 1
    kept: list[Part] = []
    for marker, start, end in counted(segments(data, 0, len(data))):
        content = bytes(data[start + 4 : min(end, start + 30)])
        if marker == _APP0 and content.startswith(_JFIF) and len(content) >= 14:
            head = _segment(_APP0, content[:12] + bytes(2))  # with a thumbnail of 0 x 0
        elif marker == _APP1 and content.startswith(b"Exif\0\0"):
            orientation = orientation_of(bytes(data[start + 10 : end]))
        elif shows(marker, content, end - start):
            keep(kept, start, end)
    if not kept:
        raise Unreadable
    if orientation != 1:
        head += _segment(_APP1, b"Exif\0\0" + block_with(orientation))
    return [bytes(data[:2]) + head, *kept]


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def shows(marker: int, content: bytes, length: int) -> bool:
    """Return whether a segment is needed to show the picture: Adobe's and the ICC profile say how its colours are coded.

    Args:
        marker: Its second byte, see `segments`.
        content: The beginning of what is in it.
        length: Bytes of all of it.
    """
    if marker == _APP14:
        return content.startswith(_ADOBE) and length == 16
    return marker in _SHOWS or (marker == _APP2 and content.startswith(_ICC))

"""JPEG without metadata. JFIF: ITU-T T.871; colour profiles: ICC.1:2022, annex B.4."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from intake.pages import markers
from intake.pages.markers import EOI, SOI, SOS
from intake.pages.metadata.exif import block_with, orientation_of
from intake.pages.metadata.pieces import Bytes, Kept, Unreadable

_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_SHOWS = {*range(0xC0, 0xD0), *range(0xDA, 0xE0)}
"""Frames, tables, scans and number of lines; not segments of applications, and no comment."""


def clean_jpeg(data: Bytes) -> Iterator[Kept]:
    """Yield what shows the picture, up to its end, and its orientation."""
    for marker, start, end, shows in segments(data, 0, len(data)):
        if shows:
            yield start, end, []
        elif marker == _APP0 and data[start + 4 : start + 9] == b"JFIF\0" and end - start > 18:
            yield start, end, [b"\xff\xe0\0\x10", (start + 4, start + 16), b"\0\0"]  # with a thumbnail of 0 x 0
        elif marker == _APP1 and (orientation := orientation_of(data[start + 10 : end])) != 1:
            block = b"Exif\0\0" + block_with(orientation)
            yield start, end, [struct.pack(">BBH", 0xFF, _APP1, len(block) + 2) + block]
        else:
            yield start, start, []


def segments(data: Bytes, start: int, end: int) -> Iterator[tuple[int, int, int, bool]]:
    """Yield marker, start and end of each segment, and whether it shows the picture; a scan goes on to the end of its pixels.

    Bytes between two segments, which decoders skip, belong to none. A picture that breaks off ends with its last segment.

    Raises:
        Unreadable: A segment leads out of the picture, another picture begins in it, or there are no pixels.
    """
    yield SOI, start, start + 2, True
    scan = None  # where a scan begins whose end is not known yet
    shown = False
    for marker, begin, stop in markers.segments(data, start, end):
        if scan is not None:
            yield SOS, scan, begin, True
            scan = None
        if marker == SOI or stop > end or (marker != EOI and stop < begin + 4):
            raise Unreadable
        if marker == SOS:
            scan, shown = begin, True
        else:
            yield marker, begin, stop, marker == EOI or _shows(marker, data[begin + 4 : begin + 16], stop - begin)
    if scan is not None:
        yield SOS, scan, end, True
    if not shown:
        raise Unreadable


def _shows(marker: int, content: bytes, length: int) -> bool:
    """Return whether a segment is needed to show the picture: Adobe's and the ICC profile say how its colours are coded."""
    if marker == _APP0:
        return content.startswith(b"JFIF\0") and length == 18
    if marker == _APP14:
        return content.startswith(b"Adobe") and length == 16
    return marker in _SHOWS or (marker == _APP2 and content.startswith(b"ICC_PROFILE\0"))

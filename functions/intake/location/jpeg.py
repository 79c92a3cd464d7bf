"""JPEG without metadata. Marker layout: ITU-T T.81, annex B; colour profiles: ICC.1:2022, annex B.4."""

from __future__ import annotations

import re
import struct

from intake.location.exif import Unreadable, block_with, orientation_of

_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
# In coded pixels FF is always followed by 00 or a restart marker; FF before a marker is filling.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def clean_jpeg(data: memoryview) -> list[memoryview]:
    """Return the segments that show the picture, up to its end; the compressed pixels are neither decoded nor copied."""
    kept: list[memoryview] = []
    orientation, position = 1, 2
    while True:
        found = _MARKER.search(data, position)
        if found is None:
            raise Unreadable
        marker, start = data[found.start() + 1], found.start()
        if kept and start > position:
            kept.append(data[position:start])  # coded pixels, or filling
        if marker == _EOI:
            kept.append(data[start : start + 2])
            break
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if marker == _SOI or end < start + 4 or end > len(data):
            raise Unreadable
        segment = data[start:end]
        if marker == _APP1 and bytes(segment[4:10]) == b"Exif\0\0":
            orientation = orientation_of(bytes(segment[10:]))
        if _shows(marker, segment):
            kept.append(segment)
        position = end
    return [data[:2], *_with_orientation(kept, orientation)]


def _shows(marker: int, segment: memoryview) -> bool:
    """Return whether the picture needs a segment: JFIF, Adobe and the ICC profile say how its colours are coded."""
    if marker == _APP2:
        return bytes(segment[4:16]) == b"ICC_PROFILE\0"
    return marker in (_APP0, _APP14) or not (_APP0 <= marker <= _APP15 or marker == _COM)


def _with_orientation(kept: list[memoryview], orientation: int) -> list[memoryview]:
    """Put the orientation behind the JFIF segments, which come first."""
    if orientation == 1:
        return kept
    content = b"Exif\0\0" + block_with(orientation)
    segment = memoryview(struct.pack(">BBH", 0xFF, _APP1, len(content) + 2) + content)
    place = next((place for place, piece in enumerate(kept) if piece[1] != _APP0), len(kept))
    return [*kept[:place], segment, *kept[place:]]

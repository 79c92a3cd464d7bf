"""The marker segments of a JPEG (ITU-T T.81, annex B), found as libjpeg finds them.

Nearly every decoder is built on libjpeg, which skips what stands before a marker (`next_marker` in its jdmarker.c). Phones
write such files, and every program opens them.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from typing import NamedTuple

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
# In coded pixels FF is always followed by 00 or a restart marker; FF before a marker is filling; 01 has no meaning.
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")


class Segment(NamedTuple):
    """A marker and its content.

    Attributes:
        marker: Its second byte.
        start: Where the marker stands; its content begins 4 bytes on.
        end: Where its content ends by its length, which may lie; may be beyond the data.
    """

    marker: int
    start: int
    end: int


def segments(data: bytes | mmap.mmap, start: int, end: int) -> Iterator[Segment]:
    """Yield the segments behind the start of a picture, up to and including its end.

    The coded pixels of a scan belong to no segment. The caller checks whether lengths make sense; a segment whose length is
    too small to be one ends where its content would begin.

    Args:
        data: Holds the picture.
        start: Where the picture starts.
        end: Where it ends.
    """
    position = start + 2
    while (found := _MARKER.search(data, position, end)) is not None:
        begin, marker = found.start(), data[found.end() - 1]
        position = begin + 2
        if marker not in (SOI, EOI):
            position += int.from_bytes(data[position : position + 2], "big")
        yield Segment(marker, begin, position)
        if marker == EOI:
            return
        position = max(position, begin + 4)

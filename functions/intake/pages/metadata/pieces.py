"""A rewritten picture: which of its bytes are kept, and what replaces the others."""

from __future__ import annotations

import mmap
from collections.abc import Iterable

Bytes = bytes | mmap.mmap
Part = tuple[int, int] | bytes | int
"""Of the new file: a span (start, end) of the old one, bytes of our own, or a count of zeros."""
Kept = tuple[int, int, list[Part]]
"""Of the old file: a span, and what is written there; nothing means that it stays. Cleaners yield one for each thing that they
look at, if only an empty one, so that all their work is counted."""
NOTHING: Kept = (0, 0, [])
MAX_PARTS = 50_000
"""Maximum parts (segments, chunks, boxes, tags) of one picture. A PNG of 30 MB in the smallest chunks that libpng writes has
4,000; fifty thousand are walked in a tenth of a second, and what is noted of them takes 20 MB."""
MAX_SCATTERED = 20_000
"""Maximum parts of the new file, in which neighbours are one: of honest pictures a few dozen, of TIFFs one a strip at most."""


class Unreadable(Exception):
    """The metadata of a picture cannot be found."""


def length_of(parts: Iterable[Part]) -> int:
    """Return the bytes of a file by its parts."""
    return sum(
        part if isinstance(part, int) else len(part) if isinstance(part, bytes) else part[1] - part[0] for part in parts
    )


def assembled(every: Iterable[Kept], size: int, *, in_place: bool) -> list[Part]:
    """Return the parts of the new file.

    Args:
        every: What is kept; spans may overlap, but not where something else is written.
        size: Bytes of the old file.
        in_place: Whether everything stays where it is, with zeros between; else it moves together.

    Raises:
        Unreadable: A span leads out of the file, something is written over another, or it is too much.
    """
    noted: list[Kept] = []
    for kept in every:
        noted.append(kept)
        if len(noted) > MAX_PARTS:
            raise Unreadable
    parts: list[Part] = []
    position = 0
    for start, end, written in sorted(noted, key=lambda kept: kept[:2]):
        begin = max(start, position)
        if end > size or (written and start < position):
            raise Unreadable
        if begin >= end:
            continue
        new = written or [(begin, end)]
        if in_place:
            new = [begin - position, *new, end - begin - length_of(new)]
        for part in new:
            last = parts[-1] if parts else 0
            if isinstance(part, tuple) and isinstance(last, tuple) and last[1] == part[0]:
                parts[-1] = last[0], part[1]
            elif part:
                parts.append(part)
        position = end
    if in_place and position < size:
        parts.append(size - position)
    if len(parts) > MAX_SCATTERED or any(isinstance(part, int) and part < 0 for part in parts):
        raise Unreadable
    return parts

"""A picture that is written anew: what is kept of its bytes, by their place, and what stands between."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from typing import TypeVar

Bytes = bytes | bytearray | memoryview | mmap.mmap
Span = tuple[int, int]
Part = Span | bytes | int
MAX_PARTS = 50_000
"""Most parts (segments, chunks, boxes, tags) of one picture. A PNG of 30 MB in the smallest chunks that libpng writes has
4,000; fifty thousand are walked in a tenth of a second, and what is noted of them takes 20 MB."""
MAX_SCATTERED = 20_000
"""Most parts of the new file, in which neighbours are one: of honest pictures a few dozen, of TIFFs one a strip at most."""

T = TypeVar("T")


class Unreadable(Exception):
    """The metadata of a picture cannot be found."""


def counted(parts: Iterable[T]) -> Iterator[T]:
    """Yield parts as they come; raise Unreadable when there are too many."""
    for number, part in enumerate(parts):
        if number >= MAX_PARTS:
            raise Unreadable
        yield part


def keep(parts: list[Part], start: int, end: int) -> None:
    """Go on with bytes of the old file; neighbours become one part."""
    if parts and isinstance(last := parts[-1], tuple) and last[1] == start:
        parts[-1] = (last[0], end)
    elif start < end:
        parts.append((start, end))


def length_of(parts: Iterable[Part]) -> int:
    """Return the bytes of a file by its parts."""
    return sum(
        part if isinstance(part, int) else len(part) if isinstance(part, bytes) else part[1] - part[0] for part in parts
    )


def in_place(size: int, kept: Iterable[Span], written: Iterable[tuple[int, bytes]]) -> list[Part]:
    """Return the parts of a file in which everything stays where it is, and what is not named is zero.

    Args:
        size: Bytes of the file.
        kept: Spans that stay; they may overlap.
        written: Places, and what is written there.

    Raises:
        Unreadable: A span leads out of the file, or something is written over another.
    """
    parts: list[Part] = []
    position = 0
    spans = [(*span, b"") for span in kept] + [(start, start + len(content), content) for start, content in written]
    for start, end, content in sorted(spans):
        if end > size or (content and start < position):
            raise Unreadable
        begin = max(start, position)
        if begin < end:
            parts += [begin - position] if begin > position else []
            if content:
                parts.append(content)
            else:
                keep(parts, begin, end)
            position = end
    return [*parts, size - position] if position < size else parts

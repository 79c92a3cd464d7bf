"""TIFF: pages with the tags that show them. Layout and tags: TIFF 6.0; JPEG in TIFF: Adobe's technical note 2."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise

from intake.location.jpeg import segments, shows
from intake.location.pieces import MAX_PARTS, Bytes, Part, Span, Unreadable, in_place

_COMPRESSION, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _TABLES = 259, 273, 279, 324, 325, 347
_JPEG, _OLD_JPEG = 7, 6
# What lies where, how it is coded, its resolution and colours; no text, no other directory, no thumbnail.
_SHOWS = {254, 255, 256, 257, 258, _COMPRESSION, 262, 263, 266, _STRIPS, 274, 277, 278, _STRIP_BYTES, *range(280, 285)}
_SHOWS |= {*range(290, 294), 296, 297, 301, *range(317, 322), 322, 323, _TILES, _TILE_BYTES, 332, 334, *range(336, 343)}
_SHOWS |= {_TABLES, *range(529, 533), 34675}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def clean_tiff(data: Bytes) -> list[Part]:
    """Return the same pages, where they were, and zeros instead of all else."""
    order = {b"II*\0": "<", b"MM\0*": ">"}[bytes(data[:4])]
    kept: list[Span] = [(0, 8)]
    directories: dict[int, bytes] = {}
    tags = 0
    (offset,) = struct.unpack_from(order + "I", data, 4)
    while offset and offset not in directories:
        page = _Page(data, order, offset)
        tags += 1 + page.count
        if tags > MAX_PARTS:
            raise Unreadable
        directories[offset] = page.rewritten()
        kept += page.spans()
        if len(kept) > 2 * MAX_PARTS:
            raise Unreadable
        offset = page.following
    return in_place(len(data), kept, directories.items())


class _Page:
    """A directory.

    Args:
        data: All of the file.
        order: Byte order, as `struct` writes it.
        offset: Where the directory is.
    """

    def __init__(self, data: Bytes, order: str, offset: int) -> None:
        self._data = data
        self._order = order
        (self.count,) = struct.unpack_from(order + "H", data, offset)
        self._size = 6 + 12 * self.count
        (self.following,) = struct.unpack_from(order + "I", data, offset + self._size - 4)
        entries = struct.iter_unpack(order + "HHI4s", data[offset + 2 : offset + self._size - 4])
        self._tags = {tag: (kind, count, value) for tag, kind, count, value in entries if tag in _SHOWS}

    def rewritten(self) -> bytes:
        """Return the directory with the tags that show the page, filled up to its length."""
        entries = [struct.pack(self._order + "HHI4s", tag, *entry) for tag, entry in sorted(self._tags.items())]
        content = struct.pack(self._order + "H", len(entries)) + b"".join(entries)
        return (content + struct.pack(self._order + "I", self.following)).ljust(self._size, b"\0")

    def spans(self) -> Iterator[Span]:
        """Yield where the values of tags are that do not fit into the directory, and the coded pixels."""
        for kind, count, value in self._tags.values():
            size = _SIZES.get(kind, 1) * count
            if size > 4:
                (start,) = struct.unpack(self._order + "I", value)
                yield start, start + size
        coding = self._numbers(_COMPRESSION)
        if coding == (_OLD_JPEG,):
            raise Unreadable  # its tables have no lengths
        for places, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
            for start, length in zip(self._numbers(places), self._numbers(lengths), strict=True):
                yield from _jpeg(self._data, start, start + length) if coding == (_JPEG,) else [(start, start + length)]

    def _numbers(self, tag: int) -> tuple[int, ...]:
        """Return the numbers of a tag, none where there is no such tag."""
        if tag not in self._tags:
            return ()
        kind, count, value = self._tags[tag]
        if kind not in (3, 4) or count > 2 * MAX_PARTS:
            raise Unreadable
        layout = f"{self._order}{count}{'H' if kind == 3 else 'I'}"
        if struct.calcsize(layout) <= 4:
            return struct.unpack_from(layout, value)
        return struct.unpack_from(layout, self._data, struct.unpack(self._order + "I", value)[0])


def _jpeg(data: Bytes, start: int, end: int) -> list[Span]:
    """Return what is kept of a strip of JPEG: what shows it, and of all other segments their heads, since nothing may move."""
    if end > len(data):
        raise Unreadable
    places = [start]
    for marker, begin, stop in segments(data, start, end):
        if not shows(marker, bytes(data[begin + 4 : begin + 20]), stop - begin):
            places += [begin + 4, stop]
        if len(places) > MAX_PARTS:
            raise Unreadable
    return list(pairwise([*places, end]))[::2]

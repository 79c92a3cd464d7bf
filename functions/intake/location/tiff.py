"""TIFF: a file of directories, whose metadata is overwritten in place, because everything else is found by its offset.

Layout: TIFF 6.0, section 2. Tags: EXIF and GPS, CIPA DC-008; XMP, Adobe's XMP specification part 3; IPTC and Photoshop,
Adobe's TIFF technical notes; GeoTIFF, OGC 19-008.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from intake.location.exif import Unreadable

_EXIF, _GPS, _INTEROPERABILITY, _SUB = 0x8769, 0x8825, 0xA005, 0x014A
_DIRECTORIES = {_EXIF, _GPS, _INTEROPERABILITY}
_GEO = {33550, 33922, 34264, 34735, 34736, 34737}
_METADATA = {700, 33723, 34377, *_DIRECTORIES, *_GEO}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_DIRECTORIES = 2000
"""More than a submission can have pages, several times over; a chain that goes round ends here."""


def clean_tiff(data: memoryview) -> list[memoryview]:
    """Return the same bytes with the metadata of every page overwritten."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))
    if order is None:
        raise Unreadable
    cleaner = _Cleaner(data, order)
    (first,) = struct.unpack_from(order + "I", data, 4)
    cleaner.clean_chain(first)
    return [data]


class _Cleaner:
    """One file while it is cleaned.

    Args:
        data: All of it.
        order: Byte order, as `struct` writes it.
    """

    def __init__(self, data: memoryview, order: str) -> None:
        self._data = data
        self._order = order
        self._seen: set[int] = set()

    def clean_chain(self, offset: int) -> None:
        """Clean a directory, those below it, and those that follow it."""
        while offset and offset not in self._seen:
            self._enter(offset)
            kept, below = b"", []
            for entry, tag in self._entries(offset):
                if tag in _METADATA:
                    self._blank_value(entry, tag)
                else:
                    kept += bytes(self._data[entry : entry + 12])
                if tag == _SUB:
                    below += self._offsets(entry)
            offset = self._rewrite(offset, kept)
            for directory in below:
                self.clean_chain(directory)

    def _enter(self, offset: int) -> None:
        self._seen.add(offset)
        if len(self._seen) > _MAX_DIRECTORIES:
            raise Unreadable

    def _entries(self, offset: int) -> Iterator[tuple[int, int]]:
        """Yield place and tag of each entry of a directory."""
        count = self._number("H", offset)
        if offset + 2 + 12 * count + 4 > len(self._data):
            raise Unreadable
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            yield entry, self._number("H", entry)

    def _rewrite(self, offset: int, kept: bytes) -> int:
        """Write a directory with fewer entries over itself; return the offset of the one that follows."""
        end = offset + 2 + 12 * self._number("H", offset)
        following = self._number("I", end)
        count, link = struct.pack(self._order + "H", len(kept) // 12), struct.pack(self._order + "I", following)
        content = count + kept + link
        self._data[offset : end + 4] = content.ljust(end + 4 - offset, b"\0")
        return following

    def _blank_value(self, entry: int, tag: int) -> None:
        """Overwrite what an entry leads to."""
        if tag in _DIRECTORIES:
            for directory in self._offsets(entry):
                self._blank_directory(directory)
            return
        size = self._size(entry)
        if size > 4:
            start = self._number("I", entry + 8)
            self._blank(start, start + size)

    def _blank_directory(self, offset: int) -> None:
        if offset in self._seen:
            return
        self._enter(offset)
        for entry, tag in list(self._entries(offset)):
            self._blank_value(entry, tag)
        self._blank(offset, offset + 2 + 12 * self._number("H", offset) + 4)

    def _offsets(self, entry: int) -> list[int]:
        """Return the offsets of directories that an entry holds."""
        count = self._number("I", entry + 4)
        if count > _MAX_DIRECTORIES:
            raise Unreadable
        start = entry + 8 if count == 1 else self._number("I", entry + 8)
        return [self._number("I", start + 4 * place) for place in range(count)]

    def _size(self, entry: int) -> int:
        return _SIZES.get(self._number("H", entry + 2), 1) * self._number("I", entry + 4)

    def _blank(self, start: int, end: int) -> None:
        end = min(end, len(self._data))
        if start < end:
            self._data[start:end] = bytes(end - start)

    def _number(self, kind: str, offset: int) -> int:
        try:
            (number,) = struct.unpack_from(self._order + kind, self._data, offset)
        except struct.error as exc:
            raise Unreadable from exc
        return int(number)

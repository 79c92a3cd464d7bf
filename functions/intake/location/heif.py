"""HEIF: boxes and items. Items are found by their offsets, so nothing moves.

Boxes: ISO/IEC 14496-12, 4.2; items (iinf, infe, iloc): 8.11; properties: ISO/IEC 23008-12, 6.5. Orientation is a property
(irot, imir), which readers go by whatever an EXIF item says (6.5.10).
"""

from __future__ import annotations

from collections.abc import Iterator

from intake.location.exif import block_with
from intake.location.pieces import MAX_PARTS, Bytes, Part, Span, Unreadable, in_place

_INSIDE: dict[bytes, frozenset[bytes]] = {
    b"": frozenset(b"ftyp meta mdat".split()),
    b"meta": frozenset(b"hdlr pitm iloc iinf iprp iref idat dinf grpl".split()),
    b"iinf": frozenset((b"infe",)),
    b"iprp": frozenset(b"ipco ipma".split()),
    b"ipco": frozenset(b"hvcC avcC av1C ispe colr pixi pasp clap irot imir auxC a1op lsel clli mdcv cclv amve".split()),
}
"""Boxes that may stand in a box, or in the file; any other becomes free space."""
_STAYS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"mdat": 0, b"idat": 0, b"hdlr": 24}
"""Bytes of a box's content that stay, where that is not all of it: the rest is names, or looked at by itself."""
_PICTURES = frozenset(b"hvc1 hev1 avc1 av01 grid iden iovl tmap".split())


def clean_heif(data: Bytes) -> list[Part]:
    """Return what shows the picture, where it was, and zeros instead of all else."""
    cleaner = _Cleaner(data)
    cleaner.walk(b"", 0, len(data))
    cleaner.keep_items()
    return in_place(len(data), cleaner.kept, cleaner.written)


class _Cleaner:
    """One file while it is cleaned.

    Args:
        data: All of it.

    Attributes:
        kept: Spans that stay.
        written: What is written over them.
    """

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._kinds: dict[int, bytes] = {}
        self._places: list[Span] = []
        self._own_data = self._count = 0
        self.kept: list[Span] = []
        self.written: list[tuple[int, bytes]] = []

    def walk(self, parent: bytes, start: int, end: int) -> None:
        """Keep the boxes that may stand in another one, and make free space of those that may not."""
        for name, box, begin, stop in self._boxes(start, end):
            if name not in _INSIDE[parent]:
                self.kept += [(box, box + 4)] if begin == box + 8 else [(box, box + 4), (box + 8, begin)]
                self.written.append((box + 4, b"free"))
                continue
            inside = min(begin + self._stays(name, begin, stop), stop)
            self.kept.append((box, inside))
            if name in _INSIDE:
                self.walk(name, inside, stop)
            elif name == b"iloc":
                self._places.append((begin, stop))
            elif name == b"idat":
                self._own_data = begin

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
        """Yield name and start of each box, and start and end of its content."""
        data = self._data
        while start + 8 <= end:
            self._step()
            size, name, head = int.from_bytes(data[start : start + 4], "big"), bytes(data[start + 4 : start + 8]), 8
            if size == 1:
                size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
            elif size == 0:
                size = end - start
            if size < head or start + size > end:
                raise Unreadable
            yield name, start, start + head, start + size
            start += size

    def _step(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise Unreadable

    def _stays(self, name: bytes, begin: int, stop: int) -> int:
        version = self._data[begin] if begin < stop else 0
        if name == b"iinf":
            return 6 if version == 0 else 8
        if name != b"infe":
            return _STAYS.get(name, stop - begin)
        if version < 2:
            return 8  # ids; such an item has no type
        wide = 2 if version == 2 else 4
        item = int.from_bytes(self._data[begin + 4 : begin + 4 + wide], "big")
        self._kinds[item] = bytes(self._data[begin + 6 + wide : begin + 10 + wide])
        return 10 + wide

    def keep_items(self) -> None:
        """Keep the coded pixels; an EXIF item becomes one that says nothing."""
        if not self._places:
            raise Unreadable
        for item, method, extents in (each for place in self._places for each in self._items(*place)):
            kind, base = self._kinds.get(item), self._own_data if method == 1 else 0
            spans = [(base + offset, base + offset + length) for offset, length in extents]
            if kind in _PICTURES:
                if method > 1 or any(start == end for start, end in spans):
                    raise Unreadable  # made of other items, or of all of the file
                self.kept += spans
            elif kind == b"Exif" and method <= 1 and len(spans) == 1:
                nothing = bytes(4) + block_with(1)  # "exif_tiff_header_offset", 0, stands before the block
                if spans[0][1] - spans[0][0] >= len(nothing):
                    self.written.append((spans[0][0], nothing))

    def _items(self, start: int, end: int) -> Iterator[tuple[int, int, list[Span]]]:
        """Yield id, construction method, and (offset, length) of each extent of each item of an `iloc` box."""
        version, position = self._data[start], start + 4

        def number(size: int) -> int:
            nonlocal position
            if position + size > end:
                raise Unreadable
            position += size
            return int.from_bytes(self._data[position - size : position], "big")

        sizes = number(2)
        offset_size, length_size, base_size, index_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
        wide = 4 if version == 2 else 2
        for _ in range(number(wide)):
            item = number(wide)
            method = number(2) & 15 if version > 0 else 0
            number(2)  # data_reference_index
            base = number(base_size)
            extents = []
            for _ in range(number(2)):
                self._step()
                if version > 0:
                    number(index_size)
                offset = number(offset_size)
                extents.append((base + offset, number(length_size)))
            yield item, method, extents

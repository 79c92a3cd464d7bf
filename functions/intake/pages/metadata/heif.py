"""HEIF: boxes and items. Items are found by their offsets, so nothing moves.

Boxes: ISO/IEC 14496-12, 4.2; items (iinf, infe, iloc): 8.11; properties: ISO/IEC 23008-12, 6.5. Orientation is a property
(irot, imir), which readers go by whatever an EXIF item says (6.5.10).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from intake.pages.metadata.exif import block_with
from intake.pages.metadata.pieces import NOTHING, Bytes, Kept, Unreadable

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
_NO_EXIF = bytes(4) + block_with(1)
"""An EXIF item that says nothing: `exif_tiff_header_offset`, 0, stands before the block."""


def clean_heif(data: Bytes) -> Iterator[Kept]:
    """Yield what shows the picture: its boxes, and what those lead to."""
    kinds: dict[int, bytes] = {}
    places: list[tuple[int, int]] = []
    own_data = 0
    boxes = [(b"", 0, len(data))]
    for parent, start, end in boxes:
        for name, box, begin, stop in _boxes(data, start, end):
            if name not in _INSIDE[parent]:
                yield box, begin, [(box, box + 4), b"free", (box + 8, begin)]
                continue
            inside = begin + _STAYS.get(name, stop - begin)
            if name == b"iinf":
                inside = begin + (8 if data[begin] else 6)
            elif name == b"infe":
                layout = {2: ">4xH2x4s", 3: ">4xI2x4s"}[data[begin]]  # before version 2 an item had no type
                item, kinds[item] = struct.unpack_from(layout, data, begin)
                inside = begin + struct.calcsize(layout)
            elif name == b"iloc":
                places.append((begin, stop))
            elif name == b"idat":
                own_data = begin
            yield box, min(inside, stop), []
            if name in _INSIDE:
                boxes.append((name, inside, stop))
    shown = False
    for item, method, start, length in (each for place in places for each in _extents(data, *place)):
        kind, begin = kinds.get(item), start + (own_data if method else 0)
        if kind in _PICTURES:
            if method > 1 or not length:
                raise Unreadable  # made of other items, or of all of the file
            shown = True
            yield begin, begin + length, []
        else:
            exif = kind == b"Exif" and method <= 1 and length >= len(_NO_EXIF)
            yield (begin, begin + length, [_NO_EXIF]) if exif else NOTHING
    if not shown:
        raise Unreadable


def _boxes(data: Bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield name and start of each box, and start and end of its content."""
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, start + 8), 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise Unreadable
        yield name, start, start + head, start + size
        start += size


def _extents(data: Bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield id, construction method, start and length of each extent of each item of an `iloc` box; an item without one too."""
    version, position = data[start], start + 4

    def number(size: int) -> int:
        nonlocal position
        position += size
        if position > end:
            raise Unreadable
        return int.from_bytes(data[position - size : position], "big")

    sizes = number(2)
    wide = 4 if version == 2 else 2
    for _ in range(number(wide)):
        item = number(wide)
        method = number(2) & 15 if version else 0
        number(2)  # data_reference_index
        base, extents = number(sizes >> 4 & 15), number(2)
        for _ in range(extents):
            number(sizes & 15 if version else 0)  # extent_index
            offset = base + number(sizes >> 12)
            yield item, method, offset, number(sizes >> 8 & 15)
        if not extents:
            yield 0, 0, 0, 0  # nothing of its own, such as `iden`

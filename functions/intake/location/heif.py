"""HEIF: boxes and items; items are found by their offsets, so metadata is overwritten in place.

Boxes: ISO/IEC 14496-12, 4.2; items (iinf, infe, iloc): 8.11; EXIF and XMP items: ISO/IEC 23008-12, annex A. Orientation is a
property of the picture (irot, imir), which readers go by whatever an EXIF item says (23008-12, 6.5.10).
"""

from __future__ import annotations

from collections.abc import Iterator

from intake.location.exif import Unreadable, block_with, overwrite

_NEEDED = {b"ftyp", b"meta", b"mdat", b"idat", b"moov", b"free", b"skip"}
_PLACES_IN_FILMS = (b"\xa9xyz", b"loci")
_NO_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def clean_heif(data: memoryview) -> list[memoryview]:
    """Return the same bytes with EXIF and XMP items, and boxes that no standard asks for, overwritten."""
    boxes = list(_boxes(data, 0, len(data)))
    if not any(name == b"meta" for name, _, _ in boxes):
        raise Unreadable
    for name, start, end in boxes:
        if name == b"meta":
            _clean_items(data, start + 4, end)  # behind version and flags
        elif name == b"moov" and any(place in bytes(data[start:end]) for place in _PLACES_IN_FILMS):
            raise Unreadable
        elif name not in _NEEDED:
            _free(data, start, end)
    return [data]


def _boxes(data: memoryview, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the content of each box."""
    while start + 8 <= end:
        size, name, head = int.from_bytes(data[start : start + 4], "big"), bytes(data[start + 4 : start + 8]), 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise Unreadable
        yield name, start + head, start + size
        start += size


def _free(data: memoryview, start: int, end: int) -> None:
    """Make a box free space, of the same size; its name stands before its content, or before a long size."""
    size = int.from_bytes(data[start - 8 : start - 4], "big")
    name = start - 4 if size == end - start + 8 or size == 0 else start - 12
    data[name : name + 4] = b"free"
    data[start:end] = bytes(end - start)


def _clean_items(data: memoryview, start: int, end: int) -> None:
    inside = {name: (begin, stop) for name, begin, stop in _boxes(data, start, end)}
    if b"iinf" not in inside or b"iloc" not in inside:
        raise Unreadable
    kinds = {item: kind for item, kind in _items(data, *inside[b"iinf"]) if kind in (b"Exif", b"mime")}
    own_data = inside.get(b"idat", (0, 0))[0]
    for item, method, places in _places(data, *inside[b"iloc"]):
        if item not in kinds:
            continue
        if method > 1:
            raise Unreadable
        base = own_data if method == 1 else 0
        for offset, length in places:
            place = data[base + offset : base + offset + length]
            if kinds[item] == b"mime":
                overwrite(place, _NO_XMP, b" ")
            else:  # "exif_tiff_header_offset", 0, stands before the block
                overwrite(place, bytes(4) + block_with(1) if len(places) == 1 else b"")


def _items(data: memoryview, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield id and type of each item of an `iinf` box."""
    start += 4 + (2 if data[start] == 0 else 4)
    for name, begin, _ in _boxes(data, start, end):
        version = data[begin]
        if name != b"infe" or version < 2:
            continue  # before version 2 an item has no type
        wide = 2 if version == 2 else 4
        item = int.from_bytes(data[begin + 4 : begin + 4 + wide], "big")
        yield item, bytes(data[begin + 6 + wide : begin + 10 + wide])


def _places(data: memoryview, start: int, end: int) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield id, construction method, and (offset, length) of each extent of each item of an `iloc` box."""
    version, position = data[start], start + 4

    def number(size: int) -> int:
        nonlocal position
        if position + size > end:
            raise Unreadable
        position += size
        return int.from_bytes(data[position - size : position], "big")

    sizes = number(2)
    offset_size, length_size, base_size, index_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    wide = 4 if version == 2 else 2
    for _ in range(number(wide)):
        item = number(wide)
        method = number(2) & 15 if version > 0 else 0
        number(2)  # data_reference_index
        base = number(base_size)
        places = []
        for _ in range(number(2)):
            if version > 0:
                number(index_size)
            offset = number(offset_size)
            places.append((base + offset, number(length_size)))
        yield item, method, places

"""TIFF: pages with the tags that show them. Layout and tags: TIFF 6.0; JPEG in TIFF: Adobe's technical note 2."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from intake.pages.metadata.exif import ORDERS
from intake.pages.metadata.jpeg import segments
from intake.pages.metadata.pieces import MAX_PARTS, NOTHING, Bytes, Kept, Part, Unreadable

_COMPRESSION, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _TABLES = 259, 273, 279, 324, 325, 347
_JPEG, _OLD_JPEG = 7, 6
# What lies where, how it is coded, its resolution and colours; no text, no other directory, no thumbnail.
_SHOWS = {254, 255, 256, 257, 258, _COMPRESSION, 262, 263, 266, _STRIPS, 274, 277, 278, _STRIP_BYTES, *range(280, 285)}
_SHOWS |= {*range(290, 294), 296, 297, 301, *range(317, 322), 322, 323, _TILES, _TILE_BYTES, 332, 334, *range(336, 343)}
_SHOWS |= {_TABLES, *range(529, 533), 34675}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def clean_tiff(data: Bytes) -> Iterator[Kept]:
    """Yield the pages, each with the tags that show it, with the values of those, and with its coded pixels."""
    order = ORDERS[data[:4]]
    yield 0, 8, []
    (page,) = struct.unpack_from(order + "I", data, 4)
    pages: set[int] = set()
    while page and page not in pages:
        pages.add(page)
        (count,) = struct.unpack_from(order + "H", data, page)
        end = page + 2 + 12 * count
        tags: dict[int, tuple[int, int, int]] = {}
        entries: list[Part] = []
        for entry in range(page + 2, end, 12):
            tag, kind, number, place = struct.unpack_from(order + "HHII", data, entry)
            size = _SIZES.get(kind, 1) * number
            if tag in _SHOWS:
                tags[tag] = kind, number, place if size > 4 else entry + 8
                entries.append((entry, entry + 12))
            yield (place, place + size, []) if tag in tags and size > 4 else NOTHING
        yield page, end + 4, [struct.pack(order + "H", len(entries)), *entries, (end, end + 4)]
        yield from _pixels(data, order, tags)
        (page,) = struct.unpack_from(order + "I", data, end)


def _pixels(data: Bytes, order: str, tags: dict[int, tuple[int, int, int]]) -> Iterator[Kept]:
    def numbers(tag: int) -> tuple[int, ...]:
        kind, count, place = tags.get(tag, (3, 0, 0))
        if kind not in (3, 4) or count > MAX_PARTS:
            raise Unreadable
        return struct.unpack_from(f"{order}{count}{'H' if kind == 3 else 'I'}", data, place)

    coding = numbers(_COMPRESSION)
    if coding == (_OLD_JPEG,):
        raise Unreadable  # its tables have no lengths
    for places, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        for start, length in zip(numbers(places), numbers(lengths), strict=True):
            if coding == (_JPEG,):
                # Nothing may move, so the heads of what is left out stay.
                for _, begin, stop, shows in segments(data, start, start + length):
                    yield begin, stop if shows else begin + 4, []
            else:
                yield start, start + length, []

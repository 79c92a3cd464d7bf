"""EXIF blocks: the tags of one, and a new one with nothing but the orientation. Layout: TIFF 6.0, section 2; CIPA DC-008."""

from __future__ import annotations

import struct
from collections.abc import Iterator

ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
"""Byte order, as `struct` writes it, by the beginning of a TIFF."""
_ORIENTATION = (0x0112, 3, 1)  # tag, a short, one of it


def tags(block: bytes) -> tuple[str, Iterator[tuple[int, int, int, bytes]]]:
    """Read the first directory of an EXIF block (a TIFF header and its directories).

    Returns:
        The byte order, and tag, type, count and value of each entry. A value of more than 4 bytes is the offset of where it
        is. Nothing where there is no EXIF; of a block that breaks off, the entries that are whole.
    """
    try:
        order = ORDERS[block[:4]]
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
    except (KeyError, struct.error):
        return ">", iter(())
    entries = block[directory + 2 : directory + 2 + 12 * count]
    return order, struct.iter_unpack(order + "HHI4s", entries[: len(entries) // 12 * 12])


def orientation_of(block: bytes) -> int:
    """Return the orientation (1..8) that an EXIF block gives; 1 where it gives none."""
    order, entries = tags(block)
    for *kind, value in entries:
        if tuple(kind) == _ORIENTATION:
            (orientation,) = struct.unpack_from(order + "H", value)
            return int(orientation) if 1 <= orientation <= 8 else 1
    return 1


def block_with(orientation: int) -> bytes:
    """Return an EXIF block that says the orientation and nothing else; 26 bytes."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, *_ORIENTATION, orientation, 0, 0)

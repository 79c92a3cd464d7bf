"""EXIF blocks: what is kept of one, which is the orientation alone. Layout: TIFF 6.0, section 2; CIPA DC-008."""

from __future__ import annotations

import struct

ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
"""Byte order, as `struct` writes it, by the beginning of a TIFF."""
_ORIENTATION = (0x0112, 3, 1)  # tag, a short, one of it


def orientation_of(block: bytes) -> int:
    """Return the orientation (1..8) that an EXIF block (a TIFF header and its directories) gives; 1 where it gives none."""
    try:
        order = ORDERS[block[:4]]
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            *kind, value = struct.unpack_from(order + "HHIH", block, entry)
            if tuple(kind) == _ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except (KeyError, struct.error):
        pass  # no EXIF, or one that breaks off
    return 1


def block_with(orientation: int) -> bytes:
    """Return an EXIF block that says the orientation and nothing else; 26 bytes."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, *_ORIENTATION, orientation, 0, 0)

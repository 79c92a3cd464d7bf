"""EXIF blocks: what is kept of one, which is the orientation alone. Layout: TIFF 6.0, section 2; CIPA DC-008."""

from __future__ import annotations

import struct

_ORIENTATION_TAG, _SHORT = 0x0112, 3


def orientation_of(block: bytes) -> int:
    """Return the orientation (1..8) that an EXIF block (a TIFF header and its directories) gives; 1 where it gives none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return 1
    (directory,) = struct.unpack_from(order + "I", block, 4)
    if directory + 2 > len(block):
        return 1
    (entries,) = struct.unpack_from(order + "H", block, directory)
    for entry in range(directory + 2, min(directory + 2 + 12 * entries, len(block) - 11), 12):
        tag, kind, count, value = struct.unpack_from(order + "HHIH", block, entry)
        if tag == _ORIENTATION_TAG and kind == _SHORT and count == 1:
            return int(value) if 1 <= value <= 8 else 1
    return 1


def block_with(orientation: int) -> bytes:
    """Return an EXIF block that says the orientation and nothing else; 26 bytes."""
    entry = struct.pack(">HHIHH", _ORIENTATION_TAG, _SHORT, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)

"""What a file is, told by its first bytes and never by its name."""

from __future__ import annotations

SNIFF_BYTES = 1024
"""How much of a file's beginning `sniff` wants to see: a PDF's header may stand anywhere in the first 1024 bytes
(PDF 32000-1:2008, annex H, note 13)."""

CONTENT_TYPES = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "heic": "image/heic",
}
"""Media type by kind; the keys are all kinds that are accepted."""

# Brands of HEIF pictures coded with HEVC: ISO/IEC 23008-12, annex B.4, and https://github.com/nokiatech/heif (brands).
# mif1 and msf1 are the codec-neutral brands that some phones put first.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


def sniff(head: bytes) -> str | None:
    """Tell the kind of a file.

    Args:
        head: Its first `SNIFF_BYTES` bytes, or all of it when it is shorter.

    Returns:
        A key of `CONTENT_TYPES`, or None for anything else.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "heic"
    if b"%PDF-" in head[:SNIFF_BYTES]:
        return "pdf"
    return None

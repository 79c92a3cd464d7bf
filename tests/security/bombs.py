"""Files that are small to send and large to open."""

from __future__ import annotations

import zlib


def zeros(megabytes: int) -> bytes:
    """Return so many million zeros, compressed a thousandfold without ever being in memory."""
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(bytes(1_000_000)) for _ in range(megabytes)]) + packer.flush()


def pdf_of(*objects: bytes, tail: bytes = b"") -> bytes:
    """Return a PDF of the given objects, numbered from 1, of which the first is the catalogue."""
    body, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(
        body + b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, tail, start)
    )


def stream(data: bytes, entries: bytes = b"", *, packed: bool = True) -> bytes:
    """Return a stream object, compressed unless told otherwise."""
    if packed:
        data, entries = zlib.compress(data, 9), entries + b"/Filter/FlateDecode"
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


def one_page(contents: bytes, resources: bytes = b"", page: bytes = b"", *objects: bytes) -> bytes:
    """Return a PDF with one page; further objects are numbered from 5."""
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<<%s>>%s>>" % (resources, page),
        contents,
        *objects,
    )


def nested_forms(depth: int, first: int) -> list[bytes]:
    """Return forms, numbered from `first`, each of which draws the next one ten times: 10^depth lines to draw."""
    return [
        stream(
            b"/F%d Do " % (level + 1) * 10 if level + 1 < depth else b"0 0 m 9 9 l S",
            b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</F%d %d 0 R>>>>"
            % (level + 1, first + level + 1),
        )
        for level in range(depth)
    ]


def laughing_pdf(depth: int = 20) -> bytes:
    """Return a PDF whose page nobody will ever see drawn."""
    return one_page(stream(b"/F0 Do"), b"/XObject<</F0 5 0 R>>", b"", *nested_forms(depth, 5))


def slow_pages(count: int, depth: int) -> bytes:
    """Return a PDF each of whose pages draws 10^depth lines; 10^5 are some seconds of work."""
    first = 4 + count
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 3 0 R/Resources<</XObject<</F0 %d 0 R>>>>>>" % first
    )
    kids = b" ".join(b"%d 0 R" % number for number in range(4, 4 + count))
    tree = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)
    catalogue = b"<</Type/Catalog/Pages 2 0 R>>"
    return pdf_of(catalogue, tree, stream(b"/F0 Do"), *[page] * count, *nested_forms(depth, first))


def picture_pdf(width: int, height: int, said_width: int | None = None) -> bytes:
    """Return a PDF with one black picture in colour, drawn over the page.

    Args:
        width: Pixels that are there, in every row.
        height: Rows that are there.
        said_width: What the PDF says of the width; the truth when None.
    """
    entries = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8/Width %d/Height %d" % (
        said_width or width,
        height,
    )
    picture = stream(bytes(width * height * 3), entries)
    return one_page(stream(b"612 0 0 792 0 0 cm /P Do"), b"/XObject<</P 5 0 R>>", b"", picture)

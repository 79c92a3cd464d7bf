"""PDFs that somebody made to do harm, drawn up by hand from PDF 32000-1:2008."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from tests.security.bombs import laughing_pdf, one_page, pdf_of, stream, zeros
from tests.support.marks import encoded, marked

CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
LINES = b"BT /F 12 Tf 72 700 Td (Hello) Tj ET"


def boxed(box: bytes, more: bytes = b"") -> bytes:
    """Return a PDF whose page says that it has some size."""
    return pdf_of(
        CATALOGUE, PAGES, b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R%s>>" % (box, more), stream(LINES)
    )


def picture(entries: bytes, data: bytes, *, packed: bool = False) -> bytes:
    """Return a PDF that draws one picture over its page."""
    drawn = stream(data, b"/Type/XObject/Subtype/Image" + entries, packed=packed)
    return one_page(stream(b"612 0 0 792 0 0 cm /P Do"), b"/XObject<</P 5 0 R>>", b"", drawn)


def form(resources: bytes, contents: bytes, *others: bytes) -> bytes:
    """Return a PDF whose page draws the form in object 5."""
    head = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<<%s>>" % resources
    return one_page(stream(b"/F Do"), b"/XObject<</F 5 0 R>>", b"", stream(contents, head), *others)


def swelling_contents() -> bytes:
    """Return a PDF whose page description is 400 MB of zeros, in 400 KB."""
    data = zeros(400)
    return one_page(b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(data), data))


def million_objects() -> bytes:
    """Return a PDF with a million objects that nobody needs, just below what may be sent."""
    return pdf_of(CATALOGUE, PAGES, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", *[b"0"] * 700_000)


def missing_million() -> bytes:
    """Return a PDF whose cross-references speak of a thousand million objects."""
    return boxed(b"0 0 612 792").replace(b"/Size 5", b"/Size 999999999").replace(b"xref\n0 5", b"xref\n0 999999999")


def chain_of_pages(depth: int) -> bytes:
    """Return a PDF whose page lies so deep in the tree of pages."""
    nodes = [
        b"<</Type/Pages/Parent %d 0 R/Kids[%d 0 R]/Count 1>>" % (number - 1, number + 1) for number in range(3, depth)
    ]
    return pdf_of(CATALOGUE, PAGES, *nodes, b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 612 792]>>" % (depth - 1))


def written_on(words: bytes) -> bytes:
    """Return a PDF with a page on which something is written, line by line."""
    words = b"BT /F 4 Tf 4 TL 0 780 Td " + words + b" ET"
    return one_page(stream(words), b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>")


def unmapped_text() -> bytes:
    """Return a PDF whose font says that its letters stand for halves of characters and for the end of a string."""
    cmap = (
        b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00><ff> endcodespacerange "
        b"4 beginbfchar <41><D800> <42><0000> <43><DFFF> <44><FFFE> endbfchar endcmap end end"
    )
    text = b"BT /F 12 Tf 14 TL 72 700 Td " + b"(the bill ABCD total) Tj T* " * 30 + b"ET"
    font = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 5 0 R>>>>"
    return one_page(stream(text), font, b"", stream(cmap))


def with_archive() -> bytes:
    """Return a PDF that is a ZIP as well, and carries another as an attachment."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../etc/passwd", bytes(10_000_000))
    data = archive.getvalue()
    attached = pdf_of(
        b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(../evil) 5 0 R]>>>>>>",
        PAGES,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
        stream(LINES),
        b"<</Type/Filespec/F(../../evil.zip)/EF<</F 6 0 R>>>>",
        stream(data, b"/Type/EmbeddedFile"),
    )
    return attached + data


def reaching_out(url: str, path: str) -> dict[str, bytes]:
    """Return PDFs that want something opened: an address, a file or a program.

    Args:
        url: Address that would notice.
        path: File with a text that would show.
    """
    address, file = url.encode(), path.encode()
    remote = b"<</FS/URL/F(%s)>>" % address
    catalogue = b"<</Type/Catalog/Pages 2 0 R/OpenAction %s/AA<</WC %s>>>>"
    actions = {
        "JavaScript": b"<</S/JavaScript/JS(app.launchURL\\('%s'\\); this.submitForm\\('%s'\\))>>" % (address, address),
        "launch": b"<</S/Launch/F(%s)/Win<</F(cmd.exe)/P(/c calc)>>/Unix<</F(/bin/sh)>>>>" % file,
        "address": b"<</S/URI/URI(%s)>>" % address,
        "form sent": b"<</S/SubmitForm/F %s>>" % remote,
        "data fetched": b"<</S/ImportData/F %s>>" % remote,
        "other document": b"<</S/GoToR/F %s/D[0/Fit]>>" % remote,
        "film": b"<</S/Rendition/R<</S/MR/C<</S/MCD/CT(video/mp4)/D %s>>>>>>" % remote,
    }
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/AA<</O %s>>/Annots[5 0 R]>>"
    link = b"<</Type/Annot/Subtype/Link/Rect[0 0 612 792]/A %s>>"
    found = {
        name: pdf_of(catalogue % (action, action), PAGES, page % action, stream(LINES), link % action)
        for name, action in actions.items()
    }
    outside = b"/F %s/FFilter/FlateDecode"
    for name, place in {
        "address": remote,
        "file": b"(%s)" % file,
        "file by URL": b"<</FS/URL/F(file://%s)>>" % file,
    }.items():
        contents = b"<<%s/Length 0>>\nstream\n\nendstream" % (outside % place)
        found[f"contents elsewhere, by {name}"] = one_page(contents)
        entries = b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace/DeviceGray" + outside % place
        found[f"picture elsewhere, by {name}"] = picture(entries, b"")
        page_from = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Ref<</F %s/Page 0>>" % place
        found[f"page elsewhere, by {name}"] = one_page(
            stream(b"/F Do"), b"/XObject<</F 5 0 R>>", b"", stream(b"", page_from)
        )
    xfa = (
        b'<xdp:xdp xmlns:xdp="x"><!DOCTYPE x [<!ENTITY e SYSTEM "file://%s"><!ENTITY f SYSTEM "%s">]>&e;&f;</xdp:xdp>'
        % (file, address)
    )
    found["XFA with entities"] = pdf_of(
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</XFA 5 0 R/Fields[]>>/Metadata 5 0 R>>",
        PAGES,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
        stream(LINES),
        stream(xfa),
    )
    return found


HOSTILE: dict[str, Callable[[], bytes]] = {
    # loops
    "references lead to themselves": lambda: (
        pdf_of(CATALOGUE, PAGES, boxed(b"0 0 9 9"), tail=b"/Prev 9")
        .replace(b"/Prev 9", b"/Prev 0")
        .replace(b"startxref\n", b"startxref\n0")
    ),
    "page tree leads back": lambda: pdf_of(CATALOGUE, b"<</Type/Pages/Kids[3 0 R 2 0 R]/Count 9>>", PAGES),
    "page is its own parent": lambda: pdf_of(CATALOGUE, PAGES, b"<</Type/Page/Parent 3 0 R/Contents 3 0 R>>"),
    "form draws itself": lambda: form(b"/XObject<</F 5 0 R>>", b"/F Do /F Do"),
    "pattern paints itself": lambda: form(
        b"/Pattern<</P 6 0 R>>",
        b"/Pattern cs /P scn 0 0 612 792 re f",
        stream(
            b"/Pattern cs /P scn 0 0 9 9 re f",
            b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 9/YStep 9"
            b"/Resources<</Pattern<</P 6 0 R>>>>",
        ),
    ),
    "letter writes itself": lambda: one_page(
        stream(b"BT /F 12 Tf (aaa) Tj ET"),
        b"/Font<</F 5 0 R>>",
        b"",
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/CharProcs<</a 6 0 R>>/FirstChar 97/LastChar 97"
        b"/Widths[9]/Encoding<</Differences[97/a]>>/Resources<</Font<</F 5 0 R>>>>>>",
        stream(b"9 0 d0 BT /F 1 Tf (aaa) Tj ET"),
    ),
    "mask masks itself": lambda: picture(
        b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace/DeviceGray/SMask 5 0 R/Mask 5 0 R", bytes(81)
    ),
    # depth
    "arrays in arrays": lambda: one_page(stream(LINES), b"/A " + b"[" * 500_000 + b"]" * 500_000),
    "brackets in the contents": lambda: one_page(stream(b"[" * 3_000_000)),
    "states on states": lambda: one_page(stream(b"q 1 0 0 1 1 1 cm " * 1_000_000)),
    "clips in clips": lambda: one_page(stream(b"0 0 600 700 re W n " * 300_000 + LINES)),
    "pages far down": lambda: chain_of_pages(20_000),
    # boxes
    "huge page": lambda: boxed(b"0 0 1000000000 1000000000"),
    "page of unlikely numbers": lambda: boxed(b"-1e38 -1e38 1e38 1e38", b"/UserUnit 1e38"),
    "thin page": lambda: boxed(b"0 0 0.0001 100000"),
    # numbers
    "a million objects": million_objects,
    "objects that are not there": missing_million,
    "pages that are not there": lambda: boxed(b"0 0 9 9").replace(b"/Count 1", b"/Count 2147483647"),
    "a word of a million letters": lambda: written_on(b"(the bill) Tj T* " * 30 + b"(aaaaaaaaaa) Tj " * 100_000),
    "words of no characters": unmapped_text,
    # what swells
    "forms that draw forms": laughing_pdf,
    "swelling contents": swelling_contents,
    "picture smaller than it says": lambda: picture(
        b"/Width 60000/Height 60000/BitsPerComponent 16/ColorSpace/DeviceCMYK", b"0"
    ),
    "picture of one row": lambda: picture(b"/Width 2147483647/Height 1/BitsPerComponent 1/ColorSpace/DeviceGray", b"0"),
    "JPEG 2000 of a size": lambda: picture(
        b"/Width 100/Height 100/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/JPXDecode",
        encoded(marked(90, 90), "jpeg2000").replace((90).to_bytes(4, "big"), (60_000).to_bytes(4, "big")),
    ),
    "picture in the line": lambda: one_page(stream(b"BI /W 50000 /H 50000 /BPC 8 /CS /RGB ID \0 EI")),
    # what it also is
    "archive": with_archive,
    "photo first": lambda: encoded(marked(90, 60), "jpeg") + boxed(b"0 0 9 9"),
    "header late": lambda: b"MZ" + bytes(1000) + boxed(b"0 0 9 9"),
}

"""PDF pages: which of the three ways a page is read, and where its words land on the upright page."""

from __future__ import annotations

import random
from typing import Any

import pymupdf
import pytest
from intake.errors import BadFile, BrokenFile, DocumentsInside, EncryptedPdf, NoPages, PictureTooLarge
from intake.log import rss_mb
from intake.pages import open_document
from intake.pages.content import OWN_BYTES_LIMIT, RENDERED_PIXELS, PageContent
from intake.pages.pdf import MAX_DECODED_BYTES, MAX_JPX_PIXELS, MIN_WORDS
from PIL import Image, ImageOps

from tests.support.marks import encoded, found_mark, mark_on_page, marked, picture_of, sent
from tests.support.pdfs import LETTER, SCAN, both, pdf, scan, text
from tests.support.pictures import lying_jpeg


def content_of(data: bytes, index: int = 0, *, redraw: bool = False) -> PageContent:
    """Return what is to be read on a page of a PDF."""
    document = open_document("pdf", data, 1)
    try:
        return document.page(index, redraw=redraw)
    finally:
        document.close()


def spelled(content: PageContent) -> str:
    """Return the words that need no OCR."""
    return " ".join(word.text for word in content.words)


# --- text layers ----------------------------------------------------------------------------------------------------------


def test_text_layer() -> None:
    """A page of text is read without any picture; words have places and full confidence."""
    content = content_of(pdf(text))
    assert (content.source, content.pieces) == ("text", ())
    assert (content.width, content.height) == LETTER
    assert spelled(content).startswith("Your account number and the total")
    first = content.words[0]
    assert first.confidence == 1.0
    x0, y0, x1, y1, *_ = first.quad
    assert x0 == pytest.approx(72 / 612, abs=0.003)
    assert y0 == y1 == pytest.approx(92 / 792, abs=0.01)
    assert x1 > x0


def test_fewest_words() -> None:
    """As many words as make a text layer, and one less."""
    assert content_of(pdf(lambda page: text(page, MIN_WORDS))).source == "text"
    assert content_of(pdf(lambda page: text(page, MIN_WORDS - 1))).source == "render"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_text_on_rotated_pages(rotation: int) -> None:
    """Words of a rotated page lie where the viewer shows them, in fractions of the page as shown."""

    def draw(page: pymupdf.Page) -> None:
        text(page)
        page.set_rotation(rotation)

    data = pdf(draw)
    content = content_of(data)
    assert content.source == "text"
    assert (content.width, content.height) == (LETTER if rotation % 180 == 0 else LETTER[::-1])
    word = next(word for word in content.words if word.text == "number")
    assert black_in(data, quad_box(word.quad)) > 0.05
    assert reading_direction(word.quad) == {0: "right", 90: "down", 180: "left", 270: "up"}[rotation]


@pytest.mark.parametrize(("turn", "direction"), [(0, "right"), (90, "up"), (180, "left"), (270, "down")])
def test_turned_text(turn: int, direction: str) -> None:
    """The corners of a word tell which way it runs."""
    data = pdf(both(text, lambda page: page.insert_text((300, 500), "sideways", rotate=turn)))
    content = content_of(data)
    word = next(word for word in content.words if word.text == "sideways")
    assert reading_direction(word.quad) == direction
    assert black_in(data, quad_box(word.quad)) > 0.05


def reading_direction(quad: tuple[float, ...]) -> str:
    """Return where the text runs on the page, from its first corner to its second."""
    dx, dy = quad[2] - quad[0], quad[3] - quad[1]
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "down" if dy > 0 else "up"


def quad_box(quad: tuple[float, ...]) -> tuple[float, float, float, float]:
    return min(quad[::2]), min(quad[1::2]), max(quad[::2]), max(quad[1::2])


def shown(data: bytes, index: int = 0) -> Image.Image:
    """Return a page as a viewer shows it, by MuPDF."""
    with pymupdf.open(stream=data, filetype="pdf") as document:
        pixmap = document[index].get_pixmap(dpi=100, colorspace=pymupdf.csGRAY)
        return Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)


def black_in(data: bytes, box: tuple[float, float, float, float]) -> float:
    """Return the share of dark pixels in a box of the page as shown."""
    page = shown(data)
    left, top, right, bottom = (round(edge * size) for edge, size in zip(box, page.size * 2, strict=True))
    part = page.crop((left, top, right + 1, bottom + 1))
    return sum(part.histogram()[:128]) / (part.width * part.height)


def test_text_with_a_crop_box() -> None:
    """Words are placed on the part of the page that is shown, and cropped words are not there."""

    def draw(page: pymupdf.Page) -> None:
        text(page, 40, (172, 300))
        page.insert_text((150, 760), "hidden")
        page.set_cropbox(pymupdf.Rect(100, 200, 600, 700))

    data = pdf(draw)
    content = content_of(data)
    assert (content.source, content.width, content.height) == ("text", 500, 500)
    assert "hidden" not in spelled(content)
    assert content.words[0].quad[0] == pytest.approx(72 / 500, abs=0.01)
    assert black_in(data, quad_box(content.words[0].quad)) > 0.05


def test_large_picture_beside_text() -> None:
    """A picture beyond a logo's size holds text of its own: it is drawn for the OCR, and the words beside it stay."""
    large = lambda page: scan(page, rect=pymupdf.Rect(100, 400, 400, 792))  # noqa: E731
    content = content_of(pdf(both(text, large)))
    assert (content.source, len(content.words)) == ("render", 40)
    across, down = found_mark(marked(850, 1100))
    assert mark_on_page(content) == pytest.approx(((100 + 300 * across) / 612, (400 + 392 * down) / 792), abs=0.01)


# --- a scan: one picture is all there is -----------------------------------------------------------------------------------


def test_scan_is_sent_as_it_came() -> None:
    """A page that is one JPEG is not drawn: the JPEG's own bytes are sent."""
    content = content_of(pdf(scan))
    assert (content.source, picture_of(content)) == ("picture", SCAN)
    assert (content.width, content.height) == LETTER


def test_scan_redrawn() -> None:
    """When the OCR refused a picture's own bytes, the page is drawn."""
    content = content_of(pdf(scan), redraw=True)
    assert content.source == "render"
    assert mark_on_page(content) == pytest.approx(found_mark(marked(850, 1100)), abs=0.01)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_scan_turned_on_a_rotated_page(rotation: int, turn: int) -> None:
    """Wherever page and picture are turned to, the mark lies where the viewer shows it."""

    def draw(page: pymupdf.Page) -> None:
        scan(page, encoded(marked(*((850, 1100) if turn % 180 == 0 else (1100, 850))), "jpeg"), rotate=turn)
        page.set_rotation(rotation)

    data = pdf(draw)
    content = content_of(data)
    assert content.source == "picture"
    assert (content.width, content.height) == (LETTER if rotation % 180 == 0 else LETTER[::-1])
    assert mark_on_page(content) == pytest.approx(found_mark(shown(data)), abs=0.01)


@pytest.mark.parametrize("size", [(850, 550), (425, 1100)], ids=["low", "narrow"])
def test_scan_of_pixels_that_are_not_squares(size: tuple[int, int]) -> None:
    """A fax that a PDF stretches to its page is drawn as it is to be read, not sent squashed."""
    content = content_of(pdf(lambda page: scan(page, encoded(marked(*size), "jpeg"))))
    assert content.source == "render"
    assert sent(content).width / sent(content).height == pytest.approx(612 / 792, abs=0.01)


def test_scan_with_a_narrow_border() -> None:
    """A picture that leaves a narrow border is still the whole page, and its place takes the border into account."""
    data = pdf(lambda page: scan(page, rect=pymupdf.Rect(6, 8, 608, 788)))
    content = content_of(data)
    assert content.source == "picture"
    assert mark_on_page(content) == pytest.approx(found_mark(shown(data)), abs=0.01)


def test_scan_with_exif() -> None:
    """A PDF does not turn a picture by its EXIF, so nobody may: it is taken out."""
    data = pdf(lambda page: None)
    with pymupdf.open(stream=data, filetype="pdf") as document:
        page = document[0]
        scan(page)
        xref = page.get_images()[0][0]
        document.update_stream(xref, encoded(marked(850, 1100), "jpeg", orientation=3), compress=False)
        document.xref_set_key(xref, "Filter", "/DCTDecode")
        data = document.tobytes()
    content = content_of(data)
    assert content.source == "picture"
    assert "exif" not in sent(content).info
    assert mark_on_page(content) == pytest.approx(found_mark(shown(data)), abs=0.01)


def form_field(page: pymupdf.Page) -> None:
    """Put a filled form field on the page."""
    widget = pymupdf.Widget()
    widget.field_name, widget.field_type = "amount", pymupdf.mupdf.PDF_WIDGET_TYPE_TEXT
    widget.field_value, widget.rect = "filled", pymupdf.Rect(100, 100, 300, 130)
    page.add_widget(widget)


def test_form_field_over_a_scan() -> None:
    """What somebody typed into a form over a scan is not lost."""
    content = content_of(pdf(both(scan, form_field)))
    assert content.source == "render" or "filled" in spelled(content)


def raw_page(page_content: bytes, picture: bytes = SCAN) -> bytes:
    """Return a PDF whose one page paints its picture `/fzImg0` by hand-written operators."""
    document = pymupdf.open(stream=pdf(lambda page: scan(page, picture)), filetype="pdf")
    page = document[0]
    name = page.get_images()[0][7].encode()
    document.update_stream(page.get_contents()[0], page_content.replace(b"/Scan", b"/" + name))
    for extra in page.get_contents()[1:]:
        document.update_stream(extra, b" ")
    data: bytes = document.tobytes()
    document.close()
    return data


def placed(matrix: bytes, clip: bytes = b"") -> bytes:
    """Return a PDF that paints its picture through a matrix, and within a clipping path."""
    return raw_page(b"q " + clip + b" " + matrix + b" cm /Scan Do Q")


BOX, WHOLE_PAGE = pymupdf.Rect(100, 100, 300, 200), b"612 0 0 792 0 0"
LAYERS: dict[str, tuple[bytes, str, int]] = {
    # what is on the page, from the bottom up: the page, where its words come from, how many need no OCR
    "picture on a part": (pdf(lambda page: scan(page, rect=pymupdf.Rect(100, 100, 500, 600))), "render", 0),
    "text of a scanner's OCR": (pdf(both(scan, lambda page: text(page, render_mode=3))), "picture", 0),
    "text under the scan": (pdf(both(text, scan)), "picture", 0),
    "text over the scan": (pdf(both(scan, lambda page: text(page, 8))), "picture", 8),
    "page of text over the scan": (pdf(both(scan, text)), "picture", 40),
    "text under and over": (pdf(both(text, scan, lambda page: text(page, 8))), "render", 0),
    "box over the scan": (pdf(both(scan, lambda page: page.draw_rect(BOX, fill=(1, 1, 1)))), "render", 0),
    "line over the scan": (pdf(both(scan, lambda page: page.draw_line((10, 10), (500, 500)))), "render", 0),
    "note over the scan": (
        pdf(both(scan, lambda page: page.add_freetext_annot(BOX, "paid", border_width=0))),
        "render",
        0,
    ),
    "marker over the scan": (pdf(both(scan, lambda page: page.add_highlight_annot(BOX))), "render", 0),
    "same picture twice": (pdf(both(scan, scan)), "render", 0),
    "scan in a crop box": (
        pdf(both(scan, lambda page: page.set_cropbox(pymupdf.Rect(0, 0, 612, 500)))),
        "render",
        0,
    ),
    "scan cut by a path": (placed(WHOLE_PAGE, b"0 396 612 396 re W n"), "render", 0),
    "path around the page": (placed(WHOLE_PAGE, b"0 0 612 792 re W n"), "picture", 0),
    "scan outside the page": (placed(b"612 0 0 792 2000 0"), "render", 0),
    "scan as a point": (placed(b"0 0 0 0 0 0"), "render", 0),
    "scan as a line": (placed(b"612 0 0 0 0 0"), "render", 0),
    "scan without end": (placed(b"1e30 0 0 1e30 0 0"), "render", 0),
}


@pytest.mark.parametrize("layers", LAYERS)
def test_what_lies_over_and_under_a_scan(layers: str) -> None:
    """A picture is sent as it came only if nothing that a person sees is missing from it; visible text is kept."""
    data, source, words = LAYERS[layers]
    content = content_of(data)
    assert (content.source, len(content.words)) == (source, words)


@pytest.mark.parametrize("matrix", [b"-612 0 0 792 612 0", b"612 0 0 -792 0 792"], ids=["left-right", "top-bottom"])
def test_mirrored_scan(matrix: bytes) -> None:
    """A picture that the page mirrors is drawn, because no OCR reads mirrored text."""
    data = raw_page(b"q " + matrix + b" cm /Scan Do Q")
    content = content_of(data)
    assert content.source == "render"
    assert mark_on_page(content) == pytest.approx(found_mark(shown(data)), abs=0.01)


def test_slightly_turned_scan() -> None:
    """A scanner's deskewing by a degree keeps the picture and its place."""
    data = raw_page(b"q 611.9 10.68 -13.82 791.88 7 -5 cm /Scan Do Q")
    content = content_of(data)
    assert mark_on_page(content) == pytest.approx(found_mark(shown(data)), abs=0.02)


# --- pictures that Vision would not see as the PDF means them -------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (encoded(marked(850, 1100, "CMYK"), "jpeg"), {}),
        (encoded(marked(850, 1100, "P"), "png"), {}),
        (encoded(marked(850, 1100), "png"), {}),
        (encoded(marked(850, 1100, "1"), "tiff", compression="group4"), {}),
        (encoded(marked(850, 1100), "jpeg2000"), {}),
        (SCAN, {"mask": encoded(Image.new("L", (850, 1100), 255), "png")}),
    ],
    ids=["CMYK", "Indexed", "Flate", "fax", "JPX", "soft mask"],
)
def test_pictures_that_are_drawn(data: bytes, options: dict[str, Any]) -> None:
    """Everything but a plain grey or colour JPEG is drawn by MuPDF, and right."""
    content = content_of(pdf(lambda page: scan(page, data, **options)))
    assert content.source == "render"
    assert mark_on_page(content) == pytest.approx(found_mark(marked(850, 1100)), abs=0.01)


def changed_picture(key: str, value: str, picture: bytes = SCAN) -> bytes:
    """Return a scan whose picture object says something else."""
    with pymupdf.open(stream=pdf(lambda page: scan(page, picture)), filetype="pdf") as document:
        document.xref_set_key(document[0].get_images()[0][0], key, value)
        data: bytes = document.tobytes()
    return data


def test_inverted_jpeg() -> None:
    """A picture that the PDF inverts is not sent as its bytes are."""
    data = changed_picture("Decode", "[1 0 1 0 1 0]", encoded(ImageOps.invert(marked(850, 1100)), "jpeg"))
    content = content_of(data)
    assert content.source == "render"
    assert mark_on_page(content) == pytest.approx(found_mark(marked(850, 1100)), abs=0.01)


def test_jpeg_of_too_many_bytes() -> None:
    """A picture above 8 MB is drawn."""
    data = pdf(lambda page: scan(page, SCAN + bytes(OWN_BYTES_LIMIT - len(SCAN))))
    assert content_of(data).source == "picture"
    data = pdf(lambda page: scan(page, SCAN + bytes(OWN_BYTES_LIMIT - len(SCAN) + 1)))
    assert content_of(data).source == "render"


# --- too large ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(14_400, 14_400), (14_400, 20), (200_000, 200_000), (3, 14_400)], ids=str)
def test_huge_page(size: tuple[float, float]) -> None:
    """However large the page, its picture stays within the cap; a fixed dpi would take gigabytes."""
    picture = sent(content_of(pdf(text, size=size), redraw=True))
    assert picture.width * picture.height <= RENDERED_PIXELS * 1.01


@pytest.mark.parametrize("size", [(3, 3), (1, 1), (0.05, 0.05)], ids=str)
def test_tiny_page(size: tuple[float, float]) -> None:
    """A page of less than a pixel is drawn as one."""
    content = content_of(pdf(lambda page: None, size=size))
    assert sent(content).width >= 1


def test_ordinary_page_is_drawn_at_a_good_resolution() -> None:
    """Letter paper is drawn with nearly all the pixels allowed."""
    picture = sent(content_of(pdf(text), redraw=True))
    assert 0.98 * RENDERED_PIXELS <= picture.width * picture.height <= RENDERED_PIXELS * 1.01
    assert picture.mode == "L"


def with_size(width: int, height: int, picture: bytes, colours: str = "/DeviceRGB") -> bytes:
    """Return a scan whose picture says that it has some size, beside a line that makes the page one to draw."""
    draws = both(lambda page: scan(page, picture), lambda page: page.draw_line((10, 10), (500, 500)))
    with pymupdf.open(stream=pdf(draws), filetype="pdf") as document:
        xref = document[0].get_images()[0][0]
        document.xref_set_key(xref, "Width", str(width))
        document.xref_set_key(xref, "Height", str(height))
        document.xref_set_key(xref, "ColorSpace", colours)
        data: bytes = document.tobytes()
    return data


@pytest.mark.parametrize(
    ("picture", "colours", "limit"),
    [
        (encoded(marked(85, 110), "png"), "/DeviceRGB", MAX_DECODED_BYTES // 3),
        (encoded(marked(85, 110, "L"), "png"), "/DeviceGray", MAX_DECODED_BYTES),
        (encoded(marked(85, 110), "png"), "/DeviceCMYK", MAX_DECODED_BYTES // 4),
        (encoded(marked(85, 110), "jpeg2000"), "/DeviceRGB", MAX_JPX_PIXELS),
    ],
    ids=["colour", "grey", "CMYK", "JPX"],
)
def test_most_pixels_of_a_picture(picture: bytes, colours: str, limit: int) -> None:
    """A picture over its kind's cap is refused before anything is decoded, with both numbers."""
    with pytest.raises(PictureTooLarge) as caught:
        content_of(with_size(4000, limit // 4000 + 1, picture, colours))
    megapixels = limit // 1_000_000
    assert f"{megapixels + 1} megapixels; the limit for its format is {megapixels}." in caught.value.message


def test_jpeg_that_hides_its_size() -> None:
    """What counts is the JPEG's own header: the PDF may say that it is small."""
    huge = lying_jpeg(20_000, 2_000, progressive=True)
    with pytest.raises(PictureTooLarge, match="40 megapixels; the limit for its format is 24"):
        content_of(with_size(100, 100, huge))
    with pytest.raises(PictureTooLarge, match="400 megapixels; the limit for its format is 200"):
        content_of(with_size(100, 100, lying_jpeg(20_000, 20_000)))


# --- files ------------------------------------------------------------------------------------------------------------------


def test_password() -> None:
    """A PDF that cannot be opened without a password is refused by its position."""
    data = pdf(text, encryption=pymupdf.mupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner")
    with pytest.raises(EncryptedPdf) as caught:
        open_document("pdf", data, 3)
    assert caught.value.message.startswith("File 3 is a PDF that needs a password.")


@pytest.mark.parametrize(
    "method",
    [pymupdf.mupdf.PDF_ENCRYPT_AES_256, pymupdf.mupdf.PDF_ENCRYPT_AES_128, pymupdf.mupdf.PDF_ENCRYPT_RC4_128],
    ids=str,
)
def test_owner_password_only(method: int) -> None:
    """A PDF that anybody may open is read, its own pictures included, though it is encrypted."""
    data = pdf(text, scan, encryption=method, owner_pw="owner")
    assert content_of(data).source == "text"
    content = content_of(data, 1)
    assert (content.source, picture_of(content)) == ("picture", SCAN)


def test_no_pages() -> None:
    """A PDF without any page says so."""
    data = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R/Size 3>>\n%%EOF"
    )
    with pytest.raises(NoPages):
        open_document("pdf", data, 1)


def changed_catalog(keys: dict[str, str], *attached: str) -> bytes:
    """Return a PDF of one page whose catalog says something more."""
    with pymupdf.open(stream=pdf(text), filetype="pdf") as document:
        for name in attached:
            document.embfile_add(name, pdf(text))
        for key, value in keys.items():
            document.xref_set_key(document.pdf_catalog(), key, value)
        data: bytes = document.tobytes()
    return data


@pytest.mark.parametrize(
    ("keys", "attached"),
    [
        ({"AcroForm": "<</Fields[]/XFA[(template)()]>>"}, ()),
        ({"AcroForm": "<</XFA[(template)()]>>"}, ()),
        ({"AcroForm": "<</Fields[9 0 R]/XFA[(template)()]>>", "NeedsRendering": "true"}, ()),
        ({"Collection": "<</View/T>>"}, ("bill.pdf",)),
        ({"Collection": "<</Type/Collection>>"}, ("bill.pdf", "letter.pdf")),
    ],
    ids=["form", "form without fields", "form to be rendered", "portfolio", "portfolio of two"],
)
def test_documents_inside(keys: dict[str, str], attached: tuple[str, ...]) -> None:
    """A portfolio, or a form that is made when it is opened, is refused with what to do."""
    with pytest.raises(DocumentsInside):
        open_document("pdf", changed_catalog(keys, *attached), 1)


@pytest.mark.parametrize(
    ("keys", "attached"),
    [
        ({}, ("bill.xml",)),
        ({"Collection": "<</View/H>>"}, ("bill.xml",)),
        ({"Collection": "<</Type/Collection>>"}, ()),
        ({"AcroForm": "<</Fields[]>>"}, ()),
        ({"AcroForm": "<</Fields[9 0 R]/XFA[(template)()]>>"}, ()),
    ],
    ids=["attachment", "hidden collection", "empty collection", "no form", "form with fields"],
)
def test_bill_with_something_inside(keys: dict[str, str], attached: tuple[str, ...]) -> None:
    """A bill that brings a file along, or has form fields on its pages, is read."""
    assert content_of(changed_catalog(keys, *attached)).source == "text"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + random.Random(3).randbytes(5000),
        b"%PDF-1.7\n<html><body>Please sign in</body></html>",
        b"%PDF-1.7\n" + b"\0" * 2000,
    ],
    ids=["header only", "noise", "html", "zeros"],
)
def test_garbage(data: bytes) -> None:
    """What only begins like a PDF is a damaged file."""
    with pytest.raises(BrokenFile):
        open_document("pdf", data, 1)


def test_page_count_that_lies() -> None:
    """A file that promises more pages than it has is damaged: the missing page cannot be read, now or later."""
    with pymupdf.open(stream=pdf(text), filetype="pdf") as document:
        document.xref_set_key(int(document.xref_get_key(document.pdf_catalog(), "Pages")[1].split()[0]), "Count", "9")
        data = document.tobytes()
    opened = open_document("pdf", data, 1)
    assert opened.page_count == 9
    assert opened.page(0).source == "text"
    with pytest.raises(BrokenFile):
        opened.page(5)
    opened.close()


def test_nothing_of_the_file_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """MuPDF's own messages may quote a file, so they are silenced."""
    with pytest.raises(BadFile):
        open_document("pdf", b"%PDF-1.7\n1 0 obj\n<</Secret(customer)>>\nendobj\nxref\nnonsense", 1)
    assert capfd.readouterr() == ("", "")


def test_memory_is_given_back() -> None:
    """MuPDF keeps what it decoded, 11 MB a page here, unless it is told to let go after each."""
    shades = [encoded(Image.new("RGB", (1700, 2200), (shade, 99, 99)), "jpeg") for shade in range(14)]
    document = open_document("pdf", pdf(*(lambda page, data=data: scan(page, data) for data in shades)), 1)
    document.page(0, redraw=True)
    before = rss_mb()
    for index in range(1, 14):
        document.page(index, redraw=True)
    assert rss_mb() - before < 40
    document.close()

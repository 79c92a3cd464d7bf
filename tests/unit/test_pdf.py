"""PDF pages: which of the three ways a page is read, and where its words land on the upright page."""

from __future__ import annotations

import io
import random

import pymupdf
import pytest
from intake.errors import BadFile, BrokenFile, DocumentsInside, EncryptedPdf, NoPages, PictureTooLarge
from intake.log import rss_mb
from intake.pages import open_document
from intake.pages.content import OWN_BYTES_LIMIT, RENDERED_PIXELS, PageContent
from intake.pages.pdf import MAX_DECODED_BYTES, MAX_JPX_PIXELS, MIN_WORDS
from PIL import Image, ImageOps

from tests.support.marks import encoded, found_mark, mark_on_page, marked, picture_of, sent
from tests.support.pdfs import LETTER, SCAN, Draw, both, pdf, scan, text
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


def test_blank_page() -> None:
    """A page with nothing on it is drawn like any other; the OCR will find nothing."""
    assert content_of(pdf(lambda page: None)).source == "render"


def test_stray_letter_is_no_text_layer() -> None:
    """A scan with a single character of text over it is still a scan, and the character is kept."""
    content = content_of(pdf(both(scan, lambda page: page.insert_text((300, 780), "x"))))
    assert (content.source, spelled(content)) == ("picture", "x")


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
    """Return the box around a quad."""
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


def test_letterhead_picture_does_not_spoil_a_text_layer() -> None:
    """A logo leaves a page of text what it is."""
    logo = lambda page: scan(page, rect=pymupdf.Rect(20, 20, 220, 80))  # noqa: E731
    assert content_of(pdf(both(logo, text))).source == "text"


def test_large_picture_beside_text() -> None:
    """A picture beyond a logo's size holds text of its own: it is drawn for the OCR, and the words beside it stay."""
    large = lambda page: scan(page, rect=pymupdf.Rect(100, 400, 400, 792))  # noqa: E731
    content = content_of(pdf(both(text, large)))
    assert (content.source, len(content.words)) == ("render", 40)
    across, down = found_mark(marked(850, 1100))
    assert mark_on_page(content) == pytest.approx(((100 + 300 * across) / 612, (400 + 392 * down) / 792), abs=0.01)


def test_large_picture_on_a_rotated_page() -> None:
    """How much of a page a picture covers does not depend on how the page is turned."""

    def draw(page: pymupdf.Page) -> None:
        text(page)
        scan(page, rect=pymupdf.Rect(0, 300, 612, 792))
        page.set_rotation(90)

    assert content_of(pdf(draw)).source == "render"


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


def test_scan_on_part_of_the_page() -> None:
    """A photo in the middle of a page is drawn with what is around it."""
    data = pdf(lambda page: scan(page, rect=pymupdf.Rect(100, 100, 500, 600)))
    assert content_of(data).source == "render"


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


def test_invisible_text_over_a_scan() -> None:
    """What a scanner's own OCR left invisibly is not trusted: the picture is read again."""
    content = content_of(pdf(both(scan, lambda page: text(page, render_mode=3))))
    assert (content.source, content.words) == ("picture", ())


def test_text_hidden_under_a_scan() -> None:
    """Text that the picture covers cannot be seen and is not read."""
    content = content_of(pdf(both(text, scan)))
    assert (content.source, content.words) == ("picture", ())


def test_text_over_a_scan() -> None:
    """Visible text over a scan is kept, and the picture is read as well."""
    content = content_of(pdf(both(scan, lambda page: text(page, 8))))
    assert (content.source, spelled(content)) == ("picture", "Your account number and the total amount of")


def test_visible_and_hidden_text_with_a_scan() -> None:
    """When some text is over and some under the picture, the layers cannot be told apart, so the page is drawn."""
    assert content_of(pdf(both(text, scan, lambda page: text(page, 8)))).source == "render"


def test_page_of_text_over_a_picture() -> None:
    """A full page of text over a full-page picture gives both, and none of them twice."""
    content = content_of(pdf(both(scan, text)))
    assert content.source == "picture"
    assert len(content.words) == 40


@pytest.mark.parametrize(
    "over",
    [
        lambda page: page.draw_rect(pymupdf.Rect(50, 50, 300, 300), fill=(1, 1, 1)),
        lambda page: page.draw_line((10, 10), (500, 500)),
        lambda page: page.add_freetext_annot(pymupdf.Rect(100, 100, 300, 200), "paid"),
        lambda page: page.add_freetext_annot(pymupdf.Rect(100, 100, 300, 200), "paid", border_width=0),
        lambda page: page.add_highlight_annot(pymupdf.Rect(100, 100, 300, 200)),
    ],
    ids=["box", "line", "note", "plain note", "highlight"],
)
def test_something_drawn_over_a_scan(over: Draw) -> None:
    """What is drawn over a picture is part of what a person sees, so the page is drawn."""
    assert content_of(pdf(both(scan, over))).source == "render"


def form_field(page: pymupdf.Page) -> None:
    """Put a filled form field on the page."""
    widget = pymupdf.Widget()
    widget.field_name, widget.field_type = "amount", pymupdf.PDF_WIDGET_TYPE_TEXT
    widget.field_value, widget.rect = "filled", pymupdf.Rect(100, 100, 300, 130)
    page.add_widget(widget)


def test_form_field_over_a_scan() -> None:
    """What somebody typed into a form over a scan is not lost."""
    content = content_of(pdf(both(scan, form_field)))
    assert content.source == "render" or "filled" in spelled(content)


def test_form_field_on_a_text_page() -> None:
    """What somebody typed into a form is read with the text of the page."""
    content = content_of(pdf(both(text, form_field)))
    assert content.source == "render" or "filled" in spelled(content)


def test_two_pictures() -> None:
    """A page of two pictures, also of the same one twice, is drawn."""
    upper, lower = pymupdf.Rect(0, 0, 612, 396), pymupdf.Rect(0, 396, 612, 792)
    other = encoded(marked(640, 480), "jpeg")
    assert content_of(pdf(lambda page: [scan(page, rect=upper), scan(page, other, rect=lower)])).source == "render"
    assert content_of(pdf(lambda page: [scan(page), scan(page)])).source == "render"


def test_cropped_scan() -> None:
    """What the page's crop box hides of a picture is not read."""

    def draw(page: pymupdf.Page) -> None:
        scan(page)
        page.set_cropbox(pymupdf.Rect(0, 0, 612, 500))

    assert content_of(pdf(draw)).source == "render"


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


def test_scan_by_hand() -> None:
    """The hand-written page that the next tests vary is sent as it came."""
    assert content_of(raw_page(b"q 612 0 0 792 0 0 cm /Scan Do Q")).source == "picture"


def test_clipped_scan() -> None:
    """What a clipping path hides of a picture is not read; one around the whole page hides nothing."""
    assert content_of(raw_page(b"q 0 396 612 396 re W n 612 0 0 792 0 0 cm /Scan Do Q")).source == "render"
    assert content_of(raw_page(b"q 0 0 612 792 re W n 612 0 0 792 0 0 cm /Scan Do Q")).source == "picture"


@pytest.mark.parametrize("matrix", [b"-612 0 0 792 612 0", b"612 0 0 -792 0 792"], ids=["left-right", "top-bottom"])
def test_mirrored_scan(matrix: bytes) -> None:
    """A picture that the page mirrors is drawn, because no OCR reads mirrored text."""
    data = raw_page(b"q " + matrix + b" cm /Scan Do Q")
    content = content_of(data)
    assert content.source == "render"
    assert mark_on_page(content) == pytest.approx(found_mark(shown(data)), abs=0.01)


def test_picture_outside_the_page() -> None:
    """A picture that nobody can see is no reason to fail."""
    data = raw_page(b"q 612 0 0 792 2000 0 cm /Scan Do Q")
    assert content_of(data).source == "render"


@pytest.mark.parametrize(
    "matrix", [b"0 0 0 0 0 0", b"612 0 0 0 0 0", b"1e30 0 0 1e30 0 0"], ids=["point", "line", "huge"]
)
def test_degenerate_picture(matrix: bytes) -> None:
    """A picture without any extent, or without end, is no reason to fail."""
    assert content_of(raw_page(b"q " + matrix + b" cm /Scan Do Q")).source == "render"


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
def test_pictures_that_are_drawn(data: bytes, options: dict[str, bytes]) -> None:
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
    assert f"{megapixels + 1} megapixels; this kind can have at most {megapixels}." in caught.value.message


def test_jpeg_that_hides_its_size() -> None:
    """What counts is the JPEG's own header: the PDF may say that it is small."""
    huge = lying_jpeg(20_000, 2_000, progressive=True)
    with pytest.raises(PictureTooLarge, match="40 megapixels; this kind can have at most 24"):
        content_of(with_size(100, 100, huge))
    with pytest.raises(PictureTooLarge, match="400 megapixels; this kind can have at most 200"):
        content_of(with_size(100, 100, lying_jpeg(20_000, 20_000)))


# --- files ------------------------------------------------------------------------------------------------------------------


def test_pages_of_all_kinds_in_one_file() -> None:
    """Each page goes its own way, in any order."""
    document = open_document("pdf", pdf(text, scan, both(text, scan), lambda page: None), 1)
    assert document.page_count == 4
    sources = [document.page(index).source for index in (3, 0, 1, 2, 1)]
    document.close()
    assert sources == ["render", "text", "picture", "picture", "picture"]


def test_password() -> None:
    """A PDF that cannot be opened without a password is refused by its position."""
    data = pdf(text, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner")
    with pytest.raises(EncryptedPdf) as caught:
        open_document("pdf", data, 3)
    assert caught.value.message.startswith("File 3 is a PDF that asks for a password.")


@pytest.mark.parametrize(
    "method", [pymupdf.PDF_ENCRYPT_AES_256, pymupdf.PDF_ENCRYPT_AES_128, pymupdf.PDF_ENCRYPT_RC4_128], ids=str
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


def test_truncated() -> None:
    """Half a PDF is repaired as far as MuPDF can, or refused."""
    data = pdf(text, scan)
    for part in range(1, 10):
        try:
            document = open_document("pdf", data[: len(data) * part // 10], 1)
        except BadFile:
            continue
        assert document.page_count >= 1
        document.close()


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


def test_damaged_bytes() -> None:
    """Whatever was damaged, pages are read or refused; no other exception leaves."""
    rng = random.Random(11)
    small = encoded(marked(85, 110), "jpeg")
    whole = pdf(text, lambda page: scan(page, small), both(lambda page: scan(page, small), form_field), deflate=False)
    for _ in range(120):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 12)):
            damaged[rng.randrange(9, len(damaged))] = rng.choice(b"0123456789/<>[] \n\xff\0Rq")
        try:
            document = open_document("pdf", bytes(damaged), 1)
        except BadFile:
            continue
        for index in range(min(document.page_count, 5)):
            try:
                document.page(index)
            except BadFile:
                continue
        document.close()


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


def test_picture_of_a_page_is_a_jpeg() -> None:
    """What is drawn is sent as JPEG."""
    assert Image.open(io.BytesIO(picture_of(content_of(pdf(text), redraw=True)))).format == "JPEG"

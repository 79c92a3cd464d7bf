"""A page's words against its ink: what is painted without words goes to the OCR, and words without ink do not count."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pymupdf
import pytest
from intake.pages import glyphs, open_document
from intake.pages.content import PageContent
from intake.pages.overlaps import box_of
from PIL import Image, ImageDraw, ImageFont

from tests.specimens.catalogue import VARIANTS, make

VALUE = "2806-4173-955"
SIZE = 11.0
AT = pymupdf.Point(330, 300)
"""Where the value's base line begins."""
PLACE = pymupdf.Rect(AT.x, AT.y - 8, AT.x + 72, AT.y)
LABELS = "Your account number and the amount of this bill are printed below with the date of the reading"
Put = Callable[[pymupdf.Page], object]


def around(margin: float, right: float | None = None) -> pymupdf.Rect:
    """Return the value's place with a margin, in points."""
    return pymupdf.Rect(PLACE.x0 - margin, PLACE.y0 - margin, PLACE.x1 + (right or margin), PLACE.y1 + margin)


def bill(*puts: Put, size: tuple[float, float] = (612, 792), rotation: int = 0) -> pymupdf.Document:
    """Return a page with forty words of text and whatever is put on it."""
    document = pymupdf.open()
    page = document.new_page(width=size[0], height=size[1])
    for line in range(3):
        page.insert_text((60, 80 + 14 * line), LABELS, fontsize=9)
    page.insert_text((240, 300), "Account number", fontsize=9)
    for put in puts:
        put(page)
    page.set_rotation(rotation)
    return document


def read(document: pymupdf.Document) -> PageContent:
    """Return what is to be read on the first page."""
    opened = open_document("pdf", document.tobytes(), 1)
    try:
        return opened.page(0)
    finally:
        opened.close()


def spelled(content: PageContent) -> str:
    """Return the words that are believed."""
    return " ".join(word.text for word in content.words)


def is_drawn(content: PageContent, place: pymupdf.Rect = PLACE) -> bool:
    """Tell whether a place, in points of the page as seen, is within a picture that goes to the OCR."""
    width, height = content.width, content.height
    seen = pymupdf.Rect(place.x0 / width, place.y0 / height, place.x1 / width, place.y1 / height)
    placements = [piece.placement for piece in content.pieces]
    return any(pymupdf.Rect(p.e, p.f, p.e + p.a, p.f + p.d).contains(seen) for p in placements)


def plain(text: str = VALUE, at: pymupdf.Point = AT, **options: Any) -> Put:
    """Set a text in one of the standard fonts."""
    return lambda page: page.insert_text(at, text, fontsize=SIZE, **options)


# --- fonts ------------------------------------------------------------------------------------------------------------------


def embedded(
    text: str, says: dict[str, str] | None, typeface: str = "helv", name: str = "F0", at: pymupdf.Point = AT
) -> Put:
    """Set a text in a font that the file brings, with a map that says other characters.

    Args:
        text: What is painted.
        says: The character that each one is given as, itself where it is left out; None for a font without a map.
        typeface: One of MuPDF's own.
        name: Name in the page's resources.
        at: Begin of the base line.
    """

    def put(page: pymupdf.Page) -> None:
        font = pymupdf.Font(typeface)
        xref = page.insert_font(fontname=name, fontbuffer=font.buffer)
        page.insert_text(at, text, fontsize=SIZE, fontname=name)
        document = page.parent
        if says is None:
            document.xref_set_key(xref, "ToUnicode", "null")
            return
        pairs = [(font.has_glyph(ord(character)), says.get(character, character)) for character in sorted(set(text))]
        lines = "\n".join(f"<{glyph:04x}> <{ord(said):04x}>" for glyph, said in pairs)
        stream = int(document.xref_get_key(xref, "ToUnicode")[1].split()[0])
        document.update_stream(
            stream,
            f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def "
            f"1 begincodespacerange <0000> <ffff> endcodespacerange {len(pairs)} beginbfchar\n{lines}\nendbfchar "
            f"endcmap end end".encode(),
        )

    return put


DIGITS = "0123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHIFTED = dict(zip(DIGITS, DIGITS[1:] + DIGITS[:1], strict=True))
REVERSED = dict(zip(DIGITS, DIGITS[::-1], strict=True))


@pytest.mark.parametrize(
    "says",
    [
        SHIFTED,
        REVERSED,
        {"8": "3", "3": "8"},
        {"6": "9", "9": "6"},
        dict.fromkeys(DIGITS, "1"),
        dict.fromkeys(DIGITS, " "),
        dict.fromkeys(DIGITS, "-"),
        dict.fromkeys(DIGITS, "\ufffd"),
        dict(zip(DIGITS, "abcdefghij", strict=True)),
        None,
    ],
    ids=["shifted", "reversed", "two", "turned", "one", "blank", "hyphen", "nothing", "letters", "lost"],
)
@pytest.mark.parametrize("typeface", ["helv", "tiro", "cobo"])
def test_map_that_lies(says: dict[str, str] | None, typeface: str) -> None:
    """Figures whose font gives other characters than it paints are not believed: they are drawn for the OCR."""
    content = read(bill(embedded(VALUE, says, typeface)))
    assert is_drawn(content)
    assert not re.search(r"\d", spelled(content))
    assert spelled(content).count("account") == 3


def test_map_that_gives_two_for_one() -> None:
    """A glyph that is given as several figures is one that nobody sees so."""

    def put(page: pymupdf.Page) -> None:
        embedded(VALUE, {})(page)
        document = page.parent
        (font,) = [entry[0] for entry in page.get_fonts() if entry[4] == "F0"]
        stream = int(document.xref_get_key(font, "ToUnicode")[1].split()[0])
        document.update_stream(stream, document.xref_stream(stream).replace(b"<0036>", b"<00360037>"))

    content = read(bill(put))
    assert is_drawn(content)
    assert not re.search(r"\d", spelled(content))


def test_map_that_lies_of_labels() -> None:
    """A label whose letters are given as others is drawn, and the value beside it is believed."""
    says = dict(zip(LETTERS, LETTERS[7:] + LETTERS[:7], strict=True))
    below = pymupdf.Point(60, 400)
    content = read(bill(plain(), embedded("Service address of the customer", says, at=below)))
    assert is_drawn(content, pymupdf.Rect(below.x, below.y - 7, below.x + 150, below.y))
    assert VALUE in spelled(content)


def test_map_that_is_right() -> None:
    """A font that the file brings, as nearly all bills do, is believed when its map fits its glyphs: no call of the OCR."""
    every = "quick brown fox jumps over the lazy dog 1,234.56-7890 PACK MY BOX WITH FIVE DOZEN LIQUOR JUGS"
    for typeface in ("helv", "hebo", "heit", "tiro", "tibo", "tiit", "cour", "cobo"):
        content = read(bill(embedded(every, {}, typeface, at=pymupdf.Point(20, 400))))
        assert content.pieces == (), typeface
        assert "1,234.56-7890" in spelled(content)


@pytest.mark.parametrize("digit", "03689")
def test_glyph_fills_its_square(digit: str) -> None:
    """A round digit reaches the first and the last row: where it stands in a font's units must not matter to comparing it."""
    row = (1 << glyphs._SIDE) - 1
    for drawn in glyphs._usual()[digit][:2]:
        assert drawn.bits & row, "nothing in the last row"
        assert drawn.bits >> glyphs._SIDE * (glyphs._SIDE - 1), "nothing in the first row"


def test_one_font_of_two() -> None:
    """Of two fonts only the one with a wrong map is not believed."""
    other = pymupdf.Point(60, 500)
    content = read(bill(embedded(VALUE, SHIFTED, name="F0"), embedded("613 kWh", {}, "tiro", "F1", other)))
    assert is_drawn(content)
    assert "613 kWh" in spelled(content)


def test_wrong_map_on_a_later_page() -> None:
    """Characters that appear first on a later page are compared there."""
    document = bill(embedded("1", SHIFTED | {"1": "1"}))
    document.insert_pdf(bill(embedded(VALUE, SHIFTED)))
    opened = open_document("pdf", document.tobytes(), 1)
    contents = [opened.page(0), opened.page(1)]
    opened.close()
    assert contents[0].pieces == ()
    assert is_drawn(contents[1])


def test_glyphs_that_are_drawings() -> None:
    """A Type 3 font's glyphs are drawings: what it says of them is not believed."""

    def put(page: pymupdf.Page) -> None:
        document = page.parent
        procedures = []
        for digit in DIGITS:
            glyph = document.get_new_xref()
            document.update_object(glyph, "<<>>")
            document.update_stream(glyph, f"600 0 0 0 500 700 d1 50 0 400 {300 + 40 * int(digit)} re f".encode())
            procedures.append(f"/d{digit} {glyph} 0 R")
        font = page.insert_font(fontname="cour")
        names = " ".join(f"/d{digit}" for digit in DIGITS)
        document.update_object(
            font,
            f"<</Type/Font/Subtype/Type3/FontBBox[0 0 600 700]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 48/LastChar 57"
            f"/Widths[{'600 ' * 10}]/Encoding<</Type/Encoding/Differences[48 {names}]>>/CharProcs<<{' '.join(procedures)}>>"
            f"/Resources<<>>>>",
        )
        append(page, f"BT /cour {SIZE} Tf {AT.x} {792 - AT.y} Td (28064173955) Tj ET")

    content = read(bill(put))
    assert is_drawn(content)


def append(page: pymupdf.Page, operators: str) -> None:
    """Add operators to a page's content."""
    document = page.parent
    stream = page.get_contents()[-1]
    document.update_stream(stream, document.xref_stream(stream) + b"\nq " + operators.encode() + b" Q")


# --- figures that are not text ------------------------------------------------------------------------------------------------


def curves(page: pymupdf.Page, size: float = SIZE, text: str = VALUE, typeface: str = "helv") -> None:
    """Paint a text as outlines of its characters."""
    with pymupdf.open() as other:
        small = other.new_page(width=8 * size, height=2 * size)
        small.insert_text((0, 1.2 * size), text, fontsize=size, fontname=typeface)
        drawn = pymupdf.open("svg", small.get_svg_image(text_as_path=True).encode())
    with pymupdf.open("pdf", drawn.convert_to_pdf()) as outlines:
        page.show_pdf_page(pymupdf.Rect(AT.x, AT.y - 1.2 * size, AT.x + 8 * size, AT.y + 0.8 * size), outlines)


def strokes(page: pymupdf.Page) -> None:
    """Paint a number with the strokes of a pen."""
    for place in range(8):
        left, top = AT.x + 9 * place, AT.y - 8
        points = [(left, top), (left + 5, top), (left, top + 4), (left + 5, top + 4), (left + 2, top + 8)]
        page.draw_polyline([pymupdf.Point(*point) for point in points], width=0.8)


def lettered(text: str, mode: str = "L") -> bytes:
    picture = Image.new("L", (16 * len(text), 32), 255)
    ImageDraw.Draw(picture).text((1, 1), text, font=ImageFont.load_default(26), fill=0)
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def one_picture(page: pymupdf.Page) -> None:
    """Paint the value as one picture."""
    page.insert_image(PLACE, stream=lettered(VALUE), keep_proportion=False)


def small_pictures(page: pymupdf.Page) -> None:
    """Paint each character as a picture."""
    for place, character in enumerate(VALUE):
        left = AT.x + 5.5 * place
        page.insert_image(
            pymupdf.Rect(left, AT.y - 8, left + 5.5, AT.y), stream=lettered(character), keep_proportion=False
        )


def mask(page: pymupdf.Page) -> None:
    """Paint a value through a picture mask that lies within the page's content."""
    bits = Image.open(io.BytesIO(lettered("2806", "1"))).tobytes()
    append(
        page,
        f"{PLACE.width} 0 0 8 {PLACE.x0} {792 - PLACE.y1} cm BI /W 64 /H 32 /IM true /BPC 1 /F /AHx ID {bits.hex()}> EI",
    )


def gradient_through_text(page: pymupdf.Page) -> None:
    """Paint the value as a clipping path filled with bars."""
    bars = " ".join(f"{AT.x + 3 * bar} {792 - AT.y - 3} 2.9 12 re f" for bar in range(26))
    append(page, f"BT /helv {SIZE} Tf 7 Tr {AT.x} {792 - AT.y} Td ({VALUE}) Tj ET 0.1 g {bars}")


@pytest.mark.parametrize("put", [curves, strokes, one_picture, small_pictures, mask, gradient_through_text])
def test_figures_that_are_not_text(put: Put) -> None:
    """Figures that are painted in any other way go to the OCR, and the words of the page stay."""
    content = read(bill(put))
    assert is_drawn(content)
    assert VALUE not in spelled(content)
    assert spelled(content).count("account") == 3


@pytest.mark.parametrize("size", [18, 24, 36, 48])
@pytest.mark.parametrize("typeface", ["helv", "hebo", "tiro", "cour"])
@pytest.mark.parametrize("text", [VALUE, "$1,284.09", "613"])
def test_large_figures_in_curves(text: str, typeface: str, size: int) -> None:
    """A number in large type that is painted as curves is no logo: it goes to the OCR."""
    assert read(bill(lambda page: curves(page, size, text, typeface))).pieces


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("put", [curves, small_pictures])
def test_figures_that_are_not_text_on_a_turned_page(put: Put, rotation: int) -> None:
    """The part that is drawn is where the viewer shows the figures."""
    document = bill(put, rotation=rotation)
    content = read(document)
    place = PLACE * document[0].rotation_matrix
    assert is_drawn(content, place.normalize())
    assert content.pieces[0].placement != (1, 0, 0, 1, 0, 0)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.42])
def test_picture_in_a_printed_mail(share: float) -> None:
    """A bill that is a picture on a part of a page is read, however much text is beside it."""
    side = (share * 612 * 792) ** 0.5
    place = pymupdf.Rect(60, 310, 60 + side, 310 + side)
    noise = Image.effect_noise((400, 400), 90)
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG")
    content = read(bill(lambda page: page.insert_image(place, stream=buffer.getvalue())))
    assert is_drawn(content, place & pymupdf.Rect(0, 0, 612, 792))
    assert len(content.words) > 40


def test_scan_in_strips() -> None:
    """A picture that comes in strips, none larger than a logo, is read."""

    def put(page: pymupdf.Page) -> None:
        for strip in range(30):
            top = 320 + 14 * strip
            page.insert_image(
                pymupdf.Rect(60, top, 560, top + 14), stream=lettered(f"strip {strip}"), keep_proportion=False
            )

    content = read(bill(put))
    assert is_drawn(content, pymupdf.Rect(62, 322, 558, 738))


# --- words that nobody sees ---------------------------------------------------------------------------------------------------


def same_colour(page: pymupdf.Page) -> None:
    """Set the value in the colour of the box that it is on."""
    page.draw_rect(around(4), fill=(0.2, 0.4, 0.6), color=None)
    plain(color=(0.2, 0.4, 0.6))(page)


def under_rectangle(page: pymupdf.Page) -> None:
    """Cover the value."""
    plain()(page)
    page.draw_rect(around(4), fill=(1, 1, 1), color=None)


def under_text(page: pymupdf.Page) -> None:
    """Cover the value with a rectangle that says something else."""
    under_rectangle(page)
    plain("See other page")(page)


def clipped(page: pymupdf.Page) -> None:
    """Clip the value away."""
    append(page, f"10 10 50 50 re W n BT /helv {SIZE} Tf {AT.x} {792 - AT.y} Td ({VALUE}) Tj ET")


def switched_off(page: pymupdf.Page) -> None:
    """Set the value in a layer that is not shown."""
    plain(oc=page.parent.add_ocg("draft", on=False))(page)


def cropped(page: pymupdf.Page) -> None:
    """Leave the value out of the crop box."""
    plain(at=pymupdf.Point(500, 760))(page)
    page.set_cropbox(pymupdf.Rect(0, 0, 612, 700))


@pytest.mark.parametrize(
    "put",
    [
        plain(color=(1, 1, 1)),
        plain(color=(0.95, 0.95, 0.95)),
        plain(fill_opacity=0, stroke_opacity=0),
        plain(fill_opacity=0.04, stroke_opacity=0.04),
        plain(render_mode=3),
        lambda page: page.insert_text(AT, VALUE, fontsize=0.8),
        plain(at=pymupdf.Point(700, 300)),
        plain(at=pymupdf.Point(300, -20)),
        same_colour,
        under_rectangle,
        under_text,
        clipped,
        switched_off,
        cropped,
    ],
    ids=[
        "white",
        "nearly white",
        "transparent",
        "nearly transparent",
        "invisible",
        "tiny",
        "beside the page",
        "above the page",
        "colour of its box",
        "under a rectangle",
        "under other text",
        "clipped",
        "switched off",
        "cropped",
    ],
)
def test_words_without_ink(put: Put) -> None:
    """Words that nobody sees are not words of the page, and cost no call of the OCR."""
    content = read(bill(put))
    assert VALUE not in spelled(content)
    assert content.pieces == ()
    assert spelled(content).count("account") == 3


def test_word_under_a_picture() -> None:
    """What a picture covers does not count; what it shows is read."""

    def put(page: pymupdf.Page) -> None:
        plain()(page)
        page.insert_image(around(2), stream=lettered("1305-2244-617"), keep_proportion=False)

    content = read(bill(put))
    assert VALUE not in spelled(content)
    assert is_drawn(content)


# --- what is as it seems ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shifts", [(0.3,), (0.2, 0.4), (0.0,)], ids=["twice", "three times", "exactly"])
def test_bold_by_printing_twice(shifts: tuple[float, ...]) -> None:
    """A word that is printed again a hair beside itself is one word."""
    content = read(bill(plain(), *(plain(at=pymupdf.Point(AT.x + shift, AT.y)) for shift in shifts)))
    assert spelled(content).count(VALUE) == 1
    assert content.pieces == ()


def on_dark(page: pymupdf.Page, radius: float | None = None) -> None:
    """Set the value in white on a dark bar."""
    page.draw_rect(around(6), fill=(0, 0, 0.3), color=None, radius=radius)
    plain(color=(1, 1, 1))(page)


def form(page: pymupdf.Page) -> None:
    """Set the value within a form XObject."""
    with pymupdf.open() as other:
        plain()(other.new_page())
        page.show_pdf_page(page.rect, other)


def filled(page: pymupdf.Page) -> None:
    """Put the value into a form field."""
    widget = pymupdf.Widget()
    widget.field_name, widget.field_type = "account", pymupdf.mupdf.PDF_WIDGET_TYPE_TEXT
    widget.field_value, widget.rect = VALUE, around(4, 40)
    page.add_widget(widget)


def decorated(page: pymupdf.Page) -> None:
    """Set the value among what bills are decorated with: a logo, rules, boxes, a sign, a bar code."""
    plain()(page)
    page.insert_image(pymupdf.Rect(40, 20, 160, 60), stream=lettered("logo"), keep_proportion=False)
    page.draw_circle((500, 100), 9, fill=(1, 0.8, 0))
    page.draw_line((40, 350), (570, 350))
    page.draw_rect((40, 360, 570, 420), radius=0.1)
    for bar in range(60):
        page.draw_rect((300 + 3 * bar, 700, 301 + 3 * bar, 712), fill=(0, 0, 0), color=None)


def on_a_shade(page: pymupdf.Page) -> None:
    """Set all words over a picture that is a gradient."""
    shade = Image.linear_gradient("L").point(lambda value: 160 + value // 4)
    buffer = io.BytesIO()
    shade.save(buffer, "PNG")
    page.insert_image(pymupdf.Rect(40, 60, 580, 330), stream=buffer.getvalue(), keep_proportion=False, overlay=False)
    plain()(page)


@pytest.mark.parametrize(
    "put",
    [
        plain(),
        plain(render_mode=1),
        plain(render_mode=2),
        plain(color=(0.4, 0.4, 0.4)),
        on_dark,
        lambda page: on_dark(page, 0.4),
        form,
        filled,
        lambda page: page.add_freetext_annot(around(4, 40), VALUE, fontsize=SIZE),
        decorated,
        on_a_shade,
    ],
    ids=["plain", "outlined", "both", "grey", "bar", "rounded bar", "form", "field", "note", "decorated", "shade"],
)
def test_words_that_cost_no_call(put: Put) -> None:
    """What is painted as it says is believed without the OCR."""
    content = read(bill(put))
    assert VALUE in spelled(content)
    assert content.pieces == ()


def watermark(page: pymupdf.Page) -> None:
    """Paint something over the words that they show through."""
    plain()(page)
    page.draw_rect((60, 60, 560, 700), fill=(0.8, 0.9, 1), color=None, fill_opacity=0.3)


def big_letters(page: pymupdf.Page) -> None:
    """Paint a name in curves as large as those of a logo."""
    plain()(page)
    for letter in range(6):
        page.draw_circle((60 + 26 * letter, 40), 11, fill=(0, 0.3, 0.6))


@pytest.mark.parametrize("put", [watermark, big_letters])
def test_what_is_painted_beside_and_over(put: Put) -> None:
    """A pale mark over the words, or a logo in curves, is no reason for a call of the OCR."""
    content = read(bill(put))
    assert VALUE in spelled(content)
    assert content.pieces == ()


@pytest.mark.parametrize("utility", VARIANTS)
def test_digital_bills_cost_no_call(utility: str) -> None:
    """Bills of all utilities, as their programs make them, are read without the OCR: logos, charts, bar codes and all."""
    for variant in VARIANTS[utility]:
        opened = open_document("pdf", make(7, utility, variant).document, 1)
        assert [page for page in range(opened.page_count) if opened.page(page).pieces] == [], variant
        opened.close()


def test_marked_with_a_highlighter() -> None:
    """What somebody marked is seen through the mark: it is believed, or the OCR sees it."""
    content = read(bill(plain(), lambda page: page.add_highlight_annot(around(2))))
    assert VALUE in spelled(content) or is_drawn(content)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_user_unit(rotation: int) -> None:
    """A page whose unit is not a point has its words where it has its ink (ISO 32000-1, 7.7.3.3)."""
    document = bill(plain(), rotation=rotation)
    before = read(document)
    document.xref_set_key(document[0].xref, "UserUnit", "6")
    after = read(document)
    assert (after.width, after.height) == (6 * before.width, 6 * before.height)
    assert [word.text for word in after.words] == [word.text for word in before.words]
    for one, other in zip(before.words, after.words, strict=True):
        assert box_of(one.quad) == pytest.approx(box_of(other.quad), abs=0.002)

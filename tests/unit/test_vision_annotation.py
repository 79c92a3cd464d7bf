"""The Vision stand-in's pure parts: annotation, layout, spaces, settings, and which pictures are taken."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.cloud import vision_v1
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from infra.local.vision.annotation import Line, Response, Symbol, annotate
from infra.local.vision.control import Control, ControlError, Recordings
from infra.local.vision.layout import Quad, group_lines, page_frame
from infra.local.vision.picture import MAX_PICTURE_BYTES, BadPicture, decode
from infra.local.vision.symbols import Recognition, locate_symbols

BREAKS = vision_v1.TextAnnotation.DetectedBreak.BreakType
PAGE = (1000, 800)


def quad(left: float, top: float, width: float, height: float) -> Quad:
    """Return an upright box."""
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))


def line(text: str, box: Quad, confidence: float = 0.9) -> Line:
    """Make a line whose characters are equally wide, spaces included."""
    share = 1 / len(text)
    symbols = tuple(
        Symbol(c, confidence, i * share, (i + 1) * share, text[i + 1 : i + 2] == " ")
        for i, c in enumerate(text)
        if c != " "
    )
    return Line(box, symbols)


def words(response: Any) -> list[Any]:
    blocks = response.full_text_annotation.pages[0].blocks
    return [word for block in blocks for paragraph in block.paragraphs for word in paragraph.words]


def corners(box: Any) -> list[tuple[int, int]]:
    """Return the vertices of a bounding box."""
    return [(vertex.x, vertex.y) for vertex in box.vertices]


def turned(box: Quad, quarters: int, width: float, height: float) -> Quad:
    """Turn a box clockwise with its page, which is width x height before."""
    for _ in range(quarters):
        a, b, c, d = ((height - y, x) for x, y in box)
        box, width, height = (a, b, c, d), height, width
    return box


def breaks(response: Any) -> list[tuple[str, str]]:
    """Return every word with the break after it, "" for none."""
    found = []
    for word in words(response):
        kind = word.symbols[-1].property.detected_break.type_
        found.append(("".join(s.text for s in word.symbols), BREAKS(kind).name if kind else ""))
    return found


def test_no_lines_give_an_empty_response() -> None:
    """A picture without text has neither full_text_annotation nor text_annotations."""
    assert annotate([], *PAGE) == Response()


def test_words_end_at_spaces_and_around_punctuation() -> None:
    """Punctuation is a word of its own, and only what was followed by white space has a break."""
    response = annotate([line("June 03, 1000-12", quad(0, 0, 160, 10))], *PAGE)
    assert breaks(response) == [
        ("June", "SPACE"),
        ("03", ""),
        (",", "SPACE"),
        ("1000", ""),
        ("-", ""),
        ("12", "LINE_BREAK"),
    ]
    assert response.full_text_annotation.text == "June 03, 1000-12\n"


def test_lines_of_a_paragraph_end_softly_and_its_last_one_hard() -> None:
    """EOL_SURE_SPACE ends a line inside a paragraph, LINE_BREAK the paragraph; both are line feeds."""
    response = annotate([line("one", quad(10, 24, 60, 10)), line("two", quad(10, 10, 60, 10))], *PAGE)
    assert breaks(response) == [("two", "EOL_SURE_SPACE"), ("one", "LINE_BREAK")]
    assert response.full_text_annotation.text == "two\none\n"


def test_a_very_wide_gap_is_a_sure_space() -> None:
    """SURE_SPACE stands for a gap of more than one and a half line heights, SPACE for less."""
    symbols = (Symbol("a", 1, 0, 0.1, True), Symbol("b", 1, 0.24, 0.3, True), Symbol("c", 1, 0.5, 1.0))
    response = annotate([Line(quad(0, 0, 100, 10), symbols)], *PAGE)
    assert [kind for _, kind in breaks(response)] == ["SPACE", "SURE_SPACE", "LINE_BREAK"]


def test_text_annotations_hold_the_whole_text_then_every_word() -> None:
    """The first entity is the text in an upright box, the others are the words in order with their own boxes."""
    response = annotate([line("ab cd", quad(10, 20, 50, 10))], *PAGE)
    whole, *parts = response.text_annotations
    assert whole.description == response.full_text_annotation.text
    assert corners(whole.bounding_poly) == [(10, 20), (60, 20), (60, 30), (10, 30)]
    assert [(part.description, corners(part.bounding_poly)) for part in parts] == [
        ("ab", [(10, 20), (30, 20), (30, 30), (10, 30)]),
        ("cd", [(40, 20), (60, 20), (60, 30), (40, 30)]),
    ]


@pytest.mark.parametrize("quarters", range(4))
def test_the_first_vertex_is_the_top_left_of_the_text_as_read(quarters: int) -> None:
    """At every level the order of the vertices turns with the page."""
    box = quad(100, 50, 200, 20)
    response = annotate([line("turn", turned(box, quarters, *PAGE))], 1000, 1000)
    block = response.full_text_annotation.pages[0].blocks[0]
    expected = [(round(x), round(y)) for x, y in turned(box, quarters, *PAGE)]
    for level in (block, block.paragraphs[0], block.paragraphs[0].words[0]):
        assert corners(level.bounding_box) == expected
    first = turned(quad(100, 50, 50, 20), quarters, *PAGE)
    assert corners(words(response)[0].symbols[0].bounding_box) == [(round(x), round(y)) for x, y in first]


@pytest.mark.parametrize("quarters", range(4))
def test_extraction_order_does_not_depend_on_the_turn(quarters: int) -> None:
    """A page lying on its side or its head reads like the upright one."""
    upright = [
        ("title", quad(100, 40, 300, 40)),
        ("left above", quad(100, 120, 200, 20)),
        ("left below", quad(100, 145, 200, 20)),
        ("right above", quad(600, 120, 200, 20)),
        ("right below", quad(600, 145, 200, 20)),
        ("foot", quad(100, 700, 80, 20)),
    ]
    lines = [line(text, turned(box, quarters, *PAGE)) for text, box in reversed(upright)]
    text = annotate(lines, 1000, 1000).full_text_annotation.text
    assert text == "title\nleft above\nleft below\nright above\nright below\nfoot\n"


def test_blocks_and_paragraphs_follow_the_gaps() -> None:
    """A small gap continues a paragraph, a middling one the block, a large one or another column begins a block."""
    boxes = [
        quad(0, 0, 100, 10),
        quad(0, 13, 100, 10),
        quad(0, 36, 100, 10),
        quad(0, 90, 100, 10),
        quad(300, 13, 90, 10),
        quad(0, 112, 100, 30),
    ]
    assert group_lines(boxes, page_frame(boxes)) == [[[0, 1], [2]], [[4]], [[3]], [[5]]]


def test_a_vertical_serial_is_a_block_of_its_own() -> None:
    """A line across the page's direction joins no paragraph and comes last."""
    serial = turned(quad(0, 0, 40, 10), 1, 40, 500)
    boxes = [serial, quad(450, 0, 300, 10), quad(450, 13, 300, 10)]
    assert group_lines(boxes, page_frame(boxes)) == [[[1, 2]], [[0]]]


def test_a_skewed_page_is_grouped_along_its_own_direction() -> None:
    """Ten degrees of skew neither mix up columns nor change the order."""
    angle = math.radians(10)

    def skewed(box: Quad) -> Quad:
        a, b, c, d = (
            (x * math.cos(angle) - y * math.sin(angle) + 300, x * math.sin(angle) + y * math.cos(angle)) for x, y in box
        )
        return (a, b, c, d)

    boxes = [skewed(quad(x, y, 250, 12)) for x in (0, 500) for y in (0, 15, 30)]
    frame = page_frame(boxes)
    assert frame.angle == pytest.approx(angle)
    assert group_lines(boxes, frame) == [[[0, 1, 2]], [[3, 4, 5]]]


def test_zero_coordinates_are_left_out() -> None:
    """A vertex at the edge carries no x or y field at all; one beyond the picture keeps its number."""
    response = annotate([line("edge", quad(0, 0, 1200, 10)), line("over", quad(-3, 20, 40, 10))], *PAGE)
    vertices = words(response)[0].bounding_box.vertices
    assert [[field.name for field, _ in vertex.ListFields()] for vertex in vertices] == [[], ["x"], ["x", "y"], ["y"]]
    assert corners(words(response)[0].bounding_box) == [(0, 0), (1200, 0), (1200, 10), (0, 10)]
    assert corners(words(response)[1].bounding_box)[0] == (-3, 20)


def test_a_hyphen_at_the_end_of_a_line_is_a_break() -> None:
    """It is no symbol, and the line under it goes on in the same paragraph; the last line keeps its dash."""
    response = annotate([line("pay-", quad(10, 10, 40, 10)), line("ment-", quad(10, 24, 60, 10))], *PAGE)
    assert breaks(response) == [("pay", "HYPHEN"), ("ment", ""), ("-", "LINE_BREAK")]
    assert response.full_text_annotation.text == "pay-\nment-\n"


def test_marks_are_less_sure_than_their_neighbours() -> None:
    """The recogniser is as sure of both; Vision is not."""
    response = annotate([line("04/07", quad(0, 0, 50, 10), 0.9)], *PAGE)
    assert [word.confidence for word in words(response)] == pytest.approx([0.9, 0.711, 0.9])


def test_confidence_is_the_mean_of_what_is_below() -> None:
    """Word, paragraph, block and page each carry a confidence."""
    response = annotate([line("ab", quad(0, 0, 50, 10), 0.5), line("cd", quad(0, 12, 50, 10), 1.0)], *PAGE)
    page = response.full_text_annotation.pages[0]
    assert [word.confidence for word in words(response)] == [0.5, 1.0]
    assert page.blocks[0].paragraphs[0].confidence == page.blocks[0].confidence == page.confidence == 0.75
    assert (page.width, page.height) == PAGE


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text("abc19.,-$ ", min_size=1, max_size=12).filter(lambda text: text.strip()),
            st.integers(0, 900),
            st.integers(0, 700),
            st.integers(5, 300),
            st.integers(4, 40),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_lines_keep_all_their_characters(rows: list[tuple[str, int, int, int, int, int]]) -> None:
    """Whatever the geometry, no symbol is lost or doubled, and the breaks rebuild the text."""
    lines = [line(text, turned(quad(x, y, w, h), turn, *PAGE)) for text, x, y, w, h, turn in rows]
    response = annotate(lines, 1000, 1000)
    space = {"SPACE": " ", "SURE_SPACE": " ", "EOL_SURE_SPACE": "\n", "LINE_BREAK": "\n", "HYPHEN": "-\n", "": ""}
    read = "".join(response.full_text_annotation.text.split())
    assert sorted(read) == sorted(c for text, *_ in rows for c in text if c != " ")
    rebuilt = "".join(text + space[kind] for text, kind in breaks(response))
    assert rebuilt == response.full_text_annotation.text
    assert len(response.text_annotations) == len(words(response)) + 1


def draw_line(text: str, size: int = 30, *, dark: int = 20, light: int = 235) -> tuple[Any, list[float]]:
    """Draw one line of DejaVu Sans; return its pixels and the centres of its characters as fractions."""
    font = ImageFont.load_default(size)
    width = round(font.getlength(text)) + 20
    picture = Image.new("RGB", (width, size + 16), (light,) * 3)
    ImageDraw.Draw(picture).text((10, 4), text, font=font, fill=(dark,) * 3)
    ends = [10 + font.getlength(text[: i + 1]) for i in range(len(text))]
    starts = [10.0, *ends[:-1]]
    centres = [(a + b) / 2 / width for a, b in zip(starts, ends, strict=True)]
    return np.asarray(picture), centres


def located(text: str, pixels: Any, centres: list[float]) -> str:
    """Locate the characters of a line whose spaces the recogniser dropped, and write it with those found."""
    kept = [i for i, character in enumerate(text) if character != " "]
    recognition = Recognition("".join(text[i] for i in kept), 0.9, (0.9,) * len(kept), tuple(centres[i] for i in kept))
    symbols = locate_symbols(recognition, pixels)
    return "".join(symbol.text + " " * symbol.space_after for symbol in symbols)


@pytest.mark.parametrize(
    "text",
    [
        "Service from: 05/01/25 - 05/31/25",
        "PoD ID: N01000011111178",
        "1001-1211-117",
        "111 MAPLE HILL RD HSE, ITHACA NY 14850",
        "Delivery charge 1211 kwh @ 0.11311 136.98",
    ],
)
@pytest.mark.parametrize("ink", [(20, 235), (250, 60)])
def test_spaces_are_found_in_the_pixels(text: str, ink: tuple[int, int]) -> None:
    """Words part where the print parts, dark on light and light on dark, and runs of ones stay together."""
    assert located(text, *draw_line(text, dark=ink[0], light=ink[1])) == text


def test_symbols_lie_on_their_ink() -> None:
    """The box of a character covers the columns of its own ink, not its neighbour's."""
    pixels, centres = draw_line("A M")
    inked = np.flatnonzero((pixels < 128).any(axis=(0, 2)))
    split = int(np.argmax(np.diff(inked)))
    symbols = locate_symbols(Recognition("AM", 0.9, (0.9, 0.9), (centres[0], centres[2])), pixels)
    width = pixels.shape[1]
    edges = [round(edge * width) for symbol in symbols for edge in (symbol.start, symbol.end)]
    expected = [inked[0], inked[split] + 1, inked[split + 1], inked[-1] + 1]
    assert np.abs(np.array(edges) - expected).max() <= 2


def test_a_blank_strip_still_places_its_characters_in_order() -> None:
    """A line without any ink (a hallucination of the recogniser) gets ordered boxes, not an error."""
    recognition = Recognition("ab", 0.6, (0.6, 0.6), (0.2, 0.7))
    symbols = locate_symbols(recognition, np.full((30, 90, 3), 200, dtype=np.uint8))
    assert [s.text for s in symbols] == ["a", "b"]
    assert 0 <= symbols[0].start <= symbols[0].end <= symbols[1].start <= symbols[1].end <= 1


def test_an_answer_of_the_recogniser_is_unpacked() -> None:
    """Columns become fractions of the line, and full-width marks become those that bills print."""
    answer = (
        "\uff11:a",
        0.8,
        [40.0, [["\uff11", ":"], ["a"]], [[3, 9], [29]], ["en&num", "en&num"], [0.7, 0.8, 0.9]],
    )
    recognition = Recognition.from_rapidocr(answer)
    assert recognition == Recognition("1:a", 0.8, (0.7, 0.8, 0.9), (3.5 / 40, 9.5 / 40, 29.5 / 40))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delay": 5}, "Unknown setting 'delay'"),
        ({"delay_ms": -1}, "delay_ms must be a whole number"),
        ({"delay_ms": True}, "delay_ms must be a whole number"),
        ({"mode": "play"}, "mode must be one of ocr, record, replay"),
        ({"mode": "replay"}, "needs a folder of recordings"),
        ({"recordings": 3}, "recordings must be the path"),
        ({"failures": {}}, 'exactly one of "every" and "rate"'),
        ({"failures": {"every": 2, "rate": 0.5}}, 'exactly one of "every" and "rate"'),
        ({"failures": {"every": 0}}, '"every" must be a whole number'),
        ({"failures": {"rate": 1.5}}, '"rate" must be a number from 0 to 1'),
        ({"failures": {"every": 2, "code": "OK"}}, '"code" must be one of'),
        ({"failures": {"often": 2}}, "not one of every, rate"),
        ({"failures": 5}, "failures must be an object"),
    ],
)
def test_settings_that_cannot_be_are_refused_whole(changes: dict[str, Any], message: str) -> None:
    """A wrong setting is named with its rule, and nothing of the request is set."""
    control = Control({"delay_ms": 7})
    before = control.as_json()
    with pytest.raises(ControlError, match=message):
        control.update({"delay_ms": 9} | changes)
    assert control.as_json() == before


def test_every_nth_call_fails_from_when_it_is_set() -> None:
    """The count starts anew with the setting, and other settings do not disturb it."""
    control = Control({"failures": {"every": 3, "code": "UNAVAILABLE"}})
    first = [control.due_failure(per_image=False) is not None for _ in range(4)]
    control.update({"delay_ms": 1})
    then = [control.due_failure(per_image=False) is not None for _ in range(2)]
    control.update({"failures": {"every": 2}})
    again = [control.due_failure(per_image=False) is not None for _ in range(2)]
    assert (first, then, again) == ([False, False, True, False], [False, True], [False, True])


def test_random_failures_repeat_with_their_seed() -> None:
    """The same seed fails the same calls, at about the rate asked for; pictures are not touched."""

    def sequence(seed: int) -> list[bool]:
        control = Control({"failures": {"rate": 0.3, "seed": seed}})
        assert control.due_failure(per_image=True) is None
        return [control.due_failure(per_image=False) is not None for _ in range(500)]

    assert sequence(1) == sequence(1) != sequence(2)
    assert 0.2 < sum(sequence(1)) / 500 < 0.4


def test_recordings_come_back_as_they_were(tmp_path: Path) -> None:
    """A stored response is loaded equal, an unknown picture gives None, and no partial file stays."""
    recordings = Recordings(tmp_path / "new")
    response = annotate([line("kept", quad(0, 0, 40, 10))], *PAGE)
    recordings.store("ab12", response)
    assert recordings.load("ab12") == response
    assert recordings.load("cd34") is None
    assert [path.name for path in recordings.folder.iterdir()] == ["ab12.pb"]


def encoded(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any) -> bytes:
    """Encode a red picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO"])
def test_documented_formats_are_decoded(kind: str) -> None:
    """Every documented format that Pillow has gives its pixels, blue first."""
    pixels = decode(encoded(kind, (32, 32)))
    assert pixels.shape == (32, 32, 3)
    assert np.abs(pixels.astype(int) - [30, 30, 200]).max() <= 10


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_pixel_kinds_are_decoded(mode: str) -> None:
    """Grey, bilevel, palette and CMYK pictures become three channels."""
    assert decode(encoded("TIFF", mode=mode)).shape == (20, 40, 3)


def test_sixteen_bit_grey_is_scaled() -> None:
    """A 16-bit picture keeps its shades instead of being clipped to white."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), 32768, dtype=np.uint16)).save(buffer, "PNG")
    assert decode(buffer.getvalue()).max() == 128


def test_transparency_is_white() -> None:
    """Transparent parts are paper, not black ink."""
    buffer = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(buffer, "PNG")
    assert decode(buffer.getvalue()).min() == 255


def test_exif_orientation_is_not_applied() -> None:
    """Only the stored pixels count: a picture marked as turned keeps its stored shape."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded("JPEG", exif=exif)).shape == (20, 40, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"no picture at all",
        b"%PDF-1.7\n",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        encoded("JPEG2000"),
        encoded("PPM"),
        encoded("JPEG", (400, 200))[:300],
        encoded("PNG", (400, 200))[:400],
        encoded("PNG", (7500, 10001), "1"),
    ],
    ids=["text", "pdf", "heic", "jpeg2000", "ppm", "cut jpeg", "cut png", "pixels"],
)
def test_what_the_service_would_not_take_is_refused(content: bytes) -> None:
    """Other formats, broken files and more than 75 million pixels are bad pictures."""
    with pytest.raises(BadPicture):
        decode(content)


def test_the_size_limit_is_exact() -> None:
    """Twenty million bytes are taken, one more is not."""
    picture = encoded("JPEG")
    assert decode(picture.ljust(MAX_PICTURE_BYTES, b"\0")).shape == (20, 40, 3)
    with pytest.raises(BadPicture, match="20,000,001 bytes; the limit is 20,000,000"):
        decode(picture.ljust(MAX_PICTURE_BYTES + 1, b"\0"))

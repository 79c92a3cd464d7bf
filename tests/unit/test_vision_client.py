"""What Vision answers becomes words: each shape of answer that was seen, through the real client and a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.cloud import vision_v1
from intake.cloud.vision import Vision
from intake.model import Quad, Word

BREAKS = vision_v1.TextAnnotation.DetectedBreak.BreakType
WIDTH, HEIGHT = 1000, 500
Corners = list[tuple[int, int]]


class Server:
    """Answers every call with one page of one paragraph, and keeps what it was asked."""

    def __init__(self) -> None:
        self.size = (WIDTH, HEIGHT)
        self.asked: Any = None
        self._answer = vision_v1.BatchAnnotateImagesResponse.pb()()
        self._page = self._answer.responses.add().full_text_annotation.pages.add()
        self._paragraph = self._page.blocks.add().paragraphs.add()

    def add(self, text: str, corners: Corners, sure: float | list[float] = 0.9, end: int = BREAKS.UNKNOWN) -> None:
        """Put a word into the answer, with the break after its last symbol."""
        word = self._paragraph.words.add()
        for x, y in corners:
            word.bounding_box.vertices.add(x=x, y=y)
        certainties = sure if isinstance(sure, list) else [sure] * len(text)
        for sign, confidence in zip(text, certainties, strict=True):
            word.symbols.add(text=sign, confidence=confidence)
        word.confidence = sum(certainties) / len(certainties)
        if end:
            word.symbols[-1].property.detected_break.type_ = int(end)

    def call(self, request: Any, _context: grpc.ServicerContext) -> Any:
        """Serve BatchAnnotateImages."""
        self.asked = request.requests[0]
        self._page.width, self._page.height = self.size
        return self._answer


@pytest.fixture(name="server")
def _server() -> Server:
    return Server()


@pytest.fixture(name="vision")
def _vision(server: Server) -> Iterator[Vision]:
    listening = grpc.server(ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(
        server.call,
        request_deserializer=vision_v1.BatchAnnotateImagesRequest.pb().FromString,
        response_serializer=vision_v1.BatchAnnotateImagesResponse.pb().SerializeToString,
    )
    service = {"BatchAnnotateImages": method}
    listening.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.cloud.vision.v1.ImageAnnotator", service)]
    )
    port = listening.add_insecure_port("127.0.0.1:0")
    listening.start()
    yield Vision(f"127.0.0.1:{port}")
    listening.stop(None)


def box(left: int, top: int, right: int, bottom: int) -> Corners:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def parts(server: Server, *texts: tuple[str, float], top: int = 100, end: int = BREAKS.SPACE) -> None:
    """Add parts of one printed word, each 50 pixels wide."""
    for index, (text, sure) in enumerate(texts):
        last = index == len(texts) - 1
        left = 100 + 50 * index
        server.add(text, box(left, top, left + 50, top + 20), sure, end if last else BREAKS.UNKNOWN)


def texts(words: list[Word]) -> list[str]:
    return [word.text for word in words]


def test_confidences_are_asked_for(server: Server, vision: Vision) -> None:
    """What is reported depends on them, and only one feature gives them unasked."""
    vision.words(b"a picture")
    assert server.asked.image_context.text_detection_params.enable_text_detection_confidence_score


@pytest.mark.parametrize(
    ("printed", "sure"),
    [
        ([("04", 0.97), ("/", 0.4), ("07", 0.95), ("/", 0.09), ("2017", 0.96)], 0.95),
        ([("575", 0.98), ("-", 0.77), ("1628095", 0.91)], 0.91),
        ([("$", 0.5), ("722", 0.93), (".", 0.3), ("52", 0.94)], 0.93),
        ([("N01", 0.9), ("|", 0.35), ("06", 0.95)], 0.35),  # it may be a 1
        ([("04", 0.97), ("/", 0.4), ("01", 0.5)], 0.5),  # so may the slash, and what stands beside it is doubted too
        ([("---", 0.4)], 0.4),
    ],
)
def test_a_doubted_mark_costs_nothing(
    server: Server, vision: Vision, printed: list[tuple[str, float]], sure: float
) -> None:
    """A word is as sure as the least sure part that holds a letter or a digit."""
    parts(server, *printed)
    [word] = vision.words(b"a picture")
    assert word.text == "".join(text for text, _ in printed)
    assert word.confidence == pytest.approx(sure)
    assert word.quad == pytest.approx(
        Quad(0.1, 0.2, 0.1 + 0.05 * len(printed), 0.2, 0.1 + 0.05 * len(printed), 0.24, 0.1, 0.24)
    )


def test_one_doubted_letter_of_many_shows(server: Server, vision: Vision) -> None:
    """Neither hidden in the mean nor taken for the whole; a mark within the word does not count."""
    server.add("N0100001234567/", box(0, 0, 200, 20), [0.99] * 13 + [0.4, 0.05], BREAKS.SPACE)
    [word] = vision.words(b"a picture")
    assert word.confidence == pytest.approx(0.8)


def test_a_word_without_confidences_of_its_symbols_has_its_own(server: Server, vision: Vision) -> None:
    """Some answers tell the confidence of words only."""
    server.add("787", box(0, 0, 30, 20), 0.0, BREAKS.SPACE)
    server._paragraph.words[0].confidence = 0.88
    [word] = vision.words(b"a picture")
    assert word.confidence == pytest.approx(0.88)


@pytest.mark.parametrize(
    "end", [BREAKS.HYPHEN, BREAKS.LINE_BREAK, BREAKS.EOL_SURE_SPACE, BREAKS.SPACE, BREAKS.SURE_SPACE]
)
def test_no_break_glues_two_lines(server: Server, vision: Vision, end: int) -> None:
    """A hyphen at the end of a line is a break without a symbol; the next line is another word."""
    parts(server, ("2", 0.9), ("-", 0.7), ("25", 0.9), end=end)
    parts(server, ("1628095", 0.9), top=140, end=BREAKS.LINE_BREAK)
    assert texts(vision.words(b"a picture")) == ["2-25", "1628095"]


def test_coordinates_are_clipped_to_the_picture(server: Server, vision: Vision) -> None:
    """Recorded answers have negative ones, zeros that are left out, and ones beyond the picture."""
    server.add("edge", box(-12, -3, 1040, 520), end=BREAKS.SPACE)
    [word] = vision.words(b"a picture")
    assert word.quad == Quad(0, 0, 1, 0, 1, 1, 0, 1)


@pytest.mark.parametrize(
    "corners",
    [
        [],
        [(10, 10)],
        [(10, 10), (20, 10), (20, 20)],
        box(-90, 10, -10, 30),
        box(10, 600, 90, 620),
        box(1000, 0, 1010, 9),
    ],
)
def test_a_word_without_a_place_in_the_picture_is_left_out(server: Server, vision: Vision, corners: Corners) -> None:
    """Vertices that are missing, and boxes that lie outside; the other words stay."""
    server.add("lost", corners, end=BREAKS.SPACE)
    server.add("kept", box(0, 0, 50, 20), end=BREAKS.SPACE)
    assert texts(vision.words(b"a picture")) == ["kept"]


def test_a_part_without_a_place_stays_in_its_word(server: Server, vision: Vision) -> None:
    """A number must not lose a group because one box is missing."""
    server.add("1006", box(100, 100, 150, 120))
    server.add("-", [])
    server.add("7399", box(160, 100, 210, 120), end=BREAKS.SPACE)
    [word] = vision.words(b"a picture")
    assert (word.text, word.quad.x0, word.quad.x1) == ("1006-7399", 0.1, 0.21)


def test_the_last_word_of_a_paragraph_needs_no_break(server: Server, vision: Vision) -> None:
    """What has no break after it ends with its paragraph."""
    server.add("end", box(0, 0, 50, 20))
    assert texts(vision.words(b"a picture")) == ["end"]

"""The Vision stand-in as a process, spoken to by the official client."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from google.api_core import exceptions
from google.cloud import vision_v1
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport
from intake.cloud.vision import Vision
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz import fuzz

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60
LINES = [
    "Account Number: 1001-2345-678",
    "Statement Date: June 03, 2025",
    "PAID BY CHECK 3021, THANK YOU",
    "PoD ID: N01000012345678",
    "Delivery charge 612 kwh @ 0.04311 26.38",
]


@dataclass
class StandIn:
    """A running stand-in and ways to reach it."""

    process: subprocess.Popen[str]
    client: vision_v1.ImageAnnotatorClient
    control_url: str
    endpoint: str

    def control(self, **changes: Any) -> requests.Response:
        """Change settings."""
        return requests.put(f"{self.control_url}/control", json=changes, timeout=10)

    def stats(self) -> dict[str, int]:
        """Return the counters."""
        counted: dict[str, int] = requests.get(f"{self.control_url}/stats", timeout=10).json()
        return counted

    def read(self, content: bytes) -> vision_v1.AnnotateImageResponse:
        """Read one picture as the functions will, without the client's own retries."""
        # The client adds this method at run time, out of sight of the type checker.
        answer: vision_v1.AnnotateImageResponse = self.client.document_text_detection(
            image=vision_v1.Image(content=content), retry=None, timeout=DEADLINE_S
        )
        return answer

    def batch(self, requests_: list[vision_v1.AnnotateImageRequest]) -> list[vision_v1.AnnotateImageResponse]:
        """Send several requests in one call."""
        answer = self.client.batch_annotate_images(requests=requests_, retry=None, timeout=DEADLINE_S)
        return list(answer.responses)


def free_port() -> int:
    """Return a port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(*args: str) -> Iterator[StandIn]:
    """Start a stand-in, wait for its ready line, and end it."""
    control_port = free_port()
    command = [sys.executable, "-m", "infra.local.vision", "--port", "0", "--control-port", str(control_port)]
    process = subprocess.Popen([*command, *args], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline().strip()
        assert ready.startswith("vision: listening on 127.0.0.1:"), ready
        endpoint = ready.rpartition(" ")[2]
        channel = grpc.insecure_channel(endpoint)
        client = vision_v1.ImageAnnotatorClient(transport=ImageAnnotatorGrpcTransport(channel=channel))
        yield StandIn(process, client, f"http://127.0.0.1:{control_port}", endpoint)
        channel.close()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def shared() -> Iterator[StandIn]:
    """One stand-in for the tests that leave it as it was."""
    with running() as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(shared: StandIn) -> Iterator[StandIn]:
    """The shared stand-in, set back to plain OCR after the test."""
    yield shared
    answer = shared.control(delay_ms=0, failures=None, mode="ocr", recordings=None)
    assert answer.status_code == 200, answer.text


def jpeg(picture: Image.Image) -> bytes:
    """Encode a picture as a phone would."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def digit_height(print_size: int) -> int:
    """Return how high a digit is drawn, in pixels."""
    box = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), "0", font=ImageFont.load_default(print_size))
    return round(box[3] - box[1])


def drawn(lines: list[str], *, size: tuple[int, int] = (900, 420), print_size: int = 26) -> Image.Image:
    """Draw lines on grey paper, each begun a little further in than the one above."""
    page = Image.new("RGB", size, (232, 230, 224))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(print_size)
    for i, text in enumerate(lines):
        draw.text((60 + 3 * i, 40 + i * print_size * 5 // 2), text, font=font, fill=(25, 25, 30))
    return page


def request(content: bytes, *kinds: int) -> vision_v1.AnnotateImageRequest:
    """Make one request of a batch."""
    features = [vision_v1.Feature(type_=kind) for kind in kinds]
    return vision_v1.AnnotateImageRequest(image=vision_v1.Image(content=content), features=features)


DOCUMENT = vision_v1.Feature.Type.DOCUMENT_TEXT_DETECTION


@pytest.mark.parametrize(
    ("turn", "direction"),
    [
        (None, (1, 0)),
        (Image.Transpose.ROTATE_270, (0, 1)),
        (Image.Transpose.ROTATE_180, (-1, 0)),
        (Image.Transpose.ROTATE_90, (0, -1)),
    ],
    ids=["upright", "quarter clockwise", "upside down", "quarter counter-clockwise"],
)
def test_a_turned_page_reads_the_same_and_its_vertices_tell_the_turn(
    stand_in: StandIn, turn: Image.Transpose | None, direction: tuple[int, int]
) -> None:
    """All four ways up give the same text in the same order; every word's first edge runs the way of reading."""
    page = drawn(LINES)
    answer = stand_in.read(jpeg(page.transpose(turn) if turn is not None else page))
    assert answer.full_text_annotation.text.splitlines() == LINES
    for word in answer.text_annotations[1:]:
        if len(word.description) > 1:
            first, second = word.bounding_poly.vertices[:2]
            along, across = second.x - first.x, second.y - first.y
            assert along * direction[0] + across * direction[1] > 5 * abs(along * direction[1] + across * direction[0])


ADDRESS = "Service Address: 5455 OLD PLANK TPKE APT 12, ITHACA NY 14850"


def bent(picture: Image.Image, by: float) -> Image.Image:
    """Bend a picture as a curled page does: its middle lies lower than its sides, by so many pixels."""
    pixels = np.asarray(picture)
    height, width = pixels.shape[:2]
    shift = by * (1 - (2 * np.arange(width) / width - 1) ** 2)
    rows = np.clip(np.arange(height)[:, None] - np.round(shift)[None, :].astype(int), 0, height - 1)
    return Image.fromarray(pixels[rows, np.arange(width)[None, :]])


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize(("bow", "lean"), [(0.0, 2.5), (30.0, 0.0), (-30.0, 1.5)], ids=["leaning", "bent", "bent up"])
def test_a_long_line_that_leans_or_bends_is_read(stand_in: StandIn, bow: float, lean: float, turn: int) -> None:
    """Pages curl and lie askew, and most phones send them on their side; a whole line must not be lost for that."""
    picture = bent(drawn(["", ADDRESS, *LINES[:2]], size=(1100, 420)), bow)
    turned = picture.rotate(lean, fillcolor="white").rotate(turn, expand=True)
    words = stand_in.read(jpeg(turned)).full_text_annotation.text.split()
    # The order of words along a bow is not promised, and a slip or two may be.
    assert (
        fuzz.token_sort_ratio(" ".join([*ADDRESS.split(), *LINES[0].split(), *LINES[1].split()]), " ".join(words)) > 92
    )


def test_words_of_a_bent_line_lie_along_the_bow(stand_in: StandIn) -> None:
    """Each has a box of its own, as much lower as the page is bent where it stands."""
    answer = stand_in.read(jpeg(bent(drawn(["", ADDRESS, *LINES], size=(1100, 600)), 40)))
    [page] = answer.full_text_annotation.pages
    words = [w for block in page.blocks for paragraph in block.paragraphs for w in paragraph.words]
    texts = ["".join(symbol.text for symbol in word.symbols) for word in words]
    middles = dict(zip(texts, (sum(v.y for v in word.bounding_box.vertices) / 4 for word in words), strict=True))
    places = dict(zip(texts, (sum(v.x for v in word.bounding_box.vertices) / 4 for word in words), strict=True))
    for word in ("PLANK", "14850"):
        bent_by = [40 * (1 - (2 * places[text] / 1100 - 1) ** 2) for text in (word, "5455")]
        assert middles[word] - middles["5455"] == pytest.approx(bent_by[0] - bent_by[1], abs=4)


def test_words_lie_where_they_were_drawn(stand_in: StandIn) -> None:
    """The boxes of the first and last word of a line agree with the drawing to within a few pixels."""
    answer = stand_in.read(jpeg(drawn(LINES)))
    font = ImageFont.load_default(26)
    boxes = {word.description: word.bounding_poly.vertices for word in answer.text_annotations[1:]}
    for i, text, word in ((0, LINES[0], "Account"), (2, LINES[2], "THANK"), (3, LINES[3], "N01000012345678")):
        left = 60 + 3 * i + font.getlength(text[: text.index(word)])
        right = left + font.getlength(word)
        assert boxes[word][0].x == pytest.approx(left, abs=6)
        assert boxes[word][1].x == pytest.approx(right, abs=6)
        assert boxes[word][0].y - 8 <= 40 + i * 65 + 13 <= boxes[word][3].y + 8


def test_small_print_on_a_phone_photo_is_read(stand_in: StandIn) -> None:
    """Digits 15 pixels high on a picture of 3000 x 4000 are read without an error."""
    size = next(size for size in range(10, 40) if digit_height(size) >= 15)
    annotation = stand_in.read(jpeg(drawn(LINES, size=(3000, 4000), print_size=size))).full_text_annotation
    assert annotation.text.splitlines() == LINES
    assert (annotation.pages[0].width, annotation.pages[0].height) == (3000, 4000)


def test_the_whole_hierarchy_is_filled(stand_in: StandIn) -> None:
    """Every level has a box of four corners and a confidence, and every word its symbols."""
    page = stand_in.read(jpeg(drawn(LINES))).full_text_annotation.pages[0]
    levels = list(page.blocks)
    levels += [paragraph for block in page.blocks for paragraph in block.paragraphs]
    words = [word for block in page.blocks for paragraph in block.paragraphs for word in paragraph.words]
    levels += words + [symbol for word in words for symbol in word.symbols]
    assert page.confidence > 0.5
    assert all(len(level.bounding_box.vertices) == 4 and 0.3 < level.confidence <= 1 for level in levels)
    assert "".join(symbol.text for word in words for symbol in word.symbols) == "".join("".join(LINES).split())


def test_a_picture_without_text_gives_an_empty_answer(stand_in: StandIn) -> None:
    """No text is no error: nothing is set."""
    answer = stand_in.read(jpeg(Image.new("RGB", (640, 480), "white")))
    assert answer == vision_v1.AnnotateImageResponse()


def test_each_picture_of_a_call_has_its_own_answer(stand_in: StandIn) -> None:
    """Bad, empty and unsupported requests get their error in place; the others of the call are answered."""
    good = jpeg(drawn(LINES[:1], size=(640, 120)))
    answers = stand_in.batch(
        [
            request(good, DOCUMENT),
            request(b"\x00\x00\x00\x18ftypheic", DOCUMENT),
            request(b"", DOCUMENT),
            request(good),
            request(good, vision_v1.Feature.Type.LABEL_DETECTION),
            vision_v1.AnnotateImageRequest(
                image=vision_v1.Image(source=vision_v1.ImageSource(image_uri="gs://greenwatt-local-bills/a")),
                features=[vision_v1.Feature(type_=DOCUMENT)],
            ),
            request(good, DOCUMENT),
        ]
    )
    assert [answer.error.code for answer in answers] == [0, 3, 3, 3, 12, 12, 0]
    assert answers[1].error.message == "Bad image data."
    assert answers[2].error.message == answers[3].error.message == "Request must specify image and features."
    assert answers[0].full_text_annotation.text == answers[6].full_text_annotation.text == LINES[0] + "\n"


def test_sixteen_pictures_are_one_call_and_seventeen_none(stand_in: StandIn) -> None:
    """The documented number is taken; one more fails the whole call."""
    blank = jpeg(Image.new("L", (64, 64), 255))
    assert len(stand_in.batch([request(blank, DOCUMENT)] * 16)) == 16
    with pytest.raises(exceptions.InvalidArgument, match="Too many images per request"):
        stand_in.batch([request(blank, DOCUMENT)] * 17)


def test_twenty_megabytes_pass_and_one_byte_more_does_not(stand_in: StandIn) -> None:
    """The largest picture fits through the channel; the limit is the picture's, not gRPC's."""
    picture = jpeg(drawn(LINES[:1], size=(640, 120)))
    assert not stand_in.read(picture.ljust(20_000_000, b"\0")).error.message
    assert stand_in.read(picture.ljust(20_000_001, b"\0")).error.message == "Bad image data."


def test_the_same_picture_is_read_once(stand_in: StandIn) -> None:
    """Many calls at once with one picture cost one OCR run, and all get the same answer."""
    picture = jpeg(drawn(["Read me once 4711"], size=(640, 120)))
    before = stand_in.stats()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(stand_in.read, [picture] * 12))
    after = stand_in.stats()
    assert all(answer.full_text_annotation.text == "Read me once 4711\n" for answer in answers)
    assert after["ocr_runs"] - before["ocr_runs"] == 1
    assert after["calls"] - before["calls"] == after["pictures"] - before["pictures"] == 12
    assert after["in_flight"] == 0


def test_waiting_calls_do_not_hold_up_one_another(stand_in: StandIn) -> None:
    """With a delay, forty calls are open at once; each waits its time and not its turn."""
    picture = jpeg(Image.new("L", (64, 64), 255))
    stand_in.read(picture)
    stand_in.control(delay_ms=1000)
    with ThreadPoolExecutor(40) as pool:
        began = time.monotonic()
        list(pool.map(stand_in.read, [picture] * 40))
    assert time.monotonic() - began >= 1.0
    assert stand_in.stats()["max_in_flight"] == 40


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("RESOURCE_EXHAUSTED", exceptions.ResourceExhausted),
        ("UNAVAILABLE", exceptions.ServiceUnavailable),
        ("DEADLINE_EXCEEDED", exceptions.DeadlineExceeded),
        ("INTERNAL", exceptions.InternalServerError),
    ],
)
def test_every_second_call_fails_when_told(stand_in: StandIn, code: str, error: type[Exception]) -> None:
    """A whole call fails with the status that was asked for, and it is counted."""
    picture = jpeg(Image.new("L", (64, 64), 255))
    before = stand_in.stats()["failures_injected"]
    stand_in.control(failures={"every": 2, "code": code})
    for _ in range(2):
        stand_in.read(picture)
        with pytest.raises(error):
            stand_in.read(picture)
    assert stand_in.stats()["failures_injected"] - before == 2


def test_single_pictures_fail_when_told(stand_in: StandIn) -> None:
    """A failure per image leaves the other pictures of the call answered."""
    stand_in.control(failures={"every": 2, "code": "UNAVAILABLE", "per_image": True})
    blank = jpeg(Image.new("L", (64, 64), 255))
    assert [a.error.code for a in stand_in.batch([request(blank, DOCUMENT)] * 4)] == [0, 14, 0, 14]


def test_settings_are_shown_changed_and_refused(stand_in: StandIn) -> None:
    """GET shows what PUT set; a wrong setting and a broken body are answered 400 and change nothing."""
    url = f"{stand_in.control_url}/control"
    assert stand_in.control(delay_ms=3).json()["delay_ms"] == 3
    refused = stand_in.control(delay_ms=4, mode="replay")
    assert (refused.status_code, "needs a folder" in refused.json()["error"]) == (400, True)
    assert requests.put(url, data="{", timeout=10).status_code == 400
    assert requests.put(url, json=[1], timeout=10).status_code == 400
    assert requests.get(url, timeout=10).json() == {
        "delay_ms": 3,
        "failures": None,
        "mode": "ocr",
        "recordings": None,
    }


def test_recordings_replace_the_ocr(stand_in: StandIn, tmp_path: Path) -> None:
    """What was recorded is replayed without OCR; what was not is NOT_FOUND; a bad picture needs no recording."""
    picture, other = (jpeg(drawn([text], size=(640, 120))) for text in ("Recorded 815", "Never recorded"))
    stand_in.control(mode="record", recordings=str(tmp_path))
    recorded = stand_in.read(picture)
    assert [path.stem for path in tmp_path.iterdir()] == [hashlib.sha256(picture).hexdigest()]
    stand_in.control(mode="replay")
    runs = stand_in.stats()["ocr_runs"]
    assert stand_in.read(picture) == recorded
    assert recorded.full_text_annotation.text == "Recorded 815\n"
    with pytest.raises(exceptions.NotFound, match="No recording of the picture"):
        stand_in.read(other)
    assert stand_in.read(b"not a picture").error.message == "Bad image data."
    assert stand_in.stats()["ocr_runs"] == runs


def test_a_replay_answers_what_the_recording_says(tmp_path: Path) -> None:
    """--recordings with --mode replay serves the file as it is, proof that no OCR and no memory is behind it."""
    picture = jpeg(drawn(["Printed"], size=(640, 120)))
    forged = vision_v1.AnnotateImageResponse(full_text_annotation=vision_v1.TextAnnotation(text="Recorded\n"))
    path = tmp_path / f"{hashlib.sha256(picture).hexdigest()}.pb"
    path.write_bytes(vision_v1.AnnotateImageResponse.serialize(forged))
    with running("--recordings", str(tmp_path), "--mode", "replay") as replaying:
        assert replaying.read(picture).full_text_annotation.text == "Recorded\n"
        assert replaying.stats()["ocr_runs"] == 0


def test_one_doubted_letter_makes_a_word_doubtful(tmp_path: Path) -> None:
    """What the functions take for a word's confidence: a slip must not hide among its other letters; marks do not count."""
    picture = jpeg(drawn(["Printed"], size=(640, 120)))
    sure = [(sign, 0.99) for sign in "TANNERSBROOKLN"]
    slipped = [(sign, 0.49 if place == 8 else 0.99) for place, sign in enumerate("TANNERSBBOOKLN")]
    spoken = [sure, slipped, [("S", 0.98), ("T", 0.98), (",", 0.1)], [(",", 0.1)], [("N", 0.0), ("Y", 0.0)]]
    box = vision_v1.BoundingPoly(vertices=[vision_v1.Vertex(x=x, y=y) for x, y in ((1, 1), (9, 1), (9, 9), (1, 9))])
    ended = vision_v1.TextAnnotation.TextProperty(detected_break={"type_": "SPACE"})
    words = [
        vision_v1.Word(
            bounding_box=box, symbols=[vision_v1.Symbol(text=t, confidence=c) for t, c in signs], confidence=0.8
        )
        for signs in spoken
    ]
    for word in words:
        word.symbols[-1].property = ended
    page = vision_v1.Page(
        width=640, height=120, blocks=[vision_v1.Block(paragraphs=[vision_v1.Paragraph(words=words)])]
    )
    forged = vision_v1.AnnotateImageResponse(full_text_annotation=vision_v1.TextAnnotation(text="x", pages=[page]))
    path = tmp_path / f"{hashlib.sha256(picture).hexdigest()}.pb"
    path.write_bytes(vision_v1.AnnotateImageResponse.serialize(forged))
    with running("--recordings", str(tmp_path), "--mode", "replay") as replaying:
        read = Vision(replaying.endpoint).words(picture)
    assert [word.text for word in read] == ["TANNERSBROOKLN", "TANNERSBBOOKLN", "ST,", ",", "NY"]
    assert [round(word.confidence, 3) for word in read] == [0.99, 0.83, 0.98, 0.8, 0.8]


def test_flags_set_the_first_settings() -> None:
    """Delay and failures can be given on the command line."""
    with running("--delay-ms", "5", "--fail-every", "1", "--fail-code", "UNAVAILABLE") as told:
        with pytest.raises(exceptions.ServiceUnavailable):
            told.read(jpeg(Image.new("L", (64, 64), 255)))
        assert requests.get(f"{told.control_url}/control", timeout=10).json()["delay_ms"] == 5


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_even_while_it_reads(signum: signal.Signals) -> None:
    """It ends with 0 and without waiting for the picture in hand."""
    with running("--ocr-workers", "1") as stand_in, ThreadPoolExecutor(1) as pool:
        call = pool.submit(stand_in.read, jpeg(drawn(LINES * 9, size=(3000, 4000), print_size=30)))
        deadline = time.monotonic() + DEADLINE_S
        while not stand_in.stats()["in_flight"]:
            assert time.monotonic() < deadline
        os.kill(stand_in.process.pid, signum)
        assert stand_in.process.wait(DEADLINE_S) == 0
        with pytest.raises(exceptions.GoogleAPICallError):
            call.result(DEADLINE_S)


@pytest.mark.parametrize("flag", ["--port", "--control-port"])
def test_a_port_in_use_is_named(flag: str) -> None:
    """It says which port cannot be opened and ends with 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        others = [] if flag == "--port" else ["--port", "0"]
        command = [sys.executable, "-m", "infra.local.vision", *others, flag, str(port)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 1
    assert f"vision: Port {port} cannot be opened" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--mode", "replay"], "needs a folder of recordings"),
        (["--fail-rate", "2"], '"rate" must be a number from 0 to 1'),
        (["--ocr-workers", "0"], "--ocr-workers must be at least 1"),
    ],
)
def test_bad_usage_is_explained(args: list[str], message: str) -> None:
    """Settings that cannot be end with 2 and the rule."""
    command = [sys.executable, "-m", "infra.local.vision", "--port", "0", *args]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (ended.returncode, message in ended.stderr) == (2, True), ended.stderr

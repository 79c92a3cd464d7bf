"""The engines whose words are read: the Vision stand-in through the real client, and Tesseract; answers are kept.

An answer is kept under the SHA-256 of the picture in `.local/bench/words`, so only new pictures cost OCR time.
"""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from intake.cloud.vision import Vision
from intake.errors import OcrUnavailable
from intake.model import PageWords, Quad, Word
from intake.pages import open_document
from PIL import Image

from tests.bench.reading.cases import CACHE, Picture

Recogniser = Callable[[bytes], list[Word]]

_TRIES = 10


def words_of(picture: Picture, engine: str, recognise: Recogniser | None) -> PageWords | None:
    """Return the words that an engine finds in a picture, as the `ocr` function would get them.

    Args:
        picture: The photograph.
        engine: Name under which the answer is kept.
        recognise: Reads a picture; None to use kept answers only.

    Returns:
        The words; None if there is no kept answer and `recognise` is None.
    """
    kept = CACHE / "words" / engine / f"{picture.digest}.json"
    if kept.exists():
        return PageWords.from_dict(json.loads(kept.read_text()))
    if recognise is None:
        return None
    document = open_document("jpeg", picture.jpeg, 1)
    content = document.page(0)
    document.close()
    page = content.with_recognised(1, [recognise(piece.picture) for piece in content.pieces])
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(page.to_dict()))
    return page


@contextmanager
def rapidocr() -> Iterator[Recogniser]:
    """Run the Vision stand-in for as long as the context lasts; give the official client's way to it."""
    command = [sys.executable, "-m", "infra.local.vision", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stand_in:
        assert stand_in.stdout is not None
        ready = stand_in.stdout.readline()
        try:
            yield _patiently(Vision(ready.split()[-1]).words)
        finally:
            stand_in.terminate()


def _patiently(recognise: Recogniser) -> Recogniser:
    """Ask again on a busy machine: the stand-in goes on reading and keeps its answer."""

    def words(picture: bytes) -> list[Word]:
        for _ in range(_TRIES - 1):
            try:
                return recognise(picture)
            except OcrUnavailable:
                continue
        return recognise(picture)

    return words


@contextmanager
def tesseract() -> Iterator[Recogniser]:
    """Give a way to Debian's tesseract-ocr, which finds the page's quarter turn by itself (mode 1)."""
    yield _tesseract_words


def _tesseract_words(picture: bytes) -> list[Word]:
    """Read with Tesseract; the picture is turned upright first, because its boxes know no direction."""
    with Image.open(io.BytesIO(picture)) as image:
        grey = image.convert("L")
    turn = _tesseract_turn(grey)
    turned = grey.rotate(-turn, expand=True)  # PIL turns counter-clockwise
    rows = csv.DictReader(
        io.StringIO(_run_tesseract(turned, "--psm", "3", "tsv").decode()), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    words = []
    for row in rows:
        if row["text"] and row["text"].strip():
            left, top = int(row["left"]), int(row["top"])
            corners = _corners(left, top, left + int(row["width"]), top + int(row["height"]), turned.size, turn)
            words.append(Word(row["text"].strip(), Quad(*corners), max(0.0, float(row["conf"]) / 100)))
    return words


def _tesseract_turn(grey: Image.Image) -> int:
    """Return by how many degrees the picture must be turned clockwise; 0 when Tesseract cannot tell."""
    try:
        answer = _run_tesseract(grey, "--psm", "0").decode()
    except subprocess.CalledProcessError:
        return 0  # too few characters
    return next((int(line.split(":")[1]) for line in answer.splitlines() if line.startswith("Rotate:")), 0)


def _run_tesseract(image: Image.Image, *options: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    command = ["tesseract", "-", "-", "--dpi", "300", *options]
    return subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True).stdout


def _corners(x0: int, y0: int, x1: int, y1: int, size: tuple[int, int], turn: int) -> Iterator[float]:
    """Yield a box of the turned picture as fractions of the picture before it was turned, in reading order."""
    width, height = size
    quarter = math.radians(-turn)
    cos, sin = round(math.cos(quarter)), round(math.sin(quarter))
    for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)):
        u, v = x / width - 0.5, y / height - 0.5
        yield cos * u - sin * v + 0.5
        yield sin * u + cos * v + 0.5


ENGINES = {"rapidocr": rapidocr, "tesseract": tesseract}

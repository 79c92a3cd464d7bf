"""The specimen bills: their figures agree, their truth stands on the pages, their photographs show it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from datetime import date, datetime
from functools import cache

import cv2
import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageOps

from tests.specimens.bill import PagePicture, Place, Specimen, Truth
from tests.specimens.camera import Photo, photograph, photograph_specimen
from tests.specimens.catalogue import VARIANTS, make

EVERY = [(utility, variant) for utility, variants in VARIANTS.items() for variant in variants]


@cache
def specimen_of(seed: int, utility: str, variant: str) -> Specimen:
    return make(seed, utility, variant)


def words_of(specimen: Specimen, page: int) -> list[tuple[float, float, float, float, str]]:
    with pymupdf.open(stream=specimen.document) as pdf:
        return [word[:5] for word in pdf[page - 1].get_text("words")]


def printed_date(text: str) -> date:
    for form in ("%m/%d/%y", "%m/%d/%Y", "%b %d, %Y", "%B %d, %Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise AssertionError(f"{text!r} is no date that a bill prints")


def meaning(place: Place, truth: Truth) -> tuple[object, object]:
    """Return what a place says, taken from its text, and what the truth says about the field."""
    text, expected = place.text, getattr(truth, place.field)
    if place.field in ("kwh", "annual_kwh"):
        return sum(int(line.split()[0]) for line in text.split("\n")), expected
    if place.field in ("period_start", "period_end", "statement_date"):
        return printed_date(text), expected
    if place.field == "account_number":
        return text.replace("-", ""), truth.account_digits
    if place.field == "amount_due":
        return re.sub(r"[$, ]", "", text), expected
    if place.field == "meter_numbers":
        return text in expected, True
    return text.replace("\n", ", "), expected


@pytest.mark.parametrize(("utility", "variant"), EVERY)
@pytest.mark.parametrize("seed", [1, 2])
def test_truth_stands_on_the_pages_that_claim_it(utility: str, variant: str, seed: int) -> None:
    """Every place holds its text in the text layer, and the text says what the truth says."""
    specimen = specimen_of(seed, utility, variant)
    with pymupdf.open(stream=specimen.document) as pdf:
        pages = list(pdf)
        texts = [page.get_textpage() for page in pages]
        for place in specimen.places:
            page = pages[place.page - 1]
            x0, y0, x1, y1 = place.box
            box = pymupdf.Rect(x0 * page.rect.width, y0 * page.rect.height, x1 * page.rect.width, y1 * page.rect.height)
            found = page.get_textbox(box, textpage=texts[place.page - 1])
            for line in place.text.split("\n"):
                assert line in found, place
            if not place.field.startswith("other:"):
                said, expected = meaning(place, specimen.truth)
                assert said == expected, place


@pytest.mark.parametrize(("utility", "variant"), EVERY)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_drawn_over_other_text_or_off_the_page(utility: str, variant: str, seed: int) -> None:
    """All words lie on the page, and no two of them overlap."""
    specimen = specimen_of(seed, utility, variant)
    for page in range(1, specimen.page_count + 1):
        with pymupdf.open(stream=specimen.document) as pdf:
            edge = pdf[page - 1].rect
        words = words_of(specimen, page)
        for x0, y0, x1, y1, text in words:
            assert x0 >= 0, text
            assert y0 >= 0, text
            assert x1 <= edge.width, text
            assert y1 <= edge.height, text
        boxes = np.array([word[:4] for word in words])
        across = np.minimum.outer(boxes[:, 2], boxes[:, 2]) - np.maximum.outer(boxes[:, 0], boxes[:, 0])
        down = np.minimum.outer(boxes[:, 3], boxes[:, 3]) - np.maximum.outer(boxes[:, 1], boxes[:, 1])
        low = np.minimum.outer(boxes[:, 3] - boxes[:, 1], boxes[:, 3] - boxes[:, 1])
        clash = np.argwhere(np.triu((across > 0.5) & (down > 0.45 * low), k=1))
        assert [(words[one], words[two]) for one, two in clash] == [], page


FINGERPRINTS = """
import hashlib
from tests.specimens.camera import photograph_specimen
from tests.specimens.catalogue import make
specimen = make(7, "nyseg", "gas_electric")
photo = photograph_specimen(specimen, 3, 7, "photo")
print(hashlib.sha256(specimen.document).hexdigest(), hashlib.sha256(photo.jpeg).hexdigest())
"""


def test_same_seed_gives_the_same_bytes_in_every_process() -> None:
    """PDF and photograph depend on the seed alone, not on the process or its hash seed; another seed differs."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", FINGERPRINTS], env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True,
            text=True, check=True,
        ).stdout
        for salt in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert hashlib.sha256(make(8, "nyseg", "gas_electric").document).hexdigest() not in runs[0]


SHOTS = (
    "photo", "keystone", "folds", "curl", "sideways", "sideways_left", "upside_down", "screenshot", "monitor",
    "phone_screen", "messenger", "two_pages",
)  # fmt: skip


@pytest.fixture(scope="module")
def bill() -> Specimen:
    return make(7, "nyseg", "residential")


def shown(photo: Photo) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(photo.jpeg)))


def likeness(photo: np.ndarray, quad: np.ndarray, page: Image.Image, place: Place) -> float:
    """Correlate what a quadrilateral of the photo shows with what the page has at a place: 1 is the same.

    The value may lie a little off, up to a fifth of its height: bends and rounding are no errors.
    """
    x0, y0, x1, y1 = place.box
    width, height = page.size
    original = page.convert("L").crop((int(x0 * width), int(y0 * height), int(x1 * width), int(y1 * height)))
    size = (original.width // 2, original.height // 2)
    slack = size[1] // 5
    corners = np.array([(0, 0), (size[0], 0), size, (0, size[1])], np.float32) + slack
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    unwarped = cv2.warpPerspective(photo, matrix, (size[0] + 2 * slack, size[1] + 2 * slack))
    one = cv2.GaussianBlur(np.array(original.resize(size)), (0, 0), 1.5).astype(np.float32)
    two = cv2.GaussianBlur(unwarped, (0, 0), 1.5).astype(np.float32)
    return float(cv2.matchTemplate(two, one, cv2.TM_CCOEFF_NORMED).max())


@pytest.mark.parametrize("kind", SHOTS)
def test_visible_quads_hold_the_values(bill: Specimen, kind: str) -> None:
    """What the photo shows inside each quadrilateral is the value as printed; next to it, it is not."""
    photo = photograph_specimen(bill, 3, 5, kind)
    image = shown(photo)
    assert image.size == photo.size
    grey = np.array(image.convert("L"))
    pages = {number: bill.picture(number).image for number in (3, 4)}
    assert {"account_number", "pod_id", "kwh"} <= photo.readable()
    for field, corners in photo.visible.items():
        if corners is None or (kind == "curl" and field == "service_address"):
            continue  # four corners do not describe a long line that is bent
        quad = np.array(corners)
        places = [place for number in (3, 4) for place in bill.places_on(number) if place.field == field]
        best = max(places, key=lambda place: likeness(grey, quad, pages[place.page], place))
        there = likeness(grey, quad, pages[best.page], best)
        beside = likeness(grey, quad + (quad[1] - quad[0]) * 0.25, pages[best.page], best)
        assert there > 0.72, field
        assert there > beside + 0.2, field


@pytest.mark.parametrize(
    ("kind", "stored", "turn"),
    [("sharp", 6, 0), ("sideways", 1, 1), ("sideways_left", 1, 3), ("upside_down", 1, 2), ("upright_no_exif", None, 0)],
)
def test_exif_orientation_is_what_the_photo_claims(bill: Specimen, kind: str, stored: int | None, turn: int) -> None:
    """The file carries the orientation of its kind; stored pixels are a quarter turn off only with orientation 6."""
    photo = photograph_specimen(bill, 3, 5, kind)
    file = Image.open(io.BytesIO(photo.jpeg))
    assert file.getexif().get(0x0112) == stored
    assert (photo.orientation, photo.turn) == (stored or 1, turn)
    assert file.size == (photo.size[::-1] if stored == 6 else photo.size)


@pytest.mark.parametrize(
    ("kind", "lost", "kept"),
    [
        ("crop_account", {"account_number", "customer_name"}, {"service_address"}),
        ("crop_address", {"service_address"}, {"account_number", "pod_id", "kwh"}),
        ("unreadable", {"account_number", "pod_id", "kwh"}, set()),
    ],
)
def test_cropped_and_blurred_values_do_not_count_as_readable(
    bill: Specimen, kind: str, lost: set[str], kept: set[str]
) -> None:
    """A value that the picture's edge cuts, or that is out of focus, is not readable; the others stay so."""
    for seed in (1, 2):
        readable = photograph_specimen(bill, 3, seed, kind).readable()
        assert not lost & readable
        assert kept <= readable


def test_the_label_is_cut_off_but_not_what_it_labels() -> None:
    """`crop_labels` takes National Grid's SERVICE FOR away and leaves the name and address below it."""
    specimen = make(7, "national_grid", "residential")
    label = Place("other:label", 2, "SERVICE FOR", (0.28, 0.0165, 0.34, 0.0225))
    page = specimen.picture(2)
    for seed in (1, 2, 3):
        photo = photograph(PagePicture(page.image, (*page.places, label)), seed, "crop_labels")
        assert photo.visible["other:label"] is None
        assert {"customer_name", "service_address", "account_number", "kwh"} <= photo.readable()


def test_a_second_bill_in_view_adds_no_truth(bill: Specimen) -> None:
    """Values of a sheet that only peeps out do not count, whoever's they are."""
    stranger = make(99, "rge", "residential").picture(1)
    photo = photograph(bill.picture(3), 5, "second_sheet", stranger)
    assert "amount_due" not in photo.visible
    assert "account_number" in photo.readable()

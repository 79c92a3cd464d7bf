"""The specimen bills: their figures agree, their truth stands on the pages, their photographs show it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from random import Random

import cv2
import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageOps

from tests.specimens.avangrid import previous_read_date
from tests.specimens.avangrid_figures import invent_bill as invent_avangrid
from tests.specimens.bill import PagePicture, Place, Specimen, Truth
from tests.specimens.camera import KINDS, Photo, photograph, photograph_specimen
from tests.specimens.catalogue import VARIANTS, make
from tests.specimens.figures import Account, Period, split_by_month, to_cents
from tests.specimens.national_grid import invent_bill as invent_national_grid
from tests.specimens.others import STYLES

EVERY = [(utility, variant) for utility, variants in VARIANTS.items() for variant in variants]
AVANGRID = [(utility, variant) for utility, variant in EVERY if utility in ("nyseg", "rge")]


def digit_groups(groups: tuple[int, ...]) -> str:
    return "-".join(rf"\d{{{count}}}" for count in groups)


ACCOUNT_FORMATS = {
    "nyseg": r"100\d-\d{4}-\d{3}",
    "rge": r"200\d-\d{4}-\d{3}",
    "national_grid": r"\d{5}-\d{5}",
    **{name: "|".join(map(digit_groups, style.accounts)) for name, style in STYLES.items()},
}
POD_FORMATS = {"nyseg": r"N01\d{12}", "rge": r"R01\d{12}"}


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


@pytest.mark.parametrize(("utility", "variant"), EVERY)
def test_numbers_have_the_utilitys_formats(utility: str, variant: str) -> None:
    """Account numbers and PoD IDs have the lengths, groups and prefixes of the utility."""
    for seed in (1, 2):
        truth = specimen_of(seed, utility, variant).truth
        assert re.fullmatch(ACCOUNT_FORMATS[utility], truth.account_number)
        assert truth.account_number.replace("-", "") == truth.account_digits
        if utility in POD_FORMATS and variant != "gas_only":
            assert re.fullmatch(POD_FORMATS[utility], truth.pod_id or "")
        else:
            assert truth.pod_id is None
        if "gas_pod_id" in truth.other:
            assert re.fullmatch(r"[NR]02\d{12}", truth.other["gas_pod_id"])
        assert (truth.kwh is None) == (variant == "gas_only")
        assert re.fullmatch(r"[^,]+, [A-Z ]+ NY \d{5}", truth.service_address)


@pytest.mark.parametrize(("utility", "variant"), EVERY)
def test_day_count_follows_the_utility(utility: str, variant: str) -> None:
    """NYSEG and RG&E count both ends of the period, the others do not; statements follow the reading."""
    truth = specimen_of(1, utility, variant).truth
    plain = (truth.period_end - truth.period_start).days
    assert truth.days == plain + (1 if utility in ("nyseg", "rge") else 0)
    assert truth.statement_date > truth.period_end


@pytest.mark.parametrize(("utility", "variant"), AVANGRID)
def test_avangrid_figures_agree(utility: str, variant: str) -> None:
    """Usage is reading difference times multiplier; lines are quantity times rate; all adds up to the amount due."""
    for seed in range(12):
        bill = invent_avangrid(Random(seed), Account(Random(seed)), utility, variant)
        kwh = 0
        for service in bill.services:
            for row in service.registers:
                usage, unit = row.usage.split()
                if row.previous:
                    assert int(row.current) - int(row.previous) == int(row.difference)
                assert Decimal(row.difference) * row.multiplier == Decimal(usage)
                kwh += int(usage) if unit == "kwh" else 0
            for section in service.sections:
                for charge in section.charges:
                    if charge.quantity:
                        assert charge.amount == to_cents(Decimal(charge.quantity.split()[0]) * Decimal(charge.rate))
        assert kwh == (bill.truth.kwh or 0)
        extra = sum((charge.amount for charge in bill.miscellaneous), Decimal(0))
        assert sum(service.total for service in bill.services) + extra == bill.balance.current
        assert f"{bill.balance.previous - bill.balance.paid + bill.balance.current:.2f}" == bill.truth.amount_due
        assert (bill.period.end - previous_read_date(bill.period)).days == bill.truth.days


def test_the_avangrid_variants_show_what_they_are_named_for() -> None:
    """Time of use has three registers and a multiplier, demand has kW and rkvah rows, ESCO has no supply."""
    bills = {variant: invent_avangrid(Random(1), Account(Random(1)), "nyseg", variant) for variant in VARIANTS["nyseg"]}
    registers = bills["time_of_use"].services[0].registers
    assert [row.meter.split("/")[1] for row in registers] == ["ON", "MID", "OFF"]
    assert registers[0].multiplier > 1
    assert [row.usage.split()[1] for row in bills["demand"].services[0].registers] == ["kwh", "kw", "rkvah"]
    assert bills["demand"].services[0].power_factor
    assert not any("Supply" in section.title for section in bills["esco"].services[0].sections)
    assert bills["lighting"].services[1].registers == ()
    assert [service.icon for service in bills["gas_electric"].services] == ["bulb", "flame"]
    assert [service.icon for service in bills["gas_only"].services] == ["flame"]


@pytest.mark.parametrize("variant", VARIANTS["national_grid"])
def test_national_grid_figures_agree(variant: str) -> None:
    """The history's last row is this bill, the last twelve are the annual use, usage and sums are exact."""
    for seed in range(12):
        bill = invent_national_grid(Random(seed), Account(Random(seed)), variant)
        assert len(bill.history) == 13
        assert bill.history[-1] == (bill.period.end.strftime("%b %y"), bill.truth.kwh)
        assert sum(kwh for _, kwh in bill.history[1:]) == bill.truth.annual_kwh
        for row in (row for service in bill.services for row in service.readings):
            if row.previous:
                assert int(row.current) - int(row.previous) == int(row.difference)
            assert Decimal(row.difference) * row.multiplier == Decimal(row.total.split()[0])
        charges = [*(service.charges for service in bill.services), *bill.supply, bill.other]
        assert sum(section.total for section in charges) == bill.balance.current
        assert f"{bill.balance.due:.2f}" == bill.truth.amount_due


def test_months_split_adds_up() -> None:
    """A quantity split over months keeps its total and names the months it covers."""
    parts = split_by_month(1000, date(2025, 1, 30), date(2025, 3, 2))
    assert [name for name, _ in parts] == ["Jan", "Feb", "Mar"]
    assert sum(part for _, part in parts) == 1000
    assert split_by_month(77, date(2025, 5, 1), date(2025, 5, 31)) == [("May", 77)]


def test_only_the_detail_page_has_pod_and_usage() -> None:
    """NYSEG's page 1 has neither PoD ID nor use, page 3 has both but no amount due."""
    specimen = make(7, "nyseg", "residential")
    assert {"account_number", "account_digits", "amount_due", "service_address"} <= specimen.readable_on(1)
    assert not {"pod_id", "kwh"} & specimen.readable_on(1)
    assert {"pod_id", "kwh", "account_number", "meter_numbers"} <= specimen.readable_on(3)
    assert "amount_due" not in specimen.readable_on(3)


def test_siblings_differ_in_the_last_three_digits() -> None:
    """Two accounts of one customer share name and address, not the number's end, not the figures."""
    one, two = make(7, "nyseg", "residential"), make(7, "nyseg", "residential", sibling=1)
    assert one.truth.account_digits[:-3] == two.truth.account_digits[:-3]
    assert one.truth.account_digits[-3:] != two.truth.account_digits[-3:]
    assert (one.truth.customer_name, one.truth.service_address) == (two.truth.customer_name, two.truth.service_address)
    assert one.truth.pod_id != two.truth.pod_id


def test_statement_date_can_be_given() -> None:
    """A bill issued on a given day says so."""
    truth = make(7, "national_grid", "residential", statement=date(2026, 10, 5)).truth
    assert truth.statement_date == date(2026, 10, 5)
    assert date(2026, 8, 20) < truth.period_start < truth.period_end < date(2026, 10, 5)


def test_selected_pages_and_scans() -> None:
    """`pdf` keeps the text of the chosen pages; `scan_pdf` has as many pages and no text at all."""
    specimen = make(7, "rge", "demand")
    with pymupdf.open(stream=specimen.pdf([3])) as pdf:
        assert pdf.page_count == 1
        assert specimen.truth.pod_id in pdf[0].get_text()
    with pymupdf.open(stream=specimen.scan_pdf([1, 3])) as pdf:
        assert pdf.page_count == 2
        assert [page.get_text() for page in pdf] == ["", ""]
        assert all(page.get_images() for page in pdf)


def test_unknown_names_are_refused() -> None:
    """Unknown variants and kinds are named together with the known ones."""
    with pytest.raises(ValueError, match=r"There is no specimen nyseg yacht\. Known are nyseg: residential"):
        make(1, "nyseg", "yacht")
    page = make(1, "nyseg", "residential").picture(3, 400)
    with pytest.raises(ValueError, match="There is no picture kind polaroid"):
        photograph(page, 1, "polaroid")
    with pytest.raises(ValueError, match="Pass one as `other`"):
        photograph(page, 1, "two_pages")


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


def test_every_kind_gives_sound_recipes() -> None:
    """Recipes are the same for the same seed, and picture sizes fit the grid that warps are computed on."""
    for kind, invent in KINDS.items():
        for seed in range(20):
            recipe = invent(Random(seed))
            assert recipe == invent(Random(seed)), kind
            assert recipe.size[0] % 8 == recipe.size[1] % 8 == 0
            assert recipe.exif in (0, 1, 6)


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


def test_period_counts() -> None:
    """The two ways to count the days of a period differ by one."""
    period = Period(date(2025, 5, 3), date(2025, 6, 2), date(2025, 6, 4), date(2025, 6, 28), date(2025, 7, 2))
    assert (period.plain_days, period.inclusive_days) == (30, 31)

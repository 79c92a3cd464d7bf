"""Numbers printed one sign a box: read where the format says that they are whole, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from intake.extraction import read_bill
from intake.extraction.result import Reading
from intake.model import PageWords

from tests.support.lettering import ACCOUNT, POD, Line, detail_page, page, turned

NATIONAL_GRID: list[Line] = [
    (0.03, 0.04, "nationalgrid"),
    (0.55, 0.023, "BILLING PERIOD"),
    (0.55, 0.035, "Apr 4, 2025 to May 6, 2025"),
    (0.3, 0.1, "DETAIL OF CURRENT CHARGES"),
    (0.3, 0.12, "Electricity Delivery"),
]


def comb(text: str, left: float, y: float, pitch: float) -> list[Line]:
    """Return a number one sign a box; a blank is an empty box."""
    return [(left + pitch * index, y, sign) for index, sign in enumerate(text) if sign != " "]


def grid(*number: Line) -> list[Line]:
    return [*NATIONAL_GRID, (0.55, 0.05, "ACCOUNT NUMBER"), *number]


def account(lines: list[Line], page_of: PageWords | None = None) -> object:
    reading = read_bill([page_of or page(lines)])
    return reading.fields["account_number"].value if "account_number" in reading.fields else None


@pytest.mark.parametrize("pitch", [0.0125, 0.016, 0.02, 0.028])
@pytest.mark.parametrize("text", ["2633290543", "26332-90543", "26332 90543"])
def test_an_account_number_in_a_comb(text: str, pitch: float) -> None:
    """Narrow or wide, with its hyphen, an empty box or nothing between the groups."""
    assert account(grid(*comb(text, 0.55, 0.062, pitch))) == "2633290543"


@pytest.mark.parametrize(
    "text", ["263329054", "26332 0543", "2633 290543", "26332905431", "2 6 3 3 2 9 0 5 4 ", "A633290543", "ABCDEFGHIJ"]
)
def test_a_comb_that_is_not_whole_is_no_number(text: str) -> None:
    """A box that is empty in the wrong place is a digit that was not read."""
    assert account(grid(*comb(text, 0.55, 0.062, 0.016))) is None


def test_a_comb_without_its_label_is_nobodys() -> None:
    """Other forms have boxes too."""
    assert account([*NATIONAL_GRID, *comb("2633290543", 0.1, 0.5, 0.016)]) is None


@pytest.mark.parametrize(
    "words",
    [
        "|2|6|3|3|2|9|0|5|4|3|",
        "2|6|3|3|2|9|0|5|4|3",
        "|2 |6 |3 |3 |2 |9 |0 |5 |4 |3|",
        "[2] [6] [3] [3] [2] [9] [0] [5] [4] [3]",
    ],
)
def test_borders_that_the_ocr_took_for_signs(words: str) -> None:
    """The lines of the boxes are no part of the number."""
    assert account(grid((0.55, 0.062, words))) == "2633290543"


def test_boxes_of_which_the_ocr_joined_some() -> None:
    """Two or three digits may come as one word."""
    pitch = 0.0125
    lines: list[Line] = []
    at = 0
    for part in ("2", "6", "33", "2", "9", "0", "5", "43"):
        lines.append((0.55 + pitch * at, 0.062, part))
        at += len(part)
    assert account(grid(*lines)) == "2633290543"


def nyseg(number: list[Line], pod: list[Line]) -> Reading:
    lines = [line for line in detail_page() if line[2] not in (ACCOUNT, POD)]
    return read_bill([page([*lines, *number, *pod])])


@pytest.mark.parametrize("pitch", [0.013, 0.017])
def test_account_and_pod_id_of_nyseg(pitch: float) -> None:
    """Eleven boxes, and fifteen that begin with a letter."""
    place = {line[2]: line for line in detail_page()}
    found = nyseg(
        comb(ACCOUNT.replace("-", ""), 0.76, place[ACCOUNT][1], pitch), comb(POD, place[POD][0], place[POD][1], pitch)
    ).fields
    assert found["account_number"].value == ACCOUNT.replace("-", "")
    assert found["pod_id"].value == POD


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_comb_on_a_photo(quarters: int) -> None:
    """Askew, turned, and in any order of words."""
    photo = turned(page(grid(*comb("26332-90543", 0.55, 0.062, 0.016))), quarters, 4.0)
    assert account([], replace(photo, words=photo.words[::-1])) == "2633290543"


def test_numbers_beside_one_another_are_no_comb() -> None:
    """The hours of a chart's axis are read as ever: as numbers."""
    axis = comb("0123456789", 0.55, 0.062, 0.016)
    assert account(grid(*axis)) == "0123456789"  # under the account number's label, whole, in boxes: it is one
    months: list[Line] = [(0.1 + 0.05 * month, 0.5, f"{400 + month}") for month in range(12)]
    reading = read_bill([page([*grid(*comb("26332-90543", 0.55, 0.062, 0.016)), *months])])
    assert reading.fields["account_number"].value == "2633290543"

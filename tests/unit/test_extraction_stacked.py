"""Two bills in one picture: the one on top is read, the other is said, and a tie is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from intake.extraction import Reading, attention, read_bill
from intake.model import PageWords, Quad, Word

from tests.bench.reading.degrade import text_pages
from tests.specimens.catalogue import make

WIDTH, HEIGHT = 1.3, 1.7
"""Of the picture, in widths of a sheet."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Lying:
    """How a sheet lies in the picture: its upper left corner, its turn in radians, its width."""

    left: float = 0.15
    top: float = 0.2
    turn: float = 0.0
    scale: float = 1.0

    def place(self, page: PageWords, u: float, v: float) -> Point:
        """Return where a point of the page, in fractions of it, comes to lie."""
        across, down = u * self.scale, v * self.scale * page.height / page.width
        cosine, sine = math.cos(self.turn), math.sin(self.turn)
        return cosine * across - sine * down + self.left, sine * across + cosine * down + self.top


def page_of(seed: int, utility: str = "nyseg") -> PageWords:
    """Return the page with the meter readings of an invented bill."""
    return text_pages(make(seed, utility, "residential"))[2]


def picture(*laid: tuple[PageWords, Lying]) -> PageWords:
    """Return the words of a picture of sheets, each lying over those that come after it."""
    words: list[Word] = []
    outlines: list[Any] = []
    for page, lying in laid:
        for word in page.words:
            corners = [lying.place(page, *corner) for corner in zip(word.quad[::2], word.quad[1::2], strict=True)]
            hidden = any(_within(corner, outline) for corner in corners for outline in outlines)
            fractions = [share for x, y in corners for share in (x / WIDTH, y / HEIGHT)]
            if not hidden and min(fractions) >= 0 and max(fractions) <= 1:
                words.append(Word(word.text, Quad(*fractions), 0.93))
        outlines.append([lying.place(page, *corner) for corner in ((0, 0), (1, 0), (1, 1), (0, 1))])
    return PageWords(1, WIDTH * 1000, HEIGHT * 1000, "picture", words)


def _within(point: Point, outline: list[Point]) -> bool:
    sides = pairwise([*outline, outline[0]])
    return all((x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0) >= 0 for (x0, y0), (x1, y1) in sides)


def codes(reading: Reading) -> list[str]:
    return [found.code for found in attention(reading, {}, date(2025, 1, 1), [])]


@pytest.mark.parametrize(
    "under",
    [
        Lying(0.02, -0.04, 0.02),
        Lying(0.06, -0.06, 0.05),
    ],
    ids=["left and above", "turned"],
)
@pytest.mark.parametrize(("top", "other"), [(104, 504), (120, 533), (142, 560)])
def test_the_sheet_on_top_is_read(under: Lying, top: int, other: int) -> None:
    """Its own account number, PoD ID, use and period are reported, and the sheet below is said."""
    above, below = page_of(top), page_of(other)
    alone = read_bill([picture((above, Lying(turn=-0.02)))])
    reading = read_bill([picture((above, Lying(turn=-0.02)), (below, under))])
    assert reading.diagnostics.second_bill
    assert "second_bill" in codes(reading)
    for name in ("account_number", "pod_id", "kwh", "period_end"):
        assert reading.fields[name].value == alone.fields[name].value


def test_neither_is_on_top() -> None:
    """Of two bills beside one another none is picked: what differs is left out and said."""
    first, second = page_of(104), page_of(504)
    reading = read_bill([picture((first, Lying(0.02, 0.3, 0.02, 0.6)), (second, Lying(0.68, 0.3, -0.02, 0.6)))])
    assert not reading.diagnostics.second_bill
    assert "account_number" not in reading.fields
    assert "account_number" in reading.diagnostics.conflicting


def test_one_bill_with_two_accounts_is_not_parted() -> None:
    """A second account number on the sheet itself is no second sheet: which one counts is not guessed."""
    page = page_of(104)
    account = read_bill([page]).fields["account_number"]
    other = read_bill([page_of(504)]).fields["account_number_printed"].value
    moved = Quad(*(share + (0.02 if index % 2 else 0) for index, share in enumerate(account.quad)))
    words = [*page.words, Word(str(other), moved, 1.0)]
    reading = read_bill([PageWords(1, page.width, page.height, "text", words)])
    assert not reading.diagnostics.second_bill
    assert reading.fields.get("account_number") is None or reading.fields["account_number"].value == account.value

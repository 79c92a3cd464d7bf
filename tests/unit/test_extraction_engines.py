"""What engines do to a page: words cut elsewhere, doubted words, boxes and bleed-through. The values are the same or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from intake.extraction import read_bill
from intake.model import PageWords, Quad, Word

from tests.support.lettering import (
    ACCOUNT,
    ADDRESS,
    DIGITS,
    GRID,
    MONTHS,
    PAGE,
    POD,
    USES,
    Line,
    header,
    history,
    page,
    read,
    replaced,
    service,
    turned,
    values,
    without,
)

KEYS = ("utility", "account_number", "pod_id", "kwh", "period_start", "period_end", "statement_date", "meter_number")


def doubted(lines: list[Line], text: str, confidence: float) -> PageWords:
    """Letter a page on which the OCR doubts a word."""
    whole = page(lines)
    words = [word._replace(confidence=confidence) if text in word.text else word for word in whole.words]
    return replace(whole, words=words)


def test_a_doubted_month_is_confirmed_by_its_neighbours() -> None:
    """The name of a month can only be the one between the others; so can its year, printed with it."""
    reading = read_bill([doubted([*GRID, *history(MONTHS[:13])], "Oct", 0.4)])
    assert reading.fields["annual_kwh"].how == "12 months printed"


@pytest.mark.parametrize(
    ("row", "how"),
    [
        ("Total {:,} kWh", "12 months printed"),
        ("Your use in the last 12 months: {}", "12 months printed"),
        ("Usage {}", None),
        ("Total 1{}", None),
    ],
)
def test_a_doubted_use_is_confirmed_by_the_sum(row: str, how: str | None) -> None:
    """Nothing but the sum of the year tells that one of twelve figures was read correctly."""
    lines: list[Line] = [*GRID, *history(MONTHS[:13]), (0.5, 0.5, row.format(sum(USES[1:])))]
    found = read_bill([doubted(lines, str(USES[-6]), 0.4)]).fields.get("annual_kwh")
    assert (found.how if found else None) == how


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_month_is_not_taken_from_the_gas_table(lost: bool) -> None:
    """The tables stand side by side; where a use was not read, the next number on the line is therms."""
    table = history(MONTHS[:13])
    y = next(y for _, y, text in table if text.startswith("Nov 24"))
    electric = [(x, at, "Nov 24" if lost and at == y else text) for x, at, text in table]
    gas_tables: list[list[Line]] = [[(0.2, 0.19, "Gas Usage"), (0.2, y, "Nov 24 53")], [(0.24, y, "53")]]
    for gas in gas_tables:
        assert ("annual_kwh" in read([*GRID, *electric, *gas]).fields) is not lost


def test_a_hole_in_a_street_of_few_words_makes_it_none() -> None:
    """With two gaps in a line, the wider one must not set its own measure: WILL MERE was WILLOWMERE."""
    y = 0.043
    hole: list[Line] = [(0.28, y, "5050WILL"), (0.28 + 8 * 0.0085 + 0.0235, y, "MERE RD")]
    lines = without(GRID, "12 INVENTED RD")
    for top in (lines, without(lines, "SERVICE FOR")):
        assert "service_address" in read([*top, (0.28, y, "5050WILLOWMERE RD")]).fields
        assert "service_address" not in read([*top, *hole]).fields


def test_the_state_alone_may_be_hard_to_read() -> None:
    """All addresses are in New York: a smudge on NY takes nothing from the rest."""
    found = read_bill([doubted(PAGE, "NY", 0.6)]).fields["service_address"]
    assert (found.value, found.confidence > 0.85) == (ADDRESS, True)


def test_the_printed_days_confirm_dates_that_were_hard_to_read() -> None:
    """A misread digit would give another number of days; without the number, the same dates are not sure enough."""
    hard = doubted([*header(), *service(0.14), (0.88, 0.19, "30 days")], "/", 0.62)
    assert values(read_bill([hard]))["period_end"] == "2025-05-31"
    uncounted = replace(hard, words=[word for word in hard.words if word.text not in ("30", "days")])
    assert "period_end" not in read_bill([uncounted]).fields


def test_bleed_through_in_another_direction_changes_nothing() -> None:
    """What shines through from the back runs the other way and is little."""
    front, back = page(PAGE), turned(page([(0.2, 0.5, "Account Number: 1009-8765-432")]), 2)
    both = replace(front, words=[*front.words, *back.words])
    assert values(read_bill([both])) == values(read_bill([front]))


def marks_apart(original: PageWords) -> PageWords:
    """Make every mark a word of its own, as in Vision's answer before its breaks are read."""
    words = []
    for word in original.words:
        for match in re.finditer(r"[A-Za-z0-9]+|[^A-Za-z0-9]", word.text):
            u, v, q = match.start() / len(word.text), match.end() / len(word.text), word.quad
            left, right = q.x0 + u * (q.x1 - q.x0), q.x0 + v * (q.x1 - q.x0)
            words.append(Word(match[0], Quad(left, q.y0, right, q.y1, right, q.y2, left, q.y3), word.confidence))
    return replace(original, words=words)


def blanks_lost(original: PageWords) -> PageWords:
    """Join the words of a line that one blank parts, as RapidOCR does in small print."""
    words: list[Word] = []
    for word in original.words:
        last = words[-1] if words else None
        if last and last.quad.y0 == word.quad.y0 and 0 <= word.quad.x0 - last.quad.x1 < 0.01:
            a, b = last.quad, word.quad
            quad = Quad(a.x0, a.y0, b.x1, b.y1, b.x2, b.y2, a.x3, a.y3)
            words[-1] = Word(last.text + word.text, quad, min(last.confidence, word.confidence))
        else:
            words.append(word)
    return replace(original, words=words)


@pytest.mark.parametrize("cut", [marks_apart, blanks_lost])
@pytest.mark.parametrize(("quarters", "degrees"), [(0, 0.0), (1, 9.0), (2, -12.0)])
def test_what_an_engine_calls_a_word_does_not_matter(
    cut: Callable[[PageWords], PageWords], quarters: int, degrees: float
) -> None:
    """The key fields are those of the plain page, whatever the turn, and the number keeps its hyphens as printed."""
    plain, found = (values(read_bill([one])) for one in (page(PAGE), turned(cut(page(PAGE)), quarters, degrees)))
    assert {name: found.get(name) for name in KEYS} == {name: plain[name] for name in KEYS}
    assert str(found["service_address"]).replace(" ", "") == ADDRESS.replace(" ", "")
    assert cut is blanks_lost or found["account_number_printed"] == ACCOUNT


def test_a_number_in_two_words_is_no_use() -> None:
    """`1 787 kwh` is not 787 kWh, even where all lines say so."""
    narrow = page(replaced(PAGE, "787 kwh", "1 787 kwh"))
    words = []
    for word in narrow.words:
        shift = 0.006 if word.text == "1" else 0.0
        moved = (value + (0 if index % 2 else shift) for index, value in enumerate(word.quad))
        words.append(word._replace(quad=Quad(*moved)))
    assert values(read_bill([replace(narrow, words=words)])).get("kwh") in (None, 1787)


def comb(text: str, left: float = 0.55, y: float = 0.062, pitch: float = 0.016) -> list[Line]:
    """Return a number printed one sign a box; a blank is an empty box."""
    return [(left + pitch * index, y, sign) for index, sign in enumerate(text) if sign != " "]


BOXED: list[Line] = [
    (0.03, 0.04, "nationalgrid"),
    (0.55, 0.023, "BILLING PERIOD"),
    (0.55, 0.035, "Apr 4, 2025 to May 6, 2025"),
    (0.3, 0.1, "DETAIL OF CURRENT CHARGES"),
    (0.3, 0.12, "Electricity Delivery"),
    (0.55, 0.05, "ACCOUNT NUMBER"),
]
CHART: list[Line] = [(0.1 + 0.05 * month, 0.5, f"{400 + month}") for month in range(12)]
JOINED: list[Line] = [
    (0.55 + 0.0125 * at, 0.062, text)
    for at, text in ((0, "2"), (1, "6"), (2, "33"), (4, "2"), (5, "9"), (6, "0"), (7, "5"), (8, "43"))
]
COMBS: list[tuple[list[Line], str | None]] = [
    *((comb(text, pitch=pitch), "2633290543")
      for text in ("2633290543", "26332-90543", "26332 90543") for pitch in (0.0125, 0.016, 0.02, 0.028)),
    *((comb(text), None)  # a box that is empty in the wrong place is a digit that was not read
      for text in ("263329054", "26332 0543", "2633 290543", "26332905431", "2 6 3 3 2 9 0 5 4 ", "A633290543", "ABCDEFGHIJ")),
    *(([(0.55, 0.062, text)], "2633290543")  # borders that the OCR took for signs
      for text in ("|2|6|3|3|2|9|0|5|4|3|", "2|6|3|3|2|9|0|5|4|3", "|2 |6 |3 |3 |2 |9 |0 |5 |4 |3|",
                   "[2] [6] [3] [3] [2] [9] [0] [5] [4] [3]")),
    (JOINED, "2633290543"),
    ([*comb("26332-90543"), *CHART], "2633290543"),
    (comb("2633290543", 0.1, 0.5), None),  # without its label
]  # fmt: skip


@pytest.mark.parametrize(("lines", "number"), COMBS)
def test_an_account_number_in_boxes(lines: list[Line], number: str | None) -> None:
    """Read where the format says that it is whole, and nowhere else."""
    assert values(read([*BOXED, *lines])).get("account_number") == number


@pytest.mark.parametrize("pitch", [0.013, 0.017])
def test_account_and_pod_id_of_nyseg_in_boxes(pitch: float) -> None:
    """Eleven boxes, and fifteen that begin with a letter."""
    place = {text: (x, y) for x, y, text in PAGE}
    boxes = [*comb(DIGITS, 0.76, place[ACCOUNT][1], pitch), *comb(POD, *place[POD], pitch)]
    found = values(read([*without(PAGE, ACCOUNT, POD), *boxes]))
    assert (found["account_number"], found["pod_id"]) == (DIGITS, POD)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_boxes_on_a_photo(quarters: int) -> None:
    """Askew, turned, and in any order of words."""
    photo = turned(page([*BOXED, *comb("26332-90543")]), quarters, 4.0)
    assert values(read_bill([replace(photo, words=photo.words[::-1])]))["account_number"] == "2633290543"

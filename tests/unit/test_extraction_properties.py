"""Whatever words come, the reader answers, in bounded work, and their order means nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from random import Random
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake.extraction import attention, geometry, read_bill
from intake.model import PageWords, Quad, Word

from tests.support.lettering import ACCOUNT, POD, detail_page, page

TELLING = [
    "NYSEG", "RG&E", "nationalgrid", "Account", "Number:", ACCOUNT, "10012345678", "01234-56789", "PoD", "ID:", POD,
    "N02000012345678", "Service", "from:", "Address:", "FOR", "05/02/25", "-", "05/31/25", "787", "kwh", "kWh",
    "787kwh", "@", "0.06823", "53.70", "Electricity", "Gas", "Outdoor", "Lighting", "Rate", "12001", "May", "25",
    "NY", "14456", "GENEVA", "12", "INVENTED", "RD,", "$1.00", "Amount", "Due:", "Page", "1", "of", "4", "x", "=",
    "30", "days", "Electric", "Usage", "99999999999999999999", "0/0/0",
]  # fmt: skip
NUMBERS = st.floats(-0.5, 1.5) | st.sampled_from([math.nan, math.inf, -math.inf, 1e300, 0.0])
QUADS = st.builds(Quad, *[NUMBERS] * 8)
TEXTS = st.sampled_from(TELLING) | st.text(max_size=12)
WORDS = st.builds(Word, TEXTS, QUADS, st.floats(0, 1) | st.just(math.nan))
SIZES = st.floats(1, 5000) | st.sampled_from([0.0, -1.0, math.nan, math.inf])


def upright(x: float, y: float, width: float, height: float) -> Quad:
    return Quad(x, y, x + width, y, x + width, y + height, x, y + height)


LAID = st.builds(
    Word,
    TEXTS,
    st.builds(upright, st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.3), st.floats(0, 0.05)),
    st.floats(0, 1),
)
PAGES = st.lists(
    st.builds(PageWords, st.integers(1, 20), SIZES, SIZES, st.just("picture"), st.lists(WORDS | LAID, max_size=40)),
    max_size=4,
)


@given(PAGES)
@settings(max_examples=300)
def test_no_words_are_too_broken(pages: list[PageWords]) -> None:
    """Nothing raises, and what is found fits into plain JSON."""
    reading = read_bill(pages)
    document = json.dumps(reading.to_document(), allow_nan=False)
    assert len(document) < 20_000
    attention(reading, {"utility": "NYSEG", "account_name": "X"}, date(2025, 6, 20), [])


@given(st.lists(LAID, max_size=60), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_the_order_of_words_means_nothing(words: list[Word], random: Random) -> None:
    """A shuffled page gives the same document."""
    shuffled = list(words)
    random.shuffle(shuffled)
    one, other = (read_bill([PageWords(1, 1000, 1650, "picture", order)]) for order in (words, shuffled))
    assert one.to_document() == other.to_document()


@given(st.lists(LAID, max_size=60))
@settings(max_examples=100)
def test_rows_are_the_same_however_far_is_looked(words: list[Word]) -> None:
    """How far up and down the next phrase is looked for spares work and decides nothing."""
    pages = PageWords(1, 1000, 1650, "picture", words)
    near = [[phrase.text for phrase in row] for sheet in geometry.planes(pages) for row in sheet.rows]
    with mock.patch.object(geometry, "_row_spread", return_value=geometry._ROW_SPREAD):
        far = [[phrase.text for phrase in row] for sheet in geometry.planes(pages) for row in sheet.rows]
    assert near == far


@given(st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_words_of_a_bill_means_nothing(random: Random) -> None:
    """The same for a page that is full of fields."""
    front = page(detail_page())
    words = list(front.words)
    random.shuffle(words)
    shuffled = PageWords(1, front.width, front.height, front.source, words)
    assert read_bill([shuffled]).to_document() == read_bill([front]).to_document()


def calls_of(action: Callable[[], object]) -> int:
    """Count the calls of Python functions that an action makes."""
    count = 0

    def on_event(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(on_event)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def piled(index: int) -> Quad:
    return upright(0.5, 0.5, 0.05, 0.01 + 1e-6 * (index % 7))


def in_one_line(index: int) -> Quad:
    return upright(index / 3000, 0.5, 0.0004, 0.01)


def strewn(index: int) -> Quad:
    rng = Random(index)
    return upright(rng.random(), rng.random(), 0.04, 0.01)


MOST_CALLS = 4_000_000
"""Python calls for the heaviest 20 pages; a call costs about 0.2 µs to 0.4 µs with what it does."""


@pytest.mark.parametrize("place", [piled, in_one_line, strewn])
def test_twenty_pages_of_the_worst_cost_a_bounded_amount_of_work(place: Callable[[int], Quad]) -> None:
    """Work is counted instead of time: words on a pile, in one line, and strewn about, 2,500 a page."""
    rng = Random(5)
    words = [[Word(rng.choice(TELLING), place(index), 0.9) for index in range(2500)] for _ in range(20)]
    pages = [PageWords(number, 1000, 1650, "picture", page_words) for number, page_words in enumerate(words, start=1)]
    assert calls_of(lambda: read_bill(pages)) < MOST_CALLS


def test_extraction_is_pure() -> None:
    """Reading imports nothing of Google, Flask or gspread."""
    script = (
        "import sys; before = set(sys.modules); import intake.extraction; new = set(sys.modules) - before; "
        "print(sorted({name.split('.')[0] for name in new} & {'google', 'flask', 'gspread', 'grpc', 'requests'}))"
    )
    answer = subprocess.run([sys.executable, "-c", script], cwd="functions", capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"

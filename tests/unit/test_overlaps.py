"""Words that several pictures of a page show."""

from __future__ import annotations

import time

import pytest
from intake.model import Quad, Word
from intake.pages import overlaps
from intake.pages.content import PageContent, Piece, Placement

TALL = (1000, 6000)
UPPER = Placement(1, 0, 0, 0.55, 0, 0)
LOWER = Placement(1, 0, 0, 0.55, 0, 0.45)


def word(text: str, left: float, top: float, right: float, bottom: float, confidence: float = 0.9) -> Word:
    return Word(text, Quad(left, top, right, top, right, bottom, left, bottom), confidence)


def on_piece(placement: Placement, text: str, left: float, top: float, right: float, bottom: float) -> Word:
    """Return a word given in fractions of the page as the OCR finds it in a piece that is not turned."""
    across = [(x - placement.e) / placement.a for x in (left, right)]
    down = [(y - placement.f) / placement.d for y in (top, bottom)]
    return word(text, across[0], down[0], across[1], down[1])


def texts(content: PageContent, *recognised: list[Word]) -> list[str]:
    return [found.text for found in content.with_recognised(1, recognised).words]


def page(*placements: Placement, words: tuple[Word, ...] = (), size: tuple[int, int] = TALL) -> PageContent:
    return PageContent(*size, "render", words, [Piece(b"picture", placement) for placement in placements])


def test_a_word_in_two_pieces_counts_once() -> None:
    """A line in the overlap is read twice and stands on the page once, where it belongs."""
    line = ("341", 0.1, 0.49, 0.2, 0.493)
    (only,) = page(UPPER, LOWER).with_recognised(1, [[on_piece(UPPER, *line)], [on_piece(LOWER, *line)]]).words
    assert only.quad == pytest.approx((*line[1:3], 0.2, 0.49, 0.2, 0.493, 0.1, 0.493))


def test_what_was_cut_gives_way() -> None:
    """Half a line at the edge of one piece reads as something else; the piece that shows it whole is believed."""
    cut, whole = ("I1I", 0.1, 0.547, 0.2, 0.55), ("747", 0.1, 0.547, 0.2, 0.5525)
    assert texts(page(UPPER, LOWER), [on_piece(UPPER, *cut)], [on_piece(LOWER, *whole)]) == ["747"]
    first, whole = ("I1I", 0.1, 0.45, 0.2, 0.4525), ("747", 0.1, 0.4475, 0.2, 0.4525)
    assert texts(page(UPPER, LOWER), [on_piece(UPPER, *whole)], [on_piece(LOWER, *first)]) == ["747"]


def test_what_was_cut_across_gives_way() -> None:
    """The same on a page that is wider than one picture: half a number is not another number."""
    left, right = Placement(0.55, 0, 0, 1, 0, 0), Placement(0.55, 0, 0, 1, 0.45, 0)
    content = page(left, right, size=(6000, 1000))
    cut, whole = ("N01-2345", 0.53, 0.5, 0.55, 0.52), ("N01-23456789", 0.53, 0.5, 0.56, 0.52)
    assert texts(content, [on_piece(left, *cut)], [on_piece(right, *whole)]) == ["N01-23456789"]


@pytest.mark.parametrize(("top", "kept"), [(0.515, ["N01-234"]), (0.48, ["N01-", "234"])], ids=["low", "high"])
def test_parts_and_the_whole_are_one(top: float, kept: list[str]) -> None:
    """Where one piece reads a word in two parts and the other in one, one of the two stays, never both."""
    bottom = top + 0.003
    parts = [on_piece(UPPER, "N01-", 0.1, top, 0.14, bottom), on_piece(UPPER, "234", 0.14, top, 0.2, bottom)]
    assert texts(page(UPPER, LOWER), parts, [on_piece(LOWER, "N01-234", 0.1, top, 0.2, bottom)]) == kept


def test_neighbours_stay() -> None:
    """The same word twice on the page is two words, in the overlap too, and nothing is taken for its neighbour."""
    lines = [("kWh", 0.1, 0.46 + 0.01 * n, 0.2, 0.468 + 0.01 * n) for n in range(8)]
    found = [[on_piece(piece, *line) for line in lines] for piece in (UPPER, LOWER)]
    assert texts(page(UPPER, LOWER), *found) == ["kWh"] * 8


def test_one_piece_keeps_all_it_shows() -> None:
    """What lies twice in one place of one picture is not ours to judge."""
    twice = [word("12", 0.1, 0.1, 0.2, 0.2), word("12", 0.1, 0.1, 0.2, 0.2)]
    assert texts(page(UPPER), twice) == ["12", "12"]


def test_words_of_the_page_come_first() -> None:
    """A word that needs no OCR stands against what a piece shows in its place."""
    content = page(Placement(1, 0, 0, 0.2, 0, 0.1), words=(word("Account", 0.1, 0.15, 0.3, 0.16),))
    found = [
        on_piece(content.pieces[0].placement, "Acc0unt", 0.1, 0.15, 0.3, 0.16),
        on_piece(content.pieces[0].placement, "754", 0.4, 0.15, 0.5, 0.16),
    ]
    assert texts(content, found) == ["Account", "754"]


def test_pieces_that_are_turned() -> None:
    """Places are compared on the page, however the pictures lie on it."""
    turned = Placement(0, 0.55, -1, 0, 1, 0.45)  # a quarter turn, in the lower part
    on_page = ("643", 0.1, 0.5, 0.2, 0.503)
    left, top, right, bottom = on_page[1:]
    u = [(y - turned.f) / turned.b for y in (top, bottom)]
    v = [(x - turned.e) / turned.c for x in (right, left)]
    found = Word("643", Quad(u[0], v[1], u[0], v[0], u[1], v[0], u[1], v[1]), 0.9)
    assert texts(page(UPPER, turned), [on_piece(UPPER, *on_page)], [found]) == ["643"]


@pytest.mark.parametrize("spread", [True, False], ids=["all over the pieces", "larger than the page"])
def test_many_words_take_no_time(spread: bool) -> None:
    """Ten thousand words a piece, of any size, are compared in a moment."""
    small = [word("1", x / 100, y / 100, (x + 0.9) / 100, (y + 0.9) / 100) for x in range(100) for y in range(100)]
    found = small if spread else [word("1", -5, -5, 5, 5)] * 10_000
    started = time.process_time()
    kept = texts(page(UPPER, LOWER), found, found)
    assert time.process_time() - started < 3
    assert len(kept) < 20_000 if spread else len(kept) == 20_000


def test_words_piled_up_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that cover one another by the thousand, with others across them, are compared a hundred times each at most."""
    compared = 0
    same_place = overlaps._same_place

    def counted(one: Quad, other: Quad) -> bool:
        nonlocal compared
        compared += 1
        return same_place(one, other)

    monkeypatch.setattr(overlaps, "_same_place", counted)
    pile = [word("a", 0.1, 0.1, 0.55, 0.21) for _ in range(1000)]
    across = [word("b", 0.1 + n * 4e-4, 0.11, 0.101 + n * 4e-4, 0.6) for n in range(1000)]
    words = overlaps.seen_once(pile, [((0, 0, 1, 1), across)], 612, 792)
    assert len(words) == 2000
    assert compared <= 100 * len(words) + 20_000


def test_a_known_part_of_a_longer_word() -> None:
    """Letters of the text layer before figures that only the OCR sees: the whole word of the OCR is the one that counts."""
    known = (word("N01", 0.1, 0.1, 0.13, 0.11), word("kWh", 0.5, 0.1, 0.54, 0.11))
    seen = [word("N01000032721503", 0.1, 0.1, 0.3, 0.11), word("kWh", 0.501, 0.101, 0.541, 0.11)]
    assert texts(page(Placement(1, 0, 0, 1, 0, 0), words=known), seen) == ["kWh", "N01000032721503"]


def test_known_words_that_the_engine_joins() -> None:
    """Words of the text layer that the OCR takes for one stay as they are."""
    known = (word("Amount", 0.1, 0.1, 0.2, 0.11), word("Due", 0.21, 0.1, 0.26, 0.11))
    joined = [word("AmountDue", 0.1, 0.1, 0.26, 0.11)]
    assert texts(page(Placement(1, 0, 0, 1, 0, 0), words=known), joined) == ["Amount", "Due"]

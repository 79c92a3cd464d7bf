"""Characters are folded once, where words and answers enter."""

from __future__ import annotations

import unicodedata

import pytest
from google.cloud.vision_v1 import types as vision
from hypothesis import given
from hypothesis import strategies as st
from intake.cloud.vision import _words
from intake.folding import fold, folded
from intake.model import Quad, Word

PLACE = Quad(0.1, 0.2, 0.5, 0.2, 0.5, 0.22, 0.1, 0.22)

FOLDED = [
    *(
        (f"1001{dash}2345", "1001-2345")
        for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe58\uff0d\ufe63"
    ),
    *((f"Nov{blank}12", "Nov 12") for blank in "\u00a0\u2002\u2003\u2007\u3000\u2028\u202f\u2009"),
    *(
        (f"N01{mark}0000", "N010000")
        for mark in "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\u2066\u2069\ufeff\ufe0f"
    ),
    ("1\u202f234", "1234"),  # a narrow blank groups the digits of one number
    ("1\u00a0234", "1 234"),
    ("٢٦٣٣٢-٩٠٥٤٣", "26332-90543"),
    ("𝟔𝟒𝟑", "643"),
    ("６４３ｋＷｈ", "643kWh"),
    ("㎾h", "kWh"),
    ("\ufb01ve o\ufb03ces", "five offices"),
    ("45½", "45 1/2"),
    ("45 1\u20442", "45 1/2"),
    ("O\u2019BRIEN", "O'BRIEN"),
    ("conEdison\u2122", "conEdison"),
    ("E\u0301GLISE", "ÉGLISE"),
]
KEPT = ["643¹", "H₂O", "①", "\ue000", "\x07", "\ufffd", "¨", "李", "5º"]


@pytest.mark.parametrize(("text", "plain"), FOLDED)
def test_what_means_the_same_becomes_one(text: str, plain: str) -> None:
    """Dashes, blanks, digits, ligatures and invisible marks are what a keyboard types."""
    assert fold(text) == plain


@pytest.mark.parametrize("text", KEPT)
def test_what_means_something_else_stays(text: str) -> None:
    """A footnote's mark is no digit of the number before it; a sign that says the font is unreadable goes on saying it."""
    assert fold(text) == text


@given(st.text(max_size=40))
def test_folding_again_changes_nothing(text: str) -> None:
    """What is folded holds no dash, blank or digit but the keyboard's, and nothing invisible."""
    plain = fold(text)
    assert fold(plain) == plain
    kinds = {unicodedata.category(character) for character in plain if not character.isascii()}
    assert kinds.isdisjoint({"Pd", "Zs", "Zl", "Zp", "Cf", "Nd"})


def test_a_plain_word_is_the_same_word() -> None:
    """Nearly all are."""
    word = Word("1001-2345-678", PLACE, 0.9)
    assert list(folded(word)) == [word]


def test_a_word_with_a_blank_in_it_is_two() -> None:
    """Each has its share of the place; the direction of reading stays."""
    one, two = folded(Word("643\u00a0kWh", PLACE, 0.9))
    assert (one.text, two.text, one.confidence, two.confidence) == ("643", "kWh", 0.9, 0.9)
    assert one.quad == pytest.approx((0.1, 0.2, 0.1 + 0.4 * 3 / 7, 0.2, 0.1 + 0.4 * 3 / 7, 0.22, 0.1, 0.22))
    assert two.quad == pytest.approx((0.1 + 0.4 * 4 / 7, 0.2, 0.5, 0.2, 0.5, 0.22, 0.1 + 0.4 * 4 / 7, 0.22))


def test_words_of_the_ocr_are_folded() -> None:
    """The OCR's dash is the same dash as a text layer's."""
    box = vision.BoundingPoly(vertices=[{"x": 10, "y": 10}, {"x": 90, "y": 10}, {"x": 90, "y": 20}, {"x": 10, "y": 20}])
    word = vision.Word(
        symbols=[vision.Symbol(text=sign, confidence=0.9) for sign in "26332\u201190543"],
        bounding_box=box,
        confidence=0.9,
    )
    page = vision.Page(width=100, height=100, blocks=[vision.Block(paragraphs=[vision.Paragraph(words=[word])])])
    assert [word.text for word in _words(vision.TextAnnotation(pages=[page]))] == ["26332-90543"]

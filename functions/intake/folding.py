"""Folds characters that mean the same into one. Words and answers are folded once, on entry; later code sees only the result.

A bill's hyphen may be any of a dozen dashes, a number pasted from a phone's contacts has direction marks and non-breaking
spaces, and a font's ligature is one character. Unicode's compatibility form (NFKC, https://www.unicode.org/reports/tr15/)
and a small table make them what a keyboard types.

Not folded: superscripts and subscripts, because a footnote mark behind a number is not one of its digits; control and
private characters, because they show that a font or an answer is not readable.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from intake.model import Quad, Word

_TABLE = {
    **dict.fromkeys("\u00ad\u2212\u2043", "-"),  # soft hyphen (as PDFs print it), minus, hyphen bullet
    **dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4\u1ffd\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201f\u2033", '"'),
    **dict.fromkeys("\u2044\u2215", "/"),
    **dict.fromkeys("\u2122\u2120", ""),  # trade mark, service mark
    **dict.fromkeys("\u034f\u115f\u1160\u3164\uffa0", ""),  # joiner and fillers without ink
}
_APART = ("<super>", "<sub>", "<circle>")
_BLANKS = ("Zs", "Zl", "Zp")
# Blanks narrower than those between words: what groups the digits of one number.
_GROUPING = re.compile("(?<=[0-9])[\u2006\u2008\u2009\u200a\u202f\u205f](?=[0-9])")


class _Folds(dict[int, str]):
    """What each character becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _folded(chr(code))
        return self[code]


_FOLDS = _Folds()


def fold(text: str) -> str:
    """Return a text in plain characters: dashes, blanks, digits, ligatures, quotes; invisible ones are gone."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _GROUPING.sub("", text).translate(_FOLDS))


def folded(word: Word) -> Iterator[Word]:
    """Yield a word in plain characters: none if nothing is left of it, several if a blank was in it.

    Their places are shared out by characters.
    """
    text = word.text
    if text.isascii() and " " not in text:
        yield word
        return
    plain = fold(text)
    for part in re.finditer("[^ ]+", plain):
        yield Word(part[0], _stretch(word.quad, part.start() / len(plain), part.end() / len(plain)), word.confidence)


def _folded(character: str) -> str:
    if character in _TABLE:
        return _TABLE[character]
    category = unicodedata.category(character)
    if category == "Pd":
        return "-"
    if category in _BLANKS:
        return " "
    if category == "Cf" or "VARIATION SELECTOR" in unicodedata.name(character, ""):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    meaning = unicodedata.decomposition(character)
    plain = "".join(_TABLE.get(sign, sign) for sign in unicodedata.normalize("NFKC", character))
    if meaning.startswith("<fraction>"):
        return " " + plain
    # A lone accent would become a blank with an accent on it.
    return character if meaning.startswith(_APART) or plain.startswith(" ") else plain


def _stretch(quad: Quad, begin: float, end: float) -> Quad:
    """Return what lies between two fractions of a word's length."""
    if (begin, end) == (0, 1):
        return quad
    top, bottom = (quad.x1 - quad.x0, quad.y1 - quad.y0), (quad.x2 - quad.x3, quad.y2 - quad.y3)
    return Quad(
        *(quad.x0 + begin * top[0], quad.y0 + begin * top[1], quad.x0 + end * top[0], quad.y0 + end * top[1]),
        *(
            quad.x3 + end * bottom[0],
            quad.y3 + end * bottom[1],
            quad.x3 + begin * bottom[0],
            quad.y3 + begin * bottom[1],
        ),
    )

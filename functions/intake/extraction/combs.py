"""Numbers printed with one character in each box: joins the characters to one word, so that later steps see an ordinary number.

A comb is recognized by its pitch, which is even and wider than print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from intake.extraction.tokens import Token, around

GAP = "–"
"""Marks an empty box or a wider gap in the word: between groups, or where a character was not read. It occurs in no other
word, since dashes are folded."""
_FEWEST = 8
_DIAGNOSTICS = re.compile(r"[|\[\]_]*[0-9NRODQIl]?([|\[\]_]+[0-9ODQIl])*[|\[\]_]*|[0-9]{2,3}|-")
_BORDERS = re.compile(r"[|\[\]_]+")
_NUMBER = re.compile(rf"[NR]?[0-9ODQIl]+([-{GAP}][0-9ODQIl]+)*")
_REACH = 4.0  # print heights from one box to the next
_WIDER_THAN_PRINT = 0.55  # print heights from digit to digit; print has 0.42
_EVEN = 0.6  # of the usual pitch
_GROUP = 1.4
_BROKEN = 2.6
_ALONE = 0.6  # share of the signs that are words of their own


class _Sign(NamedTuple):
    text: str
    middle: float
    token: Token


def joined(tokens: Sequence[Token]) -> list[Token]:
    """Return words with those of each comb joined; the others are unchanged."""
    found = [word for line in _lines(tokens) for word in _combs(line)]
    used = {id(sign.token) for _, signs in found for sign in signs}
    return [*(token for token in tokens if id(token) not in used), *(word for word, _ in found)]


def _lines(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield neighboring words of one or two characters on one line."""
    open_lines: dict[int, list[Token]] = {}
    lines: list[list[Token]] = []
    for token in sorted((t for t in tokens if _DIAGNOSTICS.fullmatch(t.text)), key=lambda t: (t.left, t.mid)):
        level = math.floor(token.mid)
        near = (open_lines.get(each, []) for each in (level, level - 1, level + 1))
        line = next((line for line in near if line and _follows(line[-1], token)), None)
        if line is None:
            line = []
            lines.append(line)
        line.append(token)
        open_lines[level] = line
    yield from (line for line in lines if len(line) >= _FEWEST * _ALONE or any("|" in t.text for t in line))


def _follows(before: Token, after: Token) -> bool:
    tall = max(before.height, after.height)
    return abs(after.start - before.end) < 0.4 * tall and -0.5 * tall < after.left - before.right < _REACH * tall


def _combs(line: Sequence[Token]) -> Iterator[tuple[Token, list[_Sign]]]:
    signs = [sign for token in line for sign in _signs(token)]
    usual = _pitch(signs)
    part: list[_Sign] = []
    for before, sign in pairwise([*signs[:1], *signs]):
        if part and sign.middle - before.middle > _BROKEN * usual:
            yield from _comb(part)
            part = []
        part.append(sign)
    yield from _comb(part)


def _comb(signs: list[_Sign]) -> Iterator[tuple[Token, list[_Sign]]]:
    """Yield the word that characters make, if they are spaced as in a comb."""
    if sum(sign.text != "-" for sign in signs) < _FEWEST:
        return
    usual = _pitch(signs)
    text = signs[0].text
    for before, sign in pairwise(signs):
        apart = sign.middle - before.middle
        if "-" not in (before.text, sign.text):
            if apart < _EVEN * usual:
                return
            text += GAP if apart > _GROUP * usual else ""
        text += sign.text
    words = list({id(sign.token): sign.token for sign in signs}.values())
    tall = median(token.height for token in words)
    alone = sum(all(len(part) < 2 for part in _BORDERS.split(token.text)) for token in words)
    if usual > _WIDER_THAN_PRINT * tall and alone >= _ALONE * len(words) and _NUMBER.fullmatch(text):
        yield _word(text, words, tall), signs


def _word(text: str, words: Sequence[Token], tall: float) -> Token:
    first, last = words[0], words[-1]
    sure = min(token.confidence for token in words)
    return Token(text, sure, first.left, last.right, first.start, last.end, tall, around(words), comb=True)


def _signs(token: Token) -> Iterator[_Sign]:
    """Yield the characters of a word with the middle of each, without the borders of boxes."""
    parts = [part for part in _BORDERS.split(token.text) if part]
    signs = list("".join(parts))
    if len(signs) == 1:
        yield _Sign(signs[0], (token.left + token.right) / 2, token)
        return
    letter = min(0.45 * token.height, (token.right - token.left) / max(1, len(signs)))
    left, right = token.left + letter / 2, token.right - letter / 2
    for index, sign in enumerate(signs):
        yield _Sign(sign, left + (right - left) * index / (len(signs) - 1), token)


def _pitch(signs: Sequence[_Sign]) -> float:
    return median([after.middle - before.middle for before, after in pairwise(signs)] or [1.0])

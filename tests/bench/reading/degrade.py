"""Damage the words of text layers the way engines do, to try thousands of readings without OCR."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import pymupdf
from intake.model import PageWords, Quad, Word
from intake.pages.pdf import PdfDocument

from tests.specimens.bill import Specimen

_JOINED = 0.35
_MARK_DOUBT = 0.79  # how sure Vision is of a mark that is a word of its own, against its neighbours, see the stand-in
_SLIPS = {"0": "OD", "1": "Il", "5": "S", "8": "B3", "6": "G", "2": "Z", "O": "0", "I": "l1", "S": "5", "B": "8", "h": "n",
          "-": " ", "l": "1I", "3": "8", "7": "1", "9": "g"}  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """How much is damaged.

    Attributes:
        turn: Quarter turns clockwise.
        skew: Degrees.
        bend: How much the lines bend over the page, as the tangent at its edges.
        jitter: Of the boxes, as a fraction of their height.
        slips: Share of words with one misread sign; such words get the low confidence that engines give them (0.15 to 0.45).
        split: Share of words that come in two.
        joined: Share of words that are joined with the next.
        lost: Share of words that are not found.
        words: What the engine takes for a word: `blanks` (what stands between blanks), `marks` (every mark is a word of
            its own, as in Vision's answer before its breaks are read) or `joined` (narrow blanks are lost, as by RapidOCR).
    """

    turn: int
    skew: float
    bend: float
    jitter: float
    slips: float
    split: float
    joined: float
    lost: float
    words: str = "blanks"

    @classmethod
    def invent(cls, rng: Random) -> Damage:
        """Invent damage from slight to heavy."""
        level = rng.random()
        return cls(
            turn=rng.choice((0, 0, 0, 1, 2, 3)),
            skew=rng.uniform(-15, 15) * level,
            bend=rng.uniform(-0.06, 0.06) * level,
            jitter=0.12 * level,
            slips=rng.choice((0, 0.02, 0.08)) * level,
            split=rng.choice((0, 0.02, 0.06)) * level,
            joined=rng.choice((0, 0.02, 0.06)) * level,
            lost=rng.choice((0, 0.02, 0.1)) * level,
            words=rng.choice(("blanks", "blanks", "marks", "joined")),
        )


def text_pages(specimen: Specimen) -> list[PageWords]:
    """Return the words of a specimen's text layer, page by page, as the `ocr` function gets them."""
    document = PdfDocument(specimen.document, 1)
    pages = [document.page(index).with_recognised(index + 1, []) for index in range(document.page_count)]
    document.close()
    return pages


def damaged(page: PageWords, damage: Damage, rng: Random) -> PageWords:
    """Return a page with damaged words in another order."""
    whole = list(page.words)
    if damage.words == "marks":
        whole = [part for word in whole for part in _apart(word)]
    elif damage.words == "joined":
        damage = replace(damage, joined=_JOINED)
    words = [word for word in _cut_and_join(whole, damage, rng) if rng.random() >= damage.lost]
    words = [_moved(_misread(word, damage, rng), page, damage, rng) for word in words]
    rng.shuffle(words)
    sides = (page.height, page.width) if damage.turn % 2 else (page.width, page.height)
    return replace(page, width=sides[0], height=sides[1], source="picture", words=words)


def _apart(word: Word) -> Iterator[Word]:
    """Yield runs of letters and digits, and every mark by itself; places are shared out by characters."""
    for match in re.finditer(r"[A-Za-z0-9]+|[^A-Za-z0-9]", word.text):
        u, v, q = match.start() / len(word.text), match.end() / len(word.text), word.quad
        top, bottom = (q.x1 - q.x0, q.y1 - q.y0), (q.x2 - q.x3, q.y2 - q.y3)
        quad = Quad(
            *(q.x0 + u * top[0], q.y0 + u * top[1], q.x0 + v * top[0], q.y0 + v * top[1]),
            *(q.x3 + v * bottom[0], q.y3 + v * bottom[1], q.x3 + u * bottom[0], q.y3 + u * bottom[1]),
        )
        yield Word(match[0], quad, word.confidence)


def _cut_and_join(words: list[Word], damage: Damage, rng: Random) -> Iterator[Word]:
    index = 0
    while index < len(words):
        word = words[index]
        following = words[index + 1] if index + 1 < len(words) else None
        index += 1
        if following and rng.random() < damage.joined and abs(following.quad.y0 - word.quad.y0) < 1e-3 and (
            0 <= following.quad.x0 - word.quad.x1 < 0.01
        ):  # fmt: skip
            a, b = word.quad, following.quad
            quad = Quad(a.x0, a.y0, b.x1, b.y1, b.x2, b.y2, a.x3, a.y3)
            yield Word(word.text + following.text, quad, min(word.confidence, following.confidence))
            index += 1
        elif len(word.text) > 3 and rng.random() < damage.split:
            at = rng.randrange(1, len(word.text))
            q, share = word.quad, at / len(word.text)
            top, bottom = q.x0 + share * (q.x1 - q.x0), q.x3 + share * (q.x2 - q.x3)
            yield Word(word.text[:at], Quad(q.x0, q.y0, top, q.y1, bottom, q.y2, q.x3, q.y3), word.confidence)
            yield Word(word.text[at:], Quad(top, q.y0, q.x1, q.y1, q.x2, q.y2, bottom, q.y3), word.confidence)
        else:
            yield word


def _misread(word: Word, damage: Damage, rng: Random) -> Word:
    sure = rng.uniform(0.88, 1.0) * (1 if any(sign.isalnum() for sign in word.text) else _MARK_DOUBT)
    places = [index for index, sign in enumerate(word.text) if sign in _SLIPS]
    if places and rng.random() < damage.slips:
        at = rng.choice(places)
        text = word.text[:at] + rng.choice(_SLIPS[word.text[at]]).strip() + word.text[at + 1 :]
        return Word(text or word.text, word.quad, rng.uniform(0.15, 0.45))
    return Word(word.text, word.quad, sure)


def _moved(word: Word, page: PageWords, damage: Damage, rng: Random) -> Word:
    """Bend, skew and turn a word about the middle of the page, and shake its box."""
    height = abs(word.quad.y3 - word.quad.y0) or 0.01
    shake = rng.gauss(0, damage.jitter * height)
    angle = math.radians(damage.skew)
    aspect = page.height / page.width
    corners = []
    for x, y in zip(word.quad[::2], word.quad[1::2], strict=True):
        u, v = (x - 0.5), (y - 0.5 + shake) * aspect
        v += damage.bend * u * u * math.copysign(1, y - 0.5)
        u, v = 0.7 * (u * math.cos(angle) - v * math.sin(angle)), 0.7 * (u * math.sin(angle) + v * math.cos(angle))
        point = pymupdf.Point(u + 0.5, v / aspect + 0.5)
        for _ in range(damage.turn % 4):
            point = pymupdf.Point(1 - point.y, point.x)
        corners += [float(point.x), float(point.y)]
    return word._replace(quad=Quad(*corners))

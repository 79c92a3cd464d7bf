"""Turn the words of a page upright: by quarter turns, then by the angle that is left, scaled to print heights."""

from __future__ import annotations

import heapq
import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from statistics import median

from intake.extraction.line_grouping import neighbours
from intake.extraction.tokens import Token
from intake.model import PageWords, Quad, Word

MAX_LENGTH = 80
"""Maximum characters of a word; longer ones are noise. A scan line has 34."""
USUAL_LENGTH = 12
"""Characters of a word, on average: twice that of print. Longer words on a page are looked at as long as they share these."""
MIN_SHEET = 12
"""Words that must share a direction to form their own plane: fewer are vertical serial numbers or bleed-through."""

# What OCR joins to one word although it is two: a label and its value.
_JOINED = re.compile(r"(?<=[:#])(?=[A-Za-z0-9$])|(?<=[A-Za-z]{3})(?=[0-9]{5})")


def upright_planes(page: PageWords, most: int) -> list[list[Token]]:
    """Return the words of a page by the direction in which they run, upright, the most first.

    Args:
        page: Its words in any order; words without a proper place are left out.
        most: Words that are looked at.

    Returns:
        One list for each of the four directions in which enough words run.
    """
    sound = filter(_is_sound, page.words)
    surest = heapq.nsmallest(most, sound, key=lambda word: (-word.confidence, word))
    ends = list(accumulate(len(word.text) for word in surest))
    words = sorted(surest[: bisect_right(ends, most * USUAL_LENGTH)])
    sides = (page.width, page.height)
    aspect = page.height / page.width if all(math.isfinite(side) and side > 0 for side in sides) else 1.0
    aspect = min(20.0, max(0.05, aspect))
    directions: dict[int, list[Word]] = defaultdict(list)
    for word in words:
        directions[round(_angle(word.quad, aspect) / (math.pi / 2)) % 4].append(word)
    by_size = sorted(directions.items(), key=lambda item: (-sum(len(word.text) for word in item[1]), item[0]))
    chosen = [item for index, item in enumerate(by_size) if index == 0 or len(item[1]) >= MIN_SHEET]
    return [_upright(words, quarter, aspect) for quarter, words in chosen]


def _is_sound(word: Word) -> bool:
    q = word.quad
    return bool(
        len(word.text) <= MAX_LENGTH
        and word.text.strip()
        and -1 <= q.x0 <= 2 >= q.y0 >= -1  # comparisons with NaN are false
        and -1 <= q.x1 <= 2 >= q.y1 >= -1
        and -1 <= q.x2 <= 2 >= q.y2 >= -1
        and -1 <= q.x3 <= 2 >= q.y3 >= -1
        and math.isfinite(word.confidence)
    )


def _angle(quad: Quad, aspect: float) -> float:
    """Return the direction of reading in radians, from the middle of the left to that of the right side."""
    dx = quad.x1 + quad.x2 - quad.x0 - quad.x3
    dy = (quad.y1 + quad.y2 - quad.y0 - quad.y3) * aspect
    return math.atan2(dy, dx) if dx or dy else 0.0


def _upright(words: Sequence[Word], quarter: int, aspect: float) -> list[Token]:
    """Turn words of one direction upright, take out the plane's angle and scale to print heights."""
    rough = _tokens(words, quarter * math.pi / 2, aspect, 1.0)
    own = [math.atan2(t.end - t.start, t.right - t.left) for t in rough if t.right - t.left > 2 * t.height]
    angle = quarter * math.pi / 2 + (median(own) if own else 0.0)
    unit = _print_height(rough)
    tokens = _tokens(words, angle, aspect, unit)
    # Boxes of some engines stand upright on a leaning line: then only the neighbours tell the angle.
    lean = [
        math.atan2(other.mid - one.mid, (other.left + other.right - one.left - one.right) / 2)
        for one, other in neighbours(tokens)
        if len(one.text) > 2 and len(other.text) > 2
    ]
    if len(lean) >= 5:
        tokens = _tokens(words, angle + median(lean), aspect, unit)
    return [part for token in tokens for part in _parts(token)]


def _print_height(tokens: Sequence[Token]) -> float:
    heights = [token.height for token in tokens if len(token.text) > 2] or [token.height for token in tokens]
    return max(1e-4, median(heights)) if heights else 1.0


def _tokens(words: Sequence[Word], angle: float, aspect: float, unit: float) -> list[Token]:
    cos, sin = math.cos(-angle) / unit, math.sin(-angle) / unit
    tokens = []
    for word in words:
        q = word.quad
        left = ((q.x0 + q.x3) / 2, (q.y0 + q.y3) / 2 * aspect)
        right = ((q.x1 + q.x2) / 2, (q.y1 + q.y2) / 2 * aspect)
        height = math.hypot((q.x3 + q.x2 - q.x0 - q.x1) / 2, (q.y3 + q.y2 - q.y0 - q.y1) / 2 * aspect) / unit
        x0, x1 = cos * left[0] - sin * left[1], cos * right[0] - sin * right[1]
        y0, y1 = sin * left[0] + cos * left[1], sin * right[0] + cos * right[1]
        text = " ".join(word.text.split())
        tokens.append(Token(text, min(1.0, max(0.0, word.confidence)), x0, max(x0, x1), y0, y1, max(height, 1e-3), q))
    return tokens


def _parts(token: Token) -> Iterator[Token]:
    """Yield the words of a token that holds a label and its value; places are shared out by characters."""
    cuts = [0, *(match.start() for match in _JOINED.finditer(token.text)), len(token.text)]
    for begin, end in pairwise(cuts):
        if (begin, end) == (0, len(token.text)):
            yield token
        elif end > begin:
            u, v = begin / len(token.text), end / len(token.text)
            q = token.quad
            yield Token(
                token.text[begin:end].strip(),
                token.confidence,
                token.left + u * (token.right - token.left),
                token.left + v * (token.right - token.left),
                token.start + u * (token.end - token.start),
                token.start + v * (token.end - token.start),
                token.height,
                Quad(
                    *(
                        q.x0 + u * (q.x1 - q.x0),
                        q.y0 + u * (q.y1 - q.y0),
                        q.x0 + v * (q.x1 - q.x0),
                        q.y0 + v * (q.y1 - q.y0),
                    ),
                    *(
                        q.x3 + v * (q.x2 - q.x3),
                        q.y3 + v * (q.y2 - q.y3),
                        q.x3 + u * (q.x2 - q.x3),
                        q.y3 + u * (q.y2 - q.y3),
                    ),
                ),
            )

"""Compares the words of a page with its ink, place by place.

A text layer is trusted where it matches what is painted. Words without ink do not count: white on white, covered, see-through,
invisible or too small to be read. Ink without words goes to the OCR: text in a font without characters or with wrong ones,
letters painted as curves, pictures that may hold text. What the list of painted things leaves open is looked at in a small
drawing of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from statistics import median

from PIL import Image, ImageDraw, ImageFilter

from intake.pages.textlayer import Box, Layer, Picture, Places, Shape, Span

LOGO = 0.03
"""Share of the page that a picture covers beyond which it is no logo; the utilities' own cover 1 %."""
LOGOS = 0.04
"""The same for all pictures of a page together, since a scan may come in strips or tiles."""
LETTER_HEIGHT = 792
"""Points; heights of type are measured against it, for pages come in any size."""
MANY_WORDS = 20
"""Words over a picture from which on it may be their background; with fewer it is one to be read, whatever is over it."""

_TINY, _LOWEST, _HIGHEST, _LINE = 2.0, 3.5, 16.0, 20.0
"""Points on letter paper: smaller type is unreadable, letters painted as curves are between the next two high, and a
picture that is a line of text is at most as high as the last."""
_LARGE, _FIGURES, _UNEVEN, _NARROW = 48.0, 3, 0.1, 0.85
"""What is higher than letters may be a logo, or a number in large type: up to so many points high, so many shapes in a row, of
nearly one height on one line, and each narrower than high."""
_VISIBLE = 32
"""Least difference between the colour of a word and what is behind it, of 255."""
_PAPER = 0xFFFFFF
_EDGE, _EDGES = 100, 6
"""A pixel is at an edge if a sharp step of a third of that runs through it; a place has ink with so many of them."""
_UNREADABLE = frozenset("\ufffd").union(map(chr, range(0xE000, 0xF900)), map(chr, (*range(9), *range(14, 32))))
_FILLED, _STROKED, _CLIPPED = 16, 32, 64  # FZ_STEXT_FILLED and so on

Look = Callable[[], Image.Image]
"""Draws the page as a person sees it, small, in grey."""


@dataclass(frozen=True)
class Comparison:
    """What of a page is known, and what is not.

    Attributes:
        words: Numbers of the words that are painted as they say.
        unexplained: Places of ink that no word explains.
    """

    words: list[int]
    unexplained: list[Box]


def compare(layer: Layer, doubtful_fonts: set[str], look: Look) -> Comparison:
    """Compare the words of a page with its ink.

    Args:
        layer: What the page paints.
        doubtful_fonts: Names of fonts whose characters may be others than those painted.
        look: Draws the page.

    Raises:
        PictureTooLarge: It would have to be looked at, and holds a picture that cannot be drawn.
    """
    area = layer.area
    scale = max(area[2] - area[0], area[3] - area[1]) / LETTER_HEIGHT
    places = Places(layer.words)
    unread = [span for span in layer.spans if _is_unread(span, doubtful_fonts)]
    gone, open_words = _words_to_see(layer, places, unread, scale)
    believed = [index for index in range(len(layer.words)) if index not in gone and index not in open_words]
    open_places = [layer.words[index][:4] for index in sorted(open_words)]
    open_places += [span["bbox"] for span in unread]  # some have no words: a map may give blanks for figures
    open_places += _letters(layer.shapes, scale)
    unexplained = []
    kept = Places([layer.words[index] for index in believed])
    for picture in _to_read(layer.pictures, area, scale):
        if _share(picture, area) > LOGO and sum(1 for _ in kept.within(picture)) < MANY_WORDS:
            unexplained.append(_within(picture, area))
        else:
            open_places.append(picture)
    if open_places:
        edges = _edges(look(), layer, [layer.words[index][:4] for index in believed])
        unexplained += [box for box in (_within(place, area) for place in open_places) if _has_ink(edges, layer, box)]
    return Comparison(believed, unexplained)


def _is_unread(span: Span, doubtful_fonts: set[str]) -> bool:
    """Return whether the characters of some text are not those that are painted, or it is painted in another way than text."""
    painted = span["char_flags"] & (_FILLED | _STROKED | _CLIPPED)
    return bool(painted) and (
        painted == _CLIPPED or span["font"] in doubtful_fonts or not _UNREADABLE.isdisjoint(span["text"])
    )


def _words_to_see(layer: Layer, places: Places, unread: Iterable[Span], scale: float) -> tuple[set[int], set[int]]:
    """Return the words that are invisible, and those that need a look at the drawing."""
    gone: set[int] = set()
    colours: dict[int, tuple[int, float]] = {}
    for span in layer.spans:
        if not span["char_flags"] & (_FILLED | _STROKED | _CLIPPED) or span["size"] < _TINY * scale:
            gone.update(_words_of(span, layer, places))
        elif span["color"] or span["alpha"] < 255:
            colours.update(dict.fromkeys(_words_of(span, layer, places), (span["color"], span["alpha"] / 255)))
    unsure = {index for span in unread for index in _words_of(span, layer, places)}
    behind = _behind(layer, places, unsure, scale)
    for index in range(len(layer.words)):
        if index in behind or index in colours:
            colour, alpha = colours.get(index, (0, 1.0))
            if alpha * _contrast(colour, behind.get(index, _PAPER)) < _VISIBLE:
                unsure.add(index)
    return gone, unsure - gone


def _words_of(span: Span, layer: Layer, places: Places) -> Iterator[int]:
    """Yield the words of some text: another text may lie in the same place."""
    for index in places.within(span["bbox"]):
        text = layer.words[index][4]
        if text in span["text"] or span["text"].strip() in text:
            yield index


def _behind(layer: Layer, places: Places, covered: set[int], scale: float) -> dict[int, int]:
    """Return the colour of the last shape behind each word that has one; words that something covers are added."""
    colours: dict[int, int] = {}
    for shape in layer.shapes:
        left, top, right, bottom = shape.box
        if shape.stroked or min(right - left, bottom - top) < _LOWEST * scale:
            continue
        for index in places.within(shape.box):
            if not shape.opaque:
                continue
            if layer.orders[index] < shape.order:
                covered.add(index)
            else:
                colours[index] = shape.colour
    for picture in layer.pictures:
        covered.update(index for index in places.within(picture.box) if layer.orders[index] < picture.order)
    return colours


def _contrast(one: int, other: int) -> int:
    return max(abs((one >> shift & 255) - (other >> shift & 255)) for shift in (16, 8, 0))


def _letters(shapes: Sequence[Shape], scale: float) -> list[Box]:
    """Return the places of shapes that stand in a row as letters do.

    One alone is a sign or part of a drawing, and those over each other are a logo.
    """
    boxes = [shape.box for shape in shapes if not shape.rectangle]
    sizes = [max(right - left, bottom - top) / scale for left, top, right, bottom in boxes]
    letters = _rows(box for box, size in zip(boxes, sizes, strict=True) if _LOWEST <= size <= _HIGHEST)
    figures = _rows(
        box for box, size in zip(boxes, sizes, strict=True) if _HIGHEST < size <= _LARGE and _is_narrow(box)
    )
    return [_around(row) for row in letters if len(row) > 1] + [_around(row) for row in figures if _is_number(row)]


def _rows(boxes: Iterable[Box]) -> list[list[Box]]:
    rows: list[list[Box]] = []
    for box in sorted(boxes):
        for row in rows:
            if _follows(row[-1], box):
                row.append(box)
                break
        else:
            rows.append([box])
    return rows


def _is_narrow(box: Box) -> bool:
    return box[2] - box[0] <= _NARROW * (box[3] - box[1])


def _is_number(row: Sequence[Box]) -> bool:
    """Return whether large shapes in a row stand as figures do: on one line, most of one height."""
    top, bottom = (median(box[side] for box in row) for side in (1, 3))
    most = _UNEVEN * (bottom - top)
    return sum(abs(box[1] - top) <= most and abs(box[3] - bottom) <= most for box in row) >= _FIGURES


def _follows(box: Box, following: Box) -> bool:
    """Return whether a shape stands beside another as a letter beside the one before it."""
    height = max(box[3] - box[1], following[3] - following[1])
    shared = min(box[3], following[3]) - max(box[1], following[1])
    lower = min(box[3] - box[1], following[3] - following[1])
    gap = following[0] - box[2]
    return shared >= 0.5 * lower and -0.2 * height <= gap <= height


def _to_read(pictures: Sequence[Picture], area: Box, scale: float) -> list[Box]:
    """Return the places of pictures that may hold text: those larger than a logo, and those as high as a line of it."""
    boxes = [box for box in (_within(picture.box, area) for picture in pictures) if box[0] < box[2] and box[1] < box[3]]
    if sum(_share(box, area) for box in boxes) > LOGOS:
        return boxes
    lines = [box for box in boxes if _LOWEST * scale <= min(box[2] - box[0], box[3] - box[1]) <= _LINE * scale]
    return [box for box in boxes if _share(box, area) > LOGO or box in lines]


def _share(box: Box, area: Box) -> float:
    left, top, right, bottom = _within(box, area)
    whole = (area[2] - area[0]) * (area[3] - area[1])
    return max(right - left, 0) * max(bottom - top, 0) / whole


def _within(box: Box, area: Box) -> Box:
    return max(box[0], area[0]), max(box[1], area[1]), min(box[2], area[2]), min(box[3], area[3])


def _around(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _edges(drawing: Image.Image, layer: Layer, words: Iterable[Box]) -> Image.Image:
    """Return where a drawing of the page changes from pixel to pixel, leaving out the words that are believed."""
    pen = ImageDraw.Draw(drawing)
    for word in words:
        left, top, right, bottom = _pixels(drawing, layer, word)
        if left < right and top < bottom:
            # In the colour beside it, which may be that of a dark bar.
            pen.rectangle((left, top, right, bottom), fill=drawing.getpixel((max(left - 1, 0), (top + bottom) // 2)))
    return drawing.filter(ImageFilter.FIND_EDGES)


def _has_ink(edges: Image.Image, layer: Layer, box: Box) -> bool:
    left, top, right, bottom = _pixels(edges, layer, box)
    if left >= right or top >= bottom:
        return False
    return sum(edges.crop((left, top, right, bottom)).histogram()[_EDGE:]) >= _EDGES


def _pixels(drawing: Image.Image, layer: Layer, box: Box) -> tuple[int, int, int, int]:
    """Return the pixels of a place, leaving out the outermost row and column of the drawing."""
    left, top, right, bottom = layer.seen(box)
    width, height = drawing.size
    return (
        max(floor(left * width), 1),
        max(floor(top * height), 1),
        min(ceil(right * width), width - 1),
        min(ceil(bottom * height), height - 1),
    )

"""Turn lines of recognised text into the fullTextAnnotation of Cloud Vision.

Pure: no picture, no model. In go lines with a box and the place of every symbol along it, out comes the
message that the service would send. The shape follows
https://docs.cloud.google.com/vision/docs/reference/rpc/google.cloud.vision.v1#textannotation
and https://docs.cloud.google.com/vision/docs/fulltext-annotations:

- page > block > paragraph > word > symbol, each with a bounding box and a confidence;
- the first vertex of a box is the top-left corner of the text AS READ, so the order of the vertices, and
  nothing else, tells that a page lies on its side or on its head;
- a coordinate of 0 is the default of a proto3 field and so is absent from the message;
- white space is no symbol: it is the detected_break of the symbol before it. `text` is exactly the symbols
  and their breaks, a line feed at the end included;
- text_annotations holds the whole text first, in an upright box, then every word.

What the reference does not say is done as in recorded answers of DOCUMENT_TEXT_DETECTION (tests/_mock_data/vision.json
of https://github.com/xavctn/img2table, sample/gcv2hocr2sample/1.jpg.json of https://github.com/dinosauria123/gcv2hocr):

- punctuation is a word of its own without a break before it ("June", "03", ","; "1000", "-", "1234"); only the breaks
  tell what was printed together;
- a mark is less sure than what stands around it: dashes .77 in the mean, their neighbours .98;
- a box may reach beyond the picture, so coordinates are not clipped;
- a hyphen at the end of a line is no symbol but a HYPHEN break of the one before it, and "-" and a line feed in the text.

Not produced: languages and locale (nothing here detects them), tables, pictures, bar codes (all blocks are TEXT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud import vision_v1

from infra.local.vision.layout import Frame, Point, Quad, group_lines, page_frame

# The raw protobuf classes: a page holds some ten thousand messages, and the proto-plus wrappers around them
# would cost more than the rest of this module.
Response: Any = vision_v1.AnnotateImageResponse.pb()
_Break = vision_v1.TextAnnotation.DetectedBreak.BreakType
_TEXT_BLOCK = int(vision_v1.Block.BlockType.TEXT)
_WHITE_SPACE = {
    _Break.SPACE: " ",
    _Break.SURE_SPACE: " ",
    _Break.EOL_SURE_SPACE: "\n",
    _Break.LINE_BREAK: "\n",
    _Break.HYPHEN: "-\n",
}
_MARK_DOUBT = 0.79  # a mark's confidence over that of its neighbours, in the first of the answers above
# "Very wide" in the words of the reference, in heights of the line.
_SURE_SPACE_HEIGHTS = 1.5


@dataclass(frozen=True, slots=True)
class Symbol:
    """One recognised character (never white space).

    Attributes:
        text: the character.
        confidence: of the recogniser, 0..1.
        start: where it begins along its line, as a fraction of the line's length, 0..1.
        end: where it ends, `start <= end <= 1`.
        space_after: whether white space follows it inside the line.
    """

    text: str
    confidence: float
    start: float
    end: float
    space_after: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text as the recogniser found it.

    Attributes:
        quad: its corners in pixels of the picture in order of reading: top-left, top-right, bottom-right,
            bottom-left of the text held upright.
        symbols: its characters in order of reading, at least one.
    """

    quad: Quad
    symbols: tuple[Symbol, ...]


def annotate(lines: Sequence[Line], width: int, height: int) -> Any:
    """Build the response for one picture.

    Args:
        lines: what was recognised, in any order; empty for a picture without text.
        width: of the picture, in pixels.
        height: of the picture, in pixels.

    Returns:
        A google.cloud.vision.v1.AnnotateImageResponse (raw protobuf). Without text it is empty: the service
        sets full_text_annotation only "if present"
        (https://docs.cloud.google.com/vision/docs/reference/rpc/google.cloud.vision.v1#annotateimageresponse).
    """
    response = Response()
    if not lines:
        return response
    return _Builder(response, page_frame([line.quad for line in lines]), width, height).build(lines)


class _Builder:
    """Fill one response; holds what every level of the hierarchy needs."""

    def __init__(self, response: Any, frame: Frame, width: int, height: int) -> None:
        self._response = response
        self._frame = frame
        self._size = (width, height)
        self._text: list[str] = []
        self._word_texts: list[str] = []

    def build(self, lines: Sequence[Line]) -> Any:
        annotation = self._response.full_text_annotation
        page = annotation.pages.add(width=self._size[0], height=self._size[1])
        blocks = group_lines([line.quad for line in lines], self._frame)
        for paragraphs in blocks:
            self._add_block(page.blocks.add(), [[lines[i] for i in paragraph] for paragraph in paragraphs])
        page.confidence = _mean(block.confidence for block in page.blocks)
        annotation.text = "".join(self._text)
        self._add_entities(page, annotation.text)
        return self._response

    def _add_block(self, block: Any, paragraphs: Sequence[Sequence[Line]]) -> None:
        block.block_type = _TEXT_BLOCK
        self._outline(block.bounding_box, [line for paragraph in paragraphs for line in paragraph])
        for lines in paragraphs:
            paragraph = block.paragraphs.add()
            self._outline(paragraph.bounding_box, lines)
            for line in lines:
                self._add_words(paragraph, line, _Break.LINE_BREAK if line is lines[-1] else _Break.EOL_SURE_SPACE)
            paragraph.confidence = _mean(word.confidence for word in paragraph.words)
        block.confidence = _mean(paragraph.confidence for paragraph in block.paragraphs)

    def _add_words(self, paragraph: Any, line: Line, line_end: int) -> None:
        length, thickness = _measure(line.quad)
        read = line.symbols
        if line_end == _Break.EOL_SURE_SPACE and len(read) > 1 and read[-1].text == "-" and read[-2].text.isalnum():
            read, line_end = read[:-1], _Break.HYPHEN
        for symbols in _words(read):
            word = paragraph.words.add()
            self._place(word.bounding_box, line.quad, symbols[0].start, symbols[-1].end)
            for symbol in symbols:
                sure = symbol.confidence * (1 if symbol.text.isalnum() else _MARK_DOUBT)
                added = word.symbols.add(text=symbol.text, confidence=sure)
                self._place(added.bounding_box, line.quad, symbol.start, symbol.end)
            word.confidence = _mean(symbol.confidence for symbol in word.symbols)
            text = "".join(symbol.text for symbol in symbols)
            self._word_texts.append(text)
            self._text.append(text)
            break_type = _break_after(symbols[-1], read, length / thickness, line_end)
            if break_type:
                added.property.detected_break.type_ = break_type
                self._text.append(_WHITE_SPACE[_Break(break_type)])

    def _place(self, box: Any, quad: Quad, start: float, end: float) -> None:
        top_left, top_right, bottom_right, bottom_left = quad
        self._set(
            box,
            (
                _between(top_left, top_right, start),
                _between(top_left, top_right, end),
                _between(bottom_left, bottom_right, end),
                _between(bottom_left, bottom_right, start),
            ),
        )

    def _outline(self, box: Any, lines: Sequence[Line]) -> None:
        self._set(box, self._frame.bounds([line.quad for line in lines]))

    def _set(self, box: Any, quad: Quad) -> None:
        for x, y in quad:
            box.vertices.add(x=round(x), y=round(y))

    def _add_entities(self, page: Any, text: str) -> None:
        words = [word for block in page.blocks for part in block.paragraphs for word in part.words]
        corners = [corner for block in page.blocks for corner in block.bounding_box.vertices]
        left, right = min(corner.x for corner in corners), max(corner.x for corner in corners)
        top, bottom = min(corner.y for corner in corners), max(corner.y for corner in corners)
        whole = self._response.text_annotations.add(description=text)
        self._set(whole.bounding_poly, ((left, top), (right, top), (right, bottom), (left, bottom)))
        for word, description in zip(words, self._word_texts, strict=True):
            self._response.text_annotations.add(description=description, bounding_poly=word.bounding_box)


def _words(symbols: Sequence[Symbol]) -> list[list[Symbol]]:
    """Split a line where white space was, and around every mark that is neither letter nor digit."""
    words: list[list[Symbol]] = []
    previous: Symbol | None = None
    for symbol in symbols:
        joined = previous and not previous.space_after and previous.text.isalnum() and symbol.text.isalnum()
        if joined:
            words[-1].append(symbol)
        else:
            words.append([symbol])
        previous = symbol
    return words


def _break_after(symbol: Symbol, line: Sequence[Symbol], line_heights: float, line_end: int) -> int:
    """Tell which break, if any (0), follows the last symbol of a word; a line is `line_heights` long."""
    if symbol is line[-1]:
        return int(line_end)
    if not symbol.space_after:
        return 0
    following = line[next(i for i, other in enumerate(line) if other is symbol) + 1]
    wide = (following.start - symbol.end) * line_heights > _SURE_SPACE_HEIGHTS
    return int(_Break.SURE_SPACE if wide else _Break.SPACE)


def _measure(quad: Quad) -> tuple[float, float]:
    """Return length and thickness of a line, in pixels, at least 1 each."""
    top_left, top_right, _, bottom_left = quad
    return max(1.0, math.dist(top_left, top_right)), max(1.0, math.dist(top_left, bottom_left))


def _between(a: Point, b: Point, share: float) -> Point:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def _mean(values: Any) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)

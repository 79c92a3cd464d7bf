"""Whether the fonts of a PDF say what they paint.

A font's map from glyphs to characters (ToUnicode, ISO 32000-1, 9.10) is used by nothing that draws the page. One that is
wrong shows nowhere but in the text that comes out: other digits than those painted. So each glyph is drawn once, in a small
square, and compared with the same character, and with the characters that it could be taken for, of the usual typefaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import log
from typing import Any, NamedTuple

import pymupdf
from pymupdf import mupdf

from intake.pages.textlayer import Layer

_SIDE = 16
"""Pixels across and down of a drawn glyph, whatever its proportions: so few that the weight of a typeface matters little."""
_PROPORTIONS = 0.15
"""How much a factor of e in a glyph's proportions weighs beside the share of its pixels that differ."""
_SURE = 0.04
"""How much nearer a digit must be to another one than to the one that the font claims. Over 141 text fonts 0.6 % of the digits
are, and all but 1 % of those that are given as another one."""
_ALIKE = 0.12
"""Difference up to which a letter is accepted as the one that the font claims, without comparing it to the others."""
_WRONG_LETTERS = 0.15
"""Share of letters that may look like others, as the odd shapes of a typeface do."""
_MARK_HEIGHT = 0.45
"""Share of the type size that a full stop or a hyphen stays below."""

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOW_MARKS = frozenset(" .,-\u00a0\u00ad\u2010\u2011\u2013\u00b7_")
# Small and capital letters of one shape, and letters whose shapes typefaces share.
_SAME_SHAPE = (
    "Oo",
    "lIiJj",
    "Ss",
    "Zz",
    "Cc",
    "Vvy",
    "Ww",
    "Xx",
    "Uu",
    "Kk",
    "Pp",
    "Mm",
    "YyVv",
    "gq",
    "Ff",
    "Tt",
    "Nn",
    "hn",
)
_TYPEFACES = ("helv", "hebo", "heit", "tiro", "tibo", "tiit", "cour", "cobo")


class _Drawn(NamedTuple):
    bits: int
    proportions: float
    height: float


class Fonts:
    """What is known of the fonts of one document.

    Args:
        document: The PDF.
    """

    def __init__(self, document: pymupdf.Document) -> None:
        self._document = document
        self._plain: dict[int, bool] = {}
        self._seen: dict[str, set[str]] = {}
        self._letters: dict[str, tuple[int, int]] = {}
        self._wrong: set[str] = set()

    def doubtful(self, page: pymupdf.Page, layer: Layer) -> set[str]:
        """Return the names of the page's fonts whose characters are not, or not certainly, those that are painted."""
        used: dict[str, set[str]] = {}
        for span in layer.spans:
            used.setdefault(span["font"], set()).update(span["text"])
        if not self._all_plain(page, used) and any(text - self._seen.get(name, set()) for name, text in used.items()):
            self._look(page, layer)
            for name, text in used.items():
                self._seen.setdefault(name, set()).update(text)
        return self._wrong & used.keys()

    def _all_plain(self, page: pymupdf.Page, used: Iterable[str]) -> bool:
        """Return whether all fonts are MuPDF's own, chosen by name, with a standard encoding: these cannot be wrong."""
        names = set()
        for xref, extension, kind, name, *_ in page.get_fonts(full=True):
            if xref not in self._plain:
                mapped = self._document.xref_get_key(xref, "ToUnicode")[0] != "null"
                self._plain[xref] = extension == "n/a" and kind != "Type3" and not mapped
            if not self._plain[xref]:
                return False
            names.add(name)
        return names.issuperset(used)  # those within a note's or a pattern's own resources are not listed

    def _look(self, page: pymupdf.Page, layer: Layer) -> None:
        """Compare the glyphs of a page with the characters that the font claims."""
        painted: dict[str, set[tuple[int, int]]] = {}
        for span in page.get_texttrace():
            painted.setdefault(span["font"], set()).update((character[0], character[1]) for character in span["chars"])
        fonts = _fonts(layer.text_page)
        for name, glyphs in painted.items():
            font = fonts.get(name)
            if font is None or name in self._wrong:
                continue
            if not font.m_internal.ft_face or not self._says_what_it_paints(name, font, glyphs):
                self._wrong.add(name)

    def _says_what_it_paints(self, name: str, font: mupdf.FzFont, glyphs: Iterable[tuple[int, int]]) -> bool:
        # Ligatures, and the further characters of a glyph that means several, have -1.
        if any(glyph < 0 and chr(character) in _DIGITS for character, glyph in glyphs if character >= 0):
            return False
        said = [(chr(character), glyph) for character, glyph in glyphs if character >= 0 and glyph >= 0]
        said = [(character, glyph) for character, glyph in said if character in _LOW_MARKS or character in _ALL]
        wrong, letters = self._letters.get(name, (0, 0))
        for (character, _), drawn in zip(said, _draw(font, [glyph for _, glyph in said]), strict=True):
            if drawn is None:
                continue
            if character in _LOW_MARKS:
                if drawn.height > _MARK_HEIGHT or character in " \u00a0":
                    return False
            elif character in _DIGITS:
                own = _difference(drawn, character)
                if any(_difference(drawn, other) < own - _SURE for other in _DIGITS if other != character):
                    return False
            else:
                letters += 1
                wrong += not _is_letter(drawn, character)
        self._letters[name] = wrong, letters
        return wrong <= 1 or wrong <= _WRONG_LETTERS * letters


def _is_letter(drawn: _Drawn, character: str) -> bool:
    own = min(_difference(drawn, alike) for alike in _alike(character))
    return own <= _ALIKE or all(
        _difference(drawn, other) >= own - _SURE / 2 for other in _LETTERS if other not in _alike(character)
    )


def _difference(drawn: _Drawn, character: str) -> float:
    return min(
        (drawn.bits ^ usual.bits).bit_count() / _SIDE**2
        + _PROPORTIONS * abs(log(drawn.proportions / usual.proportions))
        for usual in _usual()[character]
    )


@cache
def _alike(character: str) -> frozenset[str]:
    return frozenset(character).union(*(group for group in _SAME_SHAPE if character in group))


@cache
def _usual() -> dict[str, list[_Drawn]]:
    """Return how digits and letters look in the usual typefaces; MuPDF carries them in itself."""
    shapes: dict[str, list[_Drawn]] = {character: [] for character in _ALL}
    for typeface in _TYPEFACES:
        font = pymupdf.Font(typeface).this
        glyphs = [mupdf.fz_encode_character(font, ord(character)) for character in shapes]
        for character, drawn in zip(shapes, _draw(font, glyphs), strict=True):
            if drawn is not None:
                shapes[character].append(drawn)
    return shapes


def _draw(font: mupdf.FzFont, glyphs: Sequence[int]) -> list[_Drawn | None]:
    """Draw glyphs, each stretched to a square; None for one without ink."""
    width = _SIDE * len(glyphs)
    pixmap = pymupdf.Pixmap(pymupdf.csGRAY, (0, 0, max(width, 1), _SIDE), False)
    pixmap.clear_with(255)
    device = mupdf.fz_new_draw_device(mupdf.FzMatrix(), pixmap.this)
    grey, sizes = mupdf.fz_device_gray(), []
    for place, glyph in enumerate(glyphs):
        outline = mupdf.fz_outline_glyph(font, glyph, mupdf.FzMatrix())
        across = down = 0.0
        if outline.m_internal:  # a broken font has none
            box = mupdf.ll_fz_bound_path(outline.m_internal, None, _AS_IT_IS)
            across, down = box.x1 - box.x0, box.y1 - box.y0
        sizes.append((across, down))
        if _has_extent(across, down):
            x, y = _SIDE / across, _SIDE / down
            matrix = mupdf.FzMatrix(x, 0, 0, -y, place * _SIDE - box.x0 * x, box.y1 * y)
            # As a path, not as text: of text MuPDF rounds the origin, and a shift by a pixel is as much as two digits differ.
            mupdf.fz_fill_path(device, outline, 0, matrix, grey, _BLACK, 1.0, _PLAIN)
    mupdf.fz_close_device(device)
    samples = bytes(pixmap.samples_mv).translate(_BLACK_IS_ONE)
    rows = [samples[row * pixmap.stride : row * pixmap.stride + width] for row in range(_SIDE)]
    return [
        _Drawn(int(b"".join(row[place * _SIDE : (place + 1) * _SIDE] for row in rows), 2), across / down, down)
        if _has_extent(across, down)
        else None
        for place, (across, down) in enumerate(sizes)
    ]


def _has_extent(across: float, down: float) -> bool:
    """Return whether a glyph, in units of the type size, has a size that can be drawn."""
    return 0.001 < across < 10 and 0.001 < down < 10


def _fonts(text_page: pymupdf.TextPage) -> dict[str, mupdf.FzFont]:
    """Return the fonts of a text page by name."""
    found: dict[str, Any] = {}
    for block in text_page.this:
        if block.m_internal.type != mupdf.FZ_STEXT_BLOCK_TEXT:
            continue
        for line in block:
            character = line.m_internal.first_char
            while character:
                font = character.font
                found.setdefault(font.name, font)
                character = character.next
    return {name: mupdf.FzFont(mupdf.ll_fz_keep_font(font)) for name, font in found.items()}


_ALL = _DIGITS + _LETTERS
_BLACK_IS_ONE = bytes(ord("1") if value < 128 else ord("0") for value in range(256))
_BLACK, _PLAIN = mupdf.new_floats(1), mupdf.FzColorParams()
mupdf.floats_setitem(_BLACK, 0, 0.0)
_AS_IT_IS = mupdf.fz_matrix()
_AS_IT_IS.a, _AS_IT_IS.b, _AS_IT_IS.c, _AS_IT_IS.d, _AS_IT_IS.e, _AS_IT_IS.f = 1, 0, 0, 1, 0, 0
# With its subset's tag a name is that of one font.
pymupdf.TOOLS.set_subset_fontnames(True)

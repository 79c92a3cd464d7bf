"""Towns of New York by ZIP code: where a town begins in a line, and which one a misread word means.

The names are in towns.txt, which `tests/towns` writes; USPS's own abbreviations of their words are those of Publication 28,
appendix C1, and of its preferred city names (https://pe.usps.com/text/pub28/28apc_002.htm).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from itertools import product
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

_SHORT = {
    "NORTH": "N NO",
    "SOUTH": "S SO",
    "EAST": "E",
    "WEST": "W",
    "MOUNT": "MT",
    "SAINT": "ST",
    "FORT": "FT",
    "PORT": "PT",
    "POINT": "PT",
    "SPRINGS": "SPGS SPRGS SPNGS",
    "FALLS": "FLS",
    "HEIGHTS": "HTS HGTS",
    "CENTER": "CTR CENTRE",
    "JUNCTION": "JCT",
    "LAKE": "LK",
    "PARK": "PK",
    "ISLAND": "IS ISL",
    "HARBOR": "HBR HARBOUR",
    "MILLS": "MLS",
    "CORNERS": "CORS CRNRS",
    "BEACH": "BCH",
    "GARDENS": "GDNS",
    "STATION": "STA",
    "VALLEY": "VLY",
    "BRIDGE": "BRG",
    "HILLS": "HLS",
    "VILLAGE": "VLG",
    "TOWN": "TWN",
}
_LIKE = str.maketrans("0158", "OISB")
_NUMBER = re.compile(r".?\d(?![A-Za-z])|\d\d")  # APT 5 OWEGO is not in S OWEGO
_HALF = 0.5
_ONE_SLIP, _TWO_SLIPS = 4, 8
"""Letters of a town of which one may be misread, and of which two may."""


class Town(NamedTuple):
    """A town that was found.

    Attributes:
        begin: Where it begins in the text.
        name: As printed, with its blanks and with letters where OCR took one for a digit.
        slips: Letters that were misread.
    """

    begin: int
    name: str
    slips: int


def towns_at_end(text: str, code: str) -> list[Town]:
    """Return the towns of a ZIP code with whose name a text ends, whatever blanks it has; the longest name first."""
    letters, places = _compact(text)
    found = (
        Town(places[len(letters) - len(key)], name, 0)
        for key, name in _spellings(code).items()
        if letters.endswith(key)
    )
    return sorted(town for town in found if not _NUMBER.match(text, max(0, town.begin - 1)))


def misread_at_end(text: str, code: str) -> list[Town]:
    """Return the towns of a ZIP code that the words at the end of a text may be with no more than a slip or two."""
    found = ((begin, _resembles(text[begin:], code)) for begin in _begins(text))
    return [town._replace(begin=begin) for begin, town in found if town is not None]


def town_of_code(text: str, code: str) -> Town | None:
    """Return the town that a text names, if it is one of a ZIP code, with at most two letters misread."""
    letters, _ = _compact(text)
    if (name := _spellings(code).get(letters)) is not None:
        return Town(0, name, 0)
    return _resembles(text, code)


def is_elsewhere(text: str) -> bool:
    """Return whether a text names a town of New York, wherever it is."""
    return _compact(text)[0] in _everywhere()


def is_like(text: str, code: str) -> bool:
    """Return whether a text is half a town of a ZIP code: probably that town, too badly misread to correct."""
    letters, _ = _compact(text)
    best = process.extractOne(letters, list(_spellings(code)), scorer=Levenshtein.normalized_similarity, processor=None)
    return best is not None and best[1] >= _HALF


def is_near(text: str, code: str) -> bool:
    """Return whether a town has ZIP codes of the same region: utilities print townships, whose post office may be the next."""
    return code[:3] in _everywhere().get(_compact(text)[0], ())


def _resembles(text: str, code: str) -> Town | None:
    """Return the one town of a ZIP code that a text may be, misread."""
    letters, _ = _compact(text)
    slips = (len(letters) >= _ONE_SLIP) + (len(letters) >= _TWO_SLIPS)
    if not slips or letters in _everywhere():
        return None
    spellings = _spellings(code)
    near = process.extract(
        letters, list(spellings), scorer=Levenshtein.distance, processor=None, score_cutoff=slips, limit=3
    )
    best = [Town(0, spellings[key], round(distance)) for key, distance, _ in near if distance == near[0][1]]
    return best[0] if len(best) == 1 else None


def _begins(text: str) -> Iterator[int]:
    """Yield where words begin, behind the first."""
    for index in range(1, len(text)):
        if text[index].isalnum() and text[index - 1] in " ,.":
            yield index


@lru_cache(maxsize=1000)
def _compact(text: str) -> tuple[str, list[int]]:
    """Return the letters of a text in capitals, digits that look like one as letters, and where each stands."""
    places = [index for index, character in enumerate(text) if character.isalnum()]
    return "".join(text[index] for index in places).upper().translate(_LIKE), places


@cache
def _towns() -> Mapping[str, tuple[str, ...]]:
    lines = (resources.files(__package__) / "towns.txt").read_text(encoding="ascii").splitlines()
    return {line[:5]: tuple(line[6:].split(",")) for line in lines if not line.startswith("#")}


@cache
def _spellings(code: str) -> Mapping[str, str]:
    """Return the names of a ZIP code's towns, also with their words abbreviated, by their letters without blanks."""
    found: dict[str, str] = {}
    for town in _towns().get(code, ()):
        for words in product(*([word, *_SHORT.get(word, "").split()] for word in town.split())):
            name = " ".join(words)
            found.setdefault(_compact(name)[0], name)
    return found


@cache
def _everywhere() -> Mapping[str, set[str]]:
    """Return the regions (first three digits of the ZIP codes) of all towns, by their letters."""
    found: dict[str, set[str]] = {}
    for code in _towns():
        for letters in _spellings(code):
            found.setdefault(letters, set()).add(code[:3])
    return found

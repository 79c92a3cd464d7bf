"""Recognizes the utility and the kinds of pages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.geometry import TextPlane
from intake.extraction.labels import Anchor, Labels
from intake.extraction.utility_profiles import UtilityProfile, unknown, utilities

_NAME_ALONE = 0.86
_IN_TITLE = 0.93
_MARKS = 4
_BY_MARKS = 0.78
_PAGE = re.compile(r"\bpage\s?(\d{1,2})\s?of\s?\d", re.IGNORECASE)
_NAMES_ALIKE = 93.0  # `Supply Services` must not pass for `RGE Supply Service`


def utility_candidates(anchors: Iterable[Anchor]) -> list[Candidate[str]]:
    """Return where utilities are named.

    A logo or a name that stands alone counts more than one within a sentence: bills also name other companies.

    Args:
        anchors: What `name_labels` found.
    """
    found = []
    for anchor in anchors:
        kind, _, name = anchor.name.partition(":")
        if kind == "not_name":
            continue
        alone = len(anchor.phrase.tokens) <= anchor.stop - anchor.first + 3
        worth = _IN_TITLE if kind == "title" else _NAME_ALONE if alone else 0.35
        found.append(Candidate(name, worth * certainty(anchor.tokens), anchor.plane.page, anchor.tokens, "name"))
    return found


def layout_candidates(planes: Sequence[TextPlane], numbered: Callable[[UtilityProfile], bool]) -> list[Candidate[str]]:
    """Return the utilities whose layout is recognised by its marks; weaker than a name, so somebody has to check it.

    Args:
        planes: All planes.
        numbered: Tells whether an account number of a utility's format stands beside its label.
    """
    found = []
    for utility in utilities():
        anchors = [anchor for plane in planes for anchor in mark_labels(utility.name).find(plane)]
        if len({anchor.name for anchor in anchors}) >= _MARKS and numbered(utility):
            first = anchors[0]
            found.append(Candidate(utility.name, _BY_MARKS, first.plane.page, first.tokens, "layout"))
    return found


def pick(candidates: Iterable[Candidate[str]], formats: Mapping[str, float]) -> UtilityProfile:
    """Return the utility by whose utility_profiles the bill is read; what is reported is decided later and more strictly.

    Args:
        candidates: Of names.
        formats: Weight of numbers that only one utility prints, by its name.
    """
    score = defaultdict[str, float](float, formats)
    for candidate in candidates:
        score[candidate.value] += candidate.confidence
    ranked = sorted(utilities(), key=lambda utility: -score[utility.name])
    first, second = ranked[:2]
    return first if score[first.name] > max(0.3, 1.3 * score[second.name]) else unknown()


@cache
def name_labels() -> Labels:
    """Return all names of utilities as labels."""
    texts: dict[str, Sequence[str]] = {}
    for utility in utilities():
        texts[f"name:{utility.name}"] = utility.names
        texts[f"title:{utility.name}"] = utility.titles
        texts[f"not_name:{utility.name}"] = utility.not_names
    return Labels(texts, alike=_NAMES_ALIKE)


@cache
def field_labels(name: str) -> Labels:
    """Return everything that is looked for on the pages of a utility: labels, headings, marks of pages, billed totals."""
    utility = next((known for known in utilities() if known.name == name), unknown())
    return Labels(
        {
            **utility.labels,
            "billed": utility.usage["billed"],
            **{f"section:{kind}": headings for kind, headings in utility.sections.items()},
            **{f"history:{kind}": titles for kind, titles in utility.history.items()},
        }
    )


@cache
def mark_labels(name: str) -> Labels:
    """Return the marks of a utility's layout."""
    return Labels({mark: [mark] for utility in utilities() if utility.name == name for mark in utility.marks})


@cache
def page_labels(name: str) -> Labels:
    """Return the phrases by which kinds of pages are recognised."""
    utility = next((known for known in utilities() if known.name == name), unknown())
    return Labels({f"{kind}:{phrase}": [phrase] for kind, phrases in utility.pages.items() for phrase in phrases})


def page_kinds(planes: Iterable[TextPlane], utility: UtilityProfile) -> dict[int, Counter[str]]:
    """Return how many different phrases of each kind of page were seen, by page."""
    seen: dict[int, set[str]] = {}
    for plane in planes:
        found = page_labels(utility.name).find(plane)
        seen.setdefault(plane.page, set()).update(anchor.name for anchor in found)
    return {page: Counter(name.partition(":")[0] for name in names) for page, names in seen.items()}


def printed_pages(planes: Iterable[TextPlane]) -> dict[int, int]:
    """Return the page numbers that the bill itself prints, by page."""
    found: dict[int, int] = {}
    for plane in planes:
        for phrase in plane.phrases:
            if (match := _PAGE.search(phrase.text)) and plane.page not in found:
                found[plane.page] = int(match[1])
    return found

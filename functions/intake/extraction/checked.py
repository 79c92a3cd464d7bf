"""Checks a reading from the sandbox, which parses words from anybody and is not trusted.

An attacker who took over the sandbox can claim any value, just as anybody can print any value on a bill. They cannot write a
sentence for the agent, an object name or a log line, or any value of the wrong type or size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from intake.bounds import bounded
from intake.extraction.result import FIELDS, Diagnostics, Reading
from intake.extraction.usage_lines import Kind
from intake.extraction.utility_profiles import UtilityProfile, unknown, utilities

_HOW = frozenset(
    [
        "12",
        "months",
        "printed",
        "estimated",
        "from",
        "one",
        "period",
        "label",
        "left",
        "above",
        "line",
        "the",
        "account",
        "number",
        "format",
        "prefix",
        "completed",
        "position",
        "name",
        "layout",
        "scan",
        "and",
        "arithmetic",
    ]
).union(*(kind.value.split() for kind in Kind))
"""The words of which every `how` is made."""
_MOST_WORDS, _MOST_PAGES = 1_000_000, 10_000


def checked(document: object) -> Reading:
    """Return the reading that a document holds, without the fields that do not fit the table of bounds.

    Args:
        document: What `Reading.to_document` returned there.

    Raises:
        ValueError: It holds none.
    """
    try:
        reading = Reading.from_document(document)  # type: ignore[arg-type]
        diagnostics_fit = _fit(reading.diagnostics)
        fields_fit = all(
            name in FIELDS and _HOW.issuperset(found.how.split(" ")) for name, found in reading.fields.items()
        )
        utility = reading.fields.get("utility")
        known = utility is None or utility.value in {each.name for each in _known()}
        if diagnostics_fit and fields_fit and known:
            return bounded(reading)
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError from exc
    raise ValueError


def _fit(diagnostics: Diagnostics) -> bool:
    """Return whether each diagnostic has the type and range that it should have; an unknown one does not fit."""
    return all(_DIAGNOSTICS[each.name](getattr(diagnostics, each.name)) for each in fields(diagnostics))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_WORDS


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_said(value: object) -> bool:
    return isinstance(value, bool)


def _are_fields(names: Sequence[object]) -> bool:
    return all(name in FIELDS for name in names)


def _by_page(fits: Callable[[Any], bool]) -> Callable[[Mapping[str, Any]], bool]:
    def check(values: Mapping[str, Any]) -> bool:
        pages = len(values) <= _MOST_PAGES and all(re.fullmatch("[0-9]{1,5}", page) for page in values)
        return pages and all(map(fits, values.values()))

    return check


_DIAGNOSTICS: Mapping[str, Callable[[Any], bool]] = {
    "words": _is_count,
    "unsure": _is_share,
    "bill_marks": _is_count,
    "page_kinds": _by_page(lambda seen: set(seen) <= {kind for each in _known() for kind in each.pages}),
    "printed_pages": _by_page(_is_count),
    "photograph": lambda phrase: phrase in {each.photograph for each in _known()},
    "electric": _is_said,
    "gas": _is_said,
    "prints_pod": lambda said: said is None or _is_said(said),
    "account_cut": _is_said,
    "second_bill": _is_said,
    "conflicting": _are_fields,
    "low_confidence": _are_fields,
    "contradicting": lambda name: name in {each.name for each in _known()},
}


def _known() -> list[UtilityProfile]:
    """Return the utilities, the unknown one among them: whatever of their data comes into a sentence is ours."""
    return [unknown(), *utilities()]

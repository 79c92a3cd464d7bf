"""A reading as it comes from the process that made it, which handles words from anybody and is not trusted.

Whoever took that process over may claim any values, as he could print any on his bill; but not write a sentence for the agent,
a name of an object or a line of a log, and nothing that is not of the kind and size that it should be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from intake.bounds import bounded
from intake.reading.knowledge import unknown, utilities
from intake.reading.result import FIELDS, Reading, Signs

_HOW = re.compile("[a-z0-9 ,-]{1,60}")
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
        signs_fit = _fit(reading.signs)
        fields_fit = all(name in FIELDS and _HOW.fullmatch(found.how) for name, found in reading.fields.items())
        utility = reading.fields.get("utility")
        known = utility is None or utility.value in {each.name for each in utilities()}
        if signs_fit and fields_fit and known:
            return bounded(reading)
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError from exc
    raise ValueError


def _fit(signs: Signs) -> bool:
    phrases, kinds = _said()
    return (
        all(map(_is_count, (signs.words, signs.bill_marks)))
        and isinstance(signs.unsure, int | float)
        and 0 <= signs.unsure <= 1
        and _by_page(signs.page_kinds, lambda seen: set(seen) <= kinds)
        and _by_page(signs.printed_pages, _is_count)
        and signs.photograph in phrases
        and all(isinstance(said, bool) for said in (signs.electric, signs.gas, signs.account_cut))
        and signs.prints_pod in (True, False, None)
        and all(name in FIELDS for names in (signs.rivals, signs.doubted) for name in names)
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_WORDS


def _by_page(values: Mapping[str, Any], fits: Any) -> bool:
    pages = len(values) <= _MOST_PAGES and all(re.fullmatch("[0-9]{1,5}", page) for page in values)
    return pages and all(map(fits, values.values()))


@cache
def _said() -> tuple[set[str], set[str]]:
    """Return the phrases and the kinds of pages that the data of the utilities can bring into a reading."""
    known: Sequence[Any] = [unknown(), *utilities()]
    return {each.photograph for each in known}, {kind for each in known for kind in each.pages}

"""The search queries of files.list that the functions use: terms joined by `and`.

https://developers.google.com/workspace/drive/api/guides/search-files and .../ref-search-terms . Carried out are
`appProperties has { key='K' and value='V' }`, `'ID' in parents`, `mimeType = 'M'` and `trashed = true|false`; any other term is
answered 501. Google's index of app properties may lag behind by a moment; this one does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from infra.local.drive.errors import invalid, unimplemented
from infra.local.drive.store import Item

_TEXT = r"'((?:[^'\\]|\\.)*)'"
_TERMS: list[tuple[re.Pattern[str], Callable[[re.Match[str], Item], bool]]] = [
    (
        re.compile(rf"appProperties\s+has\s+\{{\s*key\s*=\s*{_TEXT}\s+and\s+value\s*=\s*{_TEXT}\s*\}}"),
        lambda found, item: item.app_properties.get(_plain(found[1])) == _plain(found[2]),
    ),
    (re.compile(rf"{_TEXT}\s+in\s+parents"), lambda found, item: _plain(found[1]) in item.parents),
    (re.compile(rf"mimeType\s*=\s*{_TEXT}"), lambda found, item: item.mime_type == _plain(found[1])),
    (re.compile(r"trashed\s*=\s*(true|false)"), lambda found, item: item.trashed == (found[1] == "true")),
]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def matcher(query: str) -> Callable[[Item], bool]:
    """Return whether an item is found by a query, as a function of the item.

    Raises:
        DriveError: 400 when the query cannot be read, 501 for a term that is not carried out here.
    """
    terms: list[Callable[[Item], bool]] = []
    rest = query.strip()
    while rest:
        for pattern, holds in _TERMS:
            if found := pattern.match(rest):
                terms.append(lambda item, found=found, holds=holds: holds(found, item))  # type: ignore[misc]
                rest = rest[found.end() :].strip()
                break
        else:
            raise unimplemented(f"the query term at {rest[:40]!r}")
        if rest:
            word, _, rest = rest.partition(" ")
            if word != "and" or not rest.strip():
                raise invalid("Invalid Value")
            rest = rest.strip()
    return lambda item: all(term(item) for term in terms)

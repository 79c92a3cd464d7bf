"""Where the program stumbled over a file, in words of which none can be the file's.

Whoever took the worker over may say what he likes; what gets into a log is a built-in kind of exception and places in our code.
"""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2]
_MOST_PLACES = 30
_MOST_LINES = 10_000


def stumble_of(exc: BaseException) -> dict[str, Any]:
    """Return what may be said of an exception: its kind, and files and lines of our own code."""
    places = [
        [str(Path(frame.filename).relative_to(_FOLDER)), frame.lineno]
        for frame in traceback.extract_tb(exc.__traceback__)
        if Path(frame.filename).is_relative_to(_FOLDER)
    ]
    return {"exception": type(exc).__name__, "places": places[-_MOST_PLACES:]}


def checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a stumble may be logged.

    Args:
        said: What the worker said, see `stumble_of`; not trusted.
    """
    name, places = said.get("exception"), said.get("places")
    kind = getattr(builtins, name, None) if isinstance(name, str) else None
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    found = [
        f"{place[0]}:{place[1]}"
        for place in (places if isinstance(places, list) else [])[:_MOST_PLACES]
        if isinstance(place, list)
        and len(place) == 2
        and place[0] in _files()
        and isinstance(place[1], int)
        and 0 < place[1] < _MOST_LINES
    ]
    return {"exception": name if known else "of a library", "stack": found}


@cache
def _files() -> list[str]:
    return [str(path.relative_to(_FOLDER)) for path in _FOLDER.rglob("*.py")]

"""What the worker may report of a file: one of the errors below, or where our program failed on it.

The worker handles files from anybody, so what it says is not trusted: whoever took it over may send anything. A report
becomes an error only if the error is listed for the operation and each of its figures is a whole number within the bounds
given here. The sentence is ours. Of an unexpected exception, only the name of a built-in exception and places in our own
code get into the log.
"""

from __future__ import annotations

import builtins
import errno
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from intake import errors
from intake.errors import BadFile
from intake.pages.sandbox.syscalls import GAPS

Figures = Mapping[str, range]
"""The figures that an error's sentence names, and what each may be."""

MAX_MEGAPIXELS = 99_999
_ANY_FILE: Mapping[type[BadFile], Figures] = {
    errors.BrokenFile: {},
    errors.EncryptedPdf: {},
    errors.NoPages: {},
    errors.DocumentsInside: {},
    errors.AvifPicture: {},
    errors.UnusualPicture: {},
    errors.PictureTooLarge: {"megapixels": range(1, MAX_MEGAPIXELS + 1), "limit": range(1, 1000)},
}
REPORTABLE: Mapping[str, Mapping[type[BadFile], Figures]] = {
    "open": _ANY_FILE,
    "page": _ANY_FILE,
    "clean": {errors.LocationNotRemoved: {}},
}
"""By operation. What the worker exhausts is not reported but seen from outside, see `process.WorkerEnded`."""

_FOLDER = Path(__file__).parents[2]
_MAX_PLACES = 30
_MAX_LINE = 10_000


def report_of(error: BadFile) -> dict[str, Any]:
    """Return what the worker sends for an error of a file; figures beyond the bounds are sent as the bound."""
    bounds = _ANY_FILE.get(type(error), {})
    figures = {name: min(error.figures[name], allowed[-1]) for name, allowed in bounds.items()}
    return {"bad_file": error.code, "figures": figures}


def failure_of(exc: BaseException) -> dict[str, Any]:
    """Return what the worker sends for an unexpected exception: its kind, and files and lines of our own code."""
    places = [
        [str(Path(frame.filename).relative_to(_FOLDER)), frame.lineno]
        for frame in traceback.extract_tb(exc.__traceback__)
        if Path(frame.filename).is_relative_to(_FOLDER)
    ]
    return {"bad_file": "", "exception": type(exc).__name__, "places": places[-_MAX_PLACES:]}


def bad_file_of(operation: object, report: Mapping[str, Any], number: int) -> BadFile | None:
    """Return the error that the worker reports, or None if the report is not one that it may make.

    Args:
        operation: What the worker was asked to do.
        report: Its answer; not trusted.
        number: 1-based position of the file in the submission.
    """
    code, figures = report.get("bad_file"), report.get("figures")
    for error, bounds in REPORTABLE.get(str(operation), {}).items():
        if code == error.code:
            return error(number, **figures) if isinstance(figures, dict) and _fit(figures, bounds) else None
    return None


def _fit(figures: Mapping[str, object], bounds: Figures) -> bool:
    return figures.keys() == bounds.keys() and all(
        type(figure) is int and figure in bounds[name] for name, figure in figures.items()
    )


def loggable(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be logged of an unexpected exception in the worker.

    Args:
        report: Its answer, see `failure_of`; not trusted.
    """
    name, places = report.get("exception"), report.get("places")
    kind = getattr(builtins, name, None) if isinstance(name, str) else None
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    stack = [
        f"{place[0]}:{place[1]}"
        for place in (places if isinstance(places, list) else [])[:_MAX_PLACES]
        if isinstance(place, list)
        and len(place) == 2
        and place[0] in _files()
        and type(place[1]) is int
        and 0 < place[1] < _MAX_LINE
    ]
    return {"exception": name if known else "from a library", "stack": stack}


def loggable_gaps(gaps: object) -> str:
    """Return what may be logged of what the sandbox lacks.

    Args:
        gaps: What the worker says when it starts, see `syscalls.apply_filter`; not trusted.
    """
    if gaps == "":
        return "nothing"
    what, _, reason = str(gaps).partition(": ")
    return f"{what}: {reason}" if what in GAPS and reason in (*errno.errorcode.values(), "unknown") else "unknown"


@cache
def _files() -> list[str]:
    return [str(path.relative_to(_FOLDER)) for path in _FOLDER.rglob("*.py")]

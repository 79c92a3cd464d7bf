"""Errors: the tree says whose fault it is, and every sentence says what is wrong and what to do."""

from __future__ import annotations

import inspect
import re
import string
from typing import Any

import pytest
from intake import errors
from intake.errors import (
    BadFile,
    BadRequest,
    FileError,
    IntakeError,
    Interrupted,
    Problem,
    QuotaError,
    RequestError,
    TemporaryError,
    UpstreamError,
)

PROBLEM = Problem("empty_file", "bill", "File 1 is empty (0 bytes). Take the photo again or choose another file.")
GROUPS = [FileError, Interrupted, QuotaError, RequestError, UpstreamError]
KINDS = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, IntakeError) and kind not in (*GROUPS, TemporaryError)
]
ARGUMENTS: dict[type[IntakeError], tuple[Any, ...]] = {
    errors.WrongMethod: ("POST",),
    errors.DailyQuotaExceeded: (5000,),
    errors.TooManySubmissions: (60,),
    BadRequest: ([PROBLEM, PROBLEM],),
}


def example_of(kind: type[IntakeError]) -> IntakeError:
    """Return an error with figures in its sentence."""
    if issubclass(kind, FileError):
        names = {name for _, name, _, _ in string.Formatter().parse(kind.template) if name}
        return kind(**dict.fromkeys(names | ({"number"} if issubclass(kind, BadFile) else set()), 7))
    return kind(*ARGUMENTS.get(kind, ()))


def test_codes_are_those_that_the_page_and_the_command_line_know() -> None:
    """A code tells one error from every other, and does not change."""
    codes = [kind.code for kind in KINDS]
    assert sorted(codes) == sorted(
        [
            "avif_picture",
            "bad_file",
            "bad_idempotency_key",
            "bill_too_slow",
            "broken_file",
            "daily_limit",
            "daily_limit_passed",
            "documents_inside",
            "drive_unavailable",
            "encrypted_pdf",
            "file_stops_program",
            "file_too_large_in_memory",
            "file_too_slow",
            "gave_up",
            "idempotency_key_reused",
            "internal",
            "invalid_submission",
            "lease_lost",
            "location_not_removed",
            "malformed_upload",
            "no_pages",
            "not_from_the_page",
            "not_multipart",
            "ocr_unavailable",
            "out_of_time",
            "picture_too_large",
            "rows_refused",
            "sheet_blocked",
            "sheet_moved",
            "sheet_unavailable",
            "too_many_pages",
            "too_many_pages_from_connection",
            "too_many_pictures",
            "too_many_submissions",
            "unknown_intake",
            "unusual_picture",
            "upload_abandoned",
            "worker_lost",
            "wrong_method",
        ]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree_says_whose_fault_it_is(kind: type[IntakeError]) -> None:
    """Each error is in one group, whose status it has; only our own faults are in none."""
    groups = [group for group in GROUPS if issubclass(kind, group)]
    assert len(groups) == (0 if kind in (IntakeError, errors.GaveUp) else 1)
    statuses = {FileError: range(422, 423), RequestError: range(400, 500), QuotaError: (422, 429, 503)}
    assert kind.status in (statuses.get(groups[0], (503,)) if groups else (500,))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (BadFile, BadRequest)])
def test_says_what_is_wrong_and_what_to_do(kind: type[IntakeError]) -> None:
    """Whoever reads a sentence learns what is wrong, and then what to do or what we do."""
    error = example_of(kind)
    first, *others = re.split(r"(?<=\.) ", error.message)
    assert first.endswith(".")
    assert others
    assert re.match(r"(Please|Send|Make|Use|Check|Take|Open|The (page|row|copy) will)\b", others[-1])
    assert error.to_dict() == {"code": kind.code, "message": str(error), "errors": []}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, FileError)])
def test_files_are_spoken_of_by_number(kind: type[FileError]) -> None:
    """A sentence about a file is filled with numbers only, because a file's name may hold a person's."""
    names = {name for _, name, _, _ in string.Formatter().parse(kind.template) if name}
    assert names <= {"number", "pages", "limit", "megapixels", "megabytes", "seconds"}


def test_one_problem_speaks_for_the_whole() -> None:
    """A request with one problem has that problem's code and sentence."""
    assert BadRequest([PROBLEM]).to_dict() == {
        "code": "empty_file",
        "message": PROBLEM.message,
        "errors": [{"code": "empty_file", "field": "bill", "message": PROBLEM.message}],
    }


def test_several_problems_are_listed() -> None:
    """A request with several problems lists all of them."""
    other = Problem("missing_field", "title", "Enter the contact's title, such as Owner.")
    assert BadRequest([other, PROBLEM]).to_dict() == {
        "code": "invalid_submission",
        "message": "Fix 2 problems, then send the form again.",
        "errors": [other.to_dict(), PROBLEM.to_dict()],
    }

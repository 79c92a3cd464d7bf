"""The sentences that people read, word for word."""

from __future__ import annotations

import re
import string

import pytest
from intake import errors
from intake.errors import BadFile, BadRequest, IntakeError, Problem

PROBLEM = Problem("empty_file", "bill", "File 1 is empty (0 bytes). Take the photo again or choose another file.")

SENTENCES = [
    (IntakeError(), "internal", 500, "Something went wrong on our side. Please try again in a minute."),
    (
        errors.WrongMethod("POST"),
        "wrong_method",
        405,
        "This address only answers POST requests. Send the request with POST.",
    ),
    (
        errors.NotMultipart(),
        "not_multipart",
        415,
        "A submission must be sent as multipart/form-data with a boundary. Send the form with its files attached.",
    ),
    (
        errors.MalformedUpload(),
        "malformed_upload",
        400,
        "The upload broke off or was damaged on the way, so nothing was kept. Please send it again.",
    ),
    (
        errors.BadIdempotencyKey(),
        "bad_idempotency_key",
        400,
        "The Idempotency-Key header must be 32 to 64 letters, digits or hyphens, such as a random UUID. Make a new key.",
    ),
    (
        errors.IdempotencyKeyReused(),
        "idempotency_key_reused",
        409,
        "This Idempotency-Key already belongs to a submission with other answers or files. "
        "Use a new key for a new submission.",
    ),
    (
        errors.UnknownIntake(),
        "unknown_intake",
        404,
        "There is no submission with this id. Check that the address was copied whole.",
    ),
    (
        BadRequest([PROBLEM, PROBLEM]),
        "invalid_submission",
        422,
        "2 things need to be mended before this can be sent.",
    ),
    (BadFile(2), "bad_file", 422, "File 2 cannot be read."),
    (
        errors.NotFromThePage(),
        "not_from_the_page",
        401,
        "Only the intake form can send bills here, and this did not come from it. Please reload the form and try again.",
    ),
    (
        errors.DailyQuotaExceeded(5000),
        "daily_limit",
        503,
        "No more bills can be taken in now: at most 5000 pages within 24 hours. "
        "Send this one again in an hour, or tell the office.",
    ),
    (
        errors.PageQuotaExceeded(),
        "daily_limit_passed",
        422,
        "This bill was not taken in: the pages for this day are used up. Send it again tomorrow, or tell the office.",
    ),
    (
        errors.TooManySubmissions(60),
        "too_many_submissions",
        429,
        "Too many bills came from this connection: at most 60 within an hour. "
        "Send this one again in ten minutes, or from another connection.",
    ),
    (
        errors.EncryptedPdf(2),
        "encrypted_pdf",
        422,
        "File 2 is a PDF that asks for a password. Send it without a password, or send photos of the pages.",
    ),
    (
        errors.BrokenFile(2),
        "broken_file",
        422,
        "File 2 is damaged and cannot be opened. Take the photo again, or download the PDF again, and send that.",
    ),
    (
        errors.NoPages(2),
        "no_pages",
        422,
        "File 2 is a PDF without any page. Send the PDF of the whole bill, or photos of its pages.",
    ),
    (
        errors.DocumentsInside(2),
        "documents_inside",
        422,
        "File 2 is a PDF that holds its documents inside. Open it, save the bill itself, and send that.",
    ),
    (
        errors.AvifPicture(2),
        "avif_picture",
        422,
        "File 2 is an AVIF picture, which is not supported. Send it as a JPEG, or send a screenshot of it.",
    ),
    (
        errors.UnusualPicture(2),
        "unusual_picture",
        422,
        "File 2 is a picture coded in a way that few programs can open. "
        "Send a screenshot of it, or take the photo again.",
    ),
    (
        errors.FileTooSlow(2, seconds=15),
        "file_too_slow",
        422,
        "File 2 takes more than 15 seconds to open or to draw a page; no bill needs that long. "
        "Send photos of the pages, or print the file to a new PDF and send that.",
    ),
    (
        errors.BillTooSlow(1, seconds=24),
        "bill_too_slow",
        422,
        "The files take more than 24 seconds to open and to draw all their pages; no bill needs that long. "
        "Send only the pages of this bill, as photos or printed to a new PDF.",
    ),
    (
        errors.LeaseLost(),
        "lease_lost",
        503,
        "Another run has taken this over. The page will be read by that one.",
    ),
    (
        errors.OutOfTime(),
        "out_of_time",
        503,
        "There is no time left in this run. The page will be read by the next one.",
    ),
    (
        errors.FileTooLargeInMemory(2, megabytes=290),
        "file_too_large_in_memory",
        422,
        "File 2 swells to more than 290 MB when it is opened; no bill needs that much. "
        "Send photos of the pages, or print the file to a new PDF and send that.",
    ),
    (
        errors.FileCrashesReader(2),
        "file_stops_program",
        422,
        "File 2 is damaged in a way that stops the program that opens it. "
        "Send photos of the pages, or print the file to a new PDF and send that.",
    ),
    (
        errors.WorkerLost(),
        "worker_lost",
        503,
        "The program that opens files was interrupted. The page will be read again.",
    ),
    (
        errors.TooManyPictures(1, limit=500),
        "too_many_pictures",
        422,
        "The pages are so long that they have to be read in more than 500 pieces. Send only the pages of this bill, each as a "
        "photo or screenshot of its own.",
    ),
    (
        errors.ClientQuotaExceeded(),
        "too_many_pages_from_connection",
        422,
        "This bill was not taken in: too many pages came from this connection within a day. Send it again tomorrow, or from "
        "another connection.",
    ),
    (
        errors.TooManyPages(1, pages=501, limit=500),
        "too_many_pages",
        422,
        "The files have 501 pages together; a submission can have at most 500. Send only the pages of this bill.",
    ),
    (
        errors.PictureTooLarge(2, megapixels=41, limit=40),
        "picture_too_large",
        422,
        "File 2 has a picture of 41 megapixels; this kind can have at most 40. "
        "Send it as a JPEG photo at normal quality.",
    ),
    (
        errors.TemporaryError(),
        "temporarily_unavailable",
        503,
        "The service is busy or partly down. Please try again in a minute.",
    ),
    (
        errors.UploadAbandoned(),
        "upload_abandoned",
        503,
        "The upload took too long, so nothing was kept. Please send it again.",
    ),
    (
        errors.OcrUnavailable(),
        "ocr_unavailable",
        503,
        "The text recognition service did not answer in time. The page will be read again.",
    ),
    (
        errors.SheetUnavailable(),
        "sheet_unavailable",
        503,
        "The Google Sheet could not be written. The row will be written again.",
    ),
    (
        errors.SheetMoved(),
        "sheet_moved",
        503,
        "The Google Sheet was changed by somebody else at this moment. The row will be written again.",
    ),
    (
        errors.SheetBlocked(),
        "sheet_blocked",
        503,
        "Google refuses every write to the Sheet, so rows wait. Check the reason that it gives, and mend the Sheet.",
    ),
    (
        errors.RowsRefused(),
        "rows_refused",
        503,
        "Google refused a row for what is in it. The row will be written with less.",
    ),
    (
        errors.DriveUnavailable(),
        "drive_unavailable",
        503,
        "Google Drive could not be used. The copy will be made again.",
    ),
    (
        errors.LocationNotRemoved(1),
        "location_not_removed",
        422,
        "File 1 was not copied: where it was taken might still be in it. Use the link to the bill.",
    ),
    (
        errors.GaveUp(),
        "gave_up",
        500,
        "The bill could not be read in spite of several attempts; the fault is on our side and the files are kept. "
        "Please send it again later, or tell the office.",
    ),
]
CLASSES = [type(error) for error, *_ in SENTENCES]


@pytest.mark.parametrize(("error", "code", "status", "message"), SENTENCES, ids=[kind.__name__ for kind in CLASSES])
def test_sentence(error: IntakeError, code: str, status: int, message: str) -> None:
    """Code, status and sentence are what programs and people rely on."""
    assert (error.code, error.status, error.message, str(error)) == (code, status, message, message)


def test_every_error_is_above() -> None:
    """No error is left out of the list."""
    defined = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, IntakeError)}
    assert defined == set(CLASSES)


def test_codes_are_unique() -> None:
    """A code tells one error from every other."""
    codes = [kind.code for kind in CLASSES]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", CLASSES)
def test_only_temporary_errors_are_retried(kind: type[IntakeError]) -> None:
    """A retry helps against passing trouble and nothing else."""
    assert kind.retryable == issubclass(kind, errors.TemporaryError)


@pytest.mark.parametrize(
    ("error", "message"),
    [(error, message) for error, _, _, message in SENTENCES],
    ids=[kind.__name__ for kind in CLASSES],
)
def test_says_what_is_wrong_and_what_to_do(error: IntakeError, message: str) -> None:
    """Whoever reads a sentence learns what is wrong, and then what to do or what we do."""
    if type(error) in (BadFile, BadRequest):  # The one is never raised itself, the other lists sentences of its own.
        return
    first, *others = re.split(r"(?<=\.) ", message)
    assert first.endswith(".")
    assert others
    assert re.match(r"(Please|Send|Make|Use|Check|Take|Open|The (page|row|copy) will)\b", others[-1])


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, BadFile)])
def test_files_are_spoken_of_by_number(kind: type[BadFile]) -> None:
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
    body = BadRequest([other, PROBLEM]).to_dict()
    assert body["code"] == "invalid_submission"
    assert body["errors"] == [other.to_dict(), PROBLEM.to_dict()]


def test_other_errors_have_an_empty_list() -> None:
    """Every error answer has the same shape."""
    assert errors.UnknownIntake().to_dict() == {
        "code": "unknown_intake",
        "message": "There is no submission with this id. Check that the address was copied whole.",
        "errors": [],
    }

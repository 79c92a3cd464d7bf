"""Every way an intake can go wrong, as data: a code, an HTTP status, whether a retry helps, and the sentence a person reads.

A sentence says what is wrong, what the rule is and what to do. It never holds anything of the submission (no names,
no file names, no text of the bill), so it can be logged and shown as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing that the submitter can mend.

    Attributes:
        code: Stable name for programs, such as `empty_file`.
        field: Form field it belongs to (`bill` for the files), or "" when it concerns the whole request.
        message: The sentence for the person.
    """

    code: str
    field: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON shape that the form reads."""
        return {"code": self.code, "field": self.field, "message": self.message}


class IntakeError(Exception):
    """Base of all expected failures.

    Attributes:
        code: Stable name for programs.
        status: HTTP status when it reaches an HTTP caller.
        retryable: Whether doing the same again later can help. Retryable errors are raised out of event functions so
            that Pub/Sub delivers again; the others are recorded on the intake.
        message: The sentence for the person.
        retry_after_s: When it makes sense to ask again, for HTTP's Retry-After; None to leave that open.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    retry_after_s: ClassVar[int | None] = None
    message: str = "Something went wrong on our side. Please try again in a minute."

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON body of an error answer."""
        return {"code": self.code, "message": self.message, "errors": []}


# --- the request as a whole -------------------------------------------------------------------------------------------


class WrongMethod(IntakeError):
    """The endpoint was called with a method it does not have."""

    code = "wrong_method"
    status = 405

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"This address only answers {allowed} requests. Send the request with {allowed}.")


class NotMultipart(IntakeError):
    """The body is not a multipart form."""

    code = "not_multipart"
    status = 415
    message = "A submission must be sent as multipart/form-data with a boundary. Send the form with its files attached."


class MalformedUpload(IntakeError):
    """The multipart body breaks off or cannot be parsed."""

    code = "malformed_upload"
    status = 400
    message = "The upload broke off or was damaged on the way, so nothing was kept. Please send it again."


class BadIdempotencyKey(IntakeError):
    """The Idempotency-Key header could be guessed or is not a key at all."""

    code = "bad_idempotency_key"
    status = 400
    message = (
        "The Idempotency-Key header must be 32 to 64 letters, digits or hyphens, such as a random UUID. Make a new key."
    )


class IdempotencyKeyReused(IntakeError):
    """The key already belongs to a submission with other content."""

    code = "idempotency_key_reused"
    status = 409
    message = (
        "This Idempotency-Key already belongs to a submission with other answers or files. "
        "Use a new key for a new submission."
    )


class UnknownIntake(IntakeError):
    """No intake ever had this id."""

    code = "unknown_intake"
    status = 404
    message = "There is no submission with this id. Check that the address was copied whole."


class NotFromThePage(IntakeError):
    """App Check is on, and the request has no token of it that holds."""

    code = "not_from_the_page"
    status = 401
    message = (
        "Only the intake form can send bills here, and this did not come from it. Please reload the form and try again."
    )


class DailyQuotaExceeded(IntakeError):
    """The pages that may be taken in within 24 hours are spent.

    Args:
        limit: How many those are.
    """

    code = "daily_limit"
    status = 503
    retry_after_s = 3600

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"No more bills can be taken in now: at most {limit} pages within 24 hours. "
            "Send this one again in an hour, or tell the office."
        )


class TooManySubmissions(IntakeError):
    """One address has sent as much as is allowed.

    Args:
        limit: How much that is.
        what: What was counted.
        within: Within which time.
        then: When to send it again.
    """

    code = "too_many_submissions"
    status = 429
    retry_after_s = 600

    def __init__(self, limit: int, what: str = "bills", within: str = "an hour", then: str = "in ten minutes") -> None:
        super().__init__(
            f"Too many {what} came from this connection: at most {limit} within {within}. "
            f"Send this one again {then}, or from another connection."
        )


class BadRequest(IntakeError):
    """A submission whose answers or files need mending; carries every problem at once."""

    code = "invalid_submission"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__(self.problems[0].message)
        else:
            super().__init__(f"{len(self.problems)} things need to be mended before this can be sent.")

    def to_dict(self) -> dict[str, object]:
        """Return the JSON body: the code of the only problem, or `invalid_submission`, and all problems by field."""
        code = self.problems[0].code if len(self.problems) == 1 else self.code
        return {"code": code, "message": self.message, "errors": [problem.to_dict() for problem in self.problems]}


# --- the files, found by the functions that open them ------------------------------------------------------------------


class BadFile(IntakeError):
    """A file that no retry can turn into a bill; the intake fails with this reason and its files are deleted.

    Args:
        number: 1-based position of the file in the submission. File names may hold a person's name, so files are
            spoken of by position.
        **details: Numbers that the sentence names.

    Attributes:
        details: The same.
    """

    code = "bad_file"
    status = 422
    template: ClassVar[str] = "File {number} cannot be read."

    def __init__(self, number: int, **details: object) -> None:
        self.details = details
        super().__init__(self.template.format(number=number, **details))


class EncryptedPdf(BadFile):
    """The PDF wants a password."""

    code = "encrypted_pdf"
    template = (
        "File {number} is a PDF that asks for a password. Send it without a password, or send photos of the pages."
    )


class BrokenFile(BadFile):
    """The bytes begin like a known format but cannot be opened."""

    code = "broken_file"
    template = (
        "File {number} is damaged and cannot be opened. Take the photo again, or download the PDF again, and send that."
    )


class NoPages(BadFile):
    """The PDF holds no page."""

    code = "no_pages"
    template = "File {number} is a PDF without any page. Send the PDF of the whole bill, or photos of its pages."


class DocumentsInside(BadFile):
    """The PDF is a portfolio, or a form that is made when it is opened: its pages are not the bill."""

    code = "documents_inside"
    template = "File {number} is a PDF that holds its documents inside. Open it, save the bill itself, and send that."


class TooManyPages(BadFile):
    """More pages than one submission may have."""

    code = "too_many_pages"
    template = "The files have {pages} pages together; a submission can have at most {limit}. Send only the pages of this bill."


class TooManyPictures(BadFile):
    """Pages so long that, cut up to be read, they make more pictures than a submission may have pages."""

    code = "too_many_pictures"
    template = (
        "The pages are so long that they have to be read in more than {limit} pieces. Send only the pages of this bill, "
        "each as a photo or screenshot of its own."
    )


class ClientQuotaExceeded(BadFile):
    """The bill's pages are more than one connection may have read within a day."""

    code = "too_many_pages_from_connection"
    template = (
        "This bill was not taken in: too many pages came from this connection within a day. Send it again tomorrow, or "
        "from another connection."
    )

    def __init__(self) -> None:
        super().__init__(1)


class PageQuotaExceeded(BadFile):
    """The bill's pages do not fit into this day any more, by far."""

    code = "daily_limit_passed"
    template = (
        "This bill was not taken in: the pages for this day are used up. Send it again tomorrow, or tell the office."
    )

    def __init__(self) -> None:
        super().__init__(1)


class PictureTooLarge(BadFile):
    """A picture with more pixels than the memory of a function allows for its format."""

    code = "picture_too_large"
    template = (
        "File {number} has a picture of {megapixels} megapixels; this kind can have at most {limit}. "
        "Send it as a JPEG photo at normal quality."
    )


class AvifPicture(BadFile):
    """An AVIF picture that calls itself HEIC."""

    code = "avif_picture"
    template = (
        "File {number} is an AVIF picture, which is not supported. Send it as a JPEG, or send a screenshot of it."
    )


class UnusualPicture(BadFile):
    """A picture coded in a way that the decoders here do not know, such as a JPEG of 12 bits a sample."""

    code = "unusual_picture"
    template = (
        "File {number} is a picture coded in a way that few programs can open. "
        "Send a screenshot of it, or take the photo again."
    )


class FileTooSlow(BadFile):
    """Opening the file, or drawing one of its pages, takes longer than any bill does."""

    code = "file_too_slow"
    template = (
        "File {number} takes more than {seconds} seconds to open or to draw a page; no bill needs that long. "
        "Send photos of the pages, or print the file to a new PDF and send that."
    )


class BillTooSlow(BadFile):
    """All files of a submission together take longer than those of any bill do."""

    code = "bill_too_slow"
    template = (
        "The files take more than {seconds} seconds to open and to draw all their pages; no bill needs that long. "
        "Send only the pages of this bill, as photos or printed to a new PDF."
    )


class FileTooLargeInMemory(BadFile):
    """The file swells, when opened, to more memory than a function has for it."""

    code = "file_too_large_in_memory"
    template = (
        "File {number} swells to more than {megabytes} MB when it is opened; no bill needs that much. "
        "Send photos of the pages, or print the file to a new PDF and send that."
    )


class FileCrashesReader(BadFile):
    """The program that opens files crashed on this one."""

    code = "file_stops_program"
    template = (
        "File {number} is damaged in a way that stops the program that opens it. "
        "Send photos of the pages, or print the file to a new PDF and send that."
    )


# --- passing trouble: a retry helps -------------------------------------------------------------------------------------


class TemporaryError(IntakeError):
    """Something we depend on did not answer; the same again later may work."""

    code = "temporarily_unavailable"
    status = 503
    retryable = True
    message = "The service is busy or partly down. Please try again in a minute."


class OcrUnavailable(TemporaryError):
    """Vision is over quota, down or slow."""

    code = "ocr_unavailable"
    message = "The text recognition service did not answer in time. The page will be read again."


class WorkerLost(TemporaryError):
    """The process that opens files ended, or did not answer, and the file was not the cause."""

    code = "worker_lost"
    message = "The program that opens files was interrupted. The page will be read again."


class LeaseLost(TemporaryError):
    """Another run has taken over what this one was at."""

    code = "lease_lost"
    message = "Another run has taken this over. The page will be read by that one."


class OutOfTime(TemporaryError):
    """The platform is about to end this run."""

    code = "out_of_time"
    message = "There is no time left in this run. The page will be read by the next one."


class UploadAbandoned(TemporaryError):
    """The request slept so long that its upload was given up; the same again works."""

    code = "upload_abandoned"
    message = "The upload took too long, so nothing was kept. Please send it again."


class SheetUnavailable(TemporaryError):
    """The Sheet is over quota, down, not shared with us, or did not say whether it wrote."""

    code = "sheet_unavailable"
    message = "The Google Sheet could not be written. The row will be written again."


class SheetMoved(SheetUnavailable):
    """Somebody else has written since this process last looked, or the office has changed the tab under it."""

    code = "sheet_moved"
    message = "The Google Sheet was changed by somebody else at this moment. The row will be written again."


class SheetBlocked(SheetUnavailable):
    """Google refuses every write to the Sheet until somebody changes something: a protected range, a full Sheet, no access."""

    code = "sheet_blocked"
    message = (
        "Google refuses every write to the Sheet, so rows wait. Check the reason that it gives, and mend the Sheet."
    )


class RowsRefused(SheetUnavailable):
    """Google refuses a batch for what is in it, and has written nothing of it."""

    code = "rows_refused"
    message = "Google refused a row for what is in it. The row will be written with less."


class DriveUnavailable(TemporaryError):
    """Drive is over quota, down, not shared with us, or did not say whether it took a file."""

    code = "drive_unavailable"
    message = "Google Drive could not be used. The copy will be made again."


# --- the end of the line ------------------------------------------------------------------------------------------------


class GaveUp(IntakeError):
    """The sweeper's last attempt to have the pages read passed without progress."""

    code = "gave_up"
    message = (
        "The bill could not be read in spite of several attempts; the fault is on our side and the files are kept. "
        "Please send it again later, or tell the office."
    )


class LocationNotRemoved(BadFile):
    """A picture is put together in a way in which its metadata cannot be found, so it is not copied."""

    code = "location_not_removed"
    template = "File {number} was not copied: where it was taken might still be in it. Use the link to the bill."

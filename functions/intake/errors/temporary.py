"""Trouble that passes: a retry helps."""

from __future__ import annotations

from intake.errors.base import IntakeError


class TemporaryError(IntakeError):
    """The same again later may work."""

    code = "temporarily_unavailable"
    status = 503
    message = "The service is busy or partly down. Please try again in a minute."


# --- a service that we depend on ----------------------------------------------------------------------------------------


class UpstreamError(TemporaryError):
    """A service that we depend on (Firestore, Storage, Pub/Sub and the ones below) did not do what it was asked."""


class OcrUnavailable(UpstreamError):
    """Vision is over quota, down or slow."""

    code = "ocr_unavailable"
    message = "The text recognition service did not answer in time. The page will be read again."


class SheetUnavailable(UpstreamError):
    """The Sheet is over quota, down, not shared with us, or did not say whether it wrote."""

    code = "sheet_unavailable"
    message = "Writing to the Google Sheet failed. The row will be written again."


class SheetMoved(SheetUnavailable):
    """Somebody else has written since this process last read the Sheet, or the office has changed the tab meanwhile."""

    code = "sheet_moved"
    message = "Somebody else changed the Google Sheet at the same moment. The row will be written again."


class SheetBlocked(SheetUnavailable):
    """Google refuses every write until somebody changes something: a protected range, a full Sheet, no access."""

    code = "sheet_blocked"
    message = (
        "Google refuses every write to the Sheet, so rows wait. Check the reason that it gives, and fix the Sheet."
    )


class RowsRefused(SheetUnavailable):
    """Google refuses a batch because of what is in it, and has written nothing of it."""

    code = "rows_refused"
    message = "Google refused a row because of what is in it. The row will be written with less in it."


class DriveUnavailable(UpstreamError):
    """Drive is over quota, down, not shared with us, or did not say whether it took a file."""

    code = "drive_unavailable"
    message = "Google Drive could not be used. The copy will be made again."


# --- this run stops -----------------------------------------------------------------------------------------------------


class Interrupted(TemporaryError):
    """This run stops, and another one goes on."""


class WorkerLost(Interrupted):
    """The process that opens files ended, or did not answer, and the file was not the cause."""

    code = "worker_lost"
    message = "The program that opens files was interrupted. The page will be read again."


class LeaseLost(Interrupted):
    """Another run has taken over this run's chunk."""

    code = "lease_lost"
    message = "Another run has taken over. The page will be read by that run."


class OutOfTime(Interrupted):
    """The platform is about to end this run."""

    code = "out_of_time"
    message = "This run has no time left. The page will be read by the next run."


class UploadAbandoned(Interrupted):
    """The request paused so long that its upload was given up; the same again works."""

    code = "upload_abandoned"
    message = "The upload took too long, so nothing was kept. Please send it again."

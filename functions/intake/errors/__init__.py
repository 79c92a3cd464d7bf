"""Every expected failure: a code, an HTTP status, whether a retry helps, and the sentence a person reads.

The class says whose fault it is, and so what happens next:

    IntakeError            nobody expected it: a fault in our program
    ├─ RequestError        the caller's: answered with 4xx, nothing is kept
    ├─ FileError           the bill's files: the intake fails with this reason and its files are deleted
    │  └─ BadFile          one file, by its number
    ├─ QuotaError          too much was sent: refused for now
    ├─ TemporaryError      a retry helps: raised out of the function, so that Pub/Sub delivers again
    │  ├─ UpstreamError    a service that we depend on did not answer
    │  └─ Interrupted      this run stops, and another one goes on
    └─ GaveUp              ours: the retries are used up

A sentence says what is wrong, what the rule is, and what to do. It never holds anything from the submission (no names, no
file names, no text of the bill), so it can be logged and shown as it is.
"""

from intake.errors.base import GaveUp, IntakeError
from intake.errors.files import (
    AvifPicture,
    BadFile,
    BillTooSlow,
    BrokenFile,
    DocumentsInside,
    EncryptedPdf,
    FileCrashesReader,
    FileError,
    FileTooLargeInMemory,
    FileTooSlow,
    LocationNotRemoved,
    NoPages,
    PictureTooLarge,
    TooManyPages,
    TooManyPictures,
    UnusualPicture,
)
from intake.errors.quota import (
    ClientQuotaExceeded,
    DailyQuotaExceeded,
    PageQuotaExceeded,
    QuotaError,
    TooManySubmissions,
)
from intake.errors.request import (
    BadIdempotencyKey,
    BadRequest,
    IdempotencyKeyReused,
    MalformedUpload,
    NotFromThePage,
    NotMultipart,
    Problem,
    RequestError,
    UnknownIntake,
    WrongMethod,
)
from intake.errors.temporary import (
    DriveUnavailable,
    Interrupted,
    LeaseLost,
    OcrUnavailable,
    OutOfTime,
    RowsRefused,
    SheetBlocked,
    SheetMoved,
    SheetUnavailable,
    TemporaryError,
    UploadAbandoned,
    UpstreamError,
    WorkerLost,
)

__all__ = [
    "AvifPicture",
    "BadFile",
    "BadIdempotencyKey",
    "BadRequest",
    "BillTooSlow",
    "BrokenFile",
    "ClientQuotaExceeded",
    "DailyQuotaExceeded",
    "DocumentsInside",
    "DriveUnavailable",
    "EncryptedPdf",
    "FileCrashesReader",
    "FileError",
    "FileTooLargeInMemory",
    "FileTooSlow",
    "GaveUp",
    "IdempotencyKeyReused",
    "IntakeError",
    "Interrupted",
    "LeaseLost",
    "LocationNotRemoved",
    "MalformedUpload",
    "NoPages",
    "NotFromThePage",
    "NotMultipart",
    "OcrUnavailable",
    "OutOfTime",
    "PageQuotaExceeded",
    "PictureTooLarge",
    "Problem",
    "QuotaError",
    "RequestError",
    "RowsRefused",
    "SheetBlocked",
    "SheetMoved",
    "SheetUnavailable",
    "TemporaryError",
    "TooManyPages",
    "TooManyPictures",
    "TooManySubmissions",
    "UnknownIntake",
    "UnusualPicture",
    "UploadAbandoned",
    "UpstreamError",
    "WorkerLost",
    "WrongMethod",
]

"""What the environment says, read once: the only place that knows whether an endpoint is Google's or a local emulator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intake import contract

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a submission may hold; contract.toml has the reasons.

    Attributes:
        files: Files in one submission.
        upload_bytes: Bytes of all files together.
        pages: Pages of all files together.
    """

    files: int = field(default_factory=lambda: contract.limit("files"))
    upload_bytes: int = field(default_factory=lambda: contract.limit("upload_bytes"))
    pages: int = field(default_factory=lambda: contract.limit("pages"))


@dataclass(frozen=True)
class Settings:
    """The configuration of one deployment.

    Attributes:
        project: Google Cloud project id.
        bucket: Cloud Storage bucket of the bills and their words.
        ocr_topic: Pub/Sub topic id of the messages to `ocr`.
        sheet_topic: Pub/Sub topic id of the messages to `record`.
        sheet_id: SHEET_ID: id of the Google spreadsheet that `record` and `sweep` use; empty for the other functions.
        sheet_tab: Title of the tab with one row per intake; made when missing.
        office_columns: OFFICE_COLUMNS, comma-separated: columns that the office corrects by hand. They are written once,
            with the row, and their heads say so. None for those of contract.toml.
        drive_folder: DRIVE_FOLDER: id of the Shared Drive folder into which `record` copies the bills; "" for no copies.
        drive_endpoint: DRIVE_EMULATOR_HOST: base URL of a Drive stand-in, or "" for Google's.
        copy_hold_s: COPY_HOLD_SECONDS: how long a copy that was begun is left alone. Longer than one run of `record`
            (infra/functions.toml), after which the request that began it has certainly ended.
        copy_max_attempts: COPY_MAX_ATTEMPTS: times that a copy is begun before the row says that there is none. With
            pauses that double up to an hour, ten take about four hours.
        export_csv: EXPORT_CSV, `1` for on: whether `record` also writes recorded intakes into exports/YYYY-MM.csv.
        bill_link_base: What stands before `BUCKET/OBJECT` in the row's link to a bill.
        vision_endpoint: host:port of a Vision stand-in without TLS, or "" for Google's.
        pubsub_endpoint: host:port of a Pub/Sub emulator, or "" for Google's.
        sheets_endpoint: Base URL of a Sheets stand-in, or "" for Google's.
        chunk_pages: Most pages that one `ocr` message covers: two rounds of `ocr_calls_in_flight`. With more, instances that
            are free have nothing to take over; with fewer, opening the file again costs as much as reading it.
        chunks_in_flight: Chunks of one submission at once. A fifth of the instances of `ocr` (infra/functions.toml): a long
            bill is read fast, and no sender has all of them.
        ocr_calls_in_flight: Vision calls that one `ocr` run keeps going at once.
        lease_s: Seconds until a claimed chunk that is not renewed may be claimed by another run.
        stall_timeout_s: Seconds without progress after which the sweeper looks at an intake.
        max_attempts: How often in a row the sweeper resumes an intake without progress before the intake fails.
        sheet_write_interval_s: Least seconds between two writes to the Sheet: 60 writes a minute are allowed per user
            (https://developers.google.com/workspace/sheets/api/limits).
        progress_days: Days that a finished progress document stays readable.
        pages_per_day: Pages taken in within 24 hours before new submissions are refused; 0 for no limit.
        submissions_per_hour: Submissions of one client address within an hour; 0 for no limit.
        submissions_per_hour_peer: The same for the address that called us, a proxy of many clients as a rule.
        address_key: Key with which addresses are hashed; without one none are counted.
        app_check_project: Number of the Firebase project whose App Check tokens are asked for; "" to ask for none.
    """

    project: str
    bucket: str
    ocr_topic: str
    sheet_topic: str
    sheet_id: str = ""
    sheet_tab: str = "Intakes"
    office_columns: tuple[str, ...] | None = None
    drive_folder: str = ""
    drive_endpoint: str = ""
    copy_hold_s: float = 330.0
    copy_max_attempts: int = 10
    export_csv: bool = False
    bill_link_base: str = "https://storage.cloud.google.com/"
    vision_endpoint: str = ""
    pubsub_endpoint: str = ""
    sheets_endpoint: str = ""
    chunk_pages: int = 8
    chunks_in_flight: int = 4
    ocr_calls_in_flight: int = 4
    lease_s: float = 90.0
    stall_timeout_s: float = 120.0
    max_attempts: int = 10
    sheet_write_interval_s: float = 1.1
    progress_days: float = 30.0
    pages_per_day: int = 0
    submissions_per_hour: int = 0
    submissions_per_hour_peer: int = 0
    address_key: str = field(default="", repr=False)
    app_check_project: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables.

        The Firestore and Storage clients find FIRESTORE_EMULATOR_HOST and STORAGE_EMULATOR_HOST by themselves; the
        other endpoints are handed to the clients by `intake.cloud`.

        Args:
            environ: Usually `os.environ`.

        Returns:
            The settings; what the environment does not name keeps its default.

        Raises:
            KeyError: A required variable is missing; its name is the message.
            ValueError: A number is not a number.
        """
        storage_emulator = environ.get("STORAGE_EMULATOR_HOST", "")
        return cls(
            project=environ["GOOGLE_CLOUD_PROJECT"],
            bucket=environ["BILLS_BUCKET"],
            ocr_topic=environ.get("OCR_TOPIC", "ocr-requests"),
            sheet_topic=environ.get("SHEET_TOPIC", "sheet-requests"),
            sheet_id=environ.get("SHEET_ID", ""),
            sheet_tab=environ.get("SHEET_TAB", cls.sheet_tab),
            office_columns=_names(environ["OFFICE_COLUMNS"]) if "OFFICE_COLUMNS" in environ else None,
            drive_folder=environ.get("DRIVE_FOLDER", ""),
            drive_endpoint=environ.get("DRIVE_EMULATOR_HOST", "").rstrip("/"),
            copy_hold_s=float(environ.get("COPY_HOLD_SECONDS", cls.copy_hold_s)),
            copy_max_attempts=int(environ.get("COPY_MAX_ATTEMPTS", cls.copy_max_attempts)),
            export_csv=environ.get("EXPORT_CSV", "") == "1",
            bill_link_base=f"{storage_emulator.rstrip('/')}/" if storage_emulator else cls.bill_link_base,
            vision_endpoint=environ.get("VISION_EMULATOR_HOST", ""),
            pubsub_endpoint=environ.get("PUBSUB_EMULATOR_HOST", ""),
            sheets_endpoint=environ.get("SHEETS_EMULATOR_HOST", "").rstrip("/"),
            chunk_pages=int(environ.get("CHUNK_PAGES", cls.chunk_pages)),
            ocr_calls_in_flight=int(environ.get("OCR_CALLS_IN_FLIGHT", cls.ocr_calls_in_flight)),
            lease_s=float(environ.get("LEASE_SECONDS", cls.lease_s)),
            stall_timeout_s=float(environ.get("PATIENCE_SECONDS", cls.stall_timeout_s)),
            max_attempts=int(environ.get("MAX_ATTEMPTS", cls.max_attempts)),
            sheet_write_interval_s=float(environ.get("SHEET_WRITE_INTERVAL_SECONDS", cls.sheet_write_interval_s)),
            progress_days=float(environ.get("PROGRESS_DAYS", cls.progress_days)),
            pages_per_day=int(environ.get("PAGES_PER_DAY", cls.pages_per_day)),
            submissions_per_hour=int(environ.get("SUBMISSIONS_PER_HOUR", cls.submissions_per_hour)),
            submissions_per_hour_peer=int(environ.get("SUBMISSIONS_PER_HOUR_PEER", cls.submissions_per_hour_peer)),
            address_key=environ.get("ADDRESS_KEY", ""),
            app_check_project=environ.get("APP_CHECK_PROJECT", ""),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())

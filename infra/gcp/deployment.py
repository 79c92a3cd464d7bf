"""One deployment: where it is and what its resources are called. Every name is decided here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.spec import dead as dead

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
"""Where source and site are staged; relative paths in the plan begin at ROOT."""
DEFAULT_REGION = "us-east4"
"""Northern Virginia: the closest region to New York with all the products (https://cloud.google.com/about/locations)."""
_GOOGLE_ID = r"([A-Za-z0-9_-]{10,100})?"

ACCOUNTS: Mapping[str, str] = {
    "submit": "function submit",
    "progress": "function progress",
    "ocr": "function ocr",
    "record": "function record",
    "sweep": "function sweep",
    "push": "delivers Pub/Sub messages to ocr and record",
    "clock": "calls sweep every minute",
    "build": "builds the functions",
}
"""Service accounts: the short name, and what the console shows."""
TOPICS: Mapping[str, str] = {"OCR_TOPIC": "ocr-requests", "SHEET_TOPIC": "sheet-requests"}
"""Topic IDs by the environment variable that holds them."""


class BadOption(Exception):
    """An impossible value on the command line; the message says what the value must look like."""


@dataclass(frozen=True)
class Deployment:
    """What the person chose, and the names that follow from it.

    Attributes:
        project: Google Cloud project ID.
        region: Region of everything that has one.
        sheet: ID of the spreadsheet; "" to deploy without one and set it later.
        drive_folder: ID of the Drive folder for copies of the bills; "" for none.
        export_csv: "1" to have recorded intakes exported as CSV files too; "0" or "" not to.
        alert_email: Who gets the alerts; "" for nobody.
        app_check_key: reCAPTCHA site key for Firebase App Check; "" leaves App Check off.
    """

    project: str
    region: str = DEFAULT_REGION
    sheet: str = ""
    drive_folder: str = ""
    alert_email: str = ""
    app_check_key: str = ""
    export_csv: str = ""

    def __post_init__(self) -> None:
        project = "a project ID: 6 to 30 lowercase letters, digits, and hyphens"
        for option, value, pattern, rule in (
            ("--project", self.project, r"[a-z][a-z0-9-]{4,28}[a-z0-9]", project),
            ("--region", self.region, r"[a-z]+-[a-z]+[0-9]+", "a region such as us-east4"),
            ("--sheet", self.sheet, _GOOGLE_ID, "the part of the Sheet's address between /d/ and /edit"),
            ("--drive-folder", self.drive_folder, _GOOGLE_ID, "the last part of the folder's address"),
            ("--export-csv", self.export_csv, "[01]?", "0 or 1"),
            ("--alert-email", self.alert_email, r"([^@\s,]+@[^@\s,]+\.[^@\s,]+)?", "one email address"),
            ("--app-check-key", self.app_check_key, _GOOGLE_ID, "a reCAPTCHA Enterprise site key"),
        ):
            if not re.fullmatch(pattern, value):
                raise BadOption(f"{option} {value!r} is not {rule}.")

    @property
    def bucket(self) -> str:
        """Bucket of the bills; all of Google shares bucket names, so it contains the project ID."""
        return f"{self.project}-bills"

    def account(self, name: str) -> str:
        """Return the address of a service account of `ACCOUNTS`."""
        return f"intake-{name}@{self.project}.iam.gserviceaccount.com"

    def topic(self, topic_id: str) -> str:
        """Return the full name of a topic."""
        return f"projects/{self.project}/topics/{topic_id}"

    def subscription(self, subscription_id: str) -> str:
        """Return the full name of a subscription."""
        return f"projects/{self.project}/subscriptions/{subscription_id}"

    @property
    def project_flag(self) -> str:
        """Names the project in every command, so that gcloud's own configuration is neither used nor changed."""
        return f"--project={self.project}"

"""One deployment: where it is and what its things are called. Every name is decided here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.spec import dead as dead

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
"""Where source and site are staged; relative paths in the plan begin here."""

DEFAULT_REGION = "us-east4"
"""Northern Virginia: the closest region to New York with all the products (https://cloud.google.com/about/locations)."""

_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_GOOGLE_ID = re.compile(r"[A-Za-z0-9_-]{10,100}")
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")

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
"""Service accounts by what they are for: the short name, and what the console shows."""

TOPICS: Mapping[str, str] = {"OCR_TOPIC": "ocr-requests", "SHEET_TOPIC": "sheet-requests"}
"""Topic ids by the environment variable that tells the functions of them."""


class BadOption(Exception):
    """A value on the command line that no deployment can have; the message says what it must look like."""


@dataclass(frozen=True)
class Deployment:
    """What the person chose, and the names that follow.

    Attributes:
        project: Google Cloud project id.
        region: Region of everything that has one.
        sheet: Id of the Google spreadsheet; "" to deploy without and set it later.
        drive_folder: Id of the Drive folder for copies of the bills; "" for none.
        alert_email: Who is told when something is wrong; "" for nobody.
        app_check_key: Site key of reCAPTCHA for Firebase App Check; "" leaves App Check off.
    """

    project: str
    region: str = DEFAULT_REGION
    sheet: str = ""
    drive_folder: str = ""
    alert_email: str = ""
    app_check_key: str = ""

    def __post_init__(self) -> None:
        rules = [
            ("--project", self.project, _PROJECT, "a project id: 6 to 30 small letters, digits and hyphens"),
            ("--region", self.region, _REGION, "a region such as us-east4"),
            ("--sheet", self.sheet or "-" * 10, _GOOGLE_ID, "the part of the Sheet's address between /d/ and /edit"),
            ("--drive-folder", self.drive_folder or "-" * 10, _GOOGLE_ID, "the last part of the folder's address"),
            ("--alert-email", self.alert_email or "a@b.c", _EMAIL, "one e-mail address"),
            ("--app-check-key", self.app_check_key or "-" * 10, _GOOGLE_ID, "a reCAPTCHA Enterprise site key"),
        ]
        for option, value, pattern, rule in rules:
            if not pattern.fullmatch(value):
                raise BadOption(f"{option} {value!r} is not {rule}.")

    @property
    def bucket(self) -> str:
        """Bucket of the bills; bucket names are one space for all of Google, so the project's id is in it."""
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

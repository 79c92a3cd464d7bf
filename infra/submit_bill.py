"""`./deploy.sh submit`: send files as one bill to a running deployment, show its progress, print its row from the Sheet."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra import contract
from infra.intake_client import IntakeClient, SubmitError
from infra.local import state
from infra.local.processes import StackError

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_URL = "http://localhost:8080"
# A copy in Drive takes a few seconds; after this many the row is shown with the placeholder for its link.
_COPY_TRIES = 8

_STAGES = {"done": "recorded"}

SPECIMEN_FIELDS = contract.examples()


@dataclass
class Outcome:
    """What became of a submission; `--json` prints it.

    Attributes:
        intake_id: Id of the intake, or None if none was made.
        status: "recorded" or "failed".
        pages: Pages of the bill.
        fields: What was read from it.
        attention: What a person should check.
        row: The row in the Sheet by column name, or None if it could not be read.
        error: {"code", "message"} of a failure.
    """

    intake_id: str | None = None
    status: str = "failed"
    pages: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    attention: list[Any] = field(default_factory=list)
    row: dict[str, Any] | None = None
    error: dict[str, str] | None = None

    def to_json(self) -> str:
        """Return the one object that `--json` prints; it has `error` only after a failure."""
        document = asdict(self)
        if self.error is None:
            del document["error"]
        return json.dumps(document, ensure_ascii=False)


def submit(
    client: IntakeClient, fields: Mapping[str, str], files: Sequence[Path], stall_timeout_s: float = math.inf
) -> Outcome:
    """Submit the files as one bill and follow it to its end, with its progress on stderr; `add_row` adds the row."""
    outcome = Outcome()
    try:
        show_upload(files)
        accepted = client.submit(fields, files)
        outcome.intake_id = accepted.intake_id
        for document in client.follow(accepted, stall_timeout_s):
            show(document)
            outcome.pages = document["pages_total"] or 0
            outcome.fields, outcome.attention = document["fields"], document["attention"]
            if document["stage"] == "done":
                outcome.status = "recorded"
            outcome.error = document["error"]
    except SubmitError as exc:
        outcome.error = {"code": exc.code, "message": exc.message}
    return outcome


def show_upload(files: Sequence[Path]) -> None:
    """Say on stderr how much is uploaded."""
    print(f"  0%  uploading {sum(file.stat().st_size for file in files) / 1e6:.1f} MB", file=sys.stderr)


def show(document: Mapping[str, Any]) -> None:
    """Print a progress document on stderr, as one line."""
    stage, done, total = str(document["stage"]), document["pages_done"], document["pages_total"]
    text = _STAGES.get(stage, stage)
    if stage == "reading" and total:
        text = f"reading page {min(done + 1, total)} of {total}"
    print(f"{document['percent']:>3}%  {text}", file=sys.stderr)


def read_row(intake_id: str, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the row of an intake from the Sheet, by column name.

    Args:
        intake_id: Id of the intake.
        environ: SHEET_ID and, for a local stack, SHEETS_EMULATOR_HOST.

    Raises:
        LookupError: The Sheet cannot be read from here; the message says why.
    """
    if not environ.get("SHEET_ID"):
        raise LookupError(
            "The row is not shown: set SHEET_ID and sign in with `gcloud auth application-default login`."
        )
    functions = str(ROOT / "functions")
    if functions not in sys.path:
        sys.path.append(functions)
    from google.auth.exceptions import GoogleAuthError
    from intake.cloud.sheets.table import open_sheet_table
    from intake.errors import IntakeError
    from intake.rows import COPY_COLUMN, copy_mark
    from intake.settings import Settings

    # Only the Sheet is used; the settings want the names of the rest as well.
    unused = {"GOOGLE_CLOUD_PROJECT": "", "BILLS_BUCKET": ""}
    try:
        table = open_sheet_table(Settings.from_env({**unused, **environ}))
        row = table.find(intake_id)
        for _ in range(_COPY_TRIES):
            if row is None or row.get(COPY_COLUMN) != copy_mark(intake_id):
                break
            time.sleep(1.0)  # the link to the copy comes after the row
            row = table.find(intake_id)
        return row
    except GoogleAuthError as exc:
        raise LookupError(
            "The row is not shown: there are no Google credentials. Sign in with `gcloud auth application-default login`."
        ) from exc
    except IntakeError as exc:
        raise LookupError(f"The row is not shown: {exc.message}") from exc


def environment_for(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the Sheet of the local stack if that serves `url`."""
    try:
        stack, _ = state.of_running_stack(environ)
    except StackError:
        return dict(environ)
    local = url.rstrip("/").replace("//127.0.0.1:", "//localhost:")
    return {**environ, **stack.env} if local == stack.url.rstrip("/") else dict(environ)


def add_row(outcome: Outcome, environ: Mapping[str, str]) -> None:
    """Put the row into a recorded outcome; if it cannot be read, say why on stderr."""
    if outcome.status != "recorded" or outcome.intake_id is None:
        return
    try:
        outcome.row = read_row(outcome.intake_id, environ)
        if outcome.row is None:
            print(f"The Sheet has no row for intake {outcome.intake_id}.", file=sys.stderr)
    except LookupError as exc:
        print(exc, file=sys.stderr)


def print_row(row: Mapping[str, Any]) -> None:
    """Print a row as aligned `Header: value` lines."""
    width = max(len(header) for header in row) + 1
    for header, value in row.items():
        print(f"{header + ':':<{width}}  {value}".rstrip())


def _field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if name not in SPECIMEN_FIELDS:
        raise argparse.ArgumentTypeError(f"there is no field {name!r}; the fields are {', '.join(SPECIMEN_FIELDS)}")
    return name, value


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    if not os.access(path, os.R_OK):
        raise argparse.ArgumentTypeError(f"the file {text!r} cannot be read")
    return path


def _url(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as {DEFAULT_URL}")
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Submit and follow; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./deploy.sh submit",
        description="Submit files as one bill to a running deployment, and print its row in the Sheet.",
        epilog="Exit status: 0 if the bill is recorded, 1 if it is not, 2 for bad usage.",
    )
    parser.add_argument("files", type=_file, nargs="+", metavar="FILE", help="photos or PDFs of one bill")
    parser.add_argument("--url", type=_url, default=DEFAULT_URL, help="address of the form (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    how = "a value for the form; all other fields have sample values"
    parser.add_argument("--field", type=_field, action="append", default=[], metavar="NAME=VALUE", help=how)
    options = parser.parse_args(argv)
    fields = {**SPECIMEN_FIELDS, **dict(options.field)}
    with IntakeClient(options.url) as client:
        outcome = submit(client, fields, options.files)
    add_row(outcome, environment_for(options.url, os.environ))
    if options.json:
        print(outcome.to_json())
    elif outcome.row:
        print_row(outcome.row)
    if outcome.status != "recorded":
        print((outcome.error or {}).get("message", "The bill was not recorded."), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

"""`./deploy.sh demo`: a specimen bill through the whole product, on this machine, in about a minute.

Everything is its own: a fresh folder, free ports; a stack that runs already is not touched.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from infra.intake_client import IntakeClient
from infra.local.__main__ import stop_on_signals
from infra.local.processes import StackError
from infra.local.stack import ROOT, LocalStack, StackOptions
from infra.progress_bar import ProgressBar
from infra.submit_bill import SPECIMEN_FIELDS, add_row, print_row, submit

_SPECIMEN = ("--seed", "7", "--utility", "nyseg", "--variant", "residential", "--pages", "3", "--as", "photo")
# A photographed page takes 5-10 s of OCR on two cores.
_PATIENCE_S = 180.0
_TROUBLES = 5
# A bill that a customer has at hand; one older than 90 days would be pointed out.
_BILL_AGE = timedelta(days=10)


def draw_specimen(folder: Path) -> tuple[list[Path], Mapping[str, str]]:
    """Draw the specimen bill, photographed, into `folder`.

    Returns:
        Its files, and what an agent who has the bill in hand writes into the form.

    Raises:
        StackError: The generator failed.
    """
    statement = (date.today() - _BILL_AGE).isoformat()
    command = [sys.executable, "-m", "tests.specimens", *_SPECIMEN, "--statement", statement, "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - the command is ours
    files = sorted(folder.glob("nyseg-*.jpg"))  # beside them lies a sheet of small pictures of all
    if done.returncode != 0 or not files:
        raise StackError(f"The specimen bill could not be drawn:\n{done.stderr.strip()}")
    truth = json.loads(files[0].with_suffix(".json").read_text("utf-8"))["truth"]
    return files, {**SPECIMEN_FIELDS, "account_name": truth["customer_name"]}


def troubles(stack: LocalStack) -> list[str]:
    """Return the last warnings and errors of the functions, since their logs go with the folder."""
    loud = [
        line
        for name in stack.log_names()
        if stack.is_function(name)
        for line in stack.logs(name).read_text("utf-8", errors="replace").splitlines()
        if line.startswith("{") and '"severity": "INFO"' not in line
    ]
    return loud[-_TROUBLES:]


def run(folder: Path) -> int:
    """Run the demo in `folder`; return the exit status."""
    print("Drawing a specimen bill, photographed by phone ...")
    (folder / "specimen").mkdir()
    files, fields = draw_specimen(folder / "specimen")
    print("Starting the local stack (emulators, OCR, five functions) ...")
    began = time.monotonic()
    with LocalStack(StackOptions(state_dir=folder / "state", port=0)) as stack:
        print(f"Runs at {stack.url} after {time.monotonic() - began:.1f} s.")
        print(f"Submitting {', '.join(file.name for file in files)}:")
        began = time.monotonic()
        with IntakeClient(stack.url) as client:
            outcome = submit(client, fields, files, ProgressBar(sys.stderr), _PATIENCE_S)
        took = time.monotonic() - began
        add_row(outcome, stack.env)
        if outcome.row is None:
            print((outcome.error or {}).get("message", "The row is not in the Sheet."), file=sys.stderr)
            print(*troubles(stack), sep="\n", file=sys.stderr)
            return 1
    print(f"Recorded {took:.1f} s after the upload began. The row in the Sheet:\n")
    print_row(outcome.row)
    print("\nEverything is stopped. ./deploy.sh local keeps it running.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo in a temporary folder; return the exit status."""
    argparse.ArgumentParser(prog="./deploy.sh demo", description=(__doc__ or "").partition("\n")[0]).parse_args(argv)
    stop_on_signals()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        with tempfile.TemporaryDirectory(prefix="greenwatt-demo-") as folder:
            return run(Path(folder))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except StackError as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

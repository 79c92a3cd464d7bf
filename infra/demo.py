"""`./deploy.sh demo`: run a sample bill through the whole product on this machine, in about a minute.

The demo has its own folder and ports, so it does not disturb a running stack.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from infra import specimen
from infra.intake_client import IntakeClient
from infra.local.__main__ import stop_on_signals
from infra.local.processes import StackError
from infra.local.stack import LocalStack, StackOptions
from infra.submit_bill import SPECIMEN_FIELDS, add_row, print_row, submit

_STALL_TIMEOUT_S = 180.0  # OCR of a page takes 5 to 10 s on two cores
_WARNINGS = 5


def warnings(stack: LocalStack) -> list[str]:
    """Return the last warnings and errors of the functions, because their logs are deleted with the folder."""
    logs = (stack.logs(name) for name in stack.log_names() if stack.is_function(name))
    lines = [line for log in logs for line in log.read_text("utf-8", errors="replace").splitlines()]
    return [line for line in lines if line.startswith("{") and '"severity": "INFO"' not in line][-_WARNINGS:]


def run(folder: Path) -> int:
    """Run the demo in `folder`; return the exit status."""
    bill = specimen.draw(folder)
    print("Starting the local stack (emulators, OCR, five functions) ...")
    began = time.monotonic()
    with LocalStack(StackOptions(state_dir=folder / "state", port=0)) as stack:
        print(f"The stack is up at {stack.url} after {time.monotonic() - began:.1f} s. Submitting {bill.name} ...")
        began = time.monotonic()
        with IntakeClient(stack.url) as client:
            fields = {**SPECIMEN_FIELDS, "account_name": specimen.CUSTOMER}
            outcome = submit(client, fields, [bill], _STALL_TIMEOUT_S)
        took = time.monotonic() - began
        add_row(outcome, stack.env)
        if outcome.row is None:
            message = (outcome.error or {}).get("message", "The row is not in the Sheet.")
            print(message, *warnings(stack), sep="\n", file=sys.stderr)
            return 1
    print(f"Recorded in {took:.1f} s. The row in the Sheet:\n")
    print_row(outcome.row)
    print("\nThe stack is stopped. To keep it running, use ./deploy.sh local.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo in a temporary folder; return the exit status."""
    argparse.ArgumentParser(prog="./deploy.sh demo", description=(__doc__ or "").partition(": ")[2]).parse_args(argv)
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

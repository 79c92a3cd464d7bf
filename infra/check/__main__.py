"""`./deploy.sh check`: does everything on Google Cloud behave as the code relies on it?

A specimen bill goes through the deployment and is taken away again; then each assumption about Google is shown, one line each.
Nobody should sort the Sheet meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from infra.check.assumptions import ASSUMPTIONS, Assumption, table
from infra.check.journey import Journey
from infra.check.target import NotHere, Target, Wrong, cloud, local
from infra.gcp.apply import StepFailed
from infra.gcp.deployment import DEFAULT_REGION, BadOption, Deployment


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check and return the exit status: 0 all as it should be, 1 something is not, 2 bad usage."""
    parser = argparse.ArgumentParser(prog="./deploy.sh check", description=(__doc__ or "").partition(": ")[2])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--project", metavar="ID", help="Google Cloud project")
    where.add_argument("--local", action="store_true", help="the stack that runs on this machine")
    where.add_argument("--table", action="store_true", help="only print the list of assumptions")
    parser.add_argument("--region", default=DEFAULT_REGION, help="region (default: %(default)s)")
    parser.add_argument(
        "--sheet", default="", metavar="ID", help="another Sheet than the deployment's for the rules of the Sheet"
    )
    options = parser.parse_args(argv)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if options.table:
        print(*table(), sep="\n")
        return 0
    try:
        target = local() if options.local else cloud(Deployment(options.project, options.region, options.sheet))
    except BadOption as exc:
        print(exc, file=sys.stderr)
        return 2
    except (NotHere, StepFailed) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0 if check(target) else 1


def check(target: Target) -> bool:
    """Check a deployment and return whether all is as it should be."""
    print(f"A specimen bill through {target.url}")
    journey = Journey(target, print)
    fine = journey.go()
    print("What the code relies on")
    outcomes = [_shown(assumption, target, journey.intake) for assumption in ASSUMPTIONS]
    print(
        f"{outcomes.count('proved')} proved, {outcomes.count('WRONG')} wrong, "
        f"{outcomes.count('not here')} cannot be shown here. The bill {'arrived' if fine else 'did NOT arrive as it should'}."
    )
    return fine and "WRONG" not in outcomes


def _shown(assumption: Assumption, target: Target, intake: dict[str, Any]) -> str:
    """Show one assumption, print what was seen, and return `proved`, `WRONG` or `not here`."""
    began = time.monotonic()
    try:
        seen, outcome = assumption.prove(target, intake), "proved"
    except NotHere as exc:
        seen, outcome = str(exc), "not here"
    except Wrong as exc:
        seen, outcome = str(exc), "WRONG"
    except Exception as exc:
        seen, outcome = f"{type(exc).__name__}: {exc}", "WRONG"
    print(f"  {time.monotonic() - began:6.1f} s  {outcome:8}  {assumption.text}: {seen}")
    return outcome


if __name__ == "__main__":
    sys.exit(main())

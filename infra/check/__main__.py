"""`./deploy.sh check`: test a deployment with a sample bill, and test each assumption of the code about Google Cloud.

The check deletes everything that it creates. Do not sort the Sheet during the check.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from dataclasses import replace

# The order of the imports is that of the list.
from infra.check import drive_rules, platform_rules, sheet_rules, site_rules  # noqa: F401 - each puts its proofs on the list
from infra.check.assumptions import ASSUMPTIONS, NOT_HERE, OK, WRONG, step, table
from infra.check.journey import Journey
from infra.check.target import NotHere, Target, cloud, local
from infra.gcp.apply import StepFailed
from infra.gcp.deployment import DEFAULT_REGION, BadOption, Deployment
from infra.local.__main__ import stop_on_signals
from infra.local.processes import StackError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check and return the exit status: 0 success, 1 failure, 2 bad usage, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="./deploy.sh check", description=(__doc__ or "").partition(": ")[2])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--project", metavar="ID", help="Google Cloud project")
    where.add_argument("--local", action="store_true", help="the stack that runs on this machine")
    where.add_argument("--table", action="store_true", help="only print the list of assumptions")
    parser.add_argument("--region", default=DEFAULT_REGION, help="region (default: %(default)s)")
    parser.add_argument(
        "--sheet", default="", metavar="ID", help="Sheet for testing the rules of Sheets (default: the deployment's)"
    )
    options = parser.parse_args(argv)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if options.table:
        print(*table(), sep="\n")
        return 0
    stop_on_signals()
    try:
        target = local() if options.local else cloud(Deployment(options.project, options.region, options.sheet))
        return 0 if check(target) else 1
    except BadOption as exc:
        print(exc, file=sys.stderr)
        return 2
    except (NotHere, StackError, StepFailed) as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The check deleted what it had created.", file=sys.stderr)
        return 130


def check(target: Target) -> bool:
    """Check a deployment and return whether everything is right."""
    print(f"A sample bill through {target.url}")
    journey = Journey(target)
    fine = journey.go()
    print("Assumptions about Google")
    target = replace(target, intake=journey.intake)
    outcomes = [step(each.text, functools.partial(each.prove, target), each.limit_s) for each in ASSUMPTIONS]
    print(
        f"{outcomes.count(OK)} ok, {outcomes.count(WRONG)} wrong, {outcomes.count(NOT_HERE)} cannot be tested here. "
        f"The sample bill {'was recorded' if fine else 'FAILED'}."
    )
    return fine and WRONG not in outcomes


if __name__ == "__main__":
    sys.exit(main())

"""`./deploy.sh status`: how a deployment is doing, on Google Cloud or on this machine, as one and the same table.

It shows the last hour. Memory is watched per invocation: each writes a line with its memory, locally read from the logs, in
production by Cloud Monitoring, which alerts at 80 % of a function's limit (infra/monitoring/alerts/memory.json).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import requests

from infra.function_status import FunctionStatus, Unknown
from infra.gcp import status_cloud
from infra.gcp.apply import StepFailed
from infra.gcp.deployment import DEFAULT_REGION, BadOption, Deployment
from infra.local import state
from infra.local import status as status_local
from infra.local.processes import StackError

STATES = ("waiting", "reading", "read", "aside", "recorded", "failed")
_TIMEOUT_S = 30
_COLUMNS = ("function", "revision", "instances", "calls", "errors", "p50 ms", "p99 ms", "peak MB", "of limit")


@dataclass(frozen=True)
class Status:
    """All that is shown.

    Attributes:
        where: Which deployment.
        functions: One entry a function.
        backlog: Messages that wait for delivery, by topic; None where that cannot be known.
        dead_letters: Messages given up, by topic.
        intakes: Intakes by state.
        notes: What a number does not mean, or why one is missing.
        sheet: Why the Sheet cannot be written; "" when it can.
    """

    where: str
    functions: list[FunctionStatus]
    backlog: dict[str, int | None]
    dead_letters: dict[str, int | None]
    intakes: dict[str, int]
    notes: list[str] = field(default_factory=list)
    sheet: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the status and return the exit status: 0, 1 where something did not answer, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog="./deploy.sh status", description="How a deployment is doing.")
    parser.add_argument("--local", action="store_true", help="of the stack that runs on this machine")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--project", default="", metavar="ID", help="Google Cloud project")
    parser.add_argument("--region", default=DEFAULT_REGION, help="region (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        status = local() if options.local else cloud(options.project, options.region)
    except BadOption as exc:
        print(exc, file=sys.stderr)
        return 2
    except (Unknown, StackError, StepFailed) as exc:
        print(exc)
        return 1
    except requests.RequestException as exc:
        print(f"An address did not answer: {type(exc).__name__}.")
        return 1
    print(json.dumps(asdict(status), ensure_ascii=False) if options.json else table(status))
    return 0


def local() -> Status:
    """Return the status of the stack that runs on this machine, as `stack.json` finds it.

    Raises:
        StackError: None runs.
    """
    stack, logs = state.of_running_stack()
    project = stack.env["GOOGLE_CLOUD_PROJECT"]
    notes = ["The Pub/Sub emulator does not tell how many messages wait; dead letters are counted by looking at them."]
    return Status(
        stack.url,
        status_local.functions(logs, stack.children),
        dict.fromkeys(status_local.topics(stack.env)),
        status_local.dead_letters(stack.env),
        # The emulator takes `owner` for somebody whom no rules concern.
        intakes_by_state(f"http://{stack.env['FIRESTORE_EMULATOR_HOST']}", project, "owner"),
        notes,
        sheet_trouble(f"http://{stack.env['FIRESTORE_EMULATOR_HOST']}", project, "owner"),
    )


def cloud(project: str, region: str) -> Status:
    """Return the status of a deployment on Google Cloud.

    Raises:
        BadOption: No project was given.
        Unknown: gcloud is not logged in, or Google refused.
    """
    if not project:
        raise BadOption("Say which deployment: --project ID, or --local for the one on this machine.")
    deployment = Deployment(project, region)
    google = status_cloud.Google(deployment, status_cloud.token())
    return Status(
        f"{project}, {region}",
        google.functions(),
        google.backlog(),
        google.dead_letters(),
        intakes_by_state("https://firestore.googleapis.com", project, google.token),
        ["Numbers of Cloud Monitoring are up to three minutes old."],
        sheet_trouble("https://firestore.googleapis.com", project, google.token),
    )


def intakes_by_state(endpoint: str, project: str, token: str) -> dict[str, int]:
    """Return how many intakes are in each state, counted by Firestore itself.

    https://firebase.google.com/docs/firestore/reference/rest/v1/projects.databases.documents/runAggregationQuery

    Raises:
        Unknown: Firestore refused.
    """
    url = f"{endpoint}/v1/projects/{project}/databases/(default)/documents:runAggregationQuery"
    found = {}
    for name in STATES:
        where = {"fieldFilter": {"field": {"fieldPath": "status"}, "op": "EQUAL", "value": {"stringValue": name}}}
        query = {"from": [{"collectionId": "intakes"}], "where": where}
        body = {"structuredAggregationQuery": {"structuredQuery": query, "aggregations": [{"alias": "n", "count": {}}]}}
        answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S)
        if not answer.ok:
            raise Unknown(f"Firestore answered {answer.status_code} to a count of intakes.")
        found[name] = int(answer.json()[0]["result"]["aggregateFields"]["n"]["integerValue"])
    return found


def sheet_trouble(endpoint: str, project: str, token: str) -> str:
    """Return why `record` cannot write the Sheet, in a sentence, or "".

    Raises:
        Unknown: Firestore refused.
    """
    url = f"{endpoint}/v1/projects/{project}/databases/(default)/documents/office/sheet"
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S)
    if answer.status_code == requests.codes.not_found:
        return ""  # nothing was ever written
    if not answer.ok:
        raise Unknown(f"Firestore answered {answer.status_code} when asked how the Sheet is.")
    return str(answer.json()["fields"]["trouble"]["stringValue"])


def table(status: Status) -> str:
    """Return the status for a person."""
    rows = [_COLUMNS, *(_row(function) for function in status.functions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [f"{status.where}, the last hour", ""]
    for row in rows:
        first = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        lines.append("  ".join([*first, *(c.rjust(w) for c, w in zip(row[2:], widths[2:], strict=True))]).rstrip())
    lines += ["", f"waiting messages  {_counts(status.backlog)}", f"dead letters      {_counts(status.dead_letters)}"]
    lines += [f"intakes           {_counts(status.intakes)}"]
    lines += [f"the Sheet         {status.sheet or 'can be written'}", *(["", *status.notes] if status.notes else [])]
    return "\n".join(lines)


def _row(function: FunctionStatus) -> tuple[str, ...]:
    part = f"{100 * function.peak_mb / function.limit_mb:.0f} % of {function.limit_mb}" if function.peak_mb else "-"
    numbers = (function.instances, function.calls, function.errors, function.p50_ms, function.p99_ms, function.peak_mb)
    return (function.name, function.revision, *("-" if n is None else f"{n:.0f}" for n in numbers), part)


def _counts(counts: Mapping[str, int | None]) -> str:
    return "   ".join(f"{name} {'not known' if count is None else count}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())

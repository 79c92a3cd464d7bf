"""`./deploy.sh status`: how a deployment is doing, on Google Cloud or on this machine, as the same table.

It shows the last hour. Each invocation logs its memory: locally it is read from the logs, in production from Cloud Monitoring,
which alerts at 80 % of a function's limit (infra/monitoring/alerts/memory.json).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import requests

from infra.function_status import FunctionStatus, Unknown
from infra.gcp import status_cloud
from infra.gcp.apply import StepFailed
from infra.gcp.deployment import DEFAULT_REGION, BadOption, Deployment
from infra.local import state
from infra.local import status as status_local
from infra.local.processes import StackError

STATES = ("waiting", "reading", "read", "aside", "recorded", "failed")
FIRESTORE = "https://firestore.googleapis.com"
_TIMEOUT_S = 30
_COLUMNS = ("function", "revision", "instances", "calls", "errors", "p50 ms", "p99 ms", "peak MB", "of limit")


@dataclass(frozen=True)
class Status:
    """All that is shown. A count of messages is None if it is unknown; `sheet` says why the Sheet cannot be written."""

    where: str
    functions: list[FunctionStatus]
    backlog: dict[str, int | None]
    dead_letters: dict[str, int | None]
    intakes: dict[str, int]
    notes: list[str] = field(default_factory=list)
    sheet: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the status and return the exit status: 0 success, 1 if something did not answer, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog="./deploy.sh status", description="Show how a deployment is doing.")
    parser.add_argument("--local", action="store_true", help="the stack that runs on this machine")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
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
    """Return the status of the stack that runs on this machine; StackError if there is none."""
    stack, logs = state.of_running_stack()
    # The emulator takes `owner` for somebody whom no rules concern.
    firestore = Firestore(f"http://{stack.env['FIRESTORE_EMULATOR_HOST']}", stack.env["GOOGLE_CLOUD_PROJECT"], "owner")
    return Status(
        stack.url,
        status_local.functions(logs, stack.children),
        dict.fromkeys(status_local.topics(stack.env)),
        status_local.dead_letters(stack.env),
        firestore.intakes_by_state(),
        ["The Pub/Sub emulator does not report waiting messages. Dead letters are counted by pulling them."],
        firestore.sheet_trouble(),
    )


def cloud(project: str, region: str) -> Status:
    """Return the status of a deployment on Google Cloud; BadOption without a project, Unknown if Google refuses."""
    if not project:
        raise BadOption("Name the deployment with --project ID, or use --local for the one on this machine.")
    google = status_cloud.Google(Deployment(project, region), status_cloud.token())
    firestore = Firestore(FIRESTORE, project, google.token)
    return Status(
        f"{project}, {region}",
        google.functions(),
        google.backlog(),
        google.dead_letters(),
        firestore.intakes_by_state(),
        ["Numbers from Cloud Monitoring are up to three minutes old."],
        firestore.sheet_trouble(),
    )


@dataclass(frozen=True)
class Firestore:
    """Firestore's REST API; a refusal is Unknown."""

    endpoint: str
    project: str
    token: str

    def intakes_by_state(self) -> dict[str, int]:
        """Return the number of intakes in each state, counted by Firestore.

        https://firebase.google.com/docs/firestore/reference/rest/v1/projects.databases.documents/runAggregationQuery
        """
        found = {}
        for name in STATES:
            where = {"fieldFilter": {"field": {"fieldPath": "status"}, "op": "EQUAL", "value": {"stringValue": name}}}
            query = {"from": [{"collectionId": "intakes"}], "where": where}
            count = {"structuredQuery": query, "aggregations": [{"alias": "n", "count": {}}]}
            answer = self._ask("POST", ":runAggregationQuery", {"structuredAggregationQuery": count})
            found[name] = int(answer[0]["result"]["aggregateFields"]["n"]["integerValue"])
        return found

    def sheet_trouble(self) -> str:
        """Return why `record` cannot write the Sheet, as a sentence, or ""."""
        answer = self._ask("GET", "/office/sheet", missing={"fields": {"trouble": {"stringValue": ""}}})
        return str(answer["fields"]["trouble"]["stringValue"])

    def _ask(self, method: str, path: str, body: Any = None, missing: Any = None) -> Any:
        url = f"{self.endpoint}/v1/projects/{self.project}/databases/(default)/documents{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, url, json=body, headers=headers, timeout=_TIMEOUT_S)
        if missing and answer.status_code == requests.codes.not_found:
            return missing
        if not answer.ok:
            raise Unknown(f"Firestore answered {answer.status_code} to {method} {path}.")
        return answer.json()


def table(status: Status) -> str:
    """Return the status for a person."""
    rows = [_COLUMNS, *(_row(function) for function in status.functions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [f"{status.where}, the last hour", ""]
    for row in rows:
        cells = [
            cell.rjust(width) if at > 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(
        [
            *lines,
            "",
            f"waiting messages  {_counts(status.backlog)}",
            f"dead letters      {_counts(status.dead_letters)}",
            f"intakes           {_counts(status.intakes)}",
            f"Sheet             {status.sheet or 'OK'}",
            *(["", *status.notes] if status.notes else []),
        ]
    )


def _row(function: FunctionStatus) -> tuple[str, ...]:
    part = f"{100 * function.peak_mb / function.limit_mb:.0f} % of {function.limit_mb}" if function.peak_mb else "-"
    numbers = (function.instances, function.calls, function.errors, function.p50_ms, function.p99_ms, function.peak_mb)
    return (function.name, function.revision, *("-" if n is None else f"{n:.0f}" for n in numbers), part)


def _counts(counts: Mapping[str, int | None]) -> str:
    return "   ".join(f"{name} {'unknown' if count is None else count}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())

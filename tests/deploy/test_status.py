"""`deploy.sh status` of a deployment on Google Cloud, against an HTTP server that answers as Cloud Monitoring documents it.

Answers: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/TimeSeries. Each request is parsed with the client library's own
type, so a parameter that Google does not have is an error here too. Filters are not evaluated: the metric decides.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from google.cloud import monitoring_v3
from google.protobuf import json_format

from infra import status
from infra.function_status import FunctionStatus, Unknown
from infra.gcp import status_cloud
from infra.gcp.deployment import Deployment
from infra.gcp.steps import Command

TOKEN = "a-token-that-must-not-be-shown"
SERVICE, CLASS = ("resource", "service_name"), ("metric", "response_code_class")
SUBSCRIPTION = ("resource", "subscription_id")


def series(value: float, *labels: tuple[tuple[str, str], str]) -> dict[str, Any]:
    found: dict[str, Any] = {"metric": {"labels": {}}, "resource": {"labels": {}}}
    for (where, name), text in labels:
        found[where]["labels"][name] = text
    kind = {"int64Value": str(value)} if isinstance(value, int) else {"doubleValue": value}
    return {**found, "points": [{"value": kind}]}


ANSWERS = {
    ("run.googleapis.com/request_count", "REDUCE_SUM"): [
        series(90, (SERVICE, "submit"), (CLASS, "2xx")),
        series(6, (SERVICE, "submit"), (CLASS, "4xx")),
        series(4, (SERVICE, "submit"), (CLASS, "5xx")),
        series(7, (SERVICE, "somebody-elses"), (CLASS, "5xx")),
    ],
    ("run.googleapis.com/request_latencies", "REDUCE_PERCENTILE_50"): [series(210.5, (SERVICE, "submit"))],
    ("run.googleapis.com/request_latencies", "REDUCE_PERCENTILE_99"): [series(1900.0, (SERVICE, "submit"))],
    ("run.googleapis.com/container/memory/utilizations", "REDUCE_PERCENTILE_99"): [series(0.5, (SERVICE, "submit"))],
    ("run.googleapis.com/container/instance_count", "REDUCE_SUM"): [series(3, (SERVICE, "submit"))],
    ("pubsub.googleapis.com/subscription/num_undelivered_messages", "REDUCE_MAX"): [
        series(12, (SUBSCRIPTION, "eventarc-us-east4-ocr-123456-sub-789")),
        series(2, (SUBSCRIPTION, "ocr-requests-dead")),
    ],
}


class Monitoring(BaseHTTPRequestHandler):
    """Cloud Monitoring's list of time series."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        pairs = parse_qsl(url.query)
        request = {"filter": dict(pairs)["filter"], "name": url.path}
        for part in ("interval", "aggregation"):
            own = {name.partition(".")[2]: value for name, value in pairs if name.startswith(f"{part}.")}
            if part == "aggregation":
                own["groupByFields"] = [value for name, value in pairs if name.endswith("groupByFields")]  # type: ignore[assignment]
            request[part] = own  # type: ignore[assignment]
        json_format.ParseDict(request, monitoring_v3.ListTimeSeriesRequest.pb()())
        denied = self.headers["Authorization"] != f"Bearer {TOKEN}"
        metric = request["filter"].partition('metric.type="')[2].partition('"')[0]
        key = (metric, dict(pairs)["aggregation.crossSeriesReducer"])
        body = {"error": {"message": "Permission denied."}} if denied else {"timeSeries": ANSWERS[key]}
        self.send_response(403 if denied else 200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serving(Monitoring) as address:
        yield address


def google(endpoint: str, token: str = TOKEN) -> status_cloud.Google:
    name = "projects/my-project/locations/us-east4/functions/submit"

    def run(command: Command) -> str:
        assert command.argv[1:3] == ("functions", "list")
        return json.dumps([{"name": name, "serviceConfig": {"revision": "submit-00007-abc"}}])

    return status_cloud.Google(Deployment("my-project"), token, endpoint, run)


def test_numbers_of_google(endpoint: str) -> None:
    """Calls, errors, durations, memory against the limit, instances, backlog and dead letters."""
    asked = google(endpoint)
    functions = {function.name: function for function in asked.functions()}
    assert functions["submit"] == FunctionStatus("submit", "submit-00007-abc", 3, 100, 4, 210.5, 1900.0, 128.0, 256)
    assert functions["sweep"] == FunctionStatus("sweep", "not deployed", 0, 0, 0, None, None, None, 256)
    assert asked.backlog() == {"ocr-requests": 12, "sheet-requests": None}
    assert asked.dead_letters() == {"ocr-requests": 2, "sheet-requests": None}


def test_the_table(endpoint: str) -> None:
    """A person reads it; what is not known says so, and no token is in it."""
    asked = google(endpoint)
    states = {"waiting": 1, "reading": 0, "read": 0, "recorded": 41, "failed": 2}
    text = status.table(status.Status("x", asked.functions(), asked.backlog(), asked.dead_letters(), states))
    row = next(line for line in text.splitlines() if line.startswith("submit"))
    assert row.split() == ["submit", "submit-00007-abc", "3", "100", "4", "210", "1900", "128", "50", "%", "of", "256"]
    assert "waiting messages  ocr-requests 12   sheet-requests unknown" in text
    assert "recorded 41" in text
    assert TOKEN not in text


def test_no_permission(endpoint: str) -> None:
    """Google's own sentence is passed on, without the token."""
    with pytest.raises(Unknown, match=r"Cloud Monitoring answered 403: Permission denied\.") as denied:
        google(endpoint, "another-token").functions()
    assert "another-token" not in str(denied.value)


class Database(BaseHTTPRequestHandler):
    """Firestore's answer to a get of `office/sheet`."""

    answer: tuple[int, Any] = (404, {"error": {"status": "NOT_FOUND"}})

    def do_GET(self) -> None:
        assert self.path == "/v1/projects/p/databases/(default)/documents/office/sheet"
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        self.send_response(self.answer[0])
        self.end_headers()
        self.wfile.write(json.dumps(self.answer[1]).encode())

    log_message = Monitoring.log_message


FULL = "The Sheet is full: move older tabs to another Sheet."


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ((404, {}), ""),
        ((200, {"fields": {"trouble": {"stringValue": ""}}}), ""),
        ((200, {"fields": {"trouble": {"stringValue": FULL}}}), FULL),
        ((403, {}), None),
    ],
)
def test_why_the_sheet_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any], trouble: str | None
) -> None:
    """The table has the sentence of `record`, or OK; a refusal is not taken for a Sheet that is well."""
    monkeypatch.setattr(Database, "answer", answer)
    with serving(Database) as address:
        firestore = status.Firestore(address, "p", TOKEN)
        if trouble is None:
            with pytest.raises(Unknown, match="Firestore answered 403"):
                firestore.sheet_trouble()
            return
        assert firestore.sheet_trouble() == trouble
    lines = status.table(status.Status("x", [], {}, {}, {}, sheet=trouble)).splitlines()
    assert f"Sheet             {trouble or 'OK'}" in lines

"""The entry points, through functions-framework as it runs them: requests and events in, answers out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from intake.errors import DailyQuotaExceeded, IntakeError, NotFromThePage, TemporaryError, TooManySubmissions
from intake.model import Status
from intake.rate_limits import Caller
from werkzeug.test import Client

from tests.support.deployment import Deployment, Stage
from tests.support.fakes import ANSWERS, INTAKE_ID, an_intake
from tests.support.uploads import CONTENT_TYPE, PDF, form_body

EVENTS = Path(__file__).parents[1] / "events"
KEY = "5f0c8f0e-6a52-4f4e-9d5e-0f6f0b6b7c11"
SECRET = "Robin Example lives at 1 Example Street"
HOLD = "Something went wrong on our side. Please try again in a minute."


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what our code logged."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


# --- submit ---------------------------------------------------------------------------------------------------------------


def send(client: Client, body: bytes, **headers: str) -> Any:
    """Post a form to `submit`."""
    return client.post("/submit", data=body, content_type=CONTENT_TYPE, headers={"Idempotency-Key": KEY, **headers})


def test_submit(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """A good form is answered 202 with its id and address, and again when it is repeated."""
    client = deployment.function("submit")
    answer = send(client, form_body(ANSWERS, [PDF]))
    (intake_id,) = deployment.store.intakes
    assert answer.status_code == 202
    assert answer.get_json() == {"intake_id": intake_id, "progress_url": f"/progress/{intake_id}"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert send(client, form_body(ANSWERS, [PDF])).get_json() == answer.get_json()
    lines = [line for line in logged(capsys) if line["message"] == "submission accepted"]
    assert [(line["intake_id"], line["repeated"]) for line in lines] == [(intake_id, False), (intake_id, True)]


def test_submit_refused(deployment: Deployment) -> None:
    """A form with problems is answered 422 with each of them."""
    answer = send(deployment.function("submit"), form_body({**ANSWERS, "title": ""}, [b""]))
    assert answer.status_code == 422
    body = answer.get_json()
    assert body["code"] == "invalid_submission"
    assert [(error["code"], error["field"]) for error in body["errors"]] == [
        ("missing_field", "title"),
        ("empty_file", "bill"),
    ]


def test_submit_is_admitted_by_where_it_comes_from(deployment: Deployment) -> None:
    """The valves see both addresses; the intake carries the hashes that they return; a repetition is not asked again."""
    client = deployment.function("submit")
    headers = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7"}
    for _ in range(2):
        assert send(client, form_body(ANSWERS, [PDF]), **headers).status_code == 202
    assert deployment.admit.calls == [(Caller("198.51.100.9 203.0.113.7", "203.0.113.7"),)]
    (intake,) = deployment.store.intakes.values()
    assert intake.to_document()["client"] == "c" * 32
    assert intake.to_document()["pages"] == 1


@pytest.mark.parametrize(
    ("error", "status", "pause"), [(DailyQuotaExceeded(5000), 503, "3600"), (TooManySubmissions(60), 429, "600")]
)
def test_submit_is_not_admitted(deployment: Deployment, error: IntakeError, status: int, pause: str) -> None:
    """The refusal says when to come again, and nothing is kept."""
    deployment.admit.error = error
    answer = send(deployment.function("submit"), form_body(ANSWERS, [PDF]))
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, pause)
    assert answer.get_json()["code"] == error.code
    assert (deployment.store.intakes, deployment.bucket.objects) == ({}, {})


def test_submit_asks_for_app_check(deployment: Deployment) -> None:
    """Where it is on, the header is checked before anything else."""
    check = deployment.services.app_check = SimpleNamespace(check=Stage())
    check.check.error = NotFromThePage()
    answer = send(deployment.function("submit"), form_body(ANSWERS, [PDF]), **{"X-Firebase-AppCheck": "token"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not_from_the_page")
    assert check.check.calls == [("token",)]
    assert deployment.admit.calls == []


def test_submit_while_storage_is_down(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """Passing trouble is answered 503, and logged as an error."""
    deployment.bucket.faults.refuse("close")
    answer = send(deployment.function("submit"), form_body(ANSWERS, [PDF]))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "temporarily_unavailable")
    assert [(line["severity"], line["code"]) for line in logged(capsys)] == [("ERROR", "temporarily_unavailable")]


@pytest.mark.parametrize(("method", "content_type"), [("PUT", CONTENT_TYPE), ("POST", "text/plain")])
def test_refused_body_is_not_kept(deployment: Deployment, method: str, content_type: str) -> None:
    """The rest of a refused request is read and thrown away; the framework would read it into memory."""
    body = form_body(ANSWERS, [PDF + bytes(300_000)])
    with deployment.function("submit") as client:
        answer = client.open("/submit", method=method, data=body, content_type=content_type)
        assert answer.status_code in (405, 415)
        assert flask.request.get_data() == b""


# --- progress -------------------------------------------------------------------------------------------------------------


def test_progress(deployment: Deployment) -> None:
    """A known id is answered with where its bill stands."""
    deployment.store.add(an_intake(status=Status.READING, file_pages=(5,)))
    answer = deployment.function("progress").get(f"/progress/{INTAKE_ID}")
    assert answer.status_code == 200
    assert (answer.get_json()["intake_id"], answer.get_json()["stage"]) == (INTAKE_ID, "reading")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [f"/progress/{INTAKE_ID}", "/progress/", "/", f"/progress/{INTAKE_ID}/x", "/progress/../secret", f"/{'A' * 32}"],
)
def test_progress_of_nothing(deployment: Deployment, path: str) -> None:
    """An id that never was is a 404 that says so; what is no id is not even looked up."""
    answer = deployment.function("progress").get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_intake")
    assert deployment.store.faults.calls["progress"] == (1 if path.endswith(INTAKE_ID) else 0)


# --- sweep ----------------------------------------------------------------------------------------------------------------


def test_sweep(deployment: Deployment) -> None:
    """The scheduler's call is answered with numbers."""
    deployment.store.add(an_intake())
    answer = deployment.function("sweep").post("/")
    assert answer.status_code == 200
    rest = dict.fromkeys(("in_work", "failed", "uploads", "deliveries", "lists", "errors"), 0)
    assert answer.get_json() == {"woken": 1, **rest}
    assert deployment.report.calls == [()]


@pytest.mark.parametrize(
    ("target", "send_one"),
    [
        ("submit", lambda client: send(client, form_body(ANSWERS, [PDF]))),
        ("submit", lambda client: send(client, form_body(ANSWERS, []))),
        ("progress", lambda client: client.get(f"/progress/{INTAKE_ID}")),
        ("sweep", lambda client: client.post("/")),
        ("ocr", lambda client: deliver(client, kept("ocr_eventarc"))),
        ("record", lambda client: deliver(client, kept("record_eventarc"))),
    ],
    ids=["submit", "submit refused", "progress", "sweep", "ocr", "record"],
)
def test_each_invocation_ends_with_its_time_and_memory(
    deployment: Deployment, target: str, send_one: Callable[[Client], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with `ms` an invocation, and memory in it, whatever came of it: status and alerts count on them."""
    deployment.store.add(an_intake())
    send_one(deployment.function(target))
    (last,) = [line for line in logged(capsys) if "ms" in line]
    assert last["rss_mb"] > 0


# --- all HTTP functions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "method", "allowed"),
    [
        ("submit", "GET", "POST"),
        ("submit", "PUT", "POST"),
        ("submit", "DELETE", "POST"),
        ("progress", "POST", "GET"),
        ("progress", "DELETE", "GET"),
        ("sweep", "GET", "POST"),
    ],
)
def test_wrong_method(deployment: Deployment, target: str, method: str, allowed: str) -> None:
    """Another method is answered 405 with the one that works."""
    answer = deployment.function(target).open(f"/progress/{INTAKE_ID}", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.get_json() == {
        "code": "wrong_method",
        "message": f"This address only accepts {allowed} requests. Send the request with {allowed}.",
        "errors": [],
    }


CALLS: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "submit": ("intake", lambda client: send(client, form_body(ANSWERS, [PDF]))),
    "progress": ("progress", lambda client: client.get(f"/progress/{INTAKE_ID}")),
    "sweep": ("due_for_check", lambda client: client.post("/")),
}


@pytest.mark.parametrize("target", sorted(CALLS))
def test_unknown_error(deployment: Deployment, target: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Of an error that nobody foresaw the caller learns nothing but that it happened, and the log not its text."""
    call, request = CALLS[target]
    deployment.store.faults.refuse(call, error=lambda: ValueError(SECRET))
    answer = request(deployment.function(target))
    assert answer.status_code == 500
    assert answer.get_json() == {"code": "internal", "message": HOLD, "errors": []}
    out, err = capfd.readouterr()
    assert SECRET not in answer.get_data(as_text=True) + out + err
    assert "builtins.ValueError" in out


# --- events ---------------------------------------------------------------------------------------------------------------


def deliver(client: Client, event: dict[str, Any]) -> Any:
    """Deliver a message as Pub/Sub or Eventarc would."""
    return client.post("/", data=json.dumps(event["body"]), headers=event["headers"])


def kept(name: str) -> dict[str, Any]:
    """Return an event that is kept as a file."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def with_data(data: object, name: str = "ocr_eventarc") -> dict[str, Any]:
    """Return an event with other data: JSON, or a text that takes the place of the base64."""
    event = kept(name)
    encoded = data if isinstance(data, str) else base64.b64encode(json.dumps(data).encode()).decode()
    event["body"]["message"]["data"] = encoded
    return event


@pytest.mark.parametrize("name", ["ocr_push", "ocr_eventarc"])
def test_ocr(deployment: Deployment, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A message, as the emulator pushes it or as Eventarc sends it, is one chunk under the message's own id."""
    answer = deliver(deployment.function("ocr"), kept(name))
    assert answer.status_code == 200
    assert deployment.read_chunk.calls == [(INTAKE_ID, 3, "7061")]
    (line,) = logged(capsys)
    assert (line["message"], line["intake_id"], line["event_id"]) == ("event handled", INTAKE_ID, "7061")


@pytest.mark.parametrize("name", ["record_push", "record_eventarc"])
def test_record(deployment: Deployment, name: str) -> None:
    """A message names the intake whose row is due."""
    assert deliver(deployment.function("record"), kept(name)).status_code == 200
    assert deployment.record.calls == [(INTAKE_ID,)]


def test_first_chunk_may_be_left_out(deployment: Deployment) -> None:
    """A message without a chunk means the first."""
    deliver(deployment.function("ocr"), with_data({"intake_id": INTAKE_ID}))
    assert deployment.read_chunk.calls == [(INTAKE_ID, 0, "7061")]


GARBAGE: dict[str, object] = {
    "not base64": "not base64!",
    "not text": base64.b64encode(b"\xff\xfe").decode(),
    "not JSON": base64.b64encode(b"{").decode(),
    "deeply nested": base64.b64encode(b"[" * 100_000).decode(),
    "empty": "",
    "null": None,
    "list": [],
    "number": 7,
    "no id": {},
    "path for id": {"intake_id": "../../secret"},
    "capital id": {"intake_id": INTAKE_ID.upper()},
    "number for id": {"intake_id": 7},
    "negative chunk": {"intake_id": INTAKE_ID, "chunk": -1},
    "huge chunk": {"intake_id": INTAKE_ID, "chunk": 10_000},
    "text for chunk": {"intake_id": INTAKE_ID, "chunk": "0"},
    "half a chunk": {"intake_id": INTAKE_ID, "chunk": 0.5},
    "list for chunk": {"intake_id": INTAKE_ID, "chunk": [0]},
}


@pytest.mark.parametrize("target", ["ocr", "record"])
@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage(deployment: Deployment, target: str, data: object, capsys: pytest.CaptureFixture[str]) -> None:
    """A message that no delivery will make right is acknowledged, with an error in the log."""
    answer = deliver(deployment.function(target), with_data(data))
    assert answer.status_code == 200
    assert deployment.read_chunk.calls == deployment.record.calls == []
    assert [(line["severity"], line["message"]) for line in logged(capsys)] == [("ERROR", "malformed message")]


def test_attributes_only_from_the_emulator(deployment: Deployment) -> None:
    """The framework itself refuses a raw push without data, before our code: it ends in the dead-letter topic."""
    assert deliver(deployment.function("ocr"), kept("attributes_only_push")).status_code == 400
    assert deployment.read_chunk.calls == []


@pytest.mark.parametrize("target", ["ocr", "record"])
@pytest.mark.parametrize("error", [TemporaryError(), ValueError(SECRET)], ids=["temporary", "unknown"])
def test_failed_event(
    deployment: Deployment,
    target: str,
    error: Exception,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure leaves the function as an error, so that Pub/Sub delivers again; its text goes nowhere."""
    deployment.read_chunk.error = deployment.record.error = error
    client = deployment.function(target)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = deliver(client, kept(f"{target}_eventarc"))
    out, err = capfd.readouterr()
    assert answer.status_code == 500
    assert SECRET not in answer.get_data(as_text=True) + out + err + caplog.text
    assert '"message": "event failed and will be delivered again"' in out

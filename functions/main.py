"""The entry points of the five functions. They decide nothing: decode the request, call the stage, encode the answer.

submit    HTTP      a form with its files becomes an intake
progress  HTTP      where an intake is
ocr       Pub/Sub   a chunk of an intake's pages becomes words
record    Pub/Sub   intakes that are read become rows
sweep     HTTP      called by the scheduler: resumes what stopped
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import asdict
from typing import Any

import flask
import functions_framework
from cloudevents.http import CloudEvent
from intake import log
from intake.errors import IntakeError, UnknownIntake, WrongMethod
from intake.rate_limits import Caller
from intake.services import Services

services = Services()

_INTAKE_ID = re.compile(r"[0-9a-f]{32}")
_WAKE = {"wake": True}
_NO_STORE = {"Cache-Control": "no-store"}


@functions_framework.http
def submit(request: flask.Request) -> flask.typing.ResponseReturnValue:
    """POST multipart/form-data: accept one submission; 202 with its id and the URL of its progress.

    POST /submit?wake=1 accepts nothing. The form sends it once when it is opened, so that the first agent of the day does
    not wait for cold functions. 204.
    """
    from intake.multipart import drain

    started = time.perf_counter()
    try:
        _allow(request, "POST")
        if request.args.get("wake"):
            drain(request.stream)
            return _wake(request, started)
        if app_check := services.app_check:
            app_check.check(request.headers.get("X-Firebase-AppCheck"))
        caller = Caller.of(request.headers.get, request.remote_addr or "")
        accepted = services.submit.submit(
            request.stream, request.headers.get("Content-Type", ""), request.headers.get("Idempotency-Key"), caller
        )
    except Exception as exc:
        drain(request.stream)
        return _error("submission refused", exc, started)
    log.info("submission accepted", intake_id=accepted.intake_id, repeated=accepted.repeated, ms=_ms(started))
    body = {"intake_id": accepted.intake_id, "progress_url": f"/progress/{accepted.intake_id}"}
    return body, 202, _NO_STORE


@functions_framework.http
def progress(request: flask.Request) -> flask.typing.ResponseReturnValue:
    """GET /progress/{id}: where an intake is, from its progress document or, once that expired, from the intake."""
    started = time.perf_counter()
    try:
        _allow(request, "GET")
        intake_id = request.path.rstrip("/").rpartition("/")[2]
        if not _INTAKE_ID.fullmatch(intake_id):
            raise UnknownIntake
        view = services.progress.view(intake_id)
    except Exception as exc:
        return _error("progress not shown", exc, started)
    log.info("progress shown", intake_id=intake_id, ms=_ms(started))
    return view, 200, _NO_STORE


@functions_framework.cloud_event
def ocr(event: CloudEvent) -> None:
    """Read the chunk of pages that a message names; {"wake": true} only creates the clients."""
    message = _message(event, may_wake=True)
    if message == _WAKE:
        _run(event, {"intake_id": None}, lambda: services.ocr)
    elif message is not None:
        _run(event, message, lambda: services.ocr.read_chunk(message["intake_id"], message["chunk"], event["id"]))


@functions_framework.cloud_event
def record(event: CloudEvent) -> None:
    """Write the rows that are due, the one of the message's intake among them; then make the other deliveries."""
    message = _message(event)
    if message is not None:
        _run(event, message, lambda: services.record.record(message["intake_id"]))


@functions_framework.http
def sweep(request: flask.Request) -> flask.typing.ResponseReturnValue:
    """POST: resume what stopped and log the backlog; the answer counts what was done."""
    started = time.perf_counter()
    try:
        _allow(request, "POST")
        swept = asdict(services.sweeper.sweep())
        services.backlog_metrics.report()
    except Exception as exc:
        return _error("sweep failed", exc, started)
    log.info("sweep done", ms=_ms(started))
    return swept, 200, _NO_STORE


def _wake(request: flask.Request, started: float) -> flask.typing.ResponseReturnValue:
    """Create the clients that a submission will need, and have `ocr` do the same.

    The log shows which headers arrive, never their values: `./deploy.sh check` reads it.
    """
    _ = services.store, services.bucket, services.office_lists
    hops = Caller.of(request.headers.get, request.remote_addr or "").hops
    names = {"fastly": "Fastly-Client-IP", "app_check": "X-Firebase-AppCheck"}
    seen = {name: header in request.headers for name, header in names.items()}
    log.info("woken", sent=services.warm_up.wake(), hops=hops, **seen, ms=_ms(started))
    return "", 204, _NO_STORE


def _allow(request: flask.Request, method: str) -> None:
    if request.method != method:
        raise WrongMethod(method)


def _error(what: str, exc: Exception, started: float) -> flask.typing.ResponseReturnValue:
    """Log an error and return its answer. The answer to an unexpected error has no details."""
    known = exc if isinstance(exc, IntakeError) else IntakeError()
    if known.status >= 500:
        log.error(what, exc, code=known.code, ms=_ms(started))
    else:
        log.info(what, code=known.code, ms=_ms(started))
    headers = dict(_NO_STORE)
    if known.retry_after_s is not None:
        headers["Retry-After"] = str(known.retry_after_s)
    if isinstance(known, WrongMethod):
        headers["Allow"] = known.allowed
    return known.to_dict(), known.status, headers


def _message(event: CloudEvent, *, may_wake: bool = False) -> dict[str, Any] | None:
    """Return the body of a Pub/Sub message, or None if it is malformed: delivering it again would not help."""
    try:
        message = json.loads(base64.b64decode(event.data["message"]["data"]))
        if may_wake and message == _WAKE:
            return _WAKE
        sound = bool(_INTAKE_ID.fullmatch(message["intake_id"])) and message.get("chunk", 0) in range(10_000)
    except (KeyError, TypeError, ValueError, RecursionError) as exc:
        log.error("malformed message", exc, event_id=event["id"])
        return None
    if not sound:
        log.error("malformed message", event_id=event["id"])
        return None
    return {"chunk": 0, **message}


def _run(event: CloudEvent, message: dict[str, Any], step: Any) -> None:
    """Run the step of an event; an error leaves the function, because only that makes Pub/Sub deliver again."""
    started = time.perf_counter()
    try:
        step()
    except Exception as exc:
        ids = {"intake_id": message["intake_id"], "event_id": event["id"]}
        log.error("event failed and will be delivered again", exc, **ids, ms=_ms(started))
        # functions-framework puts the text of an error into its answer, so a new error without details is raised.
        raise RuntimeError("event not handled") from None
    log.info("event handled", intake_id=message["intake_id"], event_id=event["id"], ms=_ms(started))


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)

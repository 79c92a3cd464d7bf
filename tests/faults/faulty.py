"""functions/main.py where every request to Google may fail: the source that a campaign gives to the stack's functions.

The campaign's fault injector is asked before and after each request on the wire (gRPC or HTTP), below the official clients, so
that their own retries, and what they make of a write that was done and not answered, are part of what is tried. Before:
nothing has happened yet. After: all of it has happened and the answer is lost. A killed process is killed (SIGKILL), and
gunicorn starts another. The functions' code is the product's, untouched.
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from types import FrameType
from typing import Any

import grpc
import requests
from requests.adapters import HTTPAdapter

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = f"{ROOT / 'functions'}{os.sep}"
CLOUD = f"{FUNCTIONS}intake{os.sep}cloud{os.sep}"
sys.path.insert(0, FUNCTIONS)

_mine = threading.local()


def _injector() -> Connection:
    """Return this thread's connection to the campaign."""
    if not hasattr(_mine, "connection"):
        _mine.connection = Client(os.environ["FAULT_INJECTOR"])
    connection: Connection = _mine.connection
    return connection


def ask(place: str, request: str, moment: str, intake_id: str | None) -> str:
    """Say what is about to happen (or has), die or wait if told to, and return any other order."""
    connection = _injector()
    connection.send((place, request, moment, intake_id))
    order: str = connection.recv()
    if order == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if order.startswith("delay "):
        time.sleep(float(order.removeprefix("delay ")))
        return "go"
    return order


def product_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the product's own code, innermost first."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(FUNCTIONS):
            yield frame
        frame = frame.f_back


def asking(request: str, frame: FrameType | None) -> Callable[[str], str] | None:
    """Return what asks about a moment of a request, or None where the product has nothing to do with the request."""
    frames = list(product_frames(frame))
    if not frames:
        return None
    # The stage that needs the request says more than the adapter that makes it.
    caller = next((each for each in frames if not each.f_code.co_filename.startswith(CLOUD)), frames[0])
    module = caller.f_code.co_filename.removeprefix(FUNCTIONS)
    place, intake_id = f"{module}:{caller.f_lineno} {caller.f_code.co_qualname}", _intake_of(frames)
    return lambda moment: ask(place, request, moment, intake_id)


def _intake_of(frames: list[FrameType]) -> str | None:
    """Return the id of the intake that the product is at work for, as its frames know it."""
    for frame in frames:
        held = frame.f_locals
        for owner in (held.get("intake"), getattr(held.get("self"), "_intake", None)):
            if isinstance(found := getattr(owner, "id", None), str):
                return found
        if isinstance(held.get("intake_id"), str):
            return str(held["intake_id"])
    return None


class Broken(grpc.RpcError):  # type: ignore[misc]
    """A gRPC call that failed; has what the official clients ask of one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._code = grpc.StatusCode[name]

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "a fault of the campaign"

    def trailing_metadata(self) -> tuple[()]:
        return ()


class Answered:
    """A call whose answer was taken in whole and can be passed on, or passed on changed.

    Args:
        call: What grpc returned.
        answer: A message, or the list of messages of a stream.
    """

    def __init__(self, call: Any, answer: Any) -> None:
        self._call = call
        self._answer = answer
        self._rest = iter(answer if isinstance(answer, list) else ())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def result(self, timeout: float | None = None) -> Any:
        return self._answer

    def __iter__(self) -> Iterator[Any]:
        return self._rest

    def __next__(self) -> Any:
        return next(self._rest)


class Wire(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Asks the injector before and after each gRPC call that the product makes."""

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass(continuation, details, request, stream=False)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass(continuation, details, request, stream=True)

    def _pass(self, continuation: Any, details: Any, request: Any, *, stream: bool) -> Any:
        method = details.method if isinstance(details.method, str) else details.method.decode()
        name = "/".join(part.rpartition(".")[2] for part in method.strip("/").split("/"))
        about = asking(name, sys._getframe())
        if about is None:
            return continuation(details, request)
        order = about("before")
        if order != "go":
            raise Broken(order)
        call = continuation(details, request)
        if isinstance(call, grpc.RpcError):
            return call
        answer: Any = list(call) if stream else call.result()
        order = about("after")
        if order == "no answer":
            del answer.responses[:]
        elif order == "no size":
            for response in answer.responses:
                for page in response.full_text_annotation.pages:
                    page.width = 0
        elif order != "go":
            raise Broken(order)
        return Answered(call, answer)


def _over_http(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    """Return `HTTPAdapter.send` with the injector before and after: Storage, Sheets and Drive go through it."""

    def faulty(self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        about = asking(f"{_product(str(request.url))}/{request.method}", sys._getframe(1))
        if about is None:
            return send(self, request, *args, **kwargs)
        order = about("before")
        if order == "cut":
            raise requests.ConnectionError("cut before it was sent")
        if order != "go":
            return _refusal(request, int(order))
        response = send(self, request, *args, **kwargs)
        order = about("after")
        if order == "go":
            return response
        response.close()
        if order == "cut":
            raise requests.ConnectionError("cut before the answer")
        return _refusal(request, int(order))

    return faulty


def _product(url: str) -> str:
    if "/v4/spreadsheets" in url:
        return "Sheets"
    return "Drive" if "/drive/v3" in url else "Storage"


def _refusal(request: requests.PreparedRequest, status: int) -> requests.Response:
    """Return an error answer in the shape that Google's HTTP services share."""
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, str(request.url)
    response.headers["Content-Type"] = "application/json"
    response._content = b'{"error": {"code": %d, "message": "a fault of the campaign", "status": "FAULT"}}' % status
    return response


def _with_wire(make: Callable[..., grpc.Channel]) -> Callable[..., grpc.Channel]:
    def channel(*args: Any, **kwargs: Any) -> grpc.Channel:
        return grpc.intercept_channel(make(*args, **kwargs), Wire())

    return channel


def _counted(claim: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Chunks.claim_chunk` that reports each claim it grants: how often a chunk was read explains its OCR calls."""

    @functools.wraps(claim)
    def counted(self: Any, intake_id: str, *args: Any, **kwargs: Any) -> Any:
        if lease := claim(self, intake_id, *args, **kwargs):
            ask("", "", "claimed", intake_id)
        return lease

    return counted


# Loaded before gunicorn forks, so that a process that was killed is replaced within a moment. What opens files is loaded by
# the worker alone, as ever.
_OF_THE_WORKER = {f"intake.pages.{name}" for name in ("heic", "pdf", "pictures", "sandbox.worker")}


def _load_all() -> None:
    import intake

    for module in pkgutil.walk_packages(intake.__path__, "intake."):
        if module.name not in _OF_THE_WORKER:
            importlib.import_module(module.name)


HTTPAdapter.send = _over_http(HTTPAdapter.send)  # type: ignore[method-assign]
grpc.insecure_channel = _with_wire(grpc.insecure_channel)

_load_all()

from intake.cloud.firestore.chunks import Chunks  # noqa: E402
from intake.settings import Limits  # noqa: E402
from intake.stages import sheet_access  # noqa: E402
from main import ocr, progress, record, services, submit, sweep  # noqa: E402

Chunks.claim_chunk = _counted(Chunks.claim_chunk)  # type: ignore[method-assign]
# What takes minutes in production takes seconds in a campaign.
sheet_access.PAUSE_AFTER_FAILURE_S = 1.0
services.kept["limits"] = Limits(upload_bytes=int(os.environ["FAULTS_UPLOAD_BYTES"]))

__all__ = ["ocr", "progress", "record", "submit", "sweep"]

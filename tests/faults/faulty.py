"""functions/main.py where every call to Google may fail: the source that a campaign gives to the stack's functions.

Two layers, both asked about by the campaign's invariants before and after each call:

    method   a public method of a class of `intake.cloud`, called by a stage. It fails as the method's own docstring says, or
             the process dies.
    call     one request on the wire (gRPC or HTTP), below the official clients. Their own retries, and what they make of a
             write that was done and not answered, are thus part of what is tried.

Before: nothing has happened yet. After: all of it has happened and the answer is lost. A killed process is killed
(SIGKILL), gunicorn starts another. The functions' code is the product's, untouched: the classes are wrapped when their
modules are imported, found by introspection.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import inspect
import os
import pkgutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import grpc
import requests
from requests.adapters import HTTPAdapter

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = f"{ROOT / 'functions'}{os.sep}"
CLOUD = f"{FUNCTIONS}intake{os.sep}cloud{os.sep}"
sys.path.insert(0, FUNCTIONS)

_mine = threading.local()


def _referee() -> Connection:
    """Return this thread's connection to the campaign."""
    if not hasattr(_mine, "connection"):
        _mine.connection = Client(os.environ["FAULTS_REFEREE"])
    connection: Connection = _mine.connection
    return connection


def ask(layer: str, name: str, moment: str, frame: FrameType, intake_id: str | None = None) -> str:
    """Tell the invariants what is about to happen (or has), do what he says if it is to die or to wait, and return the rest."""
    module, code = frame.f_code.co_filename.removeprefix(FUNCTIONS), frame.f_code
    question = (os.environ["FUNCTION_TARGET"], layer, module, code.co_qualname, frame.f_lineno, name, moment, intake_id)
    connection = _referee()
    connection.send(question)
    order: str = connection.recv()
    if order == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if order.startswith("delay "):
        time.sleep(float(order.removeprefix("delay ")))
        return "go"
    return order


def product_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the product's own code, innermost first; decorators' wrappers are left out."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(FUNCTIONS) and frame.f_code.co_name not in ("call", "<lambda>"):
            yield frame
        frame = frame.f_back


def intake_of(frames: Iterator[FrameType]) -> str | None:
    """Return the id of the intake that the product is at work for, as its frames know it."""
    for frame in frames:
        held = frame.f_locals
        for owner in (held.get("intake"), getattr(held.get("self"), "_intake", None)):
            if isinstance(getattr(owner, "id", None), str):
                return str(owner.id)
        if isinstance(held.get("intake_id"), str):
            return str(held["intake_id"])
    return None


# --- methods of intake.cloud -------------------------------------------------------------------------------------------


def _failure(owner: str) -> Exception:
    """Return what a method raises when its product did not answer, as its docstring says."""
    from intake import errors

    kinds = {
        "Vision": errors.OcrUnavailable,
        "SheetTable": errors.SheetUnavailable,
        "OfficeTabs": errors.SheetUnavailable,
        "Drive": errors.DriveUnavailable,
    }
    return kinds.get(owner, errors.TemporaryError)()


def watched(owner: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of `intake.cloud` that asks the invariants before and after."""
    name = f"{owner}.{method.__name__}"

    @functools.wraps(method)
    def faulty(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        if caller.f_code.co_filename.startswith(CLOUD):
            return method(*args, **kwargs)  # one cloud method helps another: the stage called that one
        intake_id = intake_of(product_frames(caller))
        if ask("method", name, "before", caller, intake_id) == "error":
            raise _failure(owner)
        result = method(*args, **kwargs)
        # Whether a claim was granted says how many runs a chunk had.
        done = f"{name}!" if name == "Store.claim_chunk" and result else name
        if ask("method", done, "after", caller, intake_id) == "error":
            raise _failure(owner)
        return result

    return faulty


class _Wrapping(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Wraps the classes of a module of `intake.cloud` when a function imports it: no function imports all of them."""

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not name.startswith("intake.cloud."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        self._loaders[name] = spec.loader
        spec.loader = self
        return spec

    def __init__(self) -> None:
        self._loaders: dict[str, Any] = {}

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def get_code(self, name: str) -> CodeType | None:
        return self._loaders[name].get_code(name)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        self._loaders[module.__name__].exec_module(module)
        for owner, product in inspect.getmembers(module, inspect.isclass):
            if product.__module__ != module.__name__ or owner.startswith("_") or issubclass(product, Exception):
                continue
            for name, method in list(vars(product).items()):
                if inspect.isfunction(method) and not name.startswith("_"):
                    setattr(product, name, watched(owner, method))


# --- requests on the wire ----------------------------------------------------------------------------------------------


class Broken(grpc.RpcError, grpc.Call, grpc.Future):  # type: ignore[misc]
    """A gRPC call that failed, as grpc itself presents it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._code = grpc.StatusCode[name]

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "a fault of the campaign"

    def trailing_metadata(self) -> tuple[()]:
        return ()

    initial_metadata = trailing_metadata

    def result(self, timeout: float | None = None) -> Any:
        raise self

    def exception(self, timeout: float | None = None) -> Any:
        return self

    def is_active(self) -> bool:
        return False

    def done(self) -> bool:
        return True

    running = cancelled = cancel = is_active

    def time_remaining(self) -> None:
        return None

    def traceback(self, timeout: float | None = None) -> None:
        return None

    def add_callback(self, callback: Any) -> bool:
        return False

    def add_done_callback(self, fn: Any) -> None:
        fn(self)


class Answered:
    """A call whose answer was taken in whole and can be given on, or given on changed.

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
    """Asks the invariants before and after each gRPC call that the product makes."""

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass(continuation, details, request, stream=False)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass(continuation, details, request, stream=True)

    def _pass(self, continuation: Any, details: Any, request: Any, *, stream: bool) -> Any:
        method = details.method if isinstance(details.method, str) else details.method.decode()
        name = "/".join(part.rpartition(".")[2] for part in method.strip("/").split("/"))
        frame = next(product_frames(sys._getframe()), None)
        if frame is None:
            return continuation(details, request)
        intake_id = intake_of(product_frames(frame))
        order = ask("call", name, "before", frame, intake_id)
        if order != "go":
            raise Broken(order)
        call = continuation(details, request)
        if isinstance(call, grpc.RpcError):
            ask("call", name, "failed", frame, intake_id)
            return call
        answer = list(call) if stream else call.result()
        order = ask("call", name, "after", frame, intake_id)
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
    """Return `HTTPAdapter.send` with the invariants before and after: Storage, Sheets and Drive go through it."""

    def faulty(self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        frame = next(product_frames(sys._getframe(1)), None)
        if frame is None:
            return send(self, request, *args, **kwargs)
        name = f"{_product(str(request.url))}/{request.method}"
        intake_id = intake_of(product_frames(frame))
        order = ask("call", name, "before", frame, intake_id)
        if order == "cut":
            raise requests.ConnectionError("cut before it was sent")
        if order != "go":
            return _refusal(request, int(order))
        response = send(self, request, *args, **kwargs)
        order = ask("call", name, "after", frame, intake_id)
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
    """Return an error answer in the shape that they share."""
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, str(request.url)
    response.headers["Content-Type"] = "application/json"
    response._content = b'{"error": {"code": %d, "message": "a fault of the campaign", "status": "FAULT"}}' % status
    return response


def _with_wire(make: Callable[..., grpc.Channel]) -> Callable[..., grpc.Channel]:
    def channel(*args: Any, **kwargs: Any) -> grpc.Channel:
        return grpc.intercept_channel(make(*args, **kwargs), Wire())

    return channel


# Loaded before gunicorn forks, so that a process that was killed is replaced within a moment. What opens files is loaded by
# the worker alone, as ever.
_OF_THE_WORKER = {f"intake.pages.{name}" for name in ("heic", "pdf", "pictures", "worker")}


def _load_all() -> None:
    import intake

    for module in pkgutil.walk_packages(intake.__path__, "intake."):
        if module.name not in _OF_THE_WORKER:
            importlib.import_module(module.name)


sys.meta_path.insert(0, _Wrapping())
HTTPAdapter.send = _over_http(HTTPAdapter.send)  # type: ignore[method-assign]
grpc.insecure_channel = _with_wire(grpc.insecure_channel)

_load_all()

from intake.settings import Limits  # noqa: E402
from intake.stages import sheet_access  # noqa: E402
from main import ocr, progress, record, services, submit, sweep  # noqa: E402

# What takes minutes in production takes seconds in a campaign.
sheet_access.PAUSE_AFTER_FAILURE_S = 1.0
services.kept["limits"] = Limits(upload_bytes=int(os.environ["FAULTS_UPLOAD_BYTES"]))

__all__ = ["ocr", "progress", "record", "submit", "sweep"]

"""functions/main.py, counted: every call that a function makes to Google is noted where it leaves the process.

Used as the functions' source. Each call becomes one JSON line in the file CALLS_FILE: function, product, method, and what
Google bills it by (documents read, written and deleted; bytes). gRPC is counted by an interceptor on every channel, HTTP where
requests hands it to the network, so retries count as what they are: calls.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "functions"))


def note(product: str, method: str, **billed: int) -> None:
    """Write down one call."""
    line = {"function": os.environ["FUNCTION_TARGET"], "product": product, "method": method, **billed}
    with Path(os.environ["CALLS_FILE"]).open("a", encoding="ascii") as calls:
        fcntl.flock(calls, fcntl.LOCK_EX)
        calls.write(json.dumps(line) + "\n")


class _Counted:
    """A stream of answers whose documents are counted when it ends: a query is billed by what it returns, at least one."""

    def __init__(self, stream: Any, ended: Callable[[int], None]) -> None:
        self._stream = stream
        self._ended = ended
        self._documents = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            answer = next(self._stream)
        except StopIteration:
            self._ended(self._documents)
            raise
        self._documents += answer._pb.HasField("document") if hasattr(answer, "_pb") else answer.HasField("document")
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Counter(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc] # no types
    """Notes every call on a channel."""

    def intercept_unary_unary(self, continuation: Any, details: grpc.ClientCallDetails, request: Any) -> Any:
        service, method = details.method.split("/")[1:]
        billed = {"bytes": len(type(request).serialize(request))} if hasattr(type(request), "serialize") else {}
        if method == "Commit":
            deletes = sum("delete" in write for write in request.writes)
            billed = {"writes": len(request.writes) - deletes, "deletes": deletes}
        if method == "Publish":
            billed["messages"] = len(request.messages)
        note(_PRODUCTS[service], method, **billed)
        return continuation(details, request)

    def intercept_unary_stream(self, continuation: Any, details: grpc.ClientCallDetails, request: Any) -> Any:
        service, method = details.method.split("/")[1:]
        if method == "BatchGetDocuments":
            note(_PRODUCTS[service], method, reads=len(request.documents))
            return continuation(details, request)
        return _Counted(
            continuation(details, request), lambda found: note(_PRODUCTS[service], method, reads=max(1, found))
        )


_PRODUCTS = {
    "google.firestore.v1.Firestore": "firestore",
    "google.pubsub.v1.Publisher": "pubsub",
    "google.cloud.vision.v1.ImageAnnotator": "vision",
}


def _counted_channel(make: Callable[..., grpc.Channel]) -> Callable[..., grpc.Channel]:
    return lambda *args, **kwargs: grpc.intercept_channel(make(*args, **kwargs), Counter())


def _counted_send(send: Callable[..., Any]) -> Callable[..., Any]:
    def counted(self: Any, request: Any, **kwargs: Any) -> Any:
        size = int(request.headers.get("Content-Length") or 0)
        path = request.url.partition("?")[0]
        product = "sheets" if "/v4/spreadsheets" in path else "drive" if "/drive/" in path else "storage"
        # Storage bills an upload once, when it begins or in its only request; its further pieces come by PUT.
        kinds = {"POST": "upload", "PUT": "piece"} if "upload" in path else {}
        listing = request.method == "GET" and path.endswith("/o")
        kind = "list" if listing else kinds.get(request.method, request.method.lower())
        if product == "sheets":
            kind = "write" if path.endswith(":batchUpdate") else "read"
        note(product, kind, bytes=size)
        return send(self, request, **kwargs)

    return counted


grpc.insecure_channel = _counted_channel(grpc.insecure_channel)
import requests.adapters  # noqa: E402

setattr(requests.adapters.HTTPAdapter, "send", _counted_send(requests.adapters.HTTPAdapter.send))  # noqa: B010

from main import ocr, progress, record, submit, sweep  # noqa: E402

__all__ = ["ocr", "progress", "record", "submit", "sweep"]

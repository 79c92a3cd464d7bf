"""Answer ImageAnnotator.BatchAnnotateImages: limits, settings, recordings, memory, OCR in threads."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud import vision_v1

from infra.local.vision.annotation import Response, annotate
from infra.local.vision.control import Control, Failures, Stats
from infra.local.vision.ocr import LineReader
from infra.local.vision.picture import BadPicture, decode

MAX_PICTURES_PER_CALL = 16
CACHED_ANSWERS = 256
_FEATURE = {int(vision_v1.Feature.Type.DOCUMENT_TEXT_DETECTION)}
_INVALID_ARGUMENT, _UNIMPLEMENTED = 3, 12


class MissingRecording(LookupError):
    """In replay mode a picture came that was never recorded; carries its SHA-256."""


class ImageAnnotator:
    """Answer calls. Lives in one event loop.

    Args:
        control: the settings in force, looked at anew for every call.
        stats: the counters to keep.
        ocr_workers: how many pictures are read at once; the processors are shared out among them.
    """

    def __init__(self, control: Control, stats: Stats, ocr_workers: int) -> None:
        self._control = control
        self._stats = stats
        self._threads_per_worker = max(1, (os.cpu_count() or 1) // ocr_workers)
        self._executor = ThreadPoolExecutor(ocr_workers, thread_name_prefix="ocr")
        self._readers = threading.local()
        self._answers: OrderedDict[str, Any] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Any]] = {}

    async def batch_annotate_images(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        """Serve google.cloud.vision.v1.ImageAnnotator.BatchAnnotateImages (raw protobuf in and out)."""
        self._stats.enter()
        try:
            if len(request.requests) > MAX_PICTURES_PER_CALL:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Too many images per request")
            if failures := self._due_failure(per_image=False):
                await context.abort(failures.status, f"Injected failure: {failures.code}.")
            answers = [await self._annotate(one) for one in request.requests]
        except MissingRecording as exc:
            message = f"No recording of the picture {exc}; record it first (mode record) or use mode ocr."
            print(f"vision: ERROR {message}", file=sys.stderr, flush=True)
            await context.abort(grpc.StatusCode.NOT_FOUND, message)
        finally:
            self._stats.leave()
        response = vision_v1.BatchAnnotateImagesResponse.pb()()
        response.responses.extend(answers)
        return response

    async def _annotate(self, request: Any) -> Any:
        self._stats.pictures += 1
        if self._control.delay_ms:
            await asyncio.sleep(self._control.delay_ms / 1000)
        if failures := self._due_failure(per_image=True):
            return _error(failures.status.value[0], f"Injected failure: {failures.code}.")
        features = {feature.type_ for feature in request.features}
        if not features or not (request.image.content or request.image.HasField("source")):
            return _error(_INVALID_ARGUMENT, "Request must specify image and features.")
        if not features <= _FEATURE:
            return _error(_UNIMPLEMENTED, "Only DOCUMENT_TEXT_DETECTION exists here.")
        if not request.image.content:
            return _error(_UNIMPLEMENTED, "Only image.content is read here, not image.source.")
        return await self._answer(request.image.content)

    def _due_failure(self, *, per_image: bool) -> Failures | None:
        failures = self._control.due_failure(per_image=per_image)
        self._stats.failures_injected += failures is not None
        return failures

    async def _answer(self, content: bytes) -> Any:
        """Answer one picture: from a recording, from memory, or by reading it."""
        digest = hashlib.sha256(content).hexdigest()
        control = self._control
        recordings = control.recordings if control.mode != "ocr" else None
        if recordings and (recorded := recordings.load(digest)) is not None:
            return recorded
        answer = await self._read_once(digest, content, replay=control.mode == "replay")
        if recordings and not answer.HasField("error"):
            recordings.store(digest, answer)
        return answer

    async def _read_once(self, digest: str, content: bytes, *, replay: bool) -> Any:
        if replay:
            await self._run(self._refuse_unrecorded, digest, content)
        if digest in self._answers:
            self._answers.move_to_end(digest)
            return self._answers[digest]
        if digest not in self._reading:
            self._reading[digest] = asyncio.create_task(self._read(digest, content))
        # Shielded: a client that gives up must not take the answer from others that wait for it.
        return await asyncio.shield(self._reading[digest])

    async def _read(self, digest: str, content: bytes) -> Any:
        try:
            answer = await self._run(self._read_picture, content)
            self._stats.ocr_runs += 1
        except BadPicture as exc:
            print(f"vision: bad image data: {exc}", file=sys.stderr, flush=True)
            answer = _error(_INVALID_ARGUMENT, "Bad image data.")
        finally:
            del self._reading[digest]
        self._answers[digest] = answer
        if len(self._answers) > CACHED_ANSWERS:
            self._answers.popitem(last=False)
        return answer

    async def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)

    def _read_picture(self, content: bytes) -> Any:
        picture = decode(content)
        if not hasattr(self._readers, "reader"):
            self._readers.reader = LineReader(self._threads_per_worker)
        height, width = picture.shape[:2]
        return annotate(self._readers.reader.read(picture), width, height)

    @staticmethod
    def _refuse_unrecorded(digest: str, content: bytes) -> None:
        """Let only those pictures pass that are refused without reading: they need no recording."""
        try:
            decode(content)
        except BadPicture:
            return
        raise MissingRecording(digest)


def _error(code: int, message: str) -> Any:
    response = Response()
    response.error.code = code
    response.error.message = message
    return response

"""What the Vision stand-in can be told for tests and benches, what it counts, and the HTTP endpoint for both.

    GET  /control   what is set now
    PUT  /control   set the names that the JSON object gives and keep the others; answers like GET,
                    or 400 with {"error": ...}
    GET  /stats     what was counted since the start

Names of /control:

    delay_ms    wait this long with each picture before anything else; the pictures of one call wait one
                after another
    failures    null, or {"every": N} or {"rate": r, "seed": s}, with "code" (RESOURCE_EXHAUSTED, UNAVAILABLE,
                DEADLINE_EXCEEDED, INTERNAL) and "per_image": false fails the whole call with that gRPC
                status, true only one picture of it, in its response's `error`. Setting it starts the count
                and the random sequence anew.
    mode        "ocr" never looks at recordings, "record" answers from them and stores what is missing,
                "replay" answers from them only: a picture that is missing fails the call with NOT_FOUND
    recordings  null, or the folder of recordings
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
from aiohttp import web

from infra.local.vision.annotation import Response

MODES = ("ocr", "record", "replay")
FAILURE_CODES = ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")
_NAMES = ("delay_ms", "failures", "mode", "recordings")


class ControlError(ValueError):
    """What was asked for cannot be set; the message says why and what is allowed."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Which calls (or pictures) fail: every N-th, or at random with probability `rate`."""

    every: int | None = None
    rate: float | None = None
    seed: int = 0
    code: str = "RESOURCE_EXHAUSTED"
    per_image: bool = False

    def __post_init__(self) -> None:
        if (self.every is None) == (self.rate is None):
            raise ControlError('failures need exactly one of "every" and "rate".')
        if self.every is not None and (type(self.every) is not int or self.every < 1):
            raise ControlError(f'failures "every" must be a whole number from 1, not {self.every!r}.')
        if self.rate is not None and (type(self.rate) not in (int, float) or not 0 <= self.rate <= 1):
            raise ControlError(f'failures "rate" must be a number from 0 to 1, not {self.rate!r}.')
        if type(self.seed) is not int or type(self.per_image) is not bool:
            raise ControlError('failures "seed" must be a whole number and "per_image" true or false.')
        if self.code not in FAILURE_CODES:
            raise ControlError(f'failures "code" must be one of {", ".join(FAILURE_CODES)}, not {self.code!r}.')

    @property
    def status(self) -> grpc.StatusCode:
        """The gRPC status to fail with."""
        return grpc.StatusCode[self.code]


@dataclass(slots=True)
class Stats:
    """Counters since the start. `max_in_flight` is the greatest number of calls that were open at once."""

    calls: int = 0
    pictures: int = 0
    ocr_runs: int = 0
    failures_injected: int = 0
    in_flight: int = 0
    max_in_flight: int = 0

    def enter(self) -> None:
        """Count a call that begins."""
        self.calls += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def leave(self) -> None:
        """Count a call that ends, however it ends."""
        self.in_flight -= 1


class Recordings:
    """Responses on disk, one file per picture, named by the SHA-256 of its bytes.

    Args:
        folder: made when something is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, digest: str) -> Any | None:
        """Return the AnnotateImageResponse recorded for a picture, or None."""
        try:
            return Response.FromString(self._path(digest).read_bytes())
        except FileNotFoundError:
            return None

    def store(self, digest: str, response: Any) -> None:
        """Store a response whole or not at all, so that a killed process leaves no half recording."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._path(digest).with_suffix(f".{os.getpid()}.part")
        partial.write_bytes(response.SerializeToString())
        partial.replace(self._path(digest))

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.pb"


class Control:
    """The settings in force. Used from the event loop's thread only.

    Args:
        changes: first settings, as for `update`.

    Raises:
        ControlError: a setting is unknown or not allowed.
    """

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        self.delay_ms: int = 0
        self.mode: str = "ocr"
        self.recordings: Recordings | None = None
        self.failures: Failures | None = None
        self._count = 0
        self._random = _sequence(0)
        self.update(changes or {})

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set what is given, all of it or nothing.

        Args:
            changes: names and values as in the module's text.

        Raises:
            ControlError: a name is unknown, or a value not allowed.
        """
        if unknown := sorted(set(changes) - set(_NAMES)):
            raise ControlError(f"Unknown setting {unknown[0]!r}. Settings are {', '.join(_NAMES)}.")
        delay_ms, mode = changes.get("delay_ms", self.delay_ms), changes.get("mode", self.mode)
        if type(delay_ms) is not int or delay_ms < 0:
            raise ControlError(f"delay_ms must be a whole number of milliseconds from 0, not {delay_ms!r}.")
        if mode not in MODES:
            raise ControlError(f"mode must be one of {', '.join(MODES)}, not {mode!r}.")
        recordings = _recordings(changes["recordings"]) if "recordings" in changes else self.recordings
        if mode != "ocr" and recordings is None:
            raise ControlError(f"mode {mode!r} needs a folder of recordings: set recordings too.")
        failures = _failures(changes["failures"]) if "failures" in changes else self.failures
        self.delay_ms, self.mode, self.recordings, self.failures = delay_ms, mode, recordings, failures
        if "failures" in changes:
            self._count = 0
            self._random = _sequence(failures.seed if failures else 0)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as /control shows them."""
        return {
            "delay_ms": self.delay_ms,
            "failures": asdict(self.failures) if self.failures else None,
            "mode": self.mode,
            "recordings": str(self.recordings.folder) if self.recordings else None,
        }

    def due_failure(self, *, per_image: bool) -> Failures | None:
        """Count one call (or picture) and return the failures in force if it is its turn to fail."""
        failures = self.failures
        if failures is None or failures.per_image != per_image:
            return None
        self._count += 1
        if failures.every is not None:
            return failures if self._count % failures.every == 0 else None
        return failures if self._random.random() < (failures.rate or 0.0) else None


def _sequence(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # failures must repeat, nothing here is a secret


def _recordings(value: Any) -> Recordings | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ControlError(f"recordings must be the path of a folder or null, not {value!r}.")
    return Recordings(Path(value))


def _failures(value: Any) -> Failures | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ControlError(f"failures must be an object or null, not {value!r}.")
    try:
        return Failures(**value)
    except TypeError as exc:
        names = "every, rate, seed, code, per_image"
        raise ControlError(f"failures has a name that is not one of {names}.") from exc


def control_app(control: Control, stats: Stats) -> web.Application:
    """Make the HTTP application described in the module's text.

    Args:
        control: the settings it shows and changes.
        stats: the counters it shows.
    """

    async def show(_: web.Request) -> web.Response:
        return web.json_response(control.as_json())

    async def change(request: web.Request) -> web.Response:
        try:
            changes = await request.json()
            if not isinstance(changes, dict):
                raise ControlError("The body must be a JSON object of settings.")
            control.update(changes)
        except ValueError as exc:  # ControlError is one, and so is JSON that does not parse.
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response(control.as_json())

    async def count(_: web.Request) -> web.Response:
        return web.json_response(asdict(stats))

    app = web.Application()
    app.add_routes([web.get("/control", show), web.put("/control", change), web.get("/stats", count)])
    return app

"""A client of a deployment's HTTP interface: submit files as one bill, follow its progress."""

from __future__ import annotations

import json
import math
import mimetypes
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import requests
import urllib3

_POST_ATTEMPTS = 4
_POST_TIMEOUT_S = (10.0, 330.0)  # to connect; for the answer, longer than the function may take
_GET_TIMEOUT_S = (10.0, 30.0)
_BACKOFF_S = 1.0
# A one-page bill takes seconds: look twice a second at first, then every two seconds.
_QUICK_POLLS = 60
_QUICK_POLL_S = 0.5
_SLOW_POLL_S = 2.0
_LOST_CONTACT_S = 60.0


class SubmitError(Exception):
    """The submission did not go through.

    Attributes:
        code: Stable name for programs.
        message: What is wrong and what to do, for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Accepted:
    """The server's answer to a submission.

    Attributes:
        intake_id: Id of the intake.
        progress_url: Where its progress is.
    """

    intake_id: str
    progress_url: str


class IntakeClient:
    """One deployment; a context manager that closes its connections.

    Args:
        url: Address of the site.
        sleep: Waits between attempts and looks, in seconds.
    """

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._session.close()

    def submit(self, fields: Mapping[str, str], files: Sequence[Path], key: str = "") -> Accepted:
        """Submit the files as one bill; a bill has at most 30 MB, so it is held in memory.

        A lost reply or a 5xx is retried with the same idempotency key, so the retry makes no second intake. A caller that
        chooses the key knows the intake's id in advance (`intake.stages.submit.intake_id_for`).

        Raises:
            SubmitError: The server refused, or does not answer.
        """
        key = key or str(uuid.uuid4())
        last: SubmitError | None = None
        for attempt in range(_POST_ATTEMPTS):
            if attempt:
                self._sleep(_BACKOFF_S * 2 ** (attempt - 1))
            try:
                answer = self._post(fields, files, key)
            except requests.RequestException as exc:
                last = self._unreachable(exc)
                if last.code == "nothing_there":
                    raise last from exc
                continue
            if answer.status_code == 202:
                document = answer.json()
                return Accepted(document["intake_id"], document["progress_url"])
            last = _refusal(answer)
            if answer.status_code < 500 and answer.status_code != 429:
                break
        raise last or SubmitError("not_submitted", "Nothing was sent.")

    def _post(self, fields: Mapping[str, str], files: Sequence[Path], key: str) -> requests.Response:
        with ExitStack() as opened:
            parts = [("bill", (file.name, opened.enter_context(file.open("rb")), _type(file))) for file in files]
            url, headers = f"{self._url}/submit", {"Idempotency-Key": key}
            return self._session.post(url, data=fields, files=parts, headers=headers, timeout=_POST_TIMEOUT_S)

    def follow(self, accepted: Accepted, stall_timeout_s: float = math.inf) -> Iterator[dict[str, Any]]:
        """Yield the progress document as it changes, last the one whose stage is `done` or `failed`.

        Args:
            accepted: What `submit` returned.
            stall_timeout_s: Seconds without any change after which to give up; a deployment's sweeper ends every intake
                in time, so only somebody who waits at a terminal needs it.

        Raises:
            SubmitError: The server does not know the intake, has not answered for a minute, or patience ended.
        """
        url = urljoin(f"{self._url}/", accepted.progress_url)
        last: dict[str, Any] | None = None
        polls, lost_since, changed_at = 0, None, time.monotonic()
        while True:
            try:
                answer = self._session.get(url, timeout=_GET_TIMEOUT_S)
                trouble = _refusal(answer) if answer.status_code != 200 else None
                if trouble and answer.status_code < 500 and answer.status_code != 429:
                    raise trouble
            except requests.RequestException as exc:
                trouble = self._unreachable(exc)
            if trouble is None:
                lost_since = None
                document: dict[str, Any] = answer.json()
                if document != last:
                    yield document
                    last, changed_at = document, time.monotonic()
                if document["stage"] in ("done", "failed"):
                    return
            else:
                lost_since = lost_since or time.monotonic()
                if time.monotonic() - lost_since > _LOST_CONTACT_S:
                    raise trouble
            if time.monotonic() - changed_at > stall_timeout_s:
                raise SubmitError("no_progress", f"Nothing has happened to the intake for {stall_timeout_s:.0f} s.")
            polls += 1
            self._sleep(_QUICK_POLL_S if polls < _QUICK_POLLS else _SLOW_POLL_S)

    def _unreachable(self, exc: requests.RequestException) -> SubmitError:
        cause = exc.args[0] if exc.args else None
        reason = getattr(cause, "reason", cause)
        if isinstance(reason, urllib3.exceptions.NewConnectionError):
            return SubmitError(
                "nothing_there",
                f"Nothing answers at {self._url}. Start it with ./deploy.sh local, or use --url for another address.",
            )
        return SubmitError("connection_lost", f"The connection to {self._url} was lost. Try again.")


def _type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _refusal(answer: requests.Response) -> SubmitError:
    """Turn an error answer into its sentences; the platform's own answers are not JSON."""
    try:
        document = answer.json()
        problems = document.get("errors", [])
        sentences = [f"{problem['field']}: {problem['message']}" for problem in problems]
        # A single problem's sentence is the message as well.
        summary = [] if len(problems) == 1 else [document["message"]]
        return SubmitError(document["code"], "\n".join([*summary, *sentences]))
    except (json.JSONDecodeError, requests.JSONDecodeError, KeyError, TypeError, AttributeError):
        if answer.status_code == 413:
            return SubmitError("too_large", "The platform accepts at most 32 MiB at once. Send fewer or smaller files.")
        return SubmitError("http_error", f"The server answered {answer.status_code} {answer.reason}.")

"""The log: one JSON object a line, and no text that we have not written ourselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from intake import log
from intake.errors import SheetUnavailable, TemporaryError

SECRET = "Robin Example, 607-555-0123"

Line = Callable[[], dict[str, Any]]


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    """Return a function that returns the one line that was logged."""

    def read() -> dict[str, Any]:
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        parsed: dict[str, Any] = json.loads(out)
        return parsed

    return read


def test_line(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line has severity, message, time, function and memory, and the fields that were given; None is left out."""
    monkeypatch.setenv("FUNCTION_TARGET", "ocr")
    log.info("page read", intake_id="ab", page=3, ms=None)
    written = line()
    assert datetime.fromisoformat(str(written.pop("time"))).tzinfo is not None
    assert 0 < written.pop("rss_mb") < 10_000
    assert written == {"severity": "INFO", "message": "page read", "function": "ocr", "intake_id": "ab", "page": 3}


def test_function_name_on_the_platform(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no target is set the platform's service name stands for it; without both the field is left out."""
    monkeypatch.delenv("FUNCTION_TARGET", raising=False)
    monkeypatch.setenv("K_SERVICE", "record")
    log.warning("late")
    assert (written := line())["function"] == "record"
    assert written["severity"] == "WARNING"
    monkeypatch.delenv("K_SERVICE")
    log.info("late")
    assert "function" not in line()


def failing(error: Exception, cause: Exception | None = None) -> Exception:
    """Return an exception that was raised, and so has a place in the code."""
    try:
        try:
            if cause:
                raise cause
        except Exception as exc:
            raise error from exc
        raise error
    except Exception as exc:
        return exc


def test_own_error(line: Line) -> None:
    """The sentence of an error of ours is logged: it holds nothing of a submission."""
    log.error("row not written", failing(SheetUnavailable()), intake_id="ab")
    written = line()
    assert written["severity"] == "ERROR"
    assert written["exception"] == (
        "SheetUnavailable: Writing to the Google Sheet failed. The row will be written again."
    )
    assert "test_log.py" in written["stack"][0]


def test_foreign_error(line: Line) -> None:
    """Of any other exception only class and place are logged: its text may quote what it choked on."""
    log.error("failed", failing(ValueError(SECRET)))
    written = line()
    assert written["exception"] == "builtins.ValueError"
    assert SECRET not in json.dumps(written)
    assert written["stack"]


def test_causes(line: Line) -> None:
    """The chain of causes is logged by the same rule, with the places of each."""
    log.error("failed", failing(TemporaryError(), failing(KeyError(SECRET), ConnectionError(SECRET))))
    written = line()
    assert written["exception"] == (
        "TemporaryError: The service is busy or partly down. Please try again in a minute. "
        "< builtins.KeyError < builtins.ConnectionError"
    )
    assert SECRET not in json.dumps(written)
    assert len(written["stack"]) >= 3


def test_memory_of_a_worker_counts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's limit holds for all processes together; one that has ended counts for nothing."""
    monkeypatch.setattr(log, "_workers", [])
    alone = log._memory_mb()
    hold = "import sys; held = bytearray(60 << 20); held[::4096] = bytes([1]) * len(held[::4096]); print(); sys.stdin.read()"
    worker = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    worker.stdout.readline()
    log.count_in(lambda: worker.pid)
    log.info("with a worker")
    worker.communicate()
    log.info("without it")
    log.count_in(lambda: None)
    log.info("with none")
    with_it, without, none = (json.loads(line)["rss_mb"] for line in capsys.readouterr().out.splitlines())
    assert with_it >= alone + 50
    assert max(without, none) < alone + 40


def test_lines_of_threads_stay_whole() -> None:
    """However many threads write at once, every line is one object: Cloud Logging takes a line for an entry."""
    script = (
        "from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "from intake import log\n"
        "with Pool(8) as pool: list(pool.map(lambda n: log.info('x' * 200, page=n), range(2000)))"
    )
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert sorted(json.loads(line)["page"] for line in done.stdout.splitlines()) == list(range(2000))

"""One JSON object a line on standard output, the shape that Cloud Logging reads.

Fields: https://cloud.google.com/logging/docs/structured-logging. No text of a bill, no name, address, number or link may
be passed in here: lines speak of intakes by id, of files and pages by number.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from intake.errors import IntakeError

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


NEEDS_THE_OFFICE = "the Sheet needs attention"
"""The line that infra/monitoring alerts on; its `why` is the sentence."""
_workers: list[Callable[[], int | None]] = []


def count_in(worker_pid: Callable[[], int | None]) -> None:
    """Include a child process in the memory of every line: the platform's limit applies to all processes together.

    Args:
        worker_pid: Returns its id, or None while there is none.
    """
    _workers.append(worker_pid)


def rss_mb(process: str = "self") -> int:
    """Return a process's resident memory in MiB, from /proc (man 5 proc, statm, second number, in pages); 0 if it is gone."""
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES // (1024 * 1024)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _memory_mb() -> int:
    pids = [pid for worker_pid in _workers if (pid := worker_pid()) is not None]
    return rss_mb() + sum(rss_mb(str(pid)) for pid in pids)


def write(severity: str, message: str, **fields: object) -> None:
    """Write one line.

    Args:
        severity: INFO, WARNING or ERROR.
        message: What happened; a fixed text without data of a submission.
        **fields: Ids, numbers and codes (intake_id, event_id, page, ms ...); None is left out.
    """
    line: dict[str, object] = {
        "severity": severity,
        "message": message,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "function": os.environ.get("FUNCTION_TARGET") or os.environ.get("K_SERVICE"),
        "rss_mb": _memory_mb(),
        **fields,
    }
    text = json.dumps({key: value for key, value in line.items() if value is not None})
    # In one call: print() writes the line break separately, and another thread's line could come in between.
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def info(message: str, **fields: object) -> None:
    """Write a line of severity INFO."""
    write("INFO", message, **fields)


def warning(message: str, **fields: object) -> None:
    """Write a line of severity WARNING."""
    write("WARNING", message, **fields)


def error(message: str, exc: BaseException | None = None, **fields: object) -> None:
    """Write a line of severity ERROR, with where it came from.

    Only our own errors promise that their text holds nothing of a submission; of any other exception the class and the
    places in the code are written, not its text.

    Args:
        message: What could not be done.
        exc: The exception behind it.
        **fields: As for `write`.
    """
    if exc is not None:
        fields["exception"] = describe(exc)
        fields["stack"] = stack(exc)
    write("ERROR", message, **fields)


def stack(exc: BaseException) -> list[str]:
    """Return the places in the code, from the entry point down to where the first cause was raised."""
    causes = stack(exc.__cause__) if exc.__cause__ else []
    frames = traceback.extract_tb(exc.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames] + causes


def describe(exc: BaseException) -> str:
    """Return what may be logged of an exception and its causes: class names, and the text of our own errors."""
    name = type(exc).__name__
    text = f"{name}: {exc.message}" if isinstance(exc, IntakeError) else f"{type(exc).__module__}.{name}"
    return f"{text} < {describe(exc.__cause__)}" if exc.__cause__ else text

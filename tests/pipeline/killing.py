"""functions/main.py with a switch: the process kills itself (SIGKILL) right after a chosen call to Google.

Used as the functions' source by test_crashes. Two files in the folder CRASH_DIR talk to the test: `calls` collects every
call as `function product.method`, one a line; `kill` holds such a call and n, and ends its n-th occurrence (from 0).
"""

from __future__ import annotations

import fcntl
import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "functions"))

from intake.cloud import drive, pubsub, storage, vision  # noqa: E402
from intake.cloud.firestore import delivery_jobs, store  # noqa: E402
from intake.cloud.sheets import table  # noqa: E402
from main import ocr, progress, record, submit, sweep  # noqa: E402

__all__ = ["ocr", "progress", "record", "submit", "sweep"]

CRASH_DIR = Path(os.environ["CRASH_DIR"])
FUNCTION = os.environ["FUNCTION_TARGET"]
WATCHED = (
    store.Store,
    storage.Bucket,
    storage.ObjectWriter,
    pubsub.TaskPublisher,
    vision.Vision,
    table.SheetTable,
    delivery_jobs.DeliveryJobs,
    drive.Drive,
)


def _after(call: str) -> None:
    """Note a call, and end the process when it is the chosen one."""
    if FUNCTION in ("progress", "sweep"):
        return
    with (CRASH_DIR / "calls").open("a+", encoding="ascii") as calls:
        fcntl.flock(calls, fcntl.LOCK_EX)
        calls.seek(0)
        number = calls.read().splitlines().count(f"{FUNCTION} {call}")
        calls.write(f"{FUNCTION} {call}\n")
        calls.flush()
        kill = CRASH_DIR / "kill"
        if kill.exists() and kill.read_text(encoding="ascii") == f"{FUNCTION} {call} {number}":
            kill.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def _watched(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        _after(name)
        return result

    return call


for product in WATCHED:
    for method, function in list(vars(product).items()):
        if callable(function) and not method.startswith("_"):
            setattr(product, method, _watched(f"{product.__name__}.{method}", function))

"""How a local stack is run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class StackOptions:
    """How a stack is run.

    Attributes:
        state_dir: Folder of bills, sheet, logs and state; two stacks cannot share one.
        port: Port of the site; 0 takes a free one. All others are free ones.
        ocr_workers: Instances of `ocr`.
        sweep_seconds: Seconds between two sweeps, as Cloud Scheduler makes them; None leaves sweeping to `LocalStack.sweep`.
        vision_args: Further arguments of the Vision stand-in.
        sheets_args: Further arguments of the Sheets stand-in.
        function_env: Environment of the functions on top of the stack's.
        retry_min_backoff_s: Least wait before a message comes again; None for production's.
        retry_max_backoff_s: Longest wait before a message comes again; None for production's.
        max_delivery_attempts: Attempts before the dead-letter topic (5 to 100); None for production's.
        source: File that holds the functions.
        python: Python that runs them; this process's own unless told.
        say: Takes one line for the user before something slow is done.
    """

    state_dir: Path = ROOT / ".local"
    port: int = 8080
    ocr_workers: int = 1
    sweep_seconds: float | None = 60.0
    vision_args: Sequence[str] = ()
    sheets_args: Sequence[str] = ()
    function_env: Mapping[str, str] = field(default_factory=dict)
    retry_min_backoff_s: float | None = None
    retry_max_backoff_s: float | None = None
    max_delivery_attempts: int | None = None
    source: Path = ROOT / "functions" / "main.py"
    python: str = sys.executable
    say: Callable[[str], None] = print

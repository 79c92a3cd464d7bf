"""Local stacks for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.local.stack import LocalStack, StackOptions


def quick_stack(state_dir: Path, **changes: Any) -> StackOptions:
    """Return the options of a stack for tests: no scheduler (tests sweep when they want to), retries within seconds."""
    # The Sheets stand-in does nothing late.
    own = {"SHEET_WRITE_INTERVAL_SECONDS": "0.2"}
    environment = {**own, **changes.pop("function_env", {})}
    options = StackOptions(
        state_dir=state_dir,
        port=0,
        sweep_seconds=None,
        sheets_args=("--reads-per-minute", "6000", "--writes-per-minute", "6000"),
        function_env=environment,
        retry_min_backoff_s=1.0,
        retry_max_backoff_s=2.0,
    )
    return replace(options, **changes)


@contextmanager
def running(options: StackOptions) -> Iterator[LocalStack]:
    """Run a stack with the environment of this process leading the official clients to it."""
    before = dict(os.environ)
    with LocalStack(options) as stack:
        os.environ.update(stack.env)
        try:
            yield stack
        finally:
            os.environ.clear()
            os.environ.update(before)

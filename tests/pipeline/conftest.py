"""One local stack for all pipeline tests that do not need to break it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.stack import LocalStack, StackOptions
from tests.pipeline.submitter import Submitter

FAST_RETRIES = {"retry_min_backoff_s": 1.0, "retry_max_backoff_s": 2.0}
QUICK_PATIENCE = {"PATIENCE_SECONDS": "2", "LEASE_SECONDS": "3"}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack without a scheduler: tests sweep when they want to."""
    options = StackOptions(
        state_dir=Path(tmp_path_factory.mktemp("stack")),
        port=0,
        sweep_seconds=None,
        sheets_args=("--reads-per-minute", "6000", "--writes-per-minute", "6000"),
        function_env={"SHEET_WRITE_INTERVAL_SECONDS": "0.2"},
        **FAST_RETRIES,
    )
    with LocalStack(options) as running:
        os.environ.update(running.env)  # so that the official clients in the tests find the emulators
        yield running


@pytest.fixture
def submitter(stack: LocalStack) -> Submitter:
    """The shared stack's submitter."""
    return Submitter(stack)

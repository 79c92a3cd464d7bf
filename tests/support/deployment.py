"""The deployed functions, with fakes behind them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import functions_framework
from flask.testing import FlaskClient
from intake.settings import Limits
from intake.stages.progress import ShowProgress
from intake.stages.submit import Submit
from intake.stages.sweep import Sweeper

from tests.support.fakes import Bucket, Store, TaskPublisher, some_office_lists

SOURCE = str(Path(__file__).parents[2] / "functions" / "main.py")


class Stage:
    """A stage that notes how it is called, or fails."""

    def __init__(self, origin: dict[str, str] | None = None) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.error: Exception | None = None
        self.origin = origin

    def __call__(self, *args: object) -> dict[str, str] | None:
        self.calls.append(args)
        if self.error:
            raise self.error
        return self.origin


class Deployment:
    """The five functions over one store in memory."""

    def __init__(self) -> None:
        self.store, self.bucket, self.tasks = Store(), Bucket(), TaskPublisher()
        self.read_chunk, self.record, self.report = Stage(), Stage(), Stage()
        self.admit = Stage(origin={"client": "c" * 32, "peer": "d" * 32})
        limits = {"chunk_pages": 4, "chunks_in_flight": 4, "stall_timeout_s": 60, "max_attempts": 3}
        sweeper = Sweeper(store=self.store, bucket=self.bucket, tasks=self.tasks, **limits)  # type: ignore[arg-type]
        self.services = SimpleNamespace(
            store=self.store,
            bucket=self.bucket,
            tasks=self.tasks,
            office_lists=some_office_lists(),
            submit=Submit(
                store=self.store,
                bucket=self.bucket,
                tasks=self.tasks,
                office_lists=some_office_lists(),
                admission=SimpleNamespace(admit=self.admit),
                limits=Limits(),
            ),
            progress=ShowProgress(store=self.store),
            ocr=SimpleNamespace(read_chunk=self.read_chunk),
            record=SimpleNamespace(record=self.record),
            sweeper=sweeper,
            backlog_metrics=SimpleNamespace(report=self.report),
            app_check=None,
        )

    def function(self, target: str) -> FlaskClient:
        """Load the real source as the platform does, and return a client of one function."""
        client: FlaskClient = functions_framework.create_app(target, SOURCE).test_client()
        vars(sys.modules["main"])["services"] = self.services
        return client

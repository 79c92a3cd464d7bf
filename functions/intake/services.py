"""The clients of one process: each made when first needed, then kept. A function imports only the products it uses."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from intake import log
from intake.settings import Limits, Settings

if TYPE_CHECKING:
    from intake.backlog_metrics import BacklogMetrics
    from intake.cloud.app_check import AppCheck
    from intake.cloud.firestore.delivery_jobs import DeliveryJobs
    from intake.cloud.firestore.store import Store
    from intake.cloud.pubsub import TaskPublisher
    from intake.cloud.storage import Bucket
    from intake.office.office_lists import OfficeLists
    from intake.pages.sandbox.client import SandboxClient
    from intake.ports import Destination
    from intake.rate_limits import Admission
    from intake.stages.deliver import Deliveries, Retries
    from intake.stages.ocr import Ocr
    from intake.stages.progress import ShowProgress
    from intake.stages.record import Record
    from intake.stages.sheet_access import SheetAccess
    from intake.stages.submit import Submit
    from intake.stages.sweep import Sweeper
    from intake.warm_up import WarmUp

T = TypeVar("T")

COPY, EXPORT = "copy", "export"
"""Names of the destinations besides the Sheet, by which Firestore keeps what is due there."""


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Pause the garbage collector while libraries are loaded.

    What they make stays for good, and the collector would look through all of it again and again: that was a third of a
    cold start (tests/bench/run coldstart). Afterwards it never looks at it again.
    """
    if not gc.isenabled():  # a service that makes another one
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _kept(Generic[T]):  # noqa: N801 - used like `property`
    """A property that is made when first read, by one thread, and then kept."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, services: Services, owner: type[Services]) -> T:
        """Return what was made, or make it."""
        with services.lock:
            if self._name not in services.kept:
                with _without_collecting():
                    services.kept[self._name] = self._make(services)
            return services.kept[self._name]  # type: ignore[no-any-return]


class Services:
    """Makes and keeps clients and stages.

    Args:
        environ: The environment; read once.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self.kept: dict[str, Any] = {}
        self.lock = threading.RLock()

    @_kept
    def settings(self) -> Settings:
        """The configuration."""
        return Settings.from_env(self._environ)

    @_kept
    def limits(self) -> Limits:
        """What a submission may hold."""
        return Limits()

    @_kept
    def store(self) -> Store:
        """The documents."""
        from intake.cloud.firestore.store import Store

        settings = self.settings
        return Store(settings.project, settings.stall_timeout_s, settings.progress_days)

    @_kept
    def bucket(self) -> Bucket:
        """The bytes."""
        from intake.cloud.storage import Bucket

        settings = self.settings
        return Bucket(settings.project, settings.bucket)

    @_kept
    def tasks(self) -> TaskPublisher:
        """The messages."""
        from intake.cloud.pubsub import TaskPublisher

        settings = self.settings
        return TaskPublisher(settings.project, settings.ocr_topic, settings.sheet_topic, settings.pubsub_endpoint)

    @_kept
    def office_lists(self) -> OfficeLists:
        """Who may submit, and for which utilities."""
        from intake.cloud.firestore.office_documents import OfficeDocuments
        from intake.office.office_lists import OfficeLists

        return OfficeLists(OfficeDocuments(self.store.client))

    @_kept
    def admission(self) -> Admission:
        """The rate limits of the public form."""
        from intake.cloud.firestore.counts import Counts
        from intake.rate_limits import Admission

        settings = self.settings
        return Admission(
            Counts(self.store.client),
            settings.pages_per_day,
            settings.submissions_per_hour,
            settings.submissions_per_hour_peer,
            settings.address_key,
        )

    @_kept
    def app_check(self) -> AppCheck | None:
        """What checks that a request comes from our page, or None if that is off."""
        number = self.settings.app_check_project
        if not number:
            return None
        from intake.cloud.app_check import AppCheck

        return AppCheck(number)

    @_kept
    def backlog_metrics(self) -> BacklogMetrics:
        """What logs the backlog."""
        from intake.backlog_metrics import BacklogMetrics
        from intake.cloud.firestore.counts import Counts

        return BacklogMetrics(Counts(self.store.client), self.settings.pages_per_day)

    @_kept
    def warm_up(self) -> WarmUp:
        """What has `ocr` started ahead of time."""
        from intake.warm_up import WarmUp

        return WarmUp(self.tasks)

    @_kept
    def sandbox(self) -> SandboxClient:
        """What opens files."""
        from intake.pages.sandbox.client import SandboxClient

        sandbox = SandboxClient()
        log.count_in(lambda: sandbox.worker_pid)
        return sandbox

    @_kept
    def cleaner(self) -> SandboxClient:
        """What cleans pictures."""
        from intake.pages.sandbox.client import SandboxClient
        from intake.pages.sandbox.limits import CLEANING

        cleaner = SandboxClient(CLEANING)
        log.count_in(lambda: cleaner.worker_pid)
        return cleaner

    @_kept
    def submit(self) -> Submit:
        """The stage that takes submissions in."""
        from intake.stages.submit import Submit

        return Submit(
            store=self.store,
            bucket=self.bucket,
            tasks=self.tasks,
            office_lists=self.office_lists,
            admission=self.admission,
            limits=self.limits,
        )

    @_kept
    def progress(self) -> ShowProgress:
        """The stage that answers where an intake is."""
        from intake.stages.progress import ShowProgress

        return ShowProgress(store=self.store)

    @property
    def ocr(self) -> Ocr:
        """The stage that reads pages."""
        self.sandbox.warm()  # loads its libraries while this process loads others
        return self._ocr

    @_kept
    def _ocr(self) -> Ocr:
        from intake.cloud.vision import Vision
        from intake.stages.extract import Extract
        from intake.stages.ocr import Ocr

        settings = self.settings
        return Ocr(
            store=self.store,
            bucket=self.bucket,
            tasks=self.tasks,
            vision=Vision(settings.vision_endpoint),
            sandbox=self.sandbox,
            extract=Extract(store=self.store, bucket=self.bucket, sandbox=self.sandbox),
            admission=self.admission,
            chunk_pages=settings.chunk_pages,
            chunks_in_flight=settings.chunks_in_flight,
            calls_in_flight=settings.ocr_calls_in_flight,
            max_pages=self.limits.pages,
            lease_s=settings.lease_s,
        )

    @_kept
    def sheet(self) -> SheetAccess:
        """The Sheet."""
        from intake.cloud.sheets.table import open_sheet_table
        from intake.stages.sheet_access import SheetAccess

        settings = self.settings
        return SheetAccess(
            table=open_sheet_table(settings), store=self.store, interval_s=settings.sheet_write_interval_s
        )

    @_kept
    def record(self) -> Record:
        """The stage that writes rows and then delivers to the other destinations."""
        from intake.stages.deliver import Deliveries
        from intake.stages.record import Record
        from intake.stages.sheet_rows import SheetRows

        settings = self.settings
        rows = SheetRows(
            store=self.store,
            sheet=self.sheet,
            bill_link_base=settings.bill_link_base,
            bucket=settings.bucket,
            then=tuple(self.delivery_queues),
            copies=bool(settings.drive_folder),
        )
        return Record(
            store=self.store,
            sheet=self.sheet,
            rows=Deliveries(queue=rows, destination=rows),
            deliveries=self.deliveries,
        )

    @_kept
    def delivery_queues(self) -> dict[str, DeliveryJobs]:
        """What is due at each destination besides the Sheet that is switched on, by its name."""
        from intake.cloud.firestore.delivery_jobs import DeliveryJobs

        settings = self.settings
        switched_on = {COPY: bool(settings.drive_folder), EXPORT: settings.export_csv}
        return {
            name: DeliveryJobs(self.store.client, name, settings.copy_hold_s) for name, on in switched_on.items() if on
        }

    @_kept
    def deliveries(self) -> list[Deliveries]:
        """The deliveries to those destinations."""
        from intake.stages.deliver import Deliveries

        made = []
        for name, queue in self.delivery_queues.items():
            destination, retries = self._drive_archive() if name == COPY else self._csv_export()
            made.append(Deliveries(queue=queue, destination=destination, retries=retries))
        return made

    def _drive_archive(self) -> tuple[Destination, Retries]:
        from intake.cloud.drive import open_drive
        from intake.stages.archive import GAVE_UP, DriveArchive
        from intake.stages.deliver import Retries

        drive = open_drive(self.settings)
        archive = DriveArchive(bucket=self.bucket, drive=drive, sheet=self.sheet, cleaner=self.cleaner)
        return archive, Retries(self.settings.copy_max_attempts, GAVE_UP)

    def _csv_export(self) -> tuple[Destination, Retries]:
        from intake.cloud.csv_export import GAVE_UP, CsvExport
        from intake.stages.deliver import Retries

        settings = self.settings
        export = CsvExport(self.bucket, settings.bucket, settings.bill_link_base)
        return export, Retries(settings.copy_max_attempts, GAVE_UP)

    @_kept
    def sweeper(self) -> Sweeper:
        """The stage that resumes what stopped."""
        from intake.cloud.firestore.office_documents import OfficeDocuments
        from intake.cloud.sheets.office_tabs import open_office_tabs
        from intake.office.list_sync import ListSync
        from intake.stages.sweep import Sweeper

        settings = self.settings

        lists = ListSync(open_office_tabs(settings), OfficeDocuments(self.store.client)) if settings.sheet_id else None
        return Sweeper(
            store=self.store,
            bucket=self.bucket,
            tasks=self.tasks,
            chunk_pages=settings.chunk_pages,
            chunks_in_flight=settings.chunks_in_flight,
            stall_timeout_s=settings.stall_timeout_s,
            max_attempts=settings.max_attempts,
            queues=tuple(self.delivery_queues.values()),
            lists=lists,
        )

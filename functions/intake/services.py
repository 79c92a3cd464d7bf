"""The clients of one process: each made when first needed, then kept. A function imports only the products it uses."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from intake import log
from intake.settings import Settings

if TYPE_CHECKING:
    from intake.admission import Admission
    from intake.cloud.app_check import AppCheck
    from intake.cloud.copies import Copies
    from intake.cloud.firestore import Store
    from intake.cloud.pubsub import Nudges
    from intake.cloud.storage import Bucket
    from intake.copying import Copier
    from intake.ledger import Recorder
    from intake.ocr import Ocr
    from intake.office.directory import Directory
    from intake.pages.opener import Opener
    from intake.sweeping import Sweeper
    from intake.waking import Waker
    from intake.watching import Watch

T = TypeVar("T")


class Services:
    """Makes and keeps clients and stages.

    Args:
        environ: The environment; read once.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._kept: dict[str, object] = {}
        self._lock = threading.RLock()

    def _keep(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            return self._kept[name]  # type: ignore[return-value]

    @property
    def settings(self) -> Settings:
        """The configuration."""
        return self._keep("settings", lambda: Settings.from_env(self._environ))

    @property
    def store(self) -> Store:
        """The documents."""
        from intake.cloud.firestore import Store

        settings = self.settings
        return self._keep("store", lambda: Store(settings.project, settings.patience_s, settings.progress_days))

    @property
    def bucket(self) -> Bucket:
        """The bytes."""
        from intake.cloud.storage import Bucket

        settings = self.settings
        return self._keep("bucket", lambda: Bucket(settings.project, settings.bucket))

    @property
    def nudges(self) -> Nudges:
        """The messages."""
        from intake.cloud.pubsub import Nudges

        settings = self.settings
        return self._keep(
            "nudges",
            lambda: Nudges(settings.project, settings.ocr_topic, settings.sheet_topic, settings.pubsub_endpoint),
        )

    @property
    def directory(self) -> Directory:
        """Who may submit, and for which utilities."""
        from intake.cloud.office_documents import OfficeDocuments
        from intake.office.directory import Directory

        return self._keep("directory", lambda: Directory(OfficeDocuments(self.store.client)))

    @property
    def admission(self) -> Admission:
        """The valves of the public form."""
        from intake.admission import Admission
        from intake.cloud.counts import Counts

        settings = self.settings
        return self._keep(
            "admission",
            lambda: Admission(
                Counts(self.store.client),
                settings.pages_per_day,
                settings.submissions_per_hour,
                settings.submissions_per_hour_peer,
                settings.address_key,
            ),
        )

    @property
    def app_check(self) -> AppCheck | None:
        """What checks that a request comes from our page, or None where that is not asked for."""
        number = self.settings.app_check_project
        if not number:
            return None
        from intake.cloud.app_check import AppCheck

        return self._keep("app_check", lambda: AppCheck(number))

    @property
    def watch(self) -> Watch:
        """What reports how the whole is doing."""
        from intake.cloud.counts import Counts
        from intake.watching import Watch

        return self._keep("watch", lambda: Watch(Counts(self.store.client), self.settings.pages_per_day))

    @property
    def waker(self) -> Waker:
        """What has `ocr` started ahead of time."""
        from intake.waking import Waker

        return self._keep("waker", lambda: Waker(self.nudges))

    @property
    def opener(self) -> Opener:
        """What opens files."""
        from intake.pages.opener import Opener

        def make() -> Opener:
            opener = Opener()
            log.count_in(lambda: opener.worker_pid)
            return opener

        return self._keep("opener", make)

    @property
    def ocr(self) -> Ocr:
        """The stage that reads pages."""
        self.opener.warm()  # loads its libraries while this process loads others
        from intake.cloud.vision import Vision
        from intake.ocr import Ocr
        from intake.understanding import understand

        settings = self.settings
        return self._keep(
            "ocr",
            lambda: Ocr(
                self.store,
                self.bucket,
                self.nudges,
                Vision(settings.vision_endpoint),
                self.opener,
                chunk_pages=settings.chunk_pages,
                calls_in_flight=settings.ocr_calls_in_flight,
                max_pages=settings.limits.pages,
                lease_s=settings.lease_s,
                understand=lambda intake: understand(intake, store=self.store, bucket=self.bucket),
                take_pages=self.admission.take_pages,
            ),
        )

    @property
    def recorder(self) -> Recorder:
        """The stage that writes rows."""
        from intake.cloud.sheets import open_ledger
        from intake.ledger import Recorder

        settings = self.settings
        return self._keep(
            "recorder",
            lambda: Recorder(
                uuid.uuid4().hex,
                store=self.store,
                ledger=open_ledger(settings),
                bill_link_base=settings.bill_link_base,
                bucket=settings.bucket,
                copies=bool(settings.drive_folder),
                interval_s=settings.sheet_write_interval_s,
                lease_s=settings.lease_s,
            ),
        )

    @property
    def copies(self) -> Copies | None:
        """The copies in Drive, or None where bills are not copied."""
        from intake.cloud.copies import Copies

        settings = self.settings
        if not settings.drive_folder:
            return None
        return self._keep("copies", lambda: Copies(self.store.client, settings.copy_hold_s))

    @property
    def copier(self) -> Copier | None:
        """The stage that copies bills to Drive, or None where bills are not copied."""
        from intake.cloud.drive import open_drive
        from intake.copying import Copier

        settings, copies = self.settings, self.copies
        if copies is None:
            return None
        return self._keep(
            "copier",
            lambda: Copier(
                copies,
                self.bucket,
                open_drive(settings),
                self.recorder.fill_in_copies,
                max_attempts=settings.copy_max_attempts,
            ),
        )

    @property
    def sweeper(self) -> Sweeper:
        """The stage that looks after what stopped."""
        from intake.cloud.office_documents import OfficeDocuments
        from intake.cloud.office_tabs import open_office_tabs
        from intake.office.taking import Taking
        from intake.sweeping import Sweeper

        settings = self.settings

        def lists() -> Taking | None:
            if not settings.sheet_id:
                return None
            return Taking(open_office_tabs(settings), OfficeDocuments(self.store.client))

        return self._keep(
            "sweeper",
            lambda: Sweeper(
                self.store,
                self.bucket,
                self.nudges,
                chunk_pages=settings.chunk_pages,
                patience_s=settings.patience_s,
                max_attempts=settings.max_attempts,
                copies=self.copies,
                lists=lists(),
            ),
        )

"""What the stages need from outside, as protocols: `intake.cloud` implements them for Google, tests implement them in memory.

A method that fails raises an error of `intake.errors`; TemporaryError and what derives from it mean that a retry can help.
Records that only travel between a stage and a port are here too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from intake.errors import IntakeError

if TYPE_CHECKING:
    from intake.extraction import Reading
    from intake.model import Intake, Progress, Word
    from intake.pages import Document
    from intake.pages.metadata import Part
    from intake.pages.sandbox.process import Pay
    from intake.rate_limits import Caller


class Clock(Protocol):
    """The time, and waiting."""

    def monotonic(self) -> float:
        """Return seconds that only go forward."""

    def now(self) -> datetime:
        """Return the date and time, UTC."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


# --- the state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StaleUpload:
    """An upload that began and never became an intake, or lost against another of the same key."""

    id: str
    intake_id: str
    version: Any


@dataclass(frozen=True)
class Due:
    """An intake that the sweeper should look at, and the version of its document that was seen."""

    intake: Intake
    version: Any


@dataclass(frozen=True)
class ChunkLease:
    """A claimed chunk of pages.

    Attributes:
        intake_id: Whose pages they are.
        chunk: 0-based number.
        version: Of its document, as it was last written by us.
        paid_s: Seconds of processor time paid for with it, by this run and those before.
        calls: Calls of the OCR written down with it, likewise.
    """

    intake_id: str
    chunk: int
    version: Any
    paid_s: float
    calls: int


class Spent(NamedTuple):
    """What a submission has taken so far, all its runs together: seconds of processor time, and calls of the OCR."""

    paid_s: float
    calls: int


class Store(Protocol):
    """The documents; see `intake.cloud.firestore.store` for each method. Every change is atomic."""

    def intake(self, intake_id: str) -> Intake | None:
        """Return an intake."""

    def progress(self, intake_id: str) -> Progress | None:
        """Return a progress document."""

    def due_for_check(self, now: datetime, limit: int) -> Sequence[Due]:
        """Return intakes that the sweeper should look at."""

    def awaiting_row(self, limit: int) -> Sequence[Intake]:
        """Return intakes whose rows are due."""

    def begin_upload(self, upload_id: str, intake_id: str) -> Any:
        """Write an upload down and return its version."""

    def abandon_upload(self, upload: StaleUpload) -> bool:
        """Make sure that an upload cannot become an intake any more."""

    def end_upload(self, upload_id: str) -> None:
        """Forget an upload."""

    def accept(self, intake: Intake, upload_id: str, begun: Any) -> bool:
        """Make an intake of an upload; False if another request with the same key made it first."""

    def stale_uploads(self, before: datetime, limit: int) -> Sequence[StaleUpload]:
        """Return uploads that began before a time and never ended."""

    def claim_chunk(self, intake_id: str, chunk: int, owner: str, lease_s: float, pay_s: float) -> ChunkLease | None:
        """Claim a chunk of pages; None if another owner holds it."""

    def renew_chunk(self, lease: ChunkLease, lease_s: float, pay_s: float = 0, calls: int = 0) -> ChunkLease:
        """Extend a claim, pay for processor time and write calls down."""

    def spent(self, intake_id: str) -> Spent:
        """Return what was spent on all chunks of an intake."""

    def chunk_in_work(self, intake_id: str) -> bool:
        """Return whether anybody holds a chunk of an intake."""

    def start_reading(self, intake: Intake, file_pages: Sequence[int]) -> bool:
        """Go from waiting to reading; False if another run did."""

    def show_pages_done(self, intake: Intake, count: Callable[[], int]) -> None:
        """Show page n of m."""

    def earlier_of_same_bill(self, intake: Intake, bill_key: str) -> Sequence[Intake]:
        """Return earlier submissions of the same bill."""

    def finish_reading(
        self,
        intake: Intake,
        reading: Mapping[str, Any],
        attention: Sequence[Mapping[str, str]],
        bill_key: str,
        calls: int,
    ) -> bool:
        """Go from reading to read; False if another run did."""

    def fail(self, intake: Intake, error: IntakeError, calls: int, *, discard_files: bool = False) -> bool:
        """End an intake with a reason; False if it had ended or was read."""

    def count_late_calls(self, intake_id: str) -> None:
        """Count the OCR calls of runs that went on when their intake failed."""

    def set_aside(self, intake_id: str) -> None:
        """Leave a row that cannot be written alone for a day."""

    def put_back(self, due: Due) -> None:
        """Make a row due again that was set aside."""

    def note_sheet(self, trouble: str) -> None:
        """Keep why the Sheet cannot be written."""

    def mark_recorded(self, intakes: Sequence[Intake], *, then: Collection[str] = ()) -> None:
        """Go from read to recorded, and make the deliveries to some destinations due."""

    def postpone_check(self, due: Due, check_at: datetime, attempts: int, pages_seen: int) -> None:
        """Set when the sweeper looks again."""


# --- the bytes and the messages ------------------------------------------------------------------------------------------


class ObjectWriter(Protocol):
    """An object that is being written; it exists once `close` has returned."""

    def write(self, piece: bytes) -> None:
        """Add bytes."""

    def close(self) -> None:
        """Make the object exist."""

    def abandon(self) -> None:
        """Cancel; no object is created."""


class Bucket(Protocol):
    """The objects."""

    def create(self, name: str, content_type: str) -> ObjectWriter:
        """Begin a new object."""

    def read(self, name: str) -> bytes:
        """Return an object."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield an object in pieces."""

    def fetch(self, name: str, file: IO[bytes]) -> None:
        """Write an object into a file."""

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write an object, over what may be there."""

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names of all objects below a prefix."""

    def delete_all(self, prefix: str) -> None:
        """Delete all objects below a prefix."""


class Tasks(Protocol):
    """The messages. Each may be lost, repeated or late."""

    def ocr(self, intake_id: str, chunks: Sequence[int]) -> None:
        """Have chunks of pages read."""

    def sheet(self, intake_id: str) -> None:
        """Have the rows that are due written."""


class Gate(Protocol):
    """Decides whether a submission may come in; see `intake.rate_limits`."""

    def admit(self, caller: Caller) -> Mapping[str, str]:
        """Let a new submission in, and return what its intake carries of its origin."""

    def take_pages(self, intake: Intake, pages: int) -> None:
        """Refuse a bill that has too many pages for the day."""


# --- files, pictures and fields ------------------------------------------------------------------------------------------


class PictureRefused(IntakeError):
    """The OCR cannot decode this picture, however often it is asked."""

    code = "picture_refused"
    status = 422
    message = "The text recognition service could not open this picture."


class OcrEngine(Protocol):
    """Reads pictures."""

    def words(self, picture: bytes) -> Sequence[Word]:
        """Return the words of a picture; raises PictureRefused for one that it cannot read."""


class Sandbox(Protocol):
    """Parses bytes and words from outside."""

    def open(self, kind: str, file: IO[bytes], number: int, pay: Pay) -> Document:
        """Open a file."""

    def read_fields(self, words: IO[bytes], day: date, pay: Pay) -> Reading | None:
        """Read the fields from a file of words, one page a line; None where that failed."""


class Cleaner(Protocol):
    """Removes metadata from pictures, in its own sandbox."""

    def clean(self, kind: str, file: IO[bytes], number: int) -> list[Part]:
        """Return the parts of a picture without metadata that may show where it was taken."""


# --- where intakes are delivered -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DueDelivery:
    """A delivery whose time has come.

    Attributes:
        intake: What is to be delivered.
        version: Of its document, as it was seen.
        attempts: How often it was begun before.
    """

    intake: Intake
    version: Any
    attempts: int = 0


@dataclass(frozen=True)
class Ended:
    """A delivery that came to its end.

    Attributes:
        intake: What was delivered.
        reason: Why it was given up; "" when it was delivered.
        kept: What the destination keeps of it.
    """

    intake: Intake
    reason: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)


class DeliveryQueue(Protocol):
    """What is due at one destination."""

    def due(self, now: datetime, limit: int) -> Sequence[DueDelivery]:
        """Return deliveries whose time has come, longest due first."""

    def claim(self, due: DueDelivery) -> bool:
        """Begin a delivery; False if another process has begun it."""

    def postpone(self, intake: Intake, at: datetime, attempts: int) -> None:
        """Set when a delivery is attempted again."""

    def finish(self, ended: Sequence[Ended]) -> None:
        """Note what became of deliveries."""


class Destination(Protocol):
    """Where recorded intakes are delivered. A delivery may be repeated at any time and must then find what is there.

    Attributes:
        batch: Most deliveries that are concluded together.
        group: Most deliveries of one attempt.
        at_once: Most attempts at once.
    """

    batch: int
    group: int
    at_once: int

    def deliver(self, intakes: Sequence[Intake], until: float) -> Sequence[Ended]:
        """Make one attempt, and return what came to its end; whatever is raised lets all of them be attempted again.

        Args:
            intakes: What is to be delivered.
            until: When the attempt has to be over, in the clock's monotonic seconds.
        """

    def conclude(self, ended: Sequence[Ended]) -> None:
        """Do what is still to be done for a batch before its end is noted."""


class Sheet(Protocol):
    """The office's Sheet: one row per intake. Every write is refused when somebody else has written since the last look."""

    @property
    def held(self) -> bool:
        """Whether, as far as we know, nobody else has written since this process looked."""

    def find_rows(self, rows: Mapping[str, Mapping[str, str | int | float]]) -> set[str]:
        """Take the token, and return which of some intakes have a row."""

    def append(self, rows: Sequence[Mapping[str, str | int | float]]) -> set[str]:
        """Write rows, and return the ids of those that were seen afterwards."""

    def fill_in(self, column: str, texts: Mapping[str, str]) -> int:
        """Replace texts of a column, found by what is there now."""


@dataclass(frozen=True)
class Folder:
    """The folder of one bill in the archive.

    Attributes:
        id: Its id.
        link: Where a person opens it.
    """

    id: str
    link: str


class Archive(Protocol):
    """Where the office keeps copies of the bills: a folder each."""

    def find(self, intake_id: str) -> tuple[Folder | None, set[int]]:
        """Return the folder of a bill and the numbers of the files in it."""

    def make_folder(self, intake_id: str, name: str) -> Folder:
        """Make the folder of a bill."""

    def upload(
        self,
        intake_id: str,
        number: int,
        folder_id: str,
        name: str,
        content_type: str,
        size: int,
        pieces: Iterable[bytes | memoryview],
    ) -> None:
        """Put a file into a bill's folder."""

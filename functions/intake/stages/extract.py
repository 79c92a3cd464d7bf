"""The last step of `ocr`: the words of all pages become fields, and what somebody should check.

The extraction itself is pure code in `intake.extraction`, run in the sandbox. This module fetches the saved words, finds
earlier submissions of the same bill, and commits the result, which makes the row due.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from intake import log, objects
from intake.clock import OFFICE_TIME
from intake.extraction import Attention, EarlierIntake, Reading, attention
from intake.model import Intake

if TYPE_CHECKING:
    from intake.pages.sandbox.process import Pay
    from intake.ports import Bucket, Sandbox, Store

READ_PAGES = 24
"""Maximum pages that are looked at for fields: four times the longest bill seen. 60 took 20 MB more and held up long files."""
READS_IN_FLIGHT = 8
"""Pages whose words are fetched at once: each fetch is some 30 ms of waiting for Storage, so one by one they would add up."""

_NOT_EXTRACTED = Attention(
    "not_understood", "", "The program could not read this bill. Read the values from the bill by hand."
)
_LONG = Attention(
    "long_bill",
    "",
    f"Only the first {READ_PAGES} pages were searched for values. Send one bill at a time.",
)


@dataclass(frozen=True, kw_only=True)
class Extract:
    """Makes fields of the words of bills.

    Attributes:
        store: The intakes.
        bucket: The words of their pages.
        sandbox: Reads the fields.
    """

    store: Store
    bucket: Bucket
    sandbox: Sandbox

    def extract(self, intake: Intake, pay: Pay, calls: int) -> bool:
        """Read the fields of a bill whose pages are all saved, and make its row due.

        Args:
            intake: An intake in reading.
            pay: Told of the processor time that reading takes; ends it by raising.
            calls: Calls of the OCR that its pages took.

        Returns:
            False if another run did it first.

        Raises:
            TemporaryError: Storage or Firestore did not answer.
        """
        today = intake.submitted_at.astimezone(OFFICE_TIME).date()
        with tempfile.TemporaryFile() as words:
            self._fetch_words(intake, words)
            read_fields = self.sandbox.read_fields(words, today, pay)
        reading = read_fields or Reading()
        key = bill_key(reading)
        earlier = [
            EarlierIntake(
                other.id,
                other.submitted_at,
                same_file=bool({file.sha256 for file in other.files} & {file.sha256 for file in intake.files}),
                same_period=bool(key) and other.bill_key == key,
            )
            for other in self.store.earlier_of_same_bill(intake, key)
        ]
        found = [_NOT_EXTRACTED] if read_fields is None else attention(reading, intake.form, today, earlier)
        if intake.pages > READ_PAGES:
            found.append(_LONG)
        items = [{"code": item.code, "field": item.field, "message": item.message} for item in found]
        log.info(
            "fields extracted",
            intake_id=intake.id,
            fields=sorted(reading.fields),
            attention=sorted({item.code for item in found}),
        )
        return self.store.finish_reading(intake, reading.to_document(), items, key, calls)

    def _fetch_words(self, intake: Intake, words: IO[bytes]) -> None:
        """Write the words of the pages into a file as they are saved, one page a line; nobody looks at them here."""
        pages = range(1, min(intake.pages, READ_PAGES) + 1)
        with ThreadPoolExecutor(READS_IN_FLIGHT, thread_name_prefix="words") as pool:
            for start in range(0, len(pages), READS_IN_FLIGHT):
                some = pages[start : start + READS_IN_FLIGHT]
                for saved in pool.map(lambda page: self.bucket.read(objects.words_object(intake.id, page)), some):
                    words.write(saved + b"\n")


def bill_key(reading: Reading) -> str:
    """Return what is the same for every submission of one bill: utility, account and end of period; "" if not all known."""
    found = [reading.fields.get(name) for name in ("utility", "account_number", "period_end")]
    return "|".join(str(field.value) for field in found if field) if all(found) else ""

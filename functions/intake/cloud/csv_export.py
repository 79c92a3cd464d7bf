"""Recorded intakes as CSV in the bucket: `exports/YYYY-MM.csv`, one line per intake, by the month in which it was submitted.

Each intake is in its file exactly once: lines are keyed by intake id, and a file is written anew with what it lacks, on
condition that nobody else has written it since it was read. A cell that a spreadsheet would take for a formula begins with an
apostrophe (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from intake import log, objects
from intake.clock import OFFICE_TIME
from intake.ports import Ended
from intake.rows import DAY_ZERO, ID_COLUMN, Cell, Kind, columns, row_of

if TYPE_CHECKING:
    from intake.cloud.storage import Bucket, ObjectWriter
    from intake.model import Intake

GAVE_UP = "not exported: the bucket could not be written"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def object_name(intake: Intake) -> str:
    """Return the name of the file that an intake belongs to, by the office's calendar."""
    day = intake.submitted_at.astimezone(OFFICE_TIME)
    return objects.export_object(day.year, day.month)


class CsvExport:
    """A destination of deliveries.

    Args:
        bucket: The bucket.
        bucket_name: Its name, for links.
        bill_link_base: See `rows.row_of`.
    """

    batch = group = 500
    at_once = 1

    def __init__(self, bucket: Bucket, bucket_name: str, bill_link_base: str) -> None:
        self._bucket = bucket
        self._bucket_name = bucket_name
        self._bill_link_base = bill_link_base
        self._columns = columns(copies=False)

    def deliver(self, intakes: Sequence[Intake], until: float) -> list[Ended]:  # noqa: ARG002 - one write is short
        """Add intakes to the files of their months.

        Raises:
            TemporaryError: Storage did not answer, or somebody else has written a file meanwhile.
        """
        months: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
        ended = []
        for intake in intakes:
            name = object_name(intake)
            try:
                months[name][intake.id] = self._cells(intake)
            except Exception as exc:  # whatever is wrong with it concerns this intake only
                log.error("line not made", exc, intake_id=intake.id)
                ended.append(Ended(intake, reason="its line cannot be made"))
            else:
                ended.append(Ended(intake, kept={"object": name}))
        for name, lines in months.items():
            self._add(name, lines)
        return ended

    def conclude(self, ended: Sequence[Ended]) -> None:
        """Do nothing more."""

    def _add(self, name: str, lines: Mapping[str, Mapping[str, str]]) -> None:
        """Write a file anew with the lines, by intake, that it does not have."""
        generation = self._bucket.generation(name)
        writer = self._bucket.replace(name, "text/csv; charset=utf-8", generation)
        header = [column.name for column in self._columns]
        there: set[str] = set()
        if generation:
            present = csv.reader(_copied(self._bucket.pieces(name, generation), writer))
            header = next(present, header)
            place = header.index(ID_COLUMN)
            there = {cells[place] for cells in present if len(cells) > place} & lines.keys()
        else:
            writer.write(_line(header))
        missing = [cells for intake_id, cells in lines.items() if intake_id not in there]
        for cells in missing:
            writer.write(_line(cells.get(column, "") for column in header))
        if missing:
            writer.close()
        else:
            writer.abandon()

    def _cells(self, intake: Intake) -> Mapping[str, str]:
        row = row_of(intake, self._bill_link_base, self._bucket_name)
        return {column.name: _text(column.kind, row[column.name]) for column in self._columns}


def _text(kind: Kind, cell: Cell) -> str:
    """Return a cell as text: days and times as ISO 8601, and nothing that a spreadsheet takes for a formula."""
    if not isinstance(cell, str):
        if kind in (Kind.DATE, Kind.MOMENT):
            moment = DAY_ZERO + timedelta(days=cell)
            return moment.date().isoformat() if kind is Kind.DATE else _to_the_second(moment).isoformat(" ")
        return str(cell)
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def _to_the_second(moment: datetime) -> datetime:
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _copied(pieces: Iterable[bytes], writer: ObjectWriter) -> Iterator[str]:
    """Write pieces on as they are, and yield their lines with their ends."""
    decoder, held = codecs.getincrementaldecoder("utf-8")(), ""
    for piece in pieces:
        writer.write(piece)
        # Not splitlines: it also parts at characters that a CSV reader takes for text.
        *lines, held = (held + decoder.decode(piece)).split("\n")
        yield from (f"{line}\n" for line in lines)
    if held:
        yield held

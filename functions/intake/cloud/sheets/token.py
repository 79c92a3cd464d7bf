"""The token of the Sheet: a compare-and-swap. Only the process that holds the token may write, and every write replaces it.

The token is a named range, identified by its id. Each batch deletes the id that its sender knows and adds a new one, so Google
executes a batch only if nothing was written since, however late the batch arrives. No clock is involved:

    deleteNamedRange(id n)       "No named range with id" when n is gone: somebody else has written
    ...what is to be written
    addNamedRange(id n+1, NAME)  "a named range with that name already exists" when somebody else was first

    all or none   https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate
    ids           "The namedRangeId field is optional ... It is an error to specify the ID of a range that already exists"
                  https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#AddNamedRangeRequest
    names         letters, digits and underscores, unique: https://support.google.com/docs/answer/63175

Ids are random and never used twice. A process that got no answer reads the token: the old id means not written, the new id
means written.
A process may write when it has read the token as the only one and as its own, and has read the ids of the rows after that:
between that reading and its write nobody else can have written, or the write is refused. The office may delete the range at
any time; it is added again, which only one can do. Renamed by the office, it is known by the beginning of its id: were it left
standing, a process that slept for long could still give it up and write.

Its place is the column into which the last write put the intake ids; it moves with that column, so that rows which were written
while columns moved are found by the next process too. When that column or its tab is deleted, Google shows the range as
#REF! and its name stays taken, though no call lists or deletes it (https://github.com/burnash/gspread/issues/1530): then the
name gets a number.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from gspread.exceptions import APIError

from intake.cloud.sheets.client import Book, Json, failure
from intake.errors import SheetMoved

NAME = "GreenWatt_writer_do_not_delete"
# The copy that comes with a duplicated tab is named with that tab.
_ID = "greenwatt"
_OURS = re.compile(rf"(?:.*!)?({NAME}(?:_\d+)?)", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A token that stands in the Sheet.

    Attributes:
        id: Its id.
        name: Its name.
        place: GridRange that it covers.
    """

    id: str
    name: str
    place: Json


def found_in(named_ranges: Sequence[Json]) -> list[Found]:
    """Return the tokens among the named ranges of a spreadsheet: one, unless somebody has changed them by hand."""
    return [
        Found(each["namedRangeId"], match[1] if match else each["name"], {"sheetId": 0, **each.get("range", {})})
        for each in named_ranges
        if (match := _OURS.fullmatch(each["name"])) or each["namedRangeId"].startswith(_ID)
    ]


class Token:
    """What one process knows about the token.

    Args:
        book: The spreadsheet.

    Attributes:
        held: Whether it is ours, as far as we know.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._may_be_ours: set[str] = set()
        self._name = NAME
        self._number = 1
        self.held = False

    def recognise(self, tokens: Sequence[Found]) -> bool:
        """Mark the token as held if it was just read as the only one and as ours."""
        self.held = len(tokens) == 1 and tokens[0].id in self._may_be_ours
        if self.held:
            self._may_be_ours = {tokens[0].id}
            self._name = tokens[0].name
        return self.held

    def take(self, tokens: Sequence[Found], place: Json, making: Sequence[Json] = ()) -> None:
        """Replace the tokens that were just read with a new one of ours; it must be read back before it counts.

        Args:
            tokens: Those that were read.
            place: GridRange for the new one.
            making: Requests that make its tab, where that is missing.

        Raises:
            gspread.exceptions.APIError: Refused; somebody else was first, or the name is taken by a range that is #REF!.
        """
        self._name = tokens[0].name if tokens else NAME if self._number == 1 else f"{NAME}_{self._number}"
        self.held = False
        self._swap({token.id for token in tokens}, making, place)

    def name_is_stuck(self) -> None:
        """Go on to the next name: this one was refused though no range of it is listed."""
        self._number += 1

    def write(self, requests: Sequence[Json], place: Json) -> list[Json]:
        """Carry out requests if nothing was written since the token was recognised, all or none, and return their replies.

        Raises:
            gspread.exceptions.APIError: Refused, nothing is written.
        """
        old, self.held = set(self._may_be_ours), False
        try:
            replies = self._swap(old, requests, place)
        except APIError as exc:
            # A refused batch changes nothing: unless the token itself is gone, it is still ours.
            if exc.response.status_code < 500 and not isinstance(failure(exc), SheetMoved):
                self._may_be_ours, self.held = old, True
            raise
        self.held = True
        return replies

    def _swap(self, old: set[str], requests: Sequence[Json], place: Json) -> list[Json]:
        new = _ID + uuid.uuid4().hex
        self._may_be_ours = (old & self._may_be_ours) | {new}
        named = {"namedRangeId": new, "name": self._name, "range": place}
        replies = self._book.change(
            [
                *({"deleteNamedRange": {"namedRangeId": each}} for each in sorted(old)),
                *requests,
                {"addNamedRange": {"namedRange": named}},
            ]
        )
        self._may_be_ours = {replies[-1]["addNamedRange"]["namedRange"]["namedRangeId"]}
        return replies[len(old) : -1]

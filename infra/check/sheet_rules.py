"""What the Sheet does, shown on a tab of its own that is deleted again: the rules that `record` stakes each row on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gspread.exceptions import APIError

from infra.check.target import NotHere, Target, Wrong

CELL = 50_000
"""Characters in one cell (https://developers.google.com/workspace/sheets/api/limits)."""


class Scratch:
    """A tab that nobody else uses.

    Args:
        target: The deployment.
    """

    def __init__(self, target: Target) -> None:
        self._book = target.book
        self._id = secrets.randbelow(2**30) + 1
        self._name = f"intake_check_{self._id}"

    @contextmanager
    def made(self) -> Iterator[Scratch]:
        """Make the tab, and delete it afterwards."""
        self._book.change([{"addSheet": {"properties": {"sheetId": self._id, "title": self._name}}}])
        try:
            yield self
        finally:
            self._book.change([{"deleteSheet": {"sheetId": self._id}}])

    def change(self, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        """Carry requests out together.

        Raises:
            NotHere: The stand-in does not know one of them.
        """
        try:
            return self._book.change(requests)
        except APIError as exc:
            if exc.response.status_code == 501:
                raise NotHere(str(exc.error.get("message"))) from exc
            raise

    def append(self, *texts: str) -> dict[str, Any]:
        """Return a request that appends rows with one cell."""
        rows = [{"values": [{"userEnteredValue": {"stringValue": text}}]} for text in texts]
        return {"appendCells": {"sheetId": self._id, "rows": rows, "fields": "userEnteredValue"}}

    def add_name(self, name_id: str) -> dict[str, Any]:
        """Return a request that adds the named range of this tab."""
        place = {"sheetId": self._id, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 1}
        return {"addNamedRange": {"namedRange": {"namedRangeId": name_id, "name": self._name, "range": place}}}

    def filter(self) -> dict[str, Any]:
        """Return a request that shows only cells that are "shown"."""
        condition = {"type": "TEXT_EQ", "values": [{"userEnteredValue": "shown"}]}
        criteria = [{"columnIndex": 0, "filterCriteria": {"condition": condition}}]
        return {"setBasicFilter": {"filter": {"range": {"sheetId": self._id}, "filterSpecs": criteria}}}

    def rows(self) -> list[str]:
        """Return the first column."""
        (area,) = self._book.read([{"sheetId": self._id, "startColumnIndex": 0, "endColumnIndex": 1}])
        return [str(row[0]) if row else "" for row in area.cells]

    def refused(self, kind: str, *requests: dict[str, Any]) -> str:
        """Return what Google says of requests that it has to refuse.

        Args:
            kind: Name of the error that our client has to understand by it.
            requests: What is refused.

        Raises:
            Wrong: It takes them, carries out a part, or says it in words that our client does not know.
        """
        from intake.cloud.sheets_client import failure

        before = self.rows()
        try:
            self.change(*requests)
        except APIError as exc:
            said = str(exc.error.get("message", ""))
            if self.rows() != before:
                raise Wrong("a batch that was refused was carried out in part") from exc
            if type(failure(exc)).__name__ != kind:
                raise Wrong(f"our client takes it for {type(failure(exc)).__name__}, not {kind}: {said}") from exc
            return f"{exc.response.status_code}, nothing carried out: {said[:120]}"
        raise Wrong("it was taken")


Rule = Callable[[Scratch], str]


def swapped_once(tab: Scratch) -> str:
    """A named range can be swapped for a new one together with a row; a second swap of the same one is refused whole."""
    old, new, late = (f"check{secrets.token_hex(8)}" for _ in range(3))
    tab.change(tab.add_name(old))
    tab.change({"deleteNamedRange": {"namedRangeId": old}}, tab.append("first"), tab.add_name(new))
    if tab.rows()[-1:] != ["first"]:
        raise Wrong("the row is not there")
    said = tab.refused(
        "SheetMoved", {"deleteNamedRange": {"namedRangeId": old}}, tab.append("second"), tab.add_name(late)
    )
    tab.change({"deleteNamedRange": {"namedRangeId": new}})
    return said


def named_once(tab: Scratch) -> str:
    """A second named range of the same name is refused, and what stands beside it in the batch too."""
    one, two = (f"check{secrets.token_hex(8)}" for _ in range(2))
    tab.change(tab.add_name(one))
    said = tab.refused("SheetMoved", tab.append("third"), tab.add_name(two))
    tab.change({"deleteNamedRange": {"namedRangeId": one}})
    return said


def long_cell(tab: Scratch) -> str:
    """A cell takes 50,000 characters; one more, and the whole batch is refused."""
    tab.change(tab.append("x" * CELL))
    if len(tab.rows()[-1]) != CELL:
        raise Wrong("the long cell was cut")
    return tab.refused("RowsRefused", tab.append("beside it"), tab.append("x" * (CELL + 1)))


def plain_text(tab: Scratch) -> str:
    """A text that looks like a formula stays a text."""
    tab.change(tab.append("=1+1"))
    last = tab.rows()[-1]
    if last != "=1+1":
        raise Wrong(f"it became {last}")
    return "it stays as it is"


def under_a_filter(tab: Scratch) -> str:
    """Rows appended under a filter stand below all others."""
    tab.change(tab.append("shown", "hidden"))
    try:
        tab.change(tab.filter())
    except APIError as exc:
        raise NotHere(f"no filter can be set: {exc.error.get('message')}") from exc
    before = tab.rows()
    tab.change(tab.append("hidden too"))
    if tab.rows() != [*before, "hidden too"]:
        raise Wrong("the row is not below the others")
    return "the row is the last one"

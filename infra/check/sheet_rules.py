"""What the Sheet does, shown on a tab of its own that is deleted again: the rules that `record` stakes each row on."""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Callable
from typing import Any

from gspread.exceptions import APIError

from infra.check.assumptions import CLOUD, SHEETS, Proof, assumption
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

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._book.change([{"deleteSheet": {"sheetId": self._id}}])
        except APIError as exc:
            if not re.search("no (grid|sheet) with", str(exc.error.get("message")), re.IGNORECASE):
                raise  # It was not even made otherwise.

    def make(self) -> None:
        """Make the tab; whether that went well or not, it is deleted in the end."""
        self._book.change([{"addSheet": {"properties": {"sheetId": self._id, "title": self._name}}}])

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
        before = self.rows()
        said = refused(kind, lambda: self.change(*requests))
        if self.rows() != before:
            raise Wrong("a batch that was refused was carried out in part")
        return f"{said}; nothing carried out"


def refused(kind: str, attempt: Callable[[], object]) -> str:
    """Return what Google says to something that it has to refuse, in a form that our client takes for the error `kind`."""
    from intake.cloud.sheets.client import failure

    try:
        attempt()
    except APIError as exc:
        said = f"{exc.response.status_code}: {str(exc.error.get('message', ''))[:120]}"
        if type(failure(exc)).__name__ != kind:
            raise Wrong(f"our client takes it for {type(failure(exc)).__name__}, not {kind}: {said}") from exc
        return said
    raise Wrong("it was taken")


Rule = Callable[[Scratch], str]


def on_a_tab(rule: Rule) -> Proof:
    """Turn a rule of a tab into a proof: on a tab of its own."""

    @functools.wraps(rule)
    def prove(target: Target) -> str:
        with Scratch(target) as tab:
            tab.make()
            return rule(tab)

    return prove


@assumption("cloud/sheets/token.py", f"{SHEETS}/reference/rest/v4/spreadsheets/batchUpdate")
@on_a_tab
def swapped_once(tab: Scratch) -> str:
    """A batch on the Sheet is carried out whole or not at all, and a named range that is gone refuses it."""
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


@assumption("cloud/sheets/token.py", f"{SHEETS}/reference/rest/v4/spreadsheets/request#AddNamedRangeRequest")
@on_a_tab
def named_once(tab: Scratch) -> str:
    """The name of a named range is taken once, and a second one refuses the batch."""
    one, two = (f"check{secrets.token_hex(8)}" for _ in range(2))
    tab.change(tab.add_name(one))
    said = tab.refused("SheetMoved", tab.append("third"), tab.add_name(two))
    tab.change({"deleteNamedRange": {"namedRangeId": one}})
    return said


@assumption("bounds.py", f"{SHEETS}/limits")
@on_a_tab
def long_cell(tab: Scratch) -> str:
    """A cell takes 50,000 characters, and one more refuses the batch."""
    tab.change(tab.append("x" * CELL))
    if len(tab.rows()[-1]) != CELL:
        raise Wrong("the long cell was cut")
    return tab.refused("RowsRefused", tab.append("beside it"), tab.append("x" * (CELL + 1)))


@assumption("cloud/sheets/table.py", f"{SHEETS}/reference/rest/v4/spreadsheets/other#ExtendedValue")
@on_a_tab
def plain_text(tab: Scratch) -> str:
    """A text that looks like a formula stays a text."""
    tab.change(tab.append("=1+1"))
    last = tab.rows()[-1]
    if last != "=1+1":
        raise Wrong(f"it became {last}")
    return "it stays as it is"


@assumption("cloud/sheets/table.py", f"{SHEETS}/reference/rest/v4/spreadsheets/request#AppendCellsRequest")
@on_a_tab
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


@assumption("cloud/sheets/client.py", f"{CLOUD}/apis/design/errors")
def sheet_missing(target: Target) -> str:
    """The Sheets API answers 404 where there is no such spreadsheet, as JSON with code, message and status."""
    book = type(target.book)(target.book.client, "1" + secrets.token_hex(20))
    return _blocked(404, book.look)


@assumption("cloud/sheets/client.py", f"{CLOUD}/apis/design/errors")
def sheet_not_shared(target: Target) -> str:
    """The Sheets API answers 403 where the Sheet is not shared with the account, as JSON with code, message and status."""
    return _blocked(403, target.strangers_book.look)


def _blocked(status: int, attempt: Callable[[], object]) -> str:
    def watched() -> None:
        try:
            attempt()
        except APIError as exc:
            missing = {"code", "message", "status"} - set(exc.response.json().get("error", {}))
            if missing or exc.response.status_code != status:
                raise Wrong(f"{exc.response.status_code}, without {sorted(missing)}") from exc
            raise

    return refused("SheetBlocked", watched)

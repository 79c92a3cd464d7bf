"""What the Sheet does, shown on a tab of its own that is deleted again: the rules that `record` relies on for each row."""

from __future__ import annotations

import contextlib
import functools
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from gspread.exceptions import APIError

from infra.check.assumptions import CLOUD, SHEETS, Proof, assumption
from infra.check.target import NotHere, Target, Wrong

CELL = 50_000
"""Characters in one cell (https://developers.google.com/workspace/sheets/api/limits)."""


class Scratch:
    """A tab that nobody else uses."""

    def __init__(self, target: Target) -> None:
        self._book = target.book
        self.id = secrets.randbelow(2**30) + 1
        self.name = f"intake_check_{self.id}"

    @contextlib.contextmanager
    def made(self) -> Iterator[Scratch]:
        """Create the tab, and delete it even if it is uncertain whether it was created."""
        try:
            self.change({"addSheet": {"properties": {"sheetId": self.id, "title": self.name}}})
            yield self
        finally:
            try:
                self.change({"deleteSheet": {"sheetId": self.id}})
            except APIError as exc:
                if not re.search("no (grid|sheet) with", str(exc.error.get("message")), re.IGNORECASE):
                    raise  # any other message means that the tab exists

    def change(self, *requests: dict[str, Any]) -> None:
        """Apply requests together; NotHere if the local stand-in does not know one of them."""
        try:
            self._book.change(requests)
        except APIError as exc:
            if exc.response.status_code == 501:
                raise NotHere(str(exc.error.get("message"))) from exc
            raise

    def append(self, *texts: str) -> dict[str, Any]:
        """Return a request that appends rows with one cell."""
        rows = [{"values": [{"userEnteredValue": {"stringValue": text}}]} for text in texts]
        return {"appendCells": {"sheetId": self.id, "rows": rows, "fields": "userEnteredValue"}}

    def add_name(self, name_id: str) -> dict[str, Any]:
        """Return a request that adds the named range of this tab."""
        place = {"sheetId": self.id, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 1}
        return {"addNamedRange": {"namedRange": {"namedRangeId": name_id, "name": self.name, "range": place}}}

    def rows(self) -> list[str]:
        """Return the first column."""
        (area,) = self._book.read([{"sheetId": self.id, "startColumnIndex": 0, "endColumnIndex": 1}])
        return [str(row[0]) if row else "" for row in area.cells]

    def appended(self, *texts: str) -> None:
        """Append rows; Wrong if they are not the last ones, with exactly these texts."""
        before = self.rows()
        self.change(self.append(*texts))
        if (after := self.rows()) != [*before, *texts]:
            raise Wrong(f"the last row is {after[-1][:50]!r}" if len(after) > len(before) else "no row was added")

    def refused(self, kind: str, *requests: dict[str, Any]) -> str:
        """Return what Google says to requests that it has to refuse, all of them; `kind` as in `refused`."""
        before = self.rows()
        said = refused(kind, lambda: self.change(*requests))
        if self.rows() != before:
            raise Wrong("a batch that was refused was applied in part")
        return said


def refused(kind: str, attempt: Callable[[], object]) -> str:
    """Return what Google says to something that it has to refuse; Wrong if our client does not raise the error `kind`."""
    from intake.cloud.sheets.client import failure

    try:
        attempt()
    except APIError as exc:
        said = f"{exc.response.status_code}: {str(exc.error.get('message', ''))[:120]}"
        if (understood := type(failure(exc)).__name__) != kind:
            raise Wrong(f"our client understands {understood}, not {kind}: {said}") from exc
        return said
    raise Wrong("it was accepted")


def on_a_tab(rule: Callable[[Scratch], str]) -> Proof:
    """Turn a rule into a proof on a tab of its own."""

    @functools.wraps(rule)
    def prove(target: Target) -> str:
        with Scratch(target).made() as tab:
            return rule(tab)

    return prove


def _drop(name_id: str) -> dict[str, Any]:
    return {"deleteNamedRange": {"namedRangeId": name_id}}


def _new_id() -> str:
    return f"check{secrets.token_hex(8)}"


@assumption("cloud/sheets/token.py", f"{SHEETS}/reference/rest/v4/spreadsheets/batchUpdate")
@on_a_tab
def swapped_once(tab: Scratch) -> str:
    """A batch on the Sheet is applied whole or not at all, and deleting a missing named range refuses it."""
    old, new = _new_id(), _new_id()
    tab.change(tab.add_name(old))
    tab.change(_drop(old), tab.append("first"), tab.add_name(new))
    if tab.rows()[-1:] != ["first"]:
        raise Wrong("the row is missing")
    said = tab.refused("SheetMoved", _drop(old), tab.append("second"), tab.add_name(_new_id()))
    tab.change(_drop(new))
    return said


@assumption("cloud/sheets/token.py", f"{SHEETS}/reference/rest/v4/spreadsheets/request#AddNamedRangeRequest")
@on_a_tab
def named_once(tab: Scratch) -> str:
    """The name of a named range is unique, and a second one refuses the batch."""
    name_id = _new_id()
    tab.change(tab.add_name(name_id))
    said = tab.refused("SheetMoved", tab.append("third"), tab.add_name(_new_id()))
    tab.change(_drop(name_id))
    return said


@assumption("bounds.py", f"{SHEETS}/limits")
@on_a_tab
def long_cell(tab: Scratch) -> str:
    """A cell takes 50,000 characters, and one more refuses the batch."""
    tab.appended("x" * CELL)
    return tab.refused("RowsRefused", tab.append("beside it"), tab.append("x" * (CELL + 1)))


@assumption("cloud/sheets/table.py", f"{SHEETS}/reference/rest/v4/spreadsheets/other#ExtendedValue")
@on_a_tab
def plain_text(tab: Scratch) -> str:
    """A text that looks like a formula stays a text."""
    tab.appended("=1+1")
    return "=1+1 stays"


@assumption("cloud/sheets/table.py", f"{SHEETS}/reference/rest/v4/spreadsheets/request#AppendCellsRequest")
@on_a_tab
def under_a_filter(tab: Scratch) -> str:
    """Rows appended under a filter go below all others."""
    tab.appended("shown", "hidden")
    condition = {"type": "TEXT_EQ", "values": [{"userEnteredValue": "shown"}]}
    criteria = [{"columnIndex": 0, "filterCriteria": {"condition": condition}}]
    try:
        tab.change({"setBasicFilter": {"filter": {"range": {"sheetId": tab.id}, "filterSpecs": criteria}}})
    except APIError as exc:
        raise NotHere(f"the filter cannot be set: {exc.error.get('message')}") from exc
    tab.appended("hidden too")
    return "the row is the last one"


@assumption("cloud/sheets/client.py", f"{CLOUD}/apis/design/errors")
def sheet_missing(target: Target) -> str:
    """The Sheets API answers 404 for a missing spreadsheet, as JSON with code, message, and status."""
    return _blocked(404, type(target.book)(target.book.client, "1" + secrets.token_hex(20)).look)


@assumption("cloud/sheets/client.py", f"{CLOUD}/apis/design/errors")
def sheet_not_shared(target: Target) -> str:
    """The Sheets API answers 403 if the Sheet is not shared with the account, as JSON with code, message, and status."""
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

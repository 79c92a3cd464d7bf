"""The proofs of `./deploy.sh check` for the Sheet, against a Sheet that keeps the rules and ones that break one each."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

import pytest
import requests
from gspread.exceptions import APIError
from intake.cloud.sheets_client import Area

from infra.check import sheet_rules
from infra.check.assumptions import ASSUMPTIONS, table
from infra.check.target import NotHere, Wrong
from infra.gcp.deployment import ROOT


def refusal(message: str, status: int = 400) -> APIError:
    answer = requests.Response()
    answer.status_code = status
    answer._content = (
        f'{{"error": {{"code": {status}, "message": "{message}", "status": "INVALID_ARGUMENT"}}}}'.encode()
    )
    return APIError(answer)


class Sheet:
    """One column of a spreadsheet; `lie` names the rule that it breaks."""

    id = "sheet"

    def __init__(self, lie: str = "") -> None:
        self.lie = lie
        self.cells: list[str] = []
        self.names: dict[str, str] = {}
        self.filtered = False
        self.tabs = 0

    def change(self, changes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        before = copy.deepcopy((self.cells, self.names))
        try:
            for each in changes:
                ((kind, body),) = each.items()
                getattr(self, re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", f"_{kind}"))(body)
        except APIError:
            if self.lie != "in part":
                self.cells, self.names = before
            raise
        return []

    def read(self, _areas: Sequence[dict[str, Any]]) -> list[Area]:
        return [Area("", [[text] for text in self.cells])]

    def _add_sheet(self, _body: dict[str, Any]) -> None:
        self.tabs += 1

    def _delete_sheet(self, _body: dict[str, Any]) -> None:
        self.tabs -= 1

    def _append_cells(self, body: dict[str, Any]) -> None:
        texts = [row["values"][0]["userEnteredValue"]["stringValue"] for row in body["rows"]]
        if self.lie != "long cells" and any(len(text) > sheet_rules.CELL for text in texts):
            raise refusal("Your input contains more than the maximum of 50000 characters in a single cell.")
        texts = ["2" if self.lie == "formulas" and text.startswith("=") else text for text in texts]
        on_top = self.lie == "filters" and self.filtered
        self.cells = [*texts, *self.cells] if on_top else [*self.cells, *texts]

    def _add_named_range(self, body: dict[str, Any]) -> None:
        named = body["namedRange"]
        if self.lie not in ("ids", "names") and named["name"] in self.names.values():
            raise refusal("Cannot add named range: a named range with that name already exists")
        self.names[named["namedRangeId"]] = named["name"]

    def _delete_named_range(self, body: dict[str, Any]) -> None:
        if self.lie != "ids" and body["namedRangeId"] not in self.names:
            raise refusal("No such thing" if self.lie == "words" else "No named range with id: x")
        self.names.pop(body["namedRangeId"], None)

    def _set_basic_filter(self, _body: dict[str, Any]) -> None:
        if self.lie == "no filter":
            raise refusal("Unknown request")
        self.filtered = True


class Stub:
    """As much of a deployment as the rules of the Sheet ask for."""

    def __init__(self, book: Sheet) -> None:
        self.book = book


RULES = (
    sheet_rules.swapped_once,
    sheet_rules.named_once,
    sheet_rules.long_cell,
    sheet_rules.plain_text,
    sheet_rules.under_a_filter,
)


def shown(rule: sheet_rules.Rule, sheet: Sheet) -> str:
    with sheet_rules.Scratch(Stub(sheet)).made() as tab:  # type: ignore[arg-type]
        return rule(tab)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_sheet_that_keeps_the_rules(rule: sheet_rules.Rule) -> None:
    """Each is shown, and the tab and the names are gone afterwards."""
    sheet = Sheet()
    assert shown(rule, sheet)
    assert sheet.tabs == 0
    assert sheet.names == {}


@pytest.mark.parametrize(
    ("lie", "rule", "says"),
    [
        ("ids", sheet_rules.swapped_once, "it was taken"),
        ("words", sheet_rules.swapped_once, "our client takes it for RowsRefused, not SheetMoved"),
        ("names", sheet_rules.named_once, "it was taken"),
        ("in part", sheet_rules.named_once, "carried out in part"),
        ("in part", sheet_rules.long_cell, "carried out in part"),
        ("long cells", sheet_rules.long_cell, "it was taken"),
        ("formulas", sheet_rules.plain_text, "it became 2"),
        ("filters", sheet_rules.under_a_filter, "not below the others"),
    ],
)
def test_a_sheet_that_breaks_a_rule(lie: str, rule: sheet_rules.Rule, says: str) -> None:
    """The rule is found broken, with what the Sheet did, and the tab is deleted all the same."""
    sheet = Sheet(lie)
    with pytest.raises(Wrong, match=says):
        shown(rule, sheet)
    assert sheet.tabs == 0


def test_a_sheet_without_filters() -> None:
    """What cannot be tried is not called broken."""
    with pytest.raises(NotHere):
        shown(sheet_rules.under_a_filter, Sheet("no filter"))


def test_the_list_is_in_the_documentation() -> None:
    """docs/deploy.md has every assumption, where it is relied on, its source and its proof; `--table` prints it."""
    text = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    assert "\n".join(table()) in text
    for each in ASSUMPTIONS:
        for file in each.code.split(", "):
            assert (ROOT / file).exists() or (ROOT / "functions" / "intake" / file).exists(), file

"""The Sheets stand-in as its users meet it: a process, driven by the real gspread over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gspread
import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from gspread.exceptions import APIError, SpreadsheetNotFound
from gspread.http_client import HTTPClient
from gspread.utils import ValueRenderOption

ROOT = Path(__file__).parents[2]
DEADLINE_S = 20.0
SHEET_ID = "greenwatt-local-sheet"


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Return when a condition holds; fail the test when it does not within the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {DEADLINE_S} s"
        time.sleep(0.01)


class StandIn:
    """A running stand-in on free ports."""

    def __init__(self, state: Path, *options: str) -> None:
        command = [sys.executable, "-m", "infra.local.sheets", "--port", "0", "--control-port", "0"]
        self._output = state.with_suffix(f".{time.monotonic_ns()}.log")
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--state", str(state), *options], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_for(
                lambda: "sheets: listening on " in self.output() or self.process.poll() is not None,
                "the start",
            )
            self.control = self._address("sheets: control on ")
            self.url = self._address("sheets: listening on ")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.page = f"{self.url}/spreadsheets/d/{SHEET_ID}/edit"

    def output(self) -> str:
        """Return what the process has printed."""
        return self._output.read_text()

    def _address(self, prefix: str) -> str:
        found = [line.removeprefix(prefix) for line in self.output().splitlines() if line.startswith(prefix)]
        assert len(found) == 1, self.output()
        return found[0]

    def open(self) -> gspread.Spreadsheet:
        """Return the spreadsheet through the real gspread."""
        return self.client().open_by_key(SHEET_ID)

    def client(self) -> gspread.Client:
        """Return the real gspread, with credentials that are not asked for anything."""
        nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth has no types
        return gspread.Client(nobody, requests.Session(), self._http_client())

    def _http_client(self) -> type[HTTPClient]:
        url = self.url

        class LocalHTTPClient(HTTPClient):
            """gspread's own client with the address of the API exchanged, and nothing else."""

            def request(self, method: str, endpoint: str, *args: Any, **options: Any) -> requests.Response:
                """Send a request to the stand-in."""
                local = endpoint.replace("https://sheets.googleapis.com", url)
                return super().request(method, local, *args, **options)

        return LocalHTTPClient

    def order(self, **fault: Any) -> None:
        """Order one failure."""
        requests.put(f"{self.control}/control", json={"faults": [fault]}, timeout=10).raise_for_status()

    def edit(self, action: str, **edit: Any) -> list[list[Any]]:
        """Edit the sheet as somebody in the office; return all its values."""
        answer = requests.put(f"{self.control}/control/grid", json={"action": action, **edit}, timeout=10)
        answer.raise_for_status()
        values: list[list[Any]] = answer.json()["values"]
        return values

    def values(self) -> list[list[Any]]:
        """Return all values of the first tab, past API, quota and failures."""
        values: list[list[Any]] = requests.get(f"{self.control}/control/grid", timeout=10).json()["values"]
        return values

    def stop(self, name: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(name)
        return self.process.wait(DEADLINE_S)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return where a test's state file goes."""
    return tmp_path / "sheet.json"


@pytest.fixture
def start(state: Path) -> Iterator[Callable[[], StandIn]]:
    """Return a function that starts stand-ins on the test's state file; what still runs at the end is killed."""
    started: list[StandIn] = []

    def start_one() -> StandIn:
        started.append(StandIn(state))
        return started[-1]

    try:
        yield start_one
    finally:
        for running in started:
            running.process.kill()
            running.process.wait(DEADLINE_S)


@pytest.fixture
def stand_in(start: Callable[[], StandIn]) -> StandIn:
    """Run a stand-in with Google's quota for one test."""
    return start()


def test_gspread_works_with_rows(stand_in: StandIn) -> None:
    """A new sheet is empty; appended rows are RAW, found again, updated and deleted through gspread."""
    sheet = stand_in.open().sheet1
    assert (sheet.title, sheet.row_count, sheet.col_count, sheet.get_all_values()) == (
        "Sheet1",
        1000,
        26,
        [[]],
    )
    sheet.append_row(["Intake ID", "Account Name", "Pages"], table_range="A1")
    answer = sheet.append_rows([["a1", "=1+1", 2], ["a2", "00123", 3]], table_range="A1")
    assert answer["tableRange"] == "Sheet1!A1:C1"
    assert answer["updates"]["updatedRange"] == "Sheet1!A2:C3"
    assert sheet.get_all_records()[0] == {"Intake ID": "a1", "Account Name": "=1+1", "Pages": 2}
    assert sheet.col_values(2) == ["Account Name", "=1+1", "00123"]
    assert sheet.get("A1:C3", value_render_option=ValueRenderOption.unformatted)[1] == ["a1", "=1+1", 2]
    found = sheet.find("a2", in_column=1)
    assert found is not None
    sheet.update_cell(found.row, 3, 4)
    sheet.batch_update([{"range": "B2", "values": [["x"]]}, {"range": "B3", "values": [["y"]]}])
    assert sheet.batch_get(["A1:A3", "C3"]) == [[["Intake ID"], ["a1"], ["a2"]], [["4"]]]
    sheet.delete_rows(2)
    sheet.batch_clear(["B2"])
    assert sheet.get_all_values() == [["Intake ID", "Account Name", "Pages"], ["a2", "", "4"]]
    sheet.clear()
    assert sheet.get_all_values() == [[]]


def test_gspread_works_with_tabs(stand_in: StandIn) -> None:
    """Tabs with awkward titles are added, renamed, resized, sorted, formatted, reordered and deleted."""
    book = stand_in.open()
    tab = book.add_worksheet("Jon's bills: 5/2026", rows=3, cols=2)
    tab.update([["b", 2], ["a", 1], ["c", 3]], "A1:B3")
    tab.sort((1, "asc"))
    tab.resize(rows=10, cols=5)
    tab.freeze(rows=1)
    tab.format("A1:B1", {"textFormat": {"bold": True}})
    tab.columns_auto_resize(0, 2)
    tab.set_basic_filter()
    tab.insert_cols([["x"]], col=2)
    assert tab.get_all_values() == [["a", "x", "1"], ["b", "", "2"], ["c", "", "3"]]
    tab.update_title("Ledger")
    book.reorder_worksheets([book.worksheet("Ledger"), book.worksheet("Sheet1")])
    again = book.worksheet("Ledger")
    assert [sheet.title for sheet in book.worksheets()] == ["Ledger", "Sheet1"]
    assert (again.row_count, again.col_count, again.frozen_row_count) == (10, 6, 1)
    copied = again.duplicate(new_sheet_name="Copy")
    assert copied.get_all_values() == again.get_all_values()
    book.del_worksheet(copied)
    book.del_worksheet(again)
    assert [sheet.title for sheet in book.worksheets()] == ["Sheet1"]


def test_errors_reach_gspread_as_googles(stand_in: StandIn) -> None:
    """An unknown spreadsheet is SpreadsheetNotFound; a write beyond the grid is APIError 400."""
    http = stand_in.client().http_client
    with pytest.raises(APIError) as missing:
        http.values_get("other", "A1")
    assert (missing.value.code, missing.value.error["status"]) == (404, "NOT_FOUND")
    with pytest.raises(SpreadsheetNotFound):
        stand_in.client().open_by_key("other")
    with pytest.raises(APIError, match=r"exceeds grid limits\. Max rows: 1000, max columns: 26"):
        stand_in.open().sheet1.update([["x"]], "AB1")


@pytest.mark.parametrize("body", ["{", "[]", '"text"', '{"values": [["\\ud800"]]}', '{"values": [[NaN]]}'])
def test_bodies_that_are_no_request_are_refused(stand_in: StandIn, body: str) -> None:
    """Broken JSON, other JSON than an object, half a character and NaN are a 400 and change nothing."""
    path = f"{stand_in.url}/v4/spreadsheets/{SHEET_ID}/values/A1?valueInputOption=RAW"
    answer = requests.put(path, data=body, timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert stand_in.values() == []


def test_the_quota_is_sixty_writes_and_sixty_reads(stand_in: StandIn) -> None:
    """The 61st write of a minute is refused with 429 and has no effect; reads have their own sixty."""
    sheet = stand_in.open().sheet1
    for number in range(60):
        sheet.append_row([number], table_range="A1")
    with pytest.raises(APIError) as refusal:
        sheet.append_row(["over"], table_range="A1")
    assert (refusal.value.code, refusal.value.error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert len(sheet.get_all_values()) == 60
    stats = requests.get(f"{stand_in.control}/stats", timeout=10).json()
    assert stats["calls"]["values.append"] == stats["writes"] == 61
    assert stats["over_quota"] == {"reads": 0, "writes": 1}


@pytest.mark.parametrize("status", [403, 429, 500, 503])
@pytest.mark.parametrize(("when", "rows"), [("before", 1), ("after", 2)])
def test_ordered_failures_happen_before_or_after_the_effect(
    stand_in: StandIn, status: int, when: str, rows: int
) -> None:
    """An ordered status is answered once; with "after" the row is there all the same."""
    sheet = stand_in.open().sheet1
    stand_in.order(calls=1, kind="write", status=status, when=when)
    with pytest.raises(APIError) as failure:
        sheet.append_row(["first"], table_range="A1")
    assert failure.value.code == status
    sheet.append_row(["second"], table_range="A1")
    assert len(stand_in.values()) == rows


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 1)])
def test_ordered_disconnects_drop_the_connection(stand_in: StandIn, when: str, rows: int) -> None:
    """The client sees a broken connection; whether the row is there is what it cannot know."""
    sheet = stand_in.open().sheet1
    stand_in.order(calls=1, kind="write", disconnect=True, when=when, delay_ms=20)
    with pytest.raises(requests.ConnectionError):
        sheet.append_row(["a"], table_range="A1")
    assert len(stand_in.values()) == rows


def test_a_failure_that_makes_no_sense_is_refused(stand_in: StandIn) -> None:
    """A mistyped order is a 400 with a sentence."""
    order = {"faults": [{"status": 418}]}
    answer = requests.put(f"{stand_in.control}/control", json=order, timeout=10)
    assert answer.status_code == 400
    assert "must be one of 403, 429, 500, 503" in answer.json()["error"]["message"]


def test_the_office_edits_the_sheet(stand_in: StandIn) -> None:
    """Cells, columns and rows are edited as by hand; typed text is read as typed."""
    stand_in.open().sheet1.append_rows([["id", "n"], ["a", 2], ["b", 1]], table_range="A1")
    stand_in.edit("set_cell", cell="B2", value="1,002")
    assert stand_in.edit("sort", column="B") == [["id", "n"], ["b", 1], ["a", 1002]]
    stand_in.edit("insert_column", before="A")
    assert stand_in.edit("move_column", column="C", before="A") == [
        ["n", "", "id"],
        [1, "", "b"],
        [1002, "", "a"],
    ]
    stand_in.edit("insert_row", before=1)
    stand_in.edit("delete_row", row=3)
    assert stand_in.edit("delete_column", column="B") == [[], ["n", "id"], [1002, "a"]]
    answer = requests.put(f"{stand_in.control}/control/grid", json={"action": "burn"}, timeout=10)
    assert answer.status_code == 400


def test_a_restart_shows_the_same_sheet(start: Callable[[], StandIn]) -> None:
    """What was acknowledged before SIGTERM is there after a restart."""
    first = start()
    first.open().sheet1.append_rows([["a", "=1+1"], ["b", 2]], table_range="A1")
    assert first.stop() == 0
    second = start()
    assert second.open().sheet1.get_all_values() == [["a", "=1+1"], ["b", "2"]]
    assert second.stop(signal.SIGINT) == 0


def test_changes_are_saved_without_a_signal(stand_in: StandIn, state: Path) -> None:
    """The state file follows on its own, so that kill -9 loses at most the last moment."""
    stand_in.open().sheet1.append_row(["kept"], table_range="A1")
    wait_for(lambda: state.exists() and json.loads(state.read_text())["tabs"][0]["rows"] == [["kept"]], "saving")


def test_a_stop_in_the_middle_of_saving_loses_nothing(stand_in: StandIn, state: Path) -> None:
    """SIGTERM right after large writes, while a save is under way, leaves a whole file with all rows."""
    sheet = stand_in.open().sheet1
    rows = [[f"{number:05}", *"abcdefghijklmno"] for number in range(10_000)]
    sheet.append_rows(rows[:5_000], table_range="A1")
    wait_for(lambda: any(state.parent.glob("*.tmp")) or state.exists(), "saving")
    sheet.append_rows(rows[5_000:], table_range="A1")
    assert stand_in.stop() == 0
    assert json.loads(state.read_text())["tabs"][0]["rows"] == rows
    assert not list(state.parent.glob("*.tmp"))


def test_a_state_that_cannot_be_saved_is_said_at_the_end(stand_in: StandIn, state: Path) -> None:
    """Where the state file cannot be written the stand-in goes on, complains, and ends with status 1."""
    state.mkdir()
    sheet = stand_in.open().sheet1
    sheet.append_row(["a"], table_range="A1")
    wait_for(lambda: f"the state file {state} was not written" in stand_in.output(), "the complaint")
    assert sheet.get_all_values() == [["a"]]
    assert stand_in.stop() == 1


def test_a_state_file_that_cannot_be_used_ends_the_start(state: Path) -> None:
    """A damaged state file is named in one sentence, without a traceback, and left as it is."""
    state.write_text("{")
    command = [sys.executable, "-m", "infra.local.sheets", "--port", "0", "--state", str(state)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"The state file {state} is damaged" in done.stderr
    assert state.read_text() == "{"


def test_a_port_in_use_ends_the_start(state: Path) -> None:
    """A taken port is said in one sentence and leaves no state file behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "infra.local.sheets", "--port", port, "--state", str(state)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"Port {port} cannot be listened on" in done.stderr
    assert not state.exists()


def test_the_live_view_escapes_text_and_links_only_web_addresses(stand_in: StandIn) -> None:
    """Cells never become markup; http(s) addresses alone become links; nothing is inline."""
    hostile = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "javascript:alert(1)",
        "http://x.example/?a=1&b=2",
    ]
    stand_in.open().sheet1.append_rows([["<b>Heading</b>", *"bcd"], hostile], table_range="A1")
    answer = requests.get(stand_in.page, timeout=10)
    html = answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;b&gt;Heading&lt;/b&gt;" in html
    assert 'href="http://x.example/?a=1&amp;b=2"' in html
    assert not [bad for bad in ("<img", "<b>", "<style", " onerror=y>", 'href="javascript') if bad in html]
    assert html.count("<script") == 1
    for name, kind in (("sheets.js", "javascript"), ("sheets.css", "css")):
        served = requests.get(f"{stand_in.url}/static/{name}", timeout=10)
        assert (served.status_code, kind in served.headers["Content-Type"]) == (200, True)
        assert "innerHTML" not in served.text
    assert requests.get(f"{stand_in.url}/static/..%2Fsheets.py", timeout=10).status_code == 404


def test_the_live_view_follows_changes_page_by_page(stand_in: StandIn) -> None:
    """The view answers 204 while nothing changed, and shows the newest rows unless a page is asked for."""
    sheet = stand_in.open().sheet1
    sheet.append_rows([["id"], *[[f"row {n}"] for n in range(2, 452)]], table_range="A1")
    address = f"{stand_in.url}/spreadsheets/d/{SHEET_ID}/view.json"
    newest = requests.get(address, timeout=10).json()
    assert (newest["page"], newest["pages"], newest["first_row"]) == (3, 3, 402)
    assert (newest["heading"], newest["rows"][-1]) == (["id"], ["row 451"])
    assert requests.get(address, params={"page": "1"}, timeout=10).json()["rows"][0] == ["row 2"]
    assert requests.get(address, params={"revision": newest["revision"]}, timeout=10).status_code == 204
    stand_in.edit("set_cell", cell="A452", value="new")
    changed = requests.get(address, params={"revision": newest["revision"]}, timeout=10)
    assert changed.json()["rows"][-1] == ["new"]
    assert requests.get(stand_in.page.replace(SHEET_ID, "other"), timeout=10).status_code == 404


def test_authorization_is_taken_as_it_is(stand_in: StandIn) -> None:
    """Any Authorization header, or none, is let in: the stand-in has one user."""
    address = f"{stand_in.url}/v4/spreadsheets/{SHEET_ID}"
    for headers in ({}, {"Authorization": "Bearer anything"}):
        assert requests.get(address, headers=headers, timeout=10).json()["spreadsheetId"] == SHEET_ID


def test_only_the_loopback_address_is_served(stand_in: StandIn) -> None:
    """The ports listen on 127.0.0.1 and nowhere else."""
    port = stand_in.url.rpartition(":")[2]
    listening = Path(f"/proc/{os.getpid()}/net/tcp").read_text().splitlines()
    mine = [line.split()[1] for line in listening if line.split()[1].endswith(f":{int(port):04X}")]
    assert mine
    assert {address.partition(":")[0] for address in mine} == {"0100007F"}

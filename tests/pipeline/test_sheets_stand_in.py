"""The Sheets stand-in as its users meet it: a process, driven by the functions' own client over HTTP."""

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

import pytest
import requests
from gspread.exceptions import APIError
from intake.cloud.sheets.client import Book, client_for
from intake.cloud.sheets.tab import typed
from intake.settings import Settings

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

    def book(self, sheet_id: str = SHEET_ID) -> Book:
        """Return the spreadsheet through the functions' own client."""
        return Book(client_for(Settings("p", "b", "o", "s", sheets_endpoint=self.url)), sheet_id)

    def append(self, *rows: list[Any]) -> None:
        """Append rows by the API."""
        cells = [{"values": [typed(cell) for cell in row]} for row in rows]
        self.book().change([{"appendCells": {"sheetId": 0, "rows": cells, "fields": "userEnteredValue"}}])

    def order(self, **fault: Any) -> None:
        """Order one failure."""
        requests.put(f"{self.control}/control", json={"faults": [fault]}, timeout=10).raise_for_status()

    def edit(self, action: str, **edit: Any) -> list[list[Any]]:
        """Edit the sheet as somebody in the office; return all its values."""
        answer = requests.put(
            f"{self.control}/control/grid", json={"tab": "Sheet1", "action": action, **edit}, timeout=10
        )
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


def test_errors_reach_the_client_as_googles(stand_in: StandIn) -> None:
    """An unknown spreadsheet is a 404; a read beyond the grid is a 400."""
    with pytest.raises(APIError) as missing:
        stand_in.book("other").look()
    assert (missing.value.code, missing.value.error["status"]) == (404, "NOT_FOUND")
    with pytest.raises(APIError, match=r"exceeds grid limits\. Max rows: 1000, max columns: 26"):
        stand_in.book().read([{"sheetId": 0, "startColumnIndex": 27}])


@pytest.mark.parametrize("body", ["{", "[]", '"text"', '{"requests": [{"\\ud800": 1}]}', '{"requests": NaN}'])
def test_bodies_that_are_no_request_are_refused(stand_in: StandIn, body: str) -> None:
    """Broken JSON, other JSON than an object, half a character and NaN are a 400 and change nothing."""
    answer = requests.post(f"{stand_in.url}/v4/spreadsheets/{SHEET_ID}:batchUpdate", data=body, timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert stand_in.values() == []


def test_the_quota_is_sixty_writes_and_sixty_reads(stand_in: StandIn) -> None:
    """The 61st write of a minute is refused with 429 and has no effect; reads have their own sixty."""
    for number in range(60):
        stand_in.append([number])
    with pytest.raises(APIError) as refusal:
        stand_in.append(["over"])
    assert (refusal.value.code, refusal.value.error["status"]) == (429, "RESOURCE_EXHAUSTED")
    (area,) = stand_in.book().read([{"sheetId": 0}])
    assert len(area.cells) == 60
    stats = requests.get(f"{stand_in.control}/stats", timeout=10).json()
    assert stats["calls"]["spreadsheets.batchUpdate"] == stats["writes"] == 61
    assert stats["over_quota"] == {"reads": 0, "writes": 1}


@pytest.mark.parametrize("status", [403, 429, 500, 503, 504])
@pytest.mark.parametrize(("when", "rows"), [("before", 1), ("after", 2)])
def test_ordered_failures_happen_before_or_after_the_effect(
    stand_in: StandIn, status: int, when: str, rows: int
) -> None:
    """An ordered status is answered once; with "after" the row is there all the same."""
    stand_in.order(calls=1, kind="write", status=status, when=when)
    with pytest.raises(APIError) as failure:
        stand_in.append(["first"])
    assert failure.value.code == status
    stand_in.append(["second"])
    assert len(stand_in.values()) == rows


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 1)])
def test_ordered_disconnects_drop_the_connection(stand_in: StandIn, when: str, rows: int) -> None:
    """The client sees a broken connection; whether the row is there is what it cannot know."""
    stand_in.order(calls=1, kind="write", disconnect=True, when=when, delay_ms=20)
    with pytest.raises(requests.ConnectionError):
        stand_in.append(["a"])
    assert len(stand_in.values()) == rows


def test_a_batch_is_carried_out_later(stand_in: StandIn) -> None:
    """The caller is told that it failed; seconds after that the row is there."""
    stand_in.order(kind="write", status=503, when="later", later_s=0.5)
    with pytest.raises(APIError):
        stand_in.append(["late"])
    assert stand_in.values() == []
    wait_for(lambda: stand_in.values() == [["late"]], "the late write")


def test_a_failure_that_makes_no_sense_is_refused(stand_in: StandIn) -> None:
    """A mistyped order is a 400 with a sentence."""
    order = {"faults": [{"status": 418}]}
    answer = requests.put(f"{stand_in.control}/control", json=order, timeout=10)
    assert answer.status_code == 400
    assert "must be one of [403, 429, 500, 503, 504]" in answer.json()["error"]["message"]


def test_the_office_edits_the_sheet(stand_in: StandIn) -> None:
    """Cells, columns and rows are edited as by hand; typed text is read as typed."""
    stand_in.append(["id", "n"], ["a", 2], ["b", 1])
    stand_in.edit("set_cell", cell="B2", value="1,002")
    assert stand_in.edit("sort", column="B") == [["id", "n"], ["b", 1], ["a", 1002]]
    stand_in.edit("insert_column", before="A")
    assert stand_in.edit("move_column", column="C", before="A") == [
        ["n", "", "id"],
        [1, "", "b"],
        [1002, "", "a"],
    ]
    assert stand_in.edit("delete_row", row=2) == [["n", "", "id"], [1002, "", "a"]]
    stand_in.edit("filter")
    answer = requests.put(f"{stand_in.control}/control/grid", json={"action": "burn"}, timeout=10)
    assert answer.status_code == 400


def test_a_restart_shows_the_same_sheet(start: Callable[[], StandIn]) -> None:
    """What was acknowledged before SIGTERM is there after a restart."""
    first = start()
    first.append(["a", "=1+1"], ["b", 2])
    assert first.stop() == 0
    second = start()
    assert second.values() == [["a", "=1+1"], ["b", 2]]
    assert second.stop(signal.SIGINT) == 0


def test_a_stop_in_the_middle_of_saving_loses_nothing(stand_in: StandIn, state: Path) -> None:
    """SIGTERM right after large writes, while a save is under way, leaves a whole file with all rows."""
    rows = [[f"{number:05}", *"abcdefghijklmno"] for number in range(10_000)]
    stand_in.append(*rows[:5_000])
    wait_for(lambda: any(state.parent.glob("*.tmp")) or state.exists(), "saving")
    stand_in.append(*rows[5_000:])
    assert stand_in.stop() == 0
    assert json.loads(state.read_text())["tabs"][0]["rows"] == rows
    assert not list(state.parent.glob("*.tmp"))


def test_a_state_that_cannot_be_saved_is_said_at_the_end(stand_in: StandIn, state: Path) -> None:
    """Where the state file cannot be written the stand-in goes on, complains, and ends with status 1."""
    state.mkdir()
    stand_in.append(["a"])
    wait_for(lambda: f"the state file {state} was not written" in stand_in.output(), "the complaint")
    assert stand_in.values() == [["a"]]
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
    stand_in.append(["<b>Heading</b>", *"bcd"], hostile)
    answer = requests.get(stand_in.page, timeout=10)
    html = answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;b&gt;Heading&lt;/b&gt;" in html
    assert 'href="http://x.example/?a=1&amp;b=2"' in html
    assert not [bad for bad in ("<img", "<b>", " onerror=y>", 'href="javascript') if bad in html]
    assert "<script" not in html


def test_the_live_view_shows_a_page_of_the_rows(stand_in: StandIn) -> None:
    """The view loads itself again, and shows the newest rows unless a page is asked for."""
    stand_in.append(["id"], *[[f"row {n}"] for n in range(2, 452)])
    newest = requests.get(stand_in.page, timeout=10).text
    assert "http-equiv=refresh" in newest
    assert ("row 451" in newest, "row 2<" in newest, "page 3 of 3" in newest) == (True, False, True)
    assert "row 2<" in requests.get(stand_in.page, params={"page": "1"}, timeout=10).text
    assert requests.get(stand_in.page.replace(SHEET_ID, "other"), timeout=10).status_code == 404


def test_only_the_loopback_address_is_served(stand_in: StandIn) -> None:
    """The ports listen on 127.0.0.1 and nowhere else."""
    port = stand_in.url.rpartition(":")[2]
    listening = Path(f"/proc/{os.getpid()}/net/tcp").read_text().splitlines()
    mine = [line.split()[1] for line in listening if line.split()[1].endswith(f":{int(port):04X}")]
    assert mine
    assert {address.partition(":")[0] for address in mine} == {"0100007F"}

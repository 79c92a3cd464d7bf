"""The Drive stand-in as its user meets it: a process, driven by the functions' own client and by bare HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from intake.cloud import drive as client
from intake.cloud.drive import Drive
from intake.errors import DriveUnavailable

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30.0
FOLDER = "office-folder"
CONTENT = os.urandom(2 * client.CHUNK_BYTES + 12345)


class StandIn:
    """A running stand-in on free ports."""

    def __init__(self, state: Path, *options: str) -> None:
        command = [sys.executable, "-m", "infra.local.drive", "--port", "0", "--control-port", "0", "--folder", FOLDER]
        self.process = subprocess.Popen(
            [*command, "--state", str(state), *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.control = self.process.stdout.readline().split()[-1]
        self.url = self.process.stdout.readline().split()[-1]
        self.begin()

    def begin(self) -> None:
        """Begin a test: failures of the one before are forgotten, and so is what it made."""
        self.intake_id = uuid.uuid4().hex
        requests.put(f"{self.control}/control", json={"faults": []}, timeout=10).raise_for_status()
        self._made_before, self._calls_before = 0, {}
        self._made_before, self._calls_before = len(self.items()), self.calls()

    @property
    def drive(self) -> Drive:
        """The functions' client."""
        return Drive(None, FOLDER, self.url)

    def order(self, **fault: Any) -> None:
        """Order one failure."""
        requests.put(f"{self.control}/control", json={"faults": [fault]}, timeout=10).raise_for_status()

    def items(self) -> list[dict[str, Any]]:
        """Return all that was made, past the API."""
        found: list[dict[str, Any]] = requests.get(f"{self.control}/control/items", timeout=10).json()["items"]
        return found[self._made_before :]

    def calls(self) -> dict[str, int]:
        """Return how many calls of each kind came in."""
        found: dict[str, int] = requests.get(f"{self.control}/stats", timeout=10).json()["calls"]
        return {name: count - self._calls_before.get(name, 0) for name, count in found.items()}

    def get(self, path: str, **params: str) -> requests.Response:
        """Call the API without any client."""
        return requests.get(f"{self.url}/drive/v3{path}", params=params, timeout=10)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(DEADLINE_S)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def stand_in(started: StandIn) -> StandIn:
    """One stand-in for all tests, as if it were new."""
    started.begin()
    return started


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    running = StandIn(tmp_path_factory.mktemp("drive"))
    yield running
    running.stop()


def send(stand_in: StandIn, folder_id: str, number: int = 1, content: bytes = CONTENT) -> None:
    stand_in.drive.upload(
        stand_in.intake_id,
        number,
        folder_id,
        f"bill-{number:02d}.pdf",
        "application/pdf",
        len(content),
        [content[:7], content[7:]],
    )


def test_a_folder_and_its_files(stand_in: StandIn) -> None:
    """What is made is found by its property, lies in the office's folder, and holds the bytes that were sent."""
    assert stand_in.drive.find(stand_in.intake_id) == (None, set())
    folder = stand_in.drive.make_folder(stand_in.intake_id, "2026-11-25_Example_NYSEG")
    send(stand_in, folder.id, 1)
    send(stand_in, folder.id, 2, b"short")
    assert stand_in.drive.find(stand_in.intake_id) == (folder, {1, 2})
    assert stand_in.drive.find("f" * 32) == (None, set())
    made, *files = stand_in.items()
    assert (made["parents"], made["name"]) == ([FOLDER], "2026-11-25_Example_NYSEG")
    assert {file["name"]: file["size"] for file in files} == {"bill-01.pdf": str(len(CONTENT)), "bill-02.pdf": "5"}
    content = stand_in.get(f"/files/{files[0]['id']}", alt="media", supportsAllDrives="true").content
    assert content == CONTENT
    assert stand_in.calls()["put"] == 4  # three chunks and one


def test_the_link_shows_the_folder(stand_in: StandIn) -> None:
    """Where the row leads to: the names of the files, which open."""
    folder = stand_in.drive.make_folder(stand_in.intake_id, "<b>2026")
    send(stand_in, folder.id)
    page = requests.get(folder.link, timeout=10).text
    assert "&lt;b&gt;2026" in page
    assert "bill-01.pdf" in page
    address = page.partition('href="')[2].partition('"')[0]
    assert requests.get(f"{stand_in.url}{address}", timeout=10).content == CONTENT


@pytest.mark.parametrize("status", [0, 500, 503])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_chunk_that_fails_is_sent_on_from_where_it_broke(stand_in: StandIn, status: int, when: str) -> None:
    """Whether Drive had taken it or not, the file is whole and there once."""
    folder = stand_in.drive.make_folder(stand_in.intake_id, "name")
    stand_in.order(method="put", status=status, reason="backendError", when=when)
    send(stand_in, folder.id)
    (file,) = stand_in.items()[1:]
    assert stand_in.get(f"/files/{file['id']}", alt="media", supportsAllDrives="true").content == CONTENT


def test_an_upload_that_fails_for_good_leaves_nothing(stand_in: StandIn) -> None:
    """Never half a file."""
    folder = stand_in.drive.make_folder(stand_in.intake_id, "name")
    stand_in.order(method="put", status=503, reason="backendError", calls=50)
    with pytest.raises(
        DriveUnavailable, match=r"Google Drive answered 503 \(backendError\)\. The copy will be made again\."
    ):
        send(stand_in, folder.id)
    assert len(stand_in.items()) == 1


def test_an_upload_of_other_size_than_said_fails(stand_in: StandIn) -> None:
    """A file that turns out shorter than it should be is no file."""
    folder = stand_in.drive.make_folder(stand_in.intake_id, "name")
    with pytest.raises(DriveUnavailable, match="The copy will be made again"):
        stand_in.drive.upload(stand_in.intake_id, 1, folder.id, "name", "application/pdf", 4, [b"abc"])
    assert len(stand_in.items()) == 1


@pytest.mark.parametrize(
    ("status", "reason", "sentence"),
    [
        (403, "userRateLimitExceeded", "Drive's quota is used up for the moment."),
        (429, "rateLimitExceeded", "Drive's quota is used up for the moment."),
        (403, "storageQuotaExceeded", "DRIVE_FOLDER is not in a Shared Drive"),
        (403, "insufficientFilePermissions", "Make the service account of `record` a content manager"),
        (500, "backendError", "The copy will be made again."),
    ],
)
@pytest.mark.parametrize("method", ["list", "create", "begin"])
def test_failures_say_what_to_do(stand_in: StandIn, method: str, status: int, reason: str, sentence: str) -> None:
    """Each answer of Google's becomes a sentence for whoever runs this, and a retry."""
    stand_in.order(method=method, status=status, reason=reason, calls=9)
    calls: dict[str, Callable[[], object]] = {
        "list": lambda: stand_in.drive.find(stand_in.intake_id),
        "create": lambda: stand_in.drive.make_folder(stand_in.intake_id, "name"),
        "begin": lambda: send(stand_in, FOLDER),
    }
    with pytest.raises(DriveUnavailable) as failure:
        calls[method]()
    assert f"{status} ({reason})" in failure.value.message
    assert sentence in failure.value.message


def test_a_folder_that_is_not_there(stand_in: StandIn) -> None:
    """A wrong id in DRIVE_FOLDER, or one that was not shared, is said."""
    with pytest.raises(DriveUnavailable, match="There is no folder with the id in DRIVE_FOLDER, or it is not shared"):
        Drive(None, "another", stand_in.url).make_folder(stand_in.intake_id, "name")


def test_drive_is_away() -> None:
    """Nothing listens: a retry, not a crash."""
    with pytest.raises(DriveUnavailable):
        Drive(None, FOLDER, "http://127.0.0.1:9").find("f" * 32)


def test_shared_drives_must_be_asked_for(stand_in: StandIn) -> None:
    """Without supportsAllDrives what lies on a Shared Drive does not exist; a list needs one word more."""
    folder = stand_in.drive.make_folder(stand_in.intake_id, "name")
    assert stand_in.get(f"/files/{folder.id}").status_code == 404
    assert stand_in.get(f"/files/{folder.id}", supportsAllDrives="true").json()["name"] == "name"
    query = f"appProperties has {{ key='intake_id' and value='{stand_in.intake_id}' }}"
    assert stand_in.get("/files", q=query, supportsAllDrives="true").json() == {"files": []}


def test_uploads_keep_to_the_protocol(stand_in: StandIn) -> None:
    """Chunks are multiples of 256 KiB and follow each other; the status of an upload can be asked for."""
    begun = requests.post(
        f"{stand_in.url}/upload/drive/v3/files",
        params={"uploadType": "resumable", "supportsAllDrives": "true"},
        json={"name": "x", "parents": [FOLDER]},
        headers={"X-Upload-Content-Length": "1000000"},
        timeout=10,
    )
    address = begun.headers["Location"]

    def put(span: str, data: bytes = b"") -> requests.Response:
        return requests.put(address, data=data, headers={"Content-Range": span}, timeout=10, allow_redirects=False)

    assert (put("bytes */1000000").status_code, "Range" in put("bytes */1000000").headers) == (308, False)
    assert put("bytes 0-999/1000000", bytes(1000)).status_code == 400
    assert put("bytes 262144-524287/1000000", bytes(262144)).status_code == 400
    assert put("bytes 0-262143/1000000", bytes(262144)).headers["Range"] == "bytes=0-262143"
    assert put("nonsense").status_code == 400
    assert requests.put(f"{address}x", headers={"Content-Range": "bytes */1000000"}, timeout=10).status_code == 404
    assert stand_in.items() == []


def test_a_restart_keeps_what_was_made(tmp_path: Path) -> None:
    """Folders and files are on disk."""
    first = StandIn(tmp_path / "drive")
    folder = first.drive.make_folder(first.intake_id, "name")
    send(first, folder.id)
    first.stop()
    second = StandIn(tmp_path / "drive")
    try:
        found, numbers = second.drive.find(first.intake_id)
        assert found is not None
        assert (found.id, numbers) == (folder.id, {1})
    finally:
        second.stop()


def test_an_order_that_makes_no_sense_is_refused(stand_in: StandIn) -> None:
    """A mistyped failure is a 400."""
    for order in ({"faults": [{"status": 418}]}, {"faults": [{"colour": 1}]}, {"faults": 1}, {}):
        assert requests.put(f"{stand_in.control}/control", json=order, timeout=10).status_code == 400


def test_two_copies_at_once_are_two_files(stand_in: StandIn) -> None:
    """Drive itself takes as many files of one name as it is given: single copies are the functions' business."""
    folder = stand_in.drive.make_folder(stand_in.intake_id, "name")
    for _ in range(2):
        send(stand_in, folder.id, 1, b"x")
    assert len(stand_in.items()) == 3
    assert stand_in.drive.find(stand_in.intake_id)[1] == {1}

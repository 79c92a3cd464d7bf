"""A function is killed between any two steps and its message is lost with it; the sweeper brings every intake home.

The steps are not listed here: a run without a crash notes every call that the functions make to Google, and then there is
one run for each of them in which the function dies right after it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from intake.rows import COPY_COLUMN

from tests.support import documents
from tests.support.deliverer import Deliverer
from tests.support.stacks import quick_stack, running
from tests.support.submitter import Submitter, wait_for

BILL = documents.scan_pdf([50, 51])
FUNCTIONS = ("submit", "ocr", "record")
DEADLINE_S = 60.0
SLOW_OCR_MS = 1200
"""So that every run of `ocr` shows progress, which is due after a second."""


@pytest.fixture(scope="module")
def crash_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("crash"))


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory, crash_dir: Path) -> Iterator[Submitter]:
    """A stack whose functions die when told to, and whose messages are delivered once and never again."""
    options = quick_stack(
        tmp_path_factory.mktemp("frail"),
        source=Path(__file__).with_name("killing.py"),
        function_env={
            "CRASH_DIR": str(crash_dir),
            "PATIENCE_SECONDS": "1",
            "LEASE_SECONDS": "2",
            "COPY_HOLD_SECONDS": "5",
        },
    )
    with running(options) as stack, Deliverer(stack):
        yield Submitter(stack)


def submit_until_taken(submitter: Submitter, key: str) -> str:
    """Submit as the form does: the same key again whenever the connection breaks."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        try:
            answer = submitter.post([BILL], key=key)
        except requests.ConnectionError:
            continue
        if answer.status_code == 202:
            return str(answer.json()["intake_id"])
        assert answer.status_code >= 500, answer.text
    raise AssertionError("never taken")


def sweep_until_done(submitter: Submitter, intake_id: str) -> dict[str, object]:
    """Sweep as the scheduler does, until the intake has ended; nothing else helps it."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        progress = submitter.progress(intake_id)
        if progress["stage"] in ("done", "failed"):
            return progress
        submitter.stack.sweep().raise_for_status()
        time.sleep(0.2)
    raise AssertionError(f"{intake_id} never ended: {submitter.progress(intake_id)}")


def all_calls(crash_dir: Path) -> list[str] | None:
    """Return the noted calls once the run is over: after the copy is noted, `record` looks for another one that is due."""
    calls = (crash_dir / "calls").read_text(encoding="ascii").splitlines()
    return calls if "record DeliveryJobs.finish" in calls[:-1] else None


def sweep_until_linked(submitter: Submitter, intake_id: str) -> str:
    """Sweep until the row links to the copy of the bill; return the link."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        row = submitter.table.find(intake_id)
        if row and str(row[COPY_COLUMN]).startswith("http"):
            return str(row[COPY_COLUMN])
        submitter.stack.sweep().raise_for_status()
        time.sleep(0.2)
    raise AssertionError(f"{intake_id} was never linked")


def assert_copied(submitter: Submitter, intake_id: str) -> None:
    """Check that a bill has one folder in Drive, with its file once, and that its row leads there."""
    link = sweep_until_linked(submitter, intake_id)
    items = requests.get(f"{submitter.stack.control['drive']}/control/items", timeout=10).json()["items"]
    folder, file = [item for item in items if item["appProperties"]["intake_id"] == intake_id]
    assert link.endswith(folder["id"])
    assert file["parents"] == [folder["id"]]


def assert_whole(submitter: Submitter, intake_id: str) -> None:
    """Check that an intake ended as if nothing had happened: one row, all words, one copy, no upload but its own."""
    assert_copied(submitter, intake_id)
    assert submitter.rows({intake_id}) == [intake_id]
    assert [documents.numbers(n) in submitter.text(intake_id, page) for page, n in ((1, 50), (2, 51))] == [True, True]
    # What a crash left of an upload is found by its document once it is an hour old.
    for upload in submitter.uploads(intake_id):
        old = datetime.now(UTC) - timedelta(hours=2)
        submitter.db.collection("uploads").document(upload).update({"started_at": old})
    submitter.stack.sweep().raise_for_status()
    assert submitter.uploads(intake_id) == []
    assert len(submitter.objects(f"bills/{intake_id}/")) == 1


def test_a_function_may_die_between_any_two_steps(frail: Submitter, crash_dir: Path) -> None:
    """Every call of `submit`, `ocr` and `record` is the last one of its process once; each intake ends whole."""
    assert frail.ended(submit_until_taken(frail, str(uuid.uuid4())))["stage"] == "done"  # has the pages recognised once
    frail.vision(delay_ms=SLOW_OCR_MS)
    for function in FUNCTIONS:
        frail.stack.restart(function)
    (crash_dir / "calls").unlink()
    assert frail.ended(submit_until_taken(frail, str(uuid.uuid4())))["stage"] == "done"
    calls = wait_for("the last call to be noted", lambda: all_calls(crash_dir))
    missed = []
    for place, call in enumerate(calls):
        frail.vision(delay_ms=SLOW_OCR_MS if call.startswith("ocr") else 0)
        # As in the run without a crash, the process is new: only then `record` takes its turn and reads the ids.
        frail.stack.restart(call.split()[0])
        (crash_dir / "calls").unlink()
        (crash_dir / "kill").write_text(f"{call} {calls[:place].count(call)}", encoding="ascii")
        intake_id = submit_until_taken(frail, str(uuid.uuid4()))
        progress = sweep_until_done(frail, intake_id)
        assert progress["stage"] == "done", (call, progress)
        assert_whole(frail, intake_id)
        if not died(crash_dir):
            missed.append(call)
    frail.vision(delay_ms=0)
    print(
        f"\n{len(calls) - len(missed)} crashes, one after each of {len(calls)} calls: {', '.join(sorted(set(calls)))}"
    )
    # How often progress is shown depends on time alone.
    assert set(missed) <= {"ocr Store.renew_chunk", "ocr Store.show_pages_done"}
    assert {"submit Store.accept", "ocr Bucket.write_json", "record SheetTable.append", "record Drive.upload"} <= set(
        calls
    )


def died(crash_dir: Path) -> bool:
    """Tell whether the chosen call came; the intake is done a moment before the last call of `record` returns."""
    kill = crash_dir / "kill"
    with suppress(AssertionError):
        wait_for("the crash", lambda: not kill.exists(), 5)
    came = not kill.exists()
    kill.unlink(missing_ok=True)
    return came


def test_what_can_never_go_on_fails_with_a_reason(frail: Submitter) -> None:
    """When a step fails on every attempt, the sweeper gives up after a bounded number and the agent is told."""
    frail.vision(failures={"every": 1, "code": "INTERNAL", "per_image": True})
    frail.stack.restart("sweep", {"MAX_ATTEMPTS": "2"})
    try:
        intake_id = submit_until_taken(frail, str(uuid.uuid4()))
        progress = sweep_until_done(frail, intake_id)
    finally:
        frail.vision(failures=None)
        frail.stack.restart("sweep", {"MAX_ATTEMPTS": "10"})
    assert progress["stage"] == "failed"
    assert progress["error"] == {
        "code": "gave_up",
        "message": (
            "The bill could not be read after several attempts. The fault is on our side, and the files are kept. "
            "Please send it again later, or tell the office."
        ),
    }
    assert frail.rows({intake_id}) == []
    assert len(frail.objects(f"bills/{intake_id}/")) == 1


def test_work_in_flight_is_left_alone(frail: Submitter) -> None:
    """A slow run that still gives signs of life is neither doubled nor failed, however often the sweeper comes."""
    frail.vision(delay_ms=1500)
    before = frail.vision()["pictures"]
    try:
        intake_id = frail.submit(documents.scan_pdf(range(60, 68)))
        progress = sweep_until_done(frail, intake_id)
    finally:
        frail.vision(delay_ms=0)
    assert progress["stage"] == "done"
    assert frail.vision()["pictures"] == before + 8

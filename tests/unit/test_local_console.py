"""What the local stack shows on the screen, and the progress bar of `submit`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import spec
from infra.local.console import Console, LogFollower, MemoryReport, format_line
from infra.progress_bar import ProgressBar, describe

SPECS, _ = spec.load()


def line(**event: object) -> str:
    """Return a log line as the functions print it."""
    return json.dumps({"severity": "INFO", "message": "page read", "function": "ocr", **event})


def test_an_event_is_one_aligned_line() -> None:
    """Time, function, the beginning of the id, what happened, milliseconds and memory."""
    text = line(intake_id="0123456789abcdef" * 2, page=3, ms=812, rss_mb=143)
    shown = format_line("ocr", text, "15:09:26")
    assert shown is not None
    assert shown.split() == ["15:09:26", "ocr", "01234567", "page", "read,", "page", "3", "812", "ms", "143", "MB"]
    other = format_line("submit", line(message="submission accepted", ms=7, rss_mb=9), "15:09:26")
    assert other is not None
    assert other.index(" ms") == shown.index(" ms")
    assert other.index(" MB") == shown.index(" MB")


def test_warnings_say_why() -> None:
    """Severity, code and exception are shown."""
    text = line(severity="ERROR", message="event failed", code="ocr_unavailable", exception="OcrUnavailable")
    assert "ERROR: event failed ocr_unavailable OcrUnavailable" in str(format_line("ocr", text, "15:09:26"))


@pytest.mark.parametrize(
    ("source", "text", "shown"),
    [
        ("gateway", line(function="site", message="POST /submit 202", ms=5), True),
        ("gateway", line(function="front", message="POST /ocr/x 200", ms=5), False),
        ("gateway", line(function="front", severity="ERROR", message="POST /ocr/x 503", ms=5), True),
        ("pubsub", "INFO: Detected HTTP/2 connection.", False),
        ("pubsub", "SEVERE: Unexpected exception: NOT_FOUND", True),
        ("ocr", "Traceback (most recent call last):", True),
        ("ocr", '{"severity": "INFO", "message": "cut o', False),
        ("ocr", "[1, 2]", False),
    ],
)
def test_what_is_worth_a_line(source: str, text: str, shown: bool) -> None:
    """Requests, events and troubles are; what the emulators say of themselves is not."""
    assert (format_line(source, text, "15:09:26") is not None) is shown


def test_a_line_is_read_when_it_is_complete(tmp_path: Path) -> None:
    """A line that is still being written is not shown in halves, nor twice."""
    log = tmp_path / "ocr.log"
    follower = LogFollower(log)
    assert follower.new_lines() == []
    with log.open("a", encoding="utf-8", buffering=1) as file:
        file.write("one\ntw")
        file.flush()
        assert follower.new_lines() == ["one"]
        assert follower.new_lines() == []
        file.write("o\n")
        assert follower.new_lines() == ["two"]


def test_memory_is_shown_when_it_changes_or_a_minute_passed() -> None:
    """Over 10 MB at once, or every minute in which something ran; quiet otherwise."""
    report = MemoryReport(SPECS)
    first = report.line({"ocr": 100.0, "ocr-2": 80.4}, now=0.0, active=True)
    assert first == "memory MB  ocr 100/512   ocr-2 80/512"
    assert report.line({"ocr": 110.0, "ocr-2": 80.4}, now=5.0, active=True) is None
    changed = report.line({"ocr": 110.5, "ocr-2": 80.4}, now=10.0, active=False)
    assert changed is not None
    assert report.line({"ocr": 111.0, "ocr-2": 80.4}, now=69.9, active=True) is None
    assert report.line({"ocr": 111.0, "ocr-2": 80.4}, now=70.0, active=False) is None
    assert report.line({"ocr": 111.0, "ocr-2": 80.4}, now=70.0, active=True) is not None


def test_the_console_shows_new_lines_once(tmp_path: Path) -> None:
    """Every log is followed; memory is looked at and shown with them."""
    shown: list[str] = []

    def memory() -> Mapping[str, float]:
        return {"ocr": 61.0}

    log = tmp_path / "ocr.log"
    log.write_text(line() + "\n", "utf-8")
    console = Console({"ocr": log}, memory, SPECS, shown.append)
    console.poll()
    console.poll()
    assert [" ".join(text.split()[1:]) for text in shown] == ["ocr page read", "memory MB ocr 61/512"]


# --- progress bar ---------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def document(stage: str, percent: int, done: int = 0, total: int = 0) -> dict[str, object]:
    """Return a progress document."""
    return {"stage": stage, "percent": percent, "pages_done": done, "pages_total": total}


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (document("waiting", 0), "waiting"),
        (document("reading", 5), "reading"),
        (document("reading", 5, 0, 3), "reading page 1 of 3"),
        (document("reading", 90, 3, 3), "reading page 3 of 3"),
        (document("understanding", 90, 3, 3), "understanding the bill"),
        (document("done", 100, 3, 3), "recorded"),
        (document("failed", 40, 1, 3), "failed"),
        (document("a stage of tomorrow", 40), "a stage of tomorrow"),
    ],
)
def test_stages_in_words(shown: dict[str, object], words: str) -> None:
    """What the document says, for a person; an unknown stage is shown as it is."""
    assert describe(shown) == words


def test_a_log_gets_one_line_a_change() -> None:
    """Without a terminal nothing is redrawn, and of the upload only its end is told."""
    stream = io.StringIO()
    bar = ProgressBar(stream)
    for sent in (100_000, 1_000_000, 2_097_152):
        bar.sent(sent, 2_097_152)
    for shown in (document("reading", 50, 0, 2), document("reading", 50, 0, 2), document("done", 100, 2, 2)):
        bar.progress(shown)
    bar.close()
    assert stream.getvalue().splitlines() == [
        "[############################] 100%  uploading 2.0 of 2.0 MiB",
        "[##############--------------]  50%  reading page 1 of 2",
        "[############################] 100%  recorded",
    ]


def test_a_terminal_is_redrawn_in_place() -> None:
    """One line, each state over the last one, nothing of a longer one left, and a new line at the end."""
    stream = Terminal()
    bar = ProgressBar(stream)
    bar.sent(1_048_576, 2_097_152)
    bar.progress(document("done", 100))
    bar.close()
    bar.close()
    states = stream.getvalue().split("\r")
    assert states[1].endswith("uploading 1.0 of 2.0 MiB")
    assert states[2].rstrip() == "[############################] 100%  recorded"
    assert len(states[2].rstrip("\n")) == len(states[1])
    assert stream.getvalue().count("\n") == 1

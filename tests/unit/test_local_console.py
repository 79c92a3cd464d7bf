"""What the local stack shows on the screen, and the progress bar of `submit`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import spec
from infra.local.console import Console, LogFollower, MemoryReport, format_line

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

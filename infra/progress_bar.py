"""A progress bar on a terminal; one line a change where there is none, such as in a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

_WIDTH = 28
_STAGES = {
    "waiting": "waiting",
    "understanding": "understanding the bill",
    "recording": "recording",
    "done": "recorded",
    "failed": "failed",
}
_MIB = 1024 * 1024


def describe(document: Mapping[str, Any]) -> str:
    """Return what a progress document says, in words."""
    stage = str(document["stage"])
    if stage == "reading":
        done, total = document["pages_done"], document["pages_total"]
        return f"reading page {min(done + 1, total)} of {total}" if total else "reading"
    return _STAGES.get(stage, stage)


class ProgressBar:
    """Show an upload, then the progress document.

    Args:
        stream: Where to; redrawn in place when it is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_place = stream.isatty()
        self._shown = ""
        self._drawn = 0

    def sent(self, sent: int, total: int) -> None:
        """Show how much of the upload is sent, in bytes."""
        if sent == 0 and not self._in_place:
            return
        percent = round(100 * sent / total)
        # In a log only the end of the upload is worth a line.
        if self._in_place or sent == total:
            self._show(percent, f"uploading {sent / _MIB:.1f} of {total / _MIB:.1f} MiB")

    def progress(self, document: Mapping[str, Any]) -> None:
        """Show a progress document."""
        self._show(int(document["percent"]), describe(document))

    def close(self) -> None:
        """Leave the last state on the screen and go to the next line."""
        if self._in_place and self._drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn = 0

    def _show(self, percent: int, text: str) -> None:
        filled = _WIDTH * percent // 100
        line = f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {percent:>3}%  {text}"
        if line == self._shown:
            return
        self._shown = line
        if self._in_place:
            self._stream.write("\r" + line.ljust(self._drawn))
            self._drawn = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

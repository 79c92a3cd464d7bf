"""The state file: the spreadsheet as JSON, so that a restart shows the same sheet.

A change is in memory when it is acknowledged and in the file at most about 0.2 s (plus the time of one write)
later; SIGTERM and SIGINT write what is left. kill -9 can lose that last moment. The file is replaced by
rename, so it is always whole; it is not synced to disk for power cuts.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from infra.local.sheets.book import Spreadsheet

_DEBOUNCE_S = 0.15


class StateFileError(Exception):
    """The state file cannot be used; the message is a sentence for the person who started the program."""


def load(path: Path, spreadsheet_id: str) -> Spreadsheet:
    """Return the spreadsheet in a state file, or a new one when there is no file.

    Raises:
        StateFileError: The file is no state file, or holds another spreadsheet; it is left alone.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Spreadsheet(spreadsheet_id)
    except (OSError, UnicodeDecodeError) as exc:
        raise StateFileError(f"The state file {path} cannot be read: {exc}. Give another one with --state.") from exc
    try:
        book = Spreadsheet.from_state(json.loads(text))
    except (KeyError, TypeError, ValueError) as exc:
        raise StateFileError(
            f"The state file {path} is damaged or of another program ({exc!r}). Move it away or name another one."
        ) from exc
    if book.spreadsheet_id != spreadsheet_id:
        raise StateFileError(
            f"The state file {path} holds the spreadsheet {book.spreadsheet_id}, not {spreadsheet_id}. "
            f"Start with --sheet-id {book.spreadsheet_id}, or name another state file."
        )
    return book


def save(path: Path, book: Spreadsheet) -> None:
    """Replace the state file by the spreadsheet given.

    Raises:
        OSError: The file cannot be written; the old one is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            for line in book.to_lines():
                file.write(line)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


class Saver:
    """Writes the state file in the background after changes; only one write runs at a time.

    Args:
        path: The state file.
        saved: The spreadsheet as the file has it (or a new one, which needs no file yet).
    """

    def __init__(self, path: Path, saved: Spreadsheet) -> None:
        self._path = path
        self._saved = saved
        self._wake = asyncio.Event()
        self._closing = False

    def notice(self) -> None:
        """Remember that there is something to save."""
        self._wake.set()

    def close(self) -> None:
        """Let `run` end, after it has saved what is left."""
        self._closing = True
        self._wake.set()

    async def run(self, current: Callable[[], Spreadsheet]) -> None:
        """Save after changes until closed.

        A failed save is reported and tried again with the next change.

        Args:
            current: Returns the spreadsheet as it is now.

        Raises:
            OSError: The last save, after `close`, failed.
        """
        while not self._closing:
            await self._wake.wait()
            if not self._closing:
                await asyncio.sleep(_DEBOUNCE_S)
            self._wake.clear()
            try:
                await self._save(current())
            except OSError as exc:
                print(f"sheets: the state file {self._path} was not written: {exc}", file=sys.stderr, flush=True)
        await self._save(current())

    async def _save(self, book: Spreadsheet) -> None:
        # An accepted book is replaced, never changed: it can be written while the server goes on.
        if book is not self._saved:
            await asyncio.to_thread(save, self._path, book)
            self._saved = book

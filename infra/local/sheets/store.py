"""The state file: the spreadsheet as JSON, so that a restart shows the same sheet.

A change is in memory when it is acknowledged and in the file about 0.2 s (plus the time of one write) later; SIGTERM and SIGINT
write what is left. kill -9 can lose that last moment. The file is replaced by rename, so it is always whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from infra.local.sheets.book import Spreadsheet

_DEBOUNCE_S = 0.2


class StateFileError(Exception):
    """The state file cannot be used; the message is a sentence for the person who started the program."""


def load(path: Path, spreadsheet_id: str) -> Spreadsheet:
    """Return the spreadsheet in a state file, or a new one when there is no file.

    Raises:
        StateFileError: The file is no state file, or holds another spreadsheet; it is left alone.
    """
    if not path.exists():
        return Spreadsheet(spreadsheet_id)
    try:
        book = Spreadsheet.from_state(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as exc:
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
            file.writelines(book.to_lines())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


async def keep(path: Path, current: Callable[[], Spreadsheet], stopping: asyncio.Event) -> None:
    """Save what has changed, again and again, and once more at the end; one that fails is tried again with the next change.

    Args:
        path: The state file.
        current: Returns the spreadsheet as it is now; a change replaces it, so it can be written meanwhile.
        stopping: Set when the program ends.

    Raises:
        OSError: The last save failed.
    """
    saved = tried = current()
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _DEBOUNCE_S)
        if (book := current()) is not tried and not stopping.is_set():
            tried = book
            try:
                await asyncio.to_thread(save, path, book)
                saved = book
            except OSError as exc:
                print(f"sheets: the state file {path} was not written: {exc}", file=sys.stderr, flush=True)
    if current() is not saved:
        save(path, current())

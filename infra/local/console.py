"""What `./deploy.sh local` shows: one short line a request and an event, warnings of everything else, and memory.

The functions and the gateway print JSON lines for Cloud Logging; full logs stay in the files they are read from.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.spec import FunctionSpec

_LOUD = frozenset({"WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
_LOUD_TEXT = re.compile(r"\b(WARN(ING)?|ERROR|CRITICAL|SEVERE|FATAL|Traceback|panic)\b")
_REGULAR = frozenset({"progress shown", "backlog", "sweep done"})
_MESSAGE_WIDTH = 56
_MEMORY_CHECK_S = 5.0
_MEMORY_EVERY_S = 60.0
_MEMORY_CHANGE_MB = 10.0


def format_line(source: str, line: str, clock: str) -> str | None:
    """Return the short form of one log line, or None when it is not worth a line on the screen.

    Args:
        source: Name of the process that wrote it.
        line: The line, JSON of the functions and the gateway or any text of the others.
        clock: Time to show, HH:MM:SS.
    """
    event = _json_object(line)
    if event is None:
        return f"{clock}  {source:<9}           {line.strip()}" if _LOUD_TEXT.search(line) else None
    severity = str(event.get("severity", "INFO"))
    if (event.get("function") == "front" or event.get("message") in _REGULAR) and severity not in _LOUD:
        return None  # the function itself has said so, or says so every few seconds
    message = str(event.get("message", ""))
    if severity in _LOUD:
        details = " ".join(str(event[key]) for key in ("code", "exception") if event.get(key))
        message = " ".join(filter(None, (f"{severity}: {message}", details)))
    if "page" in event:
        message += f", page {event['page']}"
    cells = f"{clock}  {source:<9} {str(event.get('intake_id') or '')[:8]:<8}  {message:<{_MESSAGE_WIDTH}}"
    for key, unit in (("ms", "ms"), ("rss_mb", "MB")):
        cells += f"{event[key]:>7} {unit}" if key in event else " " * 10
    return cells.rstrip()


def _json_object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class LogFollower:
    """Read the complete lines that were added to a file since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_lines(self) -> list[str]:
        """Return what was added, without the line that is still being written."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                added = file.read()
        except FileNotFoundError:
            return []
        complete = added[: added.rfind(b"\n") + 1]
        self._offset += len(complete)
        return complete.decode("utf-8", errors="replace").splitlines()


class MemoryReport:
    """Decide when the memory of the functions is worth a line: a change over 10 MB, or a minute in which something ran."""

    def __init__(self, specs: Mapping[str, FunctionSpec]) -> None:
        self._specs = specs
        self._shown: dict[str, float] = {}
        self._shown_at = float("-inf")

    def line(self, memory: Mapping[str, float], now: float, active: bool) -> str | None:
        """Return the line to show, or None.

        Args:
            memory: MiB by instance.
            now: Monotonic seconds.
            active: Whether anything was shown since the last line of memory.
        """
        changed = any(abs(used - self._shown.get(name, 0.0)) > _MEMORY_CHANGE_MB for name, used in memory.items())
        due = active and now - self._shown_at >= _MEMORY_EVERY_S
        if not (changed or due):
            return None
        self._shown, self._shown_at = dict(memory), now
        cells = [f"{name} {used:.0f}/{self._specs[name.partition('-')[0]].memory_mb}" for name, used in memory.items()]
        return f"memory MB  {'   '.join(cells)}"


class Console:
    """Show a running stack.

    Args:
        logs: Log file of every process by name.
        memory: Returns MiB by instance of a function.
        specs: The functions.
        show: Takes one line.
    """

    def __init__(
        self,
        logs: Mapping[str, Path],
        memory: Callable[[], Mapping[str, float]],
        specs: Mapping[str, FunctionSpec],
        show: Callable[[str], None] = print,
    ) -> None:
        self._followers = {name: LogFollower(path) for name, path in logs.items()}
        self._memory = memory
        self._report = MemoryReport(specs)
        self._show = show
        self._active = True
        self._next_check = 0.0

    def poll(self) -> None:
        """Show what is new."""
        for name, follower in self._followers.items():
            for line in follower.new_lines():
                if text := format_line(name, line, time.strftime("%H:%M:%S")):
                    self._show(text)
                    self._active = True
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + _MEMORY_CHECK_S
        if text := self._report.line(self._memory(), now, self._active):
            self._show(f"{time.strftime('%H:%M:%S')}  {text}")
            self._active = False

"""The running spreadsheet: whole-or-nothing calls, quota, failures ordered by tests, counts. No HTTP here."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from infra.local.sheets.api import Json, Method
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import INJECTABLE, invalid, not_found
from infra.local.sheets.requests import apply_request

Kind = Literal["read", "write"]
_MINUTE_S = 60.0


class MinuteQuota:
    """Requests allowed per minute, refilled at once every minute.

    https://developers.google.com/workspace/sheets/api/limits : "per-minute quotas, and they're refilled every
    minute"; 60 reads and 60 writes per minute per user per project. Read here as fixed windows, the first of
    which starts with the first request. All callers count as one user, as the one service account does.

    Args:
        per_minute: Requests a minute; 0 for no limit.
        clock: Seconds, rising.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._window_start = float("-inf")
        self._used = 0

    def take(self) -> bool:
        """Use up one request; return False when this minute has none left."""
        now = self._clock()
        if now - self._window_start >= _MINUTE_S:
            self._window_start, self._used = now, 0
        if self.per_minute and self._used >= self.per_minute:
            return False
        self._used += 1
        return True


@dataclass(slots=True)
class Fault:
    """A failure for the next `calls` calls of a kind.

    Attributes:
        calls: How many calls it still hits.
        kind: "read" or "write".
        status: HTTP status to answer with, or None.
        disconnect: Drop the connection instead of answering.
        when: "before" (nothing happened), "after" (it happened and the caller is told otherwise) or "later" (it happens
            `later_s` seconds after the caller was told otherwise).
        delay_ms: Wait this long before anything else, in milliseconds.
        later_s: See `when`.
    """

    calls: int = 1
    kind: Kind = "write"
    status: int | None = None
    disconnect: bool = False
    when: Literal["before", "after", "later"] = "before"
    delay_ms: int = 0
    later_s: float = 0.0

    @classmethod
    def from_json(cls, order: object) -> Fault:
        """Return the failure a test ordered.

        Raises:
            SheetsError: 400, when the order is not understood.
        """
        try:
            fault = cls(**order)  # type: ignore[arg-type]
            sound = fault.calls >= 1 and fault.delay_ms >= 0 and not (fault.disconnect and fault.status is not None)
        except TypeError as exc:
            raise invalid(f"A fault has no such fields: {exc}.") from exc
        known = fault.kind in ("read", "write") and fault.when in ("before", "after", "later")
        if not (sound and known and fault.status in (None, *INJECTABLE)):
            raise invalid(f"{fault} makes no sense; its status must be one of {sorted(INJECTABLE)}.")
        return fault


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a minute; 0 for no limit."""

    reads_per_minute: int = 60
    writes_per_minute: int = 60


class SheetsService:
    """One spreadsheet with its quota, ordered failures and counts.

    Args:
        book: The spreadsheet at start.
        limits: Quota.
        clock: Seconds, rising; for the quota.
    """

    def __init__(self, book: Spreadsheet, limits: Limits, clock: Callable[[], float]) -> None:
        self.book = book
        self.quotas: dict[Kind, MinuteQuota] = {
            "read": MinuteQuota(limits.reads_per_minute, clock),
            "write": MinuteQuota(limits.writes_per_minute, clock),
        }
        self._faults: deque[Fault] = deque()
        self._calls: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def run(self, method: Method, spreadsheet_id: str, body: Json) -> Json:
        """Carry out one call of the API, wholly or not at all.

        Raises:
            SheetsError: What the client is to be told.
        """
        if spreadsheet_id != self.book.spreadsheet_id:
            raise not_found()
        if method.kind == "read":
            return method.run(self.book, body)
        draft = self.book.copy()
        answer = method.run(draft, body)
        self._accept(draft)
        return answer

    def edit(self, change: Callable[[Spreadsheet], object]) -> None:
        """Change the spreadsheet as somebody in the office would: no quota, no failures."""
        draft = self.book.copy()
        change(draft)
        self._accept(draft)

    def edit_requests(self, requests: list[Json]) -> None:
        """Apply batchUpdate requests as somebody in the office."""

        def change(draft: Spreadsheet) -> None:
            for index, request in enumerate(requests):
                apply_request(draft, request, index, by_office=True)

        self.edit(change)

    def _accept(self, draft: Spreadsheet) -> None:
        draft.check_size()
        self.book = draft

    def count(self, method: Method) -> None:
        """Count a call that arrived."""
        self._calls[method.name] += 1
        self._kinds[method.kind] += 1

    def admit(self, kind: Kind) -> bool:
        """Use up quota for a call; return False when there is none left."""
        admitted = self.quotas[kind].take()
        self._refused[kind] += not admitted
        return admitted

    def stats(self) -> dict[str, Any]:
        """Return counts since the start: every call that arrived, and those refused for lack of quota."""
        return {
            "calls": dict(self._calls),
            "reads": self._kinds["read"],
            "writes": self._kinds["write"],
            "over_quota": {"reads": self._refused["read"], "writes": self._refused["write"]},
        }

    def order_faults(self, faults: list[Fault]) -> None:
        """Replace the failures that are still to come."""
        self._faults = deque(faults)

    def pending_faults(self) -> list[dict[str, Any]]:
        """Return the failures still to come, with the calls each has left."""
        return [asdict(fault) for fault in self._faults]

    def next_fault(self, kind: Kind) -> Fault | None:
        """Return the failure that hits this call, and count it off."""
        for fault in self._faults:
            if fault.kind == kind:
                fault.calls -= 1
                if not fault.calls:
                    self._faults.remove(fault)
                return fault
        return None

"""Number formats of whole columns: how a number or date is shown, and that plain text stays text. Pure.

    NumberFormat: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/cells#NumberFormat
    patterns:     https://developers.google.com/workspace/sheets/api/guides/formats

Simplified against Google: a format counts when it is set for a whole column, and these patterns are carried out; any other
pattern shows the number as the automatic format does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_EPOCH = datetime(1899, 12, 30)
_DATE_PATTERN = re.compile(r"(?:yyyy|mm|dd|hh|ss|[-/:. ])+")


@dataclass(frozen=True, slots=True)
class Looks:
    """What a tab keeps for a column beside its cells.

    Attributes:
        type: NumberFormatType, such as DATE or TEXT; "" for the automatic format.
        pattern: Its pattern, or "".
        note: Note on the cell of the first row; notes on other cells are not carried out.
    """

    type: str = ""
    pattern: str = ""
    note: str = ""

    def shown(self, value: float) -> str | None:
        """Return a number as the format shows it; None where the automatic format does."""
        if self.type in ("DATE", "DATE_TIME") and _DATE_PATTERN.fullmatch(self.pattern):
            return _date(value, self.pattern)
        if self.pattern == "#,##0":
            return f"{round(value):,}"
        if self.pattern == "0%":
            return f"{round(value * 100)}%"
        return None

    @property
    def is_date(self) -> bool:
        """Whether numbers are shown as dates; dateTimeRenderOption speaks of these."""
        return self.type in ("DATE", "DATE_TIME")


PLAIN = Looks()


def _date(serial: float, pattern: str) -> str:
    """Return a date by a pattern; `mm` behind the hours means minutes, as in Google's patterns."""
    day, hours, time = pattern.partition("hh")
    directives = _directives(day, "%m") + ("%H" if hours else "") + _directives(time, "%M")
    return (_EPOCH + timedelta(seconds=round(serial * 86_400))).strftime(directives)


def _directives(pattern: str, month_or_minute: str) -> str:
    for written, directive in (("yyyy", "%Y"), ("dd", "%d"), ("ss", "%S"), ("mm", month_or_minute)):
        pattern = pattern.replace(written, directive)
    return pattern

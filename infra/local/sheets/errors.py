"""Errors of the Sheets stand-in in the shape that Google's APIs answer with.

The JSON form is https://cloud.google.com/apis/design/errors#http_mapping ; the wording of the messages is
Google's own, taken from error reports of the client libraries, because clients (and people) match on it.
"""

from __future__ import annotations

from typing import Any

_STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class SheetsError(Exception):
    """A refusal that the client sees as `{"error": {"code", "message", "status"}}`.

    Args:
        code: HTTP status; must be one that Google's Sheets API is known to answer with.
        message: The sentence the client reads.
        details: Optional `google.rpc` detail objects.
    """

    def __init__(self, code: int, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = _STATUS[code]
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid(message: str) -> SheetsError:
    """Return the 400 for a request that is well-formed but wrong."""
    return SheetsError(400, message)


def protected() -> SheetsError:
    """Return the 400 for cells that only others may write."""
    return SheetsError(
        400,
        "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection "
        "if you need to edit.",
    )


def not_found() -> SheetsError:
    """Return the 404 for a spreadsheet id that does not exist."""
    return SheetsError(404, "Requested entity was not found.")


def unimplemented(what: str) -> SheetsError:
    """Return the 501 for what Google can do and the stand-in cannot: never silently accepted."""
    return SheetsError(501, f"The local Sheets stand-in does not carry out {what}; test it against Google Sheets.")


def quota_exceeded(kind: str, per_minute: int) -> SheetsError:
    """Return Google's 429 for a user who sent too many requests within a minute.

    Args:
        kind: "read" or "write".
        per_minute: The limit that was passed, in requests.
    """
    title = kind.capitalize()
    consumer = "greenwatt-local"
    message = (
        f"Quota exceeded for quota metric '{title} requests' and limit "
        f"'{title} requests per minute per user' of service 'sheets.googleapis.com' "
        f"for consumer 'projects/{consumer}'."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {
            "consumer": f"projects/{consumer}",
            "quota_limit": f"{title}RequestsPerMinutePerUser",
            "quota_limit_value": str(per_minute),
            "quota_metric": f"sheets.googleapis.com/{kind}_requests",
            "quota_unit": "1/min/{project}/{user}",
            "service": "sheets.googleapis.com",
        },
    }
    return SheetsError(429, message, [info])


_INJECTED_MESSAGES = {
    403: "The caller does not have permission",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
    504: "Deadline exceeded.",
}


def injected(code: int, kind: str, per_minute: int) -> SheetsError:
    """Return the error that Google would answer with, for a failure ordered by a test.

    Args:
        code: 403, 429, 500, 503 or 504.
        kind: "read" or "write", named in the 429.
        per_minute: The limit named in the 429, in requests.
    """
    if code == 429:
        return quota_exceeded(kind, per_minute)
    return SheetsError(code, _INJECTED_MESSAGES[code])


INJECTABLE = frozenset({429, *_INJECTED_MESSAGES})

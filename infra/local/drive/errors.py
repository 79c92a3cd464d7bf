"""Errors of the Drive stand-in in the shape and words of Google's.

https://developers.google.com/workspace/drive/api/guides/handle-errors
"""

from __future__ import annotations

from typing import Any


class DriveError(Exception):
    """A refusal as the client sees it.

    Args:
        code: HTTP status.
        reason: Google's name for it.
        message: Google's sentence.
        domain: Google's domain for it.
    """

    def __init__(self, code: int, reason: str, message: str, domain: str = "global") -> None:
        super().__init__(message)
        self.code = code
        self._error = {"domain": domain, "reason": reason, "message": message}

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"error": {"errors": [self._error], "code": self.code, "message": self._error["message"]}}


def not_found(item_id: str) -> DriveError:
    """Return the 404 for a file that does not exist or that the caller may not see."""
    return DriveError(404, "notFound", f"File not found: {item_id}.")


def invalid(message: str) -> DriveError:
    """Return the 400 for a parameter that cannot be read."""
    return DriveError(400, "invalid", message)


def unimplemented(what: str) -> DriveError:
    """Return the 501 for what Google can do and the stand-in cannot: never silently accepted."""
    return DriveError(
        501, "notImplemented", f"The local Drive stand-in does not carry out {what}; test it against Drive."
    )


_QUOTA = "Service Accounts do not have storage quota. Leverage shared drives, or use OAuth delegation instead."
INJECTABLE = {
    (403, "userRateLimitExceeded"): DriveError(403, "userRateLimitExceeded", "User Rate Limit Exceeded", "usageLimits"),
    (403, "insufficientFilePermissions"): DriveError(
        403,
        "insufficientFilePermissions",
        "The user does not have sufficient permissions for this file.",
    ),
    (403, "storageQuotaExceeded"): DriveError(403, "storageQuotaExceeded", _QUOTA, "usageLimits"),
    (429, "rateLimitExceeded"): DriveError(429, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits"),
    (500, "backendError"): DriveError(500, "backendError", "Backend Error"),
    (503, "backendError"): DriveError(503, "backendError", "Backend Error"),
}
"""Failures that a test may order, by status and reason."""


def no_storage() -> DriveError:
    """Return the 403 for a file outside of every Shared Drive: a service account has no storage of its own."""
    return INJECTABLE[403, "storageQuotaExceeded"]

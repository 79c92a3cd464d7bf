"""Too much was sent: the same later, or from elsewhere, is welcome."""

from __future__ import annotations

from intake.errors.base import IntakeError


class QuotaError(IntakeError):
    """A limit of the service, of the day or of one connection is reached."""

    status = 429


class DailyQuotaExceeded(QuotaError):
    """The pages that may be read within 24 hours are used up, before anything of this bill is stored.

    Args:
        limit: How many those are.
    """

    code = "daily_limit"
    status = 503
    retry_after_s = 3600

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The limit of {limit} pages in 24 hours is reached. Send this bill again in an hour, or tell the office."
        )


class TooManySubmissions(QuotaError):
    """One address has sent as much as is allowed.

    Args:
        limit: How much that is.
        what: What was counted.
        within: Within which time.
        then: When to send it again.
    """

    code = "too_many_submissions"
    retry_after_s = 600

    def __init__(self, limit: int, what: str = "bills", within: str = "an hour", then: str = "in ten minutes") -> None:
        super().__init__(
            f"Too many {what} came from this connection: at most {limit} within {within}. "
            f"Send this one again {then}, or from another connection."
        )


class ClientQuotaExceeded(QuotaError):
    """The bill's pages, now counted, are more than one connection may have read within a day."""

    code = "too_many_pages_from_connection"
    status = 422
    message = (
        "This bill was not accepted: too many pages came from this connection in one day. Send it again tomorrow, or "
        "from another connection."
    )


class PageQuotaExceeded(QuotaError):
    """The bill's pages, now counted, go far beyond what is left of the day's pages."""

    code = "daily_limit_passed"
    status = 422
    message = "This bill was not accepted: today's page limit is used up. Send it again tomorrow, or tell the office."

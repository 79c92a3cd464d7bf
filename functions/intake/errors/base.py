"""What all expected failures have in common, and the two that are ours alone."""

from __future__ import annotations

from typing import ClassVar


class IntakeError(Exception):
    """Base of all expected failures; by itself the answer to an unexpected one.

    Attributes:
        code: Stable name for programs.
        status: HTTP status when it reaches an HTTP caller.
        message: The sentence for the person.
        retry_after_s: When it makes sense to ask again, for HTTP's Retry-After; None to leave that open.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retry_after_s: ClassVar[int | None] = None
    message: str = "Something went wrong on our side. Please try again in a minute."

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON body of an error answer."""
        return {"code": self.code, "message": self.message, "errors": []}


class GaveUp(IntakeError):
    """The sweeper's last attempt to have the pages read made no progress."""

    code = "gave_up"
    message = (
        "The bill could not be read after several attempts. The fault is on our side, and the files are kept. "
        "Please send it again later, or tell the office."
    )

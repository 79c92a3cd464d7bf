"""The caller's faults: what is wrong with a request, or with the answers in a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intake.errors.base import IntakeError


class RequestError(IntakeError):
    """A request that cannot be accepted as it is; nothing of it is kept."""

    status = 400


class WrongMethod(RequestError):
    """The endpoint was called with a method it does not have."""

    code = "wrong_method"
    status = 405

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"This address only accepts {allowed} requests. Send the request with {allowed}.")


class NotMultipart(RequestError):
    """The body is not a multipart form."""

    code = "not_multipart"
    status = 415
    message = "A submission must be sent as multipart/form-data with a boundary. Send the form with its files attached."


class MalformedUpload(RequestError):
    """The multipart body breaks off or cannot be parsed."""

    code = "malformed_upload"
    message = "The upload was cut off or damaged on the way, so nothing was kept. Please send it again."


class BadIdempotencyKey(RequestError):
    """The Idempotency-Key header could be guessed or is not a key at all."""

    code = "bad_idempotency_key"
    message = (
        "The Idempotency-Key header must be 32 to 64 letters, digits or hyphens, such as a random UUID. Make a new key."
    )


class IdempotencyKeyReused(RequestError):
    """The key already belongs to a submission with other content."""

    code = "idempotency_key_reused"
    status = 409
    message = (
        "This Idempotency-Key already belongs to a submission with other answers or files. "
        "Use a new key for a new submission."
    )


class UnknownIntake(RequestError):
    """No intake ever had this id."""

    code = "unknown_intake"
    status = 404
    message = "There is no submission with this ID. Check that you copied the whole address."


class NotFromThePage(RequestError):
    """App Check is on, and the request has no valid token."""

    code = "not_from_the_page"
    status = 401
    message = (
        "Only the intake form can send bills here, and this request did not come from it. "
        "Please reload the form and try again."
    )


@dataclass(frozen=True)
class Problem:
    """One thing that the submitter can fix.

    Attributes:
        code: Stable name for programs, such as `empty_file`.
        field: Form field it belongs to (`bill` for the files), or "" when it concerns the whole request.
        message: The sentence for the person.
    """

    code: str
    field: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON shape that the form reads."""
        return {"code": self.code, "field": self.field, "message": self.message}


class BadRequest(RequestError):
    """A submission with wrong answers or files; lists every problem at once."""

    code = "invalid_submission"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__(self.problems[0].message)
        else:
            super().__init__(f"Fix {len(self.problems)} problems, then send the form again.")

    def to_dict(self) -> dict[str, object]:
        """Return the JSON body: the code of the only problem, or `invalid_submission`, and all problems by field."""
        code = self.problems[0].code if len(self.problems) == 1 else self.code
        return {"code": code, "message": self.message, "errors": [problem.to_dict() for problem in self.problems]}

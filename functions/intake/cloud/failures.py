"""How the exceptions of a product's library become ours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from google.api_core import exceptions as google_exceptions
from google.auth import exceptions as auth_exceptions

from intake.errors import IntakeError, UpstreamError

P = ParamSpec("P")
R = TypeVar("R")


def failing_as(error: type[IntakeError], *failures: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for methods that call a product.

    Args:
        error: Our error.
        failures: What is left of the library's exceptions after its own retries. Those of google-auth are always among them: a
            token is fetched when the last one has run out, in any call, and the metadata server can be as busy as any other.
    """
    expected: tuple[type[Exception], ...] = (*failures, auth_exceptions.GoogleAuthError)

    def wrapped(method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return method(*args, **kwargs)
            except expected as exc:
                raise error from exc

        return call

    return wrapped


def firestore_call(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method that calls Firestore."""
    return failing_as(UpstreamError, google_exceptions.GoogleAPICallError, google_exceptions.RetryError)(method)

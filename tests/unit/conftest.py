"""Fixtures that several unit tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment

SLOW = ("drawn", "growth", "office_edits", "specimens")
"""Modules, by a part of their names, that take most of the time of the unit tests; `tests/run quick` leaves them out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow modules."""
    for item in items:
        if item.path.parent.name == "unit" and item.path.stem.endswith(SLOW):
            item.add_marker("slow")


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """Return a deployment; what the framework changes in this process is put back."""
    environ, path, main = dict(os.environ), list(sys.path), sys.modules.get("main")
    yield Deployment()
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:] = path
    if main is None:
        sys.modules.pop("main", None)
    else:
        sys.modules["main"] = main

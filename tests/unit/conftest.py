"""Fixtures that several unit tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment


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

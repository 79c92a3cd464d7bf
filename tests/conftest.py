"""What all tests share: one local stack, and property tests that draw the same cases on every run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from infra.local.stack import LocalStack
from tests.support.stacks import quick_stack, running
from tests.support.submitter import Submitter

# No deadline: the machine is shared, and a slow moment is not a fault.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The stack of all tests that do not break it."""
    with running(quick_stack(tmp_path_factory.mktemp("stack"))) as shared:
        yield shared


@pytest.fixture
def submitter(stack: LocalStack) -> Submitter:
    """The shared stack's submitter."""
    # Another module's stack may have run since: the official clients follow the environment.
    os.environ.update(stack.env)
    return Submitter(stack)

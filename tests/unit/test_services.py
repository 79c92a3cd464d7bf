"""The clients of a process: made once, with the garbage collector at rest, which always wakes again."""

from __future__ import annotations

import gc

import pytest
from intake.services import Services

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "p", "BILLS_BUCKET": "b"}


def test_made_once() -> None:
    """What was made is kept: the environment is not read again."""
    environ = dict(ENVIRON)
    services = Services(environ)
    first = services.settings
    environ["BILLS_BUCKET"] = "another"
    assert services.settings is first


def test_collector_rests_while_making() -> None:
    """The collector is off while a service is made, also when that makes another, and on again afterwards."""
    services = Services(ENVIRON)
    seen = []

    def make() -> str:
        seen.append(gc.isenabled())
        services._keep("inner", lambda: seen.append(gc.isenabled()))
        seen.append(gc.isenabled())
        return "made"

    assert services._keep("outer", make) == "made"
    assert seen == [False, False, False]
    assert gc.isenabled()


def test_collector_wakes_after_a_failure() -> None:
    """A service that cannot be made leaves the collector on, and is tried again."""
    services = Services({})
    with pytest.raises(KeyError, match="GOOGLE_CLOUD_PROJECT"):
        _ = services.settings
    assert gc.isenabled()


def test_what_was_made_is_not_looked_at_again() -> None:
    """Objects that were there when a service was made are out of the collector's sight."""
    before = gc.get_freeze_count()
    services = Services(ENVIRON)
    services._keep("something", lambda: [[] for _ in range(1000)])
    assert gc.get_freeze_count() >= before + 1000
    gc.unfreeze()

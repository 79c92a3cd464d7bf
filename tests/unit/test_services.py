"""The clients of a process: made once, with the garbage collector at rest, which always wakes again."""

from __future__ import annotations

import gc

import pytest
from intake.services import Services, _kept

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "p", "BILLS_BUCKET": "b"}


class Watched(Services):
    """Services that note whether the collector was on while they were made."""

    def __init__(self) -> None:
        super().__init__(ENVIRON)
        self.seen: list[bool] = []

    @_kept
    def outer(self) -> list[list[int]]:
        self.seen.append(gc.isenabled())
        made = self.inner
        self.seen.append(gc.isenabled())
        return made

    @_kept
    def inner(self) -> list[list[int]]:
        self.seen.append(gc.isenabled())
        return [[] for _ in range(1000)]


def test_made_once() -> None:
    """What was made is kept: the environment is not read again."""
    environ = dict(ENVIRON)
    services = Services(environ)
    first = services.settings
    environ["BILLS_BUCKET"] = "another"
    assert services.settings is first


def test_collector_rests_while_making() -> None:
    """The collector is off while a service is made, also one that makes another, and on again afterwards."""
    services = Watched()
    assert services.outer is services.inner
    assert services.seen == [False, False, False]
    assert gc.isenabled()


def test_collector_wakes_after_a_failure() -> None:
    """A service that cannot be made leaves the collector on, and is tried again."""
    services = Services({})
    for _ in range(2):
        with pytest.raises(KeyError, match="GOOGLE_CLOUD_PROJECT"):
            _ = services.settings
        assert gc.isenabled()


def test_what_was_made_is_not_looked_at_again() -> None:
    """Objects that were there when a service was made are out of the collector's sight."""
    before = gc.get_freeze_count()
    services = Watched()
    assert len(services.outer) == 1000
    assert gc.get_freeze_count() >= before + 1000
    gc.unfreeze()

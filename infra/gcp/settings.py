"""What infra/functions.toml says for production: the functions, their delivery, the valves, what is kept."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from infra.spec import FUNCTIONS_TOML, Delivery, FunctionSpec, load


@dataclass(frozen=True)
class Valves:
    """Limits for a form that anybody can reach; 0 would mean none.

    Attributes:
        pages_per_day: Pages taken in within 24 hours.
        submissions_per_hour: Submissions of one client address.
        submissions_per_hour_peer: Submissions that come through one proxy.
    """

    pages_per_day: int
    submissions_per_hour: int
    submissions_per_hour_peer: int


@dataclass(frozen=True)
class Keeping:
    """Days that bytes are kept.

    Attributes:
        words_days: Words of the pages.
        bills_days: Uploaded files.
        deleted_days: Deleted objects, before they are gone for good.
    """

    words_days: int
    bills_days: int
    deleted_days: int


@dataclass(frozen=True)
class Settings:
    """All of functions.toml.

    Attributes:
        functions: The functions by name.
        delivery: How Pub/Sub delivers to them.
        valves: Limits for the public form.
        keeping: What is kept how long.
        runtime: Runtime id of Cloud Run functions.
    """

    functions: Mapping[str, FunctionSpec]
    delivery: Delivery
    valves: Valves
    keeping: Keeping
    runtime: str


def read() -> Settings:
    """Read the file.

    Raises:
        TypeError: A key is missing or unknown; the message names it.
    """
    functions, delivery = load()
    with FUNCTIONS_TOML.open("rb") as file:
        document = tomllib.load(file)
    return Settings(
        functions, delivery, Valves(**document["valves"]), Keeping(**document["keeping"]), document["build"]["runtime"]
    )

"""Reads contract.toml: the one list of the form's fields, the row's columns, what is read from a bill, and the limits.

It is read when something in it is first asked for, so a function that needs none of it (`progress`) does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
PROFILES = _HERE / "extraction" / "utilities"
"""One file for each utility; those whose names begin with _ are not utilities."""


def _load(path: Path) -> dict[str, Any]:
    import tomllib  # takes as long as the file

    return tomllib.loads(path.read_text("utf-8"))


@cache
def _contract() -> Mapping[str, Any]:
    return _load(_HERE / "contract.toml")


def fields() -> Sequence[Mapping[str, Any]]:
    """Return the fields of the form, in its order."""
    return _contract()["field"]  # type: ignore[no-any-return]


def columns() -> Sequence[Mapping[str, Any]]:
    """Return the columns of the row, in the order of a new Sheet. One that shows a field of the form has its name in `form`."""
    found: list[Mapping[str, Any]] = []
    for column in _contract()["column"]:
        of_form = [{**field["column"], "form": field["name"]} for field in fields() if "column" in field]
        found += of_form if "form" in column else [column]
    return found


def bill_fields() -> Mapping[str, Mapping[str, Any]]:
    """Return the bounds of what is read from a bill, by the name of the field."""
    return _contract()["read"]  # type: ignore[no-any-return]


def limits() -> Mapping[str, Mapping[str, Any]]:
    """Return all limits with their reasons, by name."""
    return _contract()["limits"]  # type: ignore[no-any-return]


def limit(name: str) -> int:
    """Return a limit that is a whole number."""
    return limits()[name]["value"]  # type: ignore[no-any-return]


def seconds(name: str) -> float:
    """Return a limit of time."""
    return float(limits()[name]["value"])


@cache
def utilities() -> tuple[str, ...]:
    """Return the names of the utilities as the form offers them: those with a `rank` first, the others by name."""
    profiles = (_load(path) for path in PROFILES.glob("[!_]*.toml"))
    ranked = sorted((profile.get("rank", 1_000), profile["name"]) for profile in profiles)
    return tuple(name for _, name in ranked)

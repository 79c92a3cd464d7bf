"""What Google says when something fails: the table failures.toml, and how long to wait for what passes by itself."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Failure:
    """One entry of failures.toml, which explains the fields."""

    says: str
    means: str
    source: str
    passes: bool = False


KNOWN = tuple(
    Failure(**entry) for entry in tomllib.loads(Path(__file__).with_name("failures.toml").read_text("utf-8"))["failure"]
)
WAITS_S = (5, 10, 20, 40, *([60] * 10))
"""Seconds to wait before each further attempt: 11 minutes in all, more than the 10 that a new metric may need."""
ALREADY = re.compile(r"ALREADY_EXISTS|already exists|you already own it", re.IGNORECASE)
"""What a command that creates something says if the thing exists."""


def known(text: str) -> Failure | None:
    """Return the known failure that fits what Google said, or None."""
    return next((failure for failure in KNOWN if re.search(failure.says, text)), None)

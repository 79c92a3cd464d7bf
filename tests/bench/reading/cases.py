"""Choose what is photographed, and keep what is known of every photograph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from tests import specimens
from tests.specimens.camera import KINDS, photograph_specimen
from tests.specimens.catalogue import VARIANTS, make

CACHE = Path(".local/bench")

#: How often each utility is photographed; the three that agents mostly meet come most.
_WEIGHTS = {**dict.fromkeys(VARIANTS, 1), "nyseg": 4, "rge": 3, "national_grid": 4}
#: Pages that agents photograph, the likelier ones several times.
_PAGES = {"nyseg": (3, 3, 3, 1), "rge": (3, 3, 3, 1), "national_grid": (1, 2, 2, 3)}
_OTHER_PAGES = (1, 2)


@dataclass(frozen=True)
class Case:
    """One photograph to be taken: of which page of which specimen, and how."""

    utility: str
    variant: str
    seed: int
    page: int
    kind: str

    def __str__(self) -> str:
        return f"{self.utility}-{self.variant}-{self.seed}-p{self.page}-{self.kind}"


@dataclass(frozen=True)
class Picture:
    """A photograph as sent, with what a perfect reader would find.

    Attributes:
        case: What it shows.
        jpeg: The file.
        truth: `Truth.as_json` of the whole bill.
        readable: Truth fields that a person can read in this picture.
    """

    case: Case
    jpeg: bytes
    truth: dict[str, Any]
    readable: frozenset[str]

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hex."""
        return hashlib.sha256(self.jpeg).hexdigest()


def choose(count: int, seed: int) -> Iterator[Case]:
    """Yield cases: kinds in turn, utilities by weight, variants and pages by chance; a longer list begins like a shorter."""
    rng = Random(f"{seed}/cases")
    kinds: list[str] = []
    for number in range(count):
        kinds = kinds or rng.sample(sorted(KINDS), len(KINDS))
        utility = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        page = rng.choice(_PAGES.get(utility, _OTHER_PAGES))
        yield Case(utility, rng.choice(VARIANTS[utility]), seed + number, page, kinds.pop())


def take(case: Case) -> Picture:
    """Take a photograph, or fetch it from the cache if the generator has not changed since."""
    folder = CACHE / "photos" / _generator_digest()[:16]
    jpeg, facts = folder / f"{case}.jpg", folder / f"{case}.json"
    if facts.exists():
        known = json.loads(facts.read_text())
        return Picture(case, jpeg.read_bytes(), known["truth"], frozenset(known["readable"]))
    specimen = make(case.seed, case.utility, case.variant)
    photo = photograph_specimen(specimen, case.page, case.seed, case.kind)
    picture = Picture(case, photo.jpeg, specimen.truth.as_json(), photo.readable())
    folder.mkdir(parents=True, exist_ok=True)
    jpeg.write_bytes(picture.jpeg)
    facts.write_text(json.dumps({"truth": picture.truth, "readable": sorted(picture.readable)}))
    return picture


@cache
def _generator_digest() -> str:
    digest = hashlib.sha256()
    for folder in specimens.__path__:
        for source in sorted(Path(folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()

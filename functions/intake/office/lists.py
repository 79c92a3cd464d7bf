"""The office's lists as data classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from intake.folding import fold
from intake.form import ACCOUNT_TYPES, UTILITIES


@dataclass(frozen=True)
class Developer:
    """A developer and whom it takes.

    Attributes:
        name: As the form shows it.
        utilities: Utilities it works with; empty: with every one ("Mass Market" in the office's list).
    """

    name: str
    utilities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agent:
    """An agent.

    Attributes:
        id: As the office spells it.
        name: The agent's name.
        email: The agent's address, or "".
        active: Whether the agent may submit.
    """

    id: str
    name: str
    email: str
    active: bool


@dataclass(frozen=True)
class Options:
    """What the form offers; the public document `public/form-options`, which frontend/site/options.js reads."""

    utilities: tuple[str, ...] = UTILITIES
    developers: tuple[Developer, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return the Firestore fields."""
        return {
            "utilities": list(self.utilities),
            "account_types": list(ACCOUNT_TYPES),
            "developers": [{"name": each.name, "utilities": list(each.utilities)} for each in self.developers],
        }

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Options:
        """Read the Firestore fields that `to_document` wrote."""
        developers = (Developer(each["name"], tuple(each["utilities"])) for each in data["developers"])
        return cls(tuple(data["utilities"]), tuple(developers))


@dataclass(frozen=True)
class Agents:
    """Who may submit; the private document `office/agents`.

    Attributes:
        listed: Agents in the office's order; without any, everybody may submit.
    """

    listed: tuple[Agent, ...] = ()
    _by_key: dict[str, Agent] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_key.update((agent_key(agent.id), agent) for agent in self.listed)

    def find(self, typed: str) -> Agent | None:
        """Return the agent of an id as somebody typed it; case and blanks do not matter."""
        return self._by_key.get(agent_key(typed))

    def to_document(self) -> dict[str, Any]:
        """Return the Firestore fields."""
        return {"agents": [asdict(agent) for agent in self.listed]}

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Agents:
        """Read the Firestore fields that `to_document` wrote."""
        return cls(tuple(Agent(**agent) for agent in data["agents"]))


def agent_key(typed: str) -> str:
    """Return what two spellings of one agent id have in common: "ag - 17" is "AG-17"."""
    return "".join(fold(typed).split()).casefold()

"""Who may submit, and for which utilities: the office's lists as last synced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from intake.errors import Problem
from intake.office.lists import Agent, Agents, Options

if TYPE_CHECKING:
    from intake.cloud.firestore.office_documents import OfficeDocuments

KEPT_S = 20.0
"""How long an instance uses what it has read. An agent or utility that is not in there is looked up again at once, so only an
entry that was removed stays accepted for that long."""

UNKNOWN_AGENT = (
    "There is no agent with this ID. Check your agent ID, or ask the office to add it to the list of agents."
)
INACTIVE_AGENT = "This agent ID is not active. Ask the office to make it active in the list of agents."


class OfficeLists:
    """The lists; one per process, shared by its threads.

    Args:
        documents: Where they are kept.
        clock: Monotonic seconds.
    """

    def __init__(self, documents: OfficeDocuments, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._options, self._agents = Options(), Agents()

    def utilities_for(self, answers: Mapping[str, str]) -> tuple[str, ...]:
        """Return the utilities that may be chosen, as of now when the one chosen is not among those known here.

        Raises:
            TemporaryError: Firestore did not answer.
        """
        self._refresh()
        if answers.get("utility", "").strip() not in self._options.utilities:
            self._refresh(at_once=True)
        return self._options.utilities

    def agent(self, typed: str) -> tuple[Agent | None, Problem | None]:
        """Look up who submits.

        Args:
            typed: The agent id as it was typed.

        Returns:
            The agent, or None while there is no list; and what is wrong with the id.

        Raises:
            TemporaryError: Firestore did not answer.
        """
        self._refresh()
        if self._refused(typed):
            self._refresh(at_once=True)
        return self._agents.find(typed), self._refused(typed)

    def _refused(self, typed: str) -> Problem | None:
        agent = self._agents.find(typed)
        if not self._agents.listed or (agent and agent.active):
            return None
        if agent is None:
            return Problem("unknown_agent", "agent_id", UNKNOWN_AGENT)
        return Problem("inactive_agent", "agent_id", INACTIVE_AGENT)

    def _refresh(self, *, at_once: bool = False) -> None:
        with self._lock:
            now = self._clock()
            if not at_once and now - self._read_at < KEPT_S:
                return
            self._options = self._documents.options() or Options()
            self._agents = self._documents.agents() or Agents()
            self._read_at = now

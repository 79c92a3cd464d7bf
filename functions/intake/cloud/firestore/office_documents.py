"""Firestore: the office's lists as last synced.

public/form-options     what the form offers; readable by everybody
office/agents           who may submit; private to the functions
"""

from __future__ import annotations

from typing import Any

from google.cloud import firestore

from intake.cloud.failures import firestore_call
from intake.office.lists import Agents, Options


class OfficeDocuments:
    """The two documents.

    Args:
        client: The database.
    """

    def __init__(self, client: firestore.Client) -> None:
        self._options_ref = client.collection("public").document("form-options")
        self._agents_ref = client.collection("office").document("agents")

    def options(self) -> Options | None:
        """Return what the form offers, or None before the first sync."""
        data = _read(self._options_ref)
        return Options.from_document(data) if data else None

    def agents(self) -> Agents | None:
        """Return who may submit, or None before the first sync."""
        data = _read(self._agents_ref)
        return Agents.from_document(data) if data else None

    @firestore_call
    def set_options(self, options: Options) -> None:
        """Change what the form offers; Firestore notifies open forms."""
        self._options_ref.set(options.to_document())

    @firestore_call
    def set_agents(self, agents: Agents) -> None:
        """Change who may submit."""
        self._agents_ref.set(agents.to_document())


@firestore_call
def _read(ref: firestore.DocumentReference) -> dict[str, Any] | None:
    return ref.get().to_dict()

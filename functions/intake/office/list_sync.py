"""Syncs the office's lists: the tabs in the Sheet decide what the form offers and who may submit.

Each sweep reads the Sheet once and writes Firestore only if something changed. A tab with a mistake changes nothing; a
sentence in the tab itself says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from intake import log
from intake.office import tabs
from intake.office.lists import Agents, Options
from intake.office.tabs import AGENTS_TAB, DEVELOPERS_TAB, UTILITIES_TAB, BadTab, ListTab

if TYPE_CHECKING:
    from intake.cloud.firestore.office_documents import OfficeDocuments
    from intake.cloud.sheets.office_tabs import OfficeTabs

T = TypeVar("T")
_HOW = "Not used; the last valid list stays in use. "


@dataclass(frozen=True)
class ListSync:
    """Syncs the lists from the Sheet to Firestore.

    Attributes:
        sheet: The tabs.
        documents: The lists as last synced.
    """

    sheet: OfficeTabs
    documents: OfficeDocuments

    def sync(self) -> int:
        """Look at the tabs once.

        Returns:
            How many documents were changed.

        Raises:
            SheetUnavailable, TemporaryError: The Sheet or Firestore did not answer; nothing is lost by trying again.
        """
        cells = self.sheet.read()
        options_before, agents_before = self.documents.options(), self.documents.agents()
        notes: dict[str, str] = {}

        def taken(tab: ListTab, read: Callable[[], T], otherwise: T) -> T:
            try:
                found = read()
                notes[tab.title] = ""
            except BadTab as exc:
                notes[tab.title] = f"{_HOW}{exc}"
                return otherwise
            return found

        options = options_before or Options()
        known = tabs.all_utilities(cells[UTILITIES_TAB.title])
        utilities = taken(UTILITIES_TAB, lambda: tabs.utilities(cells[UTILITIES_TAB.title]), options.utilities)
        developers = taken(
            DEVELOPERS_TAB,
            lambda: tabs.developers(cells[DEVELOPERS_TAB.title], utilities, known),
            options.developers,
        )
        options = replace(options, utilities=utilities, developers=developers)
        before = agents_before or Agents()
        agents = Agents(taken(AGENTS_TAB, lambda: tabs.agents(cells[AGENTS_TAB.title]), before.listed))
        changed = 0
        if options != options_before:
            self.documents.set_options(options)
            changed += 1
        if agents != agents_before:
            self.documents.set_agents(agents)
            changed += 1
        if changed:
            log.info(
                "office lists synced",
                utilities=len(utilities),
                developers=len(developers),
                agents=len(agents.listed),
            )
        self._say(cells, notes)
        return changed

    def _say(self, cells: dict[str, tabs.Cells], notes: dict[str, str]) -> None:
        """Update the sentences in the tabs about what is wrong."""
        news = {title: note for title, note in notes.items() if note != tabs.note_of(cells[title])}
        for title, note in news.items():
            if note:
                log.warning("office list not synced", tab=title, why=note)
        if news:
            self.sheet.write_notes({title: (tabs.note_place(cells[title]), note) for title, note in news.items()})

"""The office's tabs `Utilities`, `Developers` and `Agents`: cells in, lists or sentences about what is wrong out. Pure.

A tab is used completely or not at all: nobody wrote half a list on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from intake.contract import limit
from intake.form import UTILITIES
from intake.office.lists import Agent, Developer, agent_key
from intake.rows import Column, Kind

MASS_MARKET = "Mass Market"
NOTES = "Notes"
"""The head of the column whose right neighbour in row 1 says what is wrong: row 1 stays where it is when rows are sorted."""
MAX_ROWS = 2000
"""Maximum lines of a list; their documents stay far below Firestore's 1 MiB (https://cloud.google.com/firestore/quotas)."""
_MAX_LENGTH = limit("answer_length")
_SAID = 5
_YES, _NO = {"", "yes", "y", "true", "1", "x"}, {"no", "n", "false", "0"}

Cells = Sequence[Sequence[str]]


@dataclass(frozen=True)
class ListTab:
    """One of the office's tabs.

    Attributes:
        title: Its title.
        columns: Its columns; those named in `required` may not be empty in a line.
        required: Names of columns.
        first_set: Lines that it is made with.
        hint: What the note on its first cell explains.
    """

    title: str
    columns: tuple[Column, ...]
    required: tuple[str, ...]
    first_set: tuple[tuple[str, ...], ...]
    hint: str


_ACTIVE = Column("Active", Kind.WORDS, 80)
UTILITIES_TAB = ListTab(
    "Utilities",
    (Column("Name", Kind.WORDS, 200), _ACTIVE),
    ("Name",),
    tuple((name, "yes") for name in UTILITIES),
    "The utilities that the form offers, in this order. Active: yes or no. Changes reach the form within two minutes.",
)
DEVELOPERS_TAB = ListTab(
    "Developers",
    (Column("Developer", Kind.WORDS, 220), Column("Utility", Kind.WORDS, 160), _ACTIVE),
    ("Developer", "Utility"),
    (),
    f"Which developer the form offers for which utility, one line for each. {MASS_MARKET} as the utility: for all of them. "
    "Active: yes or no. If the list is empty, the form accepts any developer.",
)
AGENTS_TAB = ListTab(
    "Agents",
    (Column("ID", Kind.TEXT, 110), Column("Name", Kind.WORDS, 200), Column("Email", Kind.WORDS, 240), _ACTIVE),
    ("ID", "Name"),
    (),
    "Who may submit bills. Active: yes or no. If the list is empty, anybody may. Only the name appears in a row.",
)
TABS = (UTILITIES_TAB, DEVELOPERS_TAB, AGENTS_TAB)


class BadTab(Exception):
    """A tab with a mistake; the text names rows and columns and contains no data of an agent."""

    def __init__(self, problems: Sequence[str]) -> None:
        said = list(problems[:_SAID])
        if len(problems) > _SAID:
            said.append(f"And {len(problems) - _SAID} more.")
        super().__init__(" ".join(said))


@dataclass(frozen=True)
class _Line:
    """One filled line of a tab: its row number, its cells by column, and whether it is active."""

    row: int
    cells: dict[str, str]
    active: bool


def utilities(cells: Cells) -> tuple[str, ...]:
    """Return the active utilities.

    Raises:
        BadTab: The list has a mistake.
    """
    lines, problems = _lines(UTILITIES_TAB, cells)
    problems += _repeated(lines, lambda line: line.cells["Name"].casefold())
    active = tuple(line.cells["Name"] for line in lines if line.active)
    if not active and not problems:
        problems.append("No utility is active; write yes under Active for at least one.")
    _raise(problems)
    return active


def all_utilities(cells: Cells) -> tuple[str, ...]:
    """Return the utilities of a valid list, inactive ones too."""
    lines, _ = _lines(UTILITIES_TAB, cells)
    return tuple(line.cells["Name"] for line in lines)


def developers(cells: Cells, active: Sequence[str], known: Sequence[str]) -> tuple[Developer, ...]:
    """Return the active developers with their utilities, in the order in which they first occur.

    Args:
        cells: The tab.
        active: The utilities that are offered: others are left out.
        known: All utilities that a line may name.

    Raises:
        BadTab: The list has a mistake.
    """
    lines, problems = _lines(DEVELOPERS_TAB, cells)
    spelled = {name.casefold(): name for name in (*known, *active, MASS_MARKET)}
    problems += [
        f"Row {line.row}: the utility is not in the tab {UTILITIES_TAB.title}, and is not {MASS_MARKET}."
        for line in lines
        if line.cells["Utility"].casefold() not in spelled
    ]
    problems += _repeated(lines, lambda line: (line.cells["Developer"].casefold(), line.cells["Utility"].casefold()))
    _raise(problems)
    works_with: dict[str, list[str]] = {}
    for line in lines:
        utility = spelled[line.cells["Utility"].casefold()]
        if line.active and (utility == MASS_MARKET or utility in active):
            works_with.setdefault(line.cells["Developer"], []).append(utility)
    return tuple(
        Developer(name, () if MASS_MARKET in utilities_ else tuple(utilities_))
        for name, utilities_ in works_with.items()
    )


def agents(cells: Cells) -> tuple[Agent, ...]:
    """Return the agents, inactive ones too.

    Raises:
        BadTab: The list has a mistake.
    """
    lines, problems = _lines(AGENTS_TAB, cells)
    problems += _repeated(lines, lambda line: agent_key(line.cells["ID"]))
    _raise(problems)
    return tuple(
        Agent(line.cells["ID"], line.cells["Name"], line.cells.get("Email", ""), line.active) for line in lines
    )


def note_place(cells: Cells) -> tuple[int, bool]:
    """Return the column index of the cell that says what is wrong, and whether its head stands before it already."""
    header = [str(cell).strip() for cell in cells[0]] if cells else []
    return (header.index(NOTES) + 1, True) if NOTES in header else (len(header) + 1, False)


def note_of(cells: Cells) -> str:
    """Return what the tab says of itself now."""
    place, there = note_place(cells)
    return str(cells[0][place]) if there and len(cells[0]) > place else ""


def _lines(tab: ListTab, cells: Cells) -> tuple[list[_Line], list[str]]:
    """Return the filled lines of a tab and what is wrong with them; columns are found by their heads."""
    header = [" ".join(str(cell).split()).casefold() for cell in cells[0]] if cells else []
    missing = [column.name for column in tab.columns if column.name.casefold() not in header]
    if missing:
        names = " and ".join(missing)
        return [], [f"Row 1: there is no column {names}. Write the name into row 1, over its column."]
    places = {column.name: header.index(column.name.casefold()) for column in tab.columns}
    lines, problems = [], []
    for row, values in enumerate(cells[1:], 2):
        found = {name: " ".join(str(values[at]).split()) if at < len(values) else "" for name, at in places.items()}
        if not any(text for name, text in found.items() if name != _ACTIVE.name):
            continue
        active = found.pop(_ACTIVE.name).casefold()
        lines.append(_Line(row, found, active in _YES))
        problems += [f"Row {row}: {name} is empty." for name in tab.required if not found[name]]
        problems += [
            f"Row {row}: {name} has more than {_MAX_LENGTH} characters."
            for name, text in found.items()
            if len(text) > _MAX_LENGTH
        ]
        if active not in _YES | _NO:
            problems.append(f"Row {row}: write yes or no under Active.")
    if len(lines) > MAX_ROWS:
        problems.append(f"There are {len(lines)} lines; the limit is {MAX_ROWS}.")
    return lines, problems


def _repeated(lines: Sequence[_Line], key: Callable[[_Line], object]) -> list[str]:
    first: dict[object, int] = {}
    return [
        f"Row {line.row} repeats row {first[key(line)]}."
        for line in lines
        if first.setdefault(key(line), line.row) != line.row
    ]


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise BadTab(problems)

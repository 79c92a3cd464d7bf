"""Postal addresses in New York as text: on one line or two, with the spaces and commas that OCR loses restored.

A line is cut into street and town in the one consistent way: the town is one of its ZIP code's, and the street ends with its
type, or with a unit, pole or direction after it. If two ways are consistent, or none, there is no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from intake.extraction import gazetteer
from intake.extraction.streets import Street, letters_only, street_of

MOST_CHARACTERS = 160
"""Of a line that is looked at for an address; the longest seen have 60."""

# ZIP codes of New York: 100..149, and 005 and 06390 of Long Island's islands (https://pe.usps.com/text/LabelingLists/L002.htm).
_CODE = re.compile(r"(?<!\d)(?P<code>1[0-4]\d{3}|00501|00544|06390)(?P<four>-\d{4})?(?![\d-])")
_STATE = re.compile(r"N\. ?[YV]\.?$|N[YV]\.?$", re.IGNORECASE)
_STATE_IN_FULL = re.compile(r"(?<![A-Z])NEW ?YORK$", re.IGNORECASE)
_MUNICIPALITY = re.compile(r"^((TOWN|VILLAGE|CITY|HAMLET) OF|[TVC]/O) ", re.IGNORECASE)
_NAME = re.compile(r"[A-Z][A-Z .'&/-]+$", re.IGNORECASE)

_MISREAD_STATE = 0.9
_NO_STATE = 0.9
_MISREAD_TOWN = 0.87  # to be compared
_TOWNSHIP = 0.95
_NEXT_TOWN = 0.85  # of the same region: printed by its township, or its ZIP code misread
_OTHER_TOWN = 0.7  # not reported: town or ZIP code is misread
_UNKNOWN_TOWN = 0.8  # reported only if all else is certain, and then to be compared
_NO_COMMA = 0.97
_NO_BLANK = 0.93
_OPEN_END = 0.85
_NO_TYPE = 0.8


class Address(NamedTuple):
    """An address in New York.

    Attributes:
        street: House number, street and unit as printed.
        town: As printed, with OCR errors corrected.
        code: ZIP code, with its last four digits where they are printed.
    """

    street: str
    town: str
    code: str


class TownLine(NamedTuple):
    """The last line of an address.

    Attributes:
        town: The town.
        code: ZIP code.
        mailing: Whether it has all nine digits, as mailing addresses have.
        sure: How sure its text is.
    """

    town: str
    code: str
    mailing: bool
    sure: float


class _Tail(NamedTuple):
    """Where a line may end as an address: what is before the state, how sure state and ZIP code are, and where they end."""

    head: str
    code: str
    four: str
    state: float
    stop: int


def one_line(address: Address) -> str:
    """Return an address on one line as bills print it."""
    return f"{address.street}, {address.town} NY {address.code}"


def parts(address: Address) -> dict[str, str]:
    """Return the parts of an address by name."""
    house, _, name = address.street.partition(" ")
    return {"house_number": house, "street": name, "town": address.town, "state": "NY", "zip": address.code}


def one_line_of(text: str) -> tuple[Address, float, int] | None:
    """Read a whole address at the beginning of a line.

    Returns:
        The address, how sure the reading of its text is, and where it ends.
    """
    tails = list(_tails(text[:MOST_CHARACTERS]))
    for way in (_known_town, _misread_town, _town_behind_comma):
        for tail in tails:
            if (cut := way(tail)) is not None:
                street, town, sure = cut
                return Address(street.text, town, tail.code + tail.four), street.sure * sure * tail.state, tail.stop
    return None


def two_lines_of(street_line: str, town_line: str) -> tuple[Address, float] | None:
    """Read an address from two lines, with how sure the reading of its text is."""
    street, town = street_of(tidy(street_line)), town_of(town_line)
    if not street or not town:
        return None
    # Nothing tells that the end of a street without a type was read.
    return Address(street.text, town.town, town.code), (1.0 if street.ends else _NO_TYPE) * street.sure * town.sure


def town_of(text: str) -> TownLine | None:
    """Read a line of town, state and ZIP code and nothing else."""
    text = tidy(text)
    if len(text) > MOST_CHARACTERS:
        return None
    tails = [tail for tail in _tails(text) if tail.stop == len(text)]
    for tail in tails:
        if (town := gazetteer.town_of_code(tail.head, tail.code)) is not None:
            sure = tail.state * (_MISREAD_TOWN if town.slips else 1.0)
            return TownLine(_cased(town.name, tail.head), tail.code + tail.four, bool(tail.four), sure)
    for tail in tails:
        if tail.state != _NO_STATE and _NAME.match(tail.head):
            name, sure = _by_print(tail.head, tail.code)
            return TownLine(name, tail.code + tail.four, bool(tail.four), sure * tail.state)
    return None


def tidy(text: str) -> str:
    """Return a name or a line of an address with what OCR adds taken away."""
    return re.sub(r" ([,.])", r"\1", re.sub(r"\s+", " ", text)).strip(" .,:;|-_'\"")


def _tails(text: str) -> Iterator[_Tail]:
    """Yield the ways in which a line may end as an address: at each ZIP code, with the state before it or without one."""
    for code in _CODE.finditer(text):
        head = text[: code.start()].rstrip(" ,.")
        four = code["four"] or ""
        if state := _STATE.search(text[: code.start()].rstrip(" ,")):
            sure = _MISREAD_STATE if "V" in state[0].upper() else 1.0
            yield _Tail(head[: state.start()].rstrip(" ,."), code["code"], four, sure, code.end())
        elif state := _STATE_IN_FULL.search(head):
            yield _Tail(head[: state.start()].rstrip(" ,."), code["code"], four, 1.0, code.end())
        yield _Tail(head, code["code"], four, _NO_STATE, code.end())


_Cut = tuple[Street, str, float]
"""Street, town, and how sure their parting is."""


def _known_town(tail: _Tail) -> _Cut | None:
    """Part a line where a town of its ZIP code begins, if only one place is consistent."""
    found = gazetteer.towns_at_end(tail.head, tail.code)
    cuts = [cut for town in found if (cut := _part(tail.head, town)) is not None]
    at_comma = [cut for cut in cuts if cut[2] == 1.0]
    return (at_comma or cuts)[0] if len(at_comma or cuts) == 1 else None


def _misread_town(tail: _Tail) -> _Cut | None:
    """Part a line where a town begins that only a slip or two keep from being one of its ZIP code's."""
    if tail.state == _NO_STATE:
        return None
    found = gazetteer.misread_at_end(tail.head, tail.code)
    cuts = [(town.slips, cut) for town in found if (cut := _part(tail.head, town)) is not None and cut[2] > _OPEN_END]
    best = [cut for slips, cut in cuts if slips == min(slips for slips, _ in cuts)]
    if len(best) != 1:
        return None
    street, town, sure = best[0]
    return street, town, _MISREAD_TOWN * sure


def _town_behind_comma(tail: _Tail) -> _Cut | None:
    """Part a line at its last comma; the town behind it is a township, or misread."""
    before, comma, behind = tail.head.rpartition(",")
    name = behind.strip(" .")
    if tail.state == _NO_STATE or not comma or not _NAME.match(name) or (street := street_of(tidy(before))) is None:
        return None
    return street, *_by_print(name, tail.code)


def _by_print(name: str, code: str) -> tuple[str, float]:
    """Return a town as printed that is none of its ZIP code's, and how sure it is."""
    mended, sure = letters_only(name)
    municipality = _MUNICIPALITY.sub("", name)
    if municipality != name and gazetteer.town_of_code(municipality, code) is not None:
        sure *= _TOWNSHIP
    elif gazetteer.is_near(name, code):
        sure *= _NEXT_TOWN
    else:
        misread = gazetteer.is_elsewhere(name) or gazetteer.is_like(name, code)
        sure *= _OTHER_TOWN if misread else _UNKNOWN_TOWN
    return (mended if name.isupper() else name), sure


def _part(head: str, town: gazetteer.Town) -> _Cut | None:
    """Part a line where a town begins, and tell how sure it begins there; None if what is before it is no street."""
    before = head[: town.begin]
    street = street_of(tidy(before))
    if street is None:
        return None
    name = _cased(town.name, head[town.begin :])
    if before.rstrip(" .").endswith(","):
        return street, name, 1.0
    behind_comma = tidy(before.rpartition(",")[2]) if "," in before else ""
    if behind_comma and not any(c.isdigit() for c in behind_comma) and " " not in behind_comma:
        return None  # ELM ST, SOUTH LISLE: all of it is the town
    if not street.typed:
        return (street, name, _OPEN_END) if before.endswith(" ") and not behind_comma else None
    if not street.ends:
        return None
    joined = street.sure < 1 or not before.endswith((" ", "."))
    return street, name, _NO_BLANK if joined else _NO_COMMA


def _cased(name: str, printed: str) -> str:
    """Return a town's name in small letters where it was printed so."""
    return name.title() if sum(c.islower() for c in printed) > sum(c.isupper() for c in printed) else name

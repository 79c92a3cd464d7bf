"""Street lines: house number, name, type and what follows it, even if OCR has lost the spaces between them.

Types and designators of units are those of USPS Publication 28, appendices C1 and C2
(https://pe.usps.com/text/pub28/28apc_002.htm, https://pe.usps.com/text/pub28/28apc_003.htm).
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_CHARACTERS = 120
_GLUED_SURE = 0.9  # to be compared: the name before the type may have lost a blank too


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TYPES = _words(
    """ALLEY ALY ANNEX ANX ARCADE ARC AVENUE AVE AV AVEN BAYOU BYU BEACH BCH BEND BND BLUFF BLF BLUFFS BLFS BOTTOM BTM
    BOULEVARD BLVD BOUL BRANCH BR BRIDGE BRG BROOK BRK BROOKS BRKS BURG BG BYPASS BYP CAMP CP CANYON CYN CAPE CPE CAUSEWAY
    CSWY CENTER CTR CENTRE CIRCLE CIR CIRC CLIFF CLF CLIFFS CLFS CLUB CLB COMMON CMN COMMONS CMNS CORNER COR CORNERS CORS COURSE
    CRSE COURT CT COURTS CTS COVE CV CREEK CRK CRESCENT CRES CREST CRST CROSSING XING CROSSROAD XRD CURVE CURV DALE DL DAM DM
    DIVIDE DV DRIVE DR DRV DRIVES DRS ESTATE EST ESTATES ESTS EXPRESSWAY EXPY EXTENSION EXT EXTN FALL FALLS FLS FERRY FRY FIELD
    FLD FIELDS FLDS FLAT FLT FLATS FLTS FORD FRD FOREST FRST FORGE FRG FORK FRK FORKS FRKS FORT FT FREEWAY FWY GARDEN GDN
    GARDENS GDNS GATEWAY GTWY GLEN GLN GREEN GRN GROVE GRV HARBOR HBR HAVEN HVN HEIGHTS HTS HIGHWAY HWY HILL HL HILLS HLS
    HOLLOW HOLW INLET INLT ISLAND IS ISLE JUNCTION JCT KEY KY KNOLL KNL KNOLLS KNLS LAKE LK LAKES LKS LAND LANDING LNDG LANE LN
    LIGHT LGT LOAF LF LOCK LCK LOCKS LCKS LODGE LDG LOOP MALL MANOR MNR MANORS MNRS MEADOW MDW MEADOWS MDWS MEWS MILL ML
    MILLS MLS MISSION MSN MOTORWAY MTWY MOUNT MT MOUNTAIN MTN NECK NCK ORCHARD ORCH OVAL OVERPASS OPAS PARK PARKS PARKWAY PKWY
    PKY PASS PASSAGE PSGE PATH PIKE PINE PNE PINES PNES PLACE PL PLAIN PLN PLAINS PLNS PLAZA PLZ POINT PT POINTS PTS PORT PRT
    PRAIRIE PR RADIAL RADL RAMP RANCH RNCH RAPIDS RPDS REST RST RIDGE RDG RIDGES RDGS RIVER RIV ROAD RD ROADS RDS ROUTE RTE RT
    ROW RUE RUN SHOAL SHL SHORE SHR SHORES SHRS SKYWAY SKWY SPRING SPG SPRINGS SPGS SPUR SQUARE SQ SQUARES SQS STATION STA
    STREAM STRM STREET ST STR STREETS STS SUMMIT SMT TERRACE TER TERR THROUGHWAY TRWY TRACE TRCE TRACK TRAK TRAIL TRL TRAILER
    TUNNEL TUNL TURNPIKE TPKE UNDERPASS UPAS UNION UN VALLEY VLY VIADUCT VIA VIEW VW VILLAGE VLG VILLE VL VISTA VIS WALK WALL
    WAY WAYS WELL WL WELLS WLS BROADWAY BOWERY"""
)
_ROADS = "ROAD|ROUTE|RTE|RT|RD|HWY|HIGHWAY|CR|SR"
_DIRECTIONS = _words("N S E W NE NW SE SW NORTH SOUTH EAST WEST")
_UNITS = _words(
    """APARTMENT APT BASEMENT BSMT BUILDING BLDG DEPARTMENT DEPT FLOOR FL FLR FRONT FRNT HANGAR HNGR KEY LOBBY LBBY LOT LOWER
    LOWR LWR OFFICE OFC PENTHOUSE PH PIER REAR ROOM RM SIDE SLIP SPACE SPC STOP SUITE STE TRAILER TRLR UNIT UPPER UPPR UPR
    HSE HOUSE GAR GARAGE BARN POL POLE PO METER MTR STORE SHOP DOWN DN UP LEFT RIGHT LFT RGT TOP"""
)
# Types that a glued word may end with, the longest first; a word of the second list only looks as if it did.
_GLUED = re.compile(
    r"^(?P<name>[A-Z]{3,}?)(?P<type>STREET|AVENUE|ROAD|DRIVE|LANE|COURT|PLACE|BLVD|PKWY|TPKE|AVE|TER|CIR|HWY|ST|RD|DR|LN|CT|PL)"
    r"(?P<unit>\d[\dA-Z]*)?$"
)
_WHOLE_WORDS = re.compile(
    r"(\bNE|\bRE|CHE|CRE|DEMARE|ERNE|EVERE|FORE|HARVE|PRIE|WE|LO|CO|CA|HAR|HO|JA|TRU|WOO)ST$|(A|E|I|O|Y)RD$|(CHES|HUN|WIN|POR|CAR|FOS|FOR|WA)TER$|CTCT$"
)
_NUMBER = re.compile(r"\d{1,6}[A-Z]{0,2}(-\d{1,4}[A-Z]?)?(/\d)?$")
_ORDINAL = re.compile(r"\d(ST|ND|RD|TH)($|AV|BLVD|DR|LN|PL|RD|ST)")  # 1235TH: a house number that ran into a street's
_HOUSE_GLUED = re.compile(r"^(\d[\d-]*)(?=[A-Z]{3})")
_JOINED_ROAD = re.compile(rf"\b(COUNTY|STATE)?({_ROADS})(\d{{1,3}}[A-Z]?)\b")
_POLE = re.compile(r"\bP0(?=\d{1,3}-\d)")  # PO62-8: a pole, its O read as a zero
# A road that goes by its number: without one a part of it was not read.
_NUMBER_LOST = re.compile(r"\S+ ((US|STATE|COUNTY) )?(ROUTE|RTE|RT|HWY|HIGHWAY|CR|SR|COUNTY (ROAD|RD))\.?")
_RURAL = re.compile(r"(RR|HC|RURAL ROUTE|STAR ROUTE|HIGHWAY CONTRACT) ?#?\d+,? BOX #?\d+[A-Z]?$")
_BOX = re.compile(r"^(P\.? ?O\.? ?|POST OFFICE )BOX\b")
_LETTERS = re.compile(r"[A-Z0-9][A-Z0-9 .,#'/&()-]*$")
# No English word begins like this, so the first letter is a direction that lost its blank: WMAPLE, NMAIN, SGENESEE.
_DIRECTION_GLUED = re.compile(r"\b(N(?=[BCDFHJKLMNPQRSTVXZ])|W(?=[BCDFGJKLMNPQSTVWXZ])|S(?=[BDFGXZ]))(?=[A-Z]{3})")
_UNIT_GLUED = re.compile(
    r"(?:\b|(?<=ST|RD|DR|LN|CT|PL)|(?<=AVE))(APT|UNIT|STE|LOT|BLDG|TRLR|FLOOR|SUITE)(#?\d+[A-Z]?)\b"
)


class Street(NamedTuple):
    """A street line.

    Attributes:
        text: As printed, in capitals, with its blanks.
        sure: How sure its text is, 0..1.
        typed: Whether it has a type.
        ends: Whether nothing but a unit, pole or direction stands behind its type: then all of it was read, and no more.
    """

    text: str
    sure: float
    typed: bool
    ends: bool


def street_of(text: str) -> Street | None:
    """Read a street line; None if it is not one, or is a post office box, which has no meter."""
    if len(text) > MOST_CHARACTERS:
        return None
    capitals, sure = letters_only(text)
    if _BOX.match(capitals) or not _LETTERS.match(capitals):
        return None
    if _RURAL.match(capitals):
        return Street(text, sure, typed=True, ends=True)
    if _ORDINAL.search(capitals.partition(" ")[0]):
        return None
    line = _UNIT_GLUED.sub(r" \1 \2", _POLE.sub("PO", _HOUSE_GLUED.sub(r"\1 ", capitals)))
    line = _DIRECTION_GLUED.sub(r"\1 ", _JOINED_ROAD.sub(lambda road: " ".join(filter(None, road.groups())), line))
    words = line.split()
    if _NUMBER_LOST.fullmatch(line):
        return None
    if len(words) < 2 or not _NUMBER.match(words[0]) or not any(c.isalpha() for c in "".join(words[1:])):
        return None
    last = _last_type(words)
    if last is None and (parted := _part_glued(words)) is not None:
        words, last, sure = parted, _last_type(parted), _GLUED_SURE * sure
    ends = (
        last is not None
        and words[last].strip(".,") != words[last - 1].strip(".,")
        and all(map(_is_behind_type, words[last + 1 :], words[last:]))
    )
    return Street(_in_case_of(text, " ".join(words)), sure, last is not None, ends)


def is_unit(text: str) -> bool:
    """Return whether a line is nothing but a unit of a building, as APT 3B."""
    words = text.upper().replace("#", " # ").split()
    return 1 <= len(words) <= 4 and (words[0].strip(".") in _UNITS or words[0] == "#")


def letters_only(text: str) -> tuple[str, float]:
    """Return a text in capitals, with digits inside words corrected to letters; each correction costs confidence."""
    capitals = sum(c.isupper() for c in text) > 4 * sum(c.islower() for c in text)
    mended = (text.replace("l", "I") if capitals else text).upper()
    mended = re.sub(r"(?<=[A-Z])0(?=[A-Z])", "O", mended)
    mended = re.sub(r"(?<=[A-Z])1(?=[A-Z])", "I", mended)
    changed = sum(one != other for one, other in zip(text.upper(), mended, strict=True))
    return mended, 0.85**changed


def _in_case_of(printed: str, mended: str) -> str:
    """Return a corrected line in the printed case; correcting changes characters, not their number."""
    signs = iter("".join(printed.split()))
    if sum(c.isupper() for c in printed) > 4 * sum(c.islower() for c in printed):
        return mended
    return "".join(" " if sign == " " else own if (own := next(signs)).upper() == sign else sign for sign in mended)


def _last_type(words: list[str]) -> int | None:
    """Return which word is the last type of street, or the number of a numbered road; the name before it has a word."""
    for index in range(len(words) - 1, 0, -1):
        word = words[index].strip(".,")
        if word in _TYPES and (index > 1 or word == "BROADWAY"):
            return index
        if index > 1 and re.fullmatch(r"\d{1,3}[A-Z]?", word) and re.fullmatch(_ROADS, words[index - 1].strip(".,")):
            return index
    return None


def _part_glued(words: list[str]) -> list[str] | None:
    """Return the words with the type parted from the one that it was joined to, and from a unit's number behind it."""
    for index in range(len(words) - 1, 0, -1):
        if (glued := _GLUED.match(words[index])) and not _WHOLE_WORDS.search(glued["name"] + glued["type"]):
            return [*words[:index], *filter(None, glued.groups()), *words[index + 1 :]]
    return None


def _is_behind_type(word: str, before: str) -> bool:
    bare = word.strip(".,#")
    unit = before.strip(".,") in _UNITS or before == "#"
    return (
        bare in _DIRECTIONS or bare in _UNITS or any(c.isdigit() for c in bare) or not bare or (unit and len(bare) <= 2)
    )

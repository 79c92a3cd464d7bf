"""Postal addresses in New York as text: street line, town line, both on one line, and the slips that OCR makes in them."""

from __future__ import annotations

import re

# Zip codes of New York: 100..149, and 005 and 06390 of Long Island's islands (https://pe.usps.com/text/LabelingLists/L002.htm).
_TOWN = re.compile(
    r"^(?P<town>[A-Z][A-Z .'&-]+?)[\s,.]*(?P<state>N\.?[YV]\.?)[\s,.]*(?P<zip>1[0-4]\d{3}|00501|00544|06390)(?P<four>-\d{4})?$",
    re.IGNORECASE,
)
_STREET = re.compile(r"^\d[\dA-Z/-]{0,7} [A-Z0-9][A-Z0-9 .,#'/&-]*[A-Z][A-Z0-9 .,#'/&-]*$", re.IGNORECASE)
_ONE_LINE = re.compile(r"^(?P<street>\d.*?[A-Z0-9.])\s?[,.]\s?(?P<rest>[A-Z][^,]*)$", re.IGNORECASE)
# The commoner of the street suffixes in https://pe.usps.com/text/pub28/28apc_002.htm, and numbered roads.
_STREET_TYPE = re.compile(
    r"\b(ALY|AVE?|AVENUE|BEND|BLVD|BND|CIR|CIRCLE|CMNS|COURT|CRES|CT|DR|DRIVE|EXT|GREEN|GRN|HEIGHTS|HILL|HL|HTS|HWY|LANE|LN|"
    r"LOOP|PARK|PATH|PIKE|PKWY|PL|PLACE|PLZ|POINT|PT|RD|RDG|RIDGE|ROAD|ROUTE|ROW|RTE|RT|RUN|SQ|ST|STREET|TER|TERRACE|TPKE|TRL|"
    r"VLG|WALK|WAY|BROADWAY)\b\.?",
    re.IGNORECASE,
)
_TYPE_NAMES = _STREET_TYPE.pattern.removeprefix(r"\b(").removesuffix(r")\b\.?")
# The comma was not read: the street ends with the first street type after its first word, or with a unit or pole after it.
_NO_COMMA = re.compile(
    rf"^(?P<street>\d\S* \S+.*? (?:{_TYPE_NAMES})(?: (?:HSE|POL? ?[\d-]+|L-\d+|(?:APT|UNIT|STE|FL) \S+))?) "
    r"(?P<rest>[A-Z][^,]*)$",
    re.IGNORECASE,
)
# Numbered roads that came without their blanks, as COUNTYROAD198.
_JOINED_ROAD = re.compile(r"\b(COUNTY|STATE)?(ROAD|ROUTE|RTE|RD|HWY|HIGHWAY)(\d{1,3}[A-Z]?)\b", re.IGNORECASE)
_POLE = re.compile(r"\bP0(?=\d{1,3}-\d)", re.IGNORECASE)  # PO62-8: a pole, its O read as a zero
_JOINED_TYPE = re.compile(rf"^\d\S* [A-Z]{{4,}}(?:{_TYPE_NAMES})$", re.IGNORECASE)
_COMMA_LOST = 0.9
_BLANK_LOST = 0.95
_BOX = re.compile(r"\bP\.?\s?O\.?\s?BOX\b", re.IGNORECASE)
_NO_BLANK = re.compile(r"[A-Z]{3}N\.?[YV]\.?", re.IGNORECASE)  # a town that runs into the state

Address = tuple[str, str, str]
"""Street, town, zip."""


def one_line(address: Address) -> str:
    """Return an address on one line as bills print it."""
    street, town, code = address
    return f"{street}, {town} NY {code}"


def parts(address: Address) -> dict[str, str]:
    """Return the parts of an address by name."""
    street, town, code = address
    house, _, name = street.partition(" ")
    return {"house_number": house, "street": name, "town": town, "state": "NY", "zip": code}


def two_lines_of(street_line: str, town_line: str) -> tuple[Address, float] | None:
    """Read an address off two lines, with how sure the reading of its text is."""
    street, town = street_of(tidy(street_line)), town_of(tidy(town_line))
    if not street or not town:
        return None
    # Without a comma nothing tells that the end of the street was read.
    whole = 1.0 if _STREET_TYPE.search(street[0]) else 0.95 if _JOINED_TYPE.search(street[0]) else 0.8
    return (street[0], town[0], town[1]), whole * street[1] * town[2]


def one_line_of(text: str, *, comma: bool) -> tuple[Address, float] | None:
    """Read a whole address off one line, with how sure the reading of its text is.

    Args:
        text: Nothing but the address.
        comma: Whether a comma parts street and town; without one the street must end with a street type.
    """
    match = (_ONE_LINE if comma else _NO_COMMA).match(text)
    if match and (town := town_of(match["rest"])) and (street := street_of(match["street"])):
        return (street[0], town[0], town[1]), (1.0 if comma else _COMMA_LOST) * street[1] * town[2]
    return None


def street_of(text: str) -> tuple[str, float] | None:
    """Return a street line with its slips mended and how sure that is; None if it is none."""
    text = re.sub(r"^(\d+)(?=[A-Z]{3})", r"\1 ", text)
    text = _POLE.sub("PO", text)
    text = _JOINED_ROAD.sub(lambda road: " ".join(filter(None, road.groups())), text)
    if not _STREET.match(text) or _BOX.search(text):
        return None
    return _letters_only(text)


def town_of(text: str) -> tuple[str, str, float] | None:
    """Return town and zip code of a line, and how sure they are; None if it is none, or of a mailing address (ZIP+4)."""
    match = _TOWN.match(tidy(text))
    if not match or match["four"]:
        return None
    town, sure = _letters_only(match["town"].strip(" ."))
    if _NO_BLANK.search(match.string) and " NY" not in match.string.upper():
        if town.upper() == "ALBA":  # ALBANY without its state
            return None
        sure *= _BLANK_LOST
    return town, match["zip"], sure * (1.0 if match["state"][-1] in "Yy." else 0.9)


def _letters_only(text: str) -> tuple[str, float]:
    """Mend digits inside words of letters and small letters among capitals; each mended one costs confidence."""
    mended = re.sub(r"(?<=[A-Z])0(?=[A-Z])", "O", text)
    mended = re.sub(r"(?<=[A-Z])1(?=[A-Z])", "I", mended)
    if sum(c.isupper() for c in mended) > 4 * sum(c.islower() for c in mended):
        mended = mended.replace("l", "I").upper()
    changed = sum(one != other for one, other in zip(text, mended, strict=True))
    return mended, 0.85**changed


def tidy(text: str) -> str:
    """Return a name or a line of an address with what OCR adds taken away."""
    return re.sub(r"\s+", " ", re.sub(r"\s+([,.])", r"\1", text)).strip(" .,:;|-_'\"")

"""Service address and customer name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from rapidfuzz import fuzz

from intake.reading.geometry import Phrase, Sheet, Token
from intake.reading.knowledge import Utility
from intake.reading.labels import Anchor, compact
from intake.reading.sightings import Sighting, wording_certainty

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
_JOINED_TYPE = re.compile(rf"^\d\S* [A-Z]{{4,}}(?:{_TYPE_NAMES})$", re.IGNORECASE)
_COMMA_LOST = 0.9
_BLANK_LOST = 0.95
_BOX = re.compile(r"\bP\.?\s?O\.?\s?BOX\b", re.IGNORECASE)
_UTILITY_PLACES = re.compile(r"CORRESPONDENCE|REMIT|PAYMENT|PAYABLE", re.IGNORECASE)
_NOT_A_NAME = re.compile(
    r"\d{5}|\$|:|@|\b(account|number|date|page|amount|statement|address|service|period|bill)\b", re.IGNORECASE
)

_NO_BLANK = re.compile(r"[A-Z]{3}N\.?[YV]\.?", re.IGNORECASE)  # a town that runs into the state
_JOINED_NAME = 13  # signs: hardly any word is so long, two names that came without their blank are
_LIKE_A_LABEL = 75
_GAP = 1.6
_NARROW = 0.9
_WIDE = 2.5
_INDENT = 0.8
_RAGGED = 0.4  # print heights, less than a letter and its blank
_LABELS = ("servicefor", "servicedeliveredto", "serviceaddress", "customername", "autopay", "duplicate", "uponreceipt")

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


def addresses(anchors: Iterable[Anchor]) -> Iterator[Sighting[Address]]:
    """Yield the sightings of the service address: one line right of its label, or a block under it."""
    for anchor in anchors:
        if anchor.name != "service_address":
            continue
        beside = [token for phrase in anchor.right(3) for token in phrase.tokens]
        if (found := _beside(beside)) is not None:
            tokens, address, sure = found
            yield Sighting(address, 0.97 * sure * _certainty(tokens), anchor.sheet.page, tokens, "label left")
            continue
        block = [_whole_line(anchor.sheet, line) for line in _block(anchor)]
        for index in range(1, len(block)):
            address_two, sure = _two_lines(block[index - 1], block[index])
            if address_two:
                tokens = [*block[index - 1].tokens, *block[index].tokens]
                yield Sighting(
                    address_two,
                    0.97 * sure * wording_certainty(tokens) * _wholeness(block[index - 1], block[index]),
                    anchor.sheet.page,
                    block[index - 1].tokens,
                    "label above",
                )
                break


def headed_blocks(sheets: Iterable[Sheet], anchors: Sequence[Anchor]) -> Iterator[tuple[Sighting[Address], Phrase]]:
    """Yield address blocks whose label is cut off: above or beside the account number at the top, with its first line.

    Mailing addresses stand lower and carry ZIP+4; the utility's own have a comma or a heading.
    """
    tops = {id(a.sheet): a.phrase.mid for a in reversed(anchors) if a.name in ("account_number", "period")}
    for sheet in sheets:
        if id(sheet) not in tops:
            continue
        for town in sheet.phrases:
            if town.mid > tops[id(sheet)] + 6 or not _town(town.text):
                continue
            block = [town]
            while len(block) < 4 and (over := _line_above(sheet, block[-1])) is not None:
                block.append(over)
            if len(block) >= 3 and not any(_UTILITY_PLACES.search(line.text) for line in block):
                address, sure = _two_lines(_whole_line(sheet, block[1]), town)
                if address:
                    tokens = [*block[1].tokens, *town.tokens]
                    worth = 0.88 * sure * _certainty(tokens)
                    yield Sighting(address, worth, sheet.page, block[1].tokens, "position"), block[-1]


def names(anchors: Iterable[Anchor], utility: Utility) -> Iterator[Sighting[str]]:
    """Yield the sightings of the customer's name: in the line over or under a label, or right of it."""
    for anchor in anchors:
        if anchor.name == utility.name_above and utility.name_above:
            phrase, how = _over(anchor), "line above the account number"
        elif anchor.name == "customer_name":
            beside = anchor.right(1)
            close = bool(anchor.rest) or anchor.tokens[-1].text.endswith(":")
            phrase = beside[0] if close and beside and _is_name(beside[0].text) and anchor.first == 0 else None
            how = "label left"
            if phrase is None:
                under = anchor.below(2.8)
                phrase, how = (under[0] if under else None), "label above"
        else:
            continue
        if phrase is None or (how == "label above" and _is_street_over_town(anchor.sheet, phrase)):
            continue
        if _is_name(phrase.text) and not _is_label(phrase.text, utility):
            worth = 0.96 if _is_whole_name(phrase, anchor, how) else 0.6
            yield Sighting(
                _tidy(phrase.text), worth * wording_certainty(phrase.tokens), anchor.sheet.page, phrase.tokens, how
            )


def _is_street_over_town(sheet: Sheet, phrase: Phrase) -> bool:
    """Tell whether a line is the street of an address, so that the name over it was not read."""
    under = sheet.below(phrase, reach=2.0, left=phrase.left, right=phrase.left + 2)
    return bool(_street(_tidy(phrase.text))) and bool(under) and _town(under[0].text) is not None


def _is_whole_name(phrase: Phrase, anchor: Anchor, how: str) -> bool:
    """Tell whether a name shows no sign that a part was not read: a single word, an initial in front, an indent, a gap."""
    indented = how == "label above" and abs(phrase.left - anchor.tokens[0].left) > _INDENT
    whole = len(phrase.tokens) > 1 or len(phrase.text) >= _JOINED_NAME
    return whole and len(phrase.tokens[0].text) > 1 and not indented and _is_unbroken(phrase.tokens)


def _over(anchor: Anchor) -> Phrase | None:
    """Return the line over a label and its value, if it ends where the value ends: else a part of it was not read."""
    values = anchor.right(1)
    if not values:
        return None
    over = anchor.sheet.above(anchor.phrase, reach=3.6, left=anchor.tokens[0].left, right=values[0].right)
    if not over or any(abs(other.mid - over[0].mid) < 0.7 for other in over[1:]):
        return None
    return over[0] if abs(over[0].right - values[0].right) < _RAGGED else None


def _is_label(text: str, utility: Utility) -> bool:
    """Tell whether a text is a label of the bill or a piece of one, in spite of a slip or two."""
    said = compact(text)
    labels = {compact(label) for texts in utility.labels.values() for label in texts}
    return any(said in label or fuzz.ratio(said, label) > _LIKE_A_LABEL for label in labels)


def is_name(text: str) -> bool:
    """Tell whether a line may be a customer's name."""
    return _is_name(text)


def tidy(text: str) -> str:
    """Return a name or street with what OCR adds taken away."""
    return _tidy(text)


def _certainty(tokens: Sequence[Token]) -> float:
    """Return how sure an address is; its house number counts twice, because nothing else on the page confirms it."""
    return wording_certainty(tokens) * tokens[0].confidence * (1 if _is_unbroken(tokens) else 0.6)


def _wholeness(*lines: Phrase) -> float:
    return 1.0 if all(_is_unbroken(line.tokens) for line in lines) else 0.6


def _is_unbroken(tokens: Sequence[Token]) -> bool:
    """Tell whether words follow one another without a gap that a word could fill which was not read."""
    one_line = (pair for pair in pairwise(tokens) if abs(pair[0].end - pair[1].start) < 0.7)
    gaps = [after.left - before.right for before, after in one_line]
    usual = min(_GAP, _WIDE * median(gaps)) if len(gaps) > 1 else 0.0
    return all(gap < max(_NARROW, usual) for gap in gaps)


def _line_above(sheet: Sheet, line: Phrase) -> Phrase | None:
    over = sheet.above(line, reach=2.2, left=line.left, right=line.left + 2)
    return over[0] if over and abs(over[0].left - line.left) < 1.5 else None


def _block(anchor: Anchor) -> list[Phrase]:
    """Return the lines under a label that begin where it begins, as long as they follow closely."""
    lines: list[Phrase] = []
    last = anchor.phrase
    left = anchor.tokens[0].left
    for _ in range(5):
        under = [
            phrase
            for phrase in anchor.sheet.below(last, reach=2.6 if lines else 3.0, left=left, right=left + 2)
            if abs(phrase.left - left) < 3.0
        ]
        if not under:
            break
        last = under[0]
        left = last.left
        lines.append(last)
    return lines


def _beside(tokens: Sequence[Token]) -> tuple[Sequence[Token], Address, float] | None:
    """Read an address off the words right of its label; words after the zip code do not belong to it."""
    for stop in range(len(tokens), 0, -1):
        text = _tidy(" ".join(token.text for token in tokens[:stop]))
        match = _ONE_LINE.match(text)
        if match and (town := _town(match["rest"])) and (street := _street(match["street"])):
            return tokens[:stop], (street[0], town[0], town[1]), street[1] * town[2]
    for stop in range(len(tokens), 2, -1):
        text = _tidy(" ".join(token.text for token in tokens[:stop]))
        match = _NO_COMMA.match(text)
        if match and (town := _town(match["rest"])) and (street := _street(match["street"])):
            return tokens[:stop], (street[0], town[0], town[1]), _COMMA_LOST * street[1] * town[2]
    return None


def _whole_line(sheet: Sheet, phrase: Phrase) -> Phrase:
    """Return a phrase with what follows it at little distance: a word that was read badly leaves a gap."""
    tokens = list(phrase.tokens)
    for other in sheet.after(phrase):
        if other.left - tokens[-1].right > 4.0:
            break
        tokens += other.tokens
    return Phrase(tokens)


def _two_lines(street: Phrase, town: Phrase) -> tuple[Address | None, float]:
    found_street, found_town = _street(_tidy(street.text)), _town(_tidy(town.text))
    if not found_street or not found_town:
        return None, 0.0
    # Without a comma nothing tells that the end of the street was read.
    whole = 1.0 if _STREET_TYPE.search(found_street[0]) else 0.95 if _JOINED_TYPE.search(found_street[0]) else 0.8
    return (found_street[0], found_town[0], found_town[1]), whole * found_street[1] * found_town[2]


def _street(text: str) -> tuple[str, float] | None:
    text = re.sub(r"^(\d+)(?=[A-Z]{3})", r"\1 ", text)
    if not _STREET.match(text) or _BOX.search(text):
        return None
    return _letters_only(text)


def _town(text: str) -> tuple[str, str, float] | None:
    match = _TOWN.match(_tidy(text))
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


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s+([,.])", r"\1", text)).strip(" .,:;|-_'\"")


def _is_name(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters) >= 0.8 * len(letters) or text.istitle()
    ordinary = not _NOT_A_NAME.search(text) and not any(compact(text) in label for label in _LABELS)
    return len(letters) >= 4 and capitals and len(text.split()) <= 9 and ordinary

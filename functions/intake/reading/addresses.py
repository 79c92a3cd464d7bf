"""The service address: beside or under its label, or at the top of the page where the label is cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from intake.reading.geometry import Phrase, Sheet, Token
from intake.reading.labels import Anchor
from intake.reading.postal import Address, one_line_of, tidy, town_of, two_lines_of
from intake.reading.sightings import Sighting, certainty
from intake.reading.tokens import is_unbroken

_UTILITY_PLACES = re.compile(r"CORRESPONDENCE|REMIT|PAYMENT|PAYABLE", re.IGNORECASE)
_BROKEN = 0.6


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
            if (two := two_lines_of(block[index - 1].text, block[index].text)) is not None:
                address, sure = two
                tokens = [*block[index - 1].tokens, *block[index].tokens]
                yield Sighting(
                    address,
                    0.97 * sure * certainty(tokens) * _wholeness(block[index - 1], block[index]),
                    anchor.sheet.page,
                    block[index - 1].tokens,
                    "label above",
                )
                break


def headed_blocks(
    sheets: Iterable[Sheet], anchors: Sequence[Anchor], is_label: Callable[[str], bool]
) -> Iterator[tuple[Sighting[Address], Phrase]]:
    """Yield address blocks whose label is cut off: above or beside the account number at the top, with its first line.

    Mailing addresses stand lower and carry ZIP+4; the utility's own have a comma or a heading.

    Args:
        sheets: All sheets.
        anchors: All labels.
        is_label: Tells what is left of a label, so that it is not taken for the block's first line.
    """
    tops = {id(a.sheet): a.phrase.mid for a in reversed(anchors) if a.name in ("account_number", "period")}
    for sheet in sheets:
        if id(sheet) not in tops:
            continue
        for town in sheet.phrases:
            if town.mid > tops[id(sheet)] + 6 or not town_of(town.text):
                continue
            block = [town]
            while len(block) < 4 and (over := _line_above(sheet, block[-1])) is not None:
                if is_label(over.text):
                    break
                block.append(over)
            if len(block) < 3 or any(_UTILITY_PLACES.search(line.text) for line in block):
                continue
            street = _whole_line(sheet, block[1])
            if (two := two_lines_of(street.text, town.text)) is not None:
                worth = 0.88 * two[1] * _certainty([*street.tokens, *town.tokens])
                yield Sighting(two[0], worth, sheet.page, street.tokens, "position"), block[-1]


def _certainty(tokens: Sequence[Token]) -> float:
    """Return how sure an address is.

    Its house number counts twice, because nothing else on the page confirms it; the state not at all, there is but one.
    """
    told = [token for token in tokens if token.text.strip(".,") != "NY"]
    return certainty(told) * tokens[0].confidence * (1 if is_unbroken(tokens) else _BROKEN)


def _wholeness(*lines: Phrase) -> float:
    return 1.0 if all(is_unbroken(line.tokens) for line in lines) else _BROKEN


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
    for comma in (True, False):
        for stop in range(len(tokens), 0, -1):
            found = one_line_of(tidy(" ".join(token.text for token in tokens[:stop])), comma=comma)
            if found:
                return tokens[:stop], *found
    return None


def _whole_line(sheet: Sheet, phrase: Phrase) -> Phrase:
    """Return a phrase with what follows it at little distance: a word that was read badly leaves a gap."""
    tokens = list(phrase.tokens)
    for other in sheet.after(phrase):
        if other.left - tokens[-1].right > 4.0:
            break
        tokens += other.tokens
    return Phrase(tokens)

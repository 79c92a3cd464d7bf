"""Finds the service address: beside or below its label, or at the top of the page if the label is cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.geometry import Phrase, TextPlane, Token, touched
from intake.extraction.labels import Anchor
from intake.extraction.postal import Address, one_line_of, tidy, town_of, two_lines_of
from intake.extraction.streets import is_unit
from intake.extraction.tokens import is_unbroken

# The utility's own address, or the mailing address of another recipient.
_OTHERS_PLACES = re.compile(
    r"CORRESPONDENCE|REMIT|PAYMENT|PAYABLE|\bC ?/ ?O\b|\bATTN\b|\b(MAIL(ING|ED)?|LANDLORD|AGENTS?|MANAGE(R|MENT)|MGMT|REALTY|"
    r"PROPERT(Y|IES)|HOLDINGS)\b",
    re.IGNORECASE,
)
_BROKEN = 0.6
_LINE_REACH = 2.6  # print heights from one line of a block to the next
_BESIDE_ACCOUNT = 22.0  # print heights from the block's left to that of the account number's label


def addresses(anchors: Iterable[Anchor]) -> Iterator[Candidate[Address]]:
    """Yield the candidates of the service address: on one line right of its label, or in lines beside it or under it."""
    for anchor in anchors:
        if anchor.name != "service_address":
            continue
        beside = [token for phrase in anchor.right(3) for token in phrase.tokens]
        if (found := _beside(beside)) is not None:
            tokens, address, sure = found
            yield Candidate(address, 0.97 * sure * _certainty(tokens), anchor.plane.page, tokens, "label left")
            continue
        blocks = [("label above", _lines_from(anchor.plane, anchor.phrase, anchor.tokens[0].left, 3.0))]
        if beside:
            first = Phrase(beside)
            blocks.append(("label left", [first, *_lines_from(anchor.plane, first, first.left, _LINE_REACH)]))
        for how, block in blocks:
            if (lines := _in_lines(block)) is not None:
                address, sure, street, town = lines
                tokens = [*street.tokens, *town.tokens]
                sure *= 0.97 * certainty(tokens) * _wholeness(street, town)
                yield Candidate(address, sure, anchor.plane.page, street.tokens, how)
                break


def headed_blocks(
    planes: Iterable[TextPlane], anchors: Sequence[Anchor], is_label: Callable[[str], bool]
) -> Iterator[tuple[Candidate[Address], Phrase]]:
    """Yield address blocks whose label is cut off, with their first line: left of the account number at the top of a page.

    Such a block has no label, so any counterevidence rules it out: mailing addresses are lower on the page, have ZIP+4 or
    "c/o"; the utility's own addresses have a heading.

    Args:
        planes: All planes.
        anchors: All labels.
        is_label: Tells what is left of a label, so that it is not taken for the block's first line.
    """
    tops = {id(a.plane): a.phrase for a in reversed(anchors) if a.name in ("account_number", "period")}
    for plane in planes:
        if (top := tops.get(id(plane))) is None:
            continue
        for town in plane.phrases:
            if town.mid > top.mid + 6 or not 0 < top.left - town.left < _BESIDE_ACCOUNT:
                continue
            if (read := town_of(town.text)) is None or read.mailing:
                continue
            block = [town]
            while len(block) < 4 and (over := _line_above(plane, block[-1])) is not None:
                if is_label(over.text):
                    break
                block.append(over)
            if len(block) < 3 or any(_OTHERS_PLACES.search(line.text) for line in block):
                continue
            street = _whole_line(plane, block[1])
            if (two := two_lines_of(street.text, town.text)) is not None:
                worth = 0.88 * two[1] * _certainty([*street.tokens, *town.tokens])
                yield Candidate(two[0], worth, plane.page, street.tokens, "position"), block[-1]


def _certainty(tokens: Sequence[Token]) -> float:
    """Return how sure an address is.

    Its house number counts twice, because nothing else on the page confirms it. The state does not count: there is only one.
    """
    told = [token for token in tokens if token.text.strip(".,") != "NY"]
    return certainty(told) * tokens[0].confidence * (1 if is_unbroken(tokens) else _BROKEN)


def _wholeness(*lines: Phrase) -> float:
    return 1.0 if all(is_unbroken(line.tokens) for line in lines) else _BROKEN


def _line_above(plane: TextPlane, line: Phrase) -> Phrase | None:
    over = plane.above(line, reach=2.2, left=line.left, right=line.left + 2)
    return over[0] if over and abs(over[0].left - line.left) < 1.5 else None


def _lines_from(plane: TextPlane, last: Phrase, left: float, reach: float) -> list[Phrase]:
    """Return the lines under one that begin where it begins, as long as they follow closely."""
    lines: list[Phrase] = []
    for _ in range(5):
        near = plane.below(last, reach=reach, left=left, right=left + 2)
        under = [phrase for phrase in near if abs(phrase.left - left) < 3.0]
        if not under:
            break
        last, reach = under[0], _LINE_REACH
        left = last.left
        lines.append(_whole_line(plane, last))
    return lines


def _in_lines(block: Sequence[Phrase]) -> tuple[Address, float, Phrase, Phrase] | None:
    """Read an address from a block of lines; a unit may have a line of its own between street and town."""
    for index in range(1, len(block)):
        street, town = block[index - 1], block[index]
        if is_unit(tidy(street.text)) and index > 1:
            street = Phrase([*block[index - 2].tokens, *street.tokens])
        if (two := two_lines_of(street.text, town.text)) is not None:
            return *two, street, town
    return None


def _beside(tokens: Sequence[Token]) -> tuple[Sequence[Token], Address, float] | None:
    """Read an address from the words right of its label; words after the zip code do not belong to it."""
    found = one_line_of(" ".join(token.text for token in tokens))
    if found is None:
        return None
    address, sure, stop = found
    return touched(tokens, 0, stop), address, sure


def _whole_line(plane: TextPlane, phrase: Phrase) -> Phrase:
    """Return a phrase with what follows it closely: a misread word leaves a gap."""
    tokens = list(phrase.tokens)
    for other in plane.after(phrase):
        if other.left - tokens[-1].right > 4.0:
            break
        tokens += other.tokens
    return Phrase(tokens)

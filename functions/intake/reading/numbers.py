"""Account numbers and PoD IDs: by format, prefix and label, with a second sighting where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from intake.reading.geometry import Phrase, Sheet, Token
from intake.reading.knowledge import AccountFormat, PodFormat, Utility
from intake.reading.labels import Anchor
from intake.reading.printed import digits_of
from intake.reading.sightings import Sighting, certainty

_SLIP = 0.07  # confidence that a letter taken for a digit costs
_POD_SIGNS = range(12, 25)  # with the marks that OCR may add: spares looking closer at every other run of words
_DASH_ROOM = 0.25
_SUPPLIER_LINES = 6.0  # print heights
_SUPPLIER_WIDTH = 20.0
_COMPLETED = 0.84
_DASH = re.compile(r"[–—-]+")
_GROUPED = re.compile(r"^[^\s–—-]+(?:[–—-][^\s–—-]+)+$")
_LONGEST_RUN = 8  # words: four groups with a dash between each two come to seven


def accounts(sheets: Sequence[Sheet], anchors: Iterable[Anchor], utility: Utility) -> Iterator[Sighting[str]]:
    """Yield the sightings of account numbers (digits only).

    A number needs its label; or its groups and a known prefix; or the stub's scan line. Numbers labelled as somebody
    else's (a supplier's, a meter's) never come here, since the nearest label decides.
    """
    labelled: dict[tuple[int, ...], str] = {}
    others: set[int] = set()
    anchors = list(anchors)
    suppliers = _of_suppliers(anchors)
    for anchor in anchors:
        if anchor.name == "account_number":
            for how, phrase in _places(anchor):
                for tokens in _runs(phrase.tokens):
                    labelled.setdefault(tuple(id(token) for token in tokens), how)
        elif anchor.name in ("other_number", "meter_number"):
            others.update(id(token) for _, phrase in _places(anchor)[:1] for token in phrase.tokens)
    for sheet in sheets:
        for phrase in sheet.phrases:
            for tokens in _runs(phrase.tokens):
                if suppliers.intersection(id(token) for token in tokens):
                    continue
                how = labelled.get(tuple(id(token) for token in tokens), "")
                if how or not others.intersection(id(token) for token in tokens):
                    yield from _account(tokens, sheet.page, how, utility.account)
                    yield from _completed(tokens, sheet.page, how, utility.account)
            yield from _scan_line(phrase, sheet.page, utility.account)


def account_label_without_number(anchors: Iterable[Anchor], account: AccountFormat) -> bool:
    """Tell whether digits next to an account label are too few: the number is cut off or was not read whole."""
    for anchor in anchors:
        if anchor.name != "account_number":
            continue
        for _, phrase in _places(anchor):
            read = digits_of(phrase.tokens[0].text)
            if read and 2 <= len(read[0]) < min(account.digits):
                return True
        if not _places(anchor):
            return True
    return False


def printed(sighting: Sighting[str], account: AccountFormat) -> str:
    """Return an account number with its hyphens: the utility's where they are known, else those that were read."""
    digits = sighting.value
    for groups in account.groups:
        if sum(groups) == len(digits):
            ends = [sum(groups[: index + 1]) for index in range(len(groups))]
            return "-".join(digits[end - size : end] for end, size in zip(ends, groups, strict=True))
    read = re.sub(r"[^\d-]", "", "".join(token.text for token in sighting.tokens))
    return read if read.replace("-", "") == digits else digits


def may_be_misread(winner: str, rival: str) -> bool:
    """Tell whether one number may be the other with one slip of OCR."""
    return winner != rival and Levenshtein.distance(winner, rival, score_cutoff=1) <= 1


def pods(sheets: Sequence[Sheet], anchors: Iterable[Anchor], utility: Utility) -> Iterator[Sighting[str]]:
    """Yield the sightings of PoD IDs, electric and gas; the caller tells them apart by format and section."""
    formats = utility.pod
    labelled = {id(t) for a in anchors if a.name == "pod_id" for _, phrase in _places(a) for t in phrase.tokens}
    for sheet in sheets:
        for phrase in sheet.phrases:
            for tokens in _windows(phrase.tokens, 6, _POD_SIGNS):
                read = _pod(tokens, formats)
                if read is None:
                    continue
                value, slips = read
                near = any(id(token) in labelled for token in tokens)
                if near or formats.printed:
                    sure = certainty(tokens) * (1 - _SLIP) ** max(0, slips - 1)
                    usual = formats.usual.fullmatch(value) or formats.gas.fullmatch(value)
                    confidence = sure * (0.99 if near else 0.93) * (1 if usual else 0.8)
                    yield Sighting(value, confidence, sheet.page, tokens, "label left" if near else "format")


def _pod(tokens: Sequence[Token], formats: PodFormat) -> tuple[str, float] | None:
    """Read a PoD ID off words, with the slips that were mended; None if it is none."""
    text = re.sub(r"[\s.:,-]", "", "".join(token.text for token in tokens)).upper()
    match = formats.shape.fullmatch(text) or formats.shape.fullmatch(text.strip("|[]"))  # a table's border
    read = digits_of(match["digits"]) if match else None
    if not match or not read:
        return None
    value = match["letters"] + read[0]
    known = formats.electric.fullmatch(value) or formats.gas.fullmatch(value)
    return (value, read[1]) if known else None


def _places(anchor: Anchor) -> list[tuple[str, Phrase]]:
    """Return where the value of a label may stand: right of it, else under it."""
    right = [("label left", phrase) for phrase in anchor.right(1)]
    if right and digits_of(right[0][1].tokens[0].text):
        return right
    return [*right, *(("label above", phrase) for phrase in anchor.below()[:2])]


def _windows(tokens: Sequence[Token], longest: int, signs: range) -> Iterator[Sequence[Token]]:
    """Yield the runs of words that have as many signs as wanted."""
    lengths = [len(token.text) for token in tokens]
    for first in range(len(tokens)):
        length = 0
        for stop in range(first + 1, min(len(tokens), first + longest) + 1):
            length += lengths[stop - 1]
            if length >= signs.stop:
                break
            if length >= signs.start:
                yield tokens[first:stop]


def _runs(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield runs of neighbouring words that hold nothing but digits and hyphens, none next to further digits."""
    first = 0
    while first < len(tokens):
        stop = first
        while stop < len(tokens) and stop - first < _LONGEST_RUN and _continues(tokens, first, stop):
            stop += 1
        if stop > first:
            yield tokens[first:stop]
        if stop > first + 1:
            yield from ([token] for token in tokens[first:stop] if _GROUPED.match(token.text))
        first = max(stop, first + 1)


def _continues(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Tell whether a word belongs to a run of digits: digits do, and a dash between digits."""
    if _DASH.fullmatch(tokens[stop].text):
        return first < stop < len(tokens) - 1 and digits_of(tokens[stop + 1].text) is not None
    return digits_of(tokens[stop].text.strip(".,:;")) is not None


def _account(tokens: Sequence[Token], page: int, how: str, account: AccountFormat) -> Iterator[Sighting[str]]:
    read = digits_of("".join(token.text.strip(".,:;") for token in tokens))
    if read is None or not account.admits(read[0]):
        return
    digits, slips = read
    text = "-".join(bare for token in tokens if (bare := token.text.strip(".,:;-–—")))
    grouped = bool(_GROUPED.match(text)) and [len(g) for g in re.split("[–—-]+", text)] in [
        list(g) for g in account.groups
    ]
    if account.needs_groups and not (grouped and _is_parted(tokens)):
        return
    if not how and not (grouped and (account.prefixes or account.needs_groups)):
        return
    sure = certainty(tokens) * (1 - _SLIP) ** slips
    known = 0.98 if grouped and account.prefixes else 0.97 if grouped or account.prefixes else 0.93
    yield Sighting(digits, sure * known * (1 if how else 0.93), page, tokens, how or "format")


def _is_parted(tokens: Sequence[Token]) -> bool:
    """Tell whether a dash parts the groups, or the room that a lost one leaves; a word cut in two leaves none."""
    dashed = any(_DASH.search(token.text) for token in tokens)
    return dashed or all(after.left - before.right > _DASH_ROOM * before.height for before, after in pairwise(tokens))


def _of_suppliers(anchors: Iterable[Anchor]) -> set[int]:
    """Return the words of the lines under a supplier's heading: a number there is the supplier's, whatever its label."""
    return {
        id(token)
        for anchor in anchors
        if anchor.name == "supplier" and anchor.first == 0
        for line in anchor.below(_SUPPLIER_LINES)
        for phrase in anchor.sheet.row(line)[:4]
        if phrase.left - line.left < _SUPPLIER_WIDTH
        for token in phrase.tokens
    }


def _completed(tokens: Sequence[Token], page: int, how: str, account: AccountFormat) -> Iterator[Sighting[str]]:
    """Yield a number whose first group lost one digit of the prefix that all of the utility's numbers share.

    Engines overlook a 1 at the beginning of a line. Nothing is guessed: label, hyphens and the other groups are there, and
    only one digit in one place gives the prefix again. The confidence stays low enough to have it compared.
    """
    read = digits_of("".join(token.text.strip(".,:;") for token in tokens))
    text = "-".join(bare for token in tokens if (bare := token.text.strip(".,:;-–—")))
    sizes = [len(group) for group in re.split("[–—-]+", text)]
    if read is None or read[1] or not how:
        return
    for groups in account.groups:
        if sizes == [groups[0] - 1, *groups[1:]]:
            for prefix in account.prefixes:
                shortened = {prefix[:index] + prefix[index + 1 :] for index in range(len(prefix))}
                kept = read[0][: len(prefix) - 1]
                if kept in shortened and not read[0].startswith(prefix):
                    value = prefix + read[0][len(prefix) - 1 :]
                    yield Sighting(value, _COMPLETED * certainty(tokens), page, tokens, "prefix completed")


def _scan_line(phrase: Phrase, page: int, account: AccountFormat) -> Iterator[Sighting[str]]:
    if account.scan_line is None:
        return
    text = "".join(token.text for token in phrase.tokens)
    match = account.scan_line.fullmatch(text)
    if match and account.admits(match["account"]):
        yield Sighting(match["account"], 0.6 * certainty(phrase.tokens), page, phrase.tokens, "scan line")

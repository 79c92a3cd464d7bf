"""Finds account numbers and PoD IDs by format, prefix and label, with a second candidate if there is one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.combs import GAP
from intake.extraction.digit_runs import DASH, GROUPED, is_masked, is_open, is_whole, rests, runs
from intake.extraction.geometry import Phrase, TextPlane, Token
from intake.extraction.labels import Anchor
from intake.extraction.printed import digits_of
from intake.extraction.utility_profiles import AccountFormat, PodFormat, UtilityProfile

_SLIP = 0.07  # confidence that a letter taken for a digit costs
_POD_SIGNS = range(12, 25)  # with the marks that OCR may add: spares looking closer at every other run of words
_DASH_ROOM = 0.25
_SUPPLIER_LINES = 6.0  # print heights
_SUPPLIER_WIDTH = 20.0
_COMPLETED = 0.84
COMPLETED = "prefix completed"
"""`how` of a number whose first digit was lost and restored."""
_JOINED = 0.95


def accounts(
    planes: Sequence[TextPlane], anchors: Iterable[Anchor], utility: UtilityProfile
) -> Iterator[Candidate[str]]:
    """Yield the candidates of account numbers (digits only).

    A number needs its label; or its groups and a known prefix; or the stub's scan line. Numbers labelled as somebody
    else's (a supplier's, a meter's) never come here, since the nearest label decides.
    """
    labelled: dict[tuple[int, ...], str] = {}
    broken: set[int] = set()
    others: set[int] = set()
    anchors = list(anchors)
    suppliers = _of_suppliers(anchors)
    for anchor in anchors:
        if anchor.name == "account_number":
            for how, phrase in _places(anchor):
                for tokens in runs(phrase.tokens):
                    labelled.setdefault(tuple(id(token) for token in tokens), how)
                    if suppliers.isdisjoint(id(token) for token in tokens):
                        found, is_broken = _followed(anchor, how, phrase, tokens, utility.account)
                        yield from found
                        broken.update(id(token) for token in tokens if is_broken)
        elif anchor.name in ("other_number", "meter_number"):
            others.update(id(token) for _, phrase in _places(anchor)[:1] for token in phrase.tokens)
    for plane in planes:
        for phrase in plane.phrases:
            for tokens in runs(phrase.tokens):
                if not (suppliers | broken).isdisjoint(id(token) for token in tokens):
                    continue
                how = labelled.get(tuple(id(token) for token in tokens), "")
                if how or not others.intersection(id(token) for token in tokens):
                    yield from _account(tokens, plane.page, how, utility.account)
                    yield from _completed(tokens, plane.page, how, utility.account)
            yield from _scan_line(phrase, plane.page, utility.account)


def account_label_without_number(anchors: Iterable[Anchor], account: AccountFormat) -> bool:
    """Return whether digits next to an account label are too few: the number is cut off or was not read whole."""
    for anchor in anchors:
        if anchor.name != "account_number":
            continue
        for _, phrase in _places(anchor):
            read = digits_of(phrase.tokens[0].text)
            if read and 2 <= len(read[0]) < min(account.digits):
                return True
            if any(not is_whole(tokens, account) for tokens in runs(phrase.tokens)):
                return True
        if not _places(anchor):
            return True
    return False


def printed(candidate: Candidate[str], account: AccountFormat) -> str:
    """Return an account number with its hyphens: the utility's where they are known, else those that were read."""
    digits = candidate.value
    for groups in account.groups:
        if sum(groups) == len(digits):
            ends = [sum(groups[: index + 1]) for index in range(len(groups))]
            return "-".join(digits[end - size : end] for end, size in zip(ends, groups, strict=True))
    read = re.sub(r"[^\d-]", "", "".join(token.text for token in candidate.tokens))
    return read if read.replace("-", "") == digits else digits


def may_be_misread(winner: str, rival: str) -> bool:
    """Return whether one number may be the other with one slip of OCR."""
    return winner != rival and Levenshtein.distance(winner, rival, score_cutoff=1) <= 1


def pods(planes: Sequence[TextPlane], anchors: Iterable[Anchor], utility: UtilityProfile) -> Iterator[Candidate[str]]:
    """Yield the candidates of PoD IDs, electric and gas; the caller tells them apart by format and section."""
    formats = utility.pod
    labelled = {id(t) for a in anchors if a.name == "pod_id" for _, phrase in _places(a) for t in phrase.tokens}
    for plane in planes:
        for phrase in plane.phrases:
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
                    yield Candidate(value, confidence, plane.page, tokens, "label left" if near else "format")


def _pod(tokens: Sequence[Token], formats: PodFormat) -> tuple[str, float] | None:
    """Read a PoD ID from words; also return how many OCR errors were corrected. None if it is not one."""
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


def _account(tokens: Sequence[Token], page: int, how: str, account: AccountFormat) -> Iterator[Candidate[str]]:
    read = digits_of("".join(token.text.strip(".,:;") for token in tokens))
    if read is None or not account.admits(read[0]) or not is_whole(tokens, account):
        return
    digits, slips = read
    text = "-".join(bare for token in tokens if (bare := token.text.strip(".,:;-–—")))
    grouped = bool(GROUPED.match(text)) and [len(g) for g in re.split("[–—-]+", text)] in [
        list(g) for g in account.groups
    ]
    in_boxes = tokens[0].comb and len(tokens) == 1
    if in_boxes and GAP in tokens[0].text and not grouped:
        return  # an empty box: a group's end, or a digit that was not read
    if account.needs_groups and not (grouped and _is_parted(tokens)) and not (in_boxes and how):
        return
    if not how and not (grouped and (account.prefixes or account.needs_groups)):
        return
    sure = certainty(tokens) * (1 - _SLIP) ** slips
    known = 0.98 if grouped and account.prefixes else 0.97 if grouped or account.prefixes else 0.93
    yield Candidate(digits, sure * known * (1 if how else 0.93), page, tokens, how or "format")


def _followed(
    anchor: Anchor, how: str, phrase: Phrase, tokens: Sequence[Token], account: AccountFormat
) -> tuple[list[Candidate[str]], bool]:
    """Look on for the rest of a labelled number that breaks off: after a gap, or in the line below.

    Returns:
        The number with its rest, if only that makes it whole; and whether it is none without: a dash ends it, it is only the
        end of a masked one, or digits follow that may belong to it.
    """
    goes_on = is_open(phrase, tokens)
    if is_masked(phrase, tokens) or (tokens[-1] is not phrase.tokens[-1] and not goes_on):
        return [], is_masked(phrase, tokens)
    alone = not goes_on and any(_account(tokens, anchor.plane.page, how, account))
    for rest in rests(anchor, how, phrase, under=not alone):
        numbers = list(_account([*tokens, *rest], anchor.plane.page, how, account))
        if numbers:
            # Where both may be it, or nothing is known of its length, it cannot be told.
            told = numbers if not alone and (account.groups or goes_on) else []
            return [replace(number, confidence=_JOINED * number.confidence) for number in told], True
    return [], goes_on


def _is_parted(tokens: Sequence[Token]) -> bool:
    """Return whether a dash parts the groups, or the room that a lost one leaves; a word cut in two leaves none."""
    dashed = any(DASH.search(token.text) for token in tokens)
    return dashed or all(after.left - before.right > _DASH_ROOM * before.height for before, after in pairwise(tokens))


def _of_suppliers(anchors: Iterable[Anchor]) -> set[int]:
    """Return the words of the lines under a supplier's heading: a number there is the supplier's, whatever its label."""
    return {
        id(token)
        for anchor in anchors
        if anchor.name == "supplier" and anchor.first == 0
        for line in anchor.below(_SUPPLIER_LINES)
        for phrase in anchor.plane.row(line)[:4]
        if phrase.left - line.left < _SUPPLIER_WIDTH
        for token in phrase.tokens
    }


def _completed(tokens: Sequence[Token], page: int, how: str, account: AccountFormat) -> Iterator[Candidate[str]]:
    """Yield a number whose first group lost one digit of the prefix that all of the utility's numbers share.

    OCR often misses a 1 at the beginning of a line. This is not a guess: label, hyphens and the other groups are there, and
    only one digit in one place restores the prefix. The confidence stays low enough that somebody compares it.
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
                    yield Candidate(value, _COMPLETED * certainty(tokens), page, tokens, COMPLETED)


def _scan_line(phrase: Phrase, page: int, account: AccountFormat) -> Iterator[Candidate[str]]:
    if account.scan_line is None:
        return
    text = "".join(token.text for token in phrase.tokens)
    match = account.scan_line.fullmatch(text)
    if match and account.admits(match["account"]):
        yield Candidate(match["account"], 0.6 * certainty(phrase.tokens), page, phrase.tokens, "scan line")

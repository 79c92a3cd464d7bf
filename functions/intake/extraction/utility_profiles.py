"""Profiles of each utility's bills: one TOML file for each utility in `utilities/`, on top of `_common.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class AccountFormat:
    """How account numbers look.

    Attributes:
        digits: Counts that occur.
        groups: Groups that hyphens make of them.
        prefixes: What all begin with; empty if not known.
        needs_groups: Whether a number without its hyphens belongs to somebody else.
        scan_line: Pattern of the stub's machine-readable line with groups `account` and `amount`; None if not known.
    """

    digits: frozenset[int]
    groups: Sequence[Sequence[int]] = ()
    prefixes: Sequence[str] = ()
    needs_groups: bool = False
    scan_line: re.Pattern[str] | None = None

    def admits(self, digits: str) -> bool:
        """Return whether count and prefix fit."""
        return len(digits) in self.digits and (not self.prefixes or digits.startswith(tuple(self.prefixes)))


@dataclass(frozen=True)
class PodFormat:
    """How PoD IDs look.

    Attributes:
        shape: Pattern of all of them with groups `letters` and `digits`; where digits belong, any sign, since OCR slips.
        electric: Pattern of electric ones.
        gas: Pattern of those of gas.
        usual: What all electric ones seen so far look like.
        printed: Whether it is known that the utility prints them: then one without its label is one too.
    """

    shape: re.Pattern[str]
    electric: re.Pattern[str]
    gas: re.Pattern[str]
    usual: re.Pattern[str]
    printed: bool


@dataclass(frozen=True, eq=False)
class UtilityProfile:
    """One utility's bills, or those of an unknown one.

    Attributes:
        name: As in the form; "" for an unknown utility.
        names: What it calls itself on paper.
        titles: Longer phrases with its name that only its own bills print.
        marks: Phrases that only its bills print together, to recognize them if the name is cut off or unreadable.
        not_names: Names of others that resemble its own.
        prints_pod: Whether its bills carry a PoD ID as far as known; None if not known.
        account: Format of account numbers.
        pod: Format of PoD IDs.
        day_count: How the printed number of days counts the period: `inclusive`, `plain` or `either`.
        period_other: Words before or over a range of dates that is not the period of the bill.
        period_plain: Words that may stand beside such a range without its label.
        labels: By field.
        usage: Lines that tell use: `billed` labels, patterns of `part` and `other` lines.
        sections: Headings by kind of service.
        meter: Pattern of meter numbers, without suffix.
        meter_suffix: Pattern of what marks the registers of one meter; None if nothing does.
        rate: Pattern of the rate's line with the group `rate`; None to take the label's value.
        name_above: Field over whose label the customer's name stands; "" if the name has a label.
        history: Titles of the table of months in kWh, and of other tables of months.
        pages: Phrases by kind of page.
        photograph: The page with PoD ID and use, in words for the agent; "" if not known.
    """

    name: str
    names: Sequence[str]
    titles: Sequence[str]
    marks: Sequence[str]
    not_names: Sequence[str]
    prints_pod: bool | None
    account: AccountFormat
    pod: PodFormat
    day_count: str
    period_other: re.Pattern[str]
    period_plain: frozenset[str]
    labels: Mapping[str, Sequence[str]]
    usage: Mapping[str, Sequence[str]]
    sections: Mapping[str, Sequence[str]]
    meter: re.Pattern[str] | None
    meter_suffix: re.Pattern[str] | None
    rate: re.Pattern[str] | None
    name_above: str
    history: Mapping[str, Sequence[str]]
    pages: Mapping[str, Sequence[str]]
    photograph: str


@cache
def utilities() -> Sequence[UtilityProfile]:
    """Return all known utilities in the order of their file names."""
    folder = resources.files(__package__) / "utilities"
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml") and entry.name[0] != "_")
    return [_utility(_load(name)) for name in files]


@cache
def unknown() -> UtilityProfile:
    """Return the profile for a bill whose utility is not recognized."""
    return _utility({"name": "", "names": []})


@cache
def _load(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / "utilities" / name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def _utility(own: Mapping[str, Any]) -> UtilityProfile:
    common = _load("_common.toml")

    def table(key: str) -> dict[str, Any]:
        return {**common.get(key, {}), **own.get(key, {})}

    account, pod, meter = table("account"), table("pod"), table("meter")
    pages = table("pages")
    return UtilityProfile(
        name=own["name"],
        names=own["names"],
        titles=own.get("titles", ()),
        marks=own.get("marks", ()),
        not_names=own.get("not_names", ()),
        prints_pod=True if "pod" in own else own.get("prints_pod"),
        account=AccountFormat(
            frozenset(account["digits"]),
            account.get("groups", ()),
            account.get("prefixes", ()),
            account.get("needs_groups", False),
            _pattern(account.get("scan_line")),
        ),
        pod=PodFormat(
            **{kind: re.compile(pod[kind]) for kind in ("shape", "electric", "gas", "usual")}, printed="pod" in own
        ),
        day_count=table("period").get("day_count", "either"),
        period_other=re.compile("|".join(table("period")["other"]), re.IGNORECASE),
        period_plain=frozenset(table("period")["plain"]),
        labels=table("labels"),
        usage=table("usage"),
        sections=table("sections"),
        meter=_pattern(meter.get("pattern")),
        meter_suffix=_pattern(meter.get("suffix")),
        rate=_pattern(table("rate").get("pattern")),
        name_above=table("customer_name").get("above", ""),
        history=table("history"),
        pages={kind: phrases for kind, phrases in pages.items() if kind != "photograph"},
        photograph=pages.get("photograph", ""),
    )


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text, re.IGNORECASE) if text else None

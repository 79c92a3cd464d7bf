"""Extracts the fields of a bill: recognizes the utility, finds labels, collects candidates, and reports what is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from intake.extraction import addresses, details, history, names, numbers, period, postal, stacked, usage, utility_signs
from intake.extraction.attention import LOW
from intake.extraction.candidates import REPORTED, Candidate, Resolution, V, one_spelling, resolve
from intake.extraction.geometry import MAX_WORDS, PAGE_WORDS, TextPlane, planes
from intake.extraction.labels import compact
from intake.extraction.period import Period
from intake.extraction.result import Diagnostics, Found, Reading, Value
from intake.extraction.sections import Sections
from intake.extraction.utility_choice import Numbered, Seen, choose
from intake.extraction.utility_profiles import UtilityProfile, utilities
from intake.model import PageWords, Quad

_FOREIGN_PERIOD = 400  # days: no bill is issued longer after the start of its period
_DOUBTFUL_WORD = 0.75
_ESTIMATE = 0.5
_PLACE = 0.75
_YEAR_BEYOND = 3  # times one period's use: what a whole year's is more than
_KEY = 0.8  # a wrong account number or PoD ID enrolls somebody else
_UNMETERED = 0.8
_NAMED = 0.7  # a utility whose profile is used to look for a second bill
_BY_POSITION = LOW - 0.01


def read_bill(pages: Sequence[PageWords], submitted: date | None = None) -> Reading:
    """Read the fields of one bill from the words of its pages.

    Nothing is guessed. A value must have its utility's format and a label, or be confirmed by another one on the pages. A
    value that fails a check, or conflicts with another, is left out and named in the diagnostics. Only the places of the
    words matter, not their order.

    Args:
        pages: All pages of the submission, in any order.
        submitted: The day of the submission; no bill is of a later one.

    Returns:
        The fields that are sure, each with its evidence, and the diagnostics for `attention`.
    """
    reading, under = _read(pages, submitted)
    if not under:
        return reading
    on_top = [
        replace(page, words=[word for word in page.words if (page.page, word.quad) not in under]) for page in pages
    ]
    reading, _ = _read(on_top, submitted)
    return replace(reading, diagnostics=replace(reading.diagnostics, second_bill=True))


def _read(pages: Sequence[PageWords], submitted: date | None) -> tuple[Reading, set[tuple[int, Quad]]]:
    """Extract the fields; also return which words belong to another bill under this one."""
    share = min(PAGE_WORDS[-1], max(PAGE_WORDS[0], MAX_WORDS // max(1, len(pages))))
    laid = [plane for page in sorted(pages, key=lambda page: page.page) for plane in planes(page, share)]
    named = utility_signs.utility_candidates(a for plane in laid for a in utility_signs.name_labels().find(plane))
    numbered = Numbered(laid)
    named += utility_signs.layout_candidates(laid, lambda utility: bool(numbered.by(utility).numbers))
    utility, contradicting = choose(numbered, named)
    bill = _Bill(laid, utility, numbered.by(utility), contradicting, submitted)
    bill.read_utility(named)
    bill.read_numbers()
    bill.read_period()
    bill.read_use()
    bill.read_place()
    bill.read_details()
    eyes = {candidate.value for candidate in named if candidate.confidence >= _NAMED} | {utility.name}
    accounts = [number for known in utilities() if known.name in eyes for number in numbered.by(known).accounts]
    return Reading(bill.fields, bill.diagnostics(pages)), stacked.lying_under(laid, accounts, named)


def _unsure_by_position(resolution: Resolution[V]) -> Resolution[V]:
    """Return a resolution that is to be compared with the bill if nothing but its place tells what a value is."""
    if resolution.best is None or resolution.best.how != "position":
        return resolution
    return replace(resolution, confidence=min(resolution.confidence, _BY_POSITION))


@dataclass
class _Bill:
    """A bill being read: what is found so far."""

    planes: Sequence[TextPlane]
    utility: UtilityProfile
    seen: Seen
    contradicting: str
    submitted: date | None
    fields: dict[str, Found] = field(default_factory=dict)
    conflicting: list[str] = field(default_factory=list)
    low_confidence: list[str] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
    span: Period | None = None
    several: bool = False

    def __post_init__(self) -> None:
        self.anchors = self.seen.anchors
        self.sections = Sections(self.anchors)

    def report(
        self, name: str, resolution: Resolution[Any], value: Value | None = None, least: float = REPORTED
    ) -> bool:
        """Record a resolution: as a field if it is certain enough, else as a conflicting or low-confidence one."""
        if resolution.best is not None and resolution.sure and resolution.confidence >= least:
            self.fields[name] = resolution.found(value if value is not None else resolution.best.value)
        elif resolution.conflicting:
            self.conflicting.append(name)
        elif resolution.best is not None:
            self.low_confidence.append(name)
        return name in self.fields

    def read_utility(self, named: Sequence[Candidate[str]]) -> None:
        """Report the utility if its names and its numbers agree."""
        seen = list(named)
        if self.utility.account.prefixes:
            seen += [
                replace(s, value=self.utility.name, confidence=0.9 * s.confidence, how="number format")
                for s in self.seen.numbers
            ]
        resolution = resolve(seen, outvoted=0.9)
        if resolution.best is not None and resolution.best.value == self.utility.name:
            self.report("utility", resolution)
        elif self.contradicting:
            self.conflicting.append("utility")

    def read_numbers(self) -> None:
        """Report account number and electric PoD ID."""
        resolution = resolve(self.seen.accounts, misread=numbers.may_be_misread, outvoted=0.35)
        if self.report("account_number", resolution, least=_KEY) and resolution.best is not None:
            self.report("account_number_printed", resolution, numbers.printed(resolution.best, self.utility.account))
        pods = [pod for pod in self.seen.pods if self.utility.pod.electric.fullmatch(pod.value)]
        metered = [
            pod
            if self.sections.is_metered(self.planes, pod.page, pod.tokens[0])
            else replace(pod, confidence=_UNMETERED * pod.confidence)
            for pod in pods
            if self.sections.of(self.planes, pod.page, pod.tokens[0]) not in ("gas", "lighting")
        ]
        self.report("pod_id", resolve(metered, outvoted=0.35), least=_KEY)

    def read_period(self) -> None:
        """Report period and statement date; a statement precedes no period's end."""
        self.days = period.day_counts(self.planes, self.anchors, self.sections)
        other = self.utility.period_other
        issued = resolve(period.statement_dates(self.anchors, other, self.submitted))
        plain = self.utility.period_plain
        limits = period.Limits(issued.best.value if issued.best and issued.sure else None, self.submitted, other, plain)
        seen = period.periods(self.planes, self.anchors, self.sections, self.days, self.utility, limits)
        resolution = resolve(seen)
        self.several = period.are_several(seen)
        self.span = resolution.best.value if resolution.best is not None else None
        if resolution.sure and resolution.best is not None:
            self.report("period_start", resolution, resolution.best.value[0].isoformat())
            self.report("period_end", resolution, resolution.best.value[1].isoformat())
        else:
            self.report("period_end", resolution)
        if issued.best is not None and resolution.sure and resolution.best is not None:
            after = (issued.best.value - resolution.best.value[1]).days
            if not -1 <= after <= _FOREIGN_PERIOD:
                issued = replace(issued, confidence=0.0)
        self.report("statement_date", issued, issued.best.value.isoformat() if issued.best else None)

    def read_use(self) -> None:
        """Report the use of the period, the net where one is printed, and the annual use printed or estimated."""
        start, end = self._date("period_start"), self._date("period_end")
        use = usage.read_use(self.planes, self.anchors, self.sections, self.utility, self.span, self.days)
        resolution = use.delivered
        if self.several:  # two bills: their figures must not be mixed
            resolution = replace(resolution, conflicting=resolution.best is not None)
        self.report("kwh", resolution)
        if use.net.sure and not self.several:
            self.report("net_kwh", use.net)
        kwh = int(self.fields["kwh"].value) if "kwh" in self.fields else None  # type: ignore[arg-type]
        tables = history.annual(self.planes, self.anchors, (end.year, end.month) if end else None, kwh)
        annual = resolve([*tables, *(printed for printed in use.annual if printed.value > _YEAR_BEYOND * (kwh or 0))])
        if self.report("annual_kwh", annual) and annual.best is not None:
            self.report("annual_kwh_basis", annual, "12 months printed")
        elif kwh is not None and start and end:
            days = (end - start).days + (self.utility.day_count == "inclusive")
            evidence = self.fields["kwh"]
            confidence = _ESTIMATE * evidence.confidence
            how = "estimated from one period"
            self.fields["annual_kwh"] = replace(evidence, value=round(kwh * 365 / days), confidence=confidence, how=how)
            self.fields["annual_kwh_basis"] = replace(evidence, value=how, how=how)

    def read_place(self) -> None:
        """Report service address and customer name; a name is sure if a mailing block or a second page repeats it."""
        where = list(addresses.addresses(self.anchors))
        who = list(names.names(self.planes, self.anchors, self.utility))
        labels = self.utility.labels
        if not where and labels["service_address"] == labels["customer_name"]:  # one block, so its place tells both
            is_label = partial(names.is_label, utility=self.utility)
            for address, first in addresses.headed_blocks(self.planes, self.anchors, is_label):
                where.append(address)
                if names.is_name(first.text):
                    name = postal.tidy(first.text)
                    who.append(Candidate(name, 0.9 * first.confidence, address.page, first.tokens, "position"))
        resolution = _unsure_by_position(
            resolve(one_spelling(where, lambda address: compact(postal.one_line(address))))
        )
        if resolution.best is not None:
            found = resolution.best.value
            if self.report("service_address", resolution, postal.one_line(found), least=_PLACE):
                self.report("service_address_parts", resolution, postal.parts(found))
        self.report("customer_name", _unsure_by_position(resolve(one_spelling(who, compact))))

    def read_details(self) -> None:
        """Report meter number, rate class and amount due."""
        self.report("meter_number", resolve(details.meters(self.planes, self.anchors, self.sections, self.utility)))
        self.report("rate_class", resolve(details.rates(self.planes, self.anchors, self.sections, self.utility)))
        due = resolve(details.amounts(self.anchors))
        self.report("amount_due", due, float(due.best.value) if due.best else None, least=_KEY)

    def diagnostics(self, pages: Sequence[PageWords]) -> Diagnostics:
        """Return what `attention` needs besides the fields."""
        words = [word for page in pages for word in page.words]
        kinds = utility_signs.page_kinds(self.planes, self.utility)
        marks = {name for counts in kinds.values() for name, count in counts.items() for _ in range(count)}
        electric = "electric" in self.sections.kinds or "kwh" in self.fields or "pod_id" in self.fields
        return Diagnostics(
            words=len(words),
            unsure=round(sum(word.confidence < _DOUBTFUL_WORD for word in words) / len(words), 3) if words else 0.0,
            bill_marks=sum(count for counts in kinds.values() for count in counts.values()) if marks else 0,
            page_kinds={
                str(page): tuple(sorted(k for k, n in counts.items() if k != "bill" and n >= 2))
                for page, counts in kinds.items()
            },
            printed_pages={str(page): number for page, number in utility_signs.printed_pages(self.planes).items()},
            photograph=self.utility.photograph,
            electric=electric,
            gas="gas" in self.sections.kinds,
            prints_pod=self.utility.prints_pod,
            account_cut="account_number" not in self.fields
            and numbers.account_label_without_number(self.anchors, self.utility.account),
            conflicting=tuple(self.conflicting),
            low_confidence=tuple(self.low_confidence),
            contradicting=self.contradicting,
        )

    def _date(self, name: str) -> date | None:
        return date.fromisoformat(str(self.fields[name].value)) if name in self.fields else None

"""The valves of the public form: whose address counts, what is refused when, and what is kept of where a bill came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from intake.backlog_metrics import BacklogMetrics
from intake.errors import ClientQuotaExceeded, DailyQuotaExceeded, PageQuotaExceeded, TemporaryError, TooManySubmissions
from intake.rate_limits import Admission, Caller

from tests.support.fakes import an_intake


@dataclass
class Counts:
    """Answers what it is told to, and notes what it was asked."""

    pages: int = 0
    client_pages: int = 0
    submissions: dict[str, int] = field(default_factory=dict)
    clients: tuple[str, ...] = ()
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    oldest: datetime | None = None
    due: int = 0
    down: bool = False

    def pages_since(self, since: datetime, clients: Sequence[str] = ()) -> int:
        if self.down:
            raise TemporaryError
        assert len(clients) <= 30
        if clients:
            self.clients = tuple(clients)
        assert timedelta(hours=23, minutes=59) < datetime.now(UTC) - since < timedelta(hours=24, minutes=1)
        return self.client_pages if clients else self.pages

    def submissions_since(self, field: str, hashes: Sequence[str], since: datetime, most: int) -> int:
        self.asked.append((field, tuple(hashes)))
        return min(most, self.submissions.get(field, 0))

    def oldest_unfinished(self) -> datetime | None:
        return self.oldest

    def rows_due(self) -> int:
        return self.due


def admission(counts: Counts, pages: int = 100, client: int = 3, peer: int = 30, key: str = "key") -> Admission:
    return Admission(counts, pages, client, peer, key)  # type: ignore[arg-type]


CALLER = Caller("198.51.100.9", "203.0.113.7")


@pytest.mark.parametrize(
    ("headers", "client", "peer"),
    [
        ({}, "192.0.2.1", "192.0.2.1"),
        ({"X-Forwarded-For": "198.51.100.9"}, "198.51.100.9", "198.51.100.9"),
        ({"X-Forwarded-For": "198.51.100.9, 203.0.113.7"}, "198.51.100.9 203.0.113.7", "203.0.113.7"),
        (
            {"X-Forwarded-For": "10.0.0.1,10.0.0.2,198.51.100.9,203.0.113.7"},
            "10.0.0.2 198.51.100.9 203.0.113.7",
            "203.0.113.7",
        ),
        (
            {"X-Forwarded-For": "203.0.113.7", "Fastly-Client-IP": "198.51.100.9"},
            "198.51.100.9 203.0.113.7",
            "203.0.113.7",
        ),
        ({"X-Forwarded-For": "<script>, 203.0.113.7", "Fastly-Client-IP": "x" * 9999}, "203.0.113.7", "203.0.113.7"),
        ({"X-Forwarded-For": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ({"X-Forwarded-For": ", ,"}, "192.0.2.1", "192.0.2.1"),
        ({"X-Forwarded-For": "unknown"}, "", ""),
    ],
)
def test_whose_address(headers: dict[str, str], client: str, peer: str) -> None:
    """The peer is the last hop, which nobody can forge; the client is the trail that ends there."""
    assert Caller.of(headers.get, "192.0.2.1") == Caller(client, peer)


VICTIM, FORGER, EDGE, SHIELD = "198.51.100.9", "192.0.2.66", "203.0.113.7", "203.0.113.8"


@pytest.mark.parametrize("named", [VICTIM, f" {VICTIM} ", ""])
@pytest.mark.parametrize("written", [[], [VICTIM], [VICTIM, EDGE], [VICTIM, EDGE, SHIELD], [VICTIM, VICTIM, VICTIM]])
@pytest.mark.parametrize("way", [[], [EDGE], [EDGE, SHIELD]], ids=["straight to us", "through an edge", "through two"])
def test_a_forged_address_locks_nobody_out(named: str, written: list[str], way: list[str]) -> None:
    """Whatever a stranger writes into his headers, he is never counted as the one whose address he uses."""

    def seen(client: str, written: list[str], named: str) -> Caller:
        headers = {"X-Forwarded-For": ", ".join([*written, client, *way]), "Fastly-Client-IP": named}
        return Caller.of(headers.get, "169.254.1.1")

    assert seen(FORGER, written, named).client != seen(VICTIM, [], VICTIM).client


def test_an_intake_carries_hashes_that_change_every_hour() -> None:
    """What is kept counts within two hours, and holds neither the address nor what it was yesterday."""
    counts = Counts()
    origin = admission(counts).admit(CALLER)
    assert set(origin) == {"client", "peer"}
    assert all(re.fullmatch(r"[0-9a-f]{32}", value) for value in origin.values())
    (_, (this_hour, last_hour)), _ = counts.asked
    assert origin["client"] == this_hour != last_hour
    assert admission(Counts(), key="other").admit(CALLER)["client"] != origin["client"]


@pytest.mark.parametrize(
    ("submissions", "limit"), [({"client": 3}, 3), ({"client": 2, "peer": 30}, 30), ({"client": 2, "peer": 29}, None)]
)
def test_too_many_from_one_place(submissions: dict[str, int], limit: int | None) -> None:
    """The limit is what may come, for the client and for the peer; one more is refused."""
    valves = admission(Counts(submissions=submissions))
    if limit is None:
        valves.admit(CALLER)
        return
    with pytest.raises(TooManySubmissions, match=f"at most {limit} within an hour"):
        valves.admit(CALLER)


@pytest.mark.parametrize(("pages", "refused"), [(99, False), (100, True), (101, True)])
def test_the_pages_of_the_day(pages: int, refused: bool) -> None:
    """New submissions are refused once the budget is spent."""
    valves = admission(Counts(pages=pages))
    if refused:
        with pytest.raises(DailyQuotaExceeded, match="limit of 100 pages"):
            valves.admit(CALLER)
    else:
        valves.admit(CALLER)


@pytest.mark.parametrize(("taken", "pages", "refused"), [(150, 50, False), (150, 51, True), (0, 200, False)])
def test_pages_that_come_to_light_later(taken: int, pages: int, refused: bool) -> None:
    """A bill that was let in is refused when its pages, once counted, go beyond twice the budget."""
    valves = admission(Counts(pages=taken))
    if refused:
        with pytest.raises(PageQuotaExceeded):
            valves.take_pages(an_intake(), pages)
    else:
        valves.take_pages(an_intake(), pages)


@pytest.mark.parametrize(("taken", "refused"), [(19, False), (20, True)])
def test_a_client_has_a_share_of_the_day(taken: int, refused: bool) -> None:
    """Who has had a fifth of the day's pages read within a day waits; all others go on."""
    counts = Counts(pages=taken, client_pages=taken)
    valves = admission(counts)
    if refused:
        with pytest.raises(
            TooManySubmissions, match=r"Too many pages .* at most 20 within a day\. Send this one again tomorrow"
        ):
            valves.admit(CALLER)
        return
    origin = valves.admit(CALLER)
    assert origin["client"] == counts.clients[0]
    assert len(set(counts.clients)) == 25


@pytest.mark.parametrize(("taken", "pages", "refused"), [(1, 20, False), (1, 21, True), (12, 9, False), (12, 10, True)])
def test_a_share_is_held_once_pages_are_known(taken: int, pages: int, refused: bool) -> None:
    """Bills that came in together, before their pages were known, are held to the share when they are counted."""
    counts = Counts(client_pages=taken)
    intake = replace(an_intake(), origin={"client": "hash"})
    if refused:
        with pytest.raises(ClientQuotaExceeded):
            admission(counts).take_pages(intake, pages)
    else:
        admission(counts).take_pages(intake, pages)
        assert counts.clients == ("hash",)


def test_without_limits_nothing_is_asked() -> None:
    """On one machine there are no valves, and no reads for them."""
    counts = Counts(down=True)
    valves = admission(counts, pages=0, client=0, peer=0, key="")
    assert valves.admit(CALLER) == {}
    valves.take_pages(an_intake(), 500)
    assert admission(Counts(), key="").admit(CALLER) == {}
    assert counts.asked == []


def test_a_valve_that_cannot_count_lets_nothing_through() -> None:
    """Firestore does not answer: the submission is refused as in any other outage, to be sent again."""
    with pytest.raises(TemporaryError):
        admission(Counts(down=True)).admit(CALLER)


@pytest.mark.parametrize(("pages", "warned"), [(79, False), (80, True)])
def test_the_report(pages: int, warned: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Each sweep writes what the alerts look at, and warns from four fifths of the budget on."""
    oldest = datetime.now(UTC) - timedelta(minutes=20)
    BacklogMetrics(Counts(pages=pages, oldest=oldest, due=7), 100).report()  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert re.search(r'"message": "backlog".*"oldest_s": 120\d, "rows_due": 7, "pages_day": ' + str(pages), out)
    assert ("page quota nearly used up" in out) == warned
